/*
 * What `musubi check --pair` finds out about two tunnels: sentences, each of one end, with the lines of that
 * end's file that it speaks of. Most are the engine's own warnings, word for word.
 */
#ifndef MUSUBI_CHECK_PAIR_FINDING_H
#define MUSUBI_CHECK_PAIR_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FINDING_LINES_MAX = 12 };

enum finding_kind {
    FINDING_FAILURE,   /* why it does not connect */
    FINDING_NOTE,      /* it connects all the same */
    FINDING_UNCHECKED, /* what could not be looked at, and why */
};

struct pair_finding {
    enum finding_kind kind;
    unsigned end;                      /* 0 or 1: of the pair */
    bool is_log;                       /* as the log of that end has it */
    char *text;                        /* from malloc; one line */
    uint32_t lines[FINDING_LINES_MAX]; /* in the order of the text, each once */
    size_t line_count;
};

/* Zeroed: none. */
struct pair_findings {
    struct pair_finding *items;
    size_t count, capacity;
    bool failed; /* memory ran out */
};

void pair_findings_free(struct pair_findings *findings);

/* Moves those from number `from` on before the others. */
void pair_findings_put_first(struct pair_findings *findings, size_t from);

/* Leaves the first `count` findings. */
void pair_findings_cut(struct pair_findings *findings, size_t count);

/* Adds a finding with a text as of printf, unless it is there already. `lines` has the lines of the end's
 * file, 0 being none. */
__attribute__((format(printf, 6, 7))) void pair_findings_add(struct pair_findings *findings,
                                                             enum finding_kind kind, unsigned end,
                                                             const uint32_t *lines, size_t line_count,
                                                             const char *format, ...);

/* Adds a warning of the engine of that end, unless it is there already. Its lines are those that it names. */
void pair_findings_add_log(struct pair_findings *findings, enum finding_kind kind, unsigned end,
                           const char *text, size_t length);

/* True if there is one of that kind; of that end, if `end` is 0 or 1. */
bool pair_findings_have(const struct pair_findings *findings, enum finding_kind kind, unsigned end);

#endif
