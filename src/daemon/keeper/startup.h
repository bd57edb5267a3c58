/*
 * The start as the operator sees it: the process that was started waits until the daemon is ready or has
 * failed, so that its exit status tells, and the reason of a failure is on its standard error.
 */
#ifndef MUSUBI_DAEMON_KEEPER_STARTUP_H
#define MUSUBI_DAEMON_KEEPER_STARTUP_H

#include <stdbool.h>

#include "daemon/keeper/arguments.h"

/* Says why the start fails: "musubid: " and what printf would print. Returns false, so that a failing
 * function can end with it. */
__attribute__((format(printf, 1, 2))) bool startup_failed(const char *format, ...);

/*
 * From here on what is written to standard output and error is lost if nobody reads it, instead of waited
 * for: a terminal or a pipe that stands still must not stop the keeper. Whoever else has them is not
 * concerned, since they are opened anew. Sockets, which can't be, stay as they are.
 */
void startup_lose_unread_output(void);

/* Undoes that, for a start that fails with much to say; SIGTERM and SIGINT end it. */
void startup_await_readers(void);

/*
 * Goes on in a new process, whose standard error is still the terminal's; *told is for startup_done. In the
 * process that was started it returns false when the daemon is ready or has ended, with the exit status.
 */
bool startup_detach(int *told, enum exit_status *status);

/* The daemon is ready: tells so and lets go of the terminal. */
void startup_done(int told);

#endif
