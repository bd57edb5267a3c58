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

/* The wall time of a time of that clock, which lies in the past. */
static inline time_t clock_wall_time(msec_t at)
{
    return time(NULL) - (time_t)((clock_now() - at) / 1000);
}

#endif
