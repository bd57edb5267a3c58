/*
 * Half-open IKE SAs: those that we answered and whose peer is not authenticated. Anybody can have some made,
 * so their number and what they keep of their peers' messages are bounded, for all together.
 */
#ifndef MUSUBI_IKE_SA_HALF_OPEN_H
#define MUSUBI_IKE_SA_HALF_OPEN_H

#include "ike/sa/ike_sa.h"

enum {
    HALF_OPEN_MAX = 1024,            /* half-open IKE SAs; more where half_open_limit says so */
    HALF_OPEN_WAIT = 8,              /* seconds that a peer may wait for the answer to IKE_SA_INIT */
    HALF_OPEN_OCTETS_MAX = 32 << 20, /* of messages that they keep */
    HALF_OPEN_TIMEOUT = 30000,       /* milliseconds; R15: the peer's retransmissions end by then */
};

/* True if `sa` is half-open. */
bool half_open_is(const struct ike_sa *sa);

/* A new SA is half-open from now on; its lifetime is HALF_OPEN_TIMEOUT. */
void half_open_enter(struct ike_sa *sa);

/*
 * How many half-open SAs there may be. When the gateway or its line has been away, the peers of all tunnels
 * begin at once: there may be as many as tunnels, but no more than are answered within HALF_OPEN_WAIT, lest
 * they be answered when their peers have given up. Never less than HALF_OPEN_MAX.
 */
size_t half_open_limit(const struct ike_objects *objects);

/* An IKE_SA_INIT was answered: how many are in a second is counted. */
void half_open_note_answer(struct ike_engine *engine);

/* The SA is authenticated, or about to be destroyed. Does nothing if it is not half-open. */
void half_open_leave(struct ike_sa *sa);

/*
 * Makes room for `octets` more of messages that `sa` keeps: destroys others that keep at least as much as
 * `sa` then would, the largest first. False if there are none and there is no room; that is counted.
 */
bool half_open_make_room(struct ike_sa *sa, size_t octets);

/* Counts anew what the SA keeps. Does nothing if it is not half-open. */
void half_open_count_octets(struct ike_sa *sa);

#endif
