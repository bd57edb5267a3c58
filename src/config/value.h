/*
 * The types of arguments that patterns name, as rows of a table: how a word is read, how it is written in
 * canonical form, and what help says of it.
 */
#ifndef MUSUBI_CONFIG_VALUE_H
#define MUSUBI_CONFIG_VALUE_H

#include <stddef.h>

#include "config/interface_name.h"
#include "config/words.h"

/* Room for the canonical form of any word, with its NUL: no form is longer than the longest line. */
enum { VALUE_TEXT_SIZE = LINE_TEXT_MAX + 1, COMPLAINT_SIZE = 96 };

/* What reading a word yields. */
struct value {
    char text[VALUE_TEXT_SIZE];     /* the canonical form, if it fits */
    char complaint[COMPLAINT_SIZE]; /* what is wrong, if it is wrong */
};

struct value_type {
    const char *name;  /* in patterns: <LABEL:NAME LIMITS> */
    const char *shape; /* in help, as in A.B.C.D/LENGTH; NULL: the label in capitals */
    const char *help;
    /* `limits`: what stands after the type's name in the pattern; "" if nothing does. */
    enum value_fit (*read)(const char *word, const char *limits, struct value *out);
    /* For a type that is one of a fixed set of words: the word number `index`, NULL beyond the last. Such
     * words may be abbreviated, as keywords may. NULL for other types. */
    const char *(*word)(size_t index);
    bool free;     /* takes any word, or nearly: an abbreviated keyword beats it */
    bool any_case; /* values that differ in the case of letters alone are the same */
    bool secret;   /* is shown to nobody but the administrator, and never in a message */
};

/* The type called by the `length` octets at `name`; NULL if there is none. */
const struct value_type *value_type_named(const char *name, size_t length);

#endif
