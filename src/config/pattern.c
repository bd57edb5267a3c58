#include "config/pattern.h"

#include <string.h>

#include "config/value.h"

static bool is_bracket(char c)
{
    return c == '{' || c == '|' || c == '}' || c == '[' || c == ']';
}

static const char *skip_blanks(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

/* The end of the alternative that `at` is in: its | or closing bracket, or the end of the pattern. */
static const char *alternative_end(const char *at)
{
    for (int depth = 0; *at != '\0'; at++) {
        if (*at == '{' || *at == '[')
            depth++;
        if (depth == 0 && (*at == '|' || *at == '}' || *at == ']'))
            return at;
        if (*at == '}' || *at == ']')
            depth--;
    }
    return at;
}

/* The place behind the group that `at` is in. */
static const char *group_end(const char *at)
{
    while (*(at = alternative_end(at)) == '|')
        at++;
    return *at == '\0' ? at : at + 1;
}

static void expect(const char *at, struct pattern_alternatives *out);

static void expect_alternatives(const char *at, struct pattern_alternatives *out)
{
    for (;;) {
        expect(at, out);
        at = alternative_end(at);
        if (*at != '|')
            return;
        at++;
    }
}

/* Table tests make sure that there is always room. */
static void add_element(const char *element, struct pattern_alternatives *out)
{
    if (out->count < PATTERN_ALTERNATIVES_MAX)
        out->element[out->count++] = element;
}

static void expect(const char *at, struct pattern_alternatives *out)
{
    at = skip_blanks(at);
    switch (*at) {
    case '\0':
        out->end = true;
        return;
    case '[':
        expect_alternatives(at + 1, out);
        expect(group_end(at + 1), out);
        return;
    case '{':
        expect_alternatives(at + 1, out);
        return;
    case '|':
        expect(group_end(at + 1), out);
        return;
    case ']':
    case '}':
        expect(at + 1, out);
        return;
    default:
        add_element(at, out);
    }
}

void pattern_expect(const char *at, struct pattern_alternatives *out)
{
    out->count = 0;
    out->end = false;
    /* After a repeatable argument: that argument again, or what follows. */
    if (strncmp(at, "...", 3) == 0) {
        const char *element = at;
        while (*element != '<')
            element--;
        add_element(element, out);
        at += 3;
    }
    expect(at, out);
}

bool element_is_argument(const char *element)
{
    return *element == '<';
}

size_t keyword_length(const char *element)
{
    size_t length = 0;
    while (element[length] > '!' && !is_bracket(element[length]))
        length++;
    return length;
}

bool keyword_in_full(const char *element)
{
    return element[keyword_length(element)] == '!';
}

const char *pattern_after(const char *element)
{
    if (element_is_argument(element))
        return strchr(element, '>') + 1;
    return element + keyword_length(element) + keyword_in_full(element);
}

struct argument element_argument(const char *element)
{
    struct argument a = {.label = element + 1};
    a.label_length = strcspn(a.label, ":>");
    const char *type = a.label + a.label_length + 1;
    size_t type_length = strcspn(type, " >");
    a.type = value_type_named(type, type_length);
    a.limits = type[type_length] == ' ' ? type + type_length + 1 : "";
    return a;
}

bool element_is_named(const char *element, const char *word)
{
    size_t length = strlen(word);
    if (!element_is_argument(element))
        return keyword_length(element) == length && memcmp(element, word, length) == 0;
    struct argument a = element_argument(element);
    return a.label_length == length && memcmp(a.label, word, length) == 0;
}

size_t pattern_head(const char *pattern)
{
    size_t count = 0;
    const char *at = skip_blanks(pattern);
    while (*at != '\0' && *at != '<' && !is_bracket(*at)) {
        count++;
        at = skip_blanks(pattern_after(at));
    }
    return count;
}
