#include "daemon/keeper/tunnels.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/keeper/desired.h"
#include "daemon/keeper/tunnel_summary.h"

const struct tunnel_policy *tunnels_policy(const struct tunnels *tunnels, uint32_t number)
{
    const struct tunnel *tunnel = tunnel_table_find(&tunnels->table, number);
    return tunnel != NULL ? &tunnel->policy : NULL;
}

bool tunnels_are_settled(const struct tunnels *tunnels)
{
    return tunnels->adding == 0;
}

static void set_stage(struct tunnels *tunnels, struct tunnel *tunnel, enum tunnel_stage stage)
{
    tunnels->adding -= tunnel->stage == TUNNEL_ADDING;
    tunnels->adding += stage == TUNNEL_ADDING;
    tunnel->stage = stage;
    tunnel_summary_note(tunnel, time(NULL));
}

static void send_to_engine(const struct tunnels *tunnels, enum message_type type, const void *body,
                           size_t size)
{
    processes_send(&tunnels->with.processes->engine, type, body, size);
}

static void send_policy(const struct tunnels *tunnels, struct tunnel *tunnel,
                        const struct tunnel_policy *policy)
{
    tunnel->is_told = true;
    const struct message_policy m = {.slot = tunnel->slot, .policy = *policy};
    send_to_engine(tunnels, MESSAGE_POLICY, &m, sizeof(m));
}

static void send_to_path(const struct tunnels *tunnels, enum message_type type, const void *body, size_t size)
{
    processes_send(&tunnels->with.processes->path, type, body, size);
}

/* ---- Routes and interfaces ------------------------------------------------------------------------- */

/* True if packets that leave by a link come to the tunnel in the end, through whatever other tunnels (S37).
 */
static bool leads_into(void *context, int link, uint32_t number)
{
    const struct tunnels *tunnels = context;
    const struct inventory *inventory = host_inventory(tunnels->with.host->host);
    for (size_t hops = 0; hops <= tunnels->table.count; hops++) {
        const struct inventory_link *by = inventory_find(inventory, link);
        const struct tunnel *through =
            by != NULL && by->is.ours ? tunnel_table_find_name(&tunnels->table, by->is.name) : NULL;
        if (through == NULL)
            return false;
        if (through->policy.tunnel == number)
            return true;
        link = through->route.found.link;
    }
    return true; /* a circle */
}

/*
 * A tunnel's interface is up as R43 and R44 say; routes through one that is not are passed over. When the
 * name of the peer is gone a triggered tunnel is down (S20), but an SA that is kept up goes on: no new one
 * can be made, that is all (R41).
 */
static enum host_tunnel_use wanted_use(const struct tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    const struct found_route *route = &tunnel->route.found;
    bool needs_sa = policy->connect_type == CONNECT_AUTO || policy->peer_kind == PEER_ANY;
    bool has_route =
        route->to_peer.usable || (route->problem == ROUTE_UNRESOLVED && policy->connect_type == CONNECT_AUTO);
    bool is_up = tunnel->stage == TUNNEL_THERE && policy->complete && !policy->shut_down && has_route &&
                 (tunnel->has_sa || !needs_sa);
    return is_up ? TUNNEL_CARRIES : TUNNEL_PASSED_OVER;
}

static void set_use(const struct tunnels *tunnels, struct tunnel *tunnel)
{
    struct host_error reason;
    enum host_tunnel_use use = wanted_use(tunnel);
    bool is_decided = tunnel->stage == TUNNEL_THERE || tunnel->stage == TUNNEL_REFUSED;
    if (use == tunnel->use || tunnels->are_left || !is_decided)
        return;
    if (!host_use_tunnel(tunnels->with.host->host, tunnel->policy.name, use, &reason))
        event_log_add(tunnels->with.log, EVENT_SYSTEM, LOG_LEVEL_ERROR, tunnel->policy.name, reason.text);
    else
        tunnel->use = use;
}

static void update_use(struct tunnels *tunnels, struct tunnel *tunnel)
{
    interface_watch_schedule(&tunnels->watch);
    set_use(tunnels, tunnel);
    tunnel_summary_note(tunnel, time(NULL));
}

