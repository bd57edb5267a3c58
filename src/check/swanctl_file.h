/*
 * The text of a swanctl.conf (strongSwan): sections and settings with their lines, without their meaning.
 */
#ifndef MUSUBI_CHECK_SWANCTL_FILE_H
#define MUSUBI_CHECK_SWANCTL_FILE_H

#include "config/diagnostic.h"

enum { SWANCTL_DEPTH_MAX = 6 };

/* A setting, or the head of a section (`key` is NULL then). */
struct swanctl_item {
    const char *section[SWANCTL_DEPTH_MAX]; /* the names of the sections around it, from the outside in */
    size_t depth;
    const char *key;
    const char *value; /* of a head: the sections that it refers to ("a, b.c"), or NULL */
    const char *end;   /* of a setting: where its value ends in the text, quotes and all */
    uint32_t line;
    bool ends_at_comment; /* a setting: a `#` directly behind its value, which has no quote there, ends it */
    bool is_inherited;    /* the section that it stands in refers to the one that has it */
    bool is_overridden;   /* a setting: it does not count, as another one holds in its place */
    bool is_referred_to;  /* a head: another section refers to it, or to a section in it */
};

struct swanctl_file {
    char *text; /* what the items point into */
    size_t length;
    struct swanctl_item *items; /* in the order of the file, but see swanctl_merge.h */
    size_t count, capacity;
};

/* What a text is, by its first word. */
enum swanctl_form {
    SWANCTL_NONE, /* no config of strongSwan */
    SWANCTL_CONF,
    SWANCTL_IPSEC_CONF, /* strongSwan's older form */
};
enum swanctl_form swanctl_form_of(const char *text, size_t length);

/* That the older form is not read, and what mends that. */
extern const char swanctl_ipsec_conf_text[];

/*
 * Reads a text; swanctl_file_free when done, in either case. What a section has by reference (`name : other
 * {`) stands before its own items, which override it. What is not read (`include`) is a warning. False after
 * a syntax error, which is added to `diagnostics`, or if memory ran out.
 */
bool swanctl_file_read(struct swanctl_file *out, const char *text, size_t length,
                       struct diagnostics *diagnostics);
void swanctl_file_free(struct swanctl_file *file);

#endif
