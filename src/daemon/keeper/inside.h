/*
 * The inside of the keeper: what its files share.
 */
#ifndef MUSUBI_DAEMON_KEEPER_INSIDE_H
#define MUSUBI_DAEMON_KEEPER_INSIDE_H

#include "daemon/keeper/arguments.h"
#include "daemon/keeper/configuration.h"
#include "daemon/keeper/control.h"
#include "daemon/keeper/event_log.h"
#include "daemon/keeper/peer_names.h"
#include "daemon/keeper/peer_route.h"
#include "daemon/keeper/processes.h"
#include "daemon/keeper/run_directory.h"
#include "daemon/state/history.h"
#include "daemon/state/map.h"
#include "daemon/state/shared.h"
#include "host/resolver.h"

/* How far a tunnel is with the path. */
enum tunnel_stage {
    TUNNEL_WITHOUT_DEVICE, /* Linux has no TUN device for it (yet) */
    TUNNEL_ADDING,         /* the path has been asked */
    TUNNEL_THERE,          /* the path has it, the engine knows its policy */
    TUNNEL_REFUSED,        /* by the path */
};

struct tunnel {
    struct tunnel_policy policy;
    uint32_t mtu;
    uint32_t slot; /* a small number: of its totals in the live area, and for esp/owner.h */
    enum tunnel_stage stage;
    bool has_sa;
    bool carrier; /* as last set */
    struct way way;
    bool way_is_old;                /* to be worked out anew, see also keeper.all_ways_are_old */
    struct peer_name *name;         /* of the peer, while it is looked up; else NULL */
    bool name_is_unsaid;            /* the engine has to be told of the name's addresses */
    struct ip_address peer_address; /* of those that the name had, the one to which the way led last */
    struct ip_address peer_seen;    /* where the peer itself was seen since, or IP_NONE */
    bool leaving;                   /* not in the config any more; its SAs are being deleted (S4) */
    bool kept;                      /* by the config that is being applied */
    struct history history;
    struct path_totals cleared; /* the totals at the last `clear ikev2 statistics` */
};

/* A peer that waits for the lookup of its name (IKE_JOB_LOOK_UP). */
struct waiting_peer {
    STAILQ_ENTRY(waiting_peer) link;
    uint32_t job, tunnel;
    struct ip_address seen;
    bool done;
};

/* A fwmark that tunnels are pinned by, for which the engine has sockets. */
struct engine_mark {
    uint32_t mark;
    enum ip_family family;
    bool used;
};

struct keeper {
    const struct arguments *arguments;
    char *config_path; /* absolute */
    int told;          /* the starting process waits here for the word that all is well; -1: nobody does */
    uv_loop_t loop;
    struct event_log *log;
    struct run_directory directory;
    struct port_table ports;
    struct configuration configuration;
    struct text left_out; /* of the plan for Linux */

    struct host *host;
    uv_poll_t host_poll;
    uv_timer_t host_timer;
    bool host_polled;
    struct host_sockets sockets;
    bool sockets_are_open;
    uint32_t workers;

    int state_fd, statistics_fd, live_fd;
    struct state_map *records;
    struct live_area live;
    struct engine_statistics *statistics;
    struct processes processes;

    struct tunnel **tunnels; /* in the order of the config */
    size_t tunnel_count;
    struct map by_number;
    bool *slot_taken; /* by tunnels */
    struct engine_mark *marks;
    size_t mark_count;
    uv_timer_t ways_timer;
    bool ways_are_due; /* the timer is set */
    bool all_ways_are_old;

    struct resolver *resolver;
    struct peer_names names;
    uv_timer_t names_timer;
    STAILQ_HEAD(, waiting_peer) waiting_peers;
    size_t waiting_peer_count;

    struct control *control;
    uv_signal_t terminate, interrupt;
    uv_timer_t stop_timer;
    bool started; /* ready was told */
    bool stopping;
    enum exit_status status;
};

/* Milliseconds of CLOCK_BOOTTIME. */
msec_t keeper_now(void);

/* Begins to stop, in order; the exit status will be `status` (the first one that is not 0). */
void keeper_stop(struct keeper *keeper, enum exit_status status);

/* ---- keeper_tunnels.c ------------------------------------------------------------------------------- */

/* The tunnel of that number or name; NULL if there is none. */
struct tunnel *keeper_tunnel(const struct keeper *keeper, uint32_t number);
struct tunnel *keeper_tunnel_named(const struct keeper *keeper, const char *name);

/* Makes Linux, the path and the engine agree with the configuration. False if Linux can't be talked to or
 * memory ran out; `err` says which. */
bool keeper_apply(struct keeper *keeper, struct host_error *err);

/* Frees all tunnels. */
void keeper_free_tunnels(struct keeper *keeper);

/* The path has answered. */
void keeper_tunnel_done(struct keeper *keeper, const struct message_tunnel_done *done);

/* The engine says that a tunnel has an SA, or none any more. */
void keeper_tunnel_state(struct keeper *keeper, const struct message_tunnel_state *state, const char *reason);

/* A device has been made anew: what the path had of it is void. */
void keeper_tunnel_replaced(struct keeper *keeper, const char *name);

/* Works out all ways that are old: tells the engine what changed, sets the tunnels' carriers. */
void keeper_update_ways(struct keeper *keeper);

/* The tunnel's statistics since they were last cleared. */
struct path_totals keeper_tunnel_totals(const struct keeper *keeper, const struct tunnel *tunnel);
void keeper_clear_statistics(struct keeper *keeper);

/* ---- keeper_host.c ---------------------------------------------------------------------------------- */

/* Takes the network namespace and watches it. */
bool keeper_open_host(struct keeper *keeper, struct host_error *err);
bool keeper_watch_host(struct keeper *keeper);
void keeper_close_host(struct keeper *keeper);

/* To be called after host_... functions were: sets the timer by host_due. */
void keeper_schedule_host(struct keeper *keeper);

/* Has keeper_update_ways called soon. */
void keeper_schedule_ways(struct keeper *keeper);

/* ---- keeper_names.c --------------------------------------------------------------------------------- */

/* Ready for the first name. False if memory ran out. */
bool keeper_open_names(struct keeper *keeper);

/* Ends all lookups; no tunnel has a name any more. Some memory goes when the loop has run. */
void keeper_close_names(struct keeper *keeper);

/* Has the name servers asked that the config names; others than before are asked at once. */
void keeper_use_name_servers(struct keeper *keeper);

/* Begins, goes on with or ends looking up the name of a tunnel's peer, as its policy says. */
void keeper_use_name(struct keeper *keeper, struct tunnel *tunnel);

/* Ends it. */
void keeper_release_name(struct keeper *keeper, struct tunnel *tunnel);

/* The peer's addresses that a way is to be found to, the wanted ones first; returns their number. */
size_t keeper_peer_addresses(const struct tunnel *tunnel, struct ip_address out[IKE_PEER_ADDRESSES_MAX]);

/* The way to the peer was worked out: sees to the rest, and tells the engine of the name if it must. */
void keeper_name_has_way(struct keeper *keeper, struct tunnel *tunnel);

/* The engine wants to know where a peer may be now. */
void keeper_look_up(struct keeper *keeper, const struct message_look_up *look_up);

/* ---- commands.c ------------------------------------------------------------------------------------- */

/* What the control socket's sessions do. */
struct control_handler keeper_control_handler(struct keeper *keeper);

#endif
