/*
 * The small grammar in which the rows of the command table are written:
 *
 *   word                 a keyword; word! can't be abbreviated
 *   <label:type limits>  an argument; types are those of value.h, limits as in <seconds:number 1-3600>
 *   {a|b c|<d:e>}        one of several
 *   [a|b]                the same, or nothing
 *   <a:b>...             an argument once or more
 *
 * A pattern is interpreted where it stands, as a place in its text: there is no other form of it.
 */
#ifndef MUSUBI_CONFIG_PATTERN_H
#define MUSUBI_CONFIG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* No place in a pattern has more ways to go on. */
enum { PATTERN_WAYS_MAX = 32 };

/* What may come next: elements (places at the start of a keyword or of an argument's <), and the end. */
struct pattern_ways {
    const char *element[PATTERN_WAYS_MAX];
    size_t count;
    bool end;
};

/* The ways to go on at the place `at` of a pattern: its start, or what pattern_after returned. */
void pattern_expect(const char *at, struct pattern_ways *out);

/* The place after an element. */
const char *pattern_after(const char *element);

bool element_is_argument(const char *element);

/* Octets of a keyword's text, which starts at the element itself. */
size_t keyword_length(const char *element);

/* True if the keyword has to be written in full. */
bool keyword_in_full(const char *element);

/* True if `element` is the keyword `word`, or the argument labelled `word`. */
bool element_is_named(const char *element, const char *word);

/* The parts of an argument element. `limits` ends at the element's >. */
struct argument {
    const char *label;
    size_t label_length;
    const struct value_type *type;
    const char *limits;
};

struct argument element_argument(const char *element);

/* The number of keywords that a pattern starts with, before its first argument, choice or end. */
size_t pattern_head(const char *pattern);

#endif
