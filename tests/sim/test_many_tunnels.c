/*
 * What many tunnels cost when a peer calls who is not authenticated (S22, R16): the work is counted, not
 * timed.
 */
#include "bare_engine.h"
#include "config/identity.h"
#include "ike/sa/candidates.h"
#include "ike/sa/ike_sa.h"
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- Counting ---------------------------------------------------------------------------------------- */

static size_t proposals_matched, ids_compared, groups_looked_up;

enum proposal_result __real_proposal_choose(const struct ike_payload *sa,
                                            const struct proposal_policy *policy, size_t spi_size,
                                            struct proposal_choice *out);
enum proposal_result __wrap_proposal_choose(const struct ike_payload *sa,
                                            const struct proposal_policy *policy, size_t spi_size,
                                            struct proposal_choice *out);
bool __real_identity_equal(const struct identity *a, const struct identity *b);
bool __wrap_identity_equal(const struct identity *a, const struct identity *b);
struct tunnel_group *__real_tunnel_groups_of_peer(const struct tunnel_groups *groups,
                                                  const struct ip_address *address);
struct tunnel_group *__wrap_tunnel_groups_of_peer(const struct tunnel_groups *groups,
                                                  const struct ip_address *address);

struct tunnel_group *__wrap_tunnel_groups_of_peer(const struct tunnel_groups *groups,
                                                  const struct ip_address *address)
{
    groups_looked_up++;
    return __real_tunnel_groups_of_peer(groups, address);
}

enum proposal_result __wrap_proposal_choose(const struct ike_payload *sa,
                                            const struct proposal_policy *policy, size_t spi_size,
                                            struct proposal_choice *out)
{
    proposals_matched++;
    return __real_proposal_choose(sa, policy, spi_size, out);
}

bool __wrap_identity_equal(const struct identity *a, const struct identity *b)
{
    ids_compared++;
    return __real_identity_equal(a, b);
}

/* ---- The work that many tunnels cost ----------------------------------------------------------------- */

enum { MANY = 3000 };

/* A policy with the key exchange of the IKE_SA_INITs that are sent here. */
static struct tunnel_policy policy_to(uint32_t tunnel, const char *peer, const char *id)
{
    struct tunnel_policy policy = world_default_policy(tunnel, peer, "centre", id);
    policy.ike.dh = ALGORITHM_SET_OF(key_exchange_by_id(KE_MODP_2048), key_exchange_methods);
    return policy;
}

/* An engine with many tunnels; their peers are at `peer` or, if it is NULL, at an address each. */
static struct ike_engine *engine_with_many(const char *peer)
{
    struct ike_engine *engine = bare_engine_new();
    for (uint32_t i = 0; i < MANY; i++) {
        char id[16];
        char own_peer[32];
        (void)snprintf(id, sizeof id, "site%u", i);
        (void)snprintf(own_peer, sizeof own_peer, "10.1.%u.%u", i >> 8, i & 255);
        const struct tunnel_policy policy = policy_to(i, peer != NULL ? peer : own_peer, id);
        bare_set_policy(engine, &policy);
    }
    return engine;
}

static void S22_many_tunnels_of_one_policy_cost_one_matching_and_one_comparison_of_ids(void **state)
{
    (void)state;
    static const char *const kinds[] = {NULL, "10.1.0.7", "any", "peer.example"};
    const struct ip_endpoint local = {address_of("192.0.2.1"), IKE_PORT};
    const struct ip_endpoint remote = {address_of("10.1.0.7"), IKE_PORT};
    const struct arrival arrival = {&local, &remote, 1};
    const struct identity id = key_id_of("site7");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct ike_engine *engine = engine_with_many(kinds[i]);
        proposals_matched = ids_compared = 0;

        const struct candidates said = candidates_of_init(engine, &arrival, full_offer());
        const struct ike_tunnel *found = candidates_find(engine, &arrival, &id, NULL);

        assert_int_equal(said.count, kinds[i] == NULL ? 1 : MANY);
        assert_int_equal(said.result, PROPOSAL_CHOSEN);
        assert_non_null(found);
        assert_int_equal(found->policy.tunnel, 7);
        assert_int_equal(proposals_matched, 1);
        assert_int_equal(ids_compared, 1);
        ike_engine_free(engine);
    }
}

