/*
 * The keeper: the process that the operator starts. It holds the config, the keys, all that is asked of
 * Linux, and the control socket, and has the engine and the path do the rest.
 */
#ifndef MUSUBI_DAEMON_KEEPER_KEEPER_H
#define MUSUBI_DAEMON_KEEPER_KEEPER_H

#include "daemon/keeper/arguments.h"

/* Runs until it is told to stop, or fails. Returns the exit status; the reason of a failure is on standard
 * error or, once it has left the terminal, in the log. */
enum exit_status keeper_run(const struct arguments *arguments);

#endif
