/* Fragments of random packets, put together again, are the packets. */
#include "../esp/fixture.h"
#include "base/checksum.h"

#include <netinet/in.h>

#include "path/fragment.h"

enum { PACKET_MAX = 9000, ID = 0x12345678, DF = 0x4000, MF = 0x2000 };

/* What has arrived of a packet. */
struct assembly {
    uint8_t octets[65536];
    size_t received;
    size_t end; /* 0: the last fragment has not come */
};

static size_t put_v4(struct assembly *to, const uint8_t *head, size_t head_size, struct octets part)
{
    uint16_t flags = load_u16be(head + 6);
    size_t offset = (size_t)(flags & 0x1fff) * 8;
    assert_int_equal((head[0] & 0x0f) * 4, head_size);
    assert_int_equal(load_u16be(head + 2), head_size + part.length);
    assert_int_equal(checksum_of((struct octets){head, head_size}), 0);
    assert_int_equal(flags & DF, 0);
    memcpy(to->octets + offset, part.at, part.length);
    if ((flags & MF) == 0)
        to->end = offset + part.length;
    return offset;
}

static size_t put_v6(struct assembly *to, const uint8_t *head, size_t head_size, struct octets part)
{
    const uint8_t *fragment = head + head_size - 8;
    size_t offset = load_u16be(fragment + 2) & ~7U;
    assert_int_equal(load_u16be(head + 4) + 40U, head_size + part.length);
    memcpy(to->octets + offset, part.at, part.length);
    if ((fragment[3] & 1) == 0)
        to->end = offset + part.length;
    return offset;
}

/* Splits a packet and returns its fragmentable part, put together. */
static struct octets split(struct octets packet, size_t most, uint32_t *id)
{
    static struct assembly whole;
    static struct fragmenter f;
    uint8_t head[FRAGMENT_HEAD_MAX];
    size_t head_size;
    struct octets part;
    size_t count = 0;
    bool v4 = packet.at[0] >> 4 == 4;
    whole.received = whole.end = 0;
    assert_true(fragmenter_begin(&f, packet, most, ID));
    while (fragmenter_next(&f, head, &head_size, &part)) {
        assert_true(head_size + part.length <= most);
        size_t offset = v4 ? put_v4(&whole, head, head_size, part) : put_v6(&whole, head, head_size, part);
        assert_int_equal(offset, whole.received);
        whole.received += part.length;
        *id = v4 ? load_u16be(head + 4) : load_u32be(head + head_size - 4);
        count++;
    }
    assert_int_equal(whole.end, whole.received);
    assert_true(count <= fragment_count_max(packet.length, most));
    return (struct octets){whole.octets, whole.received};
}

static void R72_fragments_of_ipv4_packets_make_the_packet(void **state)
{
    (void)state;
    uint64_t random = 4711;
    static uint8_t packet[PACKET_MAX];
    for (int i = 0; i < 2000; i++) {
        size_t options = 4 * random_below(&random, 11);
        size_t header = 20 + options;
        size_t length = header + 1 + random_below(&random, PACKET_MAX - header);
        inner_packet(&random, IP_V4, packet, length);
        packet[0] = (uint8_t)(0x40 | header / 4);
        store_u16be(packet + 6, random_below(&random, 2) == 0 ? DF : 0);
        memset(packet + 20, 1, options);
        if (options >= 8) {
            packet[20] = 0x83; /* loose source route: it is copied */
            packet[21] = 7;
        }
        uint32_t id;
        struct octets part = split((struct octets){packet, length}, 200 + random_below(&random, 1400), &id);

        assert_int_equal(part.length, length - header);
        assert_memory_equal(part.at, packet + header, part.length);
        bool had_df = (load_u16be(packet + 6) & DF) != 0;
        assert_int_equal(id, had_df ? (uint16_t)ID : load_u16be(packet + 4));
    }
}

