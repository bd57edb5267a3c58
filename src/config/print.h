/*
 * Prints a config as the running-config: settings in canonical form and order, foreign lines as they were
 * written. Parsing the output yields the same config.
 */
#ifndef MUSUBI_CONFIG_PRINT_H
#define MUSUBI_CONFIG_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config/model.h"

/* Secrets are shown only to the administrator. For others they are asterisks, and foreign lines, which may
 * hold secrets too, are cut to their leading keywords (S18). */
enum print_secrets { SECRETS_HIDDEN, SECRETS_SHOWN };

/* Writes the config to `out`. The caller looks for errors of the stream. */
void config_print(const struct config *config, enum print_secrets secrets, FILE *out);

/*
 * Writes what the config has from line `number` of its file, as it is printed, without indentation, and with
 * secrets hidden. False, with "", if there is nothing from that line: a comment, or a line that a later one
 * replaced.
 */
bool config_print_line(const struct config *config, uint32_t number, char out[LINE_PRINTED_SIZE]);

#endif
