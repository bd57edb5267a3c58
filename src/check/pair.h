/*
 * `musubi check --pair`: whether the tunnels of several configs that face each other would connect, found out
 * by having them connect: with the real engine, on virtual time, without a daemon or a network.
 */
#ifndef MUSUBI_CHECK_PAIR_H
#define MUSUBI_CHECK_PAIR_H

#include <stddef.h>
#include <stdio.h>

#include "check/check.h"

enum pair_form {
    PAIR_TEXT,
    PAIR_JSON, /* as docs/check-pair.md describes it */
};

/*
 * Checks the files at `paths`, two or more, and prints to `out` what comes of each pair of tunnels.
 * CHECK_GOOD if there are pairs and all of them connect; CHECK_WRONG if a pair does not, there is none, or a
 * file has errors. CHECK_UNREADABLE if a file can't be read or memory ran out: then one line on `errors` says
 * so, and nothing is printed to `out`.
 */
enum check_result pair_check(char *const *paths, size_t count, enum pair_form form, FILE *out, FILE *errors);

#endif
