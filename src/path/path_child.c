/* The controller's functions for Child SAs. */
#include <stdlib.h>
#include <string.h>

#include "path/controller.h"

/* Takes a slot for a Child SA: a free one is prepared, one with the Child SA's own state is resumed. */
static enum path_result child_take_slot(struct known_child *child, struct esp_live *live)
{
    uint32_t version = __atomic_load_n(&live->version, __ATOMIC_ACQUIRE);
    if (version == ESP_LIVE_VERSION && live->inbound_spi == child->inbound.spi) {
        child->live = live;
        return PATH_OK;
    }
    if (version != 0)
        return PATH_SLOT_TAKEN;
    memset(live, 0, sizeof *live);
    live->inbound_spi = child->inbound.spi;
    __atomic_store_n(&live->version, ESP_LIVE_VERSION, __ATOMIC_RELEASE);
    child->live = live;
    child->live_is_fresh = true;
    return PATH_OK;
}

/*
 * True if a Child SA of this path has the slot. Else what stands in it was left by one that an earlier path
 * had, whose removal nobody carried out: the engine that asked for it ended, or the path did.
 */
static bool slot_is_in_use(const struct path *path, const struct esp_live *live)
{
    for (size_t i = 0; i < path->children.capacity; i++) {
        const struct known_child *child = path->children.slots[i].value;
        if (child != NULL && child->live == live)
            return true;
    }
    return false;
}

void known_child_free(struct known_child *child, bool release)
{
    if (child == NULL)
        return;
    if (release && child->live != NULL)
        __atomic_store_n(&child->live->version, 0, __ATOMIC_RELEASE);
    esp_sa_free(child->inbound.sa);
    esp_sa_free(child->outbound.sa);
    free(child);
}

/* ---- What the settings become ---------------------------------------------------------------------- */

/* The selectors of a Child SA, as they came. */
static struct traffic_selectors selectors_of(const struct child_settings *from)
{
    return (struct traffic_selectors){from->local_ts, from->remote_ts, from->local_ts_count,
                                      from->remote_ts_count};
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
        .selectors = selectors_of(from),
        .live = live,
    };
    if (settings.encryption != NULL)
        settings.encryption_key = (struct octets){own->encryption_key, settings.encryption->key_size +
                                                                           settings.encryption->salt_size};
    if (settings.integrity != NULL)
        settings.integrity_key = (struct octets){own->integrity_key, settings.integrity->key_size};
    return settings;
}

/* Selectors that hold everything need not be kept. */
static bool selectors_are_kept(const struct child_settings *from)
{
    const struct traffic_selectors both = selectors_of(from);
    return !traffic_selectors_hold_all(&both, IP_V4) || !traffic_selectors_hold_all(&both, IP_V6);
}

/* Copies both lists to `at`. */
static struct traffic_selectors keep_selectors(const struct child_settings *from, struct traffic_selector *at)
{
    struct traffic_selectors kept = selectors_of(from);
    memcpy(at, from->local_ts, from->local_ts_count * sizeof *at);
    memcpy(at + from->local_ts_count, from->remote_ts, from->remote_ts_count * sizeof *at);
    kept.local = at;
    kept.remote = at + from->local_ts_count;
    return kept;
}

/* False if the library refuses a setting or memory ran out. */
static bool child_make_sas(struct path *path, struct known_child *child, const struct child_settings *from)
{
    struct esp_sa_settings inbound = sa_settings(from, PACKET_INBOUND, child->live);
    struct esp_sa_settings outbound = sa_settings(from, PACKET_OUTBOUND, child->live);
    if (selectors_are_kept(from))
        inbound.selectors = outbound.selectors = keep_selectors(from, child->selectors);
    child->inbound.sa = esp_sa_new(path->esp, &inbound);
    child->outbound.sa = esp_sa_new(path->esp, &outbound);
    return child->inbound.sa != NULL && child->outbound.sa != NULL;
}

/* True if the Child SA is the one that the settings describe, whatever its destination and its flags are. */
static bool child_is_the_same(const struct path *path, const struct known_child *child,
                              const struct child_settings *as)
{
    const struct esp_sa_settings inbound = sa_settings(as, PACKET_INBOUND, child->live);
    const struct esp_sa_settings outbound = sa_settings(as, PACKET_OUTBOUND, child->live);
    return child->tunnel->outbound.number == as->tunnel && child->live == &path->live[as->live_slot] &&
           esp_sa_is_made_of(child->inbound.sa, &inbound) && esp_sa_is_made_of(child->outbound.sa, &outbound);
}

