#include "config/reference.h"

#include <string.h>

#include "config/command.h"
#include "config/help.h"
#include "config/pattern.h"
#include "config/value.h"

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
    if (row->not_yet)
        (void)fputs(
            row->modes == MODE_EXEC ? " *Not supported yet.*" : " *Accepted, but without effect yet.*", out);
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

void reference_print(FILE *out)
{
    (void)fputs(
        "# Commands\n\n"
        "`make docs` writes this page from the command table: do not edit it.\n\n"
        "Words in capitals are arguments, `{a|b}` is one of several, `[a]` may be left out, `…` repeats.\n"
        "Keywords may be abbreviated as long as only one fits, but the first word of a line in a file is\n"
        "written in full. `no COMMAND` and `default COMMAND` remove a setting; arguments may be left out\n"
        "there.\n",
        out);
    for (size_t chapter = 0; chapter < sizeof chapters / sizeof *chapters; chapter++) {
        (void)fprintf(out, "\n## %s\n\n%s\n", chapters[chapter].title, chapters[chapter].text);
        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            if (chapter_of(&command_table[i]) == chapter)
                print_row(&command_table[i], out);
        }
    }
}
