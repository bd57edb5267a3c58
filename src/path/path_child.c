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
static struct esp_sa_settings sa_settings(const struct path_child *from, enum packet_direction direction,
                                          struct esp_live *live)
{
    bool outbound = direction == PACKET_OUTBOUND;
    const struct path_keys *keys = outbound ? &from->outbound : &from->inbound;
    struct esp_sa_settings settings = {
        .direction = direction,
        .spi = outbound ? from->outbound_spi : from->inbound_spi,
        .encryption = encryption_by_id(from->encryption, from->encryption_bits),
        .integrity = integrity_by_id(from->integrity),
        .anti_replay = (from->flags & PATH_CHILD_ANTI_REPLAY) != 0,
        .selectors = {from->local, from->remote, from->local_count, from->remote_count},
        .live = live,
    };
    if (settings.encryption != NULL)
        settings.encryption_key =
            (struct octets){keys->encryption, settings.encryption->key_size + settings.encryption->salt_size};
    if (settings.integrity != NULL)
        settings.integrity_key = (struct octets){keys->integrity, settings.integrity->key_size};
    return settings;
}

/* False if the library refuses a setting or memory ran out. */
static bool child_make_sas(struct path *path, struct child *child, const struct path_child *from)
{
    const struct esp_sa_settings inbound = sa_settings(from, PACKET_INBOUND, child->live);
    const struct esp_sa_settings outbound = sa_settings(from, PACKET_OUTBOUND, child->live);
    child->inbound = esp_sa_new(path->esp, &inbound);
    child->outbound = esp_sa_new(path->esp, &outbound);
    return child->inbound != NULL && child->outbound != NULL;
}

static bool way_is_complete(const struct path_way *way)
{
    return !way->encapsulated || way->remote.port != 0;
}

/* The endpoint that packets from the peer are compared with. */
static struct ip_endpoint way_remote(const struct path_way *way)
{
    struct ip_endpoint remote = way->remote;
    if (!way->encapsulated)
        remote.port = 0;
    return remote;
}

static enum path_result path_child_check(const struct path *path, const struct path_child *from)
{
    if (from->inbound_spi < 256 || from->outbound_spi < 256 || from->slot >= path->live_count)
        return PATH_INVALID;
    if (encryption_by_id(from->encryption, from->encryption_bits) == NULL)
        return PATH_INVALID;
    if (from->integrity != AUTH_NONE && integrity_by_id(from->integrity) == NULL)
        return PATH_INVALID;
    if (from->local_count < 1 || from->local_count > ESP_SELECTORS_MAX || from->remote_count < 1 ||
        from->remote_count > ESP_SELECTORS_MAX)
        return PATH_INVALID;
    if (map_find(&path->tunnels, from->tunnel) == NULL)
        return PATH_NO_TUNNEL;
    if (path_owner(path->worker_count, from->inbound_spi) != path_owner(path->worker_count, from->tunnel))
        return PATH_INVALID;
    if (map_find(&path->children, from->inbound_spi) != NULL)
        return PATH_EXISTS;
    return PATH_OK;
}

enum path_result path_child_install(struct path *path, uint64_t request, const struct path_child *from)
{
    enum path_result result = path_child_check(path, from);
    if (result != PATH_OK)
        return result;
    struct child *child = calloc(1, sizeof *child);
    if (child == NULL)
        return PATH_NO_MEMORY;

    child->tunnel = map_find(&path->tunnels, from->tunnel);
    child->spi = from->inbound_spi;
    child->flags = from->flags;
    child->keepalive = (msec_t)from->keepalive * 1000;
    child->remote = way_remote(&from->way);
    result = PATH_INVALID;
    if (!wire_way_from(&child->way, &from->way) || !way_is_complete(&from->way))
        goto refuse;
    result = child_take_slot(child, &path->live[from->slot]);
    if (result == PATH_SLOT_TAKEN) {
        /* By one that is about to go, since whoever chose the slot thinks it free. */
        path_settle(path);
        result = child_take_slot(child, &path->live[from->slot]);
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
                  .kind = COMMAND_CHILD_INSTALL,
                  .request = request,
                  .tunnel = child->tunnel,
                  .child = child,
              });
    return PATH_OK;

refuse:
    path_child_free(child, child->live_is_fresh);
    return result;
}

/* Posts a command that needs the Child SA to be there. */
static enum path_result path_child_post(struct path *path, uint32_t inbound_spi, struct command command)
{
    command.child = map_find(&path->children, inbound_spi);
    if (command.child == NULL)
        return PATH_NO_CHILD;
    if (!path_reserve(path))
        return PATH_NO_MEMORY;
    command.tunnel = command.child->tunnel;
    path_post(path, path_worker_of(path, inbound_spi), &command);
    return PATH_OK;
}

enum path_result path_child_remove(struct path *path, uint64_t request, uint32_t inbound_spi)
{
    struct child *child = map_find(&path->children, inbound_spi);
    enum path_result result = path_child_post(
        path, inbound_spi, (struct command){.kind = COMMAND_CHILD_REMOVE, .request = request});
    if (result != PATH_OK)
        return result;
    (void)map_remove(&path->children, inbound_spi);
    TAILQ_REMOVE(&child->tunnel->known, child, known);
    return PATH_OK;
}

enum path_result path_child_activate(struct path *path, uint64_t request, uint32_t inbound_spi)
{
    return path_child_post(path, inbound_spi,
                           (struct command){.kind = COMMAND_CHILD_ACTIVATE, .request = request});
}

enum path_result path_child_stop(struct path *path, uint64_t request, uint32_t inbound_spi)
{
    return path_child_post(path, inbound_spi,
                           (struct command){.kind = COMMAND_CHILD_STOP, .request = request});
}

enum path_result path_child_complete(struct path *path, uint64_t request, uint32_t inbound_spi)
{
    return path_child_post(path, inbound_spi,
                           (struct command){.kind = COMMAND_CHILD_COMPLETE, .request = request});
}

enum path_result path_child_redirect(struct path *path, uint64_t request, uint32_t inbound_spi,
                                     const struct path_way *way)
{
    struct command command = {
        .kind = COMMAND_CHILD_REDIRECT,
        .request = request,
        .remote = way_remote(way),
    };
    if (!wire_way_from(&command.wire_way, way) || !way_is_complete(way))
        return PATH_INVALID;
    return path_child_post(path, inbound_spi, command);
}
