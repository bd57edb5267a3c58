/*
 * The tunnels of the config: handed to the path and the engine, with the names and the routes of their peers
 * and what becomes of the packets for their interfaces.
 */
#ifndef MUSUBI_DAEMON_KEEPER_TUNNELS_H
#define MUSUBI_DAEMON_KEEPER_TUNNELS_H

#include "daemon/keeper/interface_watch.h"

/* What they work with; all stays the caller's and has to outlive them. */
struct tunnels_surroundings {
    struct keeper_host *host;
    struct processes *processes;
    struct event_log *log;
    const struct configuration *configuration;
    const struct port_table *ports;
    const struct live_area *live;
};

struct tunnels {
    struct tunnels_surroundings with;
    struct tunnel_table table;
    struct tunnel_names names;
    struct tunnel_routes routes;
    size_t adding; /* tunnels of which the path has not said yet whether it has them */
    struct interface_watch watch;
    bool are_left; /* tunnels_leave */
};

/* No tunnels at first. False if memory ran out; then tunnels_close is to be called all the same. */
bool tunnels_open(struct tunnels *tunnels, uv_loop_t *loop, const struct tunnels_surroundings *with);

/* Frees them all, without a word to the path or the engine. Some memory goes when the loop has run. */
void tunnels_close(struct tunnels *tunnels);

/*
 * At the start: tells the engine the policies of the config, before Linux has a device for any tunnel, which
 * takes far longer. Without a route no negotiation begins, and peers have to wait for MESSAGE_TUNNELS_TOLD.
 */
void tunnels_tell_policies(struct tunnels *tunnels);

/* All are settled: the engine forgets those that have no device, or that the path could not take. */
void tunnels_withdraw_policies(struct tunnels *tunnels);

/* Makes them agree with the configuration, after Linux does (host_apply). */
void tunnels_apply(struct tunnels *tunnels);

/* Musubi ends though nobody has told it to: the interfaces stay as they are, and when nobody holds them their
 * packets are dropped (S48). */
void tunnels_leave(struct tunnels *tunnels);

/* True if the path has answered for each tunnel that it was handed. */
bool tunnels_are_settled(const struct tunnels *tunnels);

/* The policy of the tunnel of that number; NULL if there is none. */
const struct tunnel_policy *tunnels_policy(const struct tunnels *tunnels, uint32_t number);

/* ---- What others tell -------------------------------------------------------------------------------- */

/* Something has changed in Linux. */
void tunnels_host_changed(struct tunnels *tunnels, const struct host_event *event);

/* The path has answered. */
void tunnels_path_answered(struct tunnels *tunnels, const struct message_tunnel_done *done);

/* The engine says that a tunnel has an SA, or none any more (and why); answers if it waits. */
void tunnels_state_changed(struct tunnels *tunnels, const struct message_tunnel_state *state,
                           const char *reason);

/* The engine says at which step a negotiation of a tunnel has failed, and why. */
void tunnels_negotiation_failed(struct tunnels *tunnels, uint32_t number, enum ike_step step,
                                const char *why);

/* The engine wants to know where a peer may be now. */
void tunnels_look_up(struct tunnels *tunnels, const struct message_look_up *look_up);

#endif