/* True while SAs of a tunnel are being deleted that is not defined any more: it keeps its route for that. */
static bool loses_its_sas(const struct tunnel *tunnel)
{
    return tunnel->has_sa && !tunnel->policy.defined;
}

/* Hands the path a tunnel whose device is there and which it does not have. */
static void add_to_path(struct tunnels *tunnels, struct tunnel *tunnel)
{
    int tun = tunnel->stage == TUNNEL_WITHOUT_DEVICE
                  ? host_tunnel_fd(tunnels->with.host->host, tunnel->policy.name)
                  : -1;
    if (tun < 0)
        return;
    const struct tun_offload offload = tun_set_offload(tun);
    tunnel->settings.vnet_header = offload.vnet_header;
    tunnel->settings.udp_segmentation = offload.udp;
    set_stage(tunnels, tunnel, TUNNEL_ADDING);
    processes_send_more(&tunnels->with.processes->path, MESSAGE_TUNNEL_ADD, &tunnel->settings,
                        sizeof(tunnel->settings), (struct octets){0}, &tun, 1);
}

/* Tells the name of the peer which address the route leads to. */
static void tell_name(struct tunnels *tunnels, struct tunnel *tunnel)
{
    tunnel_names_routed(&tunnels->names, &tunnel->name, &tunnel->policy, &tunnel->route.found.to_peer.remote,
                        tunnel->stage == TUNNEL_THERE);
}

static void find_route(struct tunnels *tunnels, const struct route_finder *finder, struct tunnel *tunnel)
{
    struct ip_address peers[IKE_PEER_ADDRESSES_MAX];
    size_t count = tunnel_name_addresses(&tunnel->name, &tunnel->policy, tunnel->has_sa, peers);
    if (loses_its_sas(tunnel)) {
        tunnel_route_set_old(&tunnel->route);
        update_use(tunnels, tunnel);
        return;
    }
    if (tunnel_route_find(&tunnel->route, finder, &tunnel->policy, peers, count) &&
        tunnel->stage == TUNNEL_THERE)
        tunnel_routes_send(&tunnels->routes, &tunnel->route, &tunnel->policy);
    tell_name(tunnels, tunnel);
    update_use(tunnels, tunnel);
}

/* Finds all routes that are old: tells the engine what changed, sets what becomes of the tunnels' packets. */
static void find_routes(void *context)
{
    struct tunnels *tunnels = context;
    const struct tunnels_surroundings *with = &tunnels->with;
    const struct route_finder finder = {with->host->host, with->ports, with->configuration, leads_into,
                                        tunnels};
    enum old_routes old = tunnel_routes_begin(&tunnels->routes);
    for (size_t i = 0; i < tunnels->table.count; i++) {
        struct tunnel *tunnel = tunnels->table.tunnels[i];
        if (!tunnel->leaving) { /* else it keeps its route for the DELETE */
            add_to_path(tunnels, tunnel);
            if (tunnel_route_is_old(&tunnel->route, old))
                find_route(tunnels, &finder, tunnel);
        }
        tunnel_routes_keep(&tunnels->routes, &tunnel->route);
    }
    tunnel_routes_end(&tunnels->routes);
    keeper_host_schedule(with->host);
}

/* ---- Going ----------------------------------------------------------------------------------------- */

/* Has the engine delete all SAs of a tunnel. */
static void clear_sas(const struct tunnels *tunnels, const struct tunnel *tunnel)
{
    const struct message_clear clear = {.all = 0, .tunnel = tunnel->policy.tunnel};
    send_to_engine(tunnels, MESSAGE_CLEAR, &clear, sizeof(clear));
}

static void withdraw(const struct tunnels *tunnels, struct tunnel *tunnel)
{
    const struct message_tunnel gone = {tunnel->policy.tunnel};
    if (tunnel->is_told)
        send_to_engine(tunnels, MESSAGE_TUNNEL_GONE, &gone, sizeof(gone));
    tunnel->is_told = false;
}

