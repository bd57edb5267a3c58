/*
 * Half-open IKE SAs: those that we answered and whose peer is not authenticated. Anybody can have some made,
 * so their number and what they keep of their peers' messages are bounded, for all together.
 */
#ifndef MUSUBI_IKE_SA_HALF_OPEN_H
#define MUSUBI_IKE_SA_HALF_OPEN_H

#include "ike/sa/ike_sa.h"

enum {
    HALF_OPEN_MAX = 1024,            /* half-open IKE SAs */
    HALF_OPEN_OCTETS_MAX = 32 << 20, /* of messages that they keep */
    HALF_OPEN_TIMEOUT = 30000,       /* milliseconds; R15: the peer's retransmissions end by then */
};

/* True if it is one. */
bool half_open_is(const struct ike_sa *sa);

/* A new SA is one, or one is so no longer: it is authenticated, or gone. */
void half_open_enter(struct ike_sa *sa);
void half_open_leave(struct ike_sa *sa);

/*
 * Makes room for `octets` more of messages that `sa` keeps, for which half-open SAs that keep more than it
 * would are destroyed, those that keep most first. False, which is counted, if it would be the one that keeps
 * most itself.
 */
bool half_open_make_room(struct ike_sa *sa, size_t octets);

/* Counts what the SA keeps, which may have changed. Nothing if it is none. */
void half_open_count_octets(struct ike_sa *sa);

#endif
