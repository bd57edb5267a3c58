/*
 * When a tunnel starts a negotiation (R43, S20, S23): with `connect-type auto` as soon as it can, else when a
 * packet waits.
 */
#ifndef MUSUBI_IKE_EXCHANGES_CONNECT_H
#define MUSUBI_IKE_EXCHANGES_CONNECT_H

#include "ike/sa/tunnel.h"

/* Why the tunnel may not start a negotiation now; NULL if it may. */
const char *connect_hindrance(const struct ike_engine *engine, const struct ike_tunnel *tunnel);

/* Starts a negotiation if the tunnel may and none is under way. While very many are being computed, the
 * tunnel waits for its turn. */
void connect_tunnel(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* The same for a tunnel with `connect-type auto` whose config has changed, but after a moment, since several
 * lines of a config are often changed in a row. Until then nothing else starts it, a packet that waits
 * neither. */
void connect_tunnel_soon(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* A job is done: those that wait for their turn start as far as they may. */
void connect_waiting(struct ike_engine *engine);

/* The tunnel no longer waits for its turn. Does nothing if it does not wait. */
void connect_leave_queue(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* Starts a negotiation at once for a packet, of the tunnel's LAN or of the peer. */
void connect_for_packet(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* The tunnel is new, or its policy has changed: starts or stops the checks of `connect-type auto`. */
void connect_update_checks(struct ike_engine *engine, struct ike_tunnel *tunnel);

#endif