static void remove_tunnel(struct tunnels *tunnels, struct tunnel *tunnel)
{
    const struct message_tunnel gone = {tunnel->policy.tunnel};
    withdraw(tunnels, tunnel);
    if (tunnel->stage == TUNNEL_THERE || tunnel->stage == TUNNEL_ADDING)
        send_to_path(tunnels, MESSAGE_TUNNEL_REMOVE, &gone, sizeof(gone));
    tunnel_names_release(&tunnels->names, &tunnel->name);
    peer_route_release(tunnels->with.host->host, &tunnel->route.found);
    set_stage(tunnels, tunnel, TUNNEL_WITHOUT_DEVICE);
    tunnel_table_remove(&tunnels->table, tunnel);
}

/* A tunnel was taken out of the config: it makes no SA any more, and goes when those it has are deleted (S4).
 */
static void leave(struct tunnels *tunnels, struct tunnel *tunnel)
{
    tunnel->leaving = true;
    tunnel->policy.defined = tunnel->policy.complete = false;
    tunnel_names_release(&tunnels->names, &tunnel->name);
    send_policy(tunnels, tunnel, &tunnel->policy);
    clear_sas(tunnels, tunnel);
}

/* ---- What others tell ------------------------------------------------------------------------------ */

/* The device has been made anew: what the path has is of no use. */
static void device_replaced(struct tunnels *tunnels, const char *name)
{
    struct tunnel *tunnel = tunnel_table_find_name(&tunnels->table, name);
    if (tunnel == NULL || tunnel->stage == TUNNEL_WITHOUT_DEVICE)
        return;
    const struct message_tunnel gone = {tunnel->policy.tunnel};
    /* Its Child SAs go with the path's tunnel. */
    send_to_path(tunnels, MESSAGE_TUNNEL_REMOVE, &gone, sizeof(gone));
    clear_sas(tunnels, tunnel);
    set_stage(tunnels, tunnel, TUNNEL_WITHOUT_DEVICE);
}

/* An address has come or gone: its SAs may have lost it (S40). */
static void tell_own_address(const struct tunnels *tunnels, const struct ip_address *address)
{
    const struct inventory *inventory = host_inventory(tunnels->with.host->host);
    const struct message_own_address m = {*address, inventory_may_serve(inventory, address)};
    send_to_engine(tunnels, MESSAGE_OWN_ADDRESS, &m, sizeof(m));
}

/* A route of Linux has changed: those routes to peers are old that may depend on it. */
static void set_routes_old(struct tunnels *tunnels, const struct ip_prefix *prefix)
{
    for (size_t i = 0; i < tunnels->table.count && tunnels->routes.old != OLD_ALL; i++) {
        struct tunnel *tunnel = tunnels->table.tunnels[i];
        if (tunnel_route_depends_on(&tunnel->route, &tunnel->policy, prefix))
            tunnel_route_set_old(&tunnel->route);
    }
}

void tunnels_host_changed(struct tunnels *tunnels, const struct host_event *event)
{
    if (event->kind == HOST_EVENT_LINK || event->kind == HOST_EVENT_LINK_GONE)
        interface_watch_schedule(&tunnels->watch);
    if (event->kind == HOST_EVENT_ADDRESS || event->kind == HOST_EVENT_ADDRESS_GONE)
        tell_own_address(tunnels, &event->prefix.address);
    if (event->kind == HOST_EVENT_TUNNEL_REPLACED)
        device_replaced(tunnels, event->link_name);
    bool is_of_tunnel = tunnel_table_find_name(&tunnels->table, event->link_name) != NULL;
    bool can_wait =
        is_of_tunnel && event->kind != HOST_EVENT_ROUTE && event->kind != HOST_EVENT_TUNNEL_REPLACED;
    if (event->kind == HOST_EVENT_ROUTE)
        set_routes_old(tunnels, &event->prefix);
    else if (is_of_tunnel)
        tunnel_routes_set_all_old_but_recursive(&tunnels->routes);
    else
        tunnel_routes_set_all_old(&tunnels->routes);
    if (can_wait)
        tunnel_routes_schedule_late(&tunnels->routes, tunnels->table.count);
    else
        tunnel_routes_schedule(&tunnels->routes, tunnels->table.count);
}

