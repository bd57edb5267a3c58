/*
 * Properties: a random config, printed and parsed, is the same config; and no text crashes parser, printer,
 * prompt or help.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/help.h"
#include "config/parse.h"
#include "config/pattern.h"
#include "config/print.h"
#include "config/value.h"

enum { CONFIGS = 300, TEXTS = 2000, LINES_MAX = 30 };

/* xorshift64*: the same numbers on every machine. A test that fails prints its seed. */
static uint64_t random_state;

static uint32_t pick(uint32_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

static void seed(uint64_t number)
{
    random_state = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static const struct {
    const char *type;
    const char *words[4];
} samples[] = {
    {"ports", {"80", "1-65535", "0", "500-500"}},
    {"address", {"10.0.0.1", "2001:db8::1", "::", "255.255.255.255"}},
    {"address4", {"10.0.0.1", "192.0.2.7", "0.0.0.0", "203.0.113.250"}},
    {"address6", {"2001:db8::1", "::1", "fe80::1", "2001:DB8:0:0:1::9"}},
    {"prefix", {"10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "10.1.2.3/32"}},
    {"prefix4", {"10.0.0.0/8", "192.168.1.254/24", "0.0.0.0/0", "10.1.2.3/32"}},
    {"prefix6", {"2001:db8::/32", "::/0", "2001:db8::1/128", "fe80::1/64"}},
    {"range",
     {"10.0.0.1-10.0.0.9", "2001:db8::1-2001:db8::ff", "0.0.0.0-255.255.255.255", "10.0.0.1-10.0.0.1"}},
    {"interface", {"GigaEthernet0.0", "GigaEthernet2:1.1", "Tunnel0.0", "Loopback7.3"}},
    {"device", {"GigaEthernet0", "GigaEthernet1", "GigaEthernet2", "GigaEthernet30"}},
    {"linux", {"eth0", "enp0s31f6", "wan", "lan.100"}},
    {"name", {"a", "prof1", "拠点1", "\"two words\""}},
    {"text", {"x", "\"\"", "\"a  b\"", "拠点"}},
    {"fqdn", {"gw.example.com", "a", "x-1.example", "GW.Example.COM"}},
    {"host", {"gw.example.com", "b.example", "x-1.example", "3com.example"}},
    {"mail", {"a@b", "user@example.com", "u@x.example", "\"a b@c\""}},
    {"keyid", {"site1", "拠点", "\"a b\"", "any"}},
    {"secret", {"secret", "\"a \\\" b\"", "key", "\"\\\\ \""}},
    {"hex", {"00", "0xABCDEF", "deadbeef", "0123"}},
};

static const char *sample(const struct argument *argument)
{
    static char number[16];
    if (strcmp(argument->type->name, "number") == 0) {
        char *dash;
        uint64_t low = strtoull(argument->limits, &dash, 10);
        uint64_t high = strtoull(dash + 1, NULL, 10);
        uint64_t chosen =
            pick(4) == 0 ? high : low + pick((uint32_t)(high - low < 5000 ? high - low + 1 : 5000));
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)chosen);
        return number;
    }
    size_t count = 0;
    while (argument->type->word != NULL && argument->type->word(count) != NULL)
        count++;
    if (count > 0)
        return argument->type->word(pick((uint32_t)count));
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        if (strcmp(samples[i].type, argument->type->name) == 0)
            return samples[i].words[pick(4)];
    }
    fail_msg("no samples of %s", argument->type->name);
    return "";
}

/* Writes a random line of a row. */
static void write_line(FILE *out, const struct command *row, enum command_mode mode)
{
    (void)fputs(mode == MODE_GLOBAL ? "" : "  ", out);
    if (row->kind == KIND_TOGGLE && pick(2) == 0)
        (void)fputs("no ", out);
    (void)fputs(command_prefix(row, mode), out);
    const char *at = row->pattern;
    for (size_t words = 0;; words++) {
        struct pattern_alternatives next;
        pattern_expect(at, &next);
        if (next.count == 0 || (next.end && (words > 8 || pick(3) == 0)))
            break;
        const char *element = next.element[pick((uint32_t)next.count)];
        if (element_is_argument(element)) {
            struct argument argument = element_argument(element);
            (void)fprintf(out, "%s%s", words == 0 ? "" : " ", sample(&argument));
        } else {
            (void)fprintf(out, "%s%.*s", words == 0 ? "" : " ", (int)keyword_length(element), element);
        }
        at = pattern_after(element);
    }
    (void)fputc('\n', out);
}

static const struct command *random_row(unsigned modes)
{
    const struct command *row;
    do
        row = &command_table[pick(COMMAND_COUNT)];
    while ((row->modes & modes) == 0);
    return row;
}

static const char *const foreign_lines[] = {
    "lldp enable", "ip ospf cost 5", "ppp binding isp", "encapsulation  pppoe", "vrrp ip 1 enable",
};

static void write_section(FILE *out)
{
    static const struct {
        const char *header;
        enum command_mode mode;
    } sections[] = {
        {"ikev2 default-profile", MODE_DEFAULT_PROFILE},
        {"ikev2 profile p", MODE_PROFILE},
        {"device GigaEthernet0", MODE_DEVICE},
        {"interface GigaEthernet0.0", MODE_PORT},
        {"interface Loopback0.0", MODE_LOOPBACK},
        {"interface Tunnel0.0", MODE_TUNNEL},
        {"interface Tunnel1.0", MODE_TUNNEL},
        {"interface BVI1", MODE_EXEC},
        {"router bgp 1", MODE_EXEC},
    };
    size_t chosen = pick(sizeof sections / sizeof *sections);
    enum command_mode mode = sections[chosen].mode;
    (void)fprintf(out, "%s\n", sections[chosen].header);
    bool takes_foreign = (mode & (MODE_INTERFACE | MODE_DEVICE | MODE_EXEC)) != 0;
    for (uint32_t lines = pick(12); lines > 0; lines--) {
        if (takes_foreign && (mode == MODE_EXEC || pick(5) == 0))
            (void)fprintf(out, "  %s\n", foreign_lines[pick(5)]);
        else if (mode != MODE_EXEC)
            write_line(out, random_row((unsigned)mode), mode);
    }
}

static char *random_config(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    for (uint32_t parts = pick(LINES_MAX); parts > 0; parts--) {
        const struct command *row = random_row(MODE_GLOBAL);
        if (row->kind == KIND_SECTION || pick(2) == 0)
            write_section(out);
        else if (pick(8) == 0)
            (void)fprintf(out, "%s\n", foreign_lines[pick(5)]);
        else
            write_line(out, row, MODE_GLOBAL);
    }
    (void)fclose(out);
    return text;
}

static bool same_line(const struct command_line *a, const struct command_line *b)
{
    if (a->row != b->row || a->negated != b->negated || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(line_word_at(a, i), line_word_at(b, i)) != 0)
            return false;
    }
    return true;
}

