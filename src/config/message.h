/*
 * Says in words why a line did not match the command table: which word, and what was expected there instead.
 */
#ifndef MUSUBI_CONFIG_MESSAGE_H
#define MUSUBI_CONFIG_MESSAGE_H

#include "config/match.h"

enum { MESSAGE_SIZE = 512 };

struct match_message {
    char text[MESSAGE_SIZE];
    size_t column, span; /* octets of the line: where the word stands; the line's end if one is missing */
    size_t secret_from;  /* octets of the line from which on it may hold secrets; beyond its end: none */
};

/* For a match that failed. Nothing secret is quoted (S18). */
void match_message(const struct match *m, const struct words *words, struct match_message *out);

/* The index of the first word that may be a secret; the number of words if there is none. */
size_t first_secret_word(const struct words *words);

/* True if the word that failed is near to a keyword that was expected: most likely a slip. */
bool match_was_slip(const struct match *m, const struct words *words);

#endif
