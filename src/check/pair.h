/*
 * `musubi check --pair`: whether the tunnels of several configs that face each other would connect, found out
 * by having them connect: with the real engine, on virtual time, without a daemon or a network.
 */
#ifndef MUSUBI_CHECK_PAIR_H
#define MUSUBI_CHECK_PAIR_H

#include <stddef.h>
#include <stdio.h>

enum pair_form {
    PAIR_TEXT,
    PAIR_JSON, /* as docs/check-pair.md describes it */
};

enum pair_status {
    PAIR_CONNECTS,   /* there are pairs, and all of them connect */
    PAIR_FAILS,      /* a pair does not connect, there is none, or a file has errors */
    PAIR_UNREADABLE, /* a file can't be read */
};

/*
 * Checks the files at `paths`, two or more, and prints to `out` what comes of each pair of tunnels. If a file
 * can't be read, one line on `errors` says why, and nothing is printed to `out`.
 */
enum pair_status pair_check(char *const *paths, size_t count, enum pair_form form, FILE *out, FILE *errors);

#endif
