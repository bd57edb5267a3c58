/*
 * Errors and warnings about single lines, from files and from the prompt.
 */
#ifndef MUSUBI_CONFIG_REPORT_H
#define MUSUBI_CONFIG_REPORT_H

#include "config/diagnostic.h"
#include "config/match.h"

/* Adds the error for a line that did not match, with an excerpt that points at the word. `number` is the
 * line's, 0 at the prompt; here and below. */
void report_match(struct diagnostics *diagnostics, const char *line, size_t length, uint32_t number,
                  const struct match *m, const struct words *words);

/* Adds warnings about a line that was applied: it has no effect yet, or has a key that can't be read. */
void report_applied(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct command_line *applied, const struct words *words);

/* Adds the warning about a foreign line (S14). It shows the leading keywords, of which `known` matched, but
 * no arguments, which may be secret. */
void report_foreign(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct words *words, size_t known);

#endif
