/* config/index.h: settings are found by the words that they begin with, with few comparisons. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/line.h"

/* The linker has all calls of line_same_word come here (--wrap). */
static size_t compared;
bool __real_line_same_word(const struct command_line *a, size_t index, const struct command_line *b,
                           size_t other_index);
bool __wrap_line_same_word(const struct command_line *a, size_t index, const struct command_line *b,
                           size_t other_index);

bool __wrap_line_same_word(const struct command_line *a, size_t index, const struct command_line *b,
                           size_t other_index)
{
    compared++;
    return __real_line_same_word(a, index, b, other_index);
}

/* A header or "", a line to set, and one to take it away; # stands for a number, @ for the same in
 * hexadecimal. */
struct shape {
    const char *header;
    const char *set;
    const char *unset;
};

static const struct shape shapes[] = {
    {"", "ikev2 authentication psk id keyid k# key char s", "no ikev2 authentication psk id keyid k#"},
    {"", "ip route 10.0.0.0/8 Tunnel#.0", "no ip route 10.0.0.0/8 Tunnel#.0"},
    {"", "ipv6 route 2001:db8::@/128 Null0.0", "no ipv6 route 2001:db8::@/128"},
    {"", "ip access-list a permit udp src any dest any dport eq #",
     "no ip access-list a permit udp src any dest any dport eq #"},
    {"ikev2 profile p", "local-ts any protocol 6 port #", "no local-ts any protocol 6 port #"},
    {"", "interface Tunnel#.0", "no interface Tunnel#.0"},
    {"", "ip access-list a# permit ip src any dest any", "no ip access-list b# permit ip src any dest any"},
};

static void write_line(FILE *out, const char *line, size_t number)
{
    for (; *line != '\0'; line++) {
        if (*line == '#')
            (void)fprintf(out, "%zu", number);
        else if (*line == '@')
            (void)fprintf(out, "%zx", number);
        else
            (void)fputc(*line, out);
    }
}

/* The text that sets so many settings, and then takes them away from the last to the first. */
static void write_text(const struct shape *shape, size_t count, char **text)
{
    size_t length;
    FILE *out = open_memstream(text, &length);
    (void)fprintf(out, "%s\n", shape->header);
    for (size_t i = 1; i <= count; i++) {
        write_line(out, shape->set, i);
        (void)fputc('\n', out);
    }
    for (size_t i = count; i > 0; i--) {
        write_line(out, shape->unset, i);
        (void)fputc('\n', out);
    }
    (void)fclose(out);
}

static size_t comparisons_to_read(const struct shape *shape, size_t count)
{
    char *text = NULL;
    write_text(shape, count, &text);
    compared = 0;
    struct reading r = read_text(text);
    size_t result = compared;
    if (r.config == NULL)
        fail_msg("%s", r.said);
    reading_free(&r);
    free(text);
    return result;
}

static void no_lines_take_few_comparisons_however_many_settings_there_are(void **state)
{
    (void)state;
    enum { FEW = 2000, FACTOR = 8 };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t few = comparisons_to_read(&shapes[i], FEW);
        size_t many = comparisons_to_read(&shapes[i], (size_t)FACTOR * FEW);
        /* n log n is 10.2 times as much, n squared 64 times. */
        if (many > 2 * FACTOR * few)
            fail_msg("`%s`: %zu comparisons for %d lines, %zu for %d", shapes[i].unset, few, FEW, many,
                     FACTOR * FEW);
    }
}

static void no_lines_take_away_what_they_name_and_nothing_else(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    for (size_t i = 0; i + 1 < sizeof shapes / sizeof *shapes; i++) {
        char *text = NULL;
        write_text(&shapes[i], COUNT, &text);
        size_t first_no = (size_t)(strstr(text, "\nno ") + 1 - text);
        for (size_t kept = 0; kept < COUNT; kept += 37) {
            /* Without one of the `no` lines. */
            char *some = strdup(text);
            char *line = some + first_no;
            for (size_t skip = 0; skip < kept; skip++)
                line = strchr(line, '\n') + 1;
            *line = '!';
            struct reading r = read_text(some);
            const struct section *section = config_global(r.config);
            if (shapes[i].header[0] != '\0')
                section = section->first->under;
            char set[128];
            FILE *out = fmemopen(set, sizeof set, "w");
            write_line(out, shapes[i].set, (size_t)COUNT - kept);
            (void)fclose(out);
            char printed_line[LINE_PRINTED_SIZE];
            assert_non_null(section->first);
            assert_ptr_equal(section->first, section->last);
            assert_string_equal(line_print(&section->first->line, section->mode, true, printed_line), set);
            reading_free(&r);
            free(some);
        }
        free(text);
    }
}

static void a_no_line_without_arguments_takes_away_all_that_begin_with_it(void **state)
{
    (void)state;
    assert_prints("ip route 10.0.0.0/8 10.0.0.1\n"
                  "ip route 10.0.0.0/8 10.0.0.2\n"
                  "ip route 10.0.0.0/16 10.0.0.1\n"
                  "ip access-list a permit ip src any dest any\n"
                  "ip access-list a permit ip src 10.0.0.0/8 dest any\n"
                  "ip access-list ab permit ip src any dest any\n"
                  "ip access-list A permit ip src any dest any\n"
                  "no ip route 10.0.0.0/8\n"
                  "no ip access-list a\n",
                  "ip route 10.0.0.0/16 10.0.0.1\n"
                  "!\n"
                  "ip access-list ab permit ip src any dest any\n"
                  "ip access-list A permit ip src any dest any\n");
    assert_prints("ikev2 profile p\n"
                  "  local-ts 10.0.0.0/8\n"
                  "  local-ts 10.0.0.0/8 protocol 6\n"
                  "  local-ts 10.0.0.0/8 protocol 6 port 80\n"
                  "  remote-ts 10.0.0.0/8 protocol 6\n"
                  "  no local-ts 10.0.0.0/8 protocol 6\n",
                  "ikev2 profile p\n  local-ts 10.0.0.0/8\n  remote-ts 10.0.0.0/8 protocol 6\n");
}

static void a_line_that_begins_a_longer_one_stands_beside_it(void **state)
{
    (void)state;
    assert_prints("ikev2 profile p\n"
                  "  local-ts 10.0.0.0/8 protocol 6\n"
                  "  local-ts 10.0.0.0/8\n"
                  "  local-ts 10.0.0.0/8 protocol 6\n",
                  "ikev2 profile p\n  local-ts 10.0.0.0/8 protocol 6\n  local-ts 10.0.0.0/8\n");
}

static void values_that_differ_only_in_case_are_one_key_where_case_means_nothing(void **state)
{
    (void)state;
    assert_prints("ikev2 authentication psk id fqdn GW.example key char one\n"
                  "ikev2 authentication psk id fqdn gw.EXAMPLE key char two\n"
                  "ikev2 authentication psk id keyid A key char three\n"
                  "ikev2 authentication psk id keyid a key char four\n"
                  "no ikev2 authentication psk id keyid A\n",
                  "ikev2 authentication psk id fqdn gw.EXAMPLE key char two\n"
                  "ikev2 authentication psk id keyid a key char four\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_lines_take_few_comparisons_however_many_settings_there_are),
        cmocka_unit_test(no_lines_take_away_what_they_name_and_nothing_else),
        cmocka_unit_test(a_no_line_without_arguments_takes_away_all_that_begin_with_it),
        cmocka_unit_test(a_line_that_begins_a_longer_one_stands_beside_it),
        cmocka_unit_test(values_that_differ_only_in_case_are_one_key_where_case_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
