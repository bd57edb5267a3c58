/* The controller's functions for Child SAs. */
#include <stdlib.h>
#include <string.h>

#include "path/controller.h"

/* Takes a slot for a Child SA: a free one is prepared, one with the SA's own state is resumed. */
static enum path_result child_take_slot(struct child *child, struct esp_live *live)
{
    uint32_t version = __atomic_load_n(&live->version, __ATOMIC_ACQUIRE);
    if (version == ESP_LIVE_VERSION && live->inbound_spi == child->spi) {
        child->live = live;
        return PATH_OK;
    }
    if (version != 0)
        return PATH_SLOT_TAKEN;
    memset(live, 0, sizeof *live);
    live->inbound_spi = child->spi;
    __atomic_store_n(&live->version, ESP_LIVE_VERSION, __ATOMIC_RELEASE);
    child->live = live;
    child->live_is_fresh = true;
    return PATH_OK;
}

void path_child_free(struct child *child, bool release)
{
    if (release && child->live != NULL)
        __atomic_store_n(&child->live->version, 0, __ATOMIC_RELEASE);
    esp_sa_free(child->inbound);
    esp_sa_free(child->outbound);
    free(child);
}

/* What one direction's SA is made of. */
static struct esp_sa_settings sa_settings(const struct child_settings *from, enum packet_direction direction,
                                          struct esp_live *live)
{
    bool outbound = direction == PACKET_OUTBOUND;
    const struct child_direction *own = outbound ? &from->outbound : &from->inbound;
    struct esp_sa_settings settings = {
        .direction = direction,
        .spi = own->spi,
        .encryption = encryption_by_id(from->encryption, from->key_bits),
        .integrity = integrity_by_id(from->integrity),
        .anti_replay = from->anti_replay,
        .selectors = {from->local_ts, from->remote_ts, from->local_ts_count, from->remote_ts_count},
        .live = live,
    };
    if (settings.encryption != NULL)
        settings.encryption_key = (struct octets){own->encryption_key, settings.encryption->key_size +
                                                                           settings.encryption->salt_size};
    if (settings.integrity != NULL)
        settings.integrity_key = (struct octets){own->integrity_key, settings.integrity->key_size};
    return settings;
}

/* False if the library refuses a setting or memory ran out. */
static bool child_make_sas(struct path *path, struct child *child, const struct child_settings *from)
{
    const struct esp_sa_settings inbound = sa_settings(from, PACKET_INBOUND, child->live);
    const struct esp_sa_settings outbound = sa_settings(from, PACKET_OUTBOUND, child->live);
    child->inbound = esp_sa_new(path->esp, &inbound);
    child->outbound = esp_sa_new(path->esp, &outbound);
    return child->inbound != NULL && child->outbound != NULL;
}

static bool way_is_complete(const struct child_destination *way)
{
    return !way->encapsulated || way->remote.port != 0;
}

/* The endpoint that packets from the peer are compared with. */
static struct ip_endpoint way_remote(const struct child_destination *way)
{
    struct ip_endpoint remote = way->remote;
    if (!way->encapsulated)
        remote.port = 0;
    return remote;
}

static enum path_result path_child_check(const struct path *path, const struct child_settings *from)
{
    if (from->inbound.spi < 256 || from->outbound.spi < 256 || from->live_slot >= path->live_count)
        return PATH_INVALID;
    if (encryption_by_id(from->encryption, from->key_bits) == NULL)
        return PATH_INVALID;
    if (from->integrity != AUTH_NONE && integrity_by_id(from->integrity) == NULL)
        return PATH_INVALID;
    if (from->local_ts_count < 1 || from->local_ts_count > ESP_SELECTORS_MAX || from->remote_ts_count < 1 ||
        from->remote_ts_count > ESP_SELECTORS_MAX)
        return PATH_INVALID;
    if (map_find(&path->tunnels, from->tunnel) == NULL)
        return PATH_NO_TUNNEL;
    if (path_owner(path->worker_count, from->inbound.spi) != path_owner(path->worker_count, from->tunnel))
        return PATH_INVALID;
    if (map_find(&path->children, from->inbound.spi) != NULL)
        return PATH_EXISTS;
    return PATH_OK;
}

