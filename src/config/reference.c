#include "config/reference.h"

#include <string.h>

#include "config/command.h"
#include "config/help.h"
#include "config/host_settings.h"
#include "config/pattern.h"
#include "config/resolve.h"
#include "config/value.h"
#include "crypto/key_exchange.h"

static const struct {
    unsigned modes;
    const char *title;
    const char *text;
} chapters[] = {
    {MODE_EXEC, "Operating commands", "At the prompt `Router#`."},
    {MODE_GLOBAL, "Config mode", "In a config file, and at the prompt `Router(config)#`."},
    {MODE_DEVICE, "Devices", "Under `device GigaEthernetN`."},
    {MODE_INTERFACE, "Interfaces", "Under `interface …`, of any kind unless said otherwise."},
    {MODE_POLICY, "Policy",
     "Under `ikev2 default-profile` and `ikev2 profile NAME` as written here; under `interface TunnelN.M` "
     "with\n"
     "`ikev2` before it. Each setting is taken from the Tunnel, else from the profile bound to it, else from "
     "the\n"
     "default profile."},
};

static const struct {
    enum setting_kind kind;
    const char *text;
} kinds[] = {
    {KIND_SINGLE, "A later line replaces an earlier one."},
    {KIND_KEYED, "A later line replaces an earlier one for the same subject."},
    {KIND_LIST, "Several lines add up."},
    {KIND_SET, "Several lines add up; `off`, where there is one, and other words replace each other."},
    {KIND_OPTIONS, "Options on several lines add up; `off` and others replace each other."},
    {KIND_TOGGLE, "`no` says the opposite; `default` removes the line."},
    {KIND_SECTION, "Opens a sub-mode, which ends at the next command of config mode or at `exit`."},
};

static void print_argument(const struct argument *argument, FILE *out)
{
    char shape[HELP_WORD_SIZE];
    if (argument->type->word == NULL) {
        (void)fputs(argument_shape(argument, shape), out);
        return;
    }
    const char *word;
    for (size_t i = 0; (word = argument->type->word(i)) != NULL; i++)
        (void)fprintf(out, "%s%s", i == 0 ? "{" : "|", word);
    (void)fputc('}', out);
}

/* Writes the syntax of a row for people: arguments in capitals, choices in braces, options in brackets. */
static void print_syntax(const struct command *row, FILE *out)
{
    for (const char *at = row->pattern; *at != '\0';) {
        if (!element_is_argument(at)) {
            if (*at != '!')
                (void)fputc(*at, out);
            at++;
            continue;
        }
        struct argument argument = element_argument(at);
        print_argument(&argument, out);
        at = pattern_after(at);
        if (strncmp(at, "...", 3) == 0) {
            (void)fputs("…", out);
            at += 3;
        }
    }
}

/* True if the pattern has an argument with the same label before the place `before`. */
static bool said_before(const struct command *row, const char *before, const struct argument *argument)
{
    for (const char *at = row->pattern; (at = strchr(at, '<')) != before; at = pattern_after(at)) {
        struct argument earlier = element_argument(at);
        if (earlier.label_length == argument->label_length &&
            memcmp(earlier.label, argument->label, argument->label_length) == 0)
            return true;
    }
    return false;
}

/* Writes the ranges of the numbers in a pattern, each label once. */
static void print_ranges(const struct command *row, FILE *out)
{
    for (const char *at = row->pattern; (at = strchr(at, '<')) != NULL; at = pattern_after(at)) {
        struct argument argument = element_argument(at);
        if (argument.limits[0] == '\0' || said_before(row, at, &argument))
            continue;
        char shape[HELP_WORD_SIZE];
        int length = (int)strcspn(argument.limits, ">");
        int low = (int)strcspn(argument.limits, "-");
        (void)fprintf(out, " %s: %.*s to %.*s.", argument_shape(&argument, shape), low, argument.limits,
                      length - low - 1, argument.limits + low + 1);
    }
}

static const char *kind_text(enum setting_kind kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].kind == kind)
            return kinds[i].text;
    }
    return NULL;
}

static void print_row(const struct command *row, FILE *out)
{
    (void)fputs("\n### `", out);
    print_syntax(row, out);
    (void)fprintf(out, "`\n\n%s.", row->help);
    print_ranges(row, out);
    const char *kind = kind_text(row->kind);
    if (kind != NULL)
        (void)fprintf(out, " %s", kind);
    if (row->modes == MODE_TUNNEL)
        (void)fputs(" Tunnel interfaces only.", out);
    (void)fputc('\n', out);
}

/* The chapter of a row: the first that has all of its modes. */
static size_t chapter_of(const struct command *row)
{
    for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++) {
        if ((row->modes & ~chapters[i].modes) == 0)
            return i;
    }
    return sizeof chapters / sizeof *chapters;
}

/* ---- Defaults -------------------------------------------------------------------------------------- */

