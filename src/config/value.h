/*
 * The types of arguments in patterns, as rows of a table: how a word is read, its canonical form, and its
 * line of help.
 */
#ifndef MUSUBI_CONFIG_VALUE_H
#define MUSUBI_CONFIG_VALUE_H

#include <stddef.h>

#include "config/interface_name.h"
#include "config/words.h"

/* Octets for the canonical form of any word with its NUL. No form is longer than the longest line. */
enum { VALUE_TEXT_SIZE = LINE_TEXT_MAX + 1, COMPLAINT_SIZE = 96 };

/* The result of reading a word. */
struct value {
    char text[VALUE_TEXT_SIZE];     /* VALUE_FITS: the canonical form */
    char complaint[COMPLAINT_SIZE]; /* VALUE_WRONG: what is wrong */
};

struct value_type {
    const char *name;  /* in patterns: <LABEL:NAME LIMITS> */
    const char *shape; /* in help, such as A.B.C.D/LENGTH; NULL: the label in capitals */
    const char *help;  /* one line */
    /* `limits`: what follows the name of the type in the pattern; "" if nothing does. */
    enum value_fit (*read)(const char *word, const char *limits, struct value *out);
    /* For a type with a fixed set of words, which may be abbreviated as keywords may: the word with number
     * `index`, NULL behind the last. NULL for other types. */
    const char *(*word)(size_t index);
    bool free;     /* fits any word, or nearly; an abbreviated keyword fits better */
    bool any_case; /* values that differ only in the case of letters are the same */
    bool secret;   /* is shown only to the administrator, and never in a message */
};

/* The type with the name of `length` octets; NULL if there is none. */
const struct value_type *value_type_named(const char *name, size_t length);

#endif
