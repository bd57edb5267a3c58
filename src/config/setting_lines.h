/*
 * Which lines of the config settings come from, as log texts name them: "line 12", "lines 12, 14", "default".
 */
#ifndef MUSUBI_CONFIG_SETTING_LINES_H
#define MUSUBI_CONFIG_SETTING_LINES_H

#include "config/policy.h"

/* A set of settings: bit i stands for enum policy_setting i. */
typedef uint32_t setting_set;
#define SETTING_BIT(setting) (UINT32_C(1) << (setting))
_Static_assert(SETTING_COUNT <= 32, "a setting_set has a bit for each");

enum { SETTING_LINES_MAX = 8, SETTING_LINES_TEXT_SIZE = 160 };

/* Lines of one policy or of several; empty at first. */
struct setting_lines {
    uint32_t count;
    uint32_t line[SETTING_LINES_MAX]; /* the lowest ones, ascending, each once */
    bool more;                        /* there are others */
    bool typed;                       /* something was typed at the prompt, and is in no file yet */
};

/* Adds the lines of some settings of a policy. Those with their default value have none. */
void setting_lines_add(struct setting_lines *lines, const struct tunnel_policy *policy, setting_set settings);

/* Adds those of other lists of lines. */
void setting_lines_merge(struct setting_lines *lines, const struct setting_lines *others);

/* Writes them as text, and returns `out`; "default" if there is no line. */
const char *setting_lines_format(const struct setting_lines *lines, char out[SETTING_LINES_TEXT_SIZE]);

#endif
