/*
 * Sections of a config: the global section and one for each sub-mode. A section holds settings and foreign
 * lines (lines that Musubi does not know, S14) in the order in which they are printed.
 *
 * A new setting goes where the order of the command table puts it: before the first setting of its section
 * whose row comes later. A foreign line stays behind the line that it was added behind.
 */
#ifndef MUSUBI_CONFIG_SECTION_H
#define MUSUBI_CONFIG_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/line.h"
#include "config/policy.h"

/* Where a setting was written. */
struct source_place {
    uint32_t line;   /* 1-based; POLICY_LINE_TYPED: at the prompt, not in a file */
    uint32_t column; /* 1-based, in characters, of its first word */
};

#define SOURCE_TYPED ((struct source_place){POLICY_LINE_TYPED, 0})

/* A setting, the header of a section, or a foreign line. Only section.c, model.c and edit.c change it. */
struct setting {
    struct command_line line; /* `row` is NULL for a foreign line */
    struct source_place source;
    struct section *section; /* that it is in */
    struct section *under;   /* the section that this header opens; NULL if it is not a header of ours */
    struct setting *previous, *next; /* in the section */

    char *foreign; /* a foreign line as it is printed, indented, without line end; NULL for settings */
    size_t foreign_length;
    bool foreign_under; /* it stands under a foreign header, which comes before it */

    struct setting *same_hash; /* for the index in model.c */
};

/* The first and the last setting of one row in a section. Foreign lines may stand between them. */
struct setting_run {
    const struct command *row;
    struct setting *first, *last;
};

struct section {
    struct setting *header; /* NULL for the global section */
    enum command_mode mode;
    struct setting *first, *last;
    struct setting *foreign_value; /* the foreign line that is another value of one of our rows, or NULL */
    struct setting_run *runs;      /* in the order of the table */
    size_t run_count, run_capacity;
};

/* The first setting of a row in a section, and the next setting of the same row; NULL if there is none. Rows
 * of KIND_SINGLE, KIND_SET, KIND_OPTIONS and KIND_TOGGLE have at most one. `section` may be NULL. */
const struct setting *section_setting(const struct section *section, enum command_id id);
const struct setting *setting_next_of_row(const struct setting *setting);

/* The same, for edit.c to change them. `section` must not be NULL. */
struct setting *section_first_of_row(const struct section *section, enum command_id id);
struct setting *section_next_of_row(const struct setting *setting);

/* The mode of the section that a header opens. */
enum command_mode header_mode(const struct command_line *header);

/*
 * For model.c. section_reserve makes room for one more row, without which section_add must not be called;
 * false if memory ran out. section_add puts a setting in its place. section_add_foreign puts a foreign line
 * behind `after`, or behind all lines of the section if that is NULL. section_remove takes out a setting or a
 * foreign line; the caller frees it.
 */
bool section_reserve(struct section *section);
void section_add(struct section *section, struct setting *setting);
void section_add_foreign(struct section *section, struct setting *foreign, struct setting *after);
void section_remove(struct setting *setting);

/* Wipes and frees what is in a section, and a setting with the section that it opens. */
void section_clear(struct section *section);
void setting_free(struct setting *setting);

#endif
