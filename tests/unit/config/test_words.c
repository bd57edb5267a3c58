/* config/words.h, config/interface_name.h */
#include "support.h"

#include <string.h>

#include "config/interface_name.h"
#include "config/words.h"

static void split(const char *line, struct words *out)
{
    words_split(line, strlen(line), out);
}

static void words_are_separated_by_blanks(void **state)
{
    (void)state;
    struct words words;
    split("  ip\taddress   10.0.0.1/24 \r", &words);
    assert_int_equal(words.count, 3);
    assert_string_equal(words.word[0].text, "ip");
    assert_string_equal(words.word[2].text, "10.0.0.1/24");
    assert_int_equal(words.word[1].column, 5);
    assert_int_equal(words.word[2].length, 11);
}

static void S12_quotes_keep_blanks(void **state)
{
    (void)state;
    struct words words;
    split("key char \"a  b\" c\"d", &words);
    assert_int_equal(words.count, 4);
    assert_string_equal(words.word[2].text, "a  b");
    assert_true(words.word[2].quoted);
    assert_string_equal(words.word[3].text, "c\"d");
    assert_false(words.word[3].quoted);
}

static void printed_quotes_and_backslashes_are_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"",        "plain", "two words", "\"",    "a\"b",
                                        "\"a b\"", "\\",    "a \\",      "\\\" x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char quoted[64];
        (void)word_append_quoted(quoted, texts[i]);
        struct words words;
        split(quoted, &words);
        assert_int_equal(words.count, 1);
        assert_string_equal(words.word[0].text, texts[i]);
    }
}

static void a_missing_closing_quote_is_noticed(void **state)
{
    (void)state;
    struct words words;
    split("key char \"abc def", &words);
    assert_int_equal(words.count, 4);
    assert_true(words.word[2].unterminated);
    assert_string_equal(words.word[2].text, "\"abc");
}

static void lines_that_are_too_long_are_cut(void **state)
{
    (void)state;
    static char line[200000];
    memset(line, 'a', sizeof line);
    struct words words;
    words_split(line, sizeof line, &words);
    assert_true(words.overlong);
    assert_int_equal(words.count, 1);
    for (size_t i = 0; i < sizeof line; i += 2)
        line[i] = ' ';
    words_split(line, sizeof line, &words);
    assert_true(words.overlong);
    assert_int_equal(words.count, LINE_WORDS_MAX);
}

static void columns_count_characters_and_widths_count_cells(void **state)
{
    (void)state;
    assert_int_equal(text_characters("aé拠点", strlen("aé拠点")), 4);
    assert_int_equal(text_width("aé拠点", strlen("aé拠点")), 6);
}

static void the_distance_is_in_keystrokes(void **state)
{
    (void)state;
    assert_int_equal(word_distance("enc", "enc"), 0);
    assert_int_equal(word_distance("enq", "enc"), 1);
    assert_int_equal(word_distance("integirty", "integrity"), 1);
    assert_int_equal(word_distance("", "enc"), 3);
    assert_int_equal(word_distance("kitten", "sitting"), 3);
    assert_true(word_is_near("unnumberd", "unnumbered"));
    assert_false(word_is_near("xy", "on"));
}

static void interface_names_are_written_in_full(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"GigaEthernet0.0", "GigaEthernet0.0"}, {"GigaEthernet2:1.1", "GigaEthernet2:1.1"},
        {"tunnel12.0", "Tunnel12.0"},           {"lo0.0", "Loopback0.0"},
        {"gi1.0", "GigaEthernet1.0"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct interface_name name;
        char text[INTERFACE_NAME_SIZE];
        assert_int_equal(interface_name_parse(names[i][0], &name, NULL), VALUE_FITS);
        assert_string_equal(interface_name_format(&name, text), names[i][1]);
    }
}

static void S14_names_of_other_interfaces_are_unlike_and_broken_names_are_wrong(void **state)
{
    (void)state;
    struct interface_name name;
    static const char *const unlike[] = {"BVI1", "Dialer0", "Null0.0", "FastEthernet0/0.0",
                                         "x",    "",        "10.0.0.1"};
    for (size_t i = 0; i < sizeof unlike / sizeof *unlike; i++)
        assert_int_equal(interface_name_parse(unlike[i], &name, NULL), VALUE_UNLIKE);
    static const char *const wrong[] = {"Tunnel0.x",         "Tunnel0",           "Tunnel99999.0",
                                        "Tunnel65535.65535", "GigaEthernet0.0.0", "Tunnel0:1.0",
                                        "Loopback0.",        "GigaEthernet0:.0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(interface_name_parse(wrong[i], &name, NULL), VALUE_WRONG);
}

static void tunnel_numbers_depend_on_names_alone(void **state)
{
    (void)state;
    struct interface_name a, b, c;
    (void)interface_name_parse("Tunnel0.0", &a, NULL);
    (void)interface_name_parse("Tunnel0.1", &b, NULL);
    (void)interface_name_parse("Tunnel1.0", &c, NULL);
    assert_int_equal(tunnel_number(&a), 1);
    assert_int_equal(tunnel_number(&b), 2);
    assert_int_equal(tunnel_number(&c), 65537);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_separated_by_blanks),
        cmocka_unit_test(S12_quotes_keep_blanks),
        cmocka_unit_test(printed_quotes_and_backslashes_are_read_back),
        cmocka_unit_test(a_missing_closing_quote_is_noticed),
        cmocka_unit_test(lines_that_are_too_long_are_cut),
        cmocka_unit_test(columns_count_characters_and_widths_count_cells),
        cmocka_unit_test(the_distance_is_in_keystrokes),
        cmocka_unit_test(interface_names_are_written_in_full),
        cmocka_unit_test(S14_names_of_other_interfaces_are_unlike_and_broken_names_are_wrong),
        cmocka_unit_test(tunnel_numbers_depend_on_names_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
