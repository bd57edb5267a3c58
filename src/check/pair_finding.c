#include "check/pair_finding.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pair_findings_free(struct pair_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free(findings->items[i].text);
    free(findings->items);
    *findings = (struct pair_findings){0};
}

void pair_findings_cut(struct pair_findings *findings, size_t count)
{
    while (findings->count > count)
        free(findings->items[--findings->count].text);
}

static void reverse(struct pair_finding *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct pair_finding item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

void pair_findings_put_first(struct pair_findings *findings, size_t from)
{
    if (findings->count == 0)
        return;
    reverse(findings->items, from);
    reverse(findings->items + from, findings->count - from);
    reverse(findings->items, findings->count);
}

static void add_line(struct pair_finding *finding, uint32_t line)
{
    for (size_t i = 0; i < finding->line_count; i++) {
        if (finding->lines[i] == line)
            return;
    }
    if (line != 0 && finding->line_count < FINDING_LINES_MAX)
        finding->lines[finding->line_count++] = line;
}

/* A new finding at the end of the list, which owns `text`; NULL if memory ran out. */
static struct pair_finding *append(struct pair_findings *findings, enum finding_kind kind, unsigned end,
                                   char *text)
{
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity == 0 ? 8 : 2 * findings->capacity;
        struct pair_finding *grown = realloc(findings->items, capacity * sizeof *grown);
        if (grown != NULL) {
            findings->items = grown;
            findings->capacity = capacity;
        }
    }
    if (text == NULL || findings->count == findings->capacity) {
        free(text);
        findings->failed = true;
        return NULL;
    }
    struct pair_finding *finding = &findings->items[findings->count++];
    *finding = (struct pair_finding){.kind = kind, .end = end, .text = text};
    return finding;
}

static bool is_known(const struct pair_findings *findings, unsigned end, const char *text)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].end == end && strcmp(findings->items[i].text, text) == 0)
            return true;
    }
    return false;
}

void pair_findings_add(struct pair_findings *findings, enum finding_kind kind, unsigned end,
                       const uint32_t *lines, size_t line_count, const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length >= 0 && is_known(findings, end, text)) {
        free(text);
        return;
    }
    struct pair_finding *finding = append(findings, kind, end, length < 0 ? NULL : text);
    for (size_t i = 0; finding != NULL && i < line_count; i++)
        add_line(finding, lines[i]);
}

/* ---- The engine's warnings --------------------------------------------------------------------------- */

/* True if the word "line" or "lines" and a blank end at `at`. */
static bool line_word_ends(const char *text, const char *at)
{
    static const char *const words[] = {"line ", "lines "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(at - text) >= length && strncmp(at - length, words[i], length) == 0 &&
            ((size_t)(at - text) == length || !isalnum((unsigned char)at[-(ptrdiff_t)length - 1])))
            return true;
    }
    return false;
}

/* Reads "12", "12, 13", "12 and 13" from `at` on. */
static void read_numbers(struct pair_finding *finding, const char *at)
{
    while (isdigit((unsigned char)*at)) {
        char *end;
        add_line(finding, (uint32_t)strtoul(at, &end, 10));
        at = end;
        if (strncmp(at, ", ", 2) == 0)
            at += 2;
        else if (strncmp(at, " and ", 5) == 0)
            at += 5;
        else
            break;
    }
}

/* The lines that a warning names: "line 12", "lines 12, 14". */
static void read_lines(struct pair_finding *finding)
{
    for (const char *at = finding->text; *at != '\0'; at++) {
        if (isdigit((unsigned char)*at) && line_word_ends(finding->text, at))
            read_numbers(finding, at);
    }
}

void pair_findings_add_log(struct pair_findings *findings, enum finding_kind kind, unsigned end,
                           const char *text, size_t length)
{
    char *copy = strndup(text, length);
    if (copy != NULL && is_known(findings, end, copy)) {
        free(copy);
        return;
    }
    struct pair_finding *finding = append(findings, kind, end, copy);
    if (finding == NULL)
        return;
    finding->is_log = true;
    read_lines(finding);
}

bool pair_findings_have(const struct pair_findings *findings, enum finding_kind kind, unsigned end)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].kind == kind && (end > 1 || findings->items[i].end == end))
            return true;
    }
    return false;
}
