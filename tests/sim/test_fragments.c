/* IKE message fragmentation (RFC 7383): proper fragments, and what a hostile or confused peer makes of them.
 */
#include "stage.h"

#include "ike/fragmentation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A stage where both ends do fragmentation, with an IKE SA. */
static struct stage stage_with_fragmentation(void)
{
    struct stage s = stage_set();
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

static void fragments_in_any_order_make_a_message(void **state)
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
        stage_strike(&s);
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
    stage_strike(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_in_any_order_make_a_message),
        cmocka_unit_test(RFC7383_2_6_1_only_the_first_fragment_repeats_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
