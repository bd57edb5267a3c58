#include "config/candidates.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/pattern.h"

void candidates_start(struct candidates *list)
{
    list->count = 0;
    list->best = GRADE_NONE;
}

static void add_candidate(struct candidates *list, struct candidate candidate)
{
    if (candidate.grade > list->best)
        list->best = candidate.grade;
    if (candidate.grade > GRADE_WRONG && list->count < CANDIDATES_MAX)
        list->item[list->count++] = candidate;
}

enum grade keyword_grade(const struct word *word, const char *keyword, size_t length)
{
    size_t given = strlen(word->text);
    if (word->quoted || given == 0 || given > length || strncasecmp(word->text, keyword, given) != 0)
        return GRADE_NONE;
    return given == length ? GRADE_EXACT : GRADE_PREFIX;
}

static void try_fixed_words(const struct word *word, struct candidate candidate,
                            const struct value_type *type, struct candidates *list)
{
    const char *fixed;
    for (size_t i = 0; (fixed = type->word(i)) != NULL; i++) {
        candidate.grade = keyword_grade(word, fixed, strlen(fixed));
        candidate.keyword = fixed;
        candidate.keyword_length = strlen(fixed);
        add_candidate(list, candidate);
    }
}

static void try_argument(const struct word *word, struct candidate candidate, struct candidates *list)
{
    struct argument a = element_argument(candidate.element);
    struct value value;
    enum value_fit fit = a.type->read(word->text, a.limits, &value);
    if (word->unterminated && fit == VALUE_FITS && strcmp(a.type->name, "text") != 0) {
        fit = VALUE_WRONG;
        (void)snprintf(value.complaint, sizeof value.complaint, "the closing quote is missing");
    }
    if (fit == VALUE_UNLIKE && a.type->word != NULL) {
        try_fixed_words(word, candidate, a.type, list);
        return;
    }
    if (fit == VALUE_WRONG && list->best < GRADE_WRONG)
        (void)snprintf(list->complaint, sizeof list->complaint, "%s", value.complaint);
    if (fit == VALUE_FITS)
        candidate.grade = a.type->word != NULL ? GRADE_EXACT : a.type->free ? GRADE_FREE : GRADE_VALUE;
    else
        candidate.grade = fit == VALUE_WRONG ? GRADE_WRONG : GRADE_NONE;
    add_candidate(list, candidate);
}

void candidates_add(struct candidates *list, const struct word *word, uint16_t state, const char *element)
{
    struct candidate candidate = {.state = state, .element = element};
    if (element_is_argument(element)) {
        try_argument(word, candidate, list);
        return;
    }
    /* The first letter alone rules out most keywords; this saves most of the time. */
    if (tolower((unsigned char)word->text[0]) != tolower((unsigned char)element[0]))
        return;
    candidate.keyword = element;
    candidate.keyword_length = keyword_length(element);
    candidate.grade = keyword_grade(word, element, candidate.keyword_length);
    if (candidate.grade == GRADE_PREFIX && keyword_in_full(element))
        candidate.grade = GRADE_NONE;
    add_candidate(list, candidate);
}

static bool same_keyword(const struct candidate *a, const struct candidate *b)
{
    return a->keyword_length == b->keyword_length && strncmp(a->keyword, b->keyword, a->keyword_length) == 0;
}

bool candidates_are_ambiguous(const struct candidates *list)
{
    const struct candidate *first = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct candidate *c = &list->item[i];
        if (c->grade != GRADE_PREFIX)
            continue;
        if (first == NULL)
            first = c;
        else if (!same_keyword(first, c))
            return true;
    }
    return false;
}

bool candidates_have_grade(const struct candidates *list, enum grade grade)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->item[i].grade == grade)
            return true;
    }
    return false;
}
