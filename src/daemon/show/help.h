/*
 * The answer to `?`: what may come next in a line, a line each.
 */
#ifndef MUSUBI_DAEMON_SHOW_HELP_H
#define MUSUBI_DAEMON_SHOW_HELP_H

#include "config/help.h"
#include "daemon/ipc/text.h"

/* Appends the words with their help, or that no command begins like this. */
void show_help(const struct help *help, struct text *out);

#endif
