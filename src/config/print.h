/*
 * Prints a config as the running-config: each setting in canonical form and place, foreign lines verbatim in
 * theirs. What is printed reads back as the same config.
 */
#ifndef MUSUBI_CONFIG_PRINT_H
#define MUSUBI_CONFIG_PRINT_H

#include <stdio.h>

#include "config/model.h"

/* Secrets are printed for the administrator only; else as asterisks, and of foreign lines, which may hold
 * some too, only the leading keywords (S18). */
enum print_secrets { SECRETS_HIDDEN, SECRETS_SHOWN };

void config_print(const struct config *config, enum print_secrets secrets, FILE *out);

#endif
