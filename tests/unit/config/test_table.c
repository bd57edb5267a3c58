/* The command table: every row can be parsed, can be distinguished from the others, and has help. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "config/help.h"
#include "config/match.h"
#include "config/pattern.h"
#include "config/value.h"

static const enum command_mode modes[] = {MODE_EXEC,   MODE_GLOBAL, MODE_DEFAULT_PROFILE, MODE_PROFILE,
                                          MODE_DEVICE, MODE_PORT,   MODE_LOOPBACK,        MODE_TUNNEL};

static const char *pattern(size_t id)
{
    return command_table[id].pattern;
}

static void every_row_has_a_pattern_and_help(void **state)
{
    (void)state;
    for (size_t id = 0; id < COMMAND_COUNT; id++) {
        assert_non_null(pattern(id));
        assert_true(strlen(command_table[id].help) > 3);
        assert_int_not_equal(command_table[id].modes, 0);
        bool exec = (command_table[id].modes & MODE_EXEC) != 0;
        assert_int_equal(exec, command_table[id].kind == KIND_NONE);
        assert_true(pattern_head(pattern(id)) > 0);
    }
}

static void brackets_pair_and_types_are_known(void **state)
{
    (void)state;
    for (size_t id = 0; id < COMMAND_COUNT; id++) {
        char open[32];
        size_t depth = 0;
        for (const char *at = pattern(id); *at != '\0'; at++) {
            if (*at == '{' || *at == '[')
                open[depth++] = *at;
            if (*at == '}' || *at == ']')
                assert_int_equal(open[--depth], *at == '}' ? '{' : '[');
            if (*at != '<')
                continue;
            struct argument argument = element_argument(at);
            if (argument.type == NULL)
                fail_msg("%s: unknown type", at);
            bool number = strcmp(argument.type->name, "number") == 0;
            assert_int_equal(number, argument.limits[0] != '\0');
        }
        assert_int_equal(depth, 0);
    }
}

struct seen {
    size_t elements;
    bool ends;
};

static void count_way(void *context, const char *element, const struct command *row)
{
    (void)row;
    struct seen *seen = context;
    seen->elements++;
    seen->ends = seen->ends || element == NULL;
}

static void no_place_has_more_alternatives_than_there_is_room_for(void **state)
{
    (void)state;
    for (size_t id = 0; id < COMMAND_COUNT; id++) {
        for (const char *at = pattern(id); *at != '\0'; at++) {
            struct pattern_alternatives next;
            if (at != pattern(id) && at[-1] != ' ' && at[-1] != '{' && at[-1] != '|' && at[-1] != '[')
                continue;
            pattern_expect(at, &next);
            assert_true(next.count < PATTERN_ALTERNATIVES_MAX);
        }
    }
}

/* The keywords at the start of a row match no other row. */
static void the_head_of_a_row_is_enough_to_match_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        for (size_t id = 0; id < COMMAND_COUNT; id++) {
            const struct command *row = &command_table[id];
            if ((row->modes & (unsigned)modes[i]) == 0 || id == COMMAND_IKEV2_PEER)
                continue;
            char line[128] = "";
            (void)snprintf(line, sizeof line, "%s", command_prefix(row, modes[i]));
            const char *at = row->pattern;
            for (size_t word = 0; word < pattern_head(row->pattern); word++) {
                (void)snprintf(line + strlen(line), sizeof line - strlen(line), "%.*s ",
                               (int)keyword_length(at), at);
                at = pattern_after(at) + 1;
            }
            struct match_scope scope = {.mode = modes[i], .beyond = modes[i] == MODE_EXEC ? 0 : MODE_GLOBAL};
            struct words words;
            struct match m;
            struct seen seen = {0};
            words_split(line, strlen(line), &words);
            assert_true(match_start_of(&scope, &words, words.count, &m));
            for (size_t s = m.first; s < m.first + m.count; s++)
                assert_int_equal(m.state[s].row, id);
            match_expected(&m, count_way, &seen);
            assert_true(seen.elements > 0 || seen.ends);
        }
    }
}

static void a_keyword_of_several_rows_has_its_own_help(void **state)
{
    (void)state;
    for (size_t id = 0; id < COMMAND_COUNT; id++) {
        for (size_t other = id + 1; other < COMMAND_COUNT; other++) {
            size_t length = keyword_length(pattern(id));
            bool shared = (command_table[id].modes & command_table[other].modes) != 0 &&
                          keyword_length(pattern(other)) == length &&
                          memcmp(pattern(id), pattern(other), length) == 0;
            const char *help = keyword_help(&command_table[id], pattern(id));
            if (shared && help == command_table[id].help)
                fail_msg("`%.*s` is explained by one row alone", (int)length, pattern(id));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_pattern_and_help),
        cmocka_unit_test(brackets_pair_and_types_are_known),
        cmocka_unit_test(no_place_has_more_alternatives_than_there_is_room_for),
        cmocka_unit_test(the_head_of_a_row_is_enough_to_match_it),
        cmocka_unit_test(a_keyword_of_several_rows_has_its_own_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