static void find_route(const struct path *path, const struct child_destination *destination,
                       struct path_route *route)
{
    memset(route, 0, sizeof *route);
    if (path->find_route != NULL)
        path->find_route(path->find_context, destination, route);
}

static bool route_is_same(const struct path_route *a, const struct path_route *b)
{
    return a->mtu == b->mtu && a->next_hop.link == b->next_hop.link && a->next_hop.ttl == b->next_hop.ttl &&
           memcmp(a->next_hop.header, b->next_hop.header, sizeof a->next_hop.header) == 0;
}

/* Puts into the command what an installation or a redirection says; false if the destination is none. */
static bool command_take_settings(struct path *path, struct known_child *child, struct command *command,
                                  const struct child_settings *from)
{
    struct wire_destination destination;
    if (!wire_destination_from(&destination, &from->destination))
        return false;
    child->destination = from->destination;
    find_route(path, &from->destination, &child->route);
    command->outbound_settings = (struct outbound_settings){
        .destination = destination,
        .route = child->route,
        .keepalive = (msec_t)from->nat_keepalive * 1000,
        .active = from->active,
        .more_to_come = from->more_to_come,
    };
    command->inbound_settings = (struct inbound_settings){
        .peer = destination.remote,
        .encapsulated = from->destination.encapsulated,
        .anti_replay = from->anti_replay,
        .active_when_used = from->active_when_used,
    };
    return true;
}

/* ---- Installation ---------------------------------------------------------------------------------- */

static enum path_result path_child_check(const struct path *path, const struct child_settings *from)
{
    struct wire_destination destination;
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
    if (!wire_destination_from(&destination, &from->destination))
        return PATH_INVALID;
    return PATH_OK;
}

/* Zeroed, with room for the selectors; NULL if memory ran out. */
static struct known_child *known_child_alloc(const struct child_settings *from)
{
    size_t count = selectors_are_kept(from) ? (size_t)from->local_ts_count + from->remote_ts_count : 0;
    size_t size = offsetof(struct known_child, selectors) + count * sizeof(struct traffic_selector);
    void *at;
    if (size < sizeof(struct known_child))
        size = sizeof(struct known_child);
    return posix_memalign(&at, _Alignof(struct known_child), size) == 0 ? memset(at, 0, size) : NULL;
}

/* A Child SA as the workers will have it; *result says why there is none. */
static struct known_child *known_child_new(struct path *path, const struct child_settings *from,
                                           enum path_result *result)
{
    struct known_child *child = known_child_alloc(from);
    *result = PATH_NO_MEMORY;
    if (child == NULL)
        return NULL;
    struct known_tunnel *tunnel = map_find(&path->tunnels, from->tunnel);
    child->tunnel = tunnel;
    child->outbound.tunnel = &tunnel->outbound;
    child->outbound.child_spi = from->inbound.spi;
    child->inbound.spi = from->inbound.spi;
    child->inbound.tunnel = tunnel->outbound.number;
    child->inbound.slot = tunnel->outbound.slot;
    child->inbound.tun = tunnel->outbound.source.fd;
    child->inbound.vnet_header = tunnel->outbound.vnet_header;
    child->inbound.udp_segmentation = tunnel->outbound.udp_segmentation;
    child->inbound.mss = &tunnel->outbound.mss;

    struct esp_live *live = &path->live[from->live_slot];
    *result = child_take_slot(child, live);
    if (*result == PATH_SLOT_TAKEN) {
        /* By one that is about to go, or is gone, since whoever chose the slot thinks it free. */
        path_settle(path);
        if (!slot_is_in_use(path, live))
            __atomic_store_n(&live->version, 0, __ATOMIC_RELEASE);
        *result = child_take_slot(child, live);
    }
    if (*result == PATH_OK && child_make_sas(path, child, from))
        return child;
    if (*result == PATH_OK)
        *result = PATH_NO_MEMORY;
    known_child_free(child, child->live_is_fresh);
    return NULL;
}

/*
 * The inbound SA comes first, so that the peer can answer whatever leaves by the outbound one. Where that
 * waits for the peer, the outbound SA comes first, so that it is there when the inbound SA tells of the
 * peer's first packet.
 */
