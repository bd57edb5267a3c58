/* The wire form of messages (RFC 7296 3): what is written is read and printed the same; limits. */
#include "ike/wire/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};
static const uint8_t some[300] = {1, 2, 3, 4, 5};

static const struct ike_header header = {.spi_i = 0x0102030405060708,
                                         .spi_r = 0x1112131415161718,
                                         .exchange = EXCHANGE_IKE_AUTH,
                                         .flags = IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE,
                                         .message_id = 0x01020304};

/* A message with one payload of each kind that has fixed fields. */
static struct octets write_all(uint8_t *at, size_t capacity)
{
    static const uint32_t spis[] = {0x11111111, 0x22222222};
    static const uint8_t ts[] = {2, 0, 0, 0};
    struct message_writer m = message_begin(at, capacity, &header);
    message_put_ke(&m, 14, (struct octets){some, 256});
    message_put_id(&m, PAYLOAD_IDI, 11, (struct octets){some, 5});
    message_put_id(&m, PAYLOAD_IDR, 1, (struct octets){some, 4});
    message_put_auth(&m, AUTH_METHOD_PSK, (struct octets){some, 32});
    message_put_nonce(&m, (struct octets){some, 16});
    message_put_notify(&m, PROTOCOL_ESP, (struct octets){some, 4}, NOTIFY_REKEY_SA, (struct octets){some, 7});
    message_put_notify(&m, PROTOCOL_NONE, nothing, 12345, nothing);
    message_put_delete(&m, PROTOCOL_ESP, spis, 2);
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    message_begin_payload(&m, PAYLOAD_TSI);
    writer_put(&m.w, ts, sizeof ts);
    message_end_payload(&m);
    message_begin_payload(&m, PAYLOAD_VENDOR);
    message_end_payload(&m);
    return message_finish(&m);
}

