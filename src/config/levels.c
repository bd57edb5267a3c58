#include "config/levels.h"

struct policy_levels policy_levels_of(const struct config *config, const struct section *tunnel)
{
    struct policy_levels levels = {.section = {tunnel}};
    const struct setting *binding = section_setting(tunnel, COMMAND_IKEV2_BINDING);
    if (binding != NULL)
        levels.section[1] =
            config_section(config, COMMAND_IKEV2_PROFILE, line_argument(&binding->line, "profile"));
    levels.section[2] = config_section(config, COMMAND_IKEV2_DEFAULT_PROFILE, NULL);
    return levels;
}

const struct setting *levels_find(const struct policy_levels *levels, enum command_id id)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        const struct setting *found = section_setting(levels->section[i], id);
        if (found != NULL)
            return found;
    }
    return NULL;
}
