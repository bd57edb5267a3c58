/* base/deadline.h */
#include "base/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void deadlines_are_taken_in_order_of_time(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct deadline_heap heap = {0};
    struct deadline entries[COUNT] = {0};
    srandom(1);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(deadline_set(&heap, &entries[i], (msec_t)(random() % 1000)));
    /* Move a third of them and cancel a third. */
    for (size_t i = 0; i < COUNT; i += 3)
        assert_true(deadline_set(&heap, &entries[i], (msec_t)(random() % 1000)));
    size_t cancelled = 0;
    for (size_t i = 1; i < COUNT; i += 3, cancelled++)
        deadline_cancel(&heap, &entries[i]);

    msec_t before = 0;
    size_t taken = 0;
    for (struct deadline *d; (d = deadline_take_due(&heap, 1000)) != NULL; taken++) {
        assert_true(d->due >= before);
        before = d->due;
    }

    assert_int_equal(taken, COUNT - cancelled);
    assert_true(deadline_next(&heap) == MSEC_NEVER);
    deadline_heap_free(&heap);
}

static void only_deadlines_that_are_due_are_taken(void **state)
{
    (void)state;
    struct deadline_heap heap = {0};
    struct deadline soon = {0};
    struct deadline late = {0};
    deadline_set(&heap, &late, 20);
    deadline_set(&heap, &soon, 10);

    assert_null(deadline_take_due(&heap, 9));
    assert_ptr_equal(deadline_take_due(&heap, 10), &soon);
    assert_false(deadline_is_set(&soon));
    assert_null(deadline_take_due(&heap, 19));
    assert_int_equal(deadline_next(&heap), 20);
    deadline_heap_free(&heap);
}

static void never_is_the_same_as_unset(void **state)
{
    (void)state;
    struct deadline_heap heap = {0};
    struct deadline d = {0};
    deadline_set(&heap, &d, 10);
    deadline_set(&heap, &d, MSEC_NEVER);

    assert_false(deadline_is_set(&d));
    assert_null(deadline_take_due(&heap, MSEC_NEVER));
    deadline_heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_are_taken_in_order_of_time),
        cmocka_unit_test(only_deadlines_that_are_due_are_taken),
        cmocka_unit_test(never_is_the_same_as_unset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
