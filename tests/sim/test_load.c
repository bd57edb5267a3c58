/* What many messages do: repeated, mutated, more than there is room for. */
#include "stage.h"

#include "crypto/prf.h"
#include "ike/sa/half_open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void RFC7296_2_1_repeated_requests_get_the_same_octets_again(void **state)
{
    (void)state;
    struct stage s = stage_new();
    assert_true(puppet_do_init(s.p));
    uint8_t first[2048];
    size_t length = s.p->reply_length;
    memcpy(first, s.p->reply, length);

    puppet_send(s.p, s.p->request, s.p->request_length);

    assert_int_equal(s.p->reply_length, length);
    assert_memory_equal(s.p->reply, first, length);
    assert_int_equal(stage_counter(&s, IKE_COUNT_REPLAYED), 1);
    assert_int_equal(gateway_record_count(s.b), 1);
    stage_free(&s);
}

/* Sends a proper IKE_SA_INIT with SPI `spi_i`, and again with the cookie if one is demanded. */
static void knock(struct stage *s, uint64_t spi_i, bool with_cookie)
{
    uint8_t at[2048];
    s->p->spi_i = spi_i;
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    puppet_put_init_payloads(s->p, &m);
    s->p->reply_length = 0;
    gateway_receive(s->b, &s->p->address, message_finish(&m));
    if (!with_cookie || puppet_reply_notify(s->p) != NOTIFY_COOKIE)
        return;
    uint8_t cookie[64];
    struct octets content = ike_message_notify(&s->p->message, NOTIFY_COOKIE)->content;
    memcpy(cookie, content.at, content.length);
    m = puppet_begin_init(s->p, at, sizeof at);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_COOKIE,
                       (struct octets){cookie, content.length});
    puppet_put_init_payloads(s->p, &m);
    gateway_receive(s->b, &s->p->address, message_finish(&m));
}

static void R16_under_load_a_cookie_is_demanded_and_no_state_kept(void **state)
{
    (void)state;
    struct stage s = stage_new();
    for (uint32_t i = 0; i < 500; i++)
        knock(&s, 1 + i, false);
    world_run(s.w, 100);
    assert_int_equal(gateway_record_count(s.b), 32);
    assert_int_equal(stage_counter(&s, IKE_COUNT_COOKIES), 500 - 32);

    knock(&s, 1000, true);
    world_run(s.w, 100);

    assert_int_equal(gateway_record_count(s.b), 33);
    stage_free(&s);
}

/* Sends an IKE_SA_INIT from another SPI or address with a cookie. True if B asks for a cookie again. */
static bool asks_again(struct stage *s, uint64_t spi_i, const char *address, struct octets cookie)
{
    uint8_t at[2048];
    struct ip_endpoint from = s->p->address;
    s->p->spi_i = spi_i;
    assert_true(ip_address_parse(address, &from.address));
    uint64_t before = stage_counter(s, IKE_COUNT_COOKIES);
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_COOKIE, cookie);
    puppet_put_init_payloads(s->p, &m);
    gateway_receive(s->b, &from, message_finish(&m));
    return stage_counter(s, IKE_COUNT_COOKIES) == before + 1;
}

static void RFC7296_2_6_a_cookie_holds_for_its_spi_and_address_alone(void **state)
{
    (void)state;
    const struct tunnel_policy policy = world_default_policy(0, "any", "site2", "site1");
    struct stage s = stage_new_with(&policy);
    for (uint32_t i = 0; i < 33; i++)
        knock(&s, 1 + i, false);
    knock(&s, 1000, false);
    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_COOKIE);
    uint8_t octets[64];
    struct octets cookie = ike_message_notify(&s.p->message, NOTIFY_COOKIE)->content;
    memcpy(octets, cookie.at, cookie.length);
    cookie.at = octets;
    char own[IP_TEXT_SIZE];
    (void)ip_address_format(&s.p->address.address, own);

    assert_true(asks_again(&s, 1001, own, cookie));
    assert_true(asks_again(&s, 1000, "10.9.9.9", cookie));
    assert_false(asks_again(&s, 1000, own, cookie));
    stage_free(&s);
}

