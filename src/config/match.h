/*
 * Finds the row of the command table that a line matches. It follows all rows of the given modes at the same
 * time, word by word. A keyword may be abbreviated as long as only one keyword fits (S12).
 */
#ifndef MUSUBI_CONFIG_MATCH_H
#define MUSUBI_CONFIG_MATCH_H

#include "config/line.h"
#include "config/pattern.h"
#include "config/value.h"

/* Where and how a line is read. */
struct match_scope {
    enum command_mode mode;  /* the sub-mode, or MODE_GLOBAL, or MODE_EXEC */
    unsigned beyond;         /* modes whose commands are allowed here too: MODE_GLOBAL in sub-modes */
    bool first_word_in_full; /* it can't be abbreviated, as in a file */
    bool may_negate;         /* `no` or `default` may come first; then arguments may be missing */
};

enum match_result {
    MATCH_FOUND,
    MATCH_UNKNOWN,   /* a word is no keyword here, and does not look like an expected value */
    MATCH_AMBIGUOUS, /* a word abbreviates several keywords */
    MATCH_WRONG,     /* a word looks like an expected value, but is wrong */
    MATCH_MISSING,   /* the line ends too early */
    MATCH_EXTRA,     /* the line goes on where it should end */
    MATCH_CONTROL,   /* the line matches, but has control octets in it */
};

/* How far the words so far lead in the pattern of one row. IN_PREFIX, AT_PREFIX and NO_PARENT are in
 * match.c. */
struct match_state {
    uint16_t row;     /* enum command_id */
    uint16_t parent;  /* the index of the state before the last word; or NO_PARENT */
    uint16_t element; /* offset in the pattern of the last word's element; or IN_PREFIX */
    uint16_t at;      /* offset in the pattern of what comes next; or AT_PREFIX */
};

enum { MATCH_STATES_MAX = 1536 };

/* The result, and all states on the way to it; about 20 KiB, fit for the stack. */
struct match {
    struct match_scope scope;
    enum match_result result;
    size_t word;               /* index of the word that did not fit; the number of words if one is missing */
    size_t known;              /* how many words at the start of the line are keywords */
    bool negated;              /* `no` or `default` */
    bool defaulted;            /* `default` */
    const struct command *row; /* MATCH_FOUND */
    char complaint[COMPLAINT_SIZE]; /* MATCH_WRONG */
    size_t first, count;            /* the states after the last word that fitted */
    size_t used;                    /* of `state` */
    struct match_state state[MATCH_STATES_MAX];
};

/* Matches a line, and fills in `m`. With MATCH_FOUND, the line in canonical form is written to `draft`,
 * unless that is NULL. */
void match_words(const struct match_scope *scope, const struct words *words, struct match *m,
                 struct line_draft *draft);

/* Calls `expects` for each element that may follow the words that fitted, with its row, and with NULL for
 * each row whose line may end there. The same keyword may come several times. It may be the `ikev2` before
 * policy rows. */
typedef void match_expects(void *context, const char *element, const struct command *row);
void match_expected(const struct match *m, match_expects *expects, void *context);

/* Matches only the first `count` words, for match_expected. False if they don't fit. */
bool match_start_of(const struct match_scope *scope, const struct words *words, size_t count,
                    struct match *m);

#endif
