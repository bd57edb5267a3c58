/*
 * The arguments of `musubi check`: options, which are rows of one table, and files.
 */
#ifndef MUSUBI_CHECK_ARGUMENTS_H
#define MUSUBI_CHECK_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct check_arguments {
    bool effective; /* --effective */
    bool help;      /* --help */
    bool pair;      /* --pair */
    bool json;      /* --json: only with --pair */
    char **files;   /* malloc'ed; the names are argv's */
    size_t file_count;
};

/*
 * Reads the arguments behind `musubi check`. Options may stand before, between and behind the files; what
 * follows `--` is files. False, with one line on `errors` that says why, if an option is not known or memory
 * ran out. check_arguments_free when done, in either case.
 */
bool check_arguments_read(size_t count, char *const *arguments, struct check_arguments *out, FILE *errors);
void check_arguments_free(struct check_arguments *arguments);

/* Writes how `musubi check` is called, with each option. */
void check_arguments_print_usage(FILE *out);

#endif
