#include "ike/sa/repeated_failures.h"

#include "base/map.h"

#include <stdio.h>

static uint64_t hash_of(const char *text)
{
    return hash_text(HASH_START, text) | 1; /* never 0 */
}

bool repeated_failure_is_known(const struct told_failure *told, size_t size, const char *text, msec_t now)
{
    const uint64_t hash = hash_of(text);
    for (size_t i = 0; i < size; i++) {
        if (told[i].hash == hash && now - told[i].time < FAILURE_LOG_SILENCE)
            return true;
    }
    return false;
}

bool repeated_failure_is_told(struct told_failure *told, size_t size, const char *text, msec_t now,
                              uint32_t *more)
{
    const uint64_t hash = hash_of(text);
    struct told_failure *oldest = &told[0];
    *more = 0;
    for (size_t i = 0; i < size; i++) {
        struct told_failure *t = &told[i];
        if (t->hash == hash && now - t->time < FAILURE_LOG_SILENCE) {
            t->more++;
            return false;
        }
        if (t->hash == hash) {
            *more = t->more;
            oldest = t;
            break;
        }
        if (t->time < oldest->time || t->hash == 0)
            oldest = t;
    }
    *oldest = (struct told_failure){.hash = hash, .time = now};
    return true;
}

const char *repeated_failure_text(uint32_t more, char out[REPEATED_TEXT_SIZE])
{
    out[0] = '\0';
    if (more != 0)
        (void)snprintf(out, REPEATED_TEXT_SIZE, " (and %u times more since this was told last)", more);
    return out;
}