static enum message_fault parse(struct octets octets, struct ike_message *message)
{
    *message = (struct ike_message){.count = 0};
    if (!ike_header_parse(octets, &message->header))
        return MESSAGE_INVALID_SYNTAX;
    struct octets payloads = {octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    return ike_payloads_parse(payloads, message->header.next_payload, message, NULL, NULL);
}

/* As IKE_AUTH is kept while a job is out: the scratch from which it was parsed serves others meanwhile. */
static void a_copy_of_a_message_stands_alone(void **state)
{
    (void)state;
    uint8_t at[2048], other[2048];
    struct ike_message m, same;
    struct octets octets = write_all(at, sizeof at);
    assert_int_equal(parse(octets, &m), MESSAGE_OK);
    m.chain = (struct octets){at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    memcpy(other, at, octets.length);
    assert_int_equal(parse((struct octets){other, octets.length}, &same), MESSAGE_OK);

    struct ike_message *copy = ike_message_copy(&m);
    assert_non_null(copy);
    memset(at, 0xee, sizeof at);
    memset(&m, 0xee, sizeof m);

    assert_int_equal(copy->count, same.count);
    assert_int_equal(copy->header.message_id, header.message_id);
    assert_memory_equal(copy->chain.at, other + IKE_HEADER_SIZE, copy->chain.length);
    for (size_t i = 0; i < copy->count; i++) {
        const struct ike_payload *p = &copy->payloads[i], *q = &same.payloads[i];
        assert_int_equal(p->type, q->type);
        assert_int_equal(p->notify, q->notify);
        assert_true(octets_equal(p->body, q->body));
        assert_true(octets_equal(p->spi, q->spi));
        assert_true(octets_equal(p->content, q->content));
    }
    ike_message_free(copy);
    ike_message_free(NULL);
}

static void RFC7296_3_what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t at[2048];
    struct ike_message m;
    struct octets octets = write_all(at, sizeof at);

    assert_int_equal(parse(octets, &m), MESSAGE_OK);

    assert_true(m.header.spi_i == header.spi_i && m.header.spi_r == header.spi_r);
    assert_int_equal(m.header.version, IKE_VERSION);
    assert_int_equal(m.header.exchange, header.exchange);
    assert_int_equal(m.header.flags, header.flags);
    assert_int_equal(m.header.message_id, header.message_id);
    assert_int_equal(m.header.length, octets.length);
    assert_int_equal(m.count, 11);
    assert_int_equal(m.payloads[0].dh_group, 14);
    assert_int_equal(m.payloads[0].content.length, 256);
    assert_int_equal(m.payloads[1].id_type, 11);
    assert_int_equal(m.payloads[2].id_type, 1);
    assert_int_equal(m.payloads[3].method, AUTH_METHOD_PSK);
    assert_int_equal(m.payloads[3].content.length, 32);
    assert_int_equal(m.payloads[4].content.length, 16);
    assert_int_equal(m.payloads[5].notify, NOTIFY_REKEY_SA);
    assert_int_equal(m.payloads[5].spi.length, 4);
    assert_int_equal(m.payloads[5].content.length, 7);
    assert_int_equal(m.payloads[7].spi_count, 2);
    assert_int_equal(m.payloads[7].spi_size, 4);
    assert_int_equal(load_u32be(m.payloads[7].content.at + 4), 0x22222222);
    assert_int_equal(m.payloads[8].spi_size, 0);
    assert_int_equal(m.payloads[9].ts_count, 2);
    assert_int_equal(ike_message_count(&m, PAYLOAD_NOTIFY), 2);
    assert_ptr_equal(ike_message_notify(&m, 12345), &m.payloads[6]);
    assert_ptr_equal(ike_message_error(&m), &m.payloads[6]);
    assert_ptr_equal(ike_message_find(&m, PAYLOAD_DELETE), &m.payloads[7]);
    assert_null(ike_message_find(&m, PAYLOAD_EAP));
}

static void a_message_prints_on_one_line(void **state)
{
    (void)state;
    uint8_t at[2048];
    struct ike_message m;
    assert_int_equal(parse(write_all(at, sizeof at), &m), MESSAGE_OK);
    char text[512] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    ike_message_print(&m, out);
    (void)fclose(out);

    assert_string_equal(text,
                        "IKE_AUTH response id 16909060: KE(dh_group 14) IDi(id_type 11) IDr(id_type 1) "
                        "AUTH(method 2) N N(REKEY_SA) N(12345) Delete(protocol 3, spi_size 4, spi_count 2) "
                        "Delete(protocol 1, spi_size 0, spi_count 0) TSi(ts_count 2) V");
}

static void every_truncation_is_noticed(void **state)
{
    (void)state;
    uint8_t at[2048];
    struct octets octets = write_all(at, sizeof at);
    for (size_t length = 0; length < octets.length; length++) {
        struct ike_message m;
        uint8_t *copy = malloc(length > 0 ? length : 1); /* of its exact size, for the sanitizer */
        assert_non_null(copy);
        memcpy(copy, at, length);
        if (length >= IKE_HEADER_SIZE)
            store_u32be(copy + 24, (uint32_t)length);
        assert_int_equal(parse((struct octets){copy, length}, &m), MESSAGE_INVALID_SYNTAX);
        free(copy);
    }
}

static void a_writer_that_is_too_small_yields_nothing(void **state)
{
    (void)state;
    uint8_t at[2048];
    size_t length = write_all(at, sizeof at).length;
    for (size_t capacity = 0; capacity < length; capacity++)
        assert_int_equal(write_all(at, capacity).length, 0);
    assert_int_equal(write_all(at, length).length, length);
}

static void a_payload_of_65536_octets_cannot_be_written(void **state)
{
    (void)state;
    static uint8_t at[70000];
    static const uint8_t content[65536];
    struct message_writer m = message_begin(at, sizeof at, &header);
    message_put_nonce(&m, (struct octets){content, 65531});
    assert_true(message_finish(&m).length > 0);
    m = message_begin(at, sizeof at, &header);
    message_put_nonce(&m, (struct octets){content, 65532});
    assert_int_equal(message_finish(&m).length, 0);
}

/* A chain of `count` empty vendor IDs. */
static enum message_fault parse_vendor_ids(size_t count, struct ike_message *m)
{
    static uint8_t at[4096];
    struct message_writer w = message_begin(at, sizeof at, &header);
    for (size_t i = 0; i < count; i++) {
        message_begin_payload(&w, PAYLOAD_VENDOR);
        message_end_payload(&w);
    }
    return parse(message_finish(&w), m);
}

static void sixty_four_payloads_are_the_limit(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(parse_vendor_ids(MESSAGE_PAYLOADS_MAX, &m), MESSAGE_OK);
    assert_int_equal(m.count, MESSAGE_PAYLOADS_MAX);
    assert_int_equal(parse_vendor_ids(MESSAGE_PAYLOADS_MAX + 1, &m), MESSAGE_INVALID_SYNTAX);
}

static void RFC7296_2_5_unknown_payloads_are_skipped_unless_critical(void **state)
{
    (void)state;
    for (unsigned type = 1; type < 256; type++) {
        bool known = (type >= PAYLOAD_SA && type <= PAYLOAD_EAP) || type == PAYLOAD_SKF;
        const uint8_t chain[] = {PAYLOAD_VENDOR, 0x80, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 4};
        struct ike_message m = {.count = 0};
        uint8_t payload_type = 0;
        enum message_fault fault =
            ike_payloads_parse((struct octets){chain, sizeof chain}, (uint8_t)type, &m, NULL, &payload_type);
        if (type == PAYLOAD_SK || type == PAYLOAD_SKF)
            continue; /* they end a chain */
        assert_int_equal(fault, known ? MESSAGE_OK : MESSAGE_UNSUPPORTED_CRITICAL);
        assert_int_equal(payload_type, known ? 0 : type);
    }
    const uint8_t not_critical[] = {PAYLOAD_VENDOR, 0x7f, 0, 4, 0, 0, 0, 4};
    struct ike_message m = {.count = 0};
    assert_int_equal(
        ike_payloads_parse((struct octets){not_critical, sizeof not_critical}, 200, &m, NULL, NULL),
        MESSAGE_OK);
    assert_int_equal(m.count, 1);
}

static void random_octets_never_crash_parser_and_printer(void **state)
{
    (void)state;
    srandom(3);
    uint8_t at[2048];
    struct octets octets = write_all(at, sizeof at);
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    for (int i = 0; i < 100000; i++) {
        uint8_t copy[2048];
        memcpy(copy, octets.at, octets.length);
        for (long n = random() % 6; n >= 0; n--)
            copy[(size_t)random() % octets.length] = (uint8_t)random();
        struct ike_message m;
        if (parse((struct octets){copy, octets.length}, &m) == MESSAGE_OK)
            ike_message_print(&m, out);
    }
    (void)fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7296_3_what_is_written_is_read),
        cmocka_unit_test(a_copy_of_a_message_stands_alone),
        cmocka_unit_test(a_message_prints_on_one_line),
        cmocka_unit_test(every_truncation_is_noticed),
        cmocka_unit_test(a_writer_that_is_too_small_yields_nothing),
        cmocka_unit_test(a_payload_of_65536_octets_cannot_be_written),
        cmocka_unit_test(sixty_four_payloads_are_the_limit),
        cmocka_unit_test(RFC7296_2_5_unknown_payloads_are_skipped_unless_critical),
        cmocka_unit_test(random_octets_never_crash_parser_and_printer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
