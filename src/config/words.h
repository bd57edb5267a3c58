/*
 * A line of the command language cut into words. Words stand between blanks; a word that starts with a quote
 * ends at the next one and may hold blanks, and within it \" and \\ stand for a quote and a backslash.
 */
#ifndef MUSUBI_CONFIG_WORDS_H
#define MUSUBI_CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No command of ours needs more; longer lines are cut here and marked as overlong. */
enum {
    LINE_WORDS_MAX = 128,
    LINE_TEXT_MAX = 4096, /* octets */
};

struct word {
    const char *text;  /* without quotes, ends with NUL */
    size_t column;     /* octets that stand before it in the line */
    size_t length;     /* octets that it takes in the line, with quotes */
    bool quoted;       /* then it is no keyword */
    bool unterminated; /* its closing quote is missing; it is then taken as it stands */
};

/* About 8 KiB: fit for the stack, not for storage. Its words point into it, so it can't be copied. */
struct words {
    size_t count;
    bool overlong; /* the line goes on beyond what `word` holds */
    bool binary;   /* the line has control octets: it can't be one of ours */
    bool blank_at_end;
    size_t end; /* octets of the line up to its last word's end */
    struct word word[LINE_WORDS_MAX];
    char text[LINE_TEXT_MAX + LINE_WORDS_MAX];
};

/* Cuts the `length` octets at `line`, which needs no NUL, into words. `out` holds copies. */
void words_split(const char *line, size_t length, struct words *out);

/* True for what separates words: blanks, tabs, and the carriage return of a foreign line end. */
bool is_blank(char c);

/* Appends a word to `out`, quoted where it has to be to come back as it is. `out` needs room for twice its
 * length and 3 octets. Returns the place after it, where a NUL stands. */
char *word_append_quoted(char *out, const char *word);

/* Columns of the screen that the octets up to `length` take, tabs counting as one: wide characters of East
 * Asia take two, octets within a character none. */
size_t text_width(const char *text, size_t length);

/* Characters (not octets) in the first `length` octets of UTF-8 text. */
size_t text_characters(const char *text, size_t length);

#endif
