/*
 * Finds settings by the words that they begin with, in the sections of a whole config. It is a tree in the
 * order of section, row and words, balanced by random weights (a treap): to find, add or remove a setting
 * takes some 2 log(n) comparisons. The links of the tree are in the settings.
 */
#ifndef MUSUBI_CONFIG_INDEX_H
#define MUSUBI_CONFIG_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "config/section.h"

/* Zeroed: empty. */
struct setting_index {
    struct setting *root;
    uint32_t weight; /* of the setting that was added last */
};

/* Adds a setting. No other in its section may have the same row and the same key (config_find). */
void index_add(struct setting_index *index, struct setting *setting);

/* Removes a setting, which must be there. */
void index_remove(struct setting_index *index, struct setting *setting);

/* The first setting of a section with the row of `line` that begins with the first `words` words of `line`;
 * NULL if there is none. Shorter settings come before longer ones that begin with them. */
struct setting *index_find(const struct setting_index *index, const struct section *section,
                           const struct command_line *line, size_t words);

#endif