static void R72_later_fragments_have_the_options_that_are_copied(void **state)
{
    (void)state;
    uint64_t random = 1;
    uint8_t packet[1000], head[FRAGMENT_HEAD_MAX];
    static const uint8_t options[12] = {0x07, 3, 4, 0x94, 4, 0,
                                        0,    1, 1, 1,    1, 0}; /* record route, router alert */
    inner_packet(&random, IP_V4, packet, sizeof packet);
    packet[0] = 0x48;
    store_u16be(packet + 6, 0);
    memcpy(packet + 20, options, sizeof options);
    struct fragmenter f;
    struct octets part;
    size_t size;
    assert_true(fragmenter_begin(&f, (struct octets){packet, sizeof packet}, 500, ID));

    assert_true(fragmenter_next(&f, head, &size, &part));
    assert_int_equal(size, 32);
    assert_memory_equal(head + 20, options, sizeof options);
    assert_true(fragmenter_next(&f, head, &size, &part));
    assert_int_equal(size, 24);
    assert_memory_equal(head + 20, options + 3, 4);
}

static void R72_a_fragment_becomes_smaller_fragments_of_the_same_packet(void **state)
{
    (void)state;
    uint64_t random = 2;
    uint8_t packet[1480], head[FRAGMENT_HEAD_MAX];
    struct fragmenter f;
    struct octets part;
    size_t size, at = 0;
    inner_packet(&random, IP_V4, packet, sizeof packet);
    store_u16be(packet + 6, MF | 185);
    assert_true(fragmenter_begin(&f, (struct octets){packet, sizeof packet}, 600, ID));

    while (fragmenter_next(&f, head, &size, &part)) {
        assert_int_equal(load_u16be(head + 6), MF | (185 + at / 8));
        assert_int_equal(load_u16be(head + 4), load_u16be(packet + 4));
        at += part.length;
    }
    assert_int_equal(at, sizeof packet - 20);
}

/* An IPv6 packet with some extension headers; returns where its fragmentable part begins. */
static size_t make_v6(uint64_t *random, uint8_t *packet, size_t length, unsigned extensions)
{
    static const uint8_t types[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS};
    size_t at = 40, fragmentable = 40;
    uint8_t *next = packet + 6;
    inner_packet(random, IP_V6, packet, length);
    for (unsigned i = 0; i < 4; i++) {
        if ((extensions >> i & 1) == 0)
            continue;
        *next = types[i];
        next = packet + at;
        packet[at + 1] = 0;
        at += 8;
        if (types[i] != IPPROTO_DSTOPTS)
            fragmentable = at;
    }
    *next = IPPROTO_UDP;
    return fragmentable;
}

static void R74_fragments_of_ipv6_packets_make_the_packet(void **state)
{
    (void)state;
    uint64_t random = 815;
    static uint8_t packet[PACKET_MAX];
    for (unsigned i = 0; i < 2000; i++) {
        size_t length = 100 + random_below(&random, PACKET_MAX - 100);
        size_t fragmentable = make_v6(&random, packet, length, i % 16);
        uint32_t id;
        struct octets part = split((struct octets){packet, length}, 200 + random_below(&random, 1400), &id);

        assert_int_equal(id, ID);
        assert_int_equal(part.length, length - fragmentable);
        assert_memory_equal(part.at, packet + fragmentable, part.length);
    }
}

static void R74_an_ipv6_fragment_keeps_its_identification(void **state)
{
    (void)state;
    uint64_t random = 3;
    uint8_t packet[1496], head[FRAGMENT_HEAD_MAX];
    struct fragmenter f;
    struct octets part;
    size_t size, at = 0;
    inner_packet(&random, IP_V6, packet, sizeof packet);
    packet[6] = IPPROTO_FRAGMENT;
    packet[40] = IPPROTO_UDP;
    store_u16be(packet + 42, 1448);
    store_u32be(packet + 44, 0xfeedbeef);
    assert_true(fragmenter_begin(&f, (struct octets){packet, sizeof packet}, 1280, ID));

    while (fragmenter_next(&f, head, &size, &part)) {
        bool last = at + part.length == sizeof packet - 48;
        assert_int_equal(size, 48);
        assert_int_equal(head[40], IPPROTO_UDP);
        assert_int_equal(load_u16be(head + 42), 1448 + at + !last);
        assert_int_equal(load_u32be(head + 44), 0xfeedbeef);
        at += part.length;
    }
    assert_int_equal(at, sizeof packet - 48);
}

