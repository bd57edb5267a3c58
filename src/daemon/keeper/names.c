/*
 * The keeper and the names of its tunnels' peers (R41): which tunnel uses which name, what is told of it, and
 * peers at unknown addresses, for whom the engine wants their names looked up at once (S22).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/setting_lines.h"
#include "daemon/keeper/inside.h"

enum { WAITING_PEERS_MAX = 4096 }; /* whatever the engine, which talks to the network, asks for */

static void schedule_names(struct keeper *keeper);

/* ---- News of names --------------------------------------------------------------------------------- */

enum { ADDRESSES_TEXT_SIZE = 512 };

static const char *list_addresses(const struct peer_name *name, char out[ADDRESSES_TEXT_SIZE])
{
    struct ip_address addresses[IKE_PEER_ADDRESSES_MAX];
    size_t count = peer_name_addresses(name, addresses);
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && length < ADDRESSES_TEXT_SIZE; i++) {
        char text[IP_TEXT_SIZE];
        int more = snprintf(out + length, ADDRESSES_TEXT_SIZE - length, "%s%s", i > 0 ? ", " : "",
                            ip_address_format(&addresses[i], text));
        length += more > 0 ? (size_t)more : 0;
    }
    return out;
}

static void log_news(struct keeper *keeper, const struct tunnel *tunnel, enum peer_name_news news)
{
    const struct peer_name *name = tunnel->name;
    const char *tunnel_name = tunnel->policy.name;
    char addresses[ADDRESSES_TEXT_SIZE];
    struct setting_lines lines = {0};
    char lines_text[SETTING_LINES_TEXT_SIZE];
    setting_lines_add(&lines, &tunnel->policy, SETTING_BIT(SETTING_PEER));
    switch (news) {
    case PEER_NAME_CHANGED:
        event_log_print(keeper->log, EVENT_IKEV2, LOG_LEVEL_NOTICE, tunnel_name, "the address of %s is %s",
                        name->text, list_addresses(name, addresses));
        break;
    case PEER_NAME_UNRESOLVED:
        event_log_print(keeper->log, EVENT_IKEV2, LOG_LEVEL_WARN, tunnel_name,
                        "no SA can be made: the name of the peer, %s, is not resolved: %s; %s", name->text,
                        name->problem, setting_lines_format(&lines, lines_text));
        break;
    case PEER_NAME_FAILING:
        event_log_print(keeper->log, EVENT_IKEV2, LOG_LEVEL_WARN, tunnel_name,
                        "the address of %s stays as it is: it can't be looked up: %s", name->text,
                        name->problem);
        break;
    case PEER_NAME_ANSWERED:
        event_log_print(keeper->log, EVENT_IKEV2, LOG_LEVEL_NOTICE, tunnel_name,
                        "%s can be looked up again, and its address is the same", name->text);
        break;
    }
}

static void name_news(void *context, const struct peer_name *name, enum peer_name_news news)
{
    struct keeper *keeper = context;
    bool changed = news == PEER_NAME_CHANGED || news == PEER_NAME_UNRESOLVED;
    for (size_t i = 0; i < keeper->tunnel_count; i++) {
        struct tunnel *tunnel = keeper->tunnels[i];
        if (tunnel->name != name)
            continue;
        log_news(keeper, tunnel, news);
        tunnel->way_is_old |= changed;
        tunnel->name_is_unsaid |= changed;
    }
    keeper_schedule_ways(keeper);
}

/* ---- Peers that wait for a lookup ------------------------------------------------------------------ */

/* Tells the engine that those who need not wait any longer can be judged. */
static void dismiss_peers(struct keeper *keeper)
{
    struct waiting_peer *next;
    for (struct waiting_peer *peer = STAILQ_FIRST(&keeper->waiting_peers); peer != NULL; peer = next) {
        next = STAILQ_NEXT(peer, link);
        if (!peer->done)
            continue;
        const struct message_job_done done = {.job = peer->job, .kind = IKE_JOB_LOOK_UP, .ok = 1};
        processes_send(&keeper->processes.engine, MESSAGE_JOB_DONE, &done, sizeof(done));
        STAILQ_REMOVE(&keeper->waiting_peers, peer, waiting_peer, link);
        keeper->waiting_peer_count--;
        free(peer);
    }
}

