#include "check/swanctl_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "check/swanctl_merge.h"

static const char blanks[] = " \t\r\n";

const char swanctl_ipsec_conf_text[] =
    "this is an ipsec.conf of strongSwan, a form that is not read: write its connections as a swanctl.conf";

/* The octets of a byte order mark. */
static size_t mark_length(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* Whether a text begins with a word that one of the characters `behind` follows. */
static bool has_word(const char *text, const char *end, const char *word, const char *behind)
{
    size_t size = strlen(word);
    return (size_t)(end - text) > size && strncmp(text, word, size) == 0 &&
           strchr(behind, text[size]) != NULL && text[size] != '\0';
}

/* What follows the name of a section. */
static const char behind_section[] = " \t\r\n{.:";

/* Whether a section `connections` stands anywhere in a text: the word alone may be one of a description. */
static bool names_connections(const char *text, const char *end)
{
    static const char connections[] = "connections";
    const char *at = text;
    while ((at = memmem(at, (size_t)(end - at), connections, strlen(connections))) != NULL) {
        bool begins_word = at == text || (at[-1] != '\0' && strchr(" \t\r\n{}", at[-1]) != NULL);
        bool is_word = begins_word && has_word(at, end, connections, behind_section);
        at += strlen(connections);
        while (is_word && at < end && *at != '\0' && strchr(blanks, *at) != NULL)
            at++;
        if (is_word && at < end && *at != '\0' && strchr("{.:#", *at) != NULL)
            return true;
    }
    return false;
}

/*
 * Whether a text begins with a section or a setting of any name, before a section `connections`. One that
 * begins with `!` is a config of Musubi, whose comments begin so: a banner `!=====` is not a setting.
 */
static bool opens_section(const char *text, const char *end)
{
    const char *start = text;
    if (text == end || *text == '!' || !names_connections(text, end))
        return false;
    while (text < end && *text != '\0' && strchr(" \t\r\n#{}=:", *text) == NULL)
        text++;
    bool has_name = text > start;
    while (text < end && *text != '\0' && strchr(blanks, *text) != NULL)
        text++;
    return has_name && text < end && *text != '\0' && strchr("{:=", *text) != NULL;
}

enum swanctl_form swanctl_form_of(const char *text, size_t length)
{
    static const char *const sections[] = {"connections", "secrets", "pools", "authorities", "include"};
    const char *end = text + length;
    text += mark_length(text, length);
    while (text < end && *text != '\0' && (strchr(blanks, *text) != NULL || *text == '#')) {
        if (*text++ != '#')
            continue;
        while (text < end && *text != '\n')
            text++;
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (has_word(text, end, sections[i], behind_section))
            return SWANCTL_CONF;
    }
    if (opens_section(text, end))
        return SWANCTL_CONF;
    return has_word(text, end, "conn", " \t") || has_word(text, end, "config setup", " \t\r\n")
               ? SWANCTL_IPSEC_CONF
               : SWANCTL_NONE;
}

/* A text that is being read; it ends with NUL. */
struct scan {
    struct swanctl_file *file;
    struct diagnostics *diagnostics;
    char *at;
    uint32_t line;
    const char *section[SWANCTL_DEPTH_MAX];
    uint32_t opened[SWANCTL_DEPTH_MAX]; /* the lines where these sections begin */
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

static bool fail_at(const struct scan *s, uint32_t line, const char *why)
{
    diagnostics_add(s->diagnostics, SEVERITY_ERROR, line, 0, NULL, "%s", why);
    return false;
}

static bool add(struct swanctl_file *file, const struct swanctl_item *item)
{
    if (file->count == file->capacity) {
        size_t capacity = file->capacity == 0 ? 64 : 2 * file->capacity;
        struct swanctl_item *grown = realloc(file->items, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        file->items = grown;
        file->capacity = capacity;
    }
    file->items[file->count++] = *item;
    return true;
}

static struct swanctl_item item_of(const struct scan *s, const char *key, const char *value, uint32_t line)
{
    struct swanctl_item item = {.depth = s->depth, .key = key, .value = value, .line = line};
    memcpy(item.section, s->section, sizeof item.section);
    return item;
}

static bool close_section(struct scan *s)
{
    s->at++;
    if (s->depth == 0)
        return fail_at(s, s->line, "this brace closes no section: remove it or one before it");
    s->depth--;
    return true;
}

/* Reads what stands in quotes, from behind the first one, and writes it to `out`, which lies before it.
 * Returns the end of what it wrote; NULL if the closing quote is missing. */
static char *read_quoted(struct scan *s, char *out)
{
    for (; *s->at != '"' && *s->at != '\0'; s->at++) {
        bool is_escaped = *s->at == '\\' && s->at[1] != '\0';
        char c = is_escaped ? *++s->at : *s->at;
        s->line += c == '\n';
        if (is_escaped && c == '\n')
            continue;
        if (is_escaped)
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        *out++ = c;
    }
    if (*s->at++ == '\0')
        return NULL;
    return out;
}

/* A value: words and texts in quotes up to the end of the line, joined by single blanks. */
static bool read_value(struct scan *s, const char *key)
{
    uint32_t line = s->line;
    s->at += strspn(s->at, " \t\r");
    char *value = s->at;
    char *out = value;
    char *end = value;
    bool is_quoted = false;
    for (; *s->at != '\0' && strchr("\n#}", *s->at) == NULL; s->at += strspn(s->at, " \t\r")) {
        is_quoted = *s->at == '"';
        s->at += is_quoted;
        if (out != value)
            *out++ = ' ';
        if (is_quoted && (out = read_quoted(s, out)) == NULL)
            return fail_at(s, line, "a value that begins with a quote has no closing one");
        size_t length = is_quoted ? 0 : strcspn(s->at, "#}\"\r\n\t ");
        memmove(out, s->at, length);
        out += length;
        s->at += length;
        end = s->at;
    }
    struct swanctl_item item = item_of(s, key, value, line);
    char behind = *s->at;
    item.end = end;
    item.ends_at_comment = behind == '#' && s->at == end && !is_quoted;
    bool good = add(s->file, &item);
    if (behind == '\n')
        s->line++, s->at++;
    else if (behind == '#')
        s->at += strcspn(s->at, "\n");
    else if (behind == '}')
        good = close_section(s) && good;
    *out = '\0';
    return good;
}

static bool open_section(struct scan *s, const char *name, const char *references, uint32_t line)
{
    if (s->depth == SWANCTL_DEPTH_MAX)
        return fail_at(s, line, "sections are nested too deeply");
    s->opened[s->depth] = line;
    s->section[s->depth++] = name;
    const struct swanctl_item item = item_of(s, NULL, references, line);
    return add(s->file, &item);
}

static bool read_item(struct scan *s)
{
    if (*s->at == '}')
        return close_section(s);
    uint32_t line = s->line;
    char *word = s->at;
    char *references = NULL;
    s->at += strcspn(s->at, " \t\r\n={}#:\"");
    if (s->at == word)
        return fail_at(s, line,
                       *word == '"' ? "a name must not be in quotes"
                                    : "the name of a section or of a setting is missing");
    char *end = s->at;
    skip(s, blanks);
    if ((size_t)(end - word) == 7 && strncmp(word, "include", 7) == 0 && *s->at != '=') {
        diagnostics_add(s->diagnostics, SEVERITY_WARNING, line, 0, NULL,
                        "`include` is not followed: put what the other file has in its place");
        s->at += strcspn(s->at, "\n");
        return true;
    }
    if (*s->at == ':') {
        references = ++s->at;
        s->at += strcspn(s->at, "{}=#\"");
    }
    char kind = *s->at;
    if (kind != '{' && (kind != '=' || references != NULL))
        return fail_at(s, line, "a `{`, which begins a section, or a `=` has to follow this name");
    *s->at++ = '\0';
    for (const char *c = references; c != NULL && *c != '\0'; c++)
        s->line += *c == '\n';
    *end = '\0';
    return kind == '{' ? open_section(s, word, references, line) : read_value(s, word);
}

/* ---- References -------------------------------------------------------------------------------------- */

enum {
    LEVELS_MAX = 8,             /* of references in sections that are referred to */
    ITEMS_MAX = 1000 * 1000,    /* with those by reference */
    REFERENCES_MAX = 100 * 1000 /* that are followed */
};

/* Puts in place what sections have by reference. */
struct expansion {
    const struct swanctl_file *from;
    struct swanctl_file *to; /* only its items */
    struct diagnostics *diagnostics;
    unsigned level;
    size_t followed;
};

/* The length of a name in a path "a.b", and whether it is `name`. */
static bool is_named(const char *path, const char *name, size_t *length)
{
    *length = strcspn(path, ".,{ \t\r\n");
    return strlen(name) == *length && strncmp(path, name, *length) == 0;
}

/* How deep the section of a path lies, if an item is in it; else 0. */
static size_t depth_in(const struct swanctl_item *item, const char *path)
{
    size_t length;
    for (size_t depth = 0; depth < item->depth; depth++) {
        if (!is_named(path, item->section[depth], &length))
            return 0;
        path += length;
        if (*path != '.')
            return depth + 1;
        path++;
    }
    return 0;
}

static const char *next_path(const char *list)
{
    list += strcspn(list, ", \t\r\n");
    return list + strspn(list, ", \t\r\n");
}

static bool add_references(struct expansion *e, const struct swanctl_item *head,
                           const struct swanctl_item *under);

/* Adds what is in the section of a path, as if it stood under `under`. */
static bool add_section(struct expansion *e, const char *path, const struct swanctl_item *under, bool *found)
{
    for (size_t i = 0; i < e->from->count; i++) {
        const struct swanctl_item *item = &e->from->items[i];
        size_t depth = depth_in(item, path);
        struct swanctl_item copy = *item;
        if (depth == 0)
            continue;
        *found = true;
        copy.depth = under->depth + item->depth - depth;
        copy.is_inherited = true;
        if (copy.depth > SWANCTL_DEPTH_MAX || e->to->count >= ITEMS_MAX) {
            diagnostics_add(e->diagnostics, SEVERITY_ERROR, under->line, 0, NULL,
                            "the references of this section are too deep or too many");
            return false;
        }
        memcpy(copy.section, under->section, under->depth * sizeof *copy.section);
        memcpy(copy.section + under->depth, item->section + depth,
               (item->depth - depth) * sizeof *copy.section);
        bool is_head_of_path = item->key == NULL && item->depth == depth;
        if (!is_head_of_path && !add(e->to, &copy))
            return false;
        if (item->key == NULL && item->value != NULL && !add_references(e, item, &copy))
            return false;
    }
    return true;
}

/* Adds what a head refers to: first what its last reference has, so that the first one's holds. */
static bool add_references(struct expansion *e, const struct swanctl_item *head,
                           const struct swanctl_item *under)
{
    const char *paths[64];
    size_t count = 0;
    const char *path = head->value + strspn(head->value, ", \t\r\n");
    for (; *path != '\0' && count < sizeof paths / sizeof *paths; path = next_path(path))
        paths[count++] = path;
    e->followed += count;
    bool good = e->level++ < LEVELS_MAX && *path == '\0' && e->followed <= REFERENCES_MAX;
    if (!good)
        diagnostics_add(e->diagnostics, SEVERITY_ERROR, head->line, 0, NULL,
                        "the references of this section lead back to it, or are too deep or too many");
    while (good && count-- > 0) {
        bool found = false;
        good = add_section(e, paths[count], under, &found);
        if (good && !found)
            diagnostics_add(e->diagnostics, SEVERITY_WARNING, head->line, 0, NULL,
                            "the section `%.*s`, which this one refers to, is not in the file",
                            (int)strcspn(paths[count], ", \t\r\n"), paths[count]);
    }
    e->level--;
    return good;
}

/* Notes which sections others refer to. */
static void note_references(struct swanctl_file *file, const char *list)
{
    size_t length;
    for (list += strspn(list, ", \t\r\n"); *list != '\0'; list = next_path(list)) {
        for (size_t i = 0; i < file->count; i++) {
            struct swanctl_item *item = &file->items[i];
            if (item->key == NULL && item->depth == 1 && is_named(list, item->section[0], &length))
                item->is_referred_to = true;
        }
    }
}

static bool expand(struct swanctl_file *file, struct diagnostics *diagnostics)
{
    struct swanctl_file to = {0};
    struct expansion e = {.from = file, .to = &to, .diagnostics = diagnostics};
    bool any = false;
    for (size_t i = 0; i < file->count; i++) {
        if (file->items[i].key != NULL || file->items[i].value == NULL)
            continue;
        any = true;
        note_references(file, file->items[i].value);
    }
    bool good = true;
    for (size_t i = 0; any && good && i < file->count; i++) {
        const struct swanctl_item *item = &file->items[i];
        good = add(&to, item) && (item->key != NULL || item->value == NULL || add_references(&e, item, item));
    }
    if (any && good) {
        free(file->items);
        file->items = to.items;
        file->count = to.count;
        file->capacity = to.capacity;
    } else {
        free(to.items);
    }
    return good;
}

bool swanctl_file_read(struct swanctl_file *out, const char *text, size_t length,
                       struct diagnostics *diagnostics)
{
    *out = (struct swanctl_file){.text = malloc(length + 1), .length = length};
    if (out->text == NULL)
        return false;
    memcpy(out->text, text, length);
    out->text[length] = '\0';
    const char *zero = memchr(text, '\0', length);
    struct scan s = {
        .file = out, .diagnostics = diagnostics, .at = out->text + mark_length(text, length), .line = 1};
    if (zero != NULL) {
        for (const char *c = text; c < zero; c++)
            s.line += *c == '\n';
        return fail_at(&s, s.line, "this is not a text file: it has an octet 0 here");
    }
    for (;;) {
        skip(&s, blanks);
        if (*s.at == '\0')
            break;
        if (!read_item(&s))
            return false;
    }
    if (s.depth > 0)
        return fail_at(&s, s.opened[s.depth - 1], "the section that begins here is not closed by a `}`");
    return expand(out, diagnostics) && swanctl_merge(out);
}

void swanctl_file_free(struct swanctl_file *file)
{
    secret_free(file->text, file->length);
    free(file->items);
    *file = (struct swanctl_file){0};
}
