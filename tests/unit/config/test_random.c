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
    {"device", {"GigaEthernet0", "GigaEthernet0.0", "GigaEthernet2:1", "GigaEthernet30.100"}},
    {"hop6", {"2001:db8::1", "fe80::1%GigaEthernet0.0", "FE80::2%gi0.1", "::%Tunnel0.0"}},
    {"linux", {"eth0", "enp0s31f6", "wan", "lan.100"}},
    {"name", {"a", "prof1", "拠点1", "\"two words\""}},
    {"text", {"x", "\"\"", "\"a  b\"", "拠点"}},
    {"fqdn", {"gw.example.com", "a", "x-1.example", "GW.Example.COM"}},
    {"host", {"gw.example.com", "b.example", "x-1.example", "3com.example"}},
    {"mail", {"a@b", "user@example.com", "u@x.example", "\"a b@c\""}},
    {"dn", {"CN=a", "\"C=JP, O=Example, CN=site 1\"", "/C=JP/CN=b", "cn=A"}},
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
        if (s->foreign != NULL && (s->foreign_length != t->foreign_length ||
                                   memcmp(s->foreign, t->foreign, s->foreign_length) != 0))
            return false;
        if (s->foreign == NULL && !same_line(&s->line, &t->line))
            return false;
        if (s->under != NULL && !same_sections(s->under, t->under))
            return false;
    }
    return s == NULL && t == NULL;
}

/* Fails unless the config, printed and parsed, is the same, and prints the same. */
static void assert_reads_back(const char *kind, uint64_t number, const struct config *config)
{
    char *running = printed(config);
    size_t length = printed_length;
    struct reading second = read_octets(running, length);
    if (second.config == NULL || !same_sections(config_global(config), config_global(second.config)))
        fail_msg("%s %llu prints as:\n%s\nwhich is read otherwise:\n%s\n%s", kind, (unsigned long long)number,
                 running, second.config == NULL ? "" : printed(second.config), second.said);
    char *again = printed(second.config);
    assert_int_equal(printed_length, length);
    assert_memory_equal(again, running, length);
    free(again);
    reading_free(&second);
    free(running);
}

/* Fails unless the text is refused, or reads back as it prints. */
static void assert_stable(const char *kind, uint64_t number, const char *text, size_t length)
{
    struct reading first = read_octets(text, length);
    if (first.config != NULL)
        assert_reads_back(kind, number, first.config);
    reading_free(&first);
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
        assert_reads_back("config", number, first.config);
        reading_free(&first);
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
        assert_stable("broken config", number, broken, length);
        free(broken);
    }
    free(text);
}

static const char *const pieces[] = {
    "ikev2",
    "interface",
    "Tunnel0.0",
    "no",
    "default",
    "exit",
    "peer",
    "any",
    "authentication",
    "psk",
    "id",
    "keyid",
    "\"",
    "!",
    "\n",
    "\n  ",
    "\n\t",
    "default-profile",
    "profile",
    "p",
    "dpd",
    "off",
    "ip",
    "route",
    "10.",
    "::",
    "/24",
    "255.1.1.1",
    "\x01",
    "\xff\xfe",
    "鍵",
    "-",
    "BVI1",
    "\\",
    "\"\"",
    "sa-proposal",
    "enc",
    "aes",
    "hostname",
    "router",
    "bgp",
    "device",
    "\r\n",
    "{",
    "<a:b>",
    "\xef\xbb\xbf",
    "shutdown",
    "description",
    "terminal length 0",
};

static char *random_text(size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    for (uint32_t count = pick(200); count > 0; count--) {
        if (pick(10) == 0)
            (void)fputc((int)pick(256), out);
        else
            (void)fprintf(out, "%s%s", pieces[pick(sizeof pieces / sizeof *pieces)], pick(4) == 0 ? "" : " ");
    }
    (void)fclose(out);
    return text;
}

static void S14_random_text_printed_and_parsed_is_the_same(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < TEXTS; number++) {
        seed(number);
        size_t length;
        char *text = random_text(&length);
        assert_stable("random text", number, text, length);
        free(text);
    }
}

/* Lines that mean something else, or nothing, in other places. */
static const char *const lines[] = {
    "shutdown",
    "no shutdown",
    "exit",
    "end",
    "terminal length 0",
    "ping 10.0.0.1",
    "ip address 10.0.0.1/24",
    "ip address dhcp receive-default",
    "ip mtu 99999",
    "ip mtu",
    "no ip mtu",
    "description \"a\"  b",
    "tunnel mode gre ip",
    "tunnel mode ipsec-ikev2",
    "tunnel mode ipsec",
    "dpd interval 10",
    "ikev2 dpd off",
    "ikev2 binding p",
    "ikev2 profile p",
    "ikev2 default-profile",
    "sa-proposal enc aes-cbc-256",
    "linux-interface eth0",
    "interface Tunnel0.0",
    "interface Tunnel 0.0",
    "interface GigaEthernet0.0",
    "interface BVI1",
    "interface Null0.0",
    "no interface Tunnel0.0",
    "device GigaEthernet0",
    "router bgp 1",
    "ppp profile isp",
    "lldp enable",
    "what ever",
    "ip ufs-cache enable",
    "no ip ufs-cache enable",
    "ip route default 10.0.0.1",
    "ip route default 10.0.0.1 metric 5",
    "hostname a",
    "!",
    "\xef\xbb\xbf"
    "hostname b",
    "\xef\xbb\xbf"
    "lldp enable",
    "",
};

