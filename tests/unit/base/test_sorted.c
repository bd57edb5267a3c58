/* base/sorted.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sorted.h"

struct element {
    char before[3];
    uint32_t key;
};

static uint32_t key_of(const void *element)
{
    return ((const struct element *)element)->key;
}

static void the_place_is_the_first_that_is_not_below(void **state)
{
    (void)state;
    const struct element array[] = {{.key = 2}, {.key = 4}, {.key = 4},
                                    {.key = 4}, {.key = 9}, {.key = UINT32_MAX}};
    static const struct {
        uint32_t key;
        size_t place;
    } cases[] = {{0, 0}, {2, 0}, {3, 1}, {4, 1}, {5, 4}, {9, 4}, {10, 5}, {UINT32_MAX, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sorted_place(array, 6, sizeof array[0], key_of, cases[i].key), cases[i].place);
    for (size_t count = 0; count <= 5; count++)
        assert_int_equal(sorted_place(array, count, sizeof array[0], key_of, UINT32_MAX), count);
    assert_int_equal(sorted_place(NULL, 0, sizeof array[0], key_of, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_is_the_first_that_is_not_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
