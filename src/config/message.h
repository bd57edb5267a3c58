/*
 * The message for a line that did not match the command table: which word did not fit, and what was expected.
 */
#ifndef MUSUBI_CONFIG_MESSAGE_H
#define MUSUBI_CONFIG_MESSAGE_H

#include "config/match.h"

enum { MESSAGE_SIZE = 512 };

struct match_message {
    char text[MESSAGE_SIZE];
    size_t column,
        span; /* octets before the word, and its length; if one is missing, the end of the line and 0 */
    size_t secret_from; /* octets before the first word that may be a secret; SIZE_MAX if there is none */
};

/* Writes the message for a match that failed. It quotes no secret (S18). */
void match_message(const struct match *m, const struct words *words, struct match_message *out);

/* True if the word that did not fit is close to a keyword that was expected, and so most likely mistyped. */
bool match_was_slip(const struct match *m, const struct words *words);

#endif
