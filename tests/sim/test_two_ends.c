/*
 * Two IKE SAs of one tunnel: a peer that restarted (R14), and both ends that start at once (S7). And an
 * IKE_AUTH that goes in fragments.
 */
#include "ike/sa/ike_sa.h"
#include "invariants.h"
#include "pair.h"
#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void R14_initial_contact_removes_the_old_sa(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    struct gateway *reborn = world_add_gateway(p.w, "A2", "10.1.0.1"); /* the same address, no memory */
    const struct tunnel_policy a = policy_a();
    gateway_set_tunnel(reborn, &a, "secret1", "secret2");

    gateway_packet_waits(reborn, 1);
    world_run(p.w, 1000);

    assert_int_equal(gateway_child_count(p.b, 0), 1);
    assert_true(world_tunnel_carries(reborn, 1, p.b, 0));
    assert_true(gateway_log_has(p.b, "the peer begins anew (INITIAL_CONTACT)"));
    world_free(p.w);
}

static bool auth_with_initial_contact_as(struct stage *s, const char *keyid)
{
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INITIAL_CONTACT,
                       (struct octets){NULL, 0});
    puppet_put_auth_payloads(s->p, &m, keyid, "site2", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
    return puppet_read_reply(s->p) && ike_message_find(&s->p->message, PAYLOAD_SA) != NULL;
}

static bool auth_with_initial_contact(struct stage *s)
{
    return auth_with_initial_contact_as(s, "site1");
}

/* The tunnel's peer has another ID since the config changed; R11: the SAs made before stay. */
static void RFC7296_2_4_initial_contact_ends_no_sa_of_another_id(void **state)
{
    (void)state;
    struct stage s = stage_established();
    struct tunnel_policy policy = stage_policy();
    policy.remote_id = world_default_policy(0, "10.1.0.1", "site2", "site9").remote_id;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    s.p->spi_i++;
    assert_true(puppet_do_init(s.p));

    assert_true(auth_with_initial_contact_as(&s, "site9"));

    assert_int_equal(gateway_record_count(s.b), 2);
    assert_int_equal(gateway_child_count(s.b, 0), 2);
    stage_free(&s);
}

/* The SAs that go may be as many as a tunnel may have: they leave room for the new one. */
static void R14_a_peer_that_restarts_is_not_refused_for_the_child_sas_that_it_had(void **state)
{
    (void)state;
    struct stage s = stage_established();
    for (uint32_t i = 1; i < CHILDREN_MAX; i++)
        send_child(&s, FIRST_ID + i - 1, PUPPET_CHILD + i, HIGHEST);
    assert_int_equal(gateway_child_count(s.b, 0), CHILDREN_MAX);
    s.p->spi_i++;
    assert_true(puppet_do_init(s.p));

    assert_true(auth_with_initial_contact(&s));

    assert_int_equal(gateway_child_count(s.b, 0), 1);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

/* An IKE_AUTH of what the peer was before it restarted comes late, when the newer SA was rekeyed already. */
static void R14_a_negotiation_that_the_peer_has_forgotten_does_not_come_up_beside_a_rekeyed_sa(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 28800);
    struct stage s = stage_new_with(&policy);
    assert_true(puppet_do_init(s.p));
    struct stage reborn = {s.w, s.b, puppet_new(s.w, s.b, "10.1.0.1")};
    reborn.p->spi_i++;
    assert_true(puppet_do_init(reborn.p) && auth_with_initial_contact(&reborn));
    send_ike_rekey(&reborn, FIRST_ID, HIGHEST);
    send_delete(&reborn, FIRST_ID + 1, PROTOCOL_IKE, 0);
    assert_true(gateway_log_has(s.b, "IKE SA rekeyed"));

    (void)auth_with_initial_contact(&s);

    assert_int_equal(gateway_child_count(s.b, 0), 1);
    puppet_free(reborn.p);
    stage_free(&s);
}

#define DUPLICATE_ID                                                                                         \
    "Tunnel0.0: KEY-ID site1 comes from 10.1.0.1:500 and from 10.3.0.1:500 in turn, and each negotiation "   \
    "ends the tunnel of the other one: is the ID used by two routers? If it is one router, its address "     \
    "changes again and again; line 31"

