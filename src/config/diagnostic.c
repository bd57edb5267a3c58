#include "config/diagnostic.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "config/words.h"

/* Octets of the source line that an excerpt shows before and after the start of its word. */
enum { EXCERPT_BEFORE = 80, EXCERPT_AFTER = 80 };

/* A wrong line may have a key where none is expected. */
static void text_wipe(char *text)
{
    if (text != NULL)
        secret_free(text, strlen(text));
}

void diagnostics_free(struct diagnostics *list)
{
    for (size_t i = 0; i < list->count; i++) {
        text_wipe(list->items[i].message);
        text_wipe(list->items[i].excerpt);
    }
    free(list->items);
    *list = (struct diagnostics){0};
}

static bool make_room(struct diagnostics *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
    struct diagnostic *items = realloc(list->items, capacity * sizeof *items);
    if (items == NULL)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

static void add(struct diagnostics *list, struct diagnostic d, const char *format, va_list arguments)
{
    size_t *found = d.severity == SEVERITY_ERROR ? &list->errors : &list->warnings;
    (*found)++;
    if (*found > DIAGNOSTICS_KEPT || !make_room(list) || vasprintf(&d.message, format, arguments) < 0) {
        list->left_out++;
        free(d.excerpt);
        return;
    }
    list->items[list->count++] = d;
}

void diagnostics_add(struct diagnostics *list, enum severity severity, uint32_t line, uint32_t column,
                     char *excerpt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(list, (struct diagnostic){severity, line, column, NULL, excerpt}, format, arguments);
    va_end(arguments);
}

void diagnostics_warn_at(struct diagnostics *list, uint32_t line, uint32_t column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool placed = line != UINT32_MAX;
    add(list, (struct diagnostic){SEVERITY_WARNING, placed ? line : 0, placed ? column : 0, NULL, NULL},
        format, arguments);
    va_end(arguments);
}

static void merge(struct diagnostic *items, size_t left, size_t total, struct diagnostic *scratch)
{
    memcpy(scratch, items, left * sizeof *items);
    size_t i = 0, j = left, to = 0;
    while (i < left && j < total)
        items[to++] = items[j].line < scratch[i].line ? items[j++] : scratch[i++];
    while (i < left)
        items[to++] = scratch[i++];
}

static void sort(struct diagnostic *items, size_t count, struct diagnostic *scratch)
{
    if (count < 2)
        return;
    sort(items, count / 2, scratch);
    sort(items + count / 2, count - count / 2, scratch);
    merge(items, count / 2, count, scratch);
}

void diagnostics_sort(struct diagnostics *list)
{
    struct diagnostic *scratch = calloc(list->count / 2 + 1, sizeof *scratch);
    if (scratch == NULL)
        return;
    sort(list->items, list->count, scratch);
    free(scratch);
}

static void print(const struct diagnostic *d, const char *file, FILE *out)
{
    if (file != NULL)
        (void)fprintf(out, "%s:", file);
    if (d->line != 0)
        (void)fprintf(out, "%u:", d->line);
    if (d->line != 0 && d->column != 0)
        (void)fprintf(out, "%u:", d->column);
    bool placed = file != NULL || d->line != 0;
    (void)fprintf(out, "%s%s: %s\n", placed ? " " : "", d->severity == SEVERITY_ERROR ? "error" : "warning",
                  d->message);
    if (d->excerpt != NULL)
        (void)fputs(d->excerpt, out);
}

void diagnostics_print(const struct diagnostics *list, const char *file, FILE *out)
{
    for (size_t i = 0; i < list->count; i++)
        print(&list->items[i], file, out);
    if (list->left_out != 0)
        (void)fprintf(out, "%s: %zu more are not shown\n", file == NULL ? "config" : file, list->left_out);
}

const struct diagnostic *diagnostics_first(const struct diagnostics *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].severity == SEVERITY_ERROR)
            return &list->items[i];
    }
    return list->count == 0 ? NULL : &list->items[0];
}

/* Where the next character starts, at `at` or behind it. */
static size_t character_start(const char *line, size_t length, size_t at)
{
    while (at < length && ((unsigned char)line[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* A character as an excerpt shows it: control characters would spoil the caret line. */
static char shown(char c)
{
    unsigned char u = (unsigned char)c;
    if (c == '\t')
        return ' ';
    if (u < 0x20 || u == 0x7f)
        return '?';
    return c;
}

char *excerpt_of(const char *line, size_t length, size_t column, size_t span, size_t secret_from,
                 size_t secret_to)
{
    size_t from = column > EXCERPT_BEFORE ? character_start(line, length, column - EXCERPT_BEFORE) : 0;
    size_t to = column + EXCERPT_AFTER < length ? column + EXCERPT_AFTER : length;
    to = character_start(line, length, to);
    if (column + span > to)
        span = to > column ? to - column : 0;
    size_t before = column > from ? text_width(line + from, column - from) : 0;
    size_t under = span > 0 ? text_width(line + column, span) : 0;

    char *excerpt = malloc((to - from) + 1 + before + 1 + under + 2);
    if (excerpt == NULL)
        return NULL;
    char *at = excerpt;
    for (size_t i = from; i < to; i++)
        *at++ = shown(line[i]);
    for (size_t i = secret_from > from ? secret_from : from; i < secret_to && i < to; i++)
        excerpt[i - from] = '*';
    *at++ = '\n';
    memset(at, ' ', before);
    at += before;
    *at++ = '^';
    for (size_t i = 1; i < under; i++)
        *at++ = '~';
    *at++ = '\n';
    *at = '\0';
    return excerpt;
}
