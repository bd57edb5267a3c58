/*
 * An own address that goes away or is replaced under an IKE SA (S40): by DHCP, by PPPoE, or because the route
 * to the peer has another source now. An address that is back within 3 seconds was never away.
 *
 * An IKE SA whose address is away is given up when the tunnel may begin one from another address: it sends
 * nothing any more, no DELETE either, and ends when the new one is there, at the latest after 30 seconds.
 */
#ifndef MUSUBI_IKE_EXCHANGES_OWN_ADDRESS_H
#define MUSUBI_IKE_EXCHANGES_OWN_ADDRESS_H

#include "ike/sa/ike_sa.h"

/* IKE_EVENT_OWN_ADDRESS. */
void own_address_changed(struct ike_engine *engine, const struct ip_address *address, bool is_here);

/*
 * The tunnel's route has come, changed or gone. An IKE SA with the source of the old route follows the new
 * one, unless the config has changed the source; if the config has taken its pinned route, too, it is given
 * up at once, and a tunnel with `connect-type auto` makes another a moment later. A request that could not
 * leave is sent again at once.
 */
void own_address_take_route(struct ike_tunnel *tunnel);

/* The addresses of the peer's name are known, or have changed: the tunnel may begin what it could not before.
 */
void own_address_peer_known(struct ike_tunnel *tunnel);

/* A new IKE SA is established: ends those of its tunnel with the same peer that were given up. */
void own_address_replaced(struct ike_sa *sa);

/* `successor` has the same local address as `old`: it gets what is known of that address. */
void own_address_inherit(const struct ike_sa *old, struct ike_sa *successor);

/* An IKE SA that was saved goes on: sets its timer if its address is away, or was given up. */
void own_address_resume(struct ike_sa *sa);

/* `fire` of ike_sa.own_address. */
void own_address_fire(struct ike_engine *engine, void *owner);

#endif
