#include "check/swanctl_merge.h"

#include <stdlib.h>

#include "base/map.h"

enum { DEPTH_OF_GROUPS = 2 /* as of `connections.NAME`: items so deep or deeper stay together */ };

/* Where an item goes: to the first of its group, and within the group in the order of the file. */
struct place {
    size_t group; /* the index of the group's first item */
    size_t index;
};

static uint64_t hash_sections(const struct swanctl_item *item, size_t depth)
{
    uint64_t hash = hash_number(HASH_START, depth);
    for (size_t i = 0; i < depth; i++)
        hash = hash_text(hash, item->section[i]);
    return hash;
}

/* The first item of the group of `item`; NULL if memory ran out. */
static struct swanctl_item *first_of_group(struct map *groups, struct swanctl_item *item)
{
    if (item->depth < DEPTH_OF_GROUPS)
        return item;
    uint64_t key = hash_sections(item, DEPTH_OF_GROUPS);
    struct swanctl_item *first = map_find(groups, key);
    if (first != NULL)
        return first;
    return map_put(groups, key, item) ? item : NULL;
}

/* Marks the setting that `item` overrides, or `item` if its section has the setting itself. False if memory
 * ran out. */
static bool override(struct map *settings, struct swanctl_item *item)
{
    if (item->key == NULL)
        return true;
    uint64_t key = hash_text(hash_sections(item, item->depth), item->key);
    struct swanctl_item *before = map_find(settings, key);
    if (before != NULL && item->is_inherited && !before->is_inherited) {
        item->is_overridden = true;
        return true;
    }
    if (before != NULL)
        before->is_overridden = true;
    return map_put(settings, key, item);
}

static bool find_places(const struct swanctl_file *file, struct place *places)
{
    struct map groups = map_with_seed(0), settings = map_with_seed(0);
    bool good = true;
    for (size_t i = 0; good && i < file->count; i++) {
        const struct swanctl_item *first = first_of_group(&groups, &file->items[i]);
        good = first != NULL && override(&settings, &file->items[i]);
        if (good)
            places[i] = (struct place){(size_t)(first - file->items), i};
    }
    map_free(&groups);
    map_free(&settings);
    return good;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

bool swanctl_merge(struct swanctl_file *file)
{
    if (file->count == 0)
        return true;
    struct place *places = calloc(file->count, sizeof *places);
    struct swanctl_item *items = calloc(file->count, sizeof *items);
    bool good = places != NULL && items != NULL && find_places(file, places);
    if (good) {
        qsort(places, file->count, sizeof *places, compare_places);
        for (size_t i = 0; i < file->count; i++)
            items[i] = file->items[places[i].index];
        free(file->items);
        file->items = items;
        file->capacity = file->count;
        items = NULL;
    }
    free(items);
    free(places);
    return good;
}
