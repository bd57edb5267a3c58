/* base/short_text.h */
#include "base/short_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_put_together(void **state)
{
    (void)state;
    char at[16];
    struct short_text text = short_text_in(at, sizeof at);
    assert_string_equal(at, "");

    short_text_add(&text, "line %d", 12);
    short_text_add(&text, "%s", "");
    short_text_add(&text, ", %u", 14U);

    assert_string_equal(at, "line 12, 14");
    assert_int_equal(text.length, strlen(at));
    assert_false(text.cut);
}

/* With second pieces that are a little shorter and a little longer than what fits. */
static void text_that_does_not_fit_is_cut_and_ends_with_dots(void **state)
{
    (void)state;
    static const char digits[] = "0123456789";
    for (int length = 0; length <= 10; length++) {
        char at[12];
        struct short_text text = short_text_in(at, sizeof at - 1);
        at[sizeof at - 1] = 'x';
        short_text_add(&text, "abcd");
        short_text_add(&text, "%.*s", length, digits);
        bool fits = 4 + length < 11;
        assert_int_equal(text.cut, !fits);
        if (fits)
            assert_int_equal(strlen(at), 4 + length);
        else
            assert_string_equal(at, "abcd012...");
        assert_int_equal(at[sizeof at - 1], 'x');
    }
}

static void nothing_is_appended_after_a_cut(void **state)
{
    (void)state;
    char at[8];
    struct short_text text = short_text_in(at, sizeof at);
    short_text_add(&text, "too long a text");
    short_text_add(&text, "x");
    assert_string_equal(at, "too ...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_put_together),
        cmocka_unit_test(text_that_does_not_fit_is_cut_and_ends_with_dots),
        cmocka_unit_test(nothing_is_appended_after_a_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
