#include "check/swanctl_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

static const char blanks[] = " \t\r\n";

bool swanctl_is_meant(const char *text, size_t length)
{
    static const char *const sections[] = {"connections", "secrets", "pools", "authorities", "include"};
    const char *end = text + length;
    while (text < end && (strchr(blanks, *text) != NULL || *text == '#')) {
        if (*text++ != '#')
            continue;
        while (text < end && *text != '\n')
            text++;
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        size_t size = strlen(sections[i]);
        if ((size_t)(end - text) > size && strncmp(text, sections[i], size) == 0 &&
            strchr(" \t\r\n{.", text[size]) != NULL)
            return true;
    }
    return false;
}

/* A text that is being read; it ends with NUL. */
struct scan {
    struct swanctl_file *file;
    struct diagnostics *diagnostics;
    char *at;
    uint32_t line;
    const char *section[SWANCTL_DEPTH_MAX];
    size_t depth;
};

static void skip(struct scan *s, const char *what)
{
    while (*s->at != '\0' && (strchr(what, *s->at) != NULL || *s->at == '#')) {
        if (*s->at == '#') {
            s->at += strcspn(s->at, "\n");
            continue;
        }
        s->line += *s->at++ == '\n';
    }
}

static bool fail(const struct scan *s, const char *why)
{
    diagnostics_add(s->diagnostics, SEVERITY_ERROR, s->line, 0, NULL, "%s", why);
    return false;
}

static bool add(struct scan *s, const char *key, const char *value, uint32_t line)
{
    struct swanctl_file *file = s->file;
    if (file->count == file->capacity) {
        size_t capacity = file->capacity == 0 ? 64 : 2 * file->capacity;
        struct swanctl_item *grown = realloc(file->items, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        file->items = grown;
        file->capacity = capacity;
    }
    struct swanctl_item *item = &file->items[file->count++];
    *item = (struct swanctl_item){.depth = s->depth, .key = key, .value = value, .line = line};
    memcpy(item->section, s->section, sizeof item->section);
    return true;
}

/* Ends a word in place and returns the character that stood behind it. */
static char cut(struct scan *s)
{
    char behind = *s->at;
    if (behind != '\0')
        *s->at++ = '\0';
    return behind;
}

/* A value: up to the end of the line, or in quotes. */
static bool read_value(struct scan *s, const char *key)
{
    uint32_t line = s->line;
    skip(s, " \t");
    if (*s->at == '"') {
        char *value = ++s->at;
        for (; *s->at != '"' && *s->at != '\0'; s->at++)
            s->line += *s->at == '\n';
        return cut(s) == '"' ? add(s, key, value, line) : fail(s, "a value has no closing quote");
    }
    char *value = s->at;
    s->at += strcspn(s->at, "\n#}");
    char *end = s->at;
    char behind = *end;
    while (end > value && strchr(blanks, end[-1]) != NULL)
        end--;
    bool added = add(s, key, value, line);
    if (behind == '\n')
        s->line++, s->at++;
    else if (behind == '#')
        *s->at = '\0', s->at += 1 + strcspn(s->at + 1, "\n");
    *end = '\0';
    if (behind != '}')
        return added;
    s->at++;
    return added && (s->depth-- > 0 || fail(s, "a closing brace has no section"));
}

static bool open_section(struct scan *s, const char *name, uint32_t line)
{
    if (s->depth == SWANCTL_DEPTH_MAX)
        return fail(s, "sections stand too deep in others");
    s->section[s->depth++] = name;
    return add(s, NULL, NULL, line);
}

static bool read_item(struct scan *s)
{
    if (*s->at == '}') {
        s->at++;
        return s->depth-- > 0 || fail(s, "a closing brace has no section");
    }
    uint32_t line = s->line;
    char *word = s->at;
    s->at += strcspn(s->at, " \t\r\n={}#:");
    if (s->at == word)
        return fail(s, "a name is missing");
    char *end = s->at;
    bool is_include = (size_t)(end - word) == 7 && strncmp(word, "include", 7) == 0;
    if (is_include || *end == ':') {
        diagnostics_add(s->diagnostics, SEVERITY_WARNING, line, 0, NULL,
                        is_include ? "`include` is not followed"
                                   : "a reference to another section is not followed");
        s->at += strcspn(s->at, is_include ? "\n" : "{\n");
        if (is_include)
            return true;
    }
    skip(s, blanks);
    char kind = *s->at;
    if (kind != '{' && kind != '=')
        return fail(s, "a `{` or a `=` is missing behind a name");
    s->at++;
    *end = '\0';
    return kind == '{' ? open_section(s, word, line) : read_value(s, word);
}

bool swanctl_file_read(struct swanctl_file *out, const char *text, size_t length,
                       struct diagnostics *diagnostics)
{
    *out = (struct swanctl_file){.text = malloc(length + 1), .length = length};
    if (out->text == NULL)
        return false;
    memcpy(out->text, text, length);
    out->text[length] = '\0';
    struct scan s = {.file = out, .diagnostics = diagnostics, .at = out->text, .line = 1};
    for (;;) {
        skip(&s, blanks);
        if (*s.at == '\0')
            break;
        if (!read_item(&s))
            return false;
    }
    return s.depth == 0 || fail(&s, "a section is not closed");
}

void swanctl_file_free(struct swanctl_file *file)
{
    secret_free(file->text, file->length);
    free(file->items);
    *file = (struct swanctl_file){0};
}