/* Writes a row of the table: a list of algorithms, and what else is in it. */
static void print_algorithms(FILE *out, const char *command, algorithm_set set, const char *(*word)(size_t),
                             const char *more)
{
    const char *before = "";
    (void)fprintf(out, "| `%s` | ", command);
    for (size_t row = 0; set >> row != 0; row++) {
        if (!algorithm_set_has(set, row))
            continue;
        (void)fprintf(out, "%s%s", before, word(row));
        before = ", ";
    }
    (void)fprintf(out, "%s |\n", more);
}

static void print_default(FILE *out, const char *command, const char *text)
{
    (void)fprintf(out, "| `%s` | %s |\n", command, text);
}

static const char *on_or_off(bool on)
{
    return on ? "on" : "off";
}

static void print_defaults_of_negotiation(FILE *out, const struct tunnel_policy *policy)
{
    print_algorithms(out, "sa-proposal enc", policy->ike.encryption, encryption_word, "");
    print_algorithms(out, "sa-proposal integrity", policy->ike.integrity, integrity_word, "");
    print_algorithms(out, "sa-proposal prf", policy->ike.prf, prf_word, "");
    print_algorithms(out, "sa-proposal dh", policy->ike.dh, key_exchange_word, "");
    print_algorithms(out, "child-proposal enc", policy->child.encryption, encryption_word, "");
    print_algorithms(out, "child-proposal integrity", policy->child.integrity, integrity_word, "");
    print_algorithms(out, "child-pfs", policy->child.pfs, key_exchange_word,
                     policy->child.pfs_none ? ", or a rekey without PFS" : "");
    (void)fprintf(out, "| `sa-lifetime` | %u seconds |\n", policy->sa_lifetime);
    (void)fprintf(out, "| `child-lifetime` | %u seconds |\n", policy->child_lifetime);
    print_default(out, "connect-type", policy->connect_type == CONNECT_AUTO ? "auto" : "trigger");
    print_default(out, "negotiation-direction", policy->direction == NEGOTIATE_BOTH ? "both" : "one");
    print_default(out, "dpd", policy->dpd_interval == 0 ? "off" : "on");
    (void)fprintf(out, "| `nat-traversal` | %s; where it is on, `keepalive %u` |\n",
                  on_or_off(policy->nat_traversal), policy->nat_keepalive);
    print_default(out, "local-authentication id", "the address from which this end sends");
    print_default(out, "cert weak-allowed", on_or_off(policy->weak_certificates));
    print_default(out, "local-ts, remote-ts", policy->local_ts_count == 0 ? "any" : "some");
}

static void print_defaults_of_packets(FILE *out, const struct tunnel_policy *policy)
{
    print_default(out, "anti-replay", on_or_off(policy->anti_replay));
    print_default(out, "ipsec pre-fragment", on_or_off(policy->pre_fragment));
    print_default(out, "ipsec mtu ignore", on_or_off(policy->mtu_ignore));
    print_default(out, "ipsec-mode", "tunnel");
    print_default(out, "outgoing-interface, source-address",
                  policy->outgoing == OUTGOING_ROUTED && policy->source_kind == SOURCE_ANY ? "none" : "set");
    print_default(out, "suppress send-delete, suppress send-rekey",
                  on_or_off(policy->suppress_delete || policy->suppress_rekey));
    (void)fprintf(out,
                  "| `ip mtu`, `ipv6 mtu` of a Tunnel | %d octets; how much of it fits a path: "
                  "[sizes.md](sizes.md) |\n",
                  TUNNEL_MTU_DEFAULT);
}

static void print_defaults(FILE *out)
{
    const struct tunnel_policy policy = policy_default();
    (void)fputs(
        "\n## Defaults\n\n"
        "Of a Tunnel for which nothing else is said. Of algorithms all are offered, strongest first;\n"
        "`dpd` and `nat-traversal` have to be switched on.\n\n"
        "| setting | default |\n| --- | --- |\n",
        out);
    print_defaults_of_negotiation(out, &policy);
    print_defaults_of_packets(out, &policy);
}

void reference_print(FILE *out)
{
    (void)fputs(
        "# Commands\n\n"
        "`make docs` writes this page from the command table: do not edit it.\n\n"
        "Words in capitals are arguments, `{a|b}` is one of several, `[a]` may be left out, `…` repeats.\n"
        "Keywords may be abbreviated as long as only one fits, but the first word of a line in a file is\n"
        "written in full. `no COMMAND` and `default COMMAND` remove a setting; arguments may be left out\n"
        "there. What holds where nothing is said stands at the end, under [Defaults](#defaults).\n"
        "[certificates.md](certificates.md) has the `pki` and `cert` commands in use, step by step.\n",
        out);
    for (size_t chapter = 0; chapter < sizeof chapters / sizeof *chapters; chapter++) {
        (void)fprintf(out, "\n## %s\n\n%s\n", chapters[chapter].title, chapters[chapter].text);
        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            if (chapter_of(&command_table[i]) == chapter)
                print_row(&command_table[i], out);
        }
    }
    print_defaults(out);
}
