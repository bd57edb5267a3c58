#include "ike/exchanges/liveness.h"

#include "ike/reasons/duplicate_id.h"
#include "ike/reasons/one_way.h"

/* The log speaks of DPD only where it is configured. */
static const char *dpd_word(const struct ike_sa *sa)
{
    return sa->tunnel->policy.dpd_interval != 0 ? "DPD: " : "";
}

/* Milliseconds after an answer in which traffic that only goes out is no reason to ask again: after the first
 * answer, and at most (S47). */
enum { PAUSE_FIRST = 300 * 1000, PAUSE_LONGEST = 3600 * 1000 };

static void liveness_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    (void)task;
    (void)message;
    ike_sa_log(sa, LOG_LEVEL_INFO, LOG_IKEV2, "%sthe peer is alive", dpd_word(sa));
    duplicate_id_note_answer(sa);
    if (!sa->asked_for_traffic)
        return;
    sa->asked_for_traffic = false;
    sa->traffic_pause = sa->traffic_pause == 0 ? PAUSE_FIRST : 2 * sa->traffic_pause;
    if (sa->traffic_pause > PAUSE_LONGEST)
        sa->traffic_pause = PAUSE_LONGEST;
    sa->traffic_pause_until = sa->engine->now + sa->traffic_pause;
}

const struct ike_task_kind task_liveness = {
    .number = TASK_LIVENESS,
    .exchange = EXCHANGE_INFORMATIONAL,
    .name = "DPD",
    .response = liveness_response,
};

enum { SIBLING_INTERVAL = 30000 }; /* milliseconds */

/* True if there is another IKE SA with the same peer, who may have forgotten one of the two. */
static bool has_sibling(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other != sa && other->state == IKE_SA_ESTABLISHED && !other->replaced &&
            ike_sa_is_with_same_peer(other, sa))
            return true;
    }
    return false;
}

/*
 * Milliseconds; 0: the peer is not asked. While there are two IKE SAs with it, and in one that was replaced,
 * whose DELETE may have been lost, it is asked soon, also without DPD or with a long interval.
 */
static msec_t interval_of(const struct ike_sa *sa)
{
    if (sa->address_lost)
        return 0;
    msec_t configured = (msec_t)sa->tunnel->policy.dpd_interval * 1000;
    bool may_be_forgotten = sa->replaced || has_sibling(sa);
    bool is_soon = configured != 0 && configured < SIBLING_INTERVAL;
    return may_be_forgotten && !is_soon ? (msec_t)SIBLING_INTERVAL : configured;
}

void liveness_start(struct ike_sa *sa)
{
    if (interval_of(sa) != 0)
        engine_set_timer(sa->engine, &sa->liveness, interval_of(sa));
}

void liveness_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    msec_t interval = interval_of(sa);
    if (interval == 0 || sa->state != IKE_SA_ESTABLISHED)
        return;
    msec_t quiet = engine->now - sa->last_message;
    if (quiet >= interval) {
        ike_sa_log(sa, LOG_LEVEL_INFO, LOG_IKEV2, "%sasking the peer about IKE SA, serial %u", dpd_word(sa),
                   sa->serial);
        if (STAILQ_EMPTY(&sa->tasks))
            ike_sa_add_task(sa, TASK_LIVENESS, 0);
        quiet = 0;
    }
    if (!sa->destroyed)
        engine_set_timer(engine, &sa->liveness, interval - quiet);
}

void liveness_unanswered(struct ike_engine *engine, uint32_t inbound_spi, bool never_heard)
{
    enum { QUIET = 20000 }; /* milliseconds without a message of the IKE SA */
    struct child_sa *child = map_find(&engine->objects->child_spis, inbound_spi);
    if (child == NULL || !child_sa_is_current(child))
        return;
    struct ike_sa *sa = child->ike_sa;
    one_way_note(child, never_heard);
    if (sa->state != IKE_SA_ESTABLISHED || sa->replaced || !STAILQ_EMPTY(&sa->tasks) ||
        engine->now - sa->last_message < QUIET || engine->now < sa->traffic_pause_until)
        return;
    ike_sa_log(sa, LOG_LEVEL_INFO, LOG_IKEV2,
               "Child SA, SPI 0x%08x, only sends: asking the peer about IKE SA, serial %u", inbound_spi,
               sa->serial);
    sa->asked_for_traffic = true;
    ike_sa_add_task(sa, TASK_LIVENESS, 0);
}
