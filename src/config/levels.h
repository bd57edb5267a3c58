/*
 * The levels at which a setting of policy may stand, nearest first (R21).
 */
#ifndef MUSUBI_CONFIG_LEVELS_H
#define MUSUBI_CONFIG_LEVELS_H

#include "config/model.h"

enum { LEVEL_COUNT = 3 };

/* Tunnel, bound profile, default profile; NULL where there is none. */
struct policy_levels {
    const struct section *section[LEVEL_COUNT];
};

/* The levels of a Tunnel's section. */
struct policy_levels policy_levels_of(const struct config *config, const struct section *tunnel);

/* The first setting of a row at the nearest level that has one; NULL if none has. The others of that level
 * follow by setting_next_of_row. */
const struct setting *levels_find(const struct policy_levels *levels, enum command_id id);

#endif