/* Of a tunnel whose name is looked up no more. */
static void dismiss_peers_of(struct keeper *keeper, const struct tunnel *tunnel)
{
    struct waiting_peer *peer;
    STAILQ_FOREACH(peer, &keeper->waiting_peers, link)
    {
        peer->done |= peer->tunnel == tunnel->policy.tunnel;
    }
    dismiss_peers(keeper);
}

/* An answer was taken in. What the engine has to know comes before the word that a lookup is done. */
static void name_answered(void *context, const struct peer_name *name, bool over)
{
    struct keeper *keeper = context;
    struct waiting_peer *peer;
    bool any = false;
    STAILQ_FOREACH(peer, &keeper->waiting_peers, link)
    {
        struct tunnel *tunnel = keeper_tunnel(keeper, peer->tunnel);
        bool found = tunnel != NULL && tunnel->name == name && peer_name_has(name, &peer->seen);
        if (found)
            tunnel->peer_seen = peer->seen;
        if (found || (over && tunnel != NULL && tunnel->name == name)) {
            tunnel->way_is_old = tunnel->name_is_unsaid = true;
            peer->done = any = true;
        }
    }
    if (any) {
        keeper_update_ways(keeper);
        dismiss_peers(keeper);
    }
    schedule_names(keeper);
}

void keeper_look_up(struct keeper *keeper, const struct message_look_up *look_up)
{
    const struct tunnel *tunnel = keeper_tunnel(keeper, look_up->tunnel);
    bool has_room = keeper->waiting_peer_count < WAITING_PEERS_MAX;
    struct waiting_peer *peer = has_room ? calloc(1, sizeof(*peer)) : NULL;
    const struct message_job_done cannot = {.job = look_up->job, .kind = IKE_JOB_LOOK_UP};
    if (peer == NULL) {
        processes_send(&keeper->processes.engine, MESSAGE_JOB_DONE, &cannot, sizeof(cannot));
        return;
    }
    peer->job = look_up->job;
    peer->tunnel = look_up->tunnel;
    peer->seen = look_up->seen;
    peer->done = tunnel == NULL || tunnel->name == NULL || !peer_names_look_up(tunnel->name);
    STAILQ_INSERT_TAIL(&keeper->waiting_peers, peer, link);
    keeper->waiting_peer_count++;
    dismiss_peers(keeper);
    schedule_names(keeper);
}

/* ---- Tunnels and their names ----------------------------------------------------------------------- */

/* S19: the family that is looked up; IP_NONE: both, since the route decides. */
static enum ip_family wanted_family(const struct tunnel_policy *policy)
{
    if (policy->peer_family != IP_NONE)
        return policy->peer_family;
    if (policy->source_kind == SOURCE_ADDRESS)
        return policy->source_address.family;
    return policy->outgoing == OUTGOING_NEXT_HOP ? policy->out_next_hop.family : IP_NONE;
}

void keeper_use_name(struct keeper *keeper, struct tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    bool wanted = policy->peer_kind == PEER_FQDN && policy->complete && !policy->shut_down;
    enum ip_family family = wanted_family(policy);
    if (wanted && tunnel->name != NULL && peer_name_is(tunnel->name, policy->peer_fqdn, family))
        return;
    keeper_release_name(keeper, tunnel);
    if (!wanted)
        return;
    tunnel->name = peer_names_use(&keeper->names, policy->peer_fqdn, family);
    if (tunnel->name == NULL)
        event_log_print(keeper->log, EVENT_IKEV2, LOG_LEVEL_ERROR, policy->name,
                        "out of memory: %s is not looked up", policy->peer_fqdn);
    schedule_names(keeper);
}

void keeper_release_name(struct keeper *keeper, struct tunnel *tunnel)
{
    if (tunnel->name == NULL)
        return;
    peer_names_release(tunnel->name);
    tunnel->name = NULL;
    tunnel->name_is_unsaid = true;
    dismiss_peers_of(keeper, tunnel);
    schedule_names(keeper);
}

/* Puts an address first. */
static void put_first(struct ip_address *addresses, size_t count, const struct ip_address *first)
{
    size_t at = 0;
    while (at < count && !ip_address_equal(&addresses[at], first))
        at++;
    if (at == count)
        return;
    memmove(addresses + 1, addresses, at * sizeof(*addresses));
    addresses[0] = *first;
}

