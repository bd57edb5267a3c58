#include "ike/sa/half_open.h"

#include "ike/sa/fragmentation.h"
#include "ike/services/log.h"

bool half_open_is(const struct ike_sa *sa)
{
    return !sa->initiator && sa->handshake != NULL && !sa->destroyed;
}

void half_open_enter(struct ike_sa *sa)
{
    struct ike_objects *objects = sa->engine->objects;
    LIST_INSERT_HEAD(&objects->half_open_list, sa, half_open_link);
    objects->half_open_count++;
    engine_set_timer(sa->engine, &sa->lifetime, HALF_OPEN_TIMEOUT);
}

size_t half_open_limit(const struct ike_objects *objects)
{
    size_t most = (size_t)objects->init_answers.in_a_second * HALF_OPEN_WAIT;
    if (most > objects->tunnels.count)
        most = objects->tunnels.count;
    return most > HALF_OPEN_MAX ? most : HALF_OPEN_MAX;
}

void half_open_note_answer(struct ike_engine *engine)
{
    struct ike_rate *rate = &engine->objects->init_answers;
    msec_t passed = engine->now - rate->since;
    rate->count++;
    if (passed < 1000)
        return;
    *rate = (struct ike_rate){.since = engine->now, .in_a_second = (unsigned)(rate->count * 1000 / passed)};
}

void half_open_leave(struct ike_sa *sa)
{
    struct ike_objects *objects = sa->engine->objects;
    if (sa->initiator || sa->handshake == NULL)
        return;
    LIST_REMOVE(sa, half_open_link);
    objects->half_open_count--;
    objects->half_open_octets -= sa->kept_octets;
    sa->kept_octets = 0;
    if (sa->half_open_key != 0)
        (void)map_remove(&objects->half_open, sa->half_open_key);
    sa->half_open_key = 0;
}

static size_t kept_octets(const struct ike_sa *sa)
{
    const struct ike_handshake *h = sa->handshake;
    size_t octets = h->init_request.length;
    if (h->auth_message != NULL)
        octets += sizeof *h->auth_message + h->auth_message->chain.length;
    if (sa->requests != NULL)
        octets += sizeof *sa->requests + sa->requests->octets;
    const struct waiting_datagram *waiting;
    STAILQ_FOREACH(waiting, &sa->waiting, link)
    octets += waiting->octets.length;
    return octets;
}

void half_open_count_octets(struct ike_sa *sa)
{
    if (!half_open_is(sa))
        return;
    struct ike_objects *objects = sa->engine->objects;
    objects->half_open_octets -= sa->kept_octets;
    sa->kept_octets = kept_octets(sa);
    objects->half_open_octets += sa->kept_octets;
}

/* At most once in an hour: only an attack goes so far. */
static void warn(struct ike_engine *engine)
{
    enum { SILENCE = 3600000 }; /* milliseconds */
    if (engine->now < engine->objects->next_half_open_warning)
        return;
    engine->objects->next_half_open_warning = engine->now + SILENCE;
    engine_log(engine, LOG_LEVEL_WARN, LOG_IKEV2,
               "peers that are not authenticated have sent %u MiB in %zu negotiations: those that sent most "
               "are given up",
               HALF_OPEN_OCTETS_MAX >> 20, engine->objects->half_open_count);
}

/* Of two that keep as much, the older one. */
static struct ike_sa *largest(const struct ike_objects *objects)
{
    struct ike_sa *found = NULL;
    struct ike_sa *sa;
    LIST_FOREACH(sa, &objects->half_open_list, half_open_link)
    {
        if (found == NULL || sa->kept_octets >= found->kept_octets)
            found = sa;
    }
    return found;
}

bool half_open_make_room(struct ike_sa *sa, size_t octets)
{
    struct ike_objects *objects = sa->engine->objects;
    size_t wanted = sa->kept_octets + octets;
    while (objects->half_open_octets + octets > HALF_OPEN_OCTETS_MAX) {
        struct ike_sa *other = largest(objects);
        if (other == NULL || other == sa || other->kept_octets < wanted) {
            engine_count(sa->engine, IKE_COUNT_HALF_OPEN_LIMIT);
            return false;
        }
        warn(sa->engine);
        engine_count(sa->engine, IKE_COUNT_HALF_OPEN_LIMIT);
        ike_sa_destroy(other, "unauthenticated peers have sent too much");
    }
    return true;
}
