/*
 * Paces work that many events ask for, and whose time grows with the size of what is there: however often it
 * is wanted, it is done at intervals, so that it takes a small part of the time.
 */
#ifndef MUSUBI_BASE_PACE_H
#define MUSUBI_BASE_PACE_H

#include "base/deadline.h"

struct pace {
    msec_t due;  /* MSEC_NEVER: nobody wants it */
    msec_t done; /* when it was last done; 0: never */
};

#define PACE_AT_REST ((struct pace){.due = MSEC_NEVER})

/* The work is wanted at `now`: it is due `delay` milliseconds later, and at the earliest `gap` after it was
 * last done. If it was wanted before, the earlier time holds. */
static inline void pace_want(struct pace *pace, msec_t now, msec_t delay, msec_t gap)
{
    msec_t due = now + delay;
    if (pace->done != 0 && pace->done + gap > due)
        due = pace->done + gap;
    if (due < pace->due)
        pace->due = due;
}

/* True if the work is due at `now`: the caller does it. */
static inline bool pace_take(struct pace *pace, msec_t now)
{
    if (pace->due > now)
        return false;
    pace->due = MSEC_NEVER;
    pace->done = now;
    return true;
}

#endif
