/* The MSS of SYNs (R75). */
#include "../esp/fixture.h"
#include "base/checksum.h"

#include <netinet/in.h>

#include "path/mss.h"

enum { SYN = 0x02, ACK = 0x10, TCP_MAX = 60, PACKET_SIZE = 40 + TCP_MAX };

static struct mss_limits limits = {1398, 1378};

/* The TCP checksum with its pseudo header, the long way. */
static uint16_t tcp_checksum(const uint8_t *packet, size_t header, size_t length)
{
    uint8_t all[PACKET_SIZE + 40] = {0};
    size_t addresses = header == 20 ? 8 : 32;
    memcpy(all, packet + (header == 20 ? 12 : 8), addresses);
    store_u32be(all + addresses, (uint32_t)(length - header));
    store_u32be(all + addresses + 4, IPPROTO_TCP);
    memcpy(all + addresses + 8, packet + header, length - header);
    store_u16be(all + addresses + 8 + 16, 0);
    return checksum_of((struct octets){all, addresses + 8 + length - header});
}

/* A TCP segment with these options, padded to a multiple of 4, and a right checksum; returns its length. */
static size_t make(uint8_t *packet, enum ip_family family, uint8_t flags, const uint8_t *options, size_t size)
{
    uint64_t random = 5;
    size_t header = family == IP_V4 ? 20 : 40;
    size_t padded = (size + 3) / 4 * 4;
    size_t length = header + 20 + padded;
    inner_packet(&random, family, packet, length);
    if (family == IP_V4) {
        packet[9] = IPPROTO_TCP;
        store_u16be(packet + 6, 0x4000);
    } else {
        packet[6] = IPPROTO_TCP;
    }
    uint8_t *tcp = packet + header;
    tcp[12] = (uint8_t)((20 + padded) / 4 << 4);
    tcp[13] = flags;
    memset(tcp + 20, 0, padded);
    memcpy(tcp + 20, options, size);
    store_u16be(tcp + 16, tcp_checksum(packet, header, length));
    return length;
}

/* Clamps a segment with these options, which has its MSS at `at` in them; returns the MSS that it has then.
 */
static uint16_t clamp(enum ip_family family, uint8_t flags, const uint8_t *options, size_t size, size_t at)
{
    uint8_t packet[PACKET_SIZE], before[PACKET_SIZE];
    size_t header = family == IP_V4 ? 20 : 40;
    size_t length = make(packet, family, flags, options, size);
    memcpy(before, packet, length);

    bool changed = mss_clamp(packet, length, &limits);

    assert_int_equal(load_u16be(packet + header + 16), tcp_checksum(packet, header, length));
    assert_int_equal(changed, memcmp(before, packet, length) != 0);
    return load_u16be(packet + header + 20 + at);
}

static void R75_a_larger_mss_is_lowered_and_a_smaller_one_is_not(void **state)
{
    (void)state;
    for (unsigned mss = 1; mss < 65536; mss += 97) {
        const uint8_t options[] = {2, 4, (uint8_t)(mss >> 8), (uint8_t)mss};
        assert_int_equal(clamp(IP_V4, SYN, options, 4, 2), mss < 1398 ? mss : 1398);
        assert_int_equal(clamp(IP_V6, SYN | ACK, options, 4, 2), mss < 1378 ? mss : 1378);
    }
}

static void R75_the_checksum_is_right_at_odd_offsets_too(void **state)
{
    (void)state;
    for (size_t nops = 0; nops < 8; nops++) {
        uint8_t options[16];
        memset(options, 1, sizeof options);
        memcpy(options + nops, (const uint8_t[]){2, 4, 0x05, 0xb4}, 4);
        assert_int_equal(clamp(IP_V4, SYN, options, sizeof options, nops + 2), 1398);
        assert_int_equal(clamp(IP_V6, SYN, options, sizeof options, nops + 2), 1378);
    }
}

static void R75_other_options_are_passed_over(void **state)
{
    (void)state;
    static const uint8_t options[] = {4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 3, 3, 7, 2, 4, 0xff, 0xff};
    assert_int_equal(clamp(IP_V4, SYN, options, sizeof options, sizeof options - 2), 1398);
}

static void R75_odd_options_are_left_alone(void **state)
{
    (void)state;
    static const struct {
        uint8_t options[8];
        size_t mss_at;
    } odd[] = {
        {{2, 3, 0xff, 0xff}, 2}, /* a wrong length */
        {{2, 6, 0xff, 0xff, 0, 0}, 2},
        {{8, 0, 2, 4, 0xff, 0xff}, 4}, /* an option of no length before it */
        {{8, 1, 2, 4, 0xff, 0xff}, 4},
        {{8, 200, 2, 4, 0xff, 0xff}, 4}, /* one that is longer than the header */
        {{0, 2, 4, 0xff, 0xff}, 3},      /* behind the end */
        {{1, 1, 1, 1, 1, 1, 2, 4}, 6},   /* cut off */
    };
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        uint8_t packet[PACKET_SIZE], before[PACKET_SIZE];
        size_t length = make(packet, IP_V4, SYN, odd[i].options, 8);
        memcpy(before, packet, length);
        assert_false(mss_clamp(packet, length, &limits));
        assert_memory_equal(packet, before, length);
    }
}

static void R75_only_syns_that_are_whole_are_touched(void **state)
{
    (void)state;
    static const uint8_t options[] = {2, 4, 0xff, 0xff};
    uint8_t packet[PACKET_SIZE];
    size_t length = make(packet, IP_V4, ACK, options, 4);
    assert_false(mss_clamp(packet, length, &limits));
    for (size_t cut = 0; cut < 44; cut++) {
        uint8_t *part = malloc(cut + 1); /* exact, for the sanitizer */
        assert_non_null(part);
        length = make(packet, IP_V4, SYN, options, 4);
        memcpy(part, packet, cut);
        assert_false(mss_clamp(part, cut, &limits));
        free(part);
    }
    length = make(packet, IP_V4, SYN, options, 4);
    store_u16be(packet + 6, 1); /* a later fragment */
    assert_false(mss_clamp(packet, length, &limits));
    length = make(packet, IP_V4, SYN, options, 4);
    packet[9] = IPPROTO_UDP;
    assert_false(mss_clamp(packet, length, &limits));
}

static void R75_without_a_limit_nothing_is_touched(void **state)
{
    (void)state;
    static const uint8_t options[] = {2, 4, 0xff, 0xff};
    static struct mss_limits v4_alone = {1398, 0};
    static struct mss_limits none;
    uint8_t packet[PACKET_SIZE];
    assert_true(mss_limits_are_set(&v4_alone));
    assert_false(mss_limits_are_set(&none));
    assert_false(mss_clamp(packet, make(packet, IP_V6, SYN, options, 4), &v4_alone));
    assert_true(mss_clamp(packet, make(packet, IP_V4, SYN, options, 4), &v4_alone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R75_a_larger_mss_is_lowered_and_a_smaller_one_is_not),
        cmocka_unit_test(R75_the_checksum_is_right_at_odd_offsets_too),
        cmocka_unit_test(R75_other_options_are_passed_over),
        cmocka_unit_test(R75_odd_options_are_left_alone),
        cmocka_unit_test(R75_only_syns_that_are_whole_are_touched),
        cmocka_unit_test(R75_without_a_limit_nothing_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
