/*
 * A fresh network namespace for each test, which goes with the process or with the next one.
 */
#ifndef MUSUBI_TESTS_NETNS_H
#define MUSUBI_TESTS_NETNS_H

#include <stdbool.h>

/* cmocka fixture: moves the process to a new network namespace with lo up. Skips the test without root. */
int netns_setup(void **state);

/* Runs a shell command; fails the test if that fails. */
void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True if the shell command succeeds. */
bool succeeds(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The standard output of a shell command, at most 64 KB; valid until the next call. */
const char *output_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