/* Whatever else tells tunnels apart, an offer is matched once with the same algorithms. */
static void S22_tunnels_of_many_interfaces_but_two_policies_cost_two_matchings(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_many("10.1.0.7");
    for (uint32_t i = 0; i < MANY; i++) {
        struct tunnel_policy policy = engine_tunnel(engine, i)->policy;
        policy.outgoing = OUTGOING_NEXT_HOP;
        if (i % 2 == 0)
            policy.ike.dh = ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT);
        bare_set_policy(engine, &policy);
        bare_set_route(engine, i, &(struct peer_route){.ifindex = 1 + i});
    }
    const struct ip_endpoint local = {address_of("192.0.2.1"), IKE_PORT};
    const struct ip_endpoint remote = {address_of("10.1.0.7"), IKE_PORT};
    proposals_matched = 0;

    const struct candidates all =
        candidates_of_init(engine, &(struct arrival){&local, &remote, 0}, full_offer());
    assert_int_equal(proposals_matched, 2);
    const struct candidates one =
        candidates_of_init(engine, &(struct arrival){&local, &remote, 8}, full_offer());

    assert_int_equal(all.count, MANY);
    assert_int_equal(one.count, 1);
    assert_int_equal(one.ifindex, 8);
    ike_engine_free(engine);
}

/* ---- Cookies ----------------------------------------------------------------------------------------- */

/* Fills in the half-open IKE SAs from which on cookies are demanded. */
static void put_load_on(struct ike_engine *engine, const char *from)
{
    const struct octets none = {NULL, 0};
    for (uint64_t spi = 1; spi <= 32; spi++)
        (void)bare_send_init(engine, from, spi, none, 0);
    assert_int_equal(engine->objects->half_open_count, 32);
}

static void R16_a_cookie_is_demanded_before_any_tunnel_is_looked_for(void **state)
{
    (void)state;
    uint8_t cookie[COOKIE_SIZE_MAX];
    size_t length;
    struct ike_engine *engine = engine_with_many("any");
    put_load_on(engine, "198.51.100.7");
    proposals_matched = ids_compared = groups_looked_up = 0;

    const struct ike_effects *effects =
        bare_send_init(engine, "198.51.100.7", 1000, (struct octets){NULL, 0}, 0);

    (void)bare_must_be_cookie(effects, cookie, &length);
    assert_int_equal(proposals_matched, 0);
    assert_int_equal(ids_compared, 0);
    assert_int_equal(groups_looked_up, 0);

    effects = bare_send_init(engine, "198.51.100.7", 1000, (struct octets){cookie, length}, 0);
    assert_int_equal(effects->action_count, 1);
    assert_int_equal(effects->actions[0].kind, IKE_ACTION_JOB);
    assert_int_equal(proposals_matched, 1);
    ike_engine_free(engine);
}

/* Whether a tunnel may be meant is looked for when the cookie has come back: then S22 holds. */
static void S22_under_load_a_peer_of_no_tunnel_is_dropped_with_its_cookie(void **state)
{
    (void)state;
    uint8_t cookie[COOKIE_SIZE_MAX];
    size_t length;
    struct ike_engine *engine = engine_with_many("10.1.0.7");
    put_load_on(engine, "10.1.0.7");

    (void)bare_must_be_cookie(bare_send_init(engine, "198.51.100.9", 1000, (struct octets){NULL, 0}, 0),
                              cookie, &length);
    assert_int_equal(ike_engine_counters(engine)[IKE_COUNT_NO_TUNNEL], 0);
    const struct ike_effects *effects =
        bare_send_init(engine, "198.51.100.9", 1000, (struct octets){cookie, length}, 0);

    assert_int_equal(effects->action_count, 1);
    assert_int_equal(effects->actions[0].kind, IKE_ACTION_LOG);
    assert_int_equal(ike_engine_counters(engine)[IKE_COUNT_NO_TUNNEL], 1);
    assert_int_equal(engine->objects->half_open_count, 32);
    ike_engine_free(engine);
}

