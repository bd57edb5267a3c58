/*
 * A line that matched a row of the command table: the row, and the words in canonical form, each with its
 * element of the row's pattern. Callers read values from it by the labels and keywords of the pattern.
 */
#ifndef MUSUBI_CONFIG_LINE_H
#define MUSUBI_CONFIG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "config/command.h"
#include "config/interface_name.h"
#include "config/words.h"

struct line_word {
    uint16_t element; /* offset of its element in the row's pattern */
    uint16_t start;   /* offset in `text`; a NUL ends the word */
};

/* The words exclude `no` or `default`, and the `ikev2` before a policy row. */
struct command_line {
    const struct command *row;
    bool negated; /* `no` or `default` stood before it */
    uint16_t count;
    uint16_t size; /* octets of `text` */
    struct line_word *word;
    char *text;
};

/* A line under construction, of any size that a line may have. */
struct line_draft {
    const struct command *row;
    bool negated;
    bool overflow; /* a word did not fit: the draft must not be used */
    uint16_t count;
    uint16_t size;
    struct line_word word[LINE_WORDS_MAX];
    char text[LINE_TEXT_MAX + LINE_WORDS_MAX];
};

/* Empties the draft, for a line of this row. */
void line_draft_start(struct line_draft *draft, const struct command *row, bool negated);

/* Appends a word in canonical form. `element` is its element, a place in the row's pattern. */
void line_draft_add(struct line_draft *draft, const char *element, const char *word);

/* The draft as a line, which points into it: valid until the draft changes. */
struct command_line line_draft_view(struct line_draft *draft);

/* A copy in memory of its own, which line_free wipes and frees; `row` is NULL if memory ran out. */
struct command_line line_copy(const struct command_line *line);
void line_free(struct command_line *line);

/* True if a word of each of two lines of one row means the same: they are the same keyword, or values that
 * their type takes for the same. */
bool line_same_word(const struct command_line *a, size_t index, const struct command_line *b,
                    size_t other_index);

/* The word at an index, and its element in the row's pattern. */
const char *line_word_at(const struct command_line *line, size_t index);
const char *line_element_at(const struct command_line *line, size_t index);

/* True if the line has the keyword. */
bool line_has(const struct command_line *line, const char *keyword);

/* The first word for the argument `label`; and the first one from index `*from` on, which is then set behind
 * it. NULL if there is none. */
const char *line_argument(const struct command_line *line, const char *label);
const char *line_next_argument(const struct command_line *line, const char *label, size_t *from);

/* Read the argument `label`; false if the line has none of that type. */
bool line_number(const struct command_line *line, const char *label, uint32_t *out);
bool line_address(const struct command_line *line, const char *label, struct ip_address *out);
bool line_prefix(const struct command_line *line, const char *label, struct ip_prefix *out);
bool line_interface(const struct command_line *line, const char *label, struct interface_name *out);

/* Reads the argument `next-hop`: an address, and `%` and an interface if there is one (else `interface` is
 * ""). */
bool line_next_hop(const struct command_line *line, struct ip_address *out,
                   char interface[INTERFACE_NAME_SIZE]);

/*
 * Writes the line as it is printed in `mode`, in full, with `no` if it is negated, and without a line end.
 * Secrets are asterisks unless `secrets` is set. Returns `out`.
 */
enum { LINE_PRINTED_SIZE = 2 * LINE_TEXT_MAX + 4 * LINE_WORDS_MAX };
const char *line_print(const struct command_line *line, enum command_mode mode, bool secrets,
                       char out[LINE_PRINTED_SIZE]);

#endif
