/*
 * A config as it stands: sections (the global one and one for each sub-mode), each with its settings in the
 * order in which they are printed. Lines that Musubi does not know are kept among them, verbatim (S14).
 *
 * A new setting takes the place that the order of the table gives it: before the first one of its section
 * whose row comes later. Foreign lines keep their place behind what they stood behind.
 */
#ifndef MUSUBI_CONFIG_MODEL_H
#define MUSUBI_CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/line.h"
#include "config/policy.h"

/* Where a setting was written. */
struct source_place {
    uint32_t line;   /* 1-based; POLICY_LINE_TYPED: not in a file, but at the prompt */
    uint32_t column; /* 1-based, in characters, of its first word */
};

#define SOURCE_TYPED ((struct source_place){POLICY_LINE_TYPED, 0})

/* A setting, a section's header, or a foreign line. Read-only for all but model.c and edit.c. */
struct setting {
    struct command_line line; /* `row` is NULL for a foreign line */
    struct source_place source;
    struct section *section;         /* in which it stands */
    struct section *under;           /* of a header: what stands under it; else NULL */
    struct setting *previous, *next; /* in the section */

    char *foreign; /* the foreign line, without line end, indented as it is printed; else NULL */
    size_t foreign_length;
    bool foreign_under; /* it stands under a foreign header, which comes before it */

    struct setting *same_hash; /* for the index alone */
};

/* The settings of one row within a section stand together; this says where. */
struct setting_run {
    const struct command *row;
    struct setting *first, *last;
};

struct section {
    struct setting *header; /* NULL for the global one */
    enum command_mode mode;
    struct setting *first, *last;
    struct setting *foreign_value; /* the foreign line that is another value of one of our rows, or NULL */
    struct setting_run *runs;      /* in the order of the table */
    size_t run_count, run_capacity;
};

struct config;

/* An empty config; NULL if memory ran out. config_free wipes what it held; `config` may be NULL. */
struct config *config_new(void);
void config_free(struct config *config);

const struct section *config_global(const struct config *config);

/* The section whose header has this row and, unless NULL, this argument (`ikev2 profile NAME`: NAME); NULL if
 * there is none. */
const struct section *config_section(const struct config *config, enum command_id header,
                                     const char *argument);

/* The first setting of a row in a section (of which there is only one if its kind is KIND_SINGLE, KIND_SET,
 * KIND_OPTIONS or KIND_TOGGLE), and the one after; NULL if there is none. `section` may be NULL. */
const struct setting *section_setting(const struct section *section, enum command_id id);
const struct setting *setting_next_of_row(const struct setting *setting);

/* The mode that a header's section is in. */
enum command_mode header_mode(const struct command_line *header);

/*
 * For edit.c. Insertion takes over the line (or the text), also when it fails, and returns NULL then: memory
 * ran out. Foreign lines go behind `after`; NULL: behind all that the section has.
 */
struct section *config_global_section(struct config *config);
struct setting *config_insert(struct config *config, struct section *section, struct command_line line,
                              struct source_place source);
struct setting *config_insert_foreign(struct section *section, struct setting *after, char *text,
                                      size_t length, struct source_place source);
void config_remove(struct config *config, struct setting *setting);

/* As section_setting and setting_next_of_row, to be changed. */
struct setting *config_first_of_row(const struct section *section, enum command_id id);
struct setting *config_next_of_row(const struct setting *setting);

/* The setting that the line would replace: same section, row and key; NULL if there is none. */
struct setting *config_find(const struct config *config, const struct section *section,
                            const struct command_line *line);

/* Gives a setting another line of the same row and key; takes it over. */
void config_replace_line(struct setting *setting, struct command_line line, struct source_place source);

#endif