/* A and C are two sites that try to keep a tunnel to B up, with these IDs. */
static struct pair two_sites(const char *id_of_c)
{
    struct tunnel_policy b = world_default_policy(0, "any", "site2", "site1");
    struct tunnel_policy other = world_default_policy(1, "any", "site2", "site3");
    struct tunnel_policy a = policy_a();
    struct tunnel_policy c = world_default_policy(1, "10.2.0.1", id_of_c, "site2");
    a.connect_type = c.connect_type = CONNECT_AUTO;
    a.dpd_interval = c.dpd_interval = 10;
    b.line[SETTING_PEER] = 31;
    struct pair p = pair_of(&a, &b);
    world_run(p.w, 5000);
    gateway_set_tunnel(p.b, &other, "secret2", "secret1");
    gateway_set_tunnel(world_add_gateway(p.w, "C", "10.3.0.1"), &c, "secret1", "secret2");
    return p;
}

static void S34_two_peers_that_take_over_from_each_other_are_told_with_both_addresses(void **state)
{
    (void)state;
    struct pair p = two_sites("site1");

    world_run(p.w, 3500 * 1000);
    assert_non_null(strstr(gateway_warnings(p.b), DUPLICATE_ID "\n"));
    assert_int_equal(gateway_log_count(p.b, "is the ID used by two routers?"), 1);
    world_run(p.w, 3600 * 1000);

    assert_int_equal(gateway_log_count(p.b, "is the ID used by two routers?"), 2);
    assert_non_null(strstr(gateway_warnings(p.b), DUPLICATE_ID " (and "));
    world_free(p.w);
}

#define DUPLICATE_ID_AT_ONCE                                                                                 \
    "Tunnel0.0: KEY-ID site1 has IKE SAs from 10.1.0.1:500 and from 10.3.0.1:500, and answers by the older " \
    "one too: is the ID used by two routers? Packets go to the one that came last; line 31"

/* Neither of the two IKE SAs ends the other one, since neither was there when the other one was begun. */
static void S34_two_peers_with_one_id_that_begin_at_once_are_told_with_both_addresses(void **state)
{
    (void)state;
    struct tunnel_policy b = world_default_policy(0, "any", "site2", "site1");
    struct tunnel_policy a = policy_a();
    const struct tunnel_policy c = policy_a();
    b.line[SETTING_PEER] = 31;
    struct pair p = pair_of(&a, &b);
    struct gateway *other = world_add_gateway(p.w, "C", "10.3.0.1");
    gateway_set_tunnel(other, &c, "secret1", "secret2");

    gateway_packet_waits(p.a, 1);
    gateway_packet_waits(other, 1);
    world_run(p.w, 5000);

    assert_true(gateway_tunnel_is_up(p.a, 1) && gateway_tunnel_is_up(other, 1));
    assert_non_null(strstr(gateway_warnings(p.b), DUPLICATE_ID_AT_ONCE "\n"));
    world_run(p.w, 600 * 1000);
    assert_int_equal(gateway_log_count(p.b, "is the ID used by two routers?"), 1);
    world_free(p.w);
}

static void S34_two_peers_with_ids_of_their_own_take_over_nothing(void **state)
{
    (void)state;
    struct pair p = two_sites("site3");

    world_run(p.w, 3600 * 1000);

    assert_true(gateway_tunnel_is_up(p.b, 0) && gateway_tunnel_is_up(p.b, 1));
    assert_false(gateway_log_has(p.b, "is the ID used by two routers?"));
    world_free(p.w);
}

/* Its line changes to another one and back: it may be one router. */
static void S34_a_peer_that_changes_its_address_and_returns_is_not_taken_for_two(void **state)
{
    (void)state;
    static const char *const addresses[] = {"10.1.0.1", "10.3.0.1", "10.1.0.1"};
    const struct tunnel_policy policy = world_default_policy(0, "any", "site2", "site1");
    struct stage s = stage_established_with(&policy);
    for (size_t i = 0; i < 3; i++) {
        world_run(s.w, 60 * 1000);
        bool parsed = ip_address_parse(addresses[i], &s.p->address.address);
        s.p->spi_i++;
        assert_true(parsed && puppet_do_init(s.p) && auth_with_initial_contact(&s));
    }

    assert_int_equal(gateway_log_count(s.b, "IKE SA created"), 4);
    assert_false(gateway_log_has(s.b, "is the ID used by two routers?"));
    stage_free(&s);
}