void tunnels_path_answered(struct tunnels *tunnels, const struct message_tunnel_done *done)
{
    struct tunnel *tunnel = tunnel_table_find(&tunnels->table, done->tunnel);
    if (tunnel == NULL || done->operation != MESSAGE_TUNNEL_ADD || tunnel->stage != TUNNEL_ADDING)
        return;
    if (done->result != PATH_OK) {
        const struct message_tunnel gone = {tunnel->policy.tunnel};
        send_to_path(tunnels, MESSAGE_TUNNEL_REMOVE, &gone, sizeof(gone));
        set_stage(tunnels, tunnel, TUNNEL_REFUSED);
        event_log_print(tunnels->with.log, EVENT_IPSEC, LOG_LEVEL_ERROR, tunnel->policy.name,
                        "the packet path can't take the tunnel: %s", path_result_text(done->result));
        return;
    }
    set_stage(tunnels, tunnel, TUNNEL_THERE);
    if (!tunnel->is_told)
        send_policy(tunnels, tunnel, &tunnel->policy);
    tunnel_routes_send(&tunnels->routes, &tunnel->route, &tunnel->policy);
    tunnel_name_set_unsent(&tunnel->name);
    tell_name(tunnels, tunnel);
    update_use(tunnels, tunnel);
}

static void forget_failure(struct tunnel *tunnel)
{
    free(tunnel->failure.text);
    tunnel->failure = (struct tunnel_failure){0};
}

void tunnels_negotiation_failed(struct tunnels *tunnels, uint32_t number, enum ike_step step, const char *why)
{
    struct tunnel *tunnel = tunnel_table_find(&tunnels->table, number);
    if (tunnel == NULL || tunnel->has_sa)
        return;
    size_t size = strlen(why) + 1;
    const struct tunnel_failure before = tunnel->failure;
    bool is_same = before.text != NULL && before.step == step;
    forget_failure(tunnel);
    tunnel->failure = (struct tunnel_failure){
        .step = step,
        .at = time(NULL),
        .since = is_same ? before.since : time(NULL),
        .count = is_same ? before.count + 1 : 1,
        .text = malloc(size),
    };
    if (tunnel->failure.text != NULL)
        text_tame(tunnel->failure.text, size, why);
    tunnel_summary_note(tunnel, tunnel->failure.at);
}

static void change_state(struct tunnels *tunnels, struct tunnel *tunnel, bool has_sa, const char *reason)
{
    tunnel->has_sa = has_sa;
    if (tunnel->leaving && !has_sa) {
        remove_tunnel(tunnels, tunnel);
        return;
    }
    if (has_sa)
        forget_failure(tunnel);
    if (has_sa)
        history_add_create(&tunnel->history, time(NULL));
    else
        history_add_delete(&tunnel->history, time(NULL), reason);
    update_use(tunnels, tunnel);
    if (tunnel->route.is_old)
        tunnel_routes_schedule(&tunnels->routes, tunnels->table.count);
}

void tunnels_state_changed(struct tunnels *tunnels, const struct message_tunnel_state *state,
                           const char *reason)
{
    const struct message_tunnel_state_done done = {state->request};
    struct tunnel *tunnel = tunnel_table_find(&tunnels->table, state->tunnel);
    if (tunnel != NULL)
        change_state(tunnels, tunnel, state->up != 0, reason);
    if (state->request != 0)
        send_to_engine(tunnels, MESSAGE_TUNNEL_STATE_DONE, &done, sizeof(done));
}

void tunnels_look_up(struct tunnels *tunnels, const struct message_look_up *look_up)
{
    struct tunnel *tunnel = tunnel_table_find(&tunnels->table, look_up->tunnel);
    tunnel_names_look_up(&tunnels->names, tunnel != NULL ? &tunnel->name : NULL, look_up);
}

/* The name of a peer has other addresses. */
static void name_changed(void *context, uint32_t number)
{
    struct tunnels *tunnels = context;
    struct tunnel *tunnel = tunnel_table_find(&tunnels->table, number);
    if (tunnel != NULL)
        tunnel_route_set_old(&tunnel->route);
    tunnel_routes_schedule(&tunnels->routes, tunnels->table.count);
}