/* A cookie that the first secret would make if it were all zeros, as fresh memory is. */
static void R16_a_cookie_of_no_secret_is_not_accepted(void **state)
{
    (void)state;
    struct stage s = stage_new();
    for (uint32_t i = 0; i < 40; i++)
        knock(&s, 1 + i, false);
    static const uint8_t zeros[32];
    s.p->spi_i = 1000;
    uint8_t at[2048];
    uint8_t cookie[33] = {0};
    uint8_t spi[8];
    store_u64be(spi, s.p->spi_i);
    const struct octets parts[] = {
        {s.p->nonce_i, sizeof s.p->nonce_i}, {s.p->address.address.octets, 4}, {spi, sizeof spi}};
    assert_true(prf_compute(prf_by_id(PRF_HMAC_SHA2_256), (struct octets){zeros, sizeof zeros}, parts, 3,
                            cookie + 1));

    struct message_writer m = puppet_begin_init(s.p, at, sizeof at);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_COOKIE,
                       (struct octets){cookie, 33});
    puppet_put_init_payloads(s.p, &m);
    gateway_receive(s.b, &s.p->address, message_finish(&m));
    world_run(s.w, 100);

    assert_int_equal(gateway_record_count(s.b), 32);
    stage_free(&s);
}

static void R16_an_initiator_sends_the_cookie_along(void **state)
{
    (void)state;
    struct stage s = stage_new();
    for (uint32_t i = 0; i < 40; i++)
        knock(&s, 1 + i, false);
    puppet_free(s.p);
    struct gateway *a = world_add_gateway(s.w, "A", "10.1.0.1");
    const struct tunnel_policy policy = world_default_policy(1, "10.2.0.1", "site1", "site2");
    gateway_set_tunnel(a, &policy, "secret1", "secret2");

    gateway_packet_waits(a, 1);
    world_run(s.w, 2000);

    assert_true(world_tunnel_carries(a, 1, s.b, 0));
    assert_true(gateway_log_has(a, "the peer asks for a cookie"));
    world_free(s.w);
}

static void S9_half_open_sas_are_bounded_and_time_out(void **state)
{
    (void)state;
    struct stage s = stage_new();
    for (uint32_t i = 0; i < HALF_OPEN_MAX + 50; i++)
        knock(&s, 1 + i, true);
    world_run(s.w, 100);

    assert_int_equal(gateway_record_count(s.b), HALF_OPEN_MAX);
    assert_int_equal(stage_counter(&s, IKE_COUNT_HALF_OPEN_LIMIT), 50);
    world_run(s.w, 60000);
    assert_int_equal(gateway_record_count(s.b), 0);
    stage_free(&s);
}

/* Every message of a negotiation, mutated at random: nothing may crash, and the SA stands when it is over. */
static void S9_mutated_messages_do_no_harm(void **state)
{
    (void)state;
    struct stage s = stage_new();
    assert_true(puppet_do_init(s.p));
    assert_true(puppet_do_auth(s.p, "site1", "site2", "secret1"));
    srandom(1);
    for (int i = 0; i < 20000; i++) {
        uint8_t copy[2048];
        size_t length = s.p->request_length;
        memcpy(copy, s.p->request, length);
        for (long n = random() % 8; n >= 0; n--)
            copy[(size_t)random() % length] = (uint8_t)random();
        if (random() % 4 == 0)
            length = (size_t)random() % (length + 1);
        if (random() % 2 && length >= IKE_HEADER_SIZE)
            store_u32be(copy + 24, (uint32_t)length);
        gateway_receive(s.b, &s.p->address, (struct octets){copy, length});
    }
    world_run(s.w, 60000);

    assert_int_equal(gateway_record_count(s.b), 1);
    assert_int_equal(gateway_child_count(s.b, 0), 1);
    stage_free(&s);
}

/* The same inside of the protection, where an authenticated but mad peer speaks. */
static void S9_random_payloads_do_no_harm(void **state)
{
    (void)state;
    srandom(2);
    for (int i = 0; i < 3000; i++) {
        struct stage s = stage_new();
        assert_true(puppet_do_init(s.p));
        struct message_writer m = inner();
        puppet_put_auth_payloads(s.p, &m, "site1", "site2", "secret1");
        size_t length = writer_length(&m.w);
        for (long n = random() % 6; n >= 0; n--)
            inner_octets[(size_t)random() % length] = (uint8_t)random();
        send_inner(&s, EXCHANGE_IKE_AUTH, 1, &m);
        stage_free(&s);
    }
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7296_2_1_repeated_requests_get_the_same_octets_again),
        cmocka_unit_test(R16_under_load_a_cookie_is_demanded_and_no_state_kept),
        cmocka_unit_test(RFC7296_2_6_a_cookie_holds_for_its_spi_and_address_alone),
        cmocka_unit_test(R16_a_cookie_of_no_secret_is_not_accepted),
        cmocka_unit_test(R16_an_initiator_sends_the_cookie_along),
        cmocka_unit_test(S9_half_open_sas_are_bounded_and_time_out),
        cmocka_unit_test(S9_mutated_messages_do_no_harm),
        cmocka_unit_test(S9_random_payloads_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
