/* The Internet checksum is what RFC 1071 says, for any length and alignment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"

enum { LENGTH_MAX = 300, LARGE = 65535 };

/* RFC 1071 1, octet by octet. */
static uint16_t reference(const uint8_t *at, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void every_length_and_alignment_gives_the_sum_of_rfc_1071(void **state)
{
    (void)state;
    uint8_t octets[LENGTH_MAX + 8];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 167 + (i >> 3) * 31 + 129);
    for (size_t start = 0; start < 8; start++) {
        for (size_t length = 0; length <= LENGTH_MAX; length++)
            assert_int_equal(checksum_of((struct octets){octets + start, length}),
                             reference(octets + start, length));
    }
}

static void carries_of_the_longest_packet_are_added(void **state)
{
    (void)state;
    static uint8_t octets[LARGE];
    memset(octets, 0xff, sizeof octets);
    for (size_t length = LARGE - 40; length <= LARGE; length++)
        assert_int_equal(checksum_of((struct octets){octets, length}), reference(octets, length));
}

static void sums_of_runs_add_up(void **state)
{
    (void)state;
    uint8_t octets[101];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(255 - i);
    for (size_t cut = 0; cut <= sizeof octets; cut += 2) {
        uint32_t sum = checksum_sum((struct octets){octets, cut}) +
                       checksum_sum((struct octets){octets + cut, sizeof octets - cut});
        assert_int_equal(checksum_of_sum(sum), reference(octets, sizeof octets));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_alignment_gives_the_sum_of_rfc_1071),
        cmocka_unit_test(carries_of_the_longest_packet_are_added),
        cmocka_unit_test(sums_of_runs_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
