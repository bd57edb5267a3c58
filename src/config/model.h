/*
 * A config: its global section (config/section.h), the sections under it, and an index that finds a setting
 * by its words. Its memory is wiped when it is freed, since it holds keys.
 */
#ifndef MUSUBI_CONFIG_MODEL_H
#define MUSUBI_CONFIG_MODEL_H

#include <stddef.h>

#include "config/section.h"

struct config;

/* An empty config; NULL if memory ran out. config_free wipes and frees it; `config` may be NULL. */
struct config *config_new(void);
void config_free(struct config *config);

/* The global section. */
const struct section *config_global(const struct config *config);

/* The section under the header with this row and, if `argument` is not NULL, this argument (NAME in `ikev2
 * profile NAME`); NULL if there is none. */
const struct section *config_section(const struct config *config, enum command_id header,
                                     const char *argument);

/* The sections in which a policy setting of a Tunnel may stand, nearest first (R21): the Tunnel, the profile
 * that it is bound to, the default profile; NULL where there is none. */
enum { LEVEL_COUNT = 3 };
struct policy_levels {
    const struct section *section[LEVEL_COUNT];
};

/* The levels of a Tunnel, which is given by its section. */
struct policy_levels policy_levels_of(const struct config *config, const struct section *tunnel);

/* The first setting of a row at the nearest level that has one; NULL if none has. setting_next_of_row yields
 * the other settings of that level. */
const struct setting *levels_find(const struct policy_levels *levels, enum command_id id);

/*
 * For edit.c and its callers. config_insert and config_insert_foreign own `line` or `text` (from malloc) from
 * here on, even if they fail; they return NULL if memory ran out. A foreign line goes behind `after`, or
 * behind all lines of the section if that is NULL.
 */
struct section *config_global_section(struct config *config);
struct setting *config_insert(struct config *config, struct section *section, struct command_line line,
                              struct source_place source);
struct setting *config_insert_foreign(struct section *section, struct setting *after, char *text,
                                      size_t length, struct source_place source);

/* Removes and frees a setting, with the section that it opens, or a foreign line. */
void config_remove(struct config *config, struct setting *setting);

/* The setting that the line would replace: the one with the same section, row and key; NULL if there is
 * none. */
struct setting *config_find(const struct config *config, const struct section *section,
                            const struct command_line *line);

/* Gives a setting another line of the same row and key, which it owns from here on. */
void config_replace_line(struct setting *setting, struct command_line line, struct source_place source);

#endif
