/* The Encrypted payload (RFC 7296 3.14, RFC 5282): every pair of algorithms, every single bit flip. */
#include "ike/wire/protect.h"

#include "crypto/cipher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MESSAGE_MAX = 8192 };

static const uint8_t keys[2][ENCRYPTION_KEY_MAX + INTEGRITY_KEY_MAX] = {{7, 7, 7, 1}, {9}};
static const uint8_t iv[16] = {1, 2, 3, 4};
static const struct ike_header header = {.spi_i = 0x1122334455667788,
                                         .spi_r = 0x99aabbccddeeff00,
                                         .exchange = EXCHANGE_INFORMATIONAL,
                                         .flags = IKE_FLAG_INITIATOR,
                                         .message_id = 3};

/* The pair of row `encryption` and, for what is no AEAD, row `integrity`. */
static struct ike_protection pair_of(size_t encryption, size_t integrity)
{
    const struct encryption_algorithm *e = &encryption_algorithms[encryption];
    return (struct ike_protection){.encryption = e,
                                   .integrity =
                                       encryption_is_aead(e) ? NULL : &integrity_algorithms[integrity],
                                   .encryption_key = keys[0],
                                   .integrity_key = keys[1]};
}

static void for_each_pair(void (*check)(const struct ike_protection *p))
{
    for (size_t e = 0; e < ENCRYPTION_COUNT; e++) {
        for (size_t i = 0; i < (encryption_is_aead(&encryption_algorithms[e]) ? 1 : INTEGRITY_COUNT); i++) {
            const struct ike_protection p = pair_of(e, i);
            check(&p);
        }
    }
}

/* Opens a message that may be anybody's. False if it is refused, by the parser or by the protection. */
static bool open_message(const struct ike_protection *p, uint8_t *at, size_t length, uint8_t *first,
                         struct octets *chain)
{
    struct ike_message outer = {.count = 0};
    if (!ike_header_parse((struct octets){at, length}, &outer.header))
        return false;
    struct octets payloads = {at + IKE_HEADER_SIZE, length - IKE_HEADER_SIZE};
    if (ike_payloads_parse(payloads, outer.header.next_payload, &outer, first, NULL) != MESSAGE_OK ||
        outer.count == 0)
        return false;
    const struct ike_payload *last = &outer.payloads[outer.count - 1];
    return (last->type == PAYLOAD_SK || last->type == PAYLOAD_SKF) && protect_open(p, at, last, chain);
}

static void check_round_trips(const struct ike_protection *p)
{
    uint8_t plain[300];
    for (size_t n = 0; n < sizeof plain; n++)
        plain[n] = (uint8_t)(n * 31);
    for (size_t length = 0; length <= sizeof plain; length++) {
        uint8_t out[MESSAGE_MAX];
        const struct protect_text text = {{plain, length}, PAYLOAD_NOTIFY, 0, 0};
        struct octets sealed = protect_seal(p, &header, &text, iv, out, sizeof out);
        assert_true(sealed.length > length && sealed.length <= length + PROTECT_OVERHEAD_MAX);
        uint8_t first = 0;
        struct octets chain;
        assert_true(open_message(p, out, sealed.length, &first, &chain));
        assert_int_equal(first, PAYLOAD_NOTIFY);
        assert_int_equal(chain.length, length);
        assert_memory_equal(chain.at, plain, length);
    }
}

static void R4_R5_every_pair_opens_what_it_sealed(void **state)
{
    (void)state;
    for_each_pair(check_round_trips);
}

/* One message, whole or a fragment, with each of its bits flipped in turn. */
static void check_bit_flips_of(const struct ike_protection *p, const struct protect_text *text)
{
    uint8_t sealed[MESSAGE_MAX];
    size_t length = protect_seal(p, &header, text, iv, sealed, sizeof sealed).length;
    assert_true(length > 0);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        uint8_t copy[MESSAGE_MAX];
        memcpy(copy, sealed, length);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        uint8_t first;
        struct octets chain;
        if (open_message(p, copy, length, &first, &chain))
            fail_msg("%s: bit %zu of octet %zu can be flipped", p->encryption->name, bit % 8, bit / 8);
    }
}

