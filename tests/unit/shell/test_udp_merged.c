/* shell/udp_merged.h: which captured packets are IKE, and what was merged into one is taken apart. */
#include "shell/udp_merged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"

enum { V4 = 20, V6 = 40, UDP = 8, ESP = 40, PACKETS = 3, LAST = 24 };

/* A UDP datagram of IPv4 or IPv6 with a payload of that many octets; returns its length. */
static size_t make(uint8_t *at, size_t header, uint16_t port, size_t payload)
{
    memset(at, 0, header + UDP + payload);
    at[0] = header == V6 ? 0x60 : 0x45;
    at[header == V6 ? 6 : 9] = 17;
    store_u16be(at + header, port);
    store_u16be(at + header + 2, port);
    return header + UDP + payload;
}

/* Writes ESP packets of one SA behind the headers, the last one shorter. */
static size_t make_merged(uint8_t *at, size_t header)
{
    size_t length = make(at, header, 4500, (PACKETS - 1) * ESP + LAST);
    for (size_t i = 0; i < PACKETS; i++) {
        uint8_t *esp = at + header + UDP + i * ESP;
        store_u32be(esp, 0x571a182d);
        store_u32be(esp + 4, (uint32_t)(0xff + i));
        esp[8] = (uint8_t)i;
    }
    return length;
}

static void assert_is_taken_apart(size_t header)
{
    uint8_t merged[512];
    uint8_t part[512];
    const struct octets whole = {merged, make_merged(merged, header)};

    size_t size = udp_merged_size(whole);

    assert_int_equal(size, ESP);
    for (size_t i = 0; i < PACKETS; i++) {
        size_t payload = i + 1 < PACKETS ? ESP : LAST;
        assert_int_equal(udp_merged_part(whole, size, i, part), header + UDP + payload);
        assert_int_equal(load_u16be(part + header + 4), UDP + payload);
        assert_int_equal(load_u32be(part + header + UDP + 4), 0xff + i);
        assert_int_equal(part[header + UDP + 8], i);
        if (header == V6) {
            assert_int_equal(load_u16be(part + 4), UDP + payload);
        } else {
            assert_int_equal(load_u16be(part + 2), V4 + UDP + payload);
            assert_int_equal(load_u16be(part + 4), i);
            assert_int_equal(checksum_of((struct octets){part, V4}), 0);
        }
    }
    assert_int_equal(udp_merged_part(whole, size, PACKETS, part), 0);
}

static void merged_esp_is_taken_apart(void **state)
{
    (void)state;
    assert_is_taken_apart(V4);
    assert_is_taken_apart(V6);
}

static void a_single_packet_is_not_taken_apart(void **state)
{
    (void)state;
    uint8_t at[512];
    size_t length = make_merged(at, V4);
    assert_int_equal(udp_merged_size((struct octets){at, V4 + UDP + ESP}), 0);
    at[6] = 0x20; /* a fragment */
    assert_int_equal(udp_merged_size((struct octets){at, length}), 0);
    length = make(at, V4, 4500, 1); /* a keepalive */
    assert_int_equal(udp_merged_size((struct octets){at, length}), 0);
    for (size_t i = 0; i < V4 + UDP; i++)
        assert_int_equal(udp_merged_size((struct octets){at, i}), 0);
}

static void ike_is_on_port_500_or_behind_a_zero_marker(void **state)
{
    (void)state;
    uint8_t at[512];
    size_t length = make(at, V6, 500, 28);
    assert_true(packet_is_ike((struct octets){at, length}));
    length = make(at, V4, 4500, 32);
    assert_true(packet_is_ike((struct octets){at, length}));
    length = make(at, V4, 4500, 1);
    assert_false(packet_is_ike((struct octets){at, length}));
    length = make_merged(at, V4);
    assert_false(packet_is_ike((struct octets){at, length}));
    at[9] = 50;
    assert_false(packet_is_ike((struct octets){at, length}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_esp_is_taken_apart),
        cmocka_unit_test(a_single_packet_is_not_taken_apart),
        cmocka_unit_test(ike_is_on_port_500_or_behind_a_zero_marker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
