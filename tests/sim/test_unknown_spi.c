/*
 * ESP of an unknown SPI from a peer that there is no IKE SA with: INVALID_SPI in the clear, what its
 * recipient does, and peers that find out that the other end has lost its state (S46, RFC 7296 1.5, 2.21.4).
 */
#include "invariants.h"
#include "pair.h"
#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t UNKNOWN_SPI = 0x12345678;

static struct ip_endpoint endpoint(const char *address, uint16_t port)
{
    struct ip_endpoint e = {.port = port};
    assert_true(ip_address_parse(address, &e.address));
    return e;
}

/* ---- The answer -------------------------------------------------------------------------------------- */

/* What a gateway has sent, the last datagram of it. */
struct sent {
    size_t count;
    struct ip_endpoint from, to;
    uint8_t octets[256];
    size_t length;
};

static bool note_datagram(void *context, const struct flying_datagram *d)
{
    struct sent *sent = context;
    sent->count++;
    sent->from = d->from;
    sent->to = d->to;
    sent->length = d->message.length < sizeof sent->octets ? d->message.length : sizeof sent->octets;
    memcpy(sent->octets, d->message.at, sent->length);
    return true;
}

static void assert_is_invalid_spi(const struct sent *sent, uint32_t spi)
{
    struct ike_message message = {.count = 0};
    struct octets octets = {sent->octets, sent->length};
    assert_true(ike_header_parse(octets, &message.header));
    assert_true(message.header.spi_i == 0 && message.header.spi_r == 0);
    assert_int_equal(message.header.exchange, EXCHANGE_INFORMATIONAL);
    assert_int_equal(message.header.flags, IKE_FLAG_INITIATOR);
    octets = (struct octets){octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    assert_int_equal(ike_payloads_parse(octets, message.header.next_payload, &message, NULL, NULL),
                     MESSAGE_OK);
    assert_int_equal(message.count, 1);
    const struct ike_payload *notify = ike_message_notify(&message, NOTIFY_INVALID_SPI);
    assert_non_null(notify);
    assert_int_equal(notify->protocol, PROTOCOL_NONE);
    assert_int_equal(notify->content.length, 4);
    assert_int_equal(load_u32be(notify->content.at), spi);
}

static void report(struct gateway *g, const char *address, uint16_t port)
{
    const struct ip_endpoint from = endpoint(address, port);
    gateway_report_esp(g, IKE_EVENT_SPI_UNKNOWN, UNKNOWN_SPI, &from);
}

static void RFC7296_1_5_esp_in_udp_is_answered_at_its_port(void **state)
{
    (void)state;
    struct pair p = default_pair();
    struct sent sent = {0};
    world_set_hook(p.w, note_datagram, &sent);

    report(p.b, "10.9.0.1", 40000);

    const struct ip_endpoint from = endpoint("10.2.0.1", IKE_NAT_PORT);
    const struct ip_endpoint to = endpoint("10.9.0.1", 40000);
    assert_int_equal(sent.count, 1);
    assert_true(ip_endpoint_equal(&sent.from, &from) && ip_endpoint_equal(&sent.to, &to));
    assert_is_invalid_spi(&sent, UNKNOWN_SPI);
    world_free(p.w);
}

static void RFC7296_1_5_other_esp_is_answered_at_port_500(void **state)
{
    (void)state;
    struct pair p = default_pair();
    struct sent sent = {0};
    world_set_hook(p.w, note_datagram, &sent);

    report(p.b, "10.9.0.1", 0);

    const struct ip_endpoint from = endpoint("10.2.0.1", IKE_PORT);
    const struct ip_endpoint to = endpoint("10.9.0.1", IKE_PORT);
    assert_int_equal(sent.count, 1);
    assert_true(ip_endpoint_equal(&sent.from, &from) && ip_endpoint_equal(&sent.to, &to));
    assert_is_invalid_spi(&sent, UNKNOWN_SPI);
    world_free(p.w);
}

/* A configured peer with which this end may not begin is answered too. */
static void S46_a_peer_that_this_end_may_only_respond_to_is_answered(void **state)
{
    (void)state;
    struct tunnel_policy at_b = policy_b();
    at_b.direction = NEGOTIATE_RESPONDER;
    const struct tunnel_policy at_a = policy_a();
    struct pair p = pair_of(&at_a, &at_b);

    report(p.b, "10.1.0.1", 0);

    assert_int_equal(gateway_sent(p.b), 1);
    assert_true(gateway_log_has(p.b, "there is no SA with that address"));
    world_free(p.w);
}

static void S46_an_address_is_answered_once_in_10_seconds_and_logged_once_in_an_hour(void **state)
{
    (void)state;
    enum { HOUR = 3600 };
    struct pair p = default_pair();

    for (unsigned s = 0; s < HOUR; s++) {
        report(p.b, "10.9.0.1", 4500);
        report(p.b, "10.9.0.1", 4501);
        world_run(p.w, 1000);
        assert_int_equal(gateway_sent(p.b), 1 + s / 10);
    }
    assert_int_equal(gateway_log_count(p.b, "ESP from 10.9.0.1"), 1);
    report(p.b, "10.9.0.1", 4500);

    assert_int_equal(gateway_log_count(p.b, "ESP from 10.9.0.1"), 2);
    assert_true(gateway_log_has(p.b, "ESP from 10.9.0.1:4500 on SPI 0x12345678, which is unknown here"));
    world_free(p.w);
}

static void S46_all_addresses_together_are_answered_10_times_in_a_second(void **state)
{
    (void)state;
    struct pair p = default_pair();
    char address[IP_TEXT_SIZE];

    for (unsigned s = 0; s < 20; s++) {
        for (unsigned i = 0; i < 50; i++) {
            (void)snprintf(address, sizeof address, "10.9.%u.%u", s, i);
            report(p.b, address, 0);
        }
        assert_int_equal(gateway_sent(p.b), 10 * (s + 1));
        world_run(p.w, 1000);
    }

    world_free(p.w);
}

/* However many addresses somebody makes up. */
static void S46_the_event_log_is_not_flooded(void **state)
{
    (void)state;
    enum { SECONDS = 200 };
    struct pair p = default_pair();
    char address[IP_TEXT_SIZE];

    for (unsigned s = 0; s < SECONDS; s++) {
        for (unsigned i = 0; i < 20; i++) {
            (void)snprintf(address, sizeof address, "10.9.%u.%u", s, i);
            report(p.b, address, 0);
        }
        world_run(p.w, 1000);
    }

    assert_int_equal(gateway_log_count(p.b, "ESP from "), UNKNOWN_SENDERS_LOGGED);
    world_free(p.w);
}

static void S46_a_gateway_that_stops_answers_nobody(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_stop(p.b);

    report(p.b, "10.9.0.1", 0);

    assert_int_equal(gateway_sent(p.b), 0);
    world_free(p.w);
}

/* Packets are still under way when an SA is deleted. */
static void S46_a_peer_whose_sa_is_being_deleted_is_not_answered(void **state)
{
    (void)state;
    const struct tunnel_policy policy = world_default_policy(0, "any", "site2", "site1");
    struct stage s = stage_established_with(&policy);
    gateway_clear(s.b, 0);
    size_t sent = gateway_sent(s.b);

    report(s.b, "10.1.0.1", 0);

    assert_int_equal(gateway_sent(s.b), sent);
    assert_false(gateway_log_has(s.b, "which is unknown here"));
    stage_free(&s);
}

/* ---- The hint ---------------------------------------------------------------------------------------- */

/* INVALID_SPI in the clear about an SPI, with these SPIs of an IKE SA, from the puppet's address. */
static void send_hint(struct stage *s, uint32_t spi, uint64_t spi_i, uint64_t spi_r)
{
    const struct ike_header header = {
        .spi_i = spi_i, .spi_r = spi_r, .exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
    uint8_t octets[64], content[4];
    store_u32be(content, spi);
    struct message_writer m = message_begin(octets, sizeof octets, &header);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_SPI,
                       (struct octets){content, sizeof content});
    struct octets message = message_finish(&m);
    s->p->reply_count = 0;
    puppet_send(s->p, message.at, message.length);
}

static void assert_asks_for_liveness(struct stage *s)
{
    assert_int_equal(s->p->reply_count, 1);
    assert_true(puppet_read_reply(s->p));
    assert_int_equal(s->p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    assert_int_equal(s->p->message.header.flags & IKE_FLAG_RESPONSE, 0);
    assert_int_equal(s->p->message.count, 0);
}

static void RFC7296_2_21_4_invalid_spi_in_the_clear_asks_for_liveness_once_in_10_seconds(void **state)
{
    (void)state;
    struct stage s = stage_established();

    for (int i = 0; i < 3; i++) {
        send_hint(&s, PUPPET_CHILD, 0, 0);
        assert_asks_for_liveness(&s);
        assert_int_equal(stage_counter(&s, IKE_COUNT_IN_CLEAR), 2 * i + 1);
        struct message_writer m = inner();
        puppet_answer(s.p, &m);
        world_run(s.w, 9000);
        send_hint(&s, PUPPET_CHILD, 0, 0);
        assert_int_equal(s.p->reply_count, 0);
        assert_true(carries(&s, PUPPET_CHILD));
        world_run(s.w, 1000);
    }

    assert_int_equal(stage_counter(&s, IKE_COUNT_UNKNOWN_SPI), 0);
    stage_free(&s);
}

static void S46_a_peer_that_is_dead_is_found_within_the_time_of_R15(void **state)
{
    (void)state;
    struct stage s = stage_established();

    send_hint(&s, PUPPET_CHILD, 0, 0);
    world_run(s.w, 30000);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_false(gateway_tunnel_is_up(s.b, 0));
    stage_free(&s);
}

/* Whatever its SPIs are (RFC 7296 1.5: zero or random), it is neither answered nor does it change an SA. */
static void RFC7296_1_5_invalid_spi_in_the_clear_is_never_answered(void **state)
{
    (void)state;
    struct stage s = stage_established();

    send_hint(&s, UNKNOWN_SPI, 0, 0);
    assert_int_equal(s.p->reply_count, 0);
    send_hint(&s, UNKNOWN_SPI, 0x1111, 0x2222);
    assert_int_equal(s.p->reply_count, 0);
    send_hint(&s, 0, 0x1111, 0);
    assert_int_equal(s.p->reply_count, 0);
    send_hint(&s, PUPPET_CHILD, 0x1111, 0x2222);
    assert_asks_for_liveness(&s);

    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void RFC7296_2_21_4_invalid_spi_from_another_address_than_the_peers_asks_for_nothing(void **state)
{
    (void)state;
    struct stage s = stage_established();
    s.p->address = endpoint("10.1.0.2", IKE_PORT);

    send_hint(&s, PUPPET_CHILD, 0, 0);

    assert_int_equal(s.p->reply_count, 0);
    assert_false(gateway_log_has(s.b, "INVALID_SPI"));
    stage_free(&s);
}

static void RFC7296_2_21_4_our_own_spi_is_no_hint(void **state)
{
    (void)state;
    struct stage s = stage_established();

    send_hint(&s, gateway_children(s.b)->sa.inbound.spi, 0, 0);

    assert_int_equal(s.p->reply_count, 0);
    stage_free(&s);
}

static void an_unreadable_hint_is_nothing(void **state)
{
    (void)state;
    struct stage s = stage_established();
    uint8_t octets[64];
    const struct ike_header header = {.exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
    for (size_t length = 0; length <= 8; length++) {
        struct message_writer m = message_begin(octets, sizeof octets, &header);
        const uint8_t content[8] = {0xc0, [3] = 1};
        if (length == 4)
            continue;
        message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_SPI,
                           (struct octets){content, length});
        struct octets message = message_finish(&m);
        s.p->reply_count = 0;
        puppet_send(s.p, message.at, message.length);
        assert_int_equal(s.p->reply_count, 0);
    }
    stage_free(&s);
}

/* A request under way is liveness check enough. */
static void S46_no_liveness_is_asked_for_while_another_request_is_out(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 20);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);

    send_hint(&s, PUPPET_CHILD, 0, 0);
    assert_int_equal(s.p->reply_count, 0);
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    assert_int_equal(s.p->reply_count, 0);
    stage_free(&s);
}

/* ---- Centres that lose their state -------------------------------------------------------------------- */

enum { SITES_MAX = 60, SITE_TUNNEL = 1 };

struct star {
    struct world *w;
    struct gateway *centre;
    struct gateway *sites[SITES_MAX];
    size_t count;
};

static void star_add_site(struct star *star, const char *nat, bool nat_traversal)
{
    unsigned n = (unsigned)star->count;
    char name[32], address[IP_TEXT_SIZE];
    (void)snprintf(name, sizeof name, "site%u", n);
    (void)snprintf(address, sizeof address, "10.1.%u.1", n);
    struct tunnel_policy at_site = world_default_policy(SITE_TUNNEL, "10.2.0.1", name, "centre");
    struct tunnel_policy at_centre = world_default_policy(n, "any", "centre", name);
    at_site.connect_type = CONNECT_AUTO;
    at_site.nat_traversal = at_centre.nat_traversal = nat_traversal;
    at_site.nat_keepalive = at_centre.nat_keepalive = 20;
    struct gateway *site = world_add_gateway(star->w, name, address);
    if (nat != NULL)
        gateway_set_nat(site, nat);
    gateway_set_tunnel(site, &at_site, "secret1", "secret2");
    gateway_set_tunnel(star->centre, &at_centre, "secret2", "secret1");
    star->sites[star->count++] = site;
}

static struct star star_new(size_t count, const char *nat, bool nat_traversal)
{
    struct star star = {.w = world_new(3, &invariants)};
    star.centre = world_add_gateway(star.w, "centre", "10.2.0.1");
    for (size_t i = 0; i < count; i++)
        star_add_site(&star, nat, nat_traversal);
    return star;
}

static size_t star_carries(const struct star *star)
{
    size_t count = 0;
    for (size_t i = 0; i < star->count; i++)
        count += world_tunnel_carries(star->sites[i], SITE_TUNNEL, star->centre, (uint32_t)i);
    return count;
}

/* Brings all sites up, lets packets go through, takes the centre's state away. */
static void star_lose_centre(struct star *star)
{
    world_run(star->w, 15000);
    assert_int_equal(star_carries(star), star->count);
    world_set_traffic(star->w, 500);
    world_run(star->w, 20000);
    gateway_restart(star->centre);
    assert_int_equal(star_carries(star), 0);
}

/* R15's 30 s, and 10 s until `connect-type auto` looks. */
enum { RECOVERY = 45000 };

static void S46_sites_find_out_that_a_centre_with_peer_any_has_lost_its_state(void **state)
{
    (void)state;
    struct star star = star_new(3, NULL, false);
    star_lose_centre(&star);

    world_run(star.w, RECOVERY);

    assert_int_equal(star_carries(&star), star.count);
    assert_true(gateway_log_has(star.sites[0], "is unknown there (INVALID_SPI): asking the peer"));
    world_free(star.w);
}

static void S46_sites_behind_one_nat_find_out_too(void **state)
{
    (void)state;
    struct star star = star_new(4, "198.51.100.1", true);
    star_lose_centre(&star);

    world_run(star.w, 4 * RECOVERY);

    assert_int_equal(star_carries(&star), star.count);
    world_free(star.w);
}

/* Of two peers behind one NAT only one has an SA: the other's ESP is not taken for its. */
static void S46_esp_of_another_peer_behind_the_same_nat_is_answered_in_the_clear(void **state)
{
    (void)state;
    struct star star = star_new(1, "198.51.100.1", true);
    world_run(star.w, 15000);
    struct ip_endpoint up = gateway_children(star.centre)->sa.destination.remote;
    struct sent sent = {0};
    world_set_hook(star.w, note_datagram, &sent);

    report(star.centre, "198.51.100.1", up.port);
    assert_true(sent.count == 1 && sent.octets[16] == PAYLOAD_SK);
    world_run(star.w, 1000);
    report(star.centre, "198.51.100.1", (uint16_t)(up.port + 1));

    assert_int_equal(sent.to.port, up.port + 1);
    assert_is_invalid_spi(&sent, UNKNOWN_SPI);
    world_free(star.w);
}

static void S46_sixty_sites_come_back_within_a_minute(void **state)
{
    (void)state;
    struct star star = star_new(SITES_MAX, NULL, false);
    star_lose_centre(&star);

    world_run(star.w, 60000);

    assert_int_equal(star_carries(&star), star.count);
    world_free(star.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7296_1_5_esp_in_udp_is_answered_at_its_port),
        cmocka_unit_test(RFC7296_1_5_other_esp_is_answered_at_port_500),
        cmocka_unit_test(S46_a_peer_that_this_end_may_only_respond_to_is_answered),
        cmocka_unit_test(S46_an_address_is_answered_once_in_10_seconds_and_logged_once_in_an_hour),
        cmocka_unit_test(S46_all_addresses_together_are_answered_10_times_in_a_second),
        cmocka_unit_test(S46_the_event_log_is_not_flooded),
        cmocka_unit_test(S46_a_gateway_that_stops_answers_nobody),
        cmocka_unit_test(S46_a_peer_whose_sa_is_being_deleted_is_not_answered),
        cmocka_unit_test(RFC7296_2_21_4_invalid_spi_in_the_clear_asks_for_liveness_once_in_10_seconds),
        cmocka_unit_test(S46_a_peer_that_is_dead_is_found_within_the_time_of_R15),
        cmocka_unit_test(RFC7296_1_5_invalid_spi_in_the_clear_is_never_answered),
        cmocka_unit_test(RFC7296_2_21_4_invalid_spi_from_another_address_than_the_peers_asks_for_nothing),
        cmocka_unit_test(RFC7296_2_21_4_our_own_spi_is_no_hint),
        cmocka_unit_test(an_unreadable_hint_is_nothing),
        cmocka_unit_test(S46_no_liveness_is_asked_for_while_another_request_is_out),
        cmocka_unit_test(S46_sites_find_out_that_a_centre_with_peer_any_has_lost_its_state),
        cmocka_unit_test(S46_sites_behind_one_nat_find_out_too),
        cmocka_unit_test(S46_esp_of_another_peer_behind_the_same_nat_is_answered_in_the_clear),
        cmocka_unit_test(S46_sixty_sites_come_back_within_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
