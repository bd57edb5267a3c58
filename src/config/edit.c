#include "config/edit.h"

#include <stdlib.h>
#include <string.h>

#include "config/pattern.h"

/* True for a KIND_SET or KIND_OPTIONS line that says `off` in place of words or options. */
static bool is_off(const struct command_line *line)
{
    return line_has(line, "off");
}

/* The index of the option that a word of a KIND_OPTIONS line belongs to: the last keyword up to it. */
static size_t option_start(const struct command_line *line, size_t index)
{
    while (element_is_argument(line_element_at(line, index)))
        index--;
    return index;
}

/* True if a word of `line` from the index `from` on means the same as the word of `other` at `index`. */
static bool has_word(const struct command_line *line, size_t from, const struct command_line *other,
                     size_t index)
{
    for (size_t i = from; i < line->count; i++) {
        if (line_same_word(line, i, other, index))
            return true;
    }
    return false;
}

/* True if a word of `line` is to be kept, given another line of the same row. */
typedef bool keep_word(const struct command_line *line, size_t index, const struct command_line *other,
                       size_t head);

/* Appends those words of `line` after its head that `keep` says. */
static void add_words(struct line_draft *draft, const struct command_line *line, size_t head, keep_word *keep,
                      const struct command_line *other)
{
    for (size_t i = head; i < line->count; i++) {
        if (keep(line, i, other, head))
            line_draft_add(draft, line_element_at(line, i), line_word_at(line, i));
    }
}

static bool keep_all(const struct command_line *line, size_t index, const struct command_line *other,
                     size_t head)
{
    (void)line, (void)index, (void)other, (void)head;
    return true;
}

static bool keep_not_in(const struct command_line *line, size_t index, const struct command_line *other,
                        size_t head)
{
    return !has_word(other, head, line, index);
}

static bool keep_option_not_in(const struct command_line *line, size_t index,
                               const struct command_line *other, size_t head)
{
    return !has_word(other, head, line, option_start(line, index));
}

static void start_with_head(struct line_draft *draft, const struct command_line *line, size_t head)
{
    line_draft_start(draft, line->row, false);
    for (size_t i = 0; i < head; i++)
        line_draft_add(draft, line_element_at(line, i), line_word_at(line, i));
}

/* Sorts options into the order of the pattern, in which they are printed. */
static void sort_options(struct line_draft *draft, size_t head)
{
    for (size_t i = head + 1; i < draft->count; i++) {
        for (size_t j = i; j > head && draft->word[j - 1].element > draft->word[j].element; j--) {
            struct line_word swapped = draft->word[j];
            draft->word[j] = draft->word[j - 1];
            draft->word[j - 1] = swapped;
        }
    }
}

/* Appends those words of a set that the draft does not have yet. */
static void add_members(struct line_draft *draft, const struct command_line *line, size_t head)
{
    for (size_t i = head; i < line->count; i++) {
        struct command_line so_far = line_draft_view(draft);
        if (!has_word(&so_far, head, line, i))
            line_draft_add(draft, line_element_at(line, i), line_word_at(line, i));
    }
}

/* Drafts the set or options that result when `line` is added to `old`, which may be NULL. */
static void merge(struct line_draft *draft, const struct command_line *old, const struct command_line *line)
{
    size_t head = pattern_head(line->row->pattern);
    start_with_head(draft, line, head);
    bool adds = old != NULL && is_off(old) == is_off(line);
    if (line->row->kind == KIND_SET) {
        if (adds)
            add_members(draft, old, head);
        add_members(draft, line, head);
        return;
    }
    if (adds)
        add_words(draft, old, head, keep_option_not_in, line);
    add_words(draft, line, head, keep_all, NULL);
    sort_options(draft, head);
}

struct setting *edit_set(struct config *config, struct section *section, const struct command_line *line,
                         struct source_place source)
{
    if (line->row->foreign_head > 0 && section->foreign_value != NULL)
        config_remove(config, section->foreign_value);

    struct line_draft draft;
    struct command_line result = *line;
    struct setting *old = config_find(config, section, line);
    if (old != NULL && line->row->kind == KIND_SECTION)
        return old;
    if (line->row->kind == KIND_SET || line->row->kind == KIND_OPTIONS) {
        merge(&draft, old == NULL ? NULL : &old->line, line);
        result = line_draft_view(&draft);
    }
    struct command_line copy = line_copy(&result);
    if (copy.row == NULL)
        return NULL;
    if (old == NULL)
        return config_insert(config, section, copy, source);
    config_replace_line(old, copy, source);
    return old;
}