static bool same_sections(const struct section *a, const struct section *b)
{
    const struct setting *s = a->first;
    const struct setting *t = b->first;
    for (; s != NULL && t != NULL; s = s->next, t = t->next) {
        if ((s->foreign == NULL) != (t->foreign == NULL) || (s->under == NULL) != (t->under == NULL) ||
            s->foreign_under != t->foreign_under)
            return false;
        if (s->foreign != NULL && strcmp(s->foreign, t->foreign) != 0)
            return false;
        if (s->foreign == NULL && !same_line(&s->line, &t->line))
            return false;
        if (s->under != NULL && !same_sections(s->under, t->under))
            return false;
    }
    return s == NULL && t == NULL;
}

static void a_random_config_printed_and_parsed_is_the_same(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < CONFIGS; number++) {
        seed(number);
        char *text = random_config();
        struct reading first = read_text(text);
        if (first.config == NULL)
            fail_msg("config %llu is refused:\n%s\n%s", (unsigned long long)number, first.said, text);
        char *running = printed(first.config);
        struct reading second = read_text(running);
        if (second.config == NULL ||
            !same_sections(config_global(first.config), config_global(second.config)))
            fail_msg("config %llu:\n%s\nprints as:\n%s\n%s", (unsigned long long)number, text, running,
                     second.said);
        reading_free(&second);
        reading_free(&first);
        free(running);
        free(text);
    }
}

