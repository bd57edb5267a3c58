/*
 * How often a tunnel begins a negotiation of its own accord (S44): a peer that ends at once what it has just
 * made is not asked again and again.
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

/* Part of a tunnel. All zero: none was begun. */
struct damping {
    msec_t begun[DAMPING_LONG_MAX]; /* when the last ones began */
    unsigned count;                 /* of all since the last reset */
    bool told;                      /* the log says that the tunnel holds back */
};

/* True if one more may begin at `now`. */
bool damping_allows(const struct damping *d, msec_t now);

/* One begins at `now`. */
void damping_note(struct damping *d, msec_t now);

/* True once, until nothing has begun for DAMPING_LONG: the log is to say that the tunnel holds back. */
bool damping_tells(struct damping *d);

/* An operator wants something else: begins anew. */
void damping_reset(struct damping *d);

#endif
