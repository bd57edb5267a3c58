/*
 * Writes JSON (RFC 8259), indented, to a stream: objects and arrays are begun and ended, and what stands in
 * them is written in between. The caller looks for errors of the stream.
 */
#ifndef MUSUBI_CHECK_JSON_H
#define MUSUBI_CHECK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH_MAX = 32 };

struct json {
    FILE *out;
    unsigned depth;
    bool has_values[JSON_DEPTH_MAX]; /* of what was begun, from the outside in */
};

/* `name` is that of the member of an object; NULL for an element of an array, and for the whole. */
void json_begin_object(struct json *json, const char *name);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *name);
void json_end_array(struct json *json);

/* A text in UTF-8; octets that are none are written as U+FFFD. NULL is null. */
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);

#endif
