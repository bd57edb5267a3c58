/*
 * The command reference, docs/commands.md, as the table has it.
 */
#ifndef MUSUBI_CONFIG_REFERENCE_H
#define MUSUBI_CONFIG_REFERENCE_H

#include <stdio.h>

#include "config/command.h"

/* Writes all of it, in Markdown. */
void reference_print(FILE *out);

/* Writes the syntax of a row as people read it: arguments in capitals, choices in braces, options in
 * brackets. */
void syntax_print(const struct command *row, FILE *out);

#endif
