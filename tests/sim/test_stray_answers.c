/*
 * Answers to what belongs to no IKE SA (RFC 7296 1.5, 2.5, 2.21.4): by which route they go, and how many.
 */
#include "bare_engine.h"
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VERSION_3 = 0x30, VERSION_AT = 17 };

static struct ip_endpoint endpoint_of(const char *address, uint16_t port)
{
    return (struct ip_endpoint){address_of(address), port};
}

/* A datagram from the peer that consists of an IKE header alone. */
static struct ike_event bare_request(const char *from, uint64_t spi_r, uint8_t version)
{
    static uint8_t at[IKE_HEADER_SIZE];
    const struct ike_header header = {
        .spi_i = 7, .spi_r = spi_r, .exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
    struct message_writer m = message_begin(at, sizeof at, &header);
    struct ike_event event = {.kind = IKE_EVENT_DATAGRAM};
    event.datagram.message = message_finish(&m);
    at[VERSION_AT] = version;
    event.datagram.local = endpoint_of("192.0.2.1", IKE_PORT);
    event.datagram.remote = endpoint_of(from, IKE_PORT);
    event.datagram.ifindex = 4;
    return event;
}

static struct ike_event of_no_sa(const char *from)
{
    return bare_request(from, 9, 0x20);
}

static struct ike_event of_version_3(const char *from)
{
    return bare_request(from, 0, VERSION_3);
}

static struct ike_event esp_of_no_sa(const char *from)
{
    struct ike_event event = {.kind = IKE_EVENT_SPI_UNKNOWN};
    event.esp.spi = 0x12345678;
    event.esp.remote = endpoint_of(from, 0);
    event.esp.local = address_of("192.0.2.1");
    event.esp.ifindex = 4;
    return event;
}

static struct ike_event (*const strays[])(const char *from) = {of_no_sa, of_version_3, esp_of_no_sa};

enum { STRAYS = sizeof strays / sizeof strays[0] };

/* An engine with a tunnel to `peer` that takes part as responder alone. */
static struct ike_engine *engine_towards(const char *peer)
{
    struct ike_engine *engine = bare_engine_new();
    struct tunnel_policy policy = world_default_policy(1, peer, "centre", "site");
    policy.outgoing = OUTGOING_NEXT_HOP;
    policy.direction = NEGOTIATE_RESPONDER;
    bare_set_policy(engine, &policy);
    return engine;
}

static const struct ike_action *must_answer(struct ike_engine *engine, struct ike_event event)
{
    const struct ike_effects *effects = ike_engine_handle(engine, 20000, &event);
    assert_int_equal(effects->action_count, 1);
    assert_int_equal(effects->actions[0].kind, IKE_ACTION_DATAGRAM);
    return &effects->actions[0];
}

/* A peer who is reached by a pinned route alone would not get an answer that goes another way. */
static void R44_S46_answers_go_by_the_route_of_the_tunnels_that_may_be_meant(void **state)
{
    (void)state;
    static const char *const peers[] = {"10.1.0.7", "any"};
    for (size_t i = 0; i < 2 * STRAYS; i++) {
        struct ike_engine *engine = engine_towards(peers[i % 2]);
        bare_set_route(engine, 1, &(struct peer_route){.usable = true, .ifindex = 4, .mark = 77});

        const struct ike_action *answer = must_answer(engine, strays[i / 2]("10.1.0.7"));

        assert_int_equal(answer->datagram.mark, 77);
        assert_int_equal(answer->datagram.ifindex, 4);
        ike_engine_free(engine);
    }
}

/* A tunnel by another interface does not tell how to answer. */
static void R46_answers_go_by_no_route_of_a_tunnel_that_is_not_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < STRAYS; i++) {
        struct ike_engine *engine = engine_towards("any");
        bare_set_route(engine, 1, &(struct peer_route){.usable = true, .ifindex = 5, .mark = 77});

        const struct ike_action *answer = must_answer(engine, strays[i]("10.1.0.7"));

        assert_int_equal(answer->datagram.mark, 0);
        assert_int_equal(answer->datagram.ifindex, 0);
        ike_engine_free(engine);
    }
}

/* Without the interface the kernel would not know where a link-local address is. */
static void answers_to_a_link_local_address_go_out_by_the_arrival_interface(void **state)
{
    (void)state;
    for (size_t i = 0; i < STRAYS; i++) {
        struct ike_engine *engine = bare_engine_new();
        struct ike_event event = strays[i]("fe80::7");
        if (event.kind == IKE_EVENT_SPI_UNKNOWN)
            event.esp.local = address_of("fe80::1");
        else
            event.datagram.local = endpoint_of("fe80::1", IKE_PORT);

        assert_int_equal(must_answer(engine, event)->datagram.ifindex, 4);
        ike_engine_free(engine);
    }
}

static void RFC7296_2_21_4_answers_are_limited_to_10_in_a_second(void **state)
{
    (void)state;
    for (size_t i = 0; i < STRAYS; i++) {
        struct ike_engine *engine = bare_engine_new();
        size_t answers = 0;
        for (unsigned n = 0; n < 100; n++) {
            char from[IP_TEXT_SIZE];
            (void)snprintf(from, sizeof from, "10.9.0.%u", n);
            const struct ike_event event = strays[i](from);
            answers += ike_engine_handle(engine, 20000, &event)->action_count;
        }

        assert_int_equal(answers, 10);
        ike_engine_free(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R44_S46_answers_go_by_the_route_of_the_tunnels_that_may_be_meant),
        cmocka_unit_test(R46_answers_go_by_no_route_of_a_tunnel_that_is_not_meant),
        cmocka_unit_test(answers_to_a_link_local_address_go_out_by_the_arrival_interface),
        cmocka_unit_test(RFC7296_2_21_4_answers_are_limited_to_10_in_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
