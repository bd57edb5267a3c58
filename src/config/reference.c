#include "config/reference.h"

#include <string.h>

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
     "`ikev2` before it. For each setting the Tunnel counts first, then the profile bound to it, then the\n"
     "default profile."},
};

static const struct {
    enum setting_kind kind;
    const char *text;
} kinds[] = {
    {KIND_SINGLE, "A later line replaces an earlier one."},
    {KIND_KEYED, "A later line replaces one for the same."},
    {KIND_LIST, "Several lines add up."},
    {KIND_SET, "Several lines add up; `off`, where there is one, and others replace each other."},
    {KIND_OPTIONS, "Options on several lines add up; `off` and others replace each other."},
    {KIND_TOGGLE, "`no` says the opposite; `default` says neither."},
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

void syntax_print(const struct command *row, FILE *out)
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

/* The ranges of the numbers in a pattern, each label once. */
static void print_ranges(const struct command *row, FILE *out)
{
    char said[128] = "";
    const char *at = row->pattern;
    while ((at = strchr(at, '<')) != NULL) {
        struct argument argument = element_argument(at);
        at = pattern_after(at);
        char shape[HELP_WORD_SIZE + 1];
        (void)argument_shape(&argument, shape);
        if (argument.limits[0] == '\0' || strstr(said, shape) != NULL ||
            strlen(said) + strlen(shape) >= sizeof said)
            continue;
        (void)strcat(said, shape);
        int length = (int)strcspn(argument.limits, ">");
        const char *dash = strchr(argument.limits, '-');
        int low = (int)(dash - argument.limits);
        (void)fprintf(out, " %s: %.*s to %.*s.", shape, low, argument.limits, length - low - 1, dash + 1);
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
    syntax_print(row, out);
    (void)fprintf(out, "`\n\n%s.", row->help);
    print_ranges(row, out);
    const char *kind = kind_text(row->kind);
    if (kind != NULL)
        (void)fprintf(out, " %s", kind);
    if (row->modes == MODE_TUNNEL)
        (void)fputs(" Tunnel interfaces only.", out);
    if (row->not_yet)
        (void)fputs(" *Accepted, but without effect yet.*", out);
    (void)fputc('\n', out);
}

/* The chapter of a row: the first that holds all of its modes. */
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
        "This page is made from the command table (`ninja -C build commands.md`): do not edit it.\n\n"
        "Words in capitals are arguments, `{a|b}` is one of several, `[a]` may be left out, `…` repeats.\n"
        "Keywords may be abbreviated as long as only one fits, but the first word of a line in a file is\n"
        "written in full. `no COMMAND` and `default COMMAND` remove a setting, and may leave arguments\n"
        "out.\n",
        out);
    for (size_t chapter = 0; chapter < sizeof chapters / sizeof *chapters; chapter++) {
        (void)fprintf(out, "\n## %s\n\n%s\n", chapters[chapter].title, chapters[chapter].text);
        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            if (chapter_of(&command_table[i]) == chapter)
                print_row(&command_table[i], out);
        }
    }
}
