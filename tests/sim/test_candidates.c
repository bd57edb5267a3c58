/*
 * The candidates of a negotiation (S22) are found by groups of tunnels: what they say is compared with a
 * plain walk over all tunnels, while tunnels come, change and go at random.
 */
#include "bare_engine.h"
#include "config/identity.h"
#include "ike/sa/candidates.h"
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- The plain walk ---------------------------------------------------------------------------------- */

static bool fits(const struct ike_tunnel *t, const struct arrival *arrival)
{
    const struct tunnel_policy *p = &t->policy;
    const struct ip_address *local = &arrival->local->address;
    const struct ip_address *own = &t->route.local;
    if (!p->complete || p->shut_down || p->direction == NEGOTIATE_INITIATOR)
        return false;
    if (p->source_kind == SOURCE_ADDRESS && !ip_address_equal(&p->source_address, local))
        return false;
    if (p->source_kind == SOURCE_INTERFACE &&
        (own->family == IP_NONE || (own->family == local->family && !ip_address_equal(own, local))))
        return false;
    if (p->outgoing != OUTGOING_ROUTED &&
        (t->route.ifindex == 0 || (arrival->ifindex != 0 && t->route.ifindex != arrival->ifindex)))
        return false;
    return p->peer_kind != PEER_FQDN || p->peer_family == IP_NONE ||
           p->peer_family == arrival->remote->address.family;
}

static bool is_candidate(const struct ike_tunnel *t, const struct arrival *arrival, bool by_address)
{
    if (!fits(t, arrival))
        return false;
    if (!by_address)
        return t->policy.peer_kind != PEER_ADDRESS;
    return t->policy.peer_kind == PEER_ADDRESS &&
           ip_address_equal(&t->policy.peer_address, &arrival->remote->address);
}

enum { TUNNELS_MAX = 40 };

/* The candidates, the newest tunnel first. */
static size_t plain_walk(const struct ike_engine *engine, const struct arrival *arrival,
                         struct ike_tunnel *out[TUNNELS_MAX])
{
    size_t count = 0;
    for (int by_address = 1; by_address >= 0 && count == 0; by_address--) {
        struct ike_tunnel *t;
        LIST_FOREACH(t, &engine->objects->tunnel_list, link)
        {
            if (is_candidate(t, arrival, by_address != 0))
                out[count++] = t;
        }
    }
    return count;
}

static struct ike_tunnel *plain_find(struct ike_tunnel *const *candidates, size_t count,
                                     const struct arrival *arrival, const struct identity *idi,
                                     const struct identity *idr)
{
    struct ike_tunnel *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!identity_equal(&candidates[i]->policy.remote_id, idi))
            continue;
        if (found == NULL)
            found = candidates[i];
        const struct identity own = tunnel_local_identity(candidates[i], &arrival->local->address);
        if (idr != NULL && identity_equal(&own, idr))
            return candidates[i];
    }
    return found;
}

static struct candidates plain_candidates(struct ike_tunnel *const *candidates, size_t count,
                                          const struct ike_payload *sa)
{
    struct candidates c = {.count = count, .result = PROPOSAL_NONE};
    for (size_t i = 0; i < count; i++) {
        const struct ike_tunnel *t = candidates[i];
        const struct proposal_policy policy = proposal_policy_of_ike(&t->policy.ike);
        struct proposal_choice choice;
        if (c.mark == 0) {
            c.ifindex = t->route.ifindex;
            c.mark = t->route.mark;
        }
        c.nat_traversal |= t->policy.nat_traversal;
        c.nat_force |= t->policy.nat_traversal && t->policy.nat_force;
        if (proposal_choose(sa, &policy, 0, &choice) != PROPOSAL_CHOSEN)
            continue;
        if (c.result == PROPOSAL_NONE || ike_suite_is_better(&choice.suite, &c.choice.suite))
            c.choice = choice;
        c.result = PROPOSAL_CHOSEN;
    }
    return c;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct ike_tunnel *const *x = a, *const *y = b;
    return (*x)->policy.tunnel < (*y)->policy.tunnel ? -1 : 1;
}