/* Removes the words that `line` lists from a set or options, and the setting if none is left. */
static bool unset_parts(struct config *config, struct setting *old, const struct command_line *line)
{
    size_t head = pattern_head(line->row->pattern);
    struct line_draft draft;
    start_with_head(&draft, &old->line, head);
    bool set = line->row->kind == KIND_SET;
    add_words(&draft, &old->line, head, set ? keep_not_in : keep_option_not_in, line);
    if (draft.count == old->line.count)
        return true;
    if (draft.count == head && (set || is_off(&old->line))) {
        config_remove(config, old);
        return true;
    }
    struct command_line view = line_draft_view(&draft);
    struct command_line copy = line_copy(&view);
    if (copy.row == NULL)
        return false;
    config_replace_line(old, copy, old->source);
    return true;
}

bool edit_unset(struct config *config, struct section *section, const struct command_line *line)
{
    bool in_parts = line->row->kind == KIND_SET || line->row->kind == KIND_OPTIONS;
    if (in_parts && line->count > pattern_head(line->row->pattern)) {
        struct setting *old = config_find(config, section, line);
        return old == NULL || unset_parts(config, old, line);
    }
    if (section->foreign_value != NULL && line->row->foreign_head > 0 &&
        line->count <= line->row->foreign_head)
        config_remove(config, section->foreign_value);
    struct setting *s;
    while ((s = config_find_start(config, section, line)) != NULL)
        config_remove(config, s);
    return true;
}

static bool foreign_begins_with(const struct setting *setting, const struct word *words, size_t count)
{
    struct words own;
    words_split(setting->foreign, setting->foreign_length, &own);
    if (own.count < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(own.word[i].text, words[i].text) != 0)
            return false;
    }
    return true;
}

size_t edit_remove_foreign(struct config *config, struct section *section, const struct word *words,
                           size_t count)
{
    size_t removed = 0;
    bool with_header = false;
    struct setting *next;
    for (struct setting *s = section->first; s != NULL; s = next) {
        next = s->next;
        if (s->foreign == NULL)
            continue;
        with_header = s->foreign_under ? with_header : foreign_begins_with(s, words, count);
        if (!with_header)
            continue;
        config_remove(config, s);
        removed++;
    }
    return removed;
}

size_t edit_remove_foreign_under(struct config *config, struct setting *header, const struct word *words,
                                 size_t count)
{
    size_t removed = 0;
    struct setting *next;
    for (struct setting *s = header->next; s != NULL && s->foreign_under; s = next) {
        next = s->next;
        if (!foreign_begins_with(s, words, count))
            continue;
        config_remove(config, s);
        removed++;
    }
    return removed;
}

/* The row of which the foreign line is a value that we don't know (`tunnel mode gre`); NULL if there is
 * none. */
static const struct command *row_of_foreign(const struct section *section, const struct setting *foreign)
{
    for (size_t id = 0; id < COMMAND_COUNT; id++) {
        const struct command *row = &command_table[id];
        if (row->foreign_head == 0 || (row->modes & section->mode) == 0)
            continue;
        struct words head;
        words_split(row->pattern, strlen(row->pattern), &head);
        if (foreign_begins_with(foreign, head.word, row->foreign_head))
            return row;
    }
    return NULL;
}

static struct setting *keep_foreign(struct section *section, struct setting *after, const char *text,
                                    size_t length, struct source_place source)
{
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return config_insert_foreign(section, after, copy, length, source);
}

struct setting *edit_add_foreign(struct config *config, struct section *section, const char *text,
                                 size_t length, struct source_place source)
{
    struct setting *kept = keep_foreign(section, NULL, text, length, source);
    const struct command *row = kept == NULL ? NULL : row_of_foreign(section, kept);
    if (row == NULL)
        return kept;
    struct setting *ours = section_first_of_row(section, command_id(row));
    if (ours != NULL)
        config_remove(config, ours);
    if (section->foreign_value != NULL)
        config_remove(config, section->foreign_value);
    section->foreign_value = kept;
    return kept;
}

struct setting *edit_add_foreign_under(struct setting *previous, const char *text, size_t length,
                                       struct source_place source)
{
    struct setting *kept = keep_foreign(previous->section, previous, text, length, source);
    if (kept != NULL)
        kept->foreign_under = true;
    return kept;
}

struct setting *edit_find_foreign(struct section *section, const char *text, size_t length)
{
    for (struct setting *s = section->first; s != NULL; s = s->next) {
        if (s->foreign != NULL && s->foreign_length == length && memcmp(s->foreign, text, length) == 0)
            return s;
    }
    return NULL;
}