static void S7_two_ends_that_start_at_once_keep_one_sa(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct world *w = world_new(seed, &invariants);
        *world_conditions(w) = (struct network_conditions){.delay_min = 5, .delay_max = 400};
        struct gateway *a = world_add_gateway(w, "A", "10.1.0.1");
        struct gateway *b = world_add_gateway(w, "B", "10.2.0.1");
        struct tunnel_policy at_a = world_default_policy(0, "10.2.0.1", "site1", "site2");
        struct tunnel_policy at_b = policy_b();
        at_a.connect_type = at_b.connect_type = CONNECT_AUTO;
        gateway_set_tunnel(a, &at_a, "secret1", "secret2");
        gateway_set_tunnel(b, &at_b, "secret2", "secret1");

        world_run(w, 3000);
        world_set_traffic(w, 10);
        world_run(w, 60000); /* a half-open SA that was given up has timed out by then */

        if (!world_tunnel_carries(a, 0, b, 0))
            fail_msg("seed %lu: %zu and %zu Child SAs", (unsigned long)seed, gateway_child_count(a, 0),
                     gateway_child_count(b, 0));
        if (gateway_record_count(a) != 1 || gateway_record_count(b) != 1)
            fail_msg("seed %lu: more than one IKE SA is left", (unsigned long)seed);
        world_free(w);
    }
}

/* A policy whose IKE_AUTH is larger than one datagram may be: long IDs, many selectors. */
static struct tunnel_policy large_policy(uint32_t tunnel, const char *peer, uint8_t local, uint8_t remote)
{
    struct tunnel_policy p = world_default_policy(tunnel, peer, "", "");
    p.local_id = p.remote_id = (struct identity){.type = ID_KEY_ID, .length = IDENTITY_SIZE};
    memset(p.local_id.value, local, IDENTITY_SIZE);
    memset(p.remote_id.value, remote, IDENTITY_SIZE);
    for (uint8_t i = 0; i < POLICY_SELECTORS_MAX; i++) {
        struct policy_selector s = {
            .first = {.family = IP_V6}, .last = {.family = IP_V6}, .last_port = UINT16_MAX};
        s.first.octets[0] = s.last.octets[0] = i;
        p.local_ts[p.local_ts_count++] = s;
        p.remote_ts[p.remote_ts_count++] = s;
    }
    return p;
}

struct size_watch {
    size_t largest, of_auth;
    size_t drop; /* the nth datagram of IKE_AUTH is lost */
};

static bool watch_size(void *context, const struct flying_datagram *d)
{
    struct size_watch *watch = context;
    if (d->message.length > watch->largest)
        watch->largest = d->message.length;
    return d->message.at[18] != EXCHANGE_IKE_AUTH || ++watch->of_auth != watch->drop;
}

static void RFC7383_2_5_a_large_ike_auth_is_sent_in_fragments(void **state)
{
    (void)state;
    for (size_t drop = 0; drop <= 3; drop++) {
        const struct tunnel_policy a = large_policy(1, "10.2.0.1", 'a', 'b');
        const struct tunnel_policy b = large_policy(0, "10.1.0.1", 'b', 'a');
        struct pair p = pair_of(&a, &b);
        struct size_watch watch = {.drop = drop};
        world_set_hook(p.w, watch_size, &watch);

        gateway_packet_waits(p.a, 1);
        world_run(p.w, 5000);

        assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
        assert_true(watch.largest <= 1280 - 40 - 8 - 4);
        assert_true(watch.of_auth >= 3); /* two fragments of the request at least */
        world_free(p.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R14_initial_contact_removes_the_old_sa),
        cmocka_unit_test(R14_a_negotiation_that_the_peer_has_forgotten_does_not_come_up_beside_a_rekeyed_sa),
        cmocka_unit_test(RFC7296_2_4_initial_contact_ends_no_sa_of_another_id),
        cmocka_unit_test(R14_a_peer_that_restarts_is_not_refused_for_the_child_sas_that_it_had),
        cmocka_unit_test(S34_two_peers_that_take_over_from_each_other_are_told_with_both_addresses),
        cmocka_unit_test(S34_two_peers_with_one_id_that_begin_at_once_are_told_with_both_addresses),
        cmocka_unit_test(S34_two_peers_with_ids_of_their_own_take_over_nothing),
        cmocka_unit_test(S34_a_peer_that_changes_its_address_and_returns_is_not_taken_for_two),
        cmocka_unit_test(S7_two_ends_that_start_at_once_keep_one_sa),
        cmocka_unit_test(RFC7383_2_5_a_large_ike_auth_is_sent_in_fragments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
