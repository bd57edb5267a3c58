/*
 * Warnings that only `musubi check` gives, not the daemon: what deserves a second look before a config is
 * used. Each is a row of one table: the words of the warning, and the function that looks for it.
 */
#ifndef MUSUBI_CHECK_LINT_H
#define MUSUBI_CHECK_LINT_H

#include "config/diagnostic.h"
#include "daemon/keeper/configuration.h"

/* Adds the warnings about a config to `diagnostics`; none of those that memory did not suffice for. */
void lint_config(const struct configuration *configuration, struct diagnostics *diagnostics);

/* The words of the warning with that number, which have a name in angle brackets for each value ("the peer of
 * <tunnel> …"); NULL behind the last one. For the docs and the tests. */
const char *lint_words(size_t number);

#endif
