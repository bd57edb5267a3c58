/*
 * The lines of the config that settings come from, as text for the log: "line 12", "lines 12, 14", or that
 * there are none.
 */
#ifndef MUSUBI_CONFIG_SETTING_LINES_H
#define MUSUBI_CONFIG_SETTING_LINES_H

#include "config/policy.h"

/* A set of settings: bit i is set if enum policy_setting i is in it. */
typedef uint32_t setting_set;
#define SETTING_BIT(setting) (UINT32_C(1) << (setting))
_Static_assert(SETTING_COUNT <= 32, "a setting_set has a bit for each");

enum { SETTING_LINES_MAX = 8, SETTING_LINES_TEXT_SIZE = 160 };

/* Lines of one policy or of several. Zeroed: none. */
struct setting_lines {
    uint32_t count;
    uint32_t line[SETTING_LINES_MAX]; /* the lowest ones, ascending, each once */
    bool more;                        /* there were more lines than fit */
    bool typed;                       /* a setting was typed at the prompt and is in no file yet */
};

/* Adds the lines of some settings of a policy. Settings with their default value have none. */
void setting_lines_add(struct setting_lines *lines, const struct tunnel_policy *policy, setting_set settings);

/* Adds one line as a policy has it: 0 is none, POLICY_LINE_TYPED is one that was typed at the prompt. */
void setting_lines_add_line(struct setting_lines *lines, uint32_t line);

/* Adds the lines that `others` has. */
void setting_lines_merge(struct setting_lines *lines, const struct setting_lines *others);

/* Writes the lines as text, "the default, no line sets it" if there are none, and returns `out`. */
const char *setting_lines_format(const struct setting_lines *lines, char out[SETTING_LINES_TEXT_SIZE]);

#endif
