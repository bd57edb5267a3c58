/*
 * A fresh network namespace for each test, which goes with the process or with the next one.
 */
#ifndef MUSUBI_TESTS_NETNS_H
#define MUSUBI_TESTS_NETNS_H

#include <stdbool.h>

/* True if this process may make namespaces; else prints that its tests are skipped, in TAP, for main to
 * return 0 (cmocka takes a skip in a fixture for a failure). */
bool netns_is_possible(void);

/* cmocka fixture: moves the process to a new network namespace with lo up. */
int netns_setup(void **state);

/* A shell command made as by printf; valid until the next call. */
const char *command_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Run such a command: the test fails if it does; true if it succeeds; its standard output, at most 64 KB and
 * valid until the next call. */
#define run(...)       run_command(command_of(__VA_ARGS__))
#define succeeds(...)  command_succeeds(command_of(__VA_ARGS__))
#define output_of(...) command_output(command_of(__VA_ARGS__))

void run_command(const char *command);
bool command_succeeds(const char *command);
const char *command_output(const char *command);

#endif
