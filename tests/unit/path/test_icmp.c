/* ICMP errors to hosts inside, and from routers outside (R72, S39). */
#include "../esp/fixture.h"
#include "base/checksum.h"

#include <netinet/in.h>

#include "path/icmp_error.h"
#include "path/icmp_quote.h"

enum { LENGTH = 1500 };

/* A UDP packet between two hosts. */
static struct octets make(uint8_t packet[LENGTH], enum ip_family family)
{
    uint64_t random = 6;
    inner_packet(&random, family, packet, LENGTH);
    if (family == IP_V4) {
        store_u16be(packet + 6, 0x4000);
        packet[9] = IPPROTO_UDP;
        packet[12] = packet[16] = 10;
    } else {
        packet[6] = IPPROTO_UDP;
        packet[8] = packet[24] = 0x20;
    }
    return (struct octets){packet, LENGTH};
}

static void R72_the_error_tells_the_size_and_quotes_the_packet(void **state)
{
    (void)state;
    uint8_t packet[LENGTH], message[ICMP_ERROR_MAX];
    struct octets sent = make(packet, IP_V4);

    assert_int_equal(icmp_error_make(sent, 1438, message), 576 - 20);
    assert_memory_equal(message, ((const uint8_t[]){3, 4}), 2);
    assert_int_equal(load_u32be(message + 4), 1438);
    assert_int_equal(checksum_of((struct octets){message, 576 - 20}), 0);
    assert_memory_equal(message + 8, packet, 576 - 28);

    sent = make(packet, IP_V6);
    assert_int_equal(icmp_error_make(sent, 1438, message), 1280 - 40);
    assert_memory_equal(message, ((const uint8_t[]){2, 0, 0, 0, 0, 0, 1438 >> 8, 1438 & 0xff}), 8);
    assert_memory_equal(message + 8, packet, 1280 - 48);
}

static bool is_answered(const uint8_t *packet)
{
    uint8_t message[ICMP_ERROR_MAX];
    return icmp_error_make((struct octets){packet, LENGTH}, 1400, message) > 0;
}

static void R72_what_must_not_be_answered_is_not(void **state)
{
    (void)state;
    uint8_t packet[LENGTH];
    static const uint8_t no_sources[] = {0, 127, 224, 255};
    for (size_t i = 0; i < ARRAY_SIZE(no_sources); i++) {
        (void)make(packet, IP_V4);
        packet[12] = no_sources[i];
        assert_false(is_answered(packet));
    }
    (void)make(packet, IP_V4);
    packet[16] = 224; /* to a group */
    assert_false(is_answered(packet));
    (void)make(packet, IP_V4);
    store_u16be(packet + 6, 0x4001); /* a later fragment */
    assert_false(is_answered(packet));
    for (unsigned type = 0; type < 256; type++) {
        bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
        (void)make(packet, IP_V4);
        packet[9] = IPPROTO_ICMP;
        packet[20] = (uint8_t)type;
        assert_int_equal(is_answered(packet), !is_error);
        (void)make(packet, IP_V6);
        packet[6] = IPPROTO_ICMPV6;
        packet[40] = (uint8_t)type;
        assert_int_equal(is_answered(packet), type >= 128 && type != 137);
    }
    (void)make(packet, IP_V6);
    packet[24] = 0xff; /* RFC 4443 2.4 (e.3) */
    assert_true(is_answered(packet));
    packet[8] = 0xff;
    assert_false(is_answered(packet));
}

static void R72_errors_are_limited_by_pair_and_in_all(void **state)
{
    (void)state;
    static struct icmp_error_limit limit;
    uint8_t packet[LENGTH];
    const struct octets sent = make(packet, IP_V4);
    limit = (struct icmp_error_limit){.seed = 1};

    assert_true(icmp_error_may_send(&limit, sent, 10000));
    assert_false(icmp_error_may_send(&limit, sent, 10000 + ICMP_ERROR_SILENCE - 1));
    packet[19] ^= 1; /* another pair */
    assert_true(icmp_error_may_send(&limit, sent, 10000));
    packet[19] ^= 1;
    assert_true(icmp_error_may_send(&limit, sent, 10000 + ICMP_ERROR_SILENCE));

    unsigned allowed = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        store_u32be(packet + 16, i);
        allowed += icmp_error_may_send(&limit, sent, 20000);
    }
    assert_in_range(allowed, ICMP_ERROR_TABLE, ICMP_ERROR_RATE);
}

