#include "config/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "config/pattern.h"

struct config {
    struct section global;
    struct map index; /* from the hash of a setting's key to the settings with that hash */
};

struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return NULL;
    config->global.mode = MODE_GLOBAL;
    config->index = map_with_seed(0);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    section_clear(&config->global);
    map_free(&config->index);
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

static uint64_t key_hash(const struct section *section, const struct command_line *line)
{
    uint64_t hash = hash_number(HASH_START, (uintptr_t)section);
    hash = hash_number(hash, (uintptr_t)line->row);
    for (size_t i = 0; i < key_words(line); i++)
        hash = hash_text_any_case(hash, line_word_at(line, i));
    return hash;
}

static bool same_key(const struct command_line *a, const struct command_line *b)
{
    size_t words = key_words(a);
    if (a->row != b->row || words != key_words(b))
        return false;
    for (size_t i = 0; i < words; i++) {
        if (!line_same_word(a, b, i))
            return false;
    }
    return true;
}

struct setting *config_find(const struct config *config, const struct section *section,
                            const struct command_line *line)
{
    struct setting *s = map_find(&config->index, key_hash(section, line));
    while (s != NULL && !(s->section == section && same_key(&s->line, line)))
        s = s->same_hash;
    return s;
}

static bool index_add(struct config *config, struct setting *setting)
{
    uint64_t hash = key_hash(setting->section, &setting->line);
    setting->same_hash = map_find(&config->index, hash);
    return map_put(&config->index, hash, setting);
}

static void index_remove(struct config *config, struct setting *setting)
{
    uint64_t hash = key_hash(setting->section, &setting->line);
    struct setting *first = map_find(&config->index, hash);
    if (first == setting) {
        if (setting->same_hash == NULL)
            (void)map_remove(&config->index, hash);
        else
            (void)map_put(&config->index, hash, setting->same_hash);
        return;
    }
    while (first != NULL && first->same_hash != setting)
        first = first->same_hash;
    if (first != NULL)
        first->same_hash = setting->same_hash;
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
    if (!opened || !section_reserve(section) || !index_add(config, setting)) {
        setting_free(setting);
        return NULL;
    }
    section_add(section, setting);
    return setting;
}

struct setting *config_insert_foreign(struct section *section, struct setting *after, char *text,
                                      size_t length, struct source_place source)
{
    struct setting *setting = text == NULL ? NULL : calloc(1, sizeof *setting);
    if (setting == NULL) {
        free(text);
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
            index_remove(config, in);
    }
    if (setting->line.row != NULL)
        index_remove(config, setting);
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
