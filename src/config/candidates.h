/*
 * How well a word fits the elements that a pattern expects at its place. The best fit wins: an exact keyword
 * beats an abbreviated one, and that beats an argument that takes any word.
 */
#ifndef MUSUBI_CONFIG_CANDIDATES_H
#define MUSUBI_CONFIG_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/value.h"
#include "config/words.h"

/* From worst to best. */
enum grade {
    GRADE_NONE,
    GRADE_WRONG,  /* looks like a value of the argument's type, but is wrong */
    GRADE_FREE,   /* an argument that takes any word */
    GRADE_PREFIX, /* abbreviates the keyword */
    GRADE_VALUE,  /* a value of the argument's type */
    GRADE_EXACT,  /* the keyword in full */
};

/* An element that the word may stand for. */
struct candidate {
    enum grade grade;
    uint16_t state; /* the caller's number for where the element was expected */
    const char *element;
    const char *keyword; /* GRADE_PREFIX: the whole keyword */
    size_t keyword_length;
};

enum { CANDIDATES_MAX = 512 };

/* About 20 KiB, fit for the stack. */
struct candidates {
    size_t count;
    enum grade best;                /* also GRADE_WRONG, of which no candidate is kept */
    char complaint[COMPLAINT_SIZE]; /* of the first element that was GRADE_WRONG */
    struct candidate item[CANDIDATES_MAX];
};

/* Makes the list empty. */
void candidates_start(struct candidates *list);

/* Adds the element, a place in a pattern, if the word fits it. */
void candidates_add(struct candidates *list, const struct word *word, uint16_t state, const char *element);

/* True if the word abbreviates several different keywords. */
bool candidates_are_ambiguous(const struct candidates *list);

/* True if a candidate has this grade. */
bool candidates_have_grade(const struct candidates *list, enum grade grade);

/* Compares a word with a keyword of `length` octets: GRADE_EXACT, GRADE_PREFIX or GRADE_NONE. Case does not
 * count. */
enum grade keyword_grade(const struct word *word, const char *keyword, size_t length);

#endif
