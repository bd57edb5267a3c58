/*
 * A line that matched a row of the command table: the row, and the words in canonical form, each with the
 * element of the row's pattern that it stands for. Values are read from it by the labels and keywords of the
 * pattern.
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
    uint16_t element; /* where in the row's pattern */
    uint16_t start;   /* where in `text`; a NUL ends the word */
};

/* The words are those of the pattern: without `no`, and without the `ikev2` before a policy row. */
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
    bool overflow; /* it did not fit, and is not to be used */
    uint16_t count;
    uint16_t size;
    struct line_word word[LINE_WORDS_MAX];
    char text[LINE_TEXT_MAX + LINE_WORDS_MAX];
};

void line_draft_start(struct line_draft *draft, const struct command *row, bool negated);

/* Appends a canonical word that stands for `element`, a place in the row's pattern. */
void line_draft_add(struct line_draft *draft, const char *element, const char *word);

/* The draft seen as a line, as long as the draft stands still. */
struct command_line line_draft_view(struct line_draft *draft);

/* A copy in memory of its own; `row` is NULL if memory ran out. line_free wipes and frees it. */
struct command_line line_copy(const struct command_line *line);
void line_free(struct command_line *line);

/* Same row, sign and words. */
bool line_equal(const struct command_line *a, const struct command_line *b);

/* The word at an index is the same in both, case aside where the type of its argument does not tell it apart.
 */
bool line_same_word(const struct command_line *a, const struct command_line *b, size_t index);

/* The word at an index, and the place in the pattern that it stands for. */
const char *line_word_at(const struct command_line *line, size_t index);
const char *line_element_at(const struct command_line *line, size_t index);

/* True if the keyword stands in the line. */
bool line_has(const struct command_line *line, const char *keyword);

/* The first word given for the argument `label`, and the next one after index `*from` (start with 0): NULL if
 * there is none. */
const char *line_argument(const struct command_line *line, const char *label);
const char *line_next_argument(const struct command_line *line, const char *label, size_t *from);

/* Typed forms of the argument `label`; false if the line does not have it. */
bool line_number(const struct command_line *line, const char *label, uint32_t *out);
bool line_address(const struct command_line *line, const char *label, struct ip_address *out);
bool line_prefix(const struct command_line *line, const char *label, struct ip_prefix *out);
bool line_interface(const struct command_line *line, const char *label, struct interface_name *out);

/*
 * Writes the line as it is printed in `mode`, without a line end, and returns `out`: in full, with `no` if it
 * is negated. Secrets are asterisks unless `secrets`.
 */
enum { LINE_PRINTED_SIZE = 2 * LINE_TEXT_MAX + 4 * LINE_WORDS_MAX };
const char *line_print(const struct command_line *line, enum command_mode mode, bool secrets,
                       char out[LINE_PRINTED_SIZE]);

#endif
