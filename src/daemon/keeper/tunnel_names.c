#include "daemon/keeper/tunnel_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/short_text.h"
#include "config/setting_lines.h"
#include "daemon/ipc/clock.h"

enum { WAITING_PEERS_MAX = 4096 }; /* whatever the engine, which talks to the network, asks for */

/* A peer that waits for the lookup of its name (IKE_JOB_LOOK_UP). */
struct waiting_peer {
    STAILQ_ENTRY(waiting_peer) link;
    uint32_t job;
    struct tunnel_name *name; /* NULL: its tunnel uses none; then it does not wait */
    struct ip_address seen;
    bool done;
};

static void schedule(struct tunnel_names *names);

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

/* " (asked: 10.0.0.53, line 5)" if no name server has given an answer; else nothing. */
static const char *asked_in_vain(const struct tunnel_names *names, const struct peer_name *name,
                                 char out[NAME_SERVERS_TEXT_SIZE + 16])
{
    bool is_failed = false;
    for (size_t i = 0; i < name->family_count; i++)
        is_failed |= name->families[i].outcome == RESOLVER_FAILED;
    out[0] = '\0';
    if (is_failed)
        (void)snprintf(out, NAME_SERVERS_TEXT_SIZE + 16, " (asked: %s)", names->servers);
    return out;
}

static void log_news(const struct tunnel_names *names, const struct tunnel_policy *policy,
                     const struct peer_name *name, enum peer_name_news news)
{
    struct event_log *log = names->log;
    char asked[NAME_SERVERS_TEXT_SIZE + 16];
    char addresses[ADDRESSES_TEXT_SIZE];
    struct setting_lines lines = {0};
    char lines_text[SETTING_LINES_TEXT_SIZE];
    setting_lines_add(&lines, policy, SETTING_BIT(SETTING_PEER));
    switch (news) {
    case PEER_NAME_CHANGED:
        event_log_print(log, EVENT_IKEV2, LOG_LEVEL_NOTICE, policy->name, "the address of %s is %s",
                        name->text, list_addresses(name, addresses));
        break;
    case PEER_NAME_UNRESOLVED:
        event_log_print(log, EVENT_IKEV2, LOG_LEVEL_WARN, policy->name,
                        "no SA can be made: the name of the peer, %s, is not resolved: %s%s; %s", name->text,
                        name->problem, asked_in_vain(names, name, asked),
                        setting_lines_format(&lines, lines_text));
        break;
    case PEER_NAME_FAILING:
        event_log_print(log, EVENT_IKEV2, LOG_LEVEL_WARN, policy->name,
                        "the address of %s stays as it is: it can't be looked up: %s%s", name->text,
                        name->problem, asked_in_vain(names, name, asked));
        break;
    case PEER_NAME_ANSWERED:
        event_log_print(log, EVENT_IKEV2, LOG_LEVEL_NOTICE, policy->name,
                        "%s can be looked up again, and its address is the same", name->text);
        break;
    }
}

static void name_news(void *context, const struct peer_name *name, enum peer_name_news news)
{
    struct tunnel_names *names = context;
    bool changed = news == PEER_NAME_CHANGED || news == PEER_NAME_UNRESOLVED;
    struct tunnel_name *user;
    TAILQ_FOREACH(user, &name->tunnels, link)
    {
        log_news(names, user->policy, name, news);
        user->is_unsent |= changed;
        if (changed)
            names->listener.changed(names->listener.context, user->policy->tunnel);
    }
}

/* ---- Peers that wait for a lookup ------------------------------------------------------------------ */

/* Tells the engine that it can judge the peers that need not wait any longer. */
static void dismiss_peers(struct tunnel_names *names)
{
    struct waiting_peer *next;
    for (struct waiting_peer *peer = STAILQ_FIRST(&names->waiting); peer != NULL; peer = next) {
        next = STAILQ_NEXT(peer, link);
        if (!peer->done)
            continue;
        const struct message_job_done done = {.job = peer->job, .kind = IKE_JOB_LOOK_UP, .ok = 1};
        processes_send(&names->processes->engine, MESSAGE_JOB_DONE, &done, sizeof(done));
        STAILQ_REMOVE(&names->waiting, peer, waiting_peer, link);
        names->waiting_count--;
        free(peer);
    }
}

/* Dismisses the peers of a tunnel whose name is not looked up any more. */
static void dismiss_peers_of(struct tunnel_names *names, const struct tunnel_name *name)
{
    struct waiting_peer *peer;
    STAILQ_FOREACH(peer, &names->waiting, link)
    {
        peer->done |= peer->name == name;
    }
    dismiss_peers(names);
}

