#include "config/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "config/index.h"
#include "config/pattern.h"

struct config {
    struct section global;
    struct setting_index index; /* of all settings; foreign lines are not in it */
};

struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return NULL;
    config->global.mode = MODE_GLOBAL;
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    section_clear(&config->global);
    free(config);
}

const struct section *config_global(const struct config *config)
{
    return &config->global;
}

struct section *config_global_section(struct config *config)
{
    return &config->global;
}

/* The key of a setting is its first words, as many as tell it from other settings of its row in its
 * section. */
static size_t key_words(const struct command_line *line)
{
    const struct command *row = line->row;
    switch (row->kind) {
    case KIND_KEYED: {
        size_t words = pattern_head(row->pattern) + row->key_words;
        return words < line->count ? words : line->count;
    }
    case KIND_LIST:
    case KIND_SECTION:
        return line->count;
    default:
        return 0;
    }
}

struct setting *config_find(const struct config *config, const struct section *section,
                            const struct command_line *line)
{
    struct setting *found = index_find(&config->index, section, line, key_words(line));
    bool whole = line->row->kind == KIND_LIST || line->row->kind == KIND_SECTION;
    return found != NULL && whole && found->line.count != line->count ? NULL : found;
}

static bool begins_with(const struct command_line *line, const struct command_line *start)
{
    for (size_t i = 0; i < start->count; i++) {
        if (i >= line->count || !line_same_word(line, i, start, i))
            return false;
    }
    return true;
}

struct setting *config_find_start(const struct config *config, const struct section *section,
                                  const struct command_line *line)
{
    struct setting *found = index_find(&config->index, section, line, key_words(line));
    return found != NULL && begins_with(&found->line, line) ? found : NULL;
}

static bool open_section(struct setting *header)
{
    header->under = calloc(1, sizeof *header->under);
    if (header->under == NULL)
        return false;
    header->under->header = header;
    header->under->mode = header_mode(&header->line);
    return true;
}

struct setting *config_insert(struct config *config, struct section *section, struct command_line line,
                              struct source_place source)
{
    struct setting *setting = calloc(1, sizeof *setting);
    if (line.row == NULL || setting == NULL) {
        line_free(&line);
        free(setting);
        return NULL;
    }
    setting->line = line;
    setting->source = source;
    setting->section = section;
    /* Do all that may fail before the setting is linked. */
    bool opened = line.row->kind != KIND_SECTION || open_section(setting);
    if (!opened || !section_reserve(section)) {
        setting_free(setting);
        return NULL;
    }
    index_add(&config->index, setting);
    section_add(section, setting);
    return setting;
}

struct setting *config_insert_foreign(struct section *section, struct setting *after, char *text,
                                      size_t length, struct source_place source)
{
    struct setting *setting = text == NULL ? NULL : calloc(1, sizeof *setting);
    if (setting == NULL) {
        secret_free(text, length);
        return NULL;
    }
    setting->foreign = text;
    setting->foreign_length = length;
    setting->source = source;
    section_add_foreign(section, setting, after);
    return setting;
}

void config_replace_line(struct setting *setting, struct command_line line, struct source_place source)
{
    line_free(&setting->line);
    setting->line = line;
    setting->source = source;
}

void config_remove(struct config *config, struct setting *setting)
{
    /* The settings under a header are freed with it, but the index has them too. */
    struct setting *in = setting->under == NULL ? NULL : setting->under->first;
    for (; in != NULL; in = in->next) {
        if (in->line.row != NULL)
            index_remove(&config->index, in);
    }
    if (setting->line.row != NULL)
        index_remove(&config->index, setting);
    section_remove(setting);
    setting_free(setting);
}

const struct section *config_section(const struct config *config, enum command_id header,
                                     const char *argument)
{
    const struct command *row = &command_table[header];
    struct line_draft draft;
    char keyword[32];
    line_draft_start(&draft, row, false);
    const char *at = row->pattern;
    for (size_t i = 0; i < pattern_head(row->pattern); i++) {
        size_t length = keyword_length(at);
        memcpy(keyword, at, length);
        keyword[length] = '\0';
        line_draft_add(&draft, at, keyword);
        at += length + 1;
    }
    if (argument != NULL)
        line_draft_add(&draft, at, argument);
    struct command_line line = line_draft_view(&draft);
    const struct setting *found = config_find(config, &config->global, &line);
    return found == NULL ? NULL : found->under;
}

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
