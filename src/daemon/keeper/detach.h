/*
 * Leaving the terminal: the process that was started waits until the daemon is ready or has failed, so that
 * its exit status tells.
 */
#ifndef MUSUBI_DAEMON_KEEPER_DETACH_H
#define MUSUBI_DAEMON_KEEPER_DETACH_H

#include <stdbool.h>

#include "daemon/keeper/arguments.h"

/*
 * Goes on in a new process, whose standard error is still the terminal's; *told is for detach_finish. In the
 * process that was started it returns false when the daemon is ready or has ended, with the exit status.
 */
bool detach_begin(int *told, enum exit_status *status);

/* The daemon is ready: tells so and lets go of the terminal. */
void detach_finish(int told);

#endif
