/*
 * A new network namespace for each test. It disappears with the process, or when the next one is made.
 */
#ifndef MUSUBI_TESTS_NETNS_H
#define MUSUBI_TESTS_NETNS_H

#include <stdbool.h>

/* True if this process may make namespaces. If not, it prints in TAP that the tests are skipped, and main
 * returns 0, since cmocka counts a skip in a fixture as a failure. */
bool netns_is_possible(void);

/* cmocka fixture: moves the process to a new network namespace with lo up. */
int netns_setup(void **state);

/* A shell command, formatted as by printf; valid until the next call. */
const char *command_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Run a command, formatted as by printf. `run` fails the test if the command fails; `succeeds` is true if it
 * succeeds; `output_of` is its standard output, at most 64 KB, valid until the next call. */
#define run(...)       run_command(command_of(__VA_ARGS__))
#define succeeds(...)  command_succeeds(command_of(__VA_ARGS__))
#define output_of(...) command_output(command_of(__VA_ARGS__))

void run_command(const char *command);
bool command_succeeds(const char *command);
const char *command_output(const char *command);

#endif