/* Lines in any order, indented in any way. */
static void S14_random_lines_printed_and_parsed_are_the_same(void **state)
{
    (void)state;
    static const char *const indents[] = {
        "", "", "", "  ", "  ", "    ", "\t", "\xef\xbb\xbf", " \xef\xbb\xbf "};
    for (uint64_t number = 0; number < 10 * TEXTS; number++) {
        seed(number);
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        bool flat = pick(3) == 0;
        for (uint32_t count = 1 + pick(14); count > 0; count--)
            (void)fprintf(out, "%s%s\n", flat ? "" : indents[pick(sizeof indents / sizeof *indents)],
                          lines[pick(sizeof lines / sizeof *lines)]);
        (void)fclose(out);
        assert_stable("lines", number, text, length);
        free(text);
    }
}

/* Writes a line of a config, or something like it. */
static void write_mutated(FILE *out, const char *line, size_t length)
{
    size_t blanks = strspn(line, " \t");
    if (pick(8) == 0)
        (void)fprintf(out, "%*s", (int)pick(5), "");
    else
        (void)fwrite(line, 1, blanks < length ? blanks : length, out);
    size_t cut = pick(30) == 0 ? blanks + pick((uint32_t)length + 1) : length;
    for (size_t i = blanks; i < length && i < cut; i++)
        (void)fputc(pick(400) == 0 ? (int)pick(256) : line[i], out);
    if (pick(40) == 0)
        (void)fputs(pieces[pick(sizeof pieces / sizeof *pieces)], out);
    (void)fputc('\n', out);
}

/* Configs of routers whose lines are left out, doubled, moved, indented otherwise, cut and changed. */
static void S14_mutated_router_configs_printed_and_parsed_are_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {
        "language/everything.cfg",
        "routers/01-pppoe-napt-dhcp.cfg",
        "routers/02-dhcp-ikev2-site.cfg",
        "routers/03-ikev1-main-mode-unindented.cfg",
        "routers/13-vlan-unindented.cfg",
        "routers/22-ikev2-unindented-everything.cfg",
        "routers/29-crlf-and-tabs.cfg",
        "routers/30-terminal-session.cfg",
        "routers/35-whole-file-indented.cfg",
    };
    for (uint64_t number = 0; number < TEXTS / 4; number++) {
        seed(number);
        char *text = read_file(names[number % (sizeof names / sizeof *names)]);
        char *mutated = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&mutated, &length);
        for (const char *at = text; *at != '\0';) {
            size_t octets = strcspn(at, "\n");
            const char *other = text + pick((uint32_t)strlen(text));
            if (pick(20) != 0)
                write_mutated(out, at, octets);
            if (pick(20) == 0)
                write_mutated(out, other, strcspn(other, "\n"));
            at += octets + (at[octets] == '\n');
        }
        (void)fclose(out);
        assert_stable("mutated config", number, mutated, length);
        free(mutated);
        free(text);
    }
}

/* What the prompt keeps without effect has none after `write memory` and a restart. */
static void S14_what_the_prompt_keeps_is_read_back_as_the_same(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 5 * TEXTS; number++) {
        seed(number);
        struct config *config = config_new();
        struct config_cursor cursor = {0};
        for (uint32_t count = 1 + pick(12); count > 0; count--) {
            struct diagnostics diagnostics = {0};
            (void)config_apply_line(config, &cursor, lines[pick(sizeof lines / sizeof *lines)], &diagnostics);
            diagnostics_free(&diagnostics);
        }
        assert_reads_back("session", number, config);
        config_free(config);
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
    assert_reads_back("session", 0, config);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_config_printed_and_parsed_is_the_same),
        cmocka_unit_test(a_random_config_resolves),
        cmocka_unit_test(broken_configs_are_accepted_or_refused_with_an_error),
        cmocka_unit_test(S14_random_text_printed_and_parsed_is_the_same),
        cmocka_unit_test(S14_random_lines_printed_and_parsed_are_the_same),
        cmocka_unit_test(S14_mutated_router_configs_printed_and_parsed_are_the_same),
        cmocka_unit_test(S14_what_the_prompt_keeps_is_read_back_as_the_same),
        cmocka_unit_test(random_lines_at_the_prompt_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
