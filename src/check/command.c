#include "check/command.h"

#include <errno.h>
#include <string.h>

#include "check/arguments.h"
#include "check/check.h"
#include "check/effective.h"
#include "check/pair.h"

enum { EXIT_DONE = 0, EXIT_FOUND = 1, EXIT_USAGE = 2 };

/* Something that `musubi check` does. */
typedef enum check_result check_run(const struct check_arguments *arguments, FILE *out, FILE *errors);

static bool wants_help(const struct check_arguments *arguments)
{
    return arguments->help;
}

static enum check_result print_usage(const struct check_arguments *arguments, FILE *out, FILE *errors)
{
    (void)arguments, (void)errors;
    check_arguments_print_usage(out);
    return CHECK_GOOD;
}

static bool wants_pairs(const struct check_arguments *arguments)
{
    return arguments->pair;
}

static enum check_result check_pairs(const struct check_arguments *arguments, FILE *out, FILE *errors)
{
    return pair_check(arguments->files, arguments->file_count, arguments->json ? PAIR_JSON : PAIR_TEXT, out,
                      errors);
}

static bool wants_effective(const struct check_arguments *arguments)
{
    return arguments->effective;
}

/* Looks at one file after the other. The result is the gravest. */
static enum check_result look_at_each(const struct check_arguments *arguments,
                                      enum check_result (*look)(const char *path, FILE *out, FILE *errors),
                                      FILE *out, FILE *errors)
{
    enum check_result worst = CHECK_GOOD;
    for (size_t i = 0; i < arguments->file_count; i++) {
        enum check_result result = look(arguments->files[i], out, errors);
        worst = result > worst ? result : worst;
    }
    return worst;
}

static enum check_result check_files(const struct check_arguments *arguments, FILE *out, FILE *errors)
{
    return look_at_each(arguments, check_file, out, errors);
}

static enum check_result print_effective(const struct check_arguments *arguments, FILE *out, FILE *errors)
{
    return look_at_each(arguments, effective_print_file, out, errors);
}

/* The first row holds whose option was given; the last one needs none. */
static const struct {
    bool (*is_wanted)(const struct check_arguments *arguments); /* NULL: always */
    size_t files_min;
    const char *too_few; /* what is said if there are fewer */
    check_run *run;
} actions[] = {
    {wants_help, 0, NULL, print_usage},
    {wants_effective, 1, "which file?", print_effective},
    {wants_pairs, 2, "--pair wants two files or more", check_pairs},
    {NULL, 1, "which file?", check_files},
};

/* By enum check_result. */
static const int exit_status[] = {
    [CHECK_GOOD] = EXIT_DONE, [CHECK_WRONG] = EXIT_FOUND, [CHECK_UNREADABLE] = EXIT_USAGE};

static int run(const struct check_arguments *arguments, FILE *out, FILE *errors)
{
    size_t i = 0;
    while (actions[i].is_wanted != NULL && !actions[i].is_wanted(arguments))
        i++;
    if (arguments->effective && arguments->pair) {
        (void)fprintf(errors, "musubi check: --effective and --pair exclude each other\n");
        return EXIT_USAGE;
    }
    if (arguments->json && !arguments->pair) {
        (void)fprintf(errors, "musubi check: --json belongs to --pair\n");
        return EXIT_USAGE;
    }
    if (arguments->file_count < actions[i].files_min) {
        (void)fprintf(errors, "musubi check: %s\n", actions[i].too_few);
        return EXIT_USAGE;
    }
    return exit_status[actions[i].run(arguments, out, errors)];
}

int check_command(size_t count, char *const *arguments, FILE *out, FILE *errors)
{
    struct check_arguments read;
    int status = check_arguments_read(count, arguments, &read, errors) ? run(&read, out, errors) : EXIT_USAGE;
    check_arguments_free(&read);
    if (fflush(out) != 0 || ferror(out) != 0) {
        (void)fprintf(errors, "musubi check: the output can't be written: %s\n", strerror(errno));
        status = EXIT_USAGE;
    }
    return status;
}
