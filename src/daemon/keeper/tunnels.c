/*
 * The keeper's tunnels: from the config's policies to the path and the engine, their ways and carriers.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/keeper/desired.h"
#include "daemon/keeper/inside.h"

/* ---- The table ------------------------------------------------------------------------------------- */

struct tunnel *keeper_tunnel(const struct keeper *keeper, uint32_t number)
{
    return map_find(&keeper->by_number, number);
}

struct tunnel *keeper_tunnel_named(const struct keeper *keeper, const char *name)
{
    for (size_t i = 0; i < keeper->tunnel_count; i++) {
        if (strcmp(keeper->tunnels[i]->policy.name, name) == 0)
            return keeper->tunnels[i];
    }
    return NULL;
}

/* Takes the lowest free slot for a tunnel. What its last owner left in the totals counts as cleared. */
static bool slot_take(struct keeper *keeper, struct tunnel *tunnel)
{
    for (uint32_t i = 0; i < keeper->live.size.tunnels; i++) {
        if (keeper->slot_taken[i])
            continue;
        keeper->slot_taken[i] = true;
        tunnel->slot = i;
        tunnel->cleared = live_area_totals(&keeper->live, i);
        return true;
    }
    return false;
}

static struct tunnel *tunnel_new(struct keeper *keeper, uint32_t number)
{
    struct tunnel *tunnel = calloc(1, sizeof(*tunnel));
    if (tunnel == NULL)
        return NULL;
    if (!slot_take(keeper, tunnel) || !map_put(&keeper->by_number, number, tunnel)) {
        free(tunnel);
        return NULL;
    }
    return tunnel;
}

static void tunnel_free(struct keeper *keeper, struct tunnel *tunnel)
{
    (void)map_remove(&keeper->by_number, tunnel->policy.tunnel);
    keeper->slot_taken[tunnel->slot] = false;
    free(tunnel);
}

void keeper_free_tunnels(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->tunnel_count; i++)
        tunnel_free(keeper, keeper->tunnels[i]);
    free(keeper->tunnels);
    keeper->tunnels = NULL;
    keeper->tunnel_count = 0;
    map_free(&keeper->by_number);
}

/* ---- Statistics ------------------------------------------------------------------------------------ */

struct path_totals keeper_tunnel_totals(const struct keeper *keeper, const struct tunnel *tunnel)
{
    struct path_totals totals = live_area_totals(&keeper->live, tunnel->slot);
    for (size_t i = 0; i < ESP_COUNTER_COUNT; i++)
        totals.counters[i] -= tunnel->cleared.counters[i];
    return totals;
}

void keeper_clear_statistics(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->tunnel_count; i++)
        keeper->tunnels[i]->cleared = live_area_totals(&keeper->live, keeper->tunnels[i]->slot);
}

/* ---- Ways ------------------------------------------------------------------------------------------ */

/* True if packets that leave by a link come to the tunnel in the end, through whatever other tunnels (S37).
 */
static bool leads_into(void *context, int link, uint32_t number)
{
    const struct keeper *keeper = context;
    for (size_t hops = 0; hops <= keeper->tunnel_count; hops++) {
        const struct inventory_link *by = inventory_find(host_inventory(keeper->host), link);
        const struct tunnel *through =
            by != NULL && by->is.ours ? keeper_tunnel_named(keeper, by->is.name) : NULL;
        if (through == NULL)
            return false;
        if (through->policy.tunnel == number)
            return true;
        link = through->way.link;
    }
    return true; /* round and round */
}

/* Sends the engine sockets of a mark; an empty set takes them away. */
static void send_mark(struct keeper *keeper, uint32_t mark, enum ip_family family, int ike, int natt)
{
    struct message_engine_sockets m = {.mark = mark};
    int fds[2];
    size_t count = 0;
    if (ike >= 0) {
        m.present |= UINT32_C(1) << (family == IP_V6 ? ENGINE_SOCKET_IKE_V6 : ENGINE_SOCKET_IKE_V4);
        fds[count++] = ike;
    }
    if (natt >= 0) {
        m.present |= UINT32_C(1) << (family == IP_V6 ? ENGINE_SOCKET_NAT_V6 : ENGINE_SOCKET_NAT_V4);
        fds[count++] = natt;
    }
    processes_send_more(&keeper->processes.engine, MESSAGE_ENGINE_SOCKETS, &m, sizeof(m), (struct octets){0},
                        fds, count);
}

