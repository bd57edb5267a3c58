/* IKE message fragmentation (RFC 7383): proper fragments, and what a hostile or confused peer makes of them.
 */
#include "stage.h"

#include "ike/sa/fragmentation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A stage where both ends do fragmentation, with an IKE SA. */
static struct stage stage_with_fragmentation(void)
{
    struct stage s = stage_new();
    s.p->fragmentation = true;
    assert_true(puppet_do_init(s.p));
    assert_true(puppet_do_auth(s.p, "site1", "site2", "secret1"));
    s.p->reply_count = 0;
    return s;
}

/* A request of some size that is answered with an empty message. */
static struct message_writer large_request(void)
{
    struct message_writer m = inner();
    for (int i = 0; i < 6; i++)
        message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, 40959,
                           (struct octets){some_octets, 90});
    return m;
}

/* Sends fragment `number` of `total` of a chain, which is cut in equal parts, in a request with ID `id`. */
static void send_part(struct stage *s, uint32_t id, const struct message_writer *m, uint16_t number,
                      uint16_t total)
{
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, id);
    struct octets chain = writer_octets(&m->w);
    size_t parts = total == 0 ? 1 : total;
    size_t part = (chain.length + parts - 1) / parts;
    size_t start = number == 0 ? 0 : (number - 1U) * part;
    size_t left = start < chain.length ? chain.length - start : 0;
    const struct protect_text text = {
        .octets = {chain.at + (left > 0 ? start : 0), left < part ? left : part},
        .first_payload = number == 1 ? m->first_payload : (uint8_t)PAYLOAD_NONE,
        .number = number,
        .total = total,
    };
    puppet_send_fragment(s->p, &header, &text);
}

static void RFC7383_2_6_fragments_in_any_order_make_a_message(void **state)
{
    (void)state;
    static const uint16_t orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {1, 3, 2}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct stage s = stage_with_fragmentation();
        const struct message_writer m = large_request();
        for (size_t n = 0; n < 3; n++) {
            assert_int_equal(s.p->reply_count, 0);
            send_part(&s, 2, &m, orders[i][n], 3);
        }

        assert_true(puppet_read_reply(s.p));
        assert_int_equal(s.p->message.header.message_id, 2);
        stage_free(&s);
    }
}

static void RFC7383_2_6_1_only_the_first_fragment_repeats_the_answer(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    const struct message_writer m = large_request();
    for (uint16_t n = 1; n <= 4; n++)
        send_part(&s, 2, &m, n, 4);
    assert_int_equal(s.p->reply_count, 1);

    for (uint16_t n = 2; n <= 4; n++)
        send_part(&s, 2, &m, n, 4);
    assert_int_equal(s.p->reply_count, 1);
    send_part(&s, 2, &m, 1, 4);

    assert_int_equal(s.p->reply_count, 2);
    stage_free(&s);
}

/* ---- Fragments that are none, or too many
 * ------------------------------------------------------------------ */

struct odd_fragment {
    const char *name;
    uint16_t number, total;
};

static const struct odd_fragment odd_fragments[] = {
    {"number 0 of 3", 0, 3},
    {"number 4 of 3", 4, 3},
    {"number 65535 of 3", 65535, 3},
    {"number 1 of 65535", 1, 65535},
    {"number 65535 of 65535", 65535, 65535},
    {"number 1 of 65", 1, 65},
    {"number 65 of 65", 65, 65},
    {"number 2 of 1", 2, 1},
};

/* An odd fragment in the midst of a message is dropped, and does not disturb it. */
static void RFC7383_2_6_malformed_fragments_are_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof odd_fragments / sizeof *odd_fragments; i++) {
        struct stage s = stage_with_fragmentation();
        const struct message_writer m = large_request();
        send_part(&s, 2, &m, 1, 3);
        send_part(&s, 2, &m, odd_fragments[i].number, odd_fragments[i].total);
        send_part(&s, 2, &m, 2, 3);
        if (s.p->reply_count != 0)
            fail_msg("%s: answered", odd_fragments[i].name);
        send_part(&s, 2, &m, 3, 3);

        if (s.p->reply_count != 1)
            fail_msg("%s: the message that it was among is not answered", odd_fragments[i].name);
        if (stage_counter(&s, IKE_COUNT_FRAGMENTS_UNUSED) != 1)
            fail_msg("%s: not counted", odd_fragments[i].name);
        stage_free(&s);
    }
}

static void RFC7383_2_6_a_sender_that_makes_smaller_fragments_starts_anew(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    const struct message_writer m = large_request();
    send_part(&s, 2, &m, 1, 2);
    for (uint16_t n = 1; n <= 4; n++) {
        assert_int_equal(s.p->reply_count, 0);
        send_part(&s, 2, &m, n, 4);
        if (n == 2)
            send_part(&s, 2, &m, 2, 2); /* late, of the larger ones */
    }

    assert_int_equal(s.p->reply_count, 1);
    stage_free(&s);
}

static void RFC7383_2_6_duplicates_of_fragments_do_not_count_twice(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    const struct message_writer m = large_request();
    for (int i = 0; i < 5; i++) {
        send_part(&s, 2, &m, 1, 3);
        send_part(&s, 2, &m, 3, 3);
    }
    assert_int_equal(s.p->reply_count, 0);
    send_part(&s, 2, &m, 2, 3);

    assert_int_equal(s.p->reply_count, 1);
    assert_int_equal(stage_counter(&s, IKE_COUNT_FRAGMENTS), 11);
    assert_int_equal(stage_counter(&s, IKE_COUNT_FRAGMENTS_UNUSED), 8);
    stage_free(&s);
}

