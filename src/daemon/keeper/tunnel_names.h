/*
 * The names of the tunnels' peers (R41): which tunnel uses which name, what the log and the engine are told
 * of it, and peers at unknown addresses, whose names the engine wants to have looked up at once (S22).
 *
 * It knows no tunnels, only their policies. What follows for a tunnel is told to the listener.
 */
#ifndef MUSUBI_DAEMON_KEEPER_TUNNEL_NAMES_H
#define MUSUBI_DAEMON_KEEPER_TUNNEL_NAMES_H

#include "config/host_settings.h"
#include "daemon/keeper/event_log.h"
#include "daemon/keeper/peer_names.h"
#include "daemon/keeper/processes.h"

/* The name of one tunnel's peer. Zeroed: it uses none. Only tunnel_names.c looks inside. */
struct tunnel_name {
    TAILQ_ENTRY(tunnel_name) link;      /* of peer_name.tunnels, while a name is used */
    const struct tunnel_policy *policy; /* likewise; the tunnel's */
    struct peer_name *name;             /* NULL: none is used */
    bool is_unsent;                     /* the engine has to be told of the name's addresses */
    struct ip_address address;          /* of those that the name had, the one that the last route led to */
    struct ip_address seen;             /* where the peer itself was seen since, or IP_NONE */
};

struct waiting_peer;

/* None of the functions may begin or end the use of a name. */
struct tunnel_names_listener {
    /* The name of a tunnel's peer has other addresses: its route is to be found anew, soon. */
    void (*changed)(void *context, uint32_t tunnel);
    /* Something that a peer waits for is known: such routes are to be found now, before the engine hears that
     * the lookup is done. */
    void (*find_routes)(void *context);
    void *context;
};

enum { NAME_SERVERS_TEXT_SIZE = 256 };

struct tunnel_names {
    struct processes *processes;
    struct event_log *log;
    struct tunnel_names_listener listener;
    struct resolver *resolver; /* NULL: not open */
    struct peer_names names;
    uv_timer_t timer;
    char servers[NAME_SERVERS_TEXT_SIZE]; /* that are asked, for the log */
    STAILQ_HEAD(, waiting_peer) waiting;
    size_t waiting_count;
};

/* Ready for the first name. `processes` and `log` stay the caller's. False if memory ran out. */
bool tunnel_names_open(struct tunnel_names *names, uv_loop_t *loop, struct processes *processes,
                       struct event_log *log, const struct tunnel_names_listener *listener);

/* Ends all lookups; no tunnel uses a name any more. Some memory goes when the loop has run. */
void tunnel_names_close(struct tunnel_names *names);

/* Has the name servers of the config asked; if they are others than before, for all names at once. */
void tunnel_names_set_servers(struct tunnel_names *names, const struct host_settings *settings);

/* Begins, goes on with or ends looking up the name of a tunnel's peer, as the policy says. The policy has to
 * stay where it is while the name is used. */
void tunnel_names_use(struct tunnel_names *names, struct tunnel_name *name,
                      const struct tunnel_policy *policy);

/* Ends it. */
void tunnel_names_release(struct tunnel_names *names, struct tunnel_name *name);

/*
 * The addresses of the peer to which a route is to be found, the preferred ones first, by the name or the
 * address of the policy. Returns their number. `has_sa`: the tunnel has an SA.
 */
size_t tunnel_name_addresses(const struct tunnel_name *name, const struct tunnel_policy *policy, bool has_sa,
                             struct ip_address out[IKE_PEER_ADDRESSES_MAX]);

/* Why the name has no address, or why the last lookup failed; NULL if neither, or no name is used. */
const char *tunnel_name_problem(const struct tunnel_name *name);

/* The engine has a new policy of the tunnel: it has to be told of the name's addresses (again). */
void tunnel_name_set_unsent(struct tunnel_name *name);

/* The route to the peer was found anew, to `remote` (IP_NONE: to no address). If the engine has to be told of
 * the name's addresses, and has the tunnel (`engine_has_it`), it is told. */
void tunnel_names_routed(struct tunnel_names *names, struct tunnel_name *name,
                         const struct tunnel_policy *policy, const struct ip_address *remote,
                         bool engine_has_it);

/* The engine wants to know where a peer may be now. `name` is that of its tunnel, NULL if there is none. */
void tunnel_names_look_up(struct tunnel_names *names, struct tunnel_name *name,
                          const struct message_look_up *look_up);

#endif
