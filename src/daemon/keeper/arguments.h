/*
 * The command line of musubid.
 */
#ifndef MUSUBI_DAEMON_KEEPER_ARGUMENTS_H
#define MUSUBI_DAEMON_KEEPER_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum exit_status {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
};

/* The texts are those of argv. */
struct arguments {
    const char *config;
    const char *run_directory;
    const char *state_directory;
    const char **ports; /* of --port; malloc'ed */
    size_t port_count;
    bool foreground;
};

/* Reads the command line. False, with the exit status, if there is nothing to run: then all has been printed.
 */
bool arguments_read(int argc, char **argv, struct arguments *out, enum exit_status *status);

void arguments_free(struct arguments *arguments);

#endif
