/*
 * Which failures the log has told of, so that one that comes again and again is told once, counted, and told
 * again each hour with the count. What is kept has a fixed size: of more failures the oldest are forgotten.
 */
#ifndef MUSUBI_IKE_SA_REPEATED_FAILURES_H
#define MUSUBI_IKE_SA_REPEATED_FAILURES_H

#include "base/deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAILURE_LOG_SILENCE = 3600000 }; /* milliseconds between two lines of the same failure */

/* A failure that was told. All zero: the place is free. */
struct told_failure {
    uint64_t hash; /* of its text */
    msec_t time;   /* when it was told last */
    uint32_t more; /* how often it has come since */
};

/*
 * Notes a failure with this text in `told`, which has `size` places. True if the log is to tell of it now;
 * `*more` is how often it has come since it was told last, 0 if it is new.
 */
bool repeated_failure_is_told(struct told_failure *told, size_t size, const char *text, msec_t now,
                              uint32_t *more);

/* True if the log has told of a failure with this text, and does not tell of it again at `now`. */
bool repeated_failure_is_known(const struct told_failure *told, size_t size, const char *text, msec_t now);

/* What a line that is told again ends with: "" if `more` is 0, else how often it has come. Returns `out`. */
enum { REPEATED_TEXT_SIZE = 64 };
const char *repeated_failure_text(uint32_t more, char out[REPEATED_TEXT_SIZE]);

#endif
