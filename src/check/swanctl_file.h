/*
 * The text of a swanctl.conf (strongSwan): sections and settings with their lines, without their meaning.
 */
#ifndef MUSUBI_CHECK_SWANCTL_FILE_H
#define MUSUBI_CHECK_SWANCTL_FILE_H

#include "config/diagnostic.h"

enum { SWANCTL_DEPTH_MAX = 6 };

/* A setting, or the beginning of a section (`key` is NULL then). */
struct swanctl_item {
    const char *section[SWANCTL_DEPTH_MAX]; /* the names of the sections around it, from the outside in */
    size_t depth;
    const char *key;
    const char *value;
    uint32_t line;
};

struct swanctl_file {
    char *text; /* what the items point into */
    size_t length;
    struct swanctl_item *items; /* in the order of the file */
    size_t count, capacity;
};

/* True if a text looks like a swanctl.conf and not like a config of Musubi. */
bool swanctl_is_meant(const char *text, size_t length);

/*
 * Reads a text; swanctl_file_free when done, in either case. What is not read (`include`, references to
 * sections) is a warning. False after a syntax error, which is added to `diagnostics`, or if memory ran out.
 */
bool swanctl_file_read(struct swanctl_file *out, const char *text, size_t length,
                       struct diagnostics *diagnostics);
void swanctl_file_free(struct swanctl_file *file);

#endif