/* A peer who is reached by a pinned route alone would not get a cookie that goes another way (R44). */
static void R16_a_cookie_goes_by_the_route_of_the_tunnels_that_may_be_meant(void **state)
{
    (void)state;
    uint8_t cookie[COOKIE_SIZE_MAX];
    size_t length;
    struct ike_engine *engine = bare_engine_new();
    struct tunnel_policy policy = policy_to(1, "10.1.0.7", "site");
    policy.outgoing = OUTGOING_NEXT_HOP;
    bare_set_policy(engine, &policy);
    bare_set_route(engine, 1, &(struct peer_route){.usable = true, .ifindex = 1, .mark = 77});
    put_load_on(engine, "10.1.0.7");

    const struct ike_action *action = bare_must_be_cookie(
        bare_send_init(engine, "10.1.0.7", 1000, (struct octets){NULL, 0}, 0), cookie, &length);
    assert_int_equal(action->datagram.mark, 77);
    assert_int_equal(action->datagram.ifindex, 1);

    bare_remove_tunnel(engine, 1);
    assert_int_equal(engine->objects->groups.routed_apart, 0);
    ike_engine_free(engine);
}

/* ---- Beginning --------------------------------------------------------------------------------------- */

/* An engine with many tunnels that are to be kept up, as soon as they have a route. */
static struct ike_engine *engine_with_many_that_begin(void)
{
    struct ike_engine *engine = engine_with_many("10.1.0.7");
    for (uint32_t i = 0; i < MANY; i++) {
        struct tunnel_policy policy = engine_tunnel(engine, i)->policy;
        policy.connect_type = CONNECT_AUTO;
        bare_set_policy(engine, &policy);
    }
    return engine;
}

static void give_route(struct ike_engine *engine, uint32_t tunnel)
{
    const struct peer_route route = {
        .usable = true, .local = address_of("192.0.2.1"), .remote = address_of("10.1.0.7"), .ifindex = 1};
    bare_set_route(engine, tunnel, &route);
}

static size_t begun(const struct ike_engine *engine)
{
    size_t count = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->all_sas, all_link)
    {
        count += sa->initiator;
    }
    return count;
}

/* The route to the peers of many tunnels comes, and goes on when a job is done. */
static void R43_of_many_tunnels_no_more_negotiate_than_are_computed(void **state)
{
    (void)state;
    enum { AT_ONCE = 256 };
    struct ike_engine *engine = engine_with_many_that_begin();
    const struct ike_job_result result = {.kind = IKE_JOB_KEY_EXCHANGE, .ok = true};
    struct ike_event done = {.kind = IKE_EVENT_JOB_DONE, .job = {.result = &result}};
    static const struct ike_event timer = {.kind = IKE_EVENT_TIMER};

    for (uint32_t i = 0; i < MANY; i++)
        give_route(engine, i);
    (void)ike_engine_handle(engine, 10000, &timer);
    assert_int_equal(begun(engine), AT_ONCE);

    bare_remove_tunnel(engine, AT_ONCE); /* the first of those that wait */
    for (done.job.job = 1; done.job.job < MANY; done.job.job++) {
        assert_int_equal(engine->objects->jobs.count,
                         done.job.job + AT_ONCE <= MANY ? AT_ONCE : MANY - done.job.job);
        (void)ike_engine_handle(engine, 10000, &done);
    }
    assert_int_equal(begun(engine), MANY - 1);
    ike_engine_free(engine);
}

