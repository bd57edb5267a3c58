/* ike/live_slots.h: which slot the next Child SA gets. */
#include "ike/live_slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_slot_rests_before_it_is_taken_again(void **state)
{
    (void)state;
    struct live_slots slots = {0};
    assert_int_equal(live_slots_take(&slots, 1000), 0);
    live_slots_give_back(&slots, 0, 1000);

    assert_int_equal(live_slots_take(&slots, 1000), 1);
    assert_int_equal(live_slots_take(&slots, 1000 + LIVE_SLOT_REST - 1), 2);
    assert_int_equal(live_slots_take(&slots, 1000 + LIVE_SLOT_REST), 0);
    assert_int_equal(live_slots_take(&slots, 1000 + LIVE_SLOT_REST), 3);
    live_slots_clear(&slots);
}

static void slots_are_taken_again_in_the_order_in_which_they_were_given_back(void **state)
{
    enum { SLOTS = 500 };
    (void)state;
    struct live_slots slots = {0};
    for (uint32_t i = 0; i < SLOTS; i++)
        assert_int_equal(live_slots_take(&slots, 0), i);

    msec_t now = 0;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < SLOTS; i++)
            live_slots_give_back(&slots, (i * 7 + round) % SLOTS, now++);
        now += LIVE_SLOT_REST;
        for (uint32_t i = 0; i < SLOTS; i++)
            assert_int_equal(live_slots_take(&slots, now), (i * 7 + round) % SLOTS);
    }
    assert_int_equal(live_slots_take(&slots, now), SLOTS);
    live_slots_clear(&slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_rests_before_it_is_taken_again),
        cmocka_unit_test(slots_are_taken_again_in_the_order_in_which_they_were_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
