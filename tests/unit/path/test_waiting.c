/* path/waiting.h */
#include "path/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t octets[PATH_WAITING_OCTETS];

static struct octets packet_of(size_t length, uint8_t mark)
{
    octets[0] = mark;
    return (struct octets){octets, length};
}

static void R13_packets_come_out_in_the_order_they_went_in(void **state)
{
    (void)state;
    struct waiting waiting = {0};
    size_t sum = 0;
    for (uint8_t i = 0; i < 10; i++)
        assert_int_equal(waiting_put(&waiting, packet_of(100, i), &sum), WAITING_KEPT);

    for (uint8_t i = 0; i < 10; i++) {
        struct waiting_packet *p = waiting_take(&waiting, &sum);
        assert_non_null(p);
        assert_int_equal(p->octets[0], i);
        assert_int_equal(p->length, 100);
        free(p);
    }
    assert_null(waiting_take(&waiting, &sum));
    assert_int_equal(sum, 0);
}

static void S6_oldest_64_are_kept(void **state)
{
    (void)state;
    struct waiting waiting = {0};
    size_t sum = 0;
    for (unsigned i = 0; i < PATH_WAITING_PACKETS; i++)
        assert_int_equal(waiting_put(&waiting, packet_of(20, (uint8_t)i), &sum), WAITING_KEPT);

    enum waiting_verdict verdict = waiting_put(&waiting, packet_of(20, 200), &sum);

    assert_int_equal(verdict, WAITING_FULL);
    struct waiting_packet *p = waiting_take(&waiting, &sum);
    assert_int_equal(p->octets[0], 0);
    free(p);
    assert_int_equal(waiting_drop(&waiting, &packet_pair_any, &sum), PATH_WAITING_PACKETS - 1);
    assert_int_equal(sum, 0);
}

static void S6_octets_are_bounded_to_the_last(void **state)
{
    (void)state;
    struct waiting waiting = {0};
    size_t sum = 0;
    assert_int_equal(waiting_put(&waiting, packet_of(PATH_WAITING_OCTETS - 20, 0), &sum), WAITING_KEPT);

    assert_int_equal(waiting_put(&waiting, packet_of(21, 1), &sum), WAITING_FULL);
    assert_int_equal(waiting_put(&waiting, packet_of(20, 2), &sum), WAITING_KEPT);

    assert_int_equal(waiting.octets, PATH_WAITING_OCTETS);
    assert_int_equal(waiting_drop(&waiting, &packet_pair_any, &sum), 2);
}

static void all_tunnels_of_a_worker_are_bounded_together(void **state)
{
    (void)state;
    struct waiting waiting = {0};
    size_t sum = WAITING_WORKER_OCTETS - 10;

    assert_int_equal(waiting_put(&waiting, packet_of(11, 0), &sum), WAITING_NO_MEMORY);
    assert_int_equal(waiting_put(&waiting, packet_of(10, 0), &sum), WAITING_KEPT);

    assert_int_equal(waiting_drop(&waiting, &packet_pair_any, &sum), 1);
    assert_int_equal(sum, WAITING_WORKER_OCTETS - 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R13_packets_come_out_in_the_order_they_went_in),
        cmocka_unit_test(S6_oldest_64_are_kept),
        cmocka_unit_test(S6_octets_are_bounded_to_the_last),
        cmocka_unit_test(all_tunnels_of_a_worker_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
