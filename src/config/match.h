/*
 * Finds the row of the command table that a line is written by. All rows of the given modes are followed side
 * by side, word by word; keywords may be abbreviated as long as only one keyword fits (S12).
 */
#ifndef MUSUBI_CONFIG_MATCH_H
#define MUSUBI_CONFIG_MATCH_H

#include "config/line.h"
#include "config/pattern.h"
#include "config/value.h"

/* Where and how a line is read. */
struct match_scope {
    enum command_mode mode;  /* the sub-mode, or MODE_GLOBAL, or MODE_EXEC */
    unsigned beyond;         /* modes whose commands are understood here too: MODE_GLOBAL in sub-modes */
    bool first_word_in_full; /* as in a file */
    bool may_negate; /* `no` and `default` may stand before a command, and then arguments be missing */
};

enum match_result {
    MATCH_FOUND,
    MATCH_UNKNOWN,   /* a word is no keyword here, nor like a value that is wanted */
    MATCH_AMBIGUOUS, /* a word abbreviates several keywords */
    MATCH_WRONG,     /* a word looks like the value that is wanted and is wrong */
    MATCH_MISSING,   /* the line ends too early */
    MATCH_EXTRA,     /* the line goes on where it should end */
    MATCH_CONTROL,   /* the line is right but for control octets in it */
};

/* A place in a pattern that the words so far have led to. */
struct match_state {
    uint16_t row;
    uint16_t parent;  /* the state one word before */
    uint16_t element; /* the last word's, in the pattern; or IN_PREFIX */
    uint16_t at;      /* where to go on in the pattern; or AT_PREFIX */
};

enum { MATCH_STATES_MAX = 1536 };

/* Everything about one line's way through the table; about 20 KiB, fit for the stack. */
struct match {
    struct match_scope scope;
    enum match_result result;
    size_t word;                    /* index of the word that failed; the number of words if one is missing */
    size_t known;                   /* words at the start of the line that were keywords */
    bool negated;                   /* `no` or `default` */
    bool defaulted;                 /* it was `default` */
    const struct command *row;      /* MATCH_FOUND */
    char complaint[COMPLAINT_SIZE]; /* MATCH_WRONG */
    size_t first, count;            /* the states reached by the last word that was understood */
    size_t used;
    struct match_state state[MATCH_STATES_MAX];
};

/* Follows the words through the table; `m` is filled in whole. With MATCH_FOUND, and if `draft` is not NULL,
 * the line in canonical form is written there. */
void match_words(const struct match_scope *scope, const struct words *words, struct match *m,
                 struct line_draft *draft);

/* What may follow the words that were understood: calls `found` for each element, with the row it belongs to
 * (several times for the same word), and with NULL where the line may end. A keyword may be the `ikev2` that
 * stands before policy rows. */
typedef void match_way(void *context, const char *element, const struct command *row);
void match_expected(const struct match *m, match_way *found, void *context);

/* Follows only the first `count` words and leaves `m` ready for match_expected. False if they don't fit. */
bool match_start_of(const struct match_scope *scope, const struct words *words, size_t count,
                    struct match *m);

#endif
