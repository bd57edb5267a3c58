#include "ike/sa/damping.h"

/* True if fewer than `max` have happened within `period`. */
static bool is_below(const struct damping_times *t, msec_t now, unsigned max, msec_t period)
{
    if (t->count < max)
        return true;
    return now - t->at[(t->count - max) % DAMPING_LONG_MAX] >= period;
}

static void note(struct damping_times *t, msec_t now)
{
    t->at[t->count % DAMPING_LONG_MAX] = now;
    t->count++;
    if (t->count == 2 * DAMPING_LONG_MAX) /* it never overflows */
        t->count = DAMPING_LONG_MAX;
}

bool damping_allows(const struct damping *d, msec_t now, bool for_packet)
{
    const struct damping_times *of_long = for_packet ? &d->begun : &d->made;
    return is_below(&d->begun, now, DAMPING_SHORT_MAX, DAMPING_SHORT) &&
           is_below(of_long, now, DAMPING_LONG_MAX, DAMPING_LONG);
}

void damping_note_begun(struct damping *d, msec_t now)
{
    if (is_below(&d->begun, now, 1, DAMPING_LONG))
        d->told = false;
    note(&d->begun, now);
}

void damping_note_made(struct damping *d, msec_t now)
{
    note(&d->made, now);
}

bool damping_tells(struct damping *d)
{
    bool first = !d->told;
    d->told = true;
    return first;
}

void damping_reset(struct damping *d)
{
    *d = (struct damping){.told = false};
}
