/* base/map.h */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS = 300 };

static void map_agrees_with_an_array(void **state)
{
    (void)state;
    struct map map = map_with_seed(7);
    static int values[KEYS];
    void *expected[KEYS] = {0};
    srandom(1);

    for (int step = 0; step < 20000; step++) {
        size_t key = (size_t)random() % KEYS;
        if (random() % 2) {
            assert_true(map_put(&map, key, &values[step % KEYS]));
            expected[key] = &values[step % KEYS];
        } else {
            assert_ptr_equal(map_remove(&map, key), expected[key]);
            expected[key] = NULL;
        }
    }

    size_t count = 0;
    for (size_t key = 0; key < KEYS; key++) {
        assert_ptr_equal(map_find(&map, key), expected[key]);
        count += expected[key] != NULL;
    }
    assert_int_equal(map.count, count);
    map_free(&map);
}

static void empty_map_has_nothing(void **state)
{
    (void)state;
    struct map map = map_with_seed(0);
    assert_null(map_find(&map, 1));
    assert_null(map_remove(&map, 1));
    map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_agrees_with_an_array),
        cmocka_unit_test(empty_map_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