/* ---- Chance ------------------------------------------------------------------------------------------ */

static const char *const peers[] = {"10.1.0.1", "10.1.0.2", "2001:db8::1"};
static const char *const sources[] = {"192.0.2.1", "192.0.2.2", "2001:db8::2"};
static const char *const ids[] = {"site1", "site2", "site3"};

static uint32_t chance(uint32_t bound)
{
    return (uint32_t)random() % bound;
}

static struct tunnel_policy chance_policy(uint32_t tunnel)
{
    static const char *const kinds[] = {"10.1.0.1", "10.1.0.2", "2001:db8::1", "any", "any", "peer.example"};
    struct tunnel_policy p = world_default_policy(tunnel, kinds[chance(6)], ids[chance(3)], ids[chance(3)]);
    p.complete = chance(10) != 0;
    p.shut_down = chance(10) == 0;
    p.direction = chance(8) == 0 ? NEGOTIATE_INITIATOR : NEGOTIATE_BOTH;
    p.peer_family = chance(2) == 0 ? IP_NONE : chance(2) == 0 ? IP_V4 : IP_V6;
    p.source_kind = chance(2) == 0 ? SOURCE_ANY : (enum source_kind)chance(3);
    p.source_address = address_of(sources[chance(3)]);
    p.outgoing = chance(2) == 0 ? OUTGOING_ROUTED : OUTGOING_NEXT_HOP;
    p.nat_traversal = chance(4) == 0;
    p.nat_force = chance(2) == 0;
    p.ike.encryption = UINT32_C(1) << chance(ENCRYPTION_COUNT);
    p.ike.dh =
        chance(2) == 0 ? ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT) : UINT32_C(1) << chance(KEY_EXCHANGE_COUNT);
    if (chance(8) == 0)
        p.local_id.type = ID_NONE;
    for (size_t i = 0; i < SETTING_COUNT; i++)
        p.line[i] = chance(20) == 0 ? POLICY_LINE_TYPED : chance(3) == 0 ? 0 : 10 * tunnel + chance(8);
    return p;
}

static struct peer_route chance_route(void)
{
    if (chance(5) == 0)
        return (struct peer_route){.usable = false};
    return (struct peer_route){
        .local = address_of(sources[chance(3)]), .ifindex = chance(3), .mark = chance(3) * 7};
}

/* A tunnel comes, changes or goes. */
static void change_something(struct ike_engine *engine)
{
    uint32_t tunnel = chance(TUNNELS_MAX);
    uint32_t what = chance(10);
    const struct ike_tunnel *old = engine_tunnel(engine, tunnel);
    if (what == 0) {
        bare_remove_tunnel(engine, tunnel);
        return;
    }
    if (what < 5) {
        const struct peer_route route = chance_route();
        bare_set_route(engine, tunnel, &route);
        return;
    }
    struct tunnel_policy policy = chance_policy(tunnel);
    if (old != NULL && what == 5) { /* a little change */
        policy = old->policy;
        policy.remote_id = key_id_of(ids[chance(3)]);
        policy.line[chance(SETTING_COUNT)] = chance(500);
    }
    bare_set_policy(engine, &policy);
}

/* ---- Comparing --------------------------------------------------------------------------------------- */

static void compare_what_they_say(const struct ike_engine *engine, const struct arrival *arrival,
                                  struct ike_tunnel *const *expected, size_t count)
{
    const struct candidates said = candidates_of_init(engine, arrival, full_offer());
    const struct candidates plain = plain_candidates(expected, count, full_offer());
    assert_int_equal(said.count, plain.count);
    assert_int_equal(said.result, plain.result);
    assert_int_equal(said.ifindex, plain.ifindex);
    assert_int_equal(said.mark, plain.mark);
    assert_int_equal(said.nat_traversal, plain.nat_traversal);
    assert_int_equal(said.nat_force, plain.nat_force);
    if (plain.result != PROPOSAL_CHOSEN)
        return;
    assert_int_equal(said.choice.number, plain.choice.number);
    assert_memory_equal(&said.choice.suite, &plain.choice.suite, sizeof plain.choice.suite);

