/*
 * From where a peer that is configured by its domain name may come: from an address of that name, as it is
 * known, or as an immediate lookup says (R41, S22).
 *
 * A NAT in front of the peer is no obstacle: the name may have the address that the NAT gives the peer, or
 * the address that the peer had before, which its NAT detection names. The latter must be an address of the
 * name too, so claiming to be behind a NAT helps nobody.
 */
#ifndef MUSUBI_IKE_EXCHANGES_PEER_ADDRESS_H
#define MUSUBI_IKE_EXCHANGES_PEER_ADDRESS_H

#include "ike/sa/ike_sa.h"

/*
 * True if the peer of `sa`, which has started the negotiation and is authenticated, may come from where it
 * is. sa->peer_address is then the address that the name has. To be called before the handshake ends.
 */
bool peer_address_accept(struct ike_sa *sa);

/*
 * Has the name looked up; `done` is called then. `seen` is where the peer was seen: if the name has that
 * address, it is the tunnel's from then on. IP_NONE: the peer was not seen.
 */
void peer_address_look_up(struct ike_sa *sa, const struct ip_address *seen, ike_job_done *done);

#endif
