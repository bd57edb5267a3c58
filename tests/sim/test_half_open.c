/*
 * What peers that are not authenticated can have kept (S9): floods that send cookies back, of messages as
 * large as there are.
 */
#include "bare_engine.h"
#include "ike/sa/half_open.h"
#include "sim/world.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    LARGEST =
        IKE_DATAGRAM_MAX - 4096, /* of a payload that makes an IKE_SA_INIT about as large as there are */
    ATTACKERS = 2 * HALF_OPEN_MAX,
    MEMORY_MAX = HALF_OPEN_OCTETS_MAX + (8 << 20), /* with the SAs themselves */
};

static struct ike_engine *engine_with_tunnels(uint32_t count)
{
    struct ike_engine *engine = bare_engine_new();
    for (uint32_t i = 1; i <= count; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "site%u", i);
        struct tunnel_policy policy = world_default_policy(i, "any", "centre", id);
        policy.ike.dh = ALGORITHM_SET_OF(key_exchange_by_id(KE_MODP_2048), key_exchange_methods);
        bare_set_policy(engine, &policy);
    }
    return engine;
}

static struct ike_engine *engine_with_a_tunnel(void)
{
    return engine_with_tunnels(1);
}

/* Begins a negotiation, with a cookie where one is demanded. The newest half-open SA, or NULL if none came.
 */
static struct ike_sa *begin(struct ike_engine *engine, const char *from, uint64_t spi_i, size_t more)
{
    uint8_t cookie[COOKIE_SIZE_MAX];
    size_t length = 0;
    const struct ike_effects *effects = bare_send_init(engine, from, spi_i, (struct octets){NULL, 0}, more);
    if (effects->action_count == 1 && effects->actions[0].kind == IKE_ACTION_DATAGRAM) {
        (void)bare_must_be_cookie(effects, cookie, &length);
        (void)bare_send_init(engine, from, spi_i, (struct octets){cookie, length}, more);
    }
    struct ike_sa *sa = LIST_FIRST(&engine->objects->half_open_list);
    return sa != NULL && sa->spi_i == spi_i ? sa : NULL;
}

/* A datagram that waits, since the SA's job is out. */
static void send_to(struct ike_engine *engine, const struct ike_sa *sa, size_t size)
{
    static uint8_t at[IKE_DATAGRAM_MAX];
    static const uint8_t sealed[IKE_DATAGRAM_MAX];
    const struct ike_header header = {.spi_i = sa->spi_i,
                                      .spi_r = sa->spi_r,
                                      .exchange = EXCHANGE_IKE_AUTH,
                                      .flags = IKE_FLAG_INITIATOR,
                                      .message_id = 1};
    struct message_writer m = message_begin(at, sizeof at, &header);
    message_begin_payload(&m, PAYLOAD_SK);
    writer_put(&m.w, sealed, size);
    message_end_payload(&m);
    struct ike_event event = {.kind = IKE_EVENT_DATAGRAM};
    event.datagram.local = sa->local;
    event.datagram.remote = sa->remote;
    event.datagram.message = message_finish(&m);
    (void)ike_engine_handle(engine, 1, &event);
}

static struct ike_sa *attack(struct ike_engine *engine, unsigned number, size_t more)
{
    char from[IP_TEXT_SIZE];
    (void)snprintf(from, sizeof from, "10.9.%u.%u", number >> 8, number & 255);
    return begin(engine, from, 1000 + number, more);
}

/* Octets in use, or 0 where the allocator does not tell. */
static size_t memory_in_use(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void assert_bounded(const struct ike_engine *engine, size_t before)
{
    size_t kept = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->half_open_list, half_open_link)
    {
        kept += sa->kept_octets;
    }
    assert_int_equal(engine->objects->half_open_octets, kept);
    assert_true(kept <= HALF_OPEN_OCTETS_MAX);
    assert_true(memory_in_use() - before < MEMORY_MAX);
}

static void S9_a_flood_of_large_first_messages_with_cookies_is_bounded(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_a_tunnel();
    size_t before = memory_in_use();

    for (unsigned i = 0; i < ATTACKERS; i++)
        (void)attack(engine, i, LARGEST);

    assert_bounded(engine, before);
    assert_true(engine->objects->half_open_octets > HALF_OPEN_OCTETS_MAX / 2);
    assert_true(ike_engine_counters(engine)[IKE_COUNT_HALF_OPEN_LIMIT] > 0);
    ike_engine_free(engine);
}

static void S9_a_flood_of_datagrams_that_wait_is_bounded(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_a_tunnel();
    size_t before = memory_in_use();

    for (unsigned i = 0; i < HALF_OPEN_MAX; i++) {
        const struct ike_sa *sa = attack(engine, i, 0);
        assert_non_null(sa);
        for (unsigned n = 0; n < SA_WAITING_MAX; n++)
            send_to(engine, sa, LARGEST);
    }

    assert_bounded(engine, before);
    ike_engine_free(engine);
}

