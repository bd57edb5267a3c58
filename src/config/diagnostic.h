/*
 * What there is to say about a config: errors, for which the config as a whole is refused (S15), and
 * warnings. Collected in a list of bounded size, in the order found.
 */
#ifndef MUSUBI_CONFIG_DIAGNOSTIC_H
#define MUSUBI_CONFIG_DIAGNOSTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

struct diagnostic {
    enum severity severity;
    uint32_t line;   /* 1-based; 0: the file as a whole, or a line typed at the prompt */
    uint32_t column; /* 1-based, in characters; 0: the line as a whole */
    char *message;   /* one line, without a full stop */
    char *excerpt;   /* the source line and a caret under the word, each ended by a newline; NULL: none */
};

/* No more than this many of either severity are kept; the rest is counted in `left_out`. */
enum { DIAGNOSTICS_KEPT = 10000 };

/* Start with a zeroed one. */
struct diagnostics {
    struct diagnostic *items;
    size_t count, capacity;
    size_t errors, warnings; /* found, whether kept or not */
    size_t left_out;
};

void diagnostics_free(struct diagnostics *list);

/* Appends one, with a printf message. `excerpt` comes from malloc or is NULL, and is owned from here on. */
__attribute__((format(printf, 6, 7))) void diagnostics_add(struct diagnostics *list, enum severity severity,
                                                           uint32_t line, uint32_t column, char *excerpt,
                                                           const char *format, ...);

/* A warning at the place where something was written; `line` UINT32_MAX, for what was typed, is no place. */
__attribute__((format(printf, 4, 5))) void diagnostics_warn_at(struct diagnostics *list, uint32_t line,
                                                               uint32_t column, const char *format, ...);

/* Sorts by line, keeping the order of those of one line. */
void diagnostics_sort(struct diagnostics *list);

/*
 * Writes "FILE:LINE:COL: error: MESSAGE" and the excerpt, leaving out what is 0 or NULL; `file` too may be
 * NULL.
 */
void diagnostic_print(const struct diagnostic *d, const char *file, FILE *out);

/* All of them, and a line about those left out. */
void diagnostics_print(const struct diagnostics *list, const char *file, FILE *out);

/* The first error, or the first warning if there is none; NULL if the list is empty. */
const struct diagnostic *diagnostics_first(const struct diagnostics *list);

/*
 * An excerpt for diagnostics_add: the source line (`length` octets, no NUL needed), cut to what fits a screen
 * around the word of `span` octets at `column` (octets before it), and a caret line. The octets from
 * `secret_from` up to `secret_to` are shown as asterisks; equal values: none. NULL if memory ran out.
 */
char *excerpt_of(const char *line, size_t length, size_t column, size_t span, size_t secret_from,
                 size_t secret_to);

#endif