/* ---- Applying a config ----------------------------------------------------------------------------- */

/* The tunnel of a policy, added if there is none yet; NULL if there is no room. */
static struct tunnel *tunnel_of(struct tunnels *tunnels, const struct tunnel_policy *policy)
{
    struct tunnel *tunnel = tunnel_table_find(&tunnels->table, policy->tunnel);
    if (tunnel != NULL && tunnel->leaving) {
        remove_tunnel(tunnels, tunnel); /* its device was another one */
        tunnel = NULL;
    }
    return tunnel != NULL ? tunnel : tunnel_table_add(&tunnels->table, policy->tunnel);
}

static struct path_mss path_mss_of(const struct interface_family *lines)
{
    return (struct path_mss){.automatic = lines->adjust_mss_auto, .octets = lines->adjust_mss};
}

void tunnels_tell_policies(struct tunnels *tunnels)
{
    const struct tunnel_policies *policies = &tunnels->with.configuration->policies;
    for (size_t i = 0; i < policies->count; i++) {
        const struct tunnel_policy *policy = &policies->items[i];
        struct tunnel *tunnel = tunnel_of(tunnels, policy);
        if (tunnel == NULL) /* tunnels_apply tells of it */
            return;
        tunnel->policy = *policy;
        tunnel->configured = time(NULL);
        tunnel_route_set_old(&tunnel->route);
        send_policy(tunnels, tunnel, policy);
    }
}

void tunnels_withdraw_policies(struct tunnels *tunnels)
{
    for (size_t i = 0; i < tunnels->table.count; i++) {
        struct tunnel *tunnel = tunnels->table.tunnels[i];
        if (tunnel->stage != TUNNEL_THERE)
            withdraw(tunnels, tunnel);
    }
}

/* What the path has to know. `ip tcp adjust-mss auto` holds for IPv6 too, unless that has a line of its own
 * (R75). Padding is 0. */
static struct path_tunnel path_settings(const struct tunnel *tunnel, const struct tunnel_policy *policy,
                                        const struct configured_interface *interface)
{
    struct path_tunnel settings;
    memset(&settings, 0, sizeof(settings));
    settings.number = policy->tunnel;
    settings.slot = tunnel->slot;
    settings.mtu = tunnel->settings.mtu;
    settings.mtu_ignore = policy->mtu_ignore;
    settings.pre_fragment = policy->pre_fragment;
    settings.vnet_header = tunnel->settings.vnet_header;
    settings.udp_segmentation = tunnel->settings.udp_segmentation;
    if (interface == NULL)
        return settings;
    settings.mtu = desired_tunnel_mtu(interface);
    settings.mss_v4 = path_mss_of(&interface->ipv4_lines);
    settings.mss_v6 = path_mss_of(&interface->ipv6_lines);
    if (settings.mss_v4.automatic && settings.mss_v6.octets == 0)
        settings.mss_v6.automatic = true;
    return settings;
}

/*
 * Takes in what the config decides of a tunnel's route. What Linux decides is told by its reports, also of
 * what the config changes in Linux: so a line that has nothing to do with the tunnel costs no question to the
 * routing table. Only a recursive route (S37) also depends on the routes of other tunnels.
 */
static void update_route(struct tunnels *tunnels, struct tunnel *tunnel, bool policy_changed)
{
    const struct route_links links =
        route_links_of(tunnels->with.configuration, tunnels->with.ports, &tunnel->policy);
    bool is_recursive = tunnel->route.found.problem == ROUTE_RECURSIVE;
    if (policy_changed || is_recursive || memcmp(&links, &tunnel->links, sizeof(links)) != 0)
        tunnel_route_set_old(&tunnel->route);
    tunnel->links = links;
}