/* What stands in a fragment's place first stays there, also when another one comes with the same number. */
static void RFC7383_2_6_a_fragment_that_overlaps_another_is_dropped(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    uint8_t at[64];
    struct message_writer other = message_begin_inner(at, sizeof at);
    message_put_delete(&other, PROTOCOL_IKE, NULL, 0);
    const struct ike_header header = puppet_header(s.p, EXCHANGE_INFORMATIONAL, 2);
    const struct protect_text overlapping = {writer_octets(&other.w), other.first_payload, 1, 3};
    const struct message_writer m = large_request();
    send_part(&s, 2, &m, 1, 3);
    puppet_send_fragment(s.p, &header, &overlapping);
    send_part(&s, 2, &m, 2, 3);
    send_part(&s, 2, &m, 3, 3);

    assert_int_equal(s.p->reply_count, 1);
    assert_int_equal(gateway_record_count(s.b), 1); /* nothing was deleted, nothing was malformed */
    stage_free(&s);
}

static void fragments_of_another_message_id_are_out_of_the_window(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    const struct message_writer m = large_request();
    static const uint32_t others[] = {0, 1, 3, 4, UINT32_MAX};
    send_part(&s, 2, &m, 1, 2);
    s.p->reply_count = 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        send_part(&s, others[i], &m, 2, 2);
    assert_int_equal(s.p->reply_count, 0);
    send_part(&s, 2, &m, 2, 2);

    assert_int_equal(s.p->reply_count, 1);
    stage_free(&s);
}

static void RFC7383_2_6_a_fragment_with_a_wrong_icv_is_not_kept(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    const struct message_writer m = large_request();
    s.p->keys.ai[0] ^= 1;
    for (uint16_t n = 1; n <= 3; n++)
        send_part(&s, 2, &m, n, 3);
    s.p->keys.ai[0] ^= 1;
    assert_int_equal(stage_counter(&s, IKE_COUNT_INTEGRITY), 3);
    for (uint16_t n = 1; n <= 3; n++)
        send_part(&s, 2, &m, n, 3);

    assert_int_equal(s.p->reply_count, 1);
    stage_free(&s);
}

static void RFC7383_2_3_fragments_are_not_accepted_unless_both_ends_announced_them(void **state)
{
    (void)state;
    struct stage s = stage_established();
    const struct message_writer m = large_request();
    s.p->reply_count = 0;
    for (uint16_t n = 1; n <= 3; n++)
        send_part(&s, 2, &m, n, 3);

    assert_int_equal(s.p->reply_count, 0);
    assert_int_equal(stage_counter(&s, IKE_COUNT_FRAGMENTS_UNUSED), 3);
    stage_free(&s);
}

static void sixty_four_fragments_are_the_limit(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    const struct message_writer m = large_request();
    for (uint16_t n = 1; n <= FRAGMENTS_MAX; n++)
        send_part(&s, 2, &m, n, FRAGMENTS_MAX);

    assert_int_equal(s.p->reply_count, 1);
    stage_free(&s);
}

/* A chain that is too large for any buffer: what does not fit is dropped with its fragment. */
static void endless_fragments_are_dropped(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    static const uint8_t octets[8000];
    const struct ike_header header = puppet_header(s.p, EXCHANGE_INFORMATIONAL, 2);
    for (uint16_t n = 1; n <= FRAGMENTS_MAX; n++) {
        const struct protect_text text = {{octets, sizeof octets}, PAYLOAD_VENDOR, n, FRAGMENTS_MAX};
        puppet_send_fragment(s.p, &header, &text);
    }
    assert_int_equal(s.p->reply_count, 0);
    stage_free(&s);
}

/* Fragments of a request and of a response arrive by turns, with the same message ID. */
static void a_fragmented_response_does_not_disturb_a_fragmented_request(void **state)
{
    (void)state;
    struct stage s = stage_with_fragmentation();
    gateway_clear(s.b, 0); /* B asks with ID 0 */
    assert_true(puppet_read_reply(s.p));
    const struct message_writer m = large_request();
    struct ike_header response = puppet_header(s.p, EXCHANGE_INFORMATIONAL, 0);
    response.flags |= IKE_FLAG_RESPONSE;
    const struct protect_text first = {{some_octets, 0}, PAYLOAD_NONE, 1, 2};
    send_part(&s, 2, &m, 1, 2);
    puppet_send_fragment(s.p, &response, &first);
    s.p->reply_count = 0;
    send_part(&s, 2, &m, 2, 2);
    assert_int_equal(s.p->reply_count, 1);
    const struct protect_text second = {{some_octets, 0}, PAYLOAD_NONE, 2, 2};
    puppet_send_fragment(s.p, &response, &second);

    assert_int_equal(gateway_record_count(s.b), 0); /* the DELETE is answered */
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7383_2_6_fragments_in_any_order_make_a_message),
        cmocka_unit_test(RFC7383_2_6_1_only_the_first_fragment_repeats_the_answer),
        cmocka_unit_test(RFC7383_2_6_malformed_fragments_are_dropped),
        cmocka_unit_test(RFC7383_2_6_a_sender_that_makes_smaller_fragments_starts_anew),
        cmocka_unit_test(RFC7383_2_6_duplicates_of_fragments_do_not_count_twice),
        cmocka_unit_test(RFC7383_2_6_a_fragment_that_overlaps_another_is_dropped),
        cmocka_unit_test(fragments_of_another_message_id_are_out_of_the_window),
        cmocka_unit_test(RFC7383_2_6_a_fragment_with_a_wrong_icv_is_not_kept),
        cmocka_unit_test(RFC7383_2_3_fragments_are_not_accepted_unless_both_ends_announced_them),
        cmocka_unit_test(sixty_four_fragments_are_the_limit),
        cmocka_unit_test(endless_fragments_are_dropped),
        cmocka_unit_test(a_fragmented_response_does_not_disturb_a_fragmented_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
