#include "daemon/keeper/tunnel_table.h"

#include <stdlib.h>
#include <string.h>

#include "config/interface_name.h"

bool tunnel_table_open(struct tunnel_table *table, const struct live_area *live)
{
    *table = (struct tunnel_table){.live = live};
    table->slot_taken = calloc(live->size.tunnels, sizeof(*table->slot_taken));
    return table->slot_taken != NULL;
}

static void tunnel_free(struct tunnel *tunnel)
{
    free(tunnel->failure.text);
    free(tunnel);
}

void tunnel_table_free(struct tunnel_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        tunnel_free(table->tunnels[i]);
    free(table->tunnels);
    free(table->slot_taken);
    map_free(&table->by_number);
    *table = (struct tunnel_table){0};
}

struct tunnel *tunnel_table_find(const struct tunnel_table *table, uint32_t number)
{
    return map_find(&table->by_number, number);
}

struct tunnel *tunnel_table_find_name(const struct tunnel_table *table, const char *name)
{
    struct interface_name parts;
    if (interface_name_parse(name, &parts, NULL) != VALUE_FITS || parts.kind != INTERFACE_TUNNEL)
        return NULL;
    struct tunnel *tunnel = tunnel_table_find(table, tunnel_number(&parts));
    return tunnel != NULL && strcmp(tunnel->policy.name, name) == 0 ? tunnel : NULL;
}

/* ---- Adding and removing --------------------------------------------------------------------------- */

/* Takes the lowest free slot for a tunnel. What its last owner left in the totals counts as cleared. */
static bool slot_take(struct tunnel_table *table, struct tunnel *tunnel)
{
    uint32_t slot = table->lowest_free_slot;
    while (slot < table->live->size.tunnels && table->slot_taken[slot])
        slot++;
    table->lowest_free_slot = slot;
    if (slot == table->live->size.tunnels)
        return false;
    table->slot_taken[slot] = true;
    tunnel->slot = slot;
    tunnel->cleared = live_area_totals(table->live, slot);
    return true;
}

static void slot_give_back(struct tunnel_table *table, uint32_t slot)
{
    table->slot_taken[slot] = false;
    if (slot < table->lowest_free_slot)
        table->lowest_free_slot = slot;
}

static bool make_room(struct tunnel_table *table)
{
    if (table->count < table->room)
        return true;
    size_t more = table->room == 0 ? 16 : 2 * table->room;
    struct tunnel **grown = reallocarray(table->tunnels, more, sizeof(struct tunnel *));
    if (grown == NULL)
        return false;
    table->tunnels = grown;
    table->room = more;
    return true;
}

struct tunnel *tunnel_table_add(struct tunnel_table *table, uint32_t number)
{
    struct tunnel *tunnel = make_room(table) ? calloc(1, sizeof(*tunnel)) : NULL;
    if (tunnel == NULL || !slot_take(table, tunnel)) {
        free(tunnel);
        return NULL;
    }
    if (!map_put(&table->by_number, number, tunnel)) {
        slot_give_back(table, tunnel->slot);
        free(tunnel);
        return NULL;
    }
    tunnel->policy.tunnel = number;
    table->tunnels[table->count++] = tunnel;
    return tunnel;
}

void tunnel_table_remove(struct tunnel_table *table, struct tunnel *tunnel)
{
    size_t at = 0;
    while (table->tunnels[at] != tunnel)
        at++;
    table->count--;
    memmove(&table->tunnels[at], &table->tunnels[at + 1], (table->count - at) * sizeof(struct tunnel *));
    (void)map_remove(&table->by_number, tunnel->policy.tunnel);
    slot_give_back(table, tunnel->slot);
    tunnel_free(tunnel);
}

static int compare_places(const void *a, const void *b)
{
    const struct tunnel *const *x = a;
    const struct tunnel *const *y = b;
    return ((*x)->place > (*y)->place) - ((*x)->place < (*y)->place);
}

void tunnel_table_sort(struct tunnel_table *table)
{
    if (table->count > 0)
        qsort(table->tunnels, table->count, sizeof(struct tunnel *), compare_places);
}

/* ---- Statistics ------------------------------------------------------------------------------------ */

struct path_totals tunnel_table_totals(const struct tunnel_table *table, const struct tunnel *tunnel)
{
    struct path_totals totals = live_area_totals(table->live, tunnel->slot);
    for (size_t i = 0; i < ESP_COUNTER_COUNT; i++)
        totals.counters[i] -= tunnel->cleared.counters[i];
    for (size_t i = 0; i < DROP_COUNT; i++)
        totals.drops[i] -= tunnel->cleared.drops[i];
    totals.fragmented -= tunnel->cleared.fragmented;
    return totals;
}

void tunnel_table_clear_totals(struct tunnel_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->tunnels[i]->cleared = live_area_totals(table->live, table->tunnels[i]->slot);
}
