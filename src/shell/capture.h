/*
 * `debug capture`: musubid hands over a socket that sees the packets between it and a tunnel's peers, and
 * tells the tunnel's keys on demand; the shell reads the one and asks for the other, and writes both to files
 * with the rights of the operator and from where the operator is.
 */
#ifndef MUSUBI_SHELL_CAPTURE_H
#define MUSUBI_SHELL_CAPTURE_H

#include "shell/client.h"

/*
 * Carries out a line if it is `debug capture`; else it returns false, and nothing is done. Prints to `out`
 * and `errors`, and sets `*status` and `*lost`, as client_run does. Ends when the time is over, or by SIGINT,
 * SIGTERM or SIGHUP, which do not end the shell meanwhile.
 */
bool capture_run(struct client *client, const char *line, size_t length, FILE *out, FILE *errors,
                 enum control_status *status, bool *lost);

#endif
