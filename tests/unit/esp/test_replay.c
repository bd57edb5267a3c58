/* esp/replay.h */
#include "esp/replay.h"

#include "fixture.h"

static void the_first_packet_may_have_any_number_but_0(void **state)
{
    (void)state;
    struct esp_live live = {0};
    assert_false(replay_is_fresh(&live, 0));
    assert_false(replay_accept(&live, 0));
    assert_true(replay_is_fresh(&live, 1));
    assert_true(replay_is_fresh(&live, UINT32_MAX));
    assert_true(replay_accept(&live, 5));
    assert_int_equal(live.replay_top, 5);
    assert_true(replay_accept(&live, 1));
    assert_false(replay_is_fresh(&live, 0));
}

static void R70_each_number_is_taken_once(void **state)
{
    (void)state;
    struct esp_live live = {0};
    for (uint32_t n = 1; n < 5000; n++) {
        assert_true(replay_accept(&live, n));
        assert_false(replay_is_fresh(&live, n));
        assert_false(replay_accept(&live, n));
    }
}

static void S26_the_window_is_1024_numbers_at_every_position(void **state)
{
    (void)state;
    for (uint32_t top = 3000; top < 3000 + 3 * 1088; top++) {
        struct esp_live live = {0};
        assert_true(replay_accept(&live, top - 900));
        assert_true(replay_accept(&live, top));
        assert_false(replay_is_fresh(&live, top - 1024));
        assert_true(replay_accept(&live, top - 1023));
        assert_false(replay_accept(&live, top - 1023));
        assert_false(replay_accept(&live, top - 900));
        assert_true(replay_accept(&live, top - 1));
    }
}

static void a_jump_forgets_what_it_passes(void **state)
{
    (void)state;
    static const uint32_t jumps[] = {1, 63, 64, 65, 1023, 1024, 1087, 1088, 1089, 2176, 100000};
    for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
        struct esp_live live = {0};
        for (uint32_t n = 1; n <= 2000; n++)
            assert_true(replay_accept(&live, n));
        uint32_t top = 2000 + jumps[i];
        assert_true(replay_accept(&live, top));
        for (uint32_t n = top - 1023; n < top; n++)
            assert_int_equal(replay_is_fresh(&live, n), n > 2000);
    }
}

static void the_last_numbers_work_like_any(void **state)
{
    (void)state;
    struct esp_live live = {0};
    assert_true(replay_accept(&live, UINT32_MAX - 1));
    assert_true(replay_accept(&live, UINT32_MAX));
    assert_false(replay_accept(&live, UINT32_MAX));
    assert_false(replay_accept(&live, 1));
    assert_true(replay_accept(&live, UINT32_MAX - 1023));
    assert_false(replay_accept(&live, UINT32_MAX - 1024));
}

/* Against the plainest model: a list of all that was seen. */
static void R70_the_window_agrees_with_a_list_of_all_numbers(void **state)
{
    (void)state;
    enum { NUMBERS = 40000 };
    bool *seen = calloc(NUMBERS, sizeof *seen);
    assert_non_null(seen);
    struct esp_live live = {0};
    uint64_t random = 4;
    uint32_t top = 0;
    for (size_t step = 0; step < 200000; step++) {
        uint32_t n = (uint32_t)random_below(&random, 2200) + (top > 1200 ? top - 1200 : 0);
        if (random_below(&random, 4) != 0)
            n = top + (uint32_t)random_below(&random, 3);
        if (n >= NUMBERS)
            break;
        bool fresh = n != 0 && !seen[n] && (n > top || top - n < ESP_REPLAY_WINDOW);
        assert_int_equal(replay_is_fresh(&live, n), fresh);
        assert_int_equal(replay_accept(&live, n), fresh);
        seen[n] = seen[n] || fresh;
        top = fresh && n > top ? n : top;
        assert_int_equal(live.replay_top, top);
    }
    assert_true(top > 30000);
    free(seen);
}

static void R70_without_anti_replay_the_highest_number_is_kept(void **state)
{
    (void)state;
    struct esp_live live = {0};
    replay_note(&live, 7);
    replay_note(&live, 3);
    assert_int_equal(live.replay_top, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_packet_may_have_any_number_but_0),
        cmocka_unit_test(R70_each_number_is_taken_once),
        cmocka_unit_test(S26_the_window_is_1024_numbers_at_every_position),
        cmocka_unit_test(a_jump_forgets_what_it_passes),
        cmocka_unit_test(the_last_numbers_work_like_any),
        cmocka_unit_test(R70_the_window_agrees_with_a_list_of_all_numbers),
        cmocka_unit_test(R70_without_anti_replay_the_highest_number_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
