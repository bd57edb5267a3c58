/*
 * Errors and warnings about single lines, from files and from the prompt.
 */
#ifndef MUSUBI_CONFIG_REPORT_H
#define MUSUBI_CONFIG_REPORT_H

#include "config/diagnostic.h"
#include "config/match.h"
#include "config/section.h"

/* Adds the error for a line that did not match, with an excerpt that points at the word; it says where the
 * line belongs if it stands in the wrong place. `number` is the line's, 0 at the prompt; here and below. */
void report_match(struct diagnostics *diagnostics, const char *line, size_t length, uint32_t number,
                  const struct match *m, const struct words *words);

/* The message about `ikev2 profile NAME` among the lines of a Tunnel, a format for NAME twice. */
#define PROFILE_IN_TUNNEL                                                                                    \
    "this opens the profile `%.40s` and ends the lines of the Tunnel: a profile is bound with `ikev2 "       \
    "binding %.40s`"

/* Adds warnings about a line that was applied: it has no effect yet, or has a key that can't be read. */
void report_applied(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct command_line *applied, const struct words *words);

/* Warns of a key for an ID that had another one, by the setting `old`, which may be NULL. To be called before
 * the line is applied. */
void report_replaced_key(struct diagnostics *diagnostics, const char *line, uint32_t number,
                         const struct setting *old, const struct command_line *applied,
                         const struct words *words);

/* What became of a line that Musubi does not handle (S14). */
enum foreign_fate {
    FOREIGN_KEPT,
    FOREIGN_LEFT_OUT, /* an operating command, which is no part of a config */
};

/* Adds the warning about a foreign line. It shows the leading keywords, of which `known` matched, but no
 * arguments, which may be secret. `place` says where the line would be one of ours; or NULL. */
void report_foreign(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct words *words, size_t known, enum foreign_fate fate, const char *place);

#endif
