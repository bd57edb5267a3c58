/*
 * A line of the command language as words, which blanks separate. A word that starts with a quote ends at the
 * next quote and may hold blanks; in it, \" is a quote and \\ a backslash. Also the width of text, and typing
 * errors.
 */
#ifndef MUSUBI_CONFIG_WORDS_H
#define MUSUBI_CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No command of ours needs more. Longer lines are cut and marked as overlong. */
enum {
    LINE_WORDS_MAX = 128,
    LINE_TEXT_MAX = 4096, /* octets */
};

struct word {
    const char *text;  /* without quotes, ends with NUL */
    size_t column;     /* octets before it in the line */
    size_t length;     /* octets of it in the line, with quotes */
    bool quoted;       /* it can't be a keyword */
    bool unterminated; /* its closing quote is missing; it ends at a blank, and the quote is part of it */
};

/* About 8 KiB, fit for the stack. Its words point into it, so it can't be copied. */
struct words {
    size_t count;
    bool overlong; /* the line was cut */
    bool binary;   /* the line has control octets, so it is none of ours */
    bool blank_at_end;
    size_t end; /* octets up to the end of the last word */
    struct word word[LINE_WORDS_MAX];
    char text[LINE_TEXT_MAX + LINE_WORDS_MAX];
};

/* Splits the `length` octets at `line`, which needs no NUL, into words. `out` holds copies. */
void words_split(const char *line, size_t length, struct words *out);

/* True for what separates words: spaces, tabs and carriage returns. */
bool is_blank(char c);

/* Writes a word to `out`, in quotes if words_split would not read it back otherwise. `out` needs room for
 * twice the length of the word and 3 octets. Returns the place of the NUL behind it. */
char *word_append_quoted(char *out, const char *word);

/* The columns that the first `length` octets of UTF-8 text take on the screen. Wide characters of East Asia
 * take two, tabs count as one. */
size_t text_width(const char *text, size_t length);

/* The number of characters in the first `length` octets of UTF-8 text. */
size_t text_characters(const char *text, size_t length);

/* The number of keystrokes from one word to the other: letters inserted, left out, changed, or swapped with
 * the next. Only the first 32 octets count, and case does not. */
size_t word_distance(const char *a, const char *b);

/* True if `word` may well be `meant` with typing errors: few keystrokes apart for its length. */
bool word_is_near(const char *word, const char *meant);

#endif
