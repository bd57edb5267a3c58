/*
 * Timers: what happens at a time. A timer is part of what it belongs to, its owner, which cancels it before
 * it goes.
 */
#ifndef MUSUBI_IKE_SERVICES_TIMER_H
#define MUSUBI_IKE_SERVICES_TIMER_H

#include "base/deadline.h"

struct ike_engine;

struct ike_timer {
    struct deadline deadline; /* stands first, so that the heap's entry is the timer */
    void (*fire)(struct ike_engine *engine, void *owner);
    void *owner;
};

/* Sets or moves a timer to `delay` milliseconds from now; MSEC_NEVER unsets it. */
void engine_set_timer(struct ike_engine *engine, struct ike_timer *timer, msec_t delay);

/* The same at a time, `due`, which may have passed. */
void engine_set_timer_at(struct ike_engine *engine, struct ike_timer *timer, msec_t due);

/* Unsets a timer; nothing happens if it is not set. */
void engine_cancel_timer(struct ike_engine *engine, struct ike_timer *timer);

/* Calls `fire` of all timers that are due, in order, also of those that become due by that. */
void engine_fire_timers(struct ike_engine *engine);

#endif
