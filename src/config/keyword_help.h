/*
 * One line of help for each keyword of the command language.
 */
#ifndef MUSUBI_CONFIG_KEYWORD_HELP_H
#define MUSUBI_CONFIG_KEYWORD_HELP_H

#include "config/command.h"

/*
 * Help for the keyword at `element`, a place in the row's pattern, or the `ikev2` before it: the keyword's
 * own if it has one, else what the row is for.
 */
const char *keyword_help(const struct command *row, const char *element);

#endif
