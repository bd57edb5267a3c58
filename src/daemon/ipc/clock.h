/*
 * The clock by which lifetimes and deadlines are told: it goes on while the machine sleeps.
 */
#ifndef MUSUBI_DAEMON_IPC_CLOCK_H
#define MUSUBI_DAEMON_IPC_CLOCK_H

#include <time.h>

#include "base/deadline.h"

/* Milliseconds of CLOCK_BOOTTIME. */
static inline msec_t clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (msec_t)now.tv_sec * 1000 + (msec_t)now.tv_nsec / 1000000;
}

/* Milliseconds of CLOCK_REALTIME. */
static inline msec_t clock_wall_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (msec_t)now.tv_sec * 1000 + (msec_t)now.tv_nsec / 1000000;
}

/* The wall time of a time of clock_now, which was `now` when clock_wall_now was `wall`. It comes out the same
 * whenever it is worked out, unless the wall clock is set. */
static inline time_t clock_wall_time_of(msec_t at, msec_t now, msec_t wall)
{
    return (time_t)((wall - (now - at)) / 1000);
}

/* The same, for a time that lies in the past. */
static inline time_t clock_wall_time(msec_t at)
{
    return clock_wall_time_of(at, clock_now(), clock_wall_now());
}

#endif
