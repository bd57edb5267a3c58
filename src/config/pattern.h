/*
 * The small grammar in which the rows of the command table are written:
 *
 *   word                 a keyword; word! can't be abbreviated
 *   <label:type limits>  an argument; types are those of value.h, limits as in <seconds:number 1-3600>
 *   {a|b c|<d:e>}        one of several
 *   [a|b]                the same, or nothing
 *   <a:b>...             an argument once or more
 *
 * A pattern has no other form than its text. A place in it is a pointer into the text.
 */
#ifndef MUSUBI_CONFIG_PATTERN_H
#define MUSUBI_CONFIG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* No more elements may come next at any place of a pattern. */
enum { PATTERN_ALTERNATIVES_MAX = 32 };

/* What may come next. An element is the place of a keyword, or of the < of an argument. */
struct pattern_alternatives {
    const char *element[PATTERN_ALTERNATIVES_MAX];
    size_t count;
    bool end; /* the line may end */
};

/* Fills in what may come next at the place `at`: the start of a pattern, or what pattern_after returned. */
void pattern_expect(const char *at, struct pattern_alternatives *out);

/* The place after an element. */
const char *pattern_after(const char *element);

/* True for an argument, false for a keyword. */
bool element_is_argument(const char *element);

/* The length of a keyword in octets. Its text starts at the element. */
size_t keyword_length(const char *element);

/* True if the keyword can't be abbreviated. */
bool keyword_in_full(const char *element);

/* True if `element` is the keyword `word`, or an argument with that label. */
bool element_is_named(const char *element, const char *word);

/* The parts of an argument. `label` and `limits` point into the pattern. */
struct argument {
    const char *label;
    size_t label_length; /* octets */
    const struct value_type *type;
    const char *limits; /* ends at the >; "" if there are none */
};

/* Reads the parts of an argument. */
struct argument element_argument(const char *element);

/* The number of keywords that a pattern starts with, before its first argument, choice or end. */
size_t pattern_head(const char *pattern);

#endif
