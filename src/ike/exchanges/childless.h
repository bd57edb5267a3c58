/*
 * An IKE SA whose last Child SA the peer has deleted (S45). It stays for 30 seconds, in which the peer may
 * make another one, or this end asks for one: after a second with connect-type auto, or when a packet waits.
 */
#ifndef MUSUBI_IKE_EXCHANGES_CHILDLESS_H
#define MUSUBI_IKE_EXCHANGES_CHILDLESS_H

#include "ike/sa/ike_sa.h"

/* True if the IKE SA has a Child SA that is not deleted at both ends. */
bool childless_has_child(const struct ike_sa *sa);

/* The peer has deleted the last one. `reason`, a literal, is why the tunnel and then the IKE SA end. */
void childless_begin(struct ike_sa *sa, const char *reason);

/* `fire` of the timer `sa->childless`. */
void childless_fire(struct ike_engine *engine, void *owner);

/*
 * A packet waits for the tunnel: asks for a Child SA if there is none. False if `sa` has one or is not
 * waiting for one; what the packet needs then is not for here to say.
 */
bool childless_packet(struct ike_sa *sa);

/* `old` was rekeyed: its successor waits as long as it would have. */
void childless_inherit(struct ike_sa *old, struct ike_sa *successor);

#endif
