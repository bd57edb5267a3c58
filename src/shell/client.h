/*
 * The shell's side of the control socket: one session with a musubid. See daemon/ipc/control_protocol.h.
 */
#ifndef MUSUBI_SHELL_CLIENT_H
#define MUSUBI_SHELL_CLIENT_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/ipc/control_protocol.h"

/* Seconds after which a daemon that does not answer is given up. */
enum { CLIENT_PATIENCE = 5 };

struct client {
    int fd;                           /* -1: closed */
    char prompt[CONTROL_PROMPT_SIZE]; /* for the next line */
    int descriptor;                   /* that the daemon has handed over; -1: none */
    size_t received;                  /* octets in `buffer` */
    uint8_t buffer[CONTROL_HEADER_SIZE + CONTROL_CHUNK_MAX];
};

/* Opens a session with the musubid of a run directory; client_close when done. If it can't, it writes the
 * reason to `errors`, in a line that begins with %, and returns false; the client is then closed. */
bool client_open(struct client *client, const char *run_directory, FILE *errors);

/*
 * Runs one command (`length` octets), with the file that it names: the octets at `file`, or none if that is
 * NULL. Prints its output to `out`, and what a command that failed prints to
 * `errors`. CONTROL_LEFT if the command ended the session. If the daemon goes away meanwhile, or does not
 * answer, `*lost` is set and a line on `errors` says so.
 */
enum control_status client_run(struct client *client, const char *line, size_t length,
                               const struct octets *file, FILE *out, FILE *errors, bool *lost);

/* The descriptor that the daemon has handed over with its last answer; the caller owns it. -1: none. */
int client_take_descriptor(struct client *client);

/* Ends the session. Does nothing if it is closed. */
void client_close(struct client *client);

#endif
