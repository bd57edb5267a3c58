/*
 * `musubi check`: what there is to say about a config, without root and without a daemon. It reads a config
 * as musubid does, so that what it accepts starts, and adds what is worth a second look (config/lint.h).
 */
#ifndef MUSUBI_CHECK_CHECK_H
#define MUSUBI_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/diagnostic.h"

/* In order of gravity: of several files, the largest tells of all. */
enum check_result {
    CHECK_GOOD,       /* there may be warnings */
    CHECK_WRONG,      /* there are errors: musubid would refuse it */
    CHECK_UNREADABLE, /* there is nothing to judge */
};

/* Reads a config from text, which may hold anything. What there is to say is added to `diagnostics`, in the
 * order of the lines; false if there is an error, running out of memory included. */
bool check_text(const char *text, size_t length, struct diagnostics *diagnostics);

/* Reads a file and prints what there is to say of it to `out`, as diagnostics_print does. Of a file that
 * can't be read, one line on `errors` says why. */
enum check_result check_file(const char *path, FILE *out, FILE *errors);

#endif
