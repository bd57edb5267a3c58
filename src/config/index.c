#include "config/index.h"

#include <string.h>
#include <strings.h>

/* Any order does, as long as values that mean the same are in one place. */
static int compare_words(const struct command_line *a, const struct command_line *b, size_t index)
{
    int order = strcasecmp(line_word_at(a, index), line_word_at(b, index));
    if (order != 0 || line_same_word(a, index, b, index))
        return order;
    return strcmp(line_word_at(a, index), line_word_at(b, index));
}

static int compare_places(uintptr_t a, uintptr_t b)
{
    return a < b ? -1 : a > b;
}

/* Compares a setting with the first `words` words of a line in a section: 0 if it begins with them. */
static int compare(const struct setting *setting, const struct section *section,
                   const struct command_line *line, size_t words)
{
    int order = compare_places((uintptr_t)setting->section, (uintptr_t)section);
    if (order == 0)
        order = compare_places((uintptr_t)setting->line.row, (uintptr_t)line->row);
    for (size_t i = 0; order == 0 && i < words; i++)
        order = i < setting->line.count ? compare_words(&setting->line, line, i) : -1;
    return order;
}

/* True if `a` comes before `b`. */
static bool is_before(const struct setting *a, const struct setting *b)
{
    return compare(a, b->section, &b->line, b->line.count) < 0;
}

/* xorshift: the same weights for the same config. */
static uint32_t next_weight(uint32_t weight)
{
    weight = weight == 0 ? 1 : weight;
    weight ^= weight << 13;
    weight ^= weight >> 17;
    weight ^= weight << 5;
    return weight;
}

/* Splits a tree into the settings before `at` and the others. */
static void split(struct setting *tree, const struct setting *at, struct setting **before,
                  struct setting **others)
{
    while (tree != NULL) {
        if (is_before(tree, at)) {
            *before = tree;
            before = &tree->after_in_index;
            tree = tree->after_in_index;
        } else {
            *others = tree;
            others = &tree->before_in_index;
            tree = tree->before_in_index;
        }
    }
    *before = *others = NULL;
}

/* Joins two trees, all settings of one of which come before those of the other. */
static struct setting *join(struct setting *before, struct setting *others)
{
    struct setting *tree = NULL;
    struct setting **place = &tree;
    while (before != NULL && others != NULL) {
        if (before->weight > others->weight) {
            *place = before;
            place = &before->after_in_index;
            before = before->after_in_index;
        } else {
            *place = others;
            place = &others->before_in_index;
            others = others->before_in_index;
        }
    }
    *place = before != NULL ? before : others;
    return tree;
}

void index_add(struct setting_index *index, struct setting *setting)
{
    index->weight = setting->weight = next_weight(index->weight);
    struct setting **place = &index->root;
    while (*place != NULL && (*place)->weight > setting->weight)
        place = is_before(*place, setting) ? &(*place)->after_in_index : &(*place)->before_in_index;
    split(*place, setting, &setting->before_in_index, &setting->after_in_index);
    *place = setting;
}

void index_remove(struct setting_index *index, struct setting *setting)
{
    struct setting **place = &index->root;
    while (*place != setting)
        place = is_before(*place, setting) ? &(*place)->after_in_index : &(*place)->before_in_index;
    *place = join(setting->before_in_index, setting->after_in_index);
}

struct setting *index_find(const struct setting_index *index, const struct section *section,
                           const struct command_line *line, size_t words)
{
    struct setting *found = NULL;
    for (struct setting *s = index->root; s != NULL;) {
        int order = compare(s, section, line, words);
        if (order == 0)
            found = s;
        s = order < 0 ? s->after_in_index : s->before_in_index;
    }
    return found;
}