/* An error about an ESP packet, as a raw socket has it; returns its length. */
static size_t make_error(uint8_t *message, enum ip_family family, bool encapsulated, size_t quoted)
{
    uint64_t random = 7;
    uint8_t packet[LENGTH];
    size_t header = family == IP_V4 ? 20 : 40;
    uint8_t *esp = packet + header;
    (void)make(packet, family);
    packet[family == IP_V4 ? 9 : 6] = encapsulated ? IPPROTO_UDP : IPPROTO_ESP;
    if (encapsulated) {
        store_u16be(esp, 4500);
        store_u16be(esp + 2, 40000);
        esp += 8;
    }
    store_u32be(esp, 0xc0ffee01);
    store_u32be(esp + 4, 77);

    size_t outer = family == IP_V4 ? 20 : 0;
    size_t length = outer + 8 + quoted;
    uint8_t *icmp = message + outer;
    if (family == IP_V4) {
        inner_packet(&random, IP_V4, message, length);
        store_u16be(message + 6, 0);
        message[9] = IPPROTO_ICMP;
    }
    memset(icmp, 0, 8);
    icmp[0] = family == IP_V4 ? 3 : 2;
    icmp[1] = family == IP_V4 ? 4 : 0;
    store_u32be(icmp + 4, 1400);
    memcpy(icmp + 8, packet, quoted);
    store_u16be(icmp + 2, checksum_of((struct octets){icmp, 8 + quoted}));
    return length;
}

static void S39_an_error_is_read_as_far_as_the_sequence_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        enum ip_family family = i % 2 == 0 ? IP_V4 : IP_V6;
        bool encapsulated = i >= 2;
        size_t needed = (family == IP_V4 ? 20U : 40U) + (encapsulated ? 16U : 8U);
        uint8_t message[LENGTH];
        struct icmp_quote quote;
        for (size_t quoted = 0; quoted < needed; quoted++) {
            size_t length = make_error(message, family, encapsulated, quoted);
            assert_false(icmp_quote_read((struct octets){message, length}, family, &quote));
        }
        size_t length = make_error(message, family, encapsulated, needed);
        assert_true(icmp_quote_read((struct octets){message, length}, family, &quote));
        assert_int_equal(quote.mtu, 1400);
        assert_int_equal(quote.spi, 0xc0ffee01);
        assert_int_equal(quote.sequence, 77);
        assert_int_equal(quote.remote.port, encapsulated ? 40000 : 0);
        assert_int_equal(quote.remote.address.octets[0], family == IP_V4 ? 10 : 0x20);
    }
}

static void S39_other_messages_and_damaged_ones_are_ignored(void **state)
{
    (void)state;
    uint8_t message[LENGTH];
    struct icmp_quote quote;
    size_t length = make_error(message, IP_V4, false, 60);
    const struct octets all = {message, length};
    static const size_t changed[] = {20, 21, 22, 30, 50};
    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        (void)make_error(message, IP_V4, false, 60);
        message[changed[i]] ^= 1;
        assert_false(icmp_quote_read(all, IP_V4, &quote));
    }
    (void)make_error(message, IP_V6, false, 60);
    message[0] = 1;
    assert_false(icmp_quote_read((struct octets){message, 68}, IP_V6, &quote));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R72_the_error_tells_the_size_and_quotes_the_packet),
        cmocka_unit_test(R72_what_must_not_be_answered_is_not),
        cmocka_unit_test(R72_errors_are_limited_by_pair_and_in_all),
        cmocka_unit_test(S39_an_error_is_read_as_far_as_the_sequence_number),
        cmocka_unit_test(S39_other_messages_and_damaged_ones_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
