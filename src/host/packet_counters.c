#include "host/packet_counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/nft.h"

static int compare(const void *a, const void *b)
{
    const struct packet_count *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* A counter is listed as "counter NAME {", and on the next line "packets N bytes N". */
bool packet_counts_parse(const char *listed, struct packet_counts *out)
{
    size_t room = 0;
    *out = (struct packet_counts){0};
    for (const char *at = listed; (at = strstr(at, "counter ")) != NULL; at += strlen("counter ")) {
        struct packet_count count;
        if (sscanf(at, "counter %63s { packets %" SCNu64 " bytes %" SCNu64, count.name, &count.packets,
                   &count.octets) != 3)
            continue;
        if (out->count == room) {
            room = room == 0 ? 64 : 2 * room;
            struct packet_count *grown = reallocarray(out->items, room, sizeof *grown);
            if (grown == NULL) {
                packet_counts_free(out);
                return false;
            }
            out->items = grown;
        }
        out->items[out->count++] = count;
    }
    if (out->count > 0)
        qsort(out->items, out->count, sizeof *out->items, compare);
    return true;
}

bool packet_counts_read(struct packet_counts *out, struct host_error *err)
{
    *out = (struct packet_counts){0};
    if (nft_find_table(NULL) != NFT_TABLE_THERE)
        return true;
    char *listed = nft_list("list counters table inet " NFT_TABLE, true, err);
    if (listed == NULL)
        return false;
    bool done = packet_counts_parse(listed, out) || host_fail(err, ENOMEM, "cannot read the counters");
    free(listed);
    return done;
}

void packet_counts_free(struct packet_counts *counts)
{
    free(counts->items);
    *counts = (struct packet_counts){0};
}

const struct packet_count *packet_counts_find_name(const struct packet_counts *counts, const char *name)
{
    struct packet_count key;
    (void)snprintf(key.name, sizeof key.name, "%s", name);
    return counts->count == 0 ? NULL
                              : bsearch(&key, counts->items, counts->count, sizeof *counts->items, compare);
}

const struct packet_count *packet_counts_find(const struct packet_counts *counts, enum packet_counter kind,
                                              size_t number, size_t part)
{
    char name[COUNTER_NAME_SIZE];
    return packet_counts_find_name(counts, packet_counter_name(kind, number, part, name));
}
