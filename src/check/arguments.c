#include "check/arguments.h"

#include <stdlib.h>
#include <string.h>

/* An option that takes no value: it sets a flag of struct check_arguments. */
static const struct {
    const char *name;
    size_t flag; /* its offset */
    const char *help;
} options[] = {
    {"--effective", offsetof(struct check_arguments, effective),
     "print the policy of each Tunnel, with the line of each value"},
    {"--pair", offsetof(struct check_arguments, pair),
     "have the tunnels of two or more FILEs that face each other connect, and tell why if they don't"},
    {"--json", offsetof(struct check_arguments, json),
     "with --pair: print JSON, as docs/check-pair.md describes it"},
    {"--help", offsetof(struct check_arguments, help), "print this and exit"},
};

enum { OPTION_COUNT = sizeof options / sizeof *options };

static bool set_option(struct check_arguments *arguments, const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        *(bool *)((char *)arguments + options[i].flag) = true;
        return true;
    }
    return false;
}

bool check_arguments_read(size_t count, char *const *arguments, struct check_arguments *out, FILE *errors)
{
    bool files_only = false;
    *out = (struct check_arguments){.files = calloc(count + 1, sizeof *out->files)};
    if (out->files == NULL) {
        (void)fprintf(errors, "musubi check: out of memory\n");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        char *argument = arguments[i];
        if (files_only || argument[0] != '-' || argument[1] == '\0') {
            out->files[out->file_count++] = argument;
        } else if (strcmp(argument, "--") == 0) {
            files_only = true;
        } else if (!set_option(out, argument)) {
            (void)fprintf(errors, "musubi check: there is no option %s\n", argument);
            return false;
        }
    }
    return true;
}

void check_arguments_free(struct check_arguments *arguments)
{
    free(arguments->files);
    *arguments = (struct check_arguments){0};
}

void check_arguments_print_usage(FILE *out)
{
    (void)fputs("Usage: musubi check [OPTION]... FILE...\n"
                "Reads configs, and says what is wrong with them. It needs neither root nor a musubid.\n"
                "\n",
                out);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        (void)fprintf(out, "  %-11s  %s\n", options[i].name, options[i].help);
    (void)fputs("\n"
                "The exit status is 1 if a FILE has errors, 2 if a FILE can't be read, the arguments are "
                "wrong, or the\n"
                "output can't be written, and otherwise 0, even if there are warnings. With --pair it is "
                "also 1 if two\n"
                "tunnels that face each other do not connect, or no two do.\n",
                out);
}
