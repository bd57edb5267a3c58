/*
 * What `musubi check --pair` prints: as text for people, or as JSON.
 */
#ifndef MUSUBI_CHECK_PAIR_REPORT_H
#define MUSUBI_CHECK_PAIR_REPORT_H

#include "check/pair_match.h"
#include "check/pair_play.h"

/* All that there is to tell. */
struct pair_report {
    const struct pair_end *ends;
    size_t end_count;
    const struct pair_list *pairs;
    const struct pair_result *results; /* of each pair */
    bool connects;                     /* there are pairs, all connect, and no file has errors */
};

/* The caller looks for errors of the stream. */
void pair_report_text(const struct pair_report *report, FILE *out);

/* The same as JSON, in the form that docs/check-pair.md describes. False if memory ran out: then it prints
 * nothing of use. */
bool pair_report_json(const struct pair_report *report, FILE *out);

#endif
