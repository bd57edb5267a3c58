/*
 * How often a tunnel begins a negotiation of its own accord (S44): a peer that ends at once what it has just
 * made is not asked again and again. A packet never begins more; the check of connect-type auto, which comes
 * seldom by itself, goes on with a peer that grants nothing (R43).
 */
#ifndef MUSUBI_IKE_SA_DAMPING_H
#define MUSUBI_IKE_SA_DAMPING_H

#include "base/deadline.h"

#include <stdbool.h>

enum {
    DAMPING_SHORT = 10000, /* milliseconds */
    DAMPING_SHORT_MAX = 3, /* negotiations in that time */
    DAMPING_LONG = 300000,
    DAMPING_LONG_MAX = 10,
};

/* When the last ones happened. */
struct damping_times {
    msec_t at[DAMPING_LONG_MAX];
    unsigned count; /* of all since the last reset; of many it tells only that */
};

/* Part of a tunnel. All zero: nothing was begun. */
struct damping {
    struct damping_times begun; /* negotiations */
    struct damping_times made;  /* those that succeeded */
    bool told;                  /* the log says that the tunnel holds back */
};

/* True if one more may begin at `now`, for a packet or by the check of connect-type auto. */
bool damping_allows(const struct damping *d, msec_t now, bool for_packet);

/* One begins at `now`; one succeeds. */
void damping_note_begun(struct damping *d, msec_t now);
void damping_note_made(struct damping *d, msec_t now);

/* True once, until nothing has begun for DAMPING_LONG: the log is to say that the tunnel holds back. */
bool damping_tells(struct damping *d);

/* An operator wants something else: begins anew. */
void damping_reset(struct damping *d);

#endif
