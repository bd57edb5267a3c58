#include "config/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/secret.h"
#include "config/pattern.h"

struct config {
    struct section global;
    struct map index; /* from the hash of a setting's identity to the settings that have it */
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

static void section_clear(struct section *section);

static void setting_free(struct setting *setting)
{
    if (setting->under != NULL) {
        section_clear(setting->under);
        free(setting->under);
    }
    line_free(&setting->line);
    secret_free(setting->foreign, setting->foreign_length);
    free(setting);
}

static void section_clear(struct section *section)
{
    struct setting *next;
    for (struct setting *s = section->first; s != NULL; s = next) {
        next = s->next;
        setting_free(s);
    }
    free(section->runs);
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

/* The number of words that tell a setting from others of its row in its section. */
static size_t identity_words(const struct command_line *line)
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

static uint64_t identity_hash(const struct section *section, const struct command_line *line)
{
    uint64_t hash = hash_number(HASH_START, (uintptr_t)section);
    hash = hash_number(hash, (uintptr_t)line->row);
    for (size_t i = 0; i < identity_words(line); i++)
        hash = hash_text_any_case(hash, line_word_at(line, i));
    return hash;
}

static bool same_identity(const struct command_line *a, const struct command_line *b)
{
    size_t words = identity_words(a);
    if (a->row != b->row || words != identity_words(b))
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
    struct setting *s = map_find(&config->index, identity_hash(section, line));
    while (s != NULL && !(s->section == section && same_identity(&s->line, line)))
        s = s->same_hash;
    return s;
}

static bool index_add(struct config *config, struct setting *setting)
{
    uint64_t hash = identity_hash(setting->section, &setting->line);
    setting->same_hash = map_find(&config->index, hash);
    return map_put(&config->index, hash, setting);
}

static void index_remove(struct config *config, struct setting *setting)
{
    uint64_t hash = identity_hash(setting->section, &setting->line);
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

/* The index of the first run whose row does not come before `row`. */
static size_t run_place(const struct section *section, const struct command *row)
{
    size_t i = 0;
    while (i < section->run_count && section->runs[i].row < row)
        i++;
    return i;
}

static struct setting_run *find_run(const struct section *section, const struct command *row)
{
    size_t i = run_place(section, row);
    return i < section->run_count && section->runs[i].row == row ? &section->runs[i] : NULL;
}

static bool make_room_for_run(struct section *section)
{
    if (section->run_count < section->run_capacity)
        return true;
    size_t capacity = section->run_capacity == 0 ? 8 : 2 * section->run_capacity;
    struct setting_run *runs = realloc(section->runs, capacity * sizeof *runs);
    if (runs == NULL)
        return false;
    section->runs = runs;
    section->run_capacity = capacity;
    return true;
}

/* Adds the setting to the run of its row, which there must be room for if it is the first one. */
static void add_to_run(struct section *section, struct setting *setting)
{
    struct setting_run *run = find_run(section, setting->line.row);
    if (run != NULL) {
        run->last = setting;
        return;
    }
    size_t place = run_place(section, setting->line.row);
    memmove(section->runs + place + 1, section->runs + place,
            (section->run_count - place) * sizeof *section->runs);
    section->runs[place] = (struct setting_run){setting->line.row, setting, setting};
    section->run_count++;
}

/* Links before `next`; NULL: at the end. */
static void link_before(struct section *section, struct setting *setting, struct setting *next)
{
    struct setting *previous = next == NULL ? section->last : next->previous;
    setting->section = section;
    setting->previous = previous;
    setting->next = next;
    *(previous == NULL ? &section->first : &previous->next) = setting;
    *(next == NULL ? &section->last : &next->previous) = setting;
}

static void unlink_setting(struct setting *setting)
{
    struct section *section = setting->section;
    *(setting->previous == NULL ? &section->first : &setting->previous->next) = setting->next;
    *(setting->next == NULL ? &section->last : &setting->next->previous) = setting->previous;
}

enum command_mode header_mode(const struct command_line *header)
{
    struct interface_name name = {.kind = INTERFACE_NONE};
    switch (command_id(header->row)) {
    case COMMAND_IKEV2_DEFAULT_PROFILE:
        return MODE_DEFAULT_PROFILE;
    case COMMAND_IKEV2_PROFILE:
        return MODE_PROFILE;
    case COMMAND_DEVICE:
        return MODE_DEVICE;
    default:
        (void)line_interface(header, "interface", &name);
        return name.kind == INTERFACE_TUNNEL     ? MODE_TUNNEL
               : name.kind == INTERFACE_LOOPBACK ? MODE_LOOPBACK
                                                 : MODE_PORT;
    }
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
    /* All that may fail comes first. */
    bool opened = line.row->kind != KIND_SECTION || open_section(setting);
    if (!opened || !make_room_for_run(section) || !index_add(config, setting)) {
        setting_free(setting);
        return NULL;
    }
    size_t after = run_place(section, line.row + 1);
    struct setting *next = after < section->run_count ? section->runs[after].first : NULL;
    add_to_run(section, setting);
    link_before(section, setting, next);
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
    link_before(section, setting, after == NULL ? NULL : after->next);
    return setting;
}

void config_replace_line(struct setting *setting, struct command_line line, struct source_place source)
{
    line_free(&setting->line);
    setting->line = line;
    setting->source = source;
}

static void remove_from_run(struct setting *setting)
{
    struct section *section = setting->section;
    struct setting_run *run = find_run(section, setting->line.row);
    if (run->first == run->last) {
        size_t place = (size_t)(run - section->runs);
        section->run_count--;
        memmove(run, run + 1, (section->run_count - place) * sizeof *run);
        return;
    }
    struct setting *other = setting;
    if (run->first == setting) {
        do
            other = other->next;
        while (other->line.row != run->row);
        run->first = other;
    } else if (run->last == setting) {
        do
            other = other->previous;
        while (other->line.row != run->row);
        run->last = other;
    }
}

void config_remove(struct config *config, struct setting *setting)
{
    /* What stands under a header is only found by the index; the rest of it is freed with the header. */
    struct setting *in = setting->under == NULL ? NULL : setting->under->first;
    for (; in != NULL; in = in->next) {
        if (in->line.row != NULL)
            index_remove(config, in);
    }
    if (setting->line.row != NULL) {
        remove_from_run(setting);
        index_remove(config, setting);
    }
    if (setting->section->foreign_value == setting)
        setting->section->foreign_value = NULL;
    unlink_setting(setting);
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

struct setting *config_first_of_row(const struct section *section, enum command_id id)
{
    const struct setting_run *run = find_run(section, &command_table[id]);
    return run == NULL ? NULL : run->first;
}

struct setting *config_next_of_row(const struct setting *setting)
{
    const struct setting_run *run = find_run(setting->section, setting->line.row);
    if (run->last == setting)
        return NULL;
    struct setting *next = setting->next;
    while (next->line.row != setting->line.row)
        next = next->next;
    return next;
}

const struct setting *section_setting(const struct section *section, enum command_id id)
{
    return section == NULL ? NULL : config_first_of_row(section, id);
}

const struct setting *setting_next_of_row(const struct setting *setting)
{
    return config_next_of_row(setting);
}
