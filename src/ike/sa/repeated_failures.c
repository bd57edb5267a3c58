#include "ike/sa/repeated_failures.h"

/* FNV-1a; never 0. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash | 1;
}

bool repeated_failure_is_told(struct told_failure *told, size_t size, const char *text, msec_t now,
                              uint32_t *more)
{
    const uint64_t hash = hash_text(text);
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