    size_t i = 0;
    while (!tunnel_allows_suite(expected[i], &plain.choice.suite))
        i++;
    assert_ptr_equal(candidates_with_suite(engine, arrival, &plain.choice.suite), expected[i]);
}

static void compare_what_is_logged(const struct ike_engine *engine, const struct arrival *arrival,
                                   struct ike_tunnel **expected, size_t count)
{
    enum { SHOWN = 4 };
    const struct ike_tunnel *listed[SHOWN];
    const setting_set settings = chance(UINT32_MAX);
    struct setting_lines lines = {0};
    struct setting_lines plain_lines = {0};
    candidates_add_lines(engine, arrival, settings, &lines);
    for (size_t i = 0; i < count; i++)
        setting_lines_add(&plain_lines, &expected[i]->policy, settings);
    assert_memory_equal(&lines, &plain_lines, sizeof lines);

    assert_int_equal(candidates_list(engine, arrival, listed, SHOWN), count);
    qsort(expected, count, sizeof(struct ike_tunnel *), compare_numbers);
    for (size_t i = 0; i < count && i < SHOWN; i++)
        assert_ptr_equal(listed[i], expected[i]);
}

static void compare(const struct ike_engine *engine)
{
    const struct ip_endpoint local = {address_of(sources[chance(3)]), IKE_PORT};
    const struct ip_endpoint remote = {address_of(chance(4) == 0 ? "198.51.100.7" : peers[chance(3)]),
                                       IKE_PORT};
    const struct arrival arrival = {&local, &remote, chance(4)};
    struct ike_tunnel *expected[TUNNELS_MAX];
    size_t count = plain_walk(engine, &arrival, expected);

    compare_what_they_say(engine, &arrival, expected, count);
    for (size_t i = 0; i < 3; i++) {
        const struct identity idi = key_id_of(ids[i]);
        const struct identity idr =
            chance(4) == 0 ? identity_of_address(&local.address) : key_id_of(ids[chance(3)]);
        const struct identity *asked = chance(3) == 0 ? NULL : &idr;
        assert_ptr_equal(candidates_find(engine, &arrival, &idi, asked),
                         plain_find(expected, count, &arrival, &idi, asked));
    }
    compare_what_is_logged(engine, &arrival, expected, count);
}

static void S22_groups_say_what_a_walk_over_all_tunnels_says(void **state)
{
    (void)state;
    size_t candidates_seen = 0;
    for (unsigned seed = 1; seed <= 20; seed++) {
        srandom(seed);
        struct ike_engine *engine = bare_engine_new();
        for (size_t step = 0; step < 2000; step++) {
            change_something(engine);
            compare(engine);
        }
        const struct ip_endpoint local = {address_of(sources[0]), IKE_PORT};
        const struct ip_endpoint remote = {address_of("198.51.100.7"), IKE_PORT};
        candidates_seen += candidates_of_init(engine, &(struct arrival){&local, &remote, 0}, NULL).count;
        for (uint32_t tunnel = 0; tunnel < TUNNELS_MAX; tunnel++)
            bare_remove_tunnel(engine, tunnel);
        assert_int_equal(engine->objects->groups.by_rule.count, 0);
        assert_int_equal(engine->objects->groups.by_peer.count, 0);
        assert_int_equal(engine->objects->groups.by_id.count, 0);
        ike_engine_free(engine);
    }
    assert_true(candidates_seen > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S22_groups_say_what_a_walk_over_all_tunnels_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
