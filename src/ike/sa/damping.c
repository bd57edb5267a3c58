#include "ike/sa/damping.h"

/* True if fewer than `max` have begun within `period`. */
static bool is_below(const struct damping *d, msec_t now, unsigned max, msec_t period)
{
    if (d->count < max)
        return true;
    return now - d->begun[(d->count - max) % DAMPING_LONG_MAX] >= period;
}

bool damping_allows(const struct damping *d, msec_t now)
{
    return is_below(d, now, DAMPING_SHORT_MAX, DAMPING_SHORT) &&
           is_below(d, now, DAMPING_LONG_MAX, DAMPING_LONG);
}

void damping_note(struct damping *d, msec_t now)
{
    if (is_below(d, now, 1, DAMPING_LONG))
        d->told = false;
    d->begun[d->count % DAMPING_LONG_MAX] = now;
    d->count++;
    if (d->count == 2 * DAMPING_LONG_MAX) /* it never overflows */
        d->count = DAMPING_LONG_MAX;
}

bool damping_tells(struct damping *d)
{
    bool first = !d->told;
    d->told = true;
    return first;
}

void damping_reset(struct damping *d)
{
    *d = (struct damping){.count = 0};
}