static void check_bit_flips(const struct ike_protection *p)
{
    static const uint8_t plain[40] = {1, 2, 3};
    const struct protect_text whole = {{plain, sizeof plain}, PAYLOAD_NOTIFY, 0, 0};
    const struct protect_text fragment = {{plain, sizeof plain}, PAYLOAD_NOTIFY, 1, 3};
    check_bit_flips_of(p, &whole);
    check_bit_flips_of(p, &fragment);
}

static void RFC5282_5_1_every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    for_each_pair(check_bit_flips);
}

static void check_truncation(const struct ike_protection *p)
{
    static const uint8_t plain[40] = {1, 2, 3};
    const struct protect_text whole = {{plain, sizeof plain}, PAYLOAD_NOTIFY, 0, 0};
    uint8_t sealed[MESSAGE_MAX];
    size_t length = protect_seal(p, &header, &whole, iv, sealed, sizeof sealed).length;
    for (size_t cut = IKE_HEADER_SIZE + IKE_PAYLOAD_HEADER_SIZE; cut < length; cut++) {
        uint8_t copy[MESSAGE_MAX];
        memcpy(copy, sealed, length);
        store_u32be(copy + 24, (uint32_t)cut);
        store_u16be(copy + IKE_HEADER_SIZE + 2, (uint16_t)(cut - IKE_HEADER_SIZE));
        uint8_t first;
        struct octets chain;
        assert_false(open_message(p, copy, cut, &first, &chain));
    }
}

static void truncated_and_empty_payloads_are_refused(void **state)
{
    (void)state;
    for_each_pair(check_truncation);
}

/* A message of a peer that pads as it likes: AES-GCM, a text of zeros, padding, and the length that it
 * claims. */
static bool padded_message_opens(size_t text, size_t padding, uint8_t claimed, struct octets *chain)
{
    static uint8_t out[MESSAGE_MAX];
    const struct ike_protection p = pair_of(0, 0);
    size_t length = text + padding + 1;
    struct message_writer m = message_begin(out, sizeof out, &header);
    message_begin_payload(&m, PAYLOAD_SK);
    writer_put(&m.w, iv, p.encryption->iv_size);
    uint8_t *plain = writer_reserve(&m.w, length);
    uint8_t *icv = writer_reserve(&m.w, p.encryption->icv_size);
    message_end_payload(&m);
    struct octets message = message_finish(&m);
    memset(plain, 0, text);
    memset(plain + text, 0xa5, padding);
    plain[length - 1] = claimed;
    const struct octets associated = {out, IKE_HEADER_SIZE + IKE_PAYLOAD_HEADER_SIZE};
    assert_true(aead_seal(p.encryption, keys[0], iv, associated, plain, length, icv));
    uint8_t first;
    return open_message(&p, out, message.length, &first, chain);
}

static void RFC7296_3_14_any_padding_is_taken_that_is_not_longer_than_the_text(void **state)
{
    (void)state;
    for (size_t padding = 0; padding < 256; padding++) {
        for (size_t text = 0; text < 20; text += 5) {
            struct octets chain;
            assert_true(padded_message_opens(text, padding, (uint8_t)padding, &chain));
            assert_int_equal(chain.length, text);
        }
    }
    struct octets chain;
    assert_false(padded_message_opens(0, 10, 11, &chain));
    assert_false(padded_message_opens(0, 0, 255, &chain));
}

static void check_capacity(const struct ike_protection *p)
{
    static const uint8_t plain[400];
    const struct protect_text text = {{plain, sizeof plain}, PAYLOAD_NOTIFY, 0, 0};
    uint8_t out[MESSAGE_MAX];
    size_t length = protect_seal(p, &header, &text, iv, out, sizeof out).length;
    for (size_t capacity = 0; capacity < length; capacity++)
        assert_int_equal(protect_seal(p, &header, &text, iv, out, capacity).length, 0);
    assert_int_equal(protect_seal(p, &header, &text, iv, out, length).length, length);
}

static void a_message_that_does_not_fit_is_not_sealed(void **state)
{
    (void)state;
    for_each_pair(check_capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R4_R5_every_pair_opens_what_it_sealed),
        cmocka_unit_test(RFC5282_5_1_every_flipped_bit_is_noticed),
        cmocka_unit_test(truncated_and_empty_payloads_are_refused),
        cmocka_unit_test(RFC7296_3_14_any_padding_is_taken_that_is_not_longer_than_the_text),
        cmocka_unit_test(a_message_that_does_not_fit_is_not_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
