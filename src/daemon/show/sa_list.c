#include "daemon/show/sa_list.h"

#include <stdlib.h>

#include "base/secret.h"

static int compare_entries(const void *a, const void *b)
{
    const struct sa_list_entry *x = a;
    const struct sa_list_entry *y = b;
    if (x->tunnel != y->tunnel)
        return x->tunnel < y->tunnel ? -1 : 1;
    return (y->serial > x->serial) - (y->serial < x->serial);
}

static bool list_add(struct sa_list *list, size_t *capacity, const struct sa_list_entry *entry)
{
    if (list->count == *capacity) {
        size_t more = *capacity != 0 ? 2 * *capacity : 64;
        struct sa_list_entry *grown = realloc(list->entries, more * sizeof(*grown));
        if (grown == NULL)
            return false;
        list->entries = grown;
        *capacity = more;
    }
    list->entries[list->count++] = *entry;
    return true;
}

/* Reads the record at a place, if it is of the tunnel, or of any one for 0. */
static bool read_place(const struct state_map *records, uint32_t place, uint32_t tunnel,
                       struct state_record *memory, struct ike_record *record)
{
    return (tunnel == 0 || state_map_may_be_of(records, place, tunnel)) &&
           state_map_read(records, place, memory) &&
           ike_record_read((struct octets){memory->octets, memory->length}, record) && record->has_tunnel &&
           (tunnel == 0 || record->tunnel == tunnel);
}

bool sa_list_fill(struct sa_list *list, const struct state_map *records, uint32_t tunnel)
{
    struct state_record memory = {0};
    struct ike_record *record = malloc(sizeof(*record));
    size_t capacity = 0;
    bool done = record != NULL;
    *list = (struct sa_list){0};
    for (uint32_t place = 0; place < state_map_places(records) && done; place++) {
        if (!read_place(records, place, tunnel, &memory, record))
            continue;
        const struct sa_list_entry entry = {record->tunnel, memory.serial, place};
        done = list_add(list, &capacity, &entry);
    }
    state_record_free(&memory);
    secret_free(record, sizeof(*record));
    if (!done)
        sa_list_free(list);
    else if (list->count > 0)
        qsort(list->entries, list->count, sizeof(*list->entries), compare_entries);
    return done;
}

void sa_list_free(struct sa_list *list)
{
    free(list->entries);
    *list = (struct sa_list){0};
}

const struct sa_list_entry *sa_list_of(const struct sa_list *list, uint32_t tunnel, size_t *count)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->entries[middle].tunnel < tunnel)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < list->count && list->entries[low + *count].tunnel == tunnel)
        (*count)++;
    return list->entries + low;
}

bool sa_list_read(const struct state_map *records, const struct sa_list_entry *entry,
                  struct state_record *memory, struct ike_record *out)
{
    return state_map_read(records, entry->place, memory) && memory->serial == entry->serial &&
           ike_record_read((struct octets){memory->octets, memory->length}, out) &&
           out->tunnel == entry->tunnel;
}
