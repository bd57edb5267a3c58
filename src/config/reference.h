/*
 * Prints the command reference, docs/commands.md, from the command table.
 */
#ifndef MUSUBI_CONFIG_REFERENCE_H
#define MUSUBI_CONFIG_REFERENCE_H

#include <stdio.h>

/* Writes all of it, in Markdown. */
void reference_print(FILE *out);

#endif
