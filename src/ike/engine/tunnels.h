/*
 * The events that concern a tunnel: its policy, the route to its peer, the addresses of the peer's name,
 * packets that wait or were dropped (R11, R41, R43, S4). An event for a tunnel that is not there does
 * nothing.
 */
#ifndef MUSUBI_IKE_ENGINE_TUNNELS_H
#define MUSUBI_IKE_ENGINE_TUNNELS_H

#include "ike/sa/tunnel.h"

/* IKE_EVENT_POLICY: the policy is copied. */
void tunnel_set_policy(struct ike_engine *engine, const struct tunnel_policy *policy, uint32_t slot);

/* IKE_EVENT_TUNNEL_GONE: its SAs are deleted, and the tunnel is freed. */
void tunnel_remove(struct ike_engine *engine, uint32_t number);

/* IKE_EVENT_PEER_ROUTE. */
void tunnel_set_route(struct ike_engine *engine, uint32_t number, const struct peer_route *route);

/* IKE_EVENT_PEER_ADDRESSES: `count` addresses are copied. */
void tunnel_set_peer_addresses(struct ike_engine *engine, uint32_t number, const struct ip_address *addresses,
                               size_t count);

/* IKE_EVENT_PACKET_WAITS, IKE_EVENT_PACKET_OUTSIDE. */
void tunnel_packet_waits(struct ike_engine *engine, uint32_t number, const struct packet_flow *flow);
void tunnel_packet_outside(struct ike_engine *engine, uint32_t number, const struct packet_flow *flow);

/*
 * IKE_EVENT_CLEAR: deletes the tunnel's SAs; `reason` is for the history and the log. Its Child SAs end at
 * once, its IKE SAs when the peer has answered the DELETEs, or has not in time (R12).
 */
void tunnel_clear(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason);

/* Frees a tunnel and its SAs, without telling the peer. */
void tunnel_free(struct ike_engine *engine, struct ike_tunnel *tunnel);

#endif