/*
 * Where the peer itself has been seen it is. Else the address stays that it was as long as the name has it
 * (R41); another one is tried only while there is no SA, if there is no way to it.
 */
size_t keeper_peer_addresses(const struct tunnel *tunnel, struct ip_address out[IKE_PEER_ADDRESSES_MAX])
{
    if (tunnel->policy.peer_kind == PEER_ADDRESS) {
        out[0] = tunnel->policy.peer_address;
        return 1;
    }
    if (tunnel->name == NULL)
        return 0;
    size_t count = peer_name_addresses(tunnel->name, out);
    bool seen = peer_name_has(tunnel->name, &tunnel->peer_seen);
    bool kept = peer_name_has(tunnel->name, &tunnel->peer_address);
    if (seen || kept)
        put_first(out, count, seen ? &tunnel->peer_seen : &tunnel->peer_address);
    return seen || (kept && tunnel->has_sa) ? 1 : count;
}

static void send_addresses(struct keeper *keeper, const struct tunnel *tunnel)
{
    struct message_peer_addresses m = {.tunnel = tunnel->policy.tunnel};
    if (tunnel->name != NULL)
        m.count = (uint32_t)peer_name_addresses(tunnel->name, m.addresses);
    processes_send(&keeper->processes.engine, MESSAGE_PEER_ADDRESSES, &m, sizeof(m));
}

void keeper_name_has_way(struct keeper *keeper, struct tunnel *tunnel)
{
    if (tunnel->policy.peer_kind != PEER_FQDN)
        return;
    if (tunnel->way.way.remote.family != IP_NONE)
        tunnel->peer_address = tunnel->way.way.remote;
    tunnel->peer_seen = (struct ip_address){.family = IP_NONE};
    if (!tunnel->name_is_unsaid || tunnel->stage != TUNNEL_THERE)
        return;
    tunnel->name_is_unsaid = false;
    send_addresses(keeper, tunnel);
}

/* ---- Asking ---------------------------------------------------------------------------------------- */

static msec_t host_now(void *context)
{
    (void)context;
    return keeper_now();
}

static void *host_ask(void *context, const char *name, enum ip_family family, resolver_answered *answered,
                      void *answered_context)
{
    struct keeper *keeper = context;
    return resolver_ask(keeper->resolver, name, family, answered, answered_context);
}

static void host_cancel(void *context, void *question)
{
    (void)context;
    resolver_cancel(question);
}

static void names_due(uv_timer_t *timer)
{
    struct keeper *keeper = timer->data;
    peer_names_handle(&keeper->names);
    schedule_names(keeper);
}

static void schedule_names(struct keeper *keeper)
{
    msec_t due = peer_names_due(&keeper->names);
    msec_t now = keeper_now();
    if (keeper->resolver == NULL)
        return;
    if (due == MSEC_NEVER)
        (void)uv_timer_stop(&keeper->names_timer);
    else
        (void)uv_timer_start(&keeper->names_timer, names_due, due > now ? due - now : 0, 0);
}

void keeper_use_name_servers(struct keeper *keeper)
{
    const struct host_settings *settings = &keeper->configuration.settings;
    if (!resolver_set_servers(keeper->resolver, settings->name_servers, settings->name_server_count))
        return;
    peer_names_begin_anew(&keeper->names);
    schedule_names(keeper);
}

/* ---- Life ------------------------------------------------------------------------------------------ */

bool keeper_open_names(struct keeper *keeper)
{
    const struct peer_names_host host = {host_now, host_ask, host_cancel, name_news, name_answered, keeper};
    STAILQ_INIT(&keeper->waiting_peers);
    keeper->names = peer_names_of(&host);
    keeper->resolver = resolver_new(&keeper->loop);
    if (keeper->resolver == NULL)
        return false;
    (void)uv_timer_init(&keeper->loop, &keeper->names_timer);
    keeper->names_timer.data = keeper;
    return true;
}

void keeper_close_names(struct keeper *keeper)
{
    if (keeper->resolver == NULL)
        return;
    for (size_t i = 0; i < keeper->tunnel_count; i++)
        keeper_release_name(keeper, keeper->tunnels[i]);
    peer_names_clear(&keeper->names);
    uv_close((uv_handle_t *)&keeper->names_timer, NULL);
    resolver_free(keeper->resolver);
    keeper->resolver = NULL;
}
