/*
 * `musubi check`: reads a config without root and without a daemon, and reports its errors and warnings. It
 * uses the code that musubid uses, so musubid starts with any config that it accepts. It adds the warnings of
 * check/lint.h.
 */
#ifndef MUSUBI_CHECK_CHECK_H
#define MUSUBI_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/diagnostic.h"

/* In order of gravity: the result for several files is the largest one. */
enum check_result {
    CHECK_GOOD,       /* no errors; there may be warnings */
    CHECK_WRONG,      /* errors: musubid would refuse the config */
    CHECK_UNREADABLE, /* the file can't be read */
};

/* Reads a config from `length` octets of text, which may be any octets. Adds errors and warnings to
 * `diagnostics`, in the order of the lines. False if there is an error; running out of memory is one. */
bool check_text(const char *text, size_t length, struct diagnostics *diagnostics);

/* True, with an error that says so, if a text is a config of strongSwan and none of Musubi. `path` is the
 * file that it is from, or NULL. */
bool check_is_of_strongswan(const char *text, size_t length, const char *path,
                            struct diagnostics *diagnostics);

/* What is in the file at `path`, as configuration_read_file has it, which the caller wipes and frees. NULL if
 * it can't be read: then one line on `errors` says why. */
char *check_read(const char *path, size_t *length, FILE *errors);

/* Reads a config from the file at `path` and prints errors and warnings to `out`, as diagnostics_print does.
 * If the file can't be read, one line on `errors` says why. */
enum check_result check_file(const char *path, FILE *out, FILE *errors);

#endif
