#include "ike/services/timer.h"

#include "ike/services/log.h"

void engine_set_timer(struct ike_engine *engine, struct ike_timer *timer, msec_t delay)
{
    msec_t due = delay == MSEC_NEVER ? MSEC_NEVER : engine->now + delay;
    if (!deadline_set(&engine->deadlines, &timer->deadline, due))
        engine_log(engine, LOG_LEVEL_ERROR, LOG_IKEV2, "out of memory: a timer could not be set");
}

void engine_set_timer_at(struct ike_engine *engine, struct ike_timer *timer, msec_t due)
{
    msec_t past_or_now = due < engine->now ? engine->now : due;
    engine_set_timer(engine, timer, due == MSEC_NEVER ? MSEC_NEVER : past_or_now - engine->now);
}

void engine_cancel_timer(struct ike_engine *engine, struct ike_timer *timer)
{
    deadline_cancel(&engine->deadlines, &timer->deadline);
}

void engine_fire_timers(struct ike_engine *engine)
{
    struct deadline *due;
    while ((due = deadline_take_due(&engine->deadlines, engine->now)) != NULL) {
        struct ike_timer *timer = (struct ike_timer *)due;
        timer->fire(engine, timer->owner);
    }
}