/* An answer was taken in. The engine hears what it has to know before it hears that the lookup is done. */
static void name_answered(void *context, const struct peer_name *name, bool over)
{
    struct tunnel_names *names = context;
    struct waiting_peer *peer;
    bool any = false;
    STAILQ_FOREACH(peer, &names->waiting, link)
    {
        struct tunnel_name *user = peer->name;
        bool found = user->name == name && peer_name_has(name, &peer->seen);
        if (found)
            user->seen = peer->seen;
        if (found || (over && user->name == name)) {
            user->is_unsent = true;
            peer->done = any = true;
            names->listener.changed(names->listener.context, user->policy->tunnel);
        }
    }
    if (any) {
        names->listener.find_routes(names->listener.context);
        dismiss_peers(names);
    }
    schedule(names);
}

void tunnel_names_look_up(struct tunnel_names *names, struct tunnel_name *name,
                          const struct message_look_up *look_up)
{
    bool has_room = names->waiting_count < WAITING_PEERS_MAX;
    struct waiting_peer *peer = has_room ? calloc(1, sizeof(*peer)) : NULL;
    const struct message_job_done cannot = {.job = look_up->job, .kind = IKE_JOB_LOOK_UP};
    if (peer == NULL) {
        processes_send(&names->processes->engine, MESSAGE_JOB_DONE, &cannot, sizeof(cannot));
        return;
    }
    peer->job = look_up->job;
    peer->name = name;
    peer->seen = look_up->seen;
    peer->done = name == NULL || name->name == NULL || !peer_names_look_up(name->name);
    STAILQ_INSERT_TAIL(&names->waiting, peer, link);
    names->waiting_count++;
    dismiss_peers(names);
    schedule(names);
}

/* ---- The use of names ------------------------------------------------------------------------------ */

/* S19: the family that is looked up; IP_NONE: both, since the route decides. */
static enum ip_family wanted_family(const struct tunnel_policy *policy)
{
    if (policy->peer_family != IP_NONE)
        return policy->peer_family;
    if (policy->source_kind == SOURCE_ADDRESS)
        return policy->source_address.family;
    return policy->outgoing == OUTGOING_NEXT_HOP ? policy->out_next_hop.family : IP_NONE;
}

void tunnel_names_use(struct tunnel_names *names, struct tunnel_name *name,
                      const struct tunnel_policy *policy)
{
    bool wanted = policy->peer_kind == PEER_FQDN && policy->complete && !policy->shut_down;
    enum ip_family family = wanted_family(policy);
    if (wanted && name->name != NULL && peer_name_is(name->name, policy->peer_fqdn, family))
        return;
    tunnel_names_release(names, name);
    if (!wanted)
        return;
    name->name = peer_names_use(&names->names, policy->peer_fqdn, family);
    if (name->name == NULL) {
        event_log_print(names->log, EVENT_IKEV2, LOG_LEVEL_ERROR, policy->name,
                        "out of memory: %s is not looked up", policy->peer_fqdn);
        return;
    }
    name->policy = policy;
    TAILQ_INSERT_TAIL(&name->name->tunnels, name, link);
    schedule(names);
}

