#include "host/before.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "before"
#define NEW_NAME  "before.new"

enum { PLACE_SIZE = 80, ITEMS_MAX = 10000 };

/* The boot and the network namespace that the values are of, as one word. */
static void place_of(char place[PLACE_SIZE])
{
    char boot[40] = "?";
    struct stat space = {0};
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file != NULL) {
        (void)!fscanf(file, "%39s", boot);
        (void)fclose(file);
    }
    (void)stat("/proc/thread-self/ns/net", &space);
    (void)snprintf(place, PLACE_SIZE, "%s/%ju", boot, (uintmax_t)space.st_ino);
}

static struct before_item *find(const struct host_before *before, const char *name)
{
    for (size_t i = 0; i < before->count; i++) {
        if (strcmp(before->items[i].name, name) == 0)
            return &before->items[i];
    }
    return NULL;
}

/* Adds or replaces an item of the list; without memory it is not kept. */
static void keep(struct host_before *before, const struct before_item *item)
{
    struct before_item *old = find(before, item->name);
    if (old != NULL) {
        *old = *item;
        return;
    }
    struct before_item *larger = reallocarray(before->items, before->count + 1, sizeof *larger);
    if (larger == NULL)
        return;
    before->items = larger;
    before->items[before->count++] = *item;
}

static bool read_item(FILE *file, struct before_item *item)
{
    _Static_assert(BEFORE_NAME_SIZE == 24 && BEFORE_VALUES == 4, "the format fits the struct");
    return fscanf(file, "%23s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, item->name, &item->value[0],
                  &item->value[1], &item->value[2], &item->value[3]) == 1 + BEFORE_VALUES;
}

static FILE *open_in(int directory, const char *name, int flags, const char *mode)
{
    int fd = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    FILE *file = fd < 0 ? NULL : fdopen(fd, mode);
    if (file == NULL && fd >= 0)
        (void)close(fd);
    return file;
}

void host_before_open(struct host_before *before, int directory)
{
    char here[PLACE_SIZE];
    char there[PLACE_SIZE];
    *before = (struct host_before){.directory = directory};
    FILE *file = open_in(directory, FILE_NAME, O_RDONLY, "r");
    if (file == NULL)
        return;
    place_of(here);
    struct before_item item;
    bool same = fscanf(file, "%79s", there) == 1 && strcmp(here, there) == 0;
    while (same && before->count < ITEMS_MAX && read_item(file, &item))
        keep(before, &item);
    (void)fclose(file);
}

void host_before_close(struct host_before *before)
{
    free(before->items);
    *before = (struct host_before){0};
}

/* Makes the file true. If that fails, a crash leaves Linux as we have changed it, as it would without the
 * file. */
static void write_file(const struct host_before *before)
{
    if (before->directory == 0)
        return;
    if (before->count == 0) {
        (void)unlinkat(before->directory, FILE_NAME, 0);
        return;
    }
    char place[PLACE_SIZE];
    place_of(place);
    FILE *file = open_in(before->directory, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC, "w");
    if (file == NULL)
        return;
    (void)fprintf(file, "%s\n", place);
    for (size_t i = 0; i < before->count; i++) {
        const struct before_item *item = &before->items[i];
        (void)fprintf(file, "%s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", item->name,
                      item->value[0], item->value[1], item->value[2], item->value[3]);
    }
    bool written = ferror(file) == 0;
    if (fclose(file) == 0 && written)
        (void)renameat(before->directory, NEW_NAME, before->directory, FILE_NAME);
    else
        (void)unlinkat(before->directory, NEW_NAME, 0);
}

const struct before_item *host_before_find(const struct host_before *before, const char *name)
{
    return find(before, name);
}

void host_before_put(struct host_before *before, const struct before_item *item)
{
    keep(before, item);
    write_file(before);
}

void host_before_remove(struct host_before *before, const char *name)
{
    struct before_item *item = find(before, name);
    if (item == NULL)
        return;
    *item = before->items[--before->count];
    write_file(before);
}
