/*
 * The shell's side of the control socket: one session with a musubid, see daemon/control_protocol.h.
 */
#ifndef MUSUBI_SHELL_CLIENT_H
#define MUSUBI_SHELL_CLIENT_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/ipc/control_protocol.h"

struct client {
    int fd;
    char prompt[CONTROL_PROMPT_SIZE]; /* for the next line */
    size_t received;
    uint8_t buffer[CONTROL_HEADER_SIZE + CONTROL_CHUNK_MAX];
};

/* Opens a session with the musubid of that run-dir. Says on `errors`, in a line that begins with %, why it
 * can't. */
bool client_open(struct client *client, const char *run_directory, FILE *errors);

/* Runs one command, printing what it prints. CONTROL_LEFT if the session has ended with it. When the daemon
 * goes away meanwhile, `errors` says so and *lost is set. */
enum control_status client_run(struct client *client, const char *line, size_t length, FILE *out,
                               FILE *errors, bool *lost);

/* Ends the session. */
void client_close(struct client *client);

#endif
