/*
 * `musubi check` as a command: its arguments, and what it is asked to do.
 */
#ifndef MUSUBI_CHECK_COMMAND_H
#define MUSUBI_CHECK_COMMAND_H

#include <stddef.h>
#include <stdio.h>

/* Runs `musubi check` with the arguments behind it. What it finds goes to `out`; why it can't read its
 * arguments or a file goes to `errors`. Returns the exit status, as check_arguments_print_usage tells it. */
int check_command(size_t count, char *const *arguments, FILE *out, FILE *errors);

#endif