/* Sees to it that the engine can send by a mark: it has no right to set marks itself. */
static void mark_want(struct keeper *keeper, uint32_t mark, enum ip_family family)
{
    for (size_t i = 0; i < keeper->mark_count; i++) {
        if (keeper->marks[i].mark == mark && keeper->marks[i].family == family)
            return;
    }
    struct engine_mark *grown = realloc(keeper->marks, (keeper->mark_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return;
    keeper->marks = grown;
    struct host_error reason;
    struct host_sender sender = {.kind = HOST_SENDER_IKE, .family = family, .mark = mark};
    int ike = host_sender_open(&sender, &reason);
    sender.kind = HOST_SENDER_NATT;
    int natt = ike < 0 ? -1 : host_sender_open(&sender, &reason);
    if (natt < 0) {
        event_log_print(keeper->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, NULL,
                        "no socket for a pinned way out: %s", reason.text);
    } else {
        send_mark(keeper, mark, family, ike, natt);
        keeper->marks[keeper->mark_count++] = (struct engine_mark){mark, family, true};
        close(natt);
    }
    if (ike >= 0)
        close(ike);
}

/* Forgets the marks that no tunnel is pinned by any more. */
static void marks_sweep(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->mark_count; i++)
        keeper->marks[i].used = false;
    for (size_t t = 0; t < keeper->tunnel_count; t++) {
        for (size_t i = 0; i < keeper->mark_count; i++)
            keeper->marks[i].used |= keeper->marks[i].mark == keeper->tunnels[t]->way.taken_mark;
    }
    for (size_t i = keeper->mark_count; i-- > 0;) {
        if (keeper->marks[i].used)
            continue;
        send_mark(keeper, keeper->marks[i].mark, keeper->marks[i].family, -1, -1);
        keeper->marks[i] = keeper->marks[--keeper->mark_count];
    }
}

static void send_way(struct keeper *keeper, const struct tunnel *tunnel)
{
    const struct message_peer_route m = {tunnel->policy.tunnel, tunnel->way.way};
    if (tunnel->way.way.usable && tunnel->way.way.mark != 0)
        mark_want(keeper, tunnel->way.way.mark, tunnel->way.way.local.family);
    processes_send(&keeper->processes.engine, MESSAGE_PEER_ROUTE, &m, sizeof(m));
}

/*
 * A tunnel's interface is up as R43 and R44 say; routes through one that is not are passed over. With the
 * name of the peer gone a triggered tunnel is down (S20), but an SA that is kept up goes on: no new one can
 * be made, that is all (R41).
 */
static void update_carrier(struct keeper *keeper, struct tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    bool needs_sa = policy->connect_type == CONNECT_AUTO || policy->peer_kind == PEER_ANY;
    bool has_way = tunnel->way.way.usable ||
                   (tunnel->way.problem == WAY_UNRESOLVED && policy->connect_type == CONNECT_AUTO);
    bool carrier = tunnel->stage == TUNNEL_THERE && policy->complete && !policy->shut_down && has_way &&
                   (tunnel->has_sa || !needs_sa);
    struct host_error reason;
    if (carrier == tunnel->carrier)
        return;
    if (!host_set_carrier(keeper->host, policy->name, carrier, &reason))
        event_log_add(keeper->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, policy->name, reason.text);
    else
        tunnel->carrier = carrier;
}

/* True while SAs are being deleted of a tunnel that is defined no more: it keeps its way for the DELETE. */
static bool loses_its_sas(const struct tunnel *tunnel)
{
    return tunnel->has_sa && !tunnel->policy.defined;
}

/* Hands the path a tunnel whose device is there and which it does not have. */
static void add_to_path(struct keeper *keeper, struct tunnel *tunnel)
{
    int tun = tunnel->stage == TUNNEL_WITHOUT_DEVICE ? host_tunnel_fd(keeper->host, tunnel->policy.name) : -1;
    if (tun < 0)
        return;
    const struct path_tunnel m = {.number = tunnel->policy.tunnel, .slot = tunnel->slot, .mtu = tunnel->mtu};
    tunnel->stage = TUNNEL_ADDING;
    tunnel->carrier = false;
    processes_send_more(&keeper->processes.path, MESSAGE_TUNNEL_ADD, &m, sizeof(m), (struct octets){0}, &tun,
                        1);
}

static void update_way(struct keeper *keeper, const struct way_finder *finder, struct tunnel *tunnel)
{
    struct ip_address peers[IKE_PEER_ADDRESSES_MAX];
    size_t count = keeper_peer_addresses(tunnel, peers);
    tunnel->way_is_old = loses_its_sas(tunnel);
    if (tunnel->way_is_old) {
        update_carrier(keeper, tunnel);
        return;
    }
    if (way_find(finder, &tunnel->policy, peers, count, &tunnel->way) && tunnel->stage == TUNNEL_THERE)
        send_way(keeper, tunnel);
    keeper_name_has_way(keeper, tunnel);
    update_carrier(keeper, tunnel);
}

void keeper_update_ways(struct keeper *keeper)
{
    const struct way_finder finder = {keeper->host, &keeper->ports, &keeper->configuration, leads_into,
                                      keeper};
    bool all = keeper->all_ways_are_old;
    keeper->ways_are_due = false;
    keeper->all_ways_are_old = false;
    for (size_t i = 0; i < keeper->tunnel_count; i++) {
        struct tunnel *tunnel = keeper->tunnels[i];
        if (tunnel->leaving)
            continue; /* it keeps its way for the DELETE */
        add_to_path(keeper, tunnel);
        if (all || tunnel->way_is_old)
            update_way(keeper, &finder, tunnel);
    }
    marks_sweep(keeper);
    keeper_schedule_host(keeper);
}

/* ---- Going ------------------------------------------------------------------------------------------ */

/* Has the engine delete all SAs of a tunnel. */
static void clear_sas(struct keeper *keeper, const struct tunnel *tunnel)
{
    const struct message_clear clear = {.all = 0, .tunnel = tunnel->policy.tunnel};
    processes_send(&keeper->processes.engine, MESSAGE_CLEAR, &clear, sizeof(clear));
}

static void remove_tunnel(struct keeper *keeper, struct tunnel *tunnel)
{
    const struct message_tunnel gone = {tunnel->policy.tunnel};
    if (tunnel->stage == TUNNEL_THERE)
        processes_send(&keeper->processes.engine, MESSAGE_TUNNEL_GONE, &gone, sizeof(gone));
    if (tunnel->stage == TUNNEL_THERE || tunnel->stage == TUNNEL_ADDING)
        processes_send(&keeper->processes.path, MESSAGE_TUNNEL_REMOVE, &gone, sizeof(gone));
    keeper_release_name(keeper, tunnel);
    way_release(keeper->host, &tunnel->way);
    tunnel_free(keeper, tunnel);
}

/* The same, also in the keeper's own list. */
static void forget_tunnel(struct keeper *keeper, struct tunnel *tunnel)
{
    size_t kept = 0;
    for (size_t i = 0; i < keeper->tunnel_count; i++) {
        if (keeper->tunnels[i] != tunnel)
            keeper->tunnels[kept++] = keeper->tunnels[i];
    }
    keeper->tunnel_count = kept;
    remove_tunnel(keeper, tunnel);
}

/* ---- What path and engine say ---------------------------------------------------------------------- */

static void tell_policy(struct keeper *keeper, const struct tunnel *tunnel,
                        const struct tunnel_policy *policy)
{
    const struct message_policy m = {.slot = tunnel->slot, .policy = *policy};
    processes_send(&keeper->processes.engine, MESSAGE_POLICY, &m, sizeof(m));
}

void keeper_tunnel_done(struct keeper *keeper, const struct message_tunnel_done *done)
{
    struct tunnel *tunnel = keeper_tunnel(keeper, done->tunnel);
    if (tunnel == NULL || done->operation != MESSAGE_TUNNEL_ADD || tunnel->stage != TUNNEL_ADDING)
        return;
    if (done->result != PATH_OK) {
        const struct message_tunnel gone = {tunnel->policy.tunnel};
        processes_send(&keeper->processes.path, MESSAGE_TUNNEL_REMOVE, &gone, sizeof(gone));
        tunnel->stage = TUNNEL_REFUSED;
        event_log_print(keeper->log, EVENT_IPSEC, LOG_LEVEL_ERROR, tunnel->policy.name,
                        "the packet path can't take the tunnel: %s", path_result_text(done->result));
        return;
    }
    tunnel->stage = TUNNEL_THERE;
    tell_policy(keeper, tunnel, &tunnel->policy);
    send_way(keeper, tunnel);
    tunnel->name_is_unsaid = true;
    keeper_name_has_way(keeper, tunnel);
    update_carrier(keeper, tunnel);
}

static void change_tunnel_state(struct keeper *keeper, const struct message_tunnel_state *state,
                                const char *reason)
{
    struct tunnel *tunnel = keeper_tunnel(keeper, state->tunnel);
    if (tunnel == NULL)
        return;
    tunnel->has_sa = state->up != 0;
    if (tunnel->leaving && !tunnel->has_sa) {
        forget_tunnel(keeper, tunnel);
        return;
    }
    if (tunnel->has_sa)
        history_add_create(&tunnel->history, time(NULL));
    else
        history_add_delete(&tunnel->history, time(NULL), reason);
    update_carrier(keeper, tunnel);
    if (tunnel->way_is_old)
        keeper_schedule_ways(keeper);
}

void keeper_tunnel_state(struct keeper *keeper, const struct message_tunnel_state *state, const char *reason)
{
    const struct message_tunnel_state_done done = {state->request};
    change_tunnel_state(keeper, state, reason);
    if (state->request != 0)
        processes_send(&keeper->processes.engine, MESSAGE_TUNNEL_STATE_DONE, &done, sizeof(done));
}

void keeper_tunnel_replaced(struct keeper *keeper, const char *name)
{
    struct tunnel *tunnel = keeper_tunnel_named(keeper, name);
    if (tunnel == NULL || tunnel->stage == TUNNEL_WITHOUT_DEVICE)
        return;
    const struct message_tunnel gone = {tunnel->policy.tunnel};
    /* Its Child SAs go with the path's tunnel. */
    processes_send(&keeper->processes.path, MESSAGE_TUNNEL_REMOVE, &gone, sizeof(gone));
    clear_sas(keeper, tunnel);
    tunnel->stage = TUNNEL_WITHOUT_DEVICE;
    keeper_schedule_ways(keeper);
}

/* ---- Applying a config ----------------------------------------------------------------------------- */

/* A tunnel was taken out of the config: it makes no SA any more, and goes when those it has are deleted (S4).
 */
static void leave(struct keeper *keeper, struct tunnel *tunnel)
{
    tunnel->leaving = true;
    tunnel->policy.complete = false;
    keeper_release_name(keeper, tunnel);
    tell_policy(keeper, tunnel, &tunnel->policy);
    clear_sas(keeper, tunnel);
}

/* Takes in a tunnel's policy, new or not. A changed one holds from the next negotiation (R11). */
static struct tunnel *update_tunnel(struct keeper *keeper, const struct tunnel_policy *policy)
{
    struct tunnel *tunnel = keeper_tunnel(keeper, policy->tunnel);
    if (tunnel != NULL && tunnel->leaving) {
        forget_tunnel(keeper, tunnel); /* its device was another one */
        tunnel = NULL;
    }
    if (tunnel == NULL)
        tunnel = tunnel_new(keeper, policy->tunnel);
    if (tunnel == NULL)
        return NULL;
    const struct configured_interface *interface =
        host_settings_interface(&keeper->configuration.settings, policy->name);
    uint32_t mtu = interface != NULL ? desired_tunnel_mtu(interface) : tunnel->mtu;
    bool there = tunnel->stage == TUNNEL_THERE;
    /* Padding may make equal policies look different: then one is sent in vain. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    if (there && memcmp(&tunnel->policy, policy, sizeof(*policy)) != 0) {
        tell_policy(keeper, tunnel, policy);
        tunnel->name_is_unsaid = true;
    }
    if (there && tunnel->policy.defined && !policy->defined)
        clear_sas(keeper, tunnel); /* S4 */
    if (there && tunnel->mtu != mtu) {
        const struct path_tunnel m = {.number = policy->tunnel, .slot = tunnel->slot, .mtu = mtu};
        processes_send(&keeper->processes.path, MESSAGE_TUNNEL_UPDATE, &m, sizeof(m));
    }
    tunnel->policy = *policy;
    tunnel->mtu = mtu;
    keeper_use_name(keeper, tunnel);
    tunnel->way_is_old = true;
    tunnel->kept = true;
    return tunnel;
}

/* Has the table agree with the policies: those that are gone go, the others stand in the config's order. */
static bool apply_policies(struct keeper *keeper)
{
    const struct tunnel_policies *policies = &keeper->configuration.policies;
    struct tunnel **ordered = calloc(policies->count + keeper->tunnel_count + 1, sizeof(struct tunnel *));
    if (ordered == NULL)
        return false;
    for (size_t i = 0; i < keeper->tunnel_count; i++)
        keeper->tunnels[i]->kept = false;
    size_t count = 0;
    for (size_t i = 0; i < policies->count; i++) {
        struct tunnel *tunnel = update_tunnel(keeper, &policies->items[i]);
        if (tunnel != NULL)
            ordered[count++] = tunnel;
        else
            event_log_print(keeper->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, policies->items[i].name,
                            "left out: there is no room for more tunnels");
    }
    for (size_t i = 0; i < keeper->tunnel_count; i++) {
        struct tunnel *tunnel = keeper->tunnels[i];
        if (tunnel->kept)
            continue;
        if (tunnel->has_sa && !tunnel->leaving)
            leave(keeper, tunnel);
        if (tunnel->leaving)
            ordered[count++] = tunnel;
        else
            remove_tunnel(keeper, tunnel);
    }
    free(keeper->tunnels);
    keeper->tunnels = ordered;
    keeper->tunnel_count = count;
    return true;
}

bool keeper_apply(struct keeper *keeper, struct host_error *err)
{
    struct host_plan plan = {0};
    bool planned =
        desired_plan(&keeper->configuration, &keeper->ports, keeper->log, &keeper->left_out, &plan);
    bool applied = planned && host_apply(keeper->host, &plan, keeper_now(), err);
    host_plan_clear(&plan);
    if (!planned || (applied && !apply_policies(keeper))) {
        (void)host_fail(err, 0, "out of memory");
        return false;
    }
    if (!applied)
        return false;
    keeper_use_name_servers(keeper);
    keeper_update_ways(keeper);
    return true;
}