static void a_random_config_resolves(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < CONFIGS; number++) {
        seed(number);
        char *text = random_config();
        struct resolution r = resolve_text(text);
        resolution_free(&r);
        free(text);
    }
}

/* Cut anywhere, or with any octet changed, a config is accepted or refused with an error. */
static void broken_configs_are_accepted_or_refused_with_an_error(void **state)
{
    (void)state;
    char *text = read_file("language/everything.cfg");
    size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut += 7) {
        struct reading r = read_octets(text, cut);
        reading_free(&r);
    }
    for (uint64_t number = 0; number < TEXTS / 4; number++) {
        seed(number);
        char *broken = malloc(length);
        memcpy(broken, text, length);
        for (uint32_t changes = 1 + pick(8); changes > 0; changes--)
            broken[pick((uint32_t)length)] = (char)pick(256);
        struct reading r = read_octets(broken, length);
        if (r.config != NULL)
            free(printed(r.config));
        reading_free(&r);
        free(broken);
    }
    free(text);
}

static const char *const pieces[] = {
    "ikev2",     "interface", "Tunnel0.0", "no",     "default", "exit",   "peer", "any",  "authentication",
    "psk",       "id",        "keyid",     "\"",     "!",       "\n",     "\n  ", "\n\t", "default-profile",
    "profile",   "p",         "dpd",       "off",    "ip",      "route",  "10.",  "::",   "/24",
    "255.1.1.1", "\x01",      "\xff\xfe",  "鍵",     "-",       "BVI1",   "\\",   "\"\"", "sa-proposal",
    "enc",       "aes",       "hostname",  "router", "bgp",     "device", "\r\n", "{",    "<a:b>",
};

static void random_text_never_crashes(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < TEXTS; number++) {
        seed(number);
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        for (uint32_t count = pick(200); count > 0; count--) {
            if (pick(10) == 0)
                (void)fputc((int)pick(256), out);
            else
                (void)fprintf(out, "%s%s", pieces[pick(sizeof pieces / sizeof *pieces)],
                              pick(4) == 0 ? "" : " ");
        }
        (void)fclose(out);
        struct reading first = read_octets(text, length);
        if (first.config != NULL) {
            char *running = printed(first.config);
            struct reading second = read_text(running);
            bool whole = memchr(text, '\0', length) == NULL;
            if (whole && (second.config == NULL ||
                          !same_sections(config_global(first.config), config_global(second.config))))
                fail_msg("text %llu:\n%s\nprints as:\n%s\n%s", (unsigned long long)number, text, running,
                         second.said);
            reading_free(&second);
            free(running);
        }
        reading_free(&first);
        free(text);
    }
}

static void random_lines_at_the_prompt_never_crash(void **state)
{
    (void)state;
    struct config *config = config_new();
    struct config_cursor cursor = {0};
    static struct help help;
    for (uint64_t number = 0; number < TEXTS * 4; number++) {
        seed(number);
        char line[300] = "";
        for (uint32_t count = pick(9); count > 0; count--)
            (void)snprintf(line + strlen(line), sizeof line - strlen(line), "%s ",
                           pieces[pick(sizeof pieces / sizeof *pieces)]);
        struct diagnostics diagnostics = {0};
        enum prompt_outcome outcome = config_apply_line(config, &cursor, line, &diagnostics);
        assert_true(outcome != PROMPT_REFUSED || diagnostics.errors == 1);
        diagnostics_free(&diagnostics);
        struct match_scope scope = config_cursor_scope(&cursor);
        help_find(&scope, config, line, &help);
        struct exec_command command;
        char error[EXEC_ERROR_SIZE];
        if (exec_parse(line, &command, error))
            exec_free(&command);
    }
    char *running = printed(config);
    struct reading r = read_text(running);
    if (r.config == NULL)
        fail_msg("what the prompt left is refused:\n%s\n%s", r.said, running);
    reading_free(&r);
    free(running);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_config_printed_and_parsed_is_the_same),
        cmocka_unit_test(a_random_config_resolves),
        cmocka_unit_test(broken_configs_are_accepted_or_refused_with_an_error),
        cmocka_unit_test(random_text_never_crashes),
        cmocka_unit_test(random_lines_at_the_prompt_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
