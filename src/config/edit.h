/*
 * What a line does to a config: setting, replacing, adding to and removing settings as the kinds of the
 * table's rows say (S12).
 */
#ifndef MUSUBI_CONFIG_EDIT_H
#define MUSUBI_CONFIG_EDIT_H

#include "config/model.h"

/* Applies a line that matched in `section` (the global one for commands of config mode) and returns the
 * setting it became part of. NULL if memory ran out. */
struct setting *edit_set(struct config *config, struct section *section, const struct command_line *line,
                         struct source_place source);

/* Removes what the line, which followed `no` or `default` and may lack arguments, names: every setting of its
 * row that begins with its words; of sets and options only what it lists, if it lists any. Removing what is
 * not there changes nothing. False if memory ran out. */
bool edit_unset(struct config *config, struct section *section, const struct command_line *line);

/* Keeps a foreign line, which must have no line end, behind all that the section has. NULL if memory ran
 * out. */
struct setting *edit_add_foreign(struct config *config, struct section *section, const char *text,
                                 size_t length, struct source_place source);

/* The same for a line under a foreign header: directly behind `previous`, which is the header or stands under
 * it. */
struct setting *edit_add_foreign_under(struct setting *previous, const char *text, size_t length,
                                       struct source_place source);

/* The foreign line of a section that reads like this one; NULL if there is none. */
struct setting *edit_find_foreign(struct section *section, const char *text, size_t length);

/* Removes the foreign lines of a section that begin with these words (blanks between words don't count), each
 * with what stands under it. Returns how many. */
size_t edit_remove_foreign(struct config *config, struct section *section, const struct word *words,
                           size_t count);

#endif
