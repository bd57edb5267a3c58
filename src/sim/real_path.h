/*
 * The packet path of a gateway in a world with real ones (world_use_real_paths): src/path/ itself, sealing
 * and opening ESP with the keys that were negotiated.
 */
#ifndef MUSUBI_SIM_REAL_PATH_H
#define MUSUBI_SIM_REAL_PATH_H

#include "path/path.h"
#include "sim/inside.h"

/* Starts a gateway's path, without tunnels; ends it and frees all that it has. */
void real_path_start(struct gateway *g);
void real_path_free(struct gateway *g);

/* Gives the path a tunnel that the gateway has got. */
void real_path_add_tunnel(struct gateway *g, const struct sim_tunnel *t);

/* Ends the path and starts another one in its place: with the same live area, without Child SAs. */
void real_path_restart(struct gateway *g);

/* Clears the live area, as a restart of the machine does. The path must have no Child SA. */
void real_path_forget_live(struct gateway *g);

/* Leaves the Child SAs `left` numbers to send with, from when the path is started anew. */
void real_path_spend_sequences(struct gateway *g, uint32_t left);

/* Carries out a change of a Child SA. */
void real_path_change(struct gateway *g, const struct child_command *command);

/* Removes the Child SAs that the effects do not install, before those are carried out. */
void real_path_agree(struct gateway *g, const struct ike_effects *effects);

/* Puts the next packet of the traffic into a tunnel. */
void real_path_send_packet(struct gateway *g, struct sim_tunnel *t);

/* An ESP datagram arrives; a report of the path reaches the engine. */
void real_path_receive(struct gateway *g, const struct coming *c);
void real_path_report(struct gateway *g, const struct coming *c);

/* Lets the path do all that there is to do now; and when it has more to do. */
void real_path_run(struct gateway *g);
msec_t real_path_deadline(const struct gateway *g);

#endif