/* A part of a later fragment must not leave as a first fragment, which no filter has seen. */
static void R72_a_fragment_whose_offsets_would_wrap_is_refused(void **state)
{
    (void)state;
    enum { MOST = 600 };
    uint64_t random = 4;
    uint8_t packet[1496];
    struct fragmenter f;
    inner_packet(&random, IP_V4, packet, sizeof packet);
    const size_t part_v4 = sizeof packet - 20, part_v6 = sizeof packet - 48;
    const struct octets whole = {packet, sizeof packet};

    store_u16be(packet + 6, (uint16_t)((65535 - part_v4) / 8));
    assert_true(fragmenter_begin(&f, whole, MOST, ID));
    store_u16be(packet + 6, (uint16_t)((65535 - part_v4) / 8 + 1));
    assert_false(fragmenter_begin(&f, whole, MOST, ID));

    inner_packet(&random, IP_V6, packet, sizeof packet);
    packet[6] = IPPROTO_FRAGMENT;
    packet[40] = IPPROTO_UDP;
    store_u16be(packet + 42, (uint16_t)((65535 - part_v6) & ~7U));
    assert_true(fragmenter_begin(&f, whole, MOST, ID));
    store_u16be(packet + 42, (uint16_t)(((65535 - part_v6) & ~7U) + 8));
    assert_false(fragmenter_begin(&f, whole, MOST, ID));
}

/* Whatever stands in the header: no octet outside of the packet is read, and each fragment fits. */
static void hostile_headers_do_no_harm(void **state)
{
    (void)state;
    uint64_t random = 9;
    static struct fragmenter f;
    for (int i = 0; i < 50000; i++) {
        size_t length = 20 + random_below(&random, 300);
        uint8_t *packet = malloc(length); /* exact, for the sanitizer */
        uint8_t head[FRAGMENT_HEAD_MAX];
        struct octets part;
        size_t size, sum = 0;
        assert_non_null(packet);
        random_octets(&random, packet, length);
        bool v6 = random_below(&random, 2) == 0;
        packet[0] = v6 ? 0x60 : (uint8_t)(0x40 | (packet[0] & 0x0f));
        if (v6 && length >= 40) {
            packet[4] = 0;
            packet[5] = (uint8_t)(length - 40);
            packet[6] = (const uint8_t[]){0, 43, 44, 60, 17}[random_below(&random, 5)];
        } else {
            store_u16be(packet + 2, (uint16_t)length);
        }
        if (inner_family((struct octets){packet, length}) != IP_NONE &&
            fragmenter_begin(&f, (struct octets){packet, length}, 150, ID)) {
            while (fragmenter_next(&f, head, &size, &part)) {
                assert_true(size + part.length <= 150);
                assert_true(part.at >= packet && part.at + part.length <= packet + length);
                sum += part.length;
            }
            assert_true(sum <= length);
        }
        free(packet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R72_fragments_of_ipv4_packets_make_the_packet),
        cmocka_unit_test(R72_later_fragments_have_the_options_that_are_copied),
        cmocka_unit_test(R72_a_fragment_becomes_smaller_fragments_of_the_same_packet),
        cmocka_unit_test(R74_fragments_of_ipv6_packets_make_the_packet),
        cmocka_unit_test(R74_an_ipv6_fragment_keeps_its_identification),
        cmocka_unit_test(R72_a_fragment_whose_offsets_would_wrap_is_refused),
        cmocka_unit_test(hostile_headers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