/* A packet does not wait for tunnels that have none. */
static void R43_a_packet_has_its_tunnel_negotiate_at_once(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_many_that_begin();
    struct ike_event packet = {.kind = IKE_EVENT_PACKET_WAITS, .packet = {.tunnel = MANY - 1}};
    for (uint32_t i = 0; i < MANY; i++)
        give_route(engine, i);
    size_t before = begun(engine);

    (void)ike_engine_handle(engine, 0, &packet);

    assert_int_equal(begun(engine), before + 1);
    ike_engine_free(engine);
}

/* Of half-open SAs anybody can have some made: they do not keep a tunnel from negotiating. */
static void R43_half_open_sas_do_not_keep_a_tunnel_from_negotiating(void **state)
{
    (void)state;
    struct ike_engine *engine = engine_with_many_that_begin();
    uint8_t cookie[COOKIE_SIZE_MAX];
    size_t length;
    put_load_on(engine, "10.1.0.7");
    for (uint64_t spi = 1000; spi < 1400; spi++) {
        (void)bare_must_be_cookie(bare_send_init(engine, "10.1.0.7", spi, (struct octets){NULL, 0}, 0),
                                  cookie, &length);
        (void)bare_send_init(engine, "10.1.0.7", spi, (struct octets){cookie, length}, 0);
    }
    assert_int_equal(engine->objects->jobs.count, 432);

    give_route(engine, 7);

    assert_int_equal(begun(engine), 1);
    ike_engine_free(engine);
}

/* The tunnel's peer has a name, and did not answer: the name is looked up before it is asked again. */
static void make_silent(struct ike_engine *engine, uint32_t number)
{
    const struct ip_address address = address_of("10.1.0.7");
    const struct ike_event addresses = {.kind = IKE_EVENT_PEER_ADDRESSES, .peer = {number, &address, 1}};
    struct tunnel_policy policy = policy_to(number, "peer.example", "site");
    policy.connect_type = CONNECT_AUTO;
    bare_set_policy(engine, &policy);
    (void)ike_engine_handle(engine, 0, &addresses);
    engine_tunnel(engine, number)->peer_is_silent = true;
}

/* No name server answers, so each of them takes seconds; but nothing is computed. */
static void R43_names_that_are_looked_up_do_not_keep_a_tunnel_from_negotiating(void **state)
{
    (void)state;
    enum { SILENT = 400 };
    struct ike_engine *engine = engine_with_many_that_begin();
    const struct ike_job_result failed = {.kind = IKE_JOB_LOOK_UP};
    struct ike_event done = {.kind = IKE_EVENT_JOB_DONE, .job = {.result = &failed}};
    for (uint32_t i = 0; i < SILENT; i++) {
        make_silent(engine, i);
        give_route(engine, i);
    }
    assert_int_equal(engine->objects->jobs.count, SILENT);
    assert_int_equal(engine->objects->look_ups, SILENT);

    give_route(engine, SILENT);

    assert_int_equal(begun(engine), SILENT + 1);
    bare_remove_tunnel(engine, 0);
    for (done.job.job = 1; done.job.job <= SILENT; done.job.job++)
        (void)ike_engine_handle(engine, 0, &done);
    assert_int_equal(engine->objects->look_ups, 0);
    ike_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S22_many_tunnels_of_one_policy_cost_one_matching_and_one_comparison_of_ids),
        cmocka_unit_test(S22_tunnels_of_many_interfaces_but_two_policies_cost_two_matchings),
        cmocka_unit_test(R16_a_cookie_is_demanded_before_any_tunnel_is_looked_for),
        cmocka_unit_test(S22_under_load_a_peer_of_no_tunnel_is_dropped_with_its_cookie),
        cmocka_unit_test(R16_a_cookie_goes_by_the_route_of_the_tunnels_that_may_be_meant),
        cmocka_unit_test(R43_of_many_tunnels_no_more_negotiate_than_are_computed),
        cmocka_unit_test(R43_a_packet_has_its_tunnel_negotiate_at_once),
        cmocka_unit_test(R43_half_open_sas_do_not_keep_a_tunnel_from_negotiating),
        cmocka_unit_test(R43_names_that_are_looked_up_do_not_keep_a_tunnel_from_negotiating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