/* Takes in a tunnel's policy, new or not. A changed one holds from the next negotiation (R11). */
static void update_tunnel(struct tunnels *tunnels, struct tunnel *tunnel, const struct tunnel_policy *policy)
{
    const struct configured_interface *interface =
        host_settings_interface(&tunnels->with.configuration->settings, policy->name);
    const struct path_tunnel settings = path_settings(tunnel, policy, interface);
    bool there = tunnel->stage == TUNNEL_THERE;
    bool is_told = tunnel->is_told;
    /* Padding may make equal policies look different: then one is sent, and its route found, in vain. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    bool changed = memcmp(&tunnel->policy, policy, sizeof(*policy)) != 0;
    if (changed)
        tunnel->configured = time(NULL);
    if (is_told && changed) {
        send_policy(tunnels, tunnel, policy);
        tunnel_route_set_unsent(&tunnel->route);
        tunnel_name_set_unsent(&tunnel->name);
    }
    if (there && tunnel->policy.defined && !policy->defined)
        clear_sas(tunnels, tunnel); /* S4 */
    if ((there || tunnel->stage == TUNNEL_ADDING) &&
        memcmp(&tunnel->settings, &settings, sizeof(settings)) != 0)
        send_to_path(tunnels, MESSAGE_TUNNEL_UPDATE, &settings, sizeof(settings));
    tunnel->policy = *policy;
    tunnel->settings = settings;
    tunnel_summary_note(tunnel, time(NULL));
    tunnel_names_use(&tunnels->names, &tunnel->name, &tunnel->policy);
    update_route(tunnels, tunnel, changed);
    tunnel->kept = true;
}

/* Removes those that the config does not have any more, at once or when their SAs are deleted. */
static void remove_others(struct tunnels *tunnels)
{
    for (size_t i = tunnels->table.count; i-- > 0;) {
        struct tunnel *tunnel = tunnels->table.tunnels[i];
        if (tunnel->kept)
            continue;
        if (tunnel->has_sa && !tunnel->leaving)
            leave(tunnels, tunnel);
        if (!tunnel->leaving)
            remove_tunnel(tunnels, tunnel);
    }
}

void tunnels_apply(struct tunnels *tunnels)
{
    const struct tunnel_policies *policies = &tunnels->with.configuration->policies;
    const struct host_settings *settings = &tunnels->with.configuration->settings;
    for (size_t i = 0; i < tunnels->table.count; i++) {
        tunnels->table.tunnels[i]->kept = false;
        tunnels->table.tunnels[i]->place = policies->count + i; /* of those that leave */
    }
    for (size_t i = 0; i < policies->count; i++) {
        const struct tunnel_policy *policy = &policies->items[i];
        struct tunnel *tunnel = tunnel_of(tunnels, policy);
        if (tunnel == NULL) {
            event_log_print(tunnels->with.log, EVENT_SYSTEM, LOG_LEVEL_ERROR, policy->name,
                            "left out: there is no room for more tunnels");
            continue;
        }
        tunnel->place = i;
        update_tunnel(tunnels, tunnel, policy);
    }
    remove_others(tunnels);
    tunnel_table_sort(&tunnels->table);
    tunnel_names_set_servers(&tunnels->names, settings);
    find_routes(tunnels);
    interface_watch_schedule(&tunnels->watch);
}

void tunnels_leave(struct tunnels *tunnels)
{
    tunnels->are_left = true;
}

/* ---- Life ------------------------------------------------------------------------------------------ */

bool tunnels_open(struct tunnels *tunnels, uv_loop_t *loop, const struct tunnels_surroundings *with)
{
    const struct tunnel_names_listener listener = {name_changed, find_routes, tunnels};
    *tunnels = (struct tunnels){.with = *with};
    if (!tunnel_table_open(&tunnels->table, with->live) ||
        !tunnel_names_open(&tunnels->names, loop, with->processes, with->log, &listener))
        return false;
    tunnel_routes_open(&tunnels->routes, loop, with->processes, with->log, find_routes, tunnels);
    interface_watch_open(&tunnels->watch, loop, with->host, with->log, with->configuration, with->ports,
                         &tunnels->table);
    return true;
}

void tunnels_close(struct tunnels *tunnels)
{
    tunnel_names_close(&tunnels->names);
    tunnel_routes_close(&tunnels->routes);
    interface_watch_close(&tunnels->watch);
    tunnel_table_free(&tunnels->table);
}
