/*
 * What Linux had before Musubi changed it, kept in a file until it is given back: the musubid that starts
 * after a crash gives it back too.
 */
#ifndef MUSUBI_HOST_BEFORE_H
#define MUSUBI_HOST_BEFORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BEFORE_NAME_SIZE = 24, BEFORE_VALUES = 4 };

/* Some values under a name, which has no blanks. Their owner knows what they mean. */
struct before_item {
    char name[BEFORE_NAME_SIZE];
    uint32_t value[BEFORE_VALUES];
};

/* Zeroed, it keeps nothing. */
struct host_before {
    int directory; /* 0: there is none */
    struct before_item *items;
    size_t count;
};

/*
 * Keeps a file in `directory`, which stays the caller's and open. If the file is there, an earlier musubid
 * ended without giving the values back: they are taken over if they are of this network namespace and of the
 * time since Linux was started.
 */
void host_before_open(struct host_before *before, int directory);

/* Frees; the file stays as it is. */
void host_before_close(struct host_before *before);

/* The item with that name; NULL if there is none. */
const struct before_item *host_before_find(const struct host_before *before, const char *name);

/* Adds an item, or replaces the one with its name; to be called before Linux is changed. */
void host_before_put(struct host_before *before, const struct before_item *item);

/* Forgets an item: its values were given back. `name` may be that of no item. */
void host_before_remove(struct host_before *before, const char *name);

#endif
