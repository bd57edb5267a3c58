#include "ike/sa/rekey_schedule.h"

msec_t rekey_delay(struct ike_engine *engine, msec_t lifetime, msec_t margin, bool initiator)
{
    enum { OTHER_END_MIN = 5000, OTHER_END_MAX = 10000 };
    if (lifetime <= margin)
        margin = lifetime / 2;
    if (initiator)
        return lifetime - margin;
    /* 5 to 10 s later, but no later than a third of the margin, so that there is time left. */
    msec_t latest = margin / 3 < OTHER_END_MAX ? margin / 3 : OTHER_END_MAX;
    msec_t earliest = latest / 2 < OTHER_END_MIN ? latest / 2 : OTHER_END_MIN;
    return lifetime - margin + engine_random_between(engine, earliest, latest);
}

msec_t rekey_retry_delay(struct ike_engine *engine, msec_t expires)
{
    enum { RETRY_MIN = 2000, RETRY_MAX = 5000 };
    msec_t left = expires > engine->now ? expires - engine->now : 0;
    msec_t delay = engine_random_between(engine, RETRY_MIN, RETRY_MAX);
    return delay < left / 4 ? delay : left / 4 + 1;
}

msec_t rekey_refused_delay(const struct ike_engine *engine, msec_t expires, unsigned refusals)
{
    enum { REFUSED_FIRST = 10000, LAST_TRY = 3000, DOUBLINGS_MAX = 20 };
    msec_t left = expires > engine->now ? expires - engine->now : 0;
    msec_t delay = (msec_t)REFUSED_FIRST << (refusals < DOUBLINGS_MAX ? refusals : DOUBLINGS_MAX);
    if (left <= LAST_TRY)
        return MSEC_NEVER;
    return delay < left - LAST_TRY ? delay : left - LAST_TRY;
}

msec_t rekey_postponed_delay(struct ike_engine *engine, msec_t expires, unsigned refusals)
{
    enum { SOON_MAX = 3 };
    if (refusals < SOON_MAX)
        return rekey_retry_delay(engine, expires);
    return rekey_refused_delay(engine, expires, refusals - SOON_MAX);
}

bool rekey_is_allowed(const struct ike_tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    return policy->peer_kind != PEER_ANY && !policy->suppress_rekey && !policy->shut_down;
}
