/*
 * What parser and prompt report of single lines.
 */
#ifndef MUSUBI_CONFIG_REPORT_H
#define MUSUBI_CONFIG_REPORT_H

#include "config/diagnostic.h"
#include "config/match.h"

/* The error of a line that did not match, with the word that is to blame. `number`: of the line; 0 at the
 * prompt. */
void report_match(struct diagnostics *diagnostics, const char *line, size_t length, uint32_t number,
                  const struct match *m, const struct words *words);

/* Warnings about a line that was applied: what has no effect yet, keys that can't be read. */
void report_applied(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct command_line *applied, const struct words *words);

/* The warning that a foreign line deserves (S14): its leading keywords, of which `known` matched, but none of
 * its arguments. */
void report_foreign(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct words *words, size_t known);

#endif
