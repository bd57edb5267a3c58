/*
 * Mappings of NATs: kept by keepalives, lost and found again, and followed after authenticated packets alone
 * (R76, S9, S28, RFC 7296 2.23).
 */
#include "invariants.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NAT "198.51.100.1"

static struct ip_endpoint endpoint(const char *address, uint16_t port)
{
    struct ip_endpoint e = {.port = port};
    assert_true(ip_address_parse(address, &e.address));
    return e;
}

/* A site behind a NAT, with NAT traversal at both ends, is up. The centre may be behind one too, or NULL. */
static struct pair pair_up_behind_nat(const char *nat_of_b)
{
    struct tunnel_policy site =
        world_default_policy(1, nat_of_b != NULL ? nat_of_b : "10.2.0.1", "site1", "site2");
    struct tunnel_policy centre = world_default_policy(0, "any", "site2", "site1");
    site.nat_traversal = centre.nat_traversal = true;
    site.nat_keepalive = centre.nat_keepalive = 20;
    struct pair p = {.w = world_new(1, &invariants)};
    p.a = world_add_gateway(p.w, "A", "192.168.0.1");
    gateway_set_nat(p.a, NAT);
    p.b = world_add_gateway(p.w, "B", "10.2.0.1");
    if (nat_of_b != NULL)
        gateway_set_forwarding_nat(p.b, nat_of_b);
    gateway_set_tunnel(p.a, &site, "secret1", "secret2");
    gateway_set_tunnel(p.b, &centre, "secret2", "secret1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    return p;
}

static struct pair pair_behind_nat(void)
{
    return pair_up_behind_nat(NULL);
}

static struct pair pair_between_nats(void)
{
    return pair_up_behind_nat("203.0.113.1");
}

static void S28_a_new_mapping_is_followed_after_an_authenticated_packet(void **state)
{
    (void)state;
    struct pair p = pair_behind_nat();

    gateway_rebind_nat(p.a);
    world_set_traffic(p.w, 100);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_true(gateway_log_has(p.b, "the NAT in front of the peer has changed"));
    world_free(p.w);
}

static void S28_a_nat_that_changes_all_the_time_is_followed_and_told_a_few_times(void **state)
{
    (void)state;
    struct pair p = pair_behind_nat();
    world_set_traffic(p.w, 100);

    for (int i = 0; i < 20; i++) {
        gateway_rebind_nat(p.a);
        world_run(p.w, 1000);
        assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    }

    assert_int_equal(gateway_log_count(p.b, "the NAT in front of the peer has changed"), 5);
    world_run(p.w, 60000);
    gateway_rebind_nat(p.a);
    world_run(p.w, 1000);
    assert_int_equal(gateway_log_count(p.b, "the NAT in front of the peer has changed"), 6);
    world_free(p.w);
}

static void S28_a_new_mapping_is_followed_after_an_ike_message(void **state)
{
    (void)state;
    struct pair p = pair_behind_nat();

    gateway_rebind_nat(p.a);
    gateway_report_esp(p.a, IKE_EVENT_SEQUENCE_LOW, gateway_children(p.a)->sa.inbound.spi, NULL);
    world_run(p.w, 10000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void S9_an_end_behind_a_nat_follows_no_change_of_address(void **state)
{
    (void)state;
    struct pair p = pair_behind_nat();
    const struct ip_endpoint elsewhere = endpoint("10.2.0.99", 4500);

    gateway_report_esp(p.a, IKE_EVENT_PEER_MOVED, gateway_children(p.a)->sa.inbound.spi, &elsewhere);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

/* Where both ends are behind NATs, neither can be sure that the other one's has changed (RFC 7296 2.23). */
static void S9_between_two_nats_no_change_of_address_is_followed(void **state)
{
    (void)state;
    struct pair p = pair_between_nats();
    const struct ip_endpoint elsewhere = endpoint("203.0.113.99", 4500);
    struct gateway *const ends[] = {p.a, p.b};

    for (size_t i = 0; i < 2; i++) {
        gateway_report_esp(ends[i], IKE_EVENT_PEER_MOVED, gateway_children(ends[i])->sa.inbound.spi,
                           &elsewhere);
        assert_false(gateway_log_has(ends[i], "the NAT in front of the peer has changed"));
        struct ip_address remote = gateway_children(ends[i])->sa.destination.remote.address;
        assert_false(ip_address_equal(&remote, &elsewhere.address));
    }

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void S9_without_a_nat_no_change_of_address_is_followed(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    const struct ip_endpoint elsewhere = endpoint("10.2.0.99", 500);

    gateway_report_esp(p.a, IKE_EVENT_PEER_MOVED, gateway_children(p.a)->sa.inbound.spi, &elsewhere);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static struct policy_selector prefix(const char *first, const char *last)
{
    struct policy_selector s = {.last_port = UINT16_MAX};
    assert_true(ip_address_parse(first, &s.first) && ip_address_parse(last, &s.last));
    return s;
}

static void assert_range(const struct traffic_selector *ts, uint8_t count, const char *first,
                         const char *last)
{
    const struct policy_selector wanted = prefix(first, last);
    assert_int_equal(count, 1);
    assert_true(ip_address_equal(&ts->first, &wanted.first) && ip_address_equal(&ts->last, &wanted.last));
}

/* Only in transport mode would they give way to the addresses of the IKE SA. */
static void R78_in_tunnel_mode_the_configured_selectors_hold_through_a_nat(void **state)
{
    (void)state;
    struct tunnel_policy site = world_default_policy(1, "10.2.0.1", "site1", "site2");
    struct tunnel_policy centre = world_default_policy(0, "any", "site2", "site1");
    site.nat_traversal = centre.nat_traversal = true;
    site.nat_keepalive = centre.nat_keepalive = 20;
    site.local_ts[0] = centre.remote_ts[0] = prefix("192.168.1.0", "192.168.1.255");
    site.remote_ts[0] = centre.local_ts[0] = prefix("192.168.2.0", "192.168.2.255");
    site.local_ts_count = site.remote_ts_count = centre.local_ts_count = centre.remote_ts_count = 1;
    struct pair p = {.w = world_new(1, &invariants)};
    p.a = world_add_gateway(p.w, "A", "192.168.0.1");
    gateway_set_nat(p.a, NAT);
    p.b = world_add_gateway(p.w, "B", "10.2.0.1");
    gateway_set_tunnel(p.a, &site, "secret1", "secret2");
    gateway_set_tunnel(p.b, &centre, "secret2", "secret1");

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    const struct child_settings *child = &gateway_children(p.a)->sa;
    assert_true(child->destination.encapsulated);
    assert_range(child->local_ts, child->local_ts_count, "192.168.1.0", "192.168.1.255");
    assert_range(child->remote_ts, child->remote_ts_count, "192.168.2.0", "192.168.2.255");
    world_free(p.w);
}

/* ---- Mappings that time out -------------------------------------------------------------------------- */

enum { KEEPALIVE = 20, LIFETIME = 60 * 1000 };

/* A site behind a NAT whose mappings time out, and a centre; neither asks for the peer's life. */
static struct pair silent_pair(uint32_t keepalive, bool real_paths)
{
    struct tunnel_policy site = world_default_policy(1, "10.2.0.1", "site1", "site2");
    struct tunnel_policy centre = world_default_policy(0, "any", "site2", "site1");
    site.nat_traversal = centre.nat_traversal = true;
    site.nat_keepalive = centre.nat_keepalive = keepalive;
    site.dpd_interval = centre.dpd_interval = 0;
    struct pair p = {.w = world_new(1, &invariants)};
    if (real_paths)
        world_use_real_paths(p.w);
    p.a = world_add_gateway(p.w, "A", "192.168.0.1");
    gateway_set_nat(p.a, NAT);
    gateway_set_nat_lifetime(p.a, LIFETIME);
    p.b = world_add_gateway(p.w, "B", "10.2.0.1");
    gateway_set_tunnel(p.a, &site, "secret1", "secret2");
    gateway_set_tunnel(p.b, &centre, "secret2", "secret1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    return p;
}

/* Where the centre sends packets of the site. */
static struct ip_endpoint site_of(const struct pair *p)
{
    return gateway_children(p->b)->sa.destination.remote;
}

static void assert_keepalives_keep_the_mapping(bool real_paths)
{
    struct pair p = silent_pair(KEEPALIVE, real_paths);
    const struct ip_endpoint before = site_of(&p);

    world_run(p.w, 10 * LIFETIME);
    gateway_packet_waits(p.b, 0);
    world_set_traffic(p.w, 100);
    world_run(p.w, 1000);

    const struct ip_endpoint after = site_of(&p);
    assert_true(ip_endpoint_equal(&before, &after));
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_false(gateway_log_has(p.b, "the NAT in front of the peer has changed"));
    world_free(p.w);
}

static void R76_keepalives_keep_a_mapping_without_traffic(void **state)
{
    (void)state;
    assert_keepalives_keep_the_mapping(true);
    assert_keepalives_keep_the_mapping(false);
}

static void S28_a_mapping_that_has_timed_out_is_followed_after_a_packet(void **state)
{
    (void)state;
    struct pair p = silent_pair(2 * LIFETIME / 1000, true);
    const struct ip_endpoint before = site_of(&p);
    world_run(p.w, LIFETIME + 1000);

    gateway_put_packet(p.b, 0);
    world_run(p.w, 1000);
    assert_int_equal(gateway_tunnel_received(p.a, 1), 0); /* nothing comes in by it */
    gateway_put_packet(p.a, 1);
    world_run(p.w, 1000);
    gateway_put_packet(p.b, 0);
    world_run(p.w, 1000);

    const struct ip_endpoint after = site_of(&p);
    assert_int_equal(gateway_tunnel_received(p.a, 1), 1);
    assert_int_not_equal(after.port, before.port);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

/* B does not ask for A's life of its own accord. `sa_lifetime` of A, in seconds; 0: the default one. */
static struct pair pair_between_nats_without_dpd(uint32_t sa_lifetime)
{
    struct tunnel_policy site = world_default_policy(1, "203.0.113.1", "site1", "site2");
    struct tunnel_policy centre = world_default_policy(0, "any", "site2", "site1");
    site.nat_traversal = centre.nat_traversal = true;
    site.nat_keepalive = centre.nat_keepalive = 20;
    centre.dpd_interval = 0;
    if (sa_lifetime != 0)
        site.sa_lifetime = sa_lifetime;
    struct pair p = {.w = world_new(1, &invariants)};
    p.a = world_add_gateway(p.w, "A", "192.168.0.1");
    gateway_set_nat(p.a, NAT);
    p.b = world_add_gateway(p.w, "B", "10.2.0.1");
    gateway_set_forwarding_nat(p.b, "203.0.113.1");
    gateway_set_tunnel(p.a, &site, "secret1", "secret2");
    gateway_set_tunnel(p.b, &centre, "secret2", "secret1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    return p;
}

/* B, which may not follow A, comes to know that A's NAT does not let it through. */
static void assert_a_lost_mapping_costs_the_sa(struct pair p)
{
    gateway_rebind_nat(p.a);
    world_set_traffic(p.w, 1000);
    world_run(p.w, 1000);
    assert_false(world_tunnel_carries(p.a, 1, p.b, 0));
    for (unsigned i = 0; i < 90 && !world_tunnel_carries(p.a, 1, p.b, 0); i++) {
        gateway_packet_waits(p.a, 1);
        world_run(p.w, 1000);
    }

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_false(gateway_log_has(p.b, "the NAT in front of the peer has changed"));
    world_free(p.w);
}

static void S9_between_two_nats_a_lost_mapping_costs_the_sa_and_a_new_one_is_made(void **state)
{
    (void)state;
    assert_a_lost_mapping_costs_the_sa(pair_between_nats_without_dpd(0));
}

/* The IKE SA is rekeyed before an answer has stayed away for long enough. */
static void S9_between_two_nats_rekeys_do_not_keep_an_sa_with_a_lost_mapping(void **state)
{
    (void)state;
    assert_a_lost_mapping_costs_the_sa(pair_between_nats_without_dpd(45));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S28_a_new_mapping_is_followed_after_an_authenticated_packet),
        cmocka_unit_test(S28_a_nat_that_changes_all_the_time_is_followed_and_told_a_few_times),
        cmocka_unit_test(S28_a_new_mapping_is_followed_after_an_ike_message),
        cmocka_unit_test(S9_an_end_behind_a_nat_follows_no_change_of_address),
        cmocka_unit_test(S9_between_two_nats_no_change_of_address_is_followed),
        cmocka_unit_test(S9_without_a_nat_no_change_of_address_is_followed),
        cmocka_unit_test(R78_in_tunnel_mode_the_configured_selectors_hold_through_a_nat),
        cmocka_unit_test(R76_keepalives_keep_a_mapping_without_traffic),
        cmocka_unit_test(S28_a_mapping_that_has_timed_out_is_followed_after_a_packet),
        cmocka_unit_test(S9_between_two_nats_a_lost_mapping_costs_the_sa_and_a_new_one_is_made),
        cmocka_unit_test(S9_between_two_nats_rekeys_do_not_keep_an_sa_with_a_lost_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