/* Who sends no more than is usual gets in, before and during a flood, and is not displaced. */
static void S9_a_usual_negotiation_is_not_displaced_by_a_flood(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_a_tunnel();
    struct ike_sa *early = begin(engine, "10.1.0.1", 1, 0);
    send_to(engine, early, 2000);
    for (unsigned i = 0; i < ATTACKERS / 2; i++)
        (void)attack(engine, i, LARGEST);

    struct ike_sa *late = begin(engine, "10.1.0.2", 2, 0);
    assert_non_null(late);
    send_to(engine, late, 2000);
    for (unsigned i = ATTACKERS / 2; i < ATTACKERS; i++)
        (void)attack(engine, i, LARGEST);

    assert_ptr_equal(map_find(&engine->objects->sas, early->spi_r), early);
    assert_ptr_equal(map_find(&engine->objects->sas, late->spi_r), late);
    assert_int_equal(early->waiting_count, 1);
    assert_int_equal(late->waiting_count, 1);
    ike_engine_free(engine);
}

/* One that keeps most itself is heard no more. */
static void S9_the_datagram_of_who_keeps_most_is_dropped(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_a_tunnel();
    struct ike_sa *most = attack(engine, ATTACKERS, LARGEST);
    assert_non_null(most);
    for (unsigned n = 1; n < SA_WAITING_MAX; n++)
        send_to(engine, most, LARGEST);
    unsigned others = 0;
    while (engine->objects->half_open_octets + LARGEST < HALF_OPEN_OCTETS_MAX)
        (void)attack(engine, others++, LARGEST / 4 * 3);

    send_to(engine, most, LARGEST);

    assert_int_equal(most->waiting_count, SA_WAITING_MAX - 1);
    assert_int_equal(engine->objects->half_open_count, others + 1);
    ike_engine_free(engine);
}

/* What was kept is given back with the SAs. */
static void S9_nothing_is_counted_of_those_that_timed_out(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_a_tunnel();
    for (unsigned i = 0; i < ATTACKERS; i++)
        (void)attack(engine, i, LARGEST);

    (void)ike_engine_handle(engine, 2 * HALF_OPEN_TIMEOUT, &(struct ike_event){.kind = IKE_EVENT_TIMER});

    assert_int_equal(engine->objects->half_open_count, 0);
    assert_int_equal(engine->objects->half_open_octets, 0);
    ike_engine_free(engine);
}

/* Answers `count` of those that have no answer yet in a second, the oldest ones last. */
static void answer_in_a_second(struct ike_engine *engine, unsigned count)
{
    const struct ike_job_result result = {.kind = IKE_JOB_KEY_EXCHANGE, .ok = true};
    struct ike_event done = {.kind = IKE_EVENT_JOB_DONE, .job = {.result = &result}};
    unsigned answered = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->half_open_list, half_open_link)
    {
        if (answered == count)
            return;
        if (sa->job == 0)
            continue;
        done.job.job = sa->job;
        (void)ike_engine_handle(engine, (msec_t)++answered * 1000 / count, &done);
    }
}

/* Begins `count` negotiations from number `first` on; returns how many are taken. */
static unsigned begin_many(struct ike_engine *engine, unsigned first, unsigned count)
{
    unsigned taken = 0;
    for (unsigned i = first; i < first + count; i++)
        taken += attack(engine, i, 0) != NULL;
    return taken;
}

/* The peers of all tunnels begin at once, as when the gateway has been away. */
static void S9_where_answers_are_quick_the_peers_of_all_tunnels_may_negotiate_at_once(void **state)
{
    (void)state;
    enum { TUNNELS = 3000, ANSWERED = 500 };
    struct ike_engine *engine = engine_with_tunnels(TUNNELS);
    assert_int_equal(begin_many(engine, 0, TUNNELS + 100), HALF_OPEN_MAX);

    answer_in_a_second(engine, ANSWERED);

    assert_int_equal(begin_many(engine, TUNNELS + 100, TUNNELS), TUNNELS - HALF_OPEN_MAX);
    ike_engine_free(engine);
}

/* What would be answered too late for its peer is not taken. */
static void S9_where_answers_are_slow_only_those_are_taken_that_are_answered_in_time(void **state)
{
    (void)state;
    enum { TUNNELS = 3000, ANSWERED = 200 };
    struct ike_engine *engine = engine_with_tunnels(TUNNELS);
    (void)begin_many(engine, 0, HALF_OPEN_MAX);

    answer_in_a_second(engine, ANSWERED);

    assert_int_equal(begin_many(engine, TUNNELS, TUNNELS), ANSWERED * HALF_OPEN_WAIT - HALF_OPEN_MAX);
    ike_engine_free(engine);
}

static void S9_a_flood_of_cookies_takes_no_more_than_there_are_tunnels(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_a_tunnel();
    (void)begin_many(engine, 0, HALF_OPEN_MAX);

    answer_in_a_second(engine, HALF_OPEN_MAX);

    assert_int_equal(begin_many(engine, ATTACKERS, 100), 0);
    assert_int_equal(ike_engine_counters(engine)[IKE_COUNT_HALF_OPEN_LIMIT], 100);
    ike_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_a_flood_of_large_first_messages_with_cookies_is_bounded),
        cmocka_unit_test(S9_a_flood_of_datagrams_that_wait_is_bounded),
        cmocka_unit_test(S9_a_usual_negotiation_is_not_displaced_by_a_flood),
        cmocka_unit_test(S9_the_datagram_of_who_keeps_most_is_dropped),
        cmocka_unit_test(S9_nothing_is_counted_of_those_that_timed_out),
        cmocka_unit_test(S9_where_answers_are_quick_the_peers_of_all_tunnels_may_negotiate_at_once),
        cmocka_unit_test(S9_where_answers_are_slow_only_those_are_taken_that_are_answered_in_time),
        cmocka_unit_test(S9_a_flood_of_cookies_takes_no_more_than_there_are_tunnels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
