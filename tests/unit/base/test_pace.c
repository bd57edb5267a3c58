/* base/pace.h */
#include "base/pace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { START = 1000, DELAY = 20, GAP = 500 };

static void first_time_waits_for_the_delay_alone(void **state)
{
    (void)state;
    struct pace pace = PACE_AT_REST;
    assert_false(pace_take(&pace, START));

    pace_want(&pace, START, DELAY, GAP);

    assert_false(pace_take(&pace, START + DELAY - 1));
    assert_true(pace_take(&pace, START + DELAY));
    assert_false(pace_take(&pace, START + DELAY));
}

static void wanted_all_the_time_is_done_once_in_each_gap(void **state)
{
    (void)state;
    struct pace pace = PACE_AT_REST;
    int times = 0;
    for (msec_t now = START; now < START + 10 * GAP; now++) {
        pace_want(&pace, now, 0, GAP);
        times += pace_take(&pace, now);
    }
    assert_int_equal(times, 10);
}

static void urgent_wish_brings_the_time_forward_and_a_lazy_one_does_not_put_it_off(void **state)
{
    (void)state;
    struct pace pace = PACE_AT_REST;
    pace_want(&pace, START, GAP, GAP);
    pace_want(&pace, START + 1, 0, GAP);
    pace_want(&pace, START + 2, GAP, GAP);
    assert_true(pace_take(&pace, START + 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_time_waits_for_the_delay_alone),
        cmocka_unit_test(wanted_all_the_time_is_done_once_in_each_gap),
        cmocka_unit_test(urgent_wish_brings_the_time_forward_and_a_lazy_one_does_not_put_it_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