void tunnel_names_release(struct tunnel_names *names, struct tunnel_name *name)
{
    if (name->name == NULL)
        return;
    TAILQ_REMOVE(&name->name->tunnels, name, link);
    peer_names_release(name->name);
    name->name = NULL;
    name->is_unsent = true;
    dismiss_peers_of(names, name);
    schedule(names);
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
 * The peer is where it has been seen itself. Else the address stays what it was as long as the name has it
 * (R41); another one is tried only while there is no SA, if there is no route to it.
 */
size_t tunnel_name_addresses(const struct tunnel_name *name, const struct tunnel_policy *policy, bool has_sa,
                             struct ip_address out[IKE_PEER_ADDRESSES_MAX])
{
    if (policy->peer_kind == PEER_ADDRESS) {
        out[0] = policy->peer_address;
        return 1;
    }
    if (name->name == NULL)
        return 0;
    size_t count = peer_name_addresses(name->name, out);
    bool seen = peer_name_has(name->name, &name->seen);
    bool kept = peer_name_has(name->name, &name->address);
    if (seen || kept)
        put_first(out, count, seen ? &name->seen : &name->address);
    return seen || (kept && has_sa) ? 1 : count;
}

const char *tunnel_name_problem(const struct tunnel_name *name)
{
    return name->name != NULL ? name->name->problem : NULL;
}

void tunnel_name_set_unsent(struct tunnel_name *name)
{
    name->is_unsent = true;
}

static void send_addresses(struct tunnel_names *names, const struct tunnel_name *name, uint32_t tunnel)
{
    struct message_peer_addresses m = {.tunnel = tunnel};
    if (name->name != NULL)
        m.count = (uint32_t)peer_name_addresses(name->name, m.addresses);
    processes_send(&names->processes->engine, MESSAGE_PEER_ADDRESSES, &m, sizeof(m));
}

void tunnel_names_routed(struct tunnel_names *names, struct tunnel_name *name,
                         const struct tunnel_policy *policy, const struct ip_address *remote,
                         bool engine_has_it)
{
    if (policy->peer_kind != PEER_FQDN)
        return;
    if (remote->family != IP_NONE)
        name->address = *remote;
    name->seen = (struct ip_address){.family = IP_NONE};
    if (!name->is_unsent || !engine_has_it)
        return;
    name->is_unsent = false;
    send_addresses(names, name, policy->tunnel);
}

/* ---- Asking ---------------------------------------------------------------------------------------- */

static msec_t host_now(void *context)
{
    (void)context;
    return clock_now();
}

static void *host_ask(void *context, const char *name, enum ip_family family, resolver_answered *answered,
                      void *answered_context)
{
    struct tunnel_names *names = context;
    return resolver_ask(names->resolver, name, family, answered, answered_context);
}

static void host_cancel(void *context, void *question)
{
    (void)context;
    resolver_cancel(question);
}

static void lookups_due(uv_timer_t *timer)
{
    struct tunnel_names *names = timer->data;
    peer_names_handle(&names->names);
    schedule(names);
}

static void schedule(struct tunnel_names *names)
{
    msec_t due = peer_names_due(&names->names);
    msec_t now = clock_now();
    if (names->resolver == NULL)
        return;
    if (due == MSEC_NEVER)
        (void)uv_timer_stop(&names->timer);
    else
        (void)uv_timer_start(&names->timer, lookups_due, due > now ? due - now : 0, 0);
}

/* "10.0.0.53, line 5": the name servers that are asked, with the lines of the config that name them. */
static void write_servers(struct tunnel_names *names, const struct host_settings *settings)
{
    struct short_text text = short_text_in(names->servers, sizeof(names->servers));
    for (size_t i = 0; i < settings->name_server_count; i++) {
        char address[IP_TEXT_SIZE], lines_text[SETTING_LINES_TEXT_SIZE];
        struct setting_lines lines = {0};
        setting_lines_add_line(&lines, settings->name_server_lines[i]);
        short_text_add(&text, "%s%s, %s", i > 0 ? "; " : "",
                       ip_address_format(&settings->name_servers[i], address),
                       setting_lines_format(&lines, lines_text));
    }
    if (settings->name_server_count == 0)
        short_text_add(&text, "those of /etc/resolv.conf, since the config has no `dns server`");
}

void tunnel_names_set_servers(struct tunnel_names *names, const struct host_settings *settings)
{
    write_servers(names, settings);
    if (!resolver_set_servers(names->resolver, settings->name_servers, settings->name_server_count))
        return;
    peer_names_begin_anew(&names->names);
    schedule(names);
}

/* ---- Life ------------------------------------------------------------------------------------------ */

bool tunnel_names_open(struct tunnel_names *names, uv_loop_t *loop, struct processes *processes,
                       struct event_log *log, const struct tunnel_names_listener *listener)
{
    const struct peer_names_host host = {host_now, host_ask, host_cancel, name_news, name_answered, names};
    *names = (struct tunnel_names){.processes = processes, .log = log, .listener = *listener};
    STAILQ_INIT(&names->waiting);
    names->names = peer_names_of(&host);
    names->resolver = resolver_new(loop);
    if (names->resolver == NULL)
        return false;
    (void)uv_timer_init(loop, &names->timer);
    names->timer.data = names;
    return true;
}

void tunnel_names_close(struct tunnel_names *names)
{
    struct peer_name *name;
    if (names->resolver == NULL)
        return;
    while ((name = LIST_FIRST(&names->names.all)) != NULL) /* it goes with its last user */
        tunnel_names_release(names, TAILQ_FIRST(&name->tunnels));
    peer_names_clear(&names->names);
    uv_close((uv_handle_t *)&names->timer, NULL);
    resolver_free(names->resolver);
    names->resolver = NULL;
}
