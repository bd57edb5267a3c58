/*
 * What a line does to a config: it sets, replaces, extends or removes settings, as the kind of its row says
 * (S12).
 */
#ifndef MUSUBI_CONFIG_EDIT_H
#define MUSUBI_CONFIG_EDIT_H

#include "config/model.h"

/* Applies a line to a section (the global one for commands of config mode). Returns the setting that the line
 * became or was merged into; NULL if memory ran out. */
struct setting *edit_set(struct config *config, struct section *section, const struct command_line *line,
                         struct source_place source);

/* Applies a line that followed `no` or `default`, and may lack arguments: removes all settings of its row
 * that begin with its words. If it lists words of a set or options, it removes only those. Nothing happens if
 * there is no such setting. False if memory ran out. */
bool edit_unset(struct config *config, struct section *section, const struct command_line *line);

/* Adds a copy of a foreign line of `length` octets, without line end, at the end of a section. NULL if memory
 * ran out. */
struct setting *edit_add_foreign(struct config *config, struct section *section, const char *text,
                                 size_t length, struct source_place source);

/* The same for a line under a foreign header. It goes directly behind `previous`, which is the header or the
 * last line under it. */
struct setting *edit_add_foreign_under(struct setting *previous, const char *text, size_t length,
                                       struct source_place source);

/* The foreign line of a section with exactly this text; NULL if there is none. */
struct setting *edit_find_foreign(struct section *section, const char *text, size_t length);

/* Removes the foreign lines of a section that begin with these words, whatever the blanks between them, and
 * the lines under each. Returns how many lines it removed. */
size_t edit_remove_foreign(struct config *config, struct section *section, const struct word *words,
                           size_t count);

/* The same for the lines under a foreign header, which stays. */
size_t edit_remove_foreign_under(struct config *config, struct setting *header, const struct word *words,
                                 size_t count);

#endif
