/*
 * Errors and warnings about a config, in a list of bounded size. A config with an error is refused as a whole
 * (S15).
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
    uint32_t line;   /* 1-based; 0: the whole file, or a line typed at the prompt */
    uint32_t column; /* 1-based, in characters; 0: the whole line */
    char *message;   /* one line, without a full stop */
    char
        *excerpt; /* the source line and a line with a caret under the word, each with its newline; or NULL */
};

/* At most this many of each severity are kept; the others are only counted. */
enum { DIAGNOSTICS_KEPT = 10000 };

/* A zeroed list is empty; diagnostics_free when done. */
struct diagnostics {
    struct diagnostic *items; /* in the order in which they were added */
    size_t count, capacity;
    size_t errors, warnings; /* added, kept or not */
    size_t left_out;         /* added, but not kept */
};

/* Empties the list and frees its memory. */
void diagnostics_free(struct diagnostics *list);

/* Adds an error or a warning, with a message as of printf. `excerpt` is from malloc or NULL, and the list
 * owns it from here on. */
__attribute__((format(printf, 6, 7))) void diagnostics_add(struct diagnostics *list, enum severity severity,
                                                           uint32_t line, uint32_t column, char *excerpt,
                                                           const char *format, ...);

/* Adds a warning about a place in the config. `line` is UINT32_MAX for a line typed at the prompt, which has
 * no place. */
__attribute__((format(printf, 4, 5))) void diagnostics_warn_at(struct diagnostics *list, uint32_t line,
                                                               uint32_t column, const char *format, ...);

/* Sorts the list by line. Diagnostics of one line keep their order. */
void diagnostics_sort(struct diagnostics *list);

/* Writes each as "FILE:LINE:COL: error: MESSAGE" with its excerpt, without the parts that are 0 or NULL, and
 * says how many were not kept. `file` may be NULL. */
void diagnostics_print(const struct diagnostics *list, const char *file, FILE *out);

/* The first error, or the first warning if there is none; NULL if the list is empty. */
const struct diagnostic *diagnostics_first(const struct diagnostics *list);

/*
 * An excerpt for diagnostics_add, from malloc; NULL if memory ran out. It shows the source line (`length`
 * octets, no NUL needed) and under it a caret for the word of `span` octets that `column` octets precede. A
 * long line is cut to what fits a screen around that word. Octets from `secret_from` up to, not including,
 * `secret_to` are shown as asterisks.
 */
char *excerpt_of(const char *line, size_t length, size_t column, size_t span, size_t secret_from,
                 size_t secret_to);

#endif
