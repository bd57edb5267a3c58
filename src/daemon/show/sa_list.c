#include "daemon/show/sa_list.h"

#include <stdlib.h>

#include "base/sorted.h"

/* The records of this machine's own map need no epoch. */
enum { THIS_MACHINE = 0 };

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

/* The tunnel of the record at a place. False if there is none, or another one than is wanted (0: any). */
static bool tunnel_at(const struct state_map *records, uint32_t place, uint32_t wanted,
                      struct state_record *memory, uint32_t *tunnel)
{
    return (wanted == 0 || state_map_may_be_of(records, place, wanted)) &&
           state_map_read(records, place, memory) &&
           ike_record_tunnel((struct octets){memory->octets, memory->length}, tunnel) &&
           (wanted == 0 || *tunnel == wanted);
}

bool sa_list_fill(struct sa_list *list, const struct state_map *records, uint32_t tunnel)
{
    struct state_record memory = {0};
    size_t capacity = 0;
    bool done = true;
    *list = (struct sa_list){0};
    for (uint32_t place = 0; place < state_map_places(records) && done; place++) {
        uint32_t of;
        if (!tunnel_at(records, place, tunnel, &memory, &of))
            continue;
        const struct sa_list_entry entry = {of, memory.serial, place};
        done = list_add(list, &capacity, &entry);
    }
    state_record_free(&memory);
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

static uint32_t tunnel_of(const void *entry)
{
    return ((const struct sa_list_entry *)entry)->tunnel;
}

const struct sa_list_entry *sa_list_of(const struct sa_list *list, uint32_t tunnel, size_t *count)
{
    size_t first = sorted_place(list->entries, list->count, sizeof(*list->entries), tunnel_of, tunnel);
    *count = 0;
    while (first + *count < list->count && list->entries[first + *count].tunnel == tunnel)
        (*count)++;
    return list->entries + first;
}

bool sa_list_read(const struct state_map *records, const struct sa_list_entry *entry,
                  struct state_record *memory, struct ike_record *out)
{
    return state_map_read(records, entry->place, memory) && memory->serial == entry->serial &&
           ike_record_read((struct octets){memory->octets, memory->length}, THIS_MACHINE, out) ==
               IKE_RECORD_READ &&
           out->tunnel == entry->tunnel;
}

/* How much an SA says of its tunnel; 0: nothing. */
static int weight(const struct ike_record *sa)
{
    switch (sa->state) {
    case IKE_SA_ESTABLISHED:
        return sa->child_count > 0 ? 4 : 3;
    case IKE_SA_INITIATING:
    case IKE_SA_HALF_OPEN:
    case IKE_SA_AUTHENTICATING:
        return sa->suite.encryption != NULL ? 2 : 1;
    case IKE_SA_DELETING:
        break;
    }
    return 0;
}

bool sa_list_read_best(const struct state_map *records, const struct sa_list_entry *entries, size_t count,
                       struct state_record *memory, struct ike_record *out)
{
    const struct sa_list_entry *best = NULL;
    int most = 0;
    for (size_t i = 0; i < count; i++) {
        if (!sa_list_read(records, &entries[i], memory, out) || weight(out) <= most)
            continue;
        most = weight(out);
        best = &entries[i];
    }
    return best != NULL && sa_list_read(records, best, memory, out);
}