static enum packet_direction install_first(const struct child_settings *from)
{
    return from->active ? PACKET_INBOUND : PACKET_OUTBOUND;
}

static enum path_result path_child_submit_install(struct path *path, uint64_t request,
                                                  struct known_child *child,
                                                  const struct child_settings *from)
{
    struct operation *operation = operation_new(request, child->tunnel, child);
    if (operation == NULL)
        return PATH_NO_MEMORY;
    operation->command.kind = COMMAND_CHILD;
    operation->command.change = CHILD_INSTALL;
    (void)command_take_settings(path, child, &operation->command, from);
    operation->at_once = from->active && from->unknown_to_peer; /* nothing comes in yet */
    operation_submit(path, operation, install_first(from));
    return PATH_OK;
}

static enum path_result path_child_install(struct path *path, uint64_t request,
                                           const struct child_settings *from)
{
    enum path_result result = path_child_check(path, from);
    if (result != PATH_OK)
        return result;
    struct known_child *child = map_find(&path->children, from->inbound.spi);
    if (child != NULL)
        return child_is_the_same(path, child, from) ? path_child_submit_install(path, request, child, from)
                                                    : PATH_EXISTS;
    child = known_child_new(path, from, &result);
    if (child == NULL)
        return result;
    if (!map_put(&path->children, child->inbound.spi, child)) {
        known_child_free(child, child->live_is_fresh);
        return PATH_NO_MEMORY;
    }
    result = path_child_submit_install(path, request, child, from);
    if (result != PATH_OK) {
        (void)map_remove(&path->children, child->inbound.spi);
        known_child_free(child, child->live_is_fresh);
        return result;
    }
    TAILQ_INSERT_TAIL(&child->tunnel->children, child, link);
    return PATH_OK;
}

/* ---- Other changes --------------------------------------------------------------------------------- */

enum path_result path_child_change(struct path *path, uint64_t request, const struct child_command *wanted)
{
    struct wire_destination destination;
    if (wanted->change >= CHILD_CHANGE_COUNT)
        return PATH_INVALID;
    if (wanted->change == CHILD_INSTALL)
        return path_child_install(path, request, &wanted->child);
    if (wanted->change == CHILD_REDIRECT && !wire_destination_from(&destination, &wanted->child.destination))
        return PATH_INVALID;
    struct known_child *child = map_find(&path->children, wanted->child.inbound.spi);
    if (child == NULL)
        return PATH_NO_CHILD;
    struct operation *operation = operation_new(request, child->tunnel, child);
    if (operation == NULL)
        return PATH_NO_MEMORY;
    operation->command.kind = COMMAND_CHILD;
    operation->command.change = wanted->change;
    if (wanted->change == CHILD_REDIRECT)
        (void)command_take_settings(path, child, &operation->command, &wanted->child);
    if (wanted->change == CHILD_REMOVE) {
        (void)map_remove(&path->children, child->inbound.spi);
        TAILQ_REMOVE(&child->tunnel->children, child, link);
    }
    operation_submit(path, operation, PACKET_OUTBOUND);
    return PATH_OK;
}

size_t path_child_count(const struct path *path)
{
    return path->children.count;
}

void path_review_routes(struct path *path)
{
    for (size_t i = 0; i < path->children.capacity; i++) {
        struct known_child *child = path->children.slots[i].value;
        struct path_route route;
        if (child == NULL)
            continue;
        find_route(path, &child->destination, &route);
        if (route_is_same(&route, &child->route))
            continue;
        struct operation *operation = operation_new(0, child->tunnel, child);
        if (operation == NULL)
            return; /* until the next review */
        operation->command.kind = COMMAND_CHILD_ROUTE;
        operation->command.outbound_settings.route = route;
        child->route = route;
        operation_submit(path, operation, PACKET_OUTBOUND);
    }
}

size_t path_list_children(const struct path *path, size_t *position, struct path_child *out, size_t max)
{
    size_t count = 0;
    for (; count < max && *position < path->children.capacity; ++*position) {
        const struct known_child *child = path->children.slots[*position].value;
        if (child == NULL)
            continue;
        out[count++] = (struct path_child){
            .tunnel = child->tunnel->outbound.number,
            .inbound_spi = child->inbound.spi,
            .outbound_spi = esp_sa_spi(child->outbound.sa),
            .live_slot = (uint32_t)(child->live - path->live),
        };
    }
    return count;
}
