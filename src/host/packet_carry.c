#include "host/packet_carry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A counter as packet_rules_text declares it: "\tcounter NAME { } # WHAT". */
struct declared {
    char name[COUNTER_NAME_SIZE];
    const char *what; /* to the end of its line; in the text */
    size_t what_length;
};

/* Reads the line at *at and moves on to the next one; false if it declares no counter. */
static bool read_line(const char **at, struct declared *out)
{
    const char *line = *at;
    const char *end = line + strcspn(line, "\n");
    const char *what = memmem(line, (size_t)(end - line), "{ } # ", 6);
    *at = *end == '\n' ? end + 1 : end;
    if (what == NULL || sscanf(line, "\tcounter %63s {", out->name) != 1)
        return false;
    out->what = what + 6;
    out->what_length = (size_t)(end - out->what);
    return true;
}

struct declarations {
    struct declared *items;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct declared *x = a, *y = b;
    size_t least = x->what_length < y->what_length ? x->what_length : y->what_length;
    int order = memcmp(x->what, y->what, least);
    return order != 0 ? order : (x->what_length > y->what_length) - (x->what_length < y->what_length);
}

/* All counters of a text, ordered by what they count. False if memory ran out. */
static bool read_all(const char *text, struct declarations *out)
{
    size_t room = 1;
    for (const char *at = text; (at = strstr(at, "{ } # ")) != NULL; at++)
        room++;
    *out = (struct declarations){.items = calloc(room, sizeof *out->items)};
    if (out->items == NULL)
        return false;
    for (const char *at = text; *at != '\0';)
        out->count += read_line(&at, &out->items[out->count]);
    qsort(out->items, out->count, sizeof *out->items, compare);
    return true;
}

static const struct packet_count *count_before(const struct declarations *before,
                                               const struct packet_counts *counts, const struct declared *now)
{
    const struct declared *same =
        before->count == 0 ? NULL
                           : bsearch(now, before->items, before->count, sizeof *before->items, compare);
    return same != NULL ? packet_counts_find_name(counts, same->name) : NULL;
}

static void write_all(FILE *out, const char *wanted, const struct declarations *before,
                      const struct packet_counts *counts)
{
    for (const char *at = wanted; *at != '\0';) {
        const char *line = at;
        struct declared now;
        const struct packet_count *count = read_line(&at, &now) ? count_before(before, counts, &now) : NULL;
        if (count != NULL)
            (void)fprintf(out, "\tcounter %s { packets %" PRIu64 " bytes %" PRIu64 "; }\n", now.name,
                          count->packets, count->octets);
        else
            (void)fwrite(line, 1, (size_t)(at - line), out);
    }
}

char *packet_carry(const char *wanted, const char *made, const struct packet_counts *counts)
{
    struct declarations before;
    char *text = NULL;
    size_t size;
    if (!read_all(made, &before))
        return NULL;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL) {
        write_all(out, wanted, &before, counts);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    free(before.items);
    return text;
}
