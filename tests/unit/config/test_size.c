/* Configs of a million lines, of one endless line, of binary octets: parsing takes time linear in their size.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/parse.h"

enum { SMALL = 10000, FACTOR = 4 };

/* Writes line `number` of a shape. */
typedef void write_line(FILE *out, size_t number);

static void write_routes(FILE *out, size_t n)
{
    (void)fprintf(out, "ip route 10.%zu.%zu.%zu/32 192.0.2.1\n", n >> 16 & 255, n >> 8 & 255, n & 255);
}

static void write_foreign(FILE *out, size_t n)
{
    (void)fprintf(out, "snmp-agent line %zu\n", n);
}

static void write_tunnels(FILE *out, size_t n)
{
    static const char *const lines[] = {"  tunnel mode ipsec-ikev2", "  ip mtu 1400", "  no shutdown"};
    if (n % 4 == 0)
        (void)fprintf(out, "interface Tunnel%zu.0\n", n / 4);
    else
        (void)fprintf(out, "%s\n", lines[n % 4 - 1]);
}

static void write_one_setting(FILE *out, size_t n)
{
    (void)fprintf(out, n % 2 == 0 ? "ikev2 default-profile\n" : "  sa-proposal enc 3des aes-cbc-256\n");
}

static void write_two_rows_by_turns(FILE *out, size_t n)
{
    if (n % 2 == 0)
        (void)fprintf(out, "ip access-list a permit ip src 10.0.%zu.%zu/32 dest any\n", n >> 8 & 255,
                      n & 255);
    else
        (void)fprintf(out, "ip route 10.0.0.%zu/32 192.0.2.%zu\n", n & 255, n >> 8 & 255);
}

static void write_foreign_values(FILE *out, size_t n)
{
    if (n == 0)
        (void)fputs("interface Tunnel0.0\n", out);
    static const char *const lines[] = {"  tunnel mode gre", "  lldp enable", "  tunnel mode ipsec-ikev2"};
    (void)fprintf(out, "%s\n", lines[n % 3]);
}

static void write_set_and_unset(FILE *out, size_t n)
{
    (void)fprintf(out, n % 2 == 0 ? "ip route 10.0.0.0/8 192.0.2.1\n" : "no ip route 10.0.0.0/8\n");
}

static void write_errors(FILE *out, size_t n)
{
    (void)n;
    (void)fputs("ikev2 defualt-profile\n", out);
}

/* Processor seconds to read so many lines of a shape. */
static double time_to_read(write_line *write, size_t lines)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    for (size_t n = 0; n < lines; n++)
        write(out, n);
    (void)fclose(out);
    struct diagnostics diagnostics = {0};
    clock_t start = clock();
    struct config *config = config_parse(text, length, &diagnostics);
    clock_t end = clock();
    config_free(config);
    diagnostics_free(&diagnostics);
    free(text);
    return (double)(end - start) / CLOCKS_PER_SEC;
}

static double best_of_three(write_line *write, size_t lines)
{
    double best = time_to_read(write, lines);
    for (size_t i = 0; i < 2; i++) {
        double again = time_to_read(write, lines);
        best = again < best ? again : best;
    }
    return best;
}

static void four_times_the_lines_take_about_four_times_as_long(void **state)
{
    (void)state;
    static write_line *const shapes[] = {
        write_routes,         write_foreign,       write_tunnels, write_one_setting, write_two_rows_by_turns,
        write_foreign_values, write_set_and_unset, write_errors,
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double few = best_of_three(shapes[i], SMALL);
        double many = best_of_three(shapes[i], (size_t)FACTOR * SMALL);
        /* Quadratic time would be sixteen times as long. */
        if (many > 2.2 * FACTOR * few)
            fail_msg("shape %zu: %d lines take %.3f s, %d lines %.3f s", i, SMALL, few, FACTOR * SMALL, many);
    }
}

static void assert_answers(const char *text, size_t length)
{
    struct reading r = read_octets(text, length);
    assert_true(r.config != NULL || r.diagnostics.errors > 0);
    assert_true(strlen(r.said) < 2000);
    reading_free(&r);
}

static void an_endless_line_yields_short_diagnostics(void **state)
{
    (void)state;
    enum { LENGTH = 20000000 };
    char *text = malloc(LENGTH);
    memset(text, 'a', LENGTH);
    assert_answers(text, LENGTH);
    memcpy(text, "ikev2 profile ", 14);
    assert_answers(text, LENGTH);
    for (size_t i = 15; i < LENGTH; i += 2)
        text[i] = ' ';
    assert_answers(text, LENGTH);
    memset(text, ' ', LENGTH);
    assert_answers(text, LENGTH);
    memset(text, '\t', LENGTH);
    text[LENGTH - 1] = 'x';
    assert_answers(text, LENGTH);
    memset(text, 0, LENGTH);
    assert_answers(text, LENGTH);
    free(text);
}

static void diagnostics_beyond_the_limit_are_counted(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    for (size_t n = 0; n < DIAGNOSTICS_KEPT + 5; n++)
        write_foreign(out, n);
    (void)fclose(out);
    struct reading r = read_text(text);
    assert_int_equal(r.diagnostics.count, DIAGNOSTICS_KEPT);
    assert_int_equal(r.diagnostics.warnings, DIAGNOSTICS_KEPT + 5);
    assert_contains(r.said, "FILE: 5 more are not shown");
    reading_free(&r);
    free(text);
}

static void too_many_lines_are_refused(void **state)
{
    (void)state;
    enum { LENGTH = 2 * (CONFIG_LINES_MAX + 1) };
    char *text = malloc(LENGTH);
    for (size_t i = 0; i < LENGTH; i += 2)
        memcpy(text + i, "!\n", 2);
    struct reading enough = read_octets(text, LENGTH - 2);
    assert_string_equal(enough.said, "");
    reading_free(&enough);
    struct reading r = read_octets(text, LENGTH);
    assert_null(r.config);
    assert_string_equal(r.said, "FILE:2000001: error: a config may have 2000000 lines at most\n");
    reading_free(&r);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_times_the_lines_take_about_four_times_as_long),
        cmocka_unit_test(an_endless_line_yields_short_diagnostics),
        cmocka_unit_test(diagnostics_beyond_the_limit_are_counted),
        cmocka_unit_test(too_many_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