static enum path_result path_child_install(struct path *path, uint64_t request,
                                           const struct child_settings *from)
{
    enum path_result result = path_child_check(path, from);
    if (result != PATH_OK)
        return result;
    struct child *child = calloc(1, sizeof *child);
    if (child == NULL)
        return PATH_NO_MEMORY;

    child->tunnel = map_find(&path->tunnels, from->tunnel);
    child->spi = from->inbound.spi;
    child->active_at_once = from->active;
    child->active_when_used = from->active_when_used;
    child->more_to_come = from->more_to_come;
    child->keepalive = (msec_t)from->nat_keepalive * 1000;
    child->remote = way_remote(&from->destination);
    result = PATH_INVALID;
    if (!wire_way_from(&child->way, &from->destination) || !way_is_complete(&from->destination))
        goto refuse;
    result = child_take_slot(child, &path->live[from->live_slot]);
    if (result == PATH_SLOT_TAKEN) {
        /* By one that is about to go, since whoever chose the slot thinks it free. */
        path_settle(path);
        result = child_take_slot(child, &path->live[from->live_slot]);
    }
    if (result != PATH_OK)
        goto refuse;
    result = PATH_NO_MEMORY;
    if (!child_make_sas(path, child, from) || !path_reserve(path) ||
        !map_put(&path->children, child->spi, child))
        goto refuse;

    TAILQ_INSERT_TAIL(&child->tunnel->known, child, known);
    path_post(path, path_worker_of(path, child->spi),
              &(struct command){
                  .kind = COMMAND_CHILD,
                  .change = CHILD_INSTALL,
                  .request = request,
                  .tunnel = child->tunnel,
                  .child = child,
              });
    return PATH_OK;

refuse:
    path_child_free(child, child->live_is_fresh);
    return result;
}

enum path_result path_child_change(struct path *path, uint64_t request, const struct child_command *wanted)
{
    struct command command = {.kind = COMMAND_CHILD, .change = wanted->change, .request = request};
    const struct child_destination *to = &wanted->child.destination;
    if (wanted->change >= CHILD_CHANGE_COUNT)
        return PATH_INVALID;
    if (wanted->change == CHILD_INSTALL)
        return path_child_install(path, request, &wanted->child);
    if (wanted->change == CHILD_REDIRECT) {
        command.remote = way_remote(to);
        if (!wire_way_from(&command.wire_way, to) || !way_is_complete(to))
            return PATH_INVALID;
    }
    command.child = map_find(&path->children, wanted->child.inbound.spi);
    if (command.child == NULL)
        return PATH_NO_CHILD;
    if (!path_reserve(path))
        return PATH_NO_MEMORY;
    command.tunnel = command.child->tunnel;
    path_post(path, path_worker_of(path, command.child->spi), &command);
    if (wanted->change == CHILD_REMOVE) {
        (void)map_remove(&path->children, command.child->spi);
        TAILQ_REMOVE(&command.child->tunnel->known, command.child, known);
    }
    return PATH_OK;
}

size_t path_list_children(const struct path *path, size_t *position, struct path_child *out, size_t max)
{
    size_t count = 0;
    for (; count < max && *position < path->children.capacity; ++*position) {
        const struct child *child = path->children.slots[*position].value;
        if (child == NULL)
            continue;
        out[count++] = (struct path_child){
            .tunnel = child->tunnel->number,
            .inbound_spi = child->spi,
            .outbound_spi = esp_sa_spi(child->outbound),
            .live_slot = (uint32_t)(child->live - path->live),
        };
    }
    return count;
}
