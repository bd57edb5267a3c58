#include "config/match.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The keyword that stands before policy rows in Tunnels, as an element of its own. */
static const char prefix_keyword[] = "ikev2";

enum { IN_PREFIX = UINT16_MAX, AT_PREFIX = UINT16_MAX, NO_PARENT = UINT16_MAX };

enum { CANDIDATES_MAX = 512 };

/* How well a word fits an element, worst first: an exact keyword beats a prefix, and a prefix beats what
 * takes any word. */
enum grade { GRADE_NONE, GRADE_WRONG, GRADE_FREE, GRADE_PREFIX, GRADE_VALUE, GRADE_EXACT };

struct candidate {
    enum grade grade;
    uint16_t state;
    const char *element;
    const char *keyword; /* GRADE_PREFIX: the whole keyword */
    size_t keyword_length;
};

struct candidates {
    size_t count;
    enum grade best;
    char complaint[COMPLAINT_SIZE];
    struct candidate item[CANDIDATES_MAX];
};

static void state_ways(const struct match_state *state, struct pattern_ways *out)
{
    if (state->at == AT_PREFIX) {
        *out = (struct pattern_ways){.count = 1};
        out->element[0] = prefix_keyword;
        return;
    }
    pattern_expect(command_table[state->row].pattern + state->at, out);
}

static void add_candidate(struct candidates *list, struct candidate candidate)
{
    if (candidate.grade > list->best)
        list->best = candidate.grade;
    if (candidate.grade > GRADE_WRONG && list->count < CANDIDATES_MAX)
        list->item[list->count++] = candidate;
}

/* Compares a word with a keyword: GRADE_EXACT, GRADE_PREFIX or GRADE_NONE. Case does not count. */
static enum grade grade_keyword(const struct word *word, const char *keyword, size_t length)
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
        candidate.grade = grade_keyword(word, fixed, strlen(fixed));
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

static void try_element(const struct word *word, uint16_t state, const char *element, struct candidates *list)
{
    struct candidate candidate = {.state = state, .element = element};
    if (element_is_argument(element)) {
        try_argument(word, candidate, list);
        return;
    }
    /* Nearly every keyword is told apart by its first letter: this saves most of the time. */
    if (tolower((unsigned char)word->text[0]) != tolower((unsigned char)element[0]))
        return;
    candidate.keyword = element;
    candidate.keyword_length = keyword_length(element);
    candidate.grade = grade_keyword(word, element, candidate.keyword_length);
    if (candidate.grade == GRADE_PREFIX && keyword_in_full(element))
        candidate.grade = GRADE_NONE;
    add_candidate(list, candidate);
}

static bool same_keyword(const struct candidate *a, const struct candidate *b)
{
    return a->keyword_length == b->keyword_length && strncmp(a->keyword, b->keyword, a->keyword_length) == 0;
}

/* True if prefixes of different keywords are among the candidates. */
static bool is_ambiguous(const struct candidates *list)
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

static bool has_grade(const struct candidates *list, enum grade grade)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->item[i].grade == grade)
            return true;
    }
    return false;
}

static bool add_state(struct match *m, struct match_state state)
{
    if (m->used == MATCH_STATES_MAX)
        return false;
    m->state[m->used++] = state;
    return true;
}

/* Goes on from the candidates of the chosen grade. */
static bool advance(struct match *m, const struct candidates *list, enum grade grade)
{
    size_t first = m->used;
    for (size_t i = 0; i < list->count; i++) {
        const struct candidate *c = &list->item[i];
        if (c->grade != grade)
            continue;
        struct match_state next = {.row = m->state[c->state].row, .parent = c->state};
        if (c->element == prefix_keyword) {
            next.element = IN_PREFIX;
            next.at = 0;
        } else {
            const char *pattern = command_table[next.row].pattern;
            next.element = (uint16_t)(c->element - pattern);
            next.at = (uint16_t)(pattern_after(c->element) - pattern);
        }
        if (!add_state(m, next))
            return false;
    }
    m->first = first;
    m->count = m->used - first;
    return true;
}

/* Follows one word; MATCH_FOUND if it could be followed. */
static enum match_result follow(struct match *m, const struct word *word, bool in_full)
{
    struct candidates list;
    list.count = 0;
    list.best = GRADE_NONE;
    size_t elements = 0;
    for (size_t i = m->first; i < m->first + m->count; i++) {
        struct pattern_ways ways;
        state_ways(&m->state[i], &ways);
        for (size_t j = 0; j < ways.count; j++)
            try_element(word, (uint16_t)i, ways.element[j], &list);
        elements += ways.count;
    }
    if (elements == 0)
        return MATCH_EXTRA;
    if (list.best == GRADE_PREFIX && (in_full || is_ambiguous(&list))) {
        if (!has_grade(&list, GRADE_FREE))
            return in_full ? MATCH_UNKNOWN : MATCH_AMBIGUOUS;
        list.best = GRADE_FREE;
    }
    if (list.best == GRADE_NONE)
        return MATCH_UNKNOWN;
    if (list.best == GRADE_WRONG) {
        memcpy(m->complaint, list.complaint, sizeof m->complaint);
        return MATCH_WRONG;
    }
    if (!advance(m, &list, list.best))
        return MATCH_EXTRA;
    bool keyword = list.best == GRADE_EXACT || list.best == GRADE_PREFIX;
    if (keyword && m->known == m->word)
        m->known++;
    return MATCH_FOUND;
}

static void add_rows(struct match *m, unsigned modes, unsigned but_not)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *row = &command_table[i];
        if ((row->modes & modes) == 0 || (row->modes & but_not) != 0)
            continue;
        bool prefixed = command_prefix(row, m->scope.mode)[0] != '\0';
        (void)add_state(m, (struct match_state){(uint16_t)i, NO_PARENT, 0, prefixed ? AT_PREFIX : 0});
    }
}

static void start(struct match *m, const struct match_scope *scope)
{
    m->scope = *scope;
    m->result = MATCH_FOUND;
    m->word = 0;
    m->known = 0;
    m->negated = false;
    m->defaulted = false;
    m->row = NULL;
    m->used = 0;
    add_rows(m, (unsigned)scope->mode, 0);
    add_rows(m, scope->beyond, (unsigned)scope->mode);
    m->first = 0;
    m->count = m->used;
}

static bool is_word(const struct word *word, const char *keyword)
{
    return !word->quoted && strcasecmp(word->text, keyword) == 0;
}

/* Follows words until one fails or `count` are done. */
static void follow_all(struct match *m, const struct words *words, size_t count)
{
    if (count > 0 && m->scope.may_negate) {
        m->defaulted = is_word(&words->word[0], "default");
        m->negated = m->defaulted || is_word(&words->word[0], "no");
        m->word = m->known = m->negated;
    }
    for (; m->word < count; m->word++) {
        m->result = follow(m, &words->word[m->word], m->scope.first_word_in_full && m->word == 0);
        if (m->result != MATCH_FOUND)
            return;
    }
}

static bool state_can_end(const struct match_state *state)
{
    struct pattern_ways ways;
    state_ways(state, &ways);
    return ways.end;
}

/* A line after `no` may leave arguments out, if it says enough to tell which setting is meant. */
static bool state_can_end_negated(const struct match *m, size_t index)
{
    const struct match_state *state = &m->state[index];
    const struct command *row = &command_table[state->row];
    if (row->kind == KIND_SECTION)
        return false;
    for (size_t i = m->first; i < m->first + m->count; i++) {
        if (m->state[i].row != state->row)
            return false;
    }
    size_t words = 0;
    for (size_t i = index; m->state[i].parent != NO_PARENT; i = m->state[i].parent)
        words += m->state[i].element != IN_PREFIX;
    /* Where foreign lines may be another value, the words that all values have in common name the setting. */
    size_t head = row->foreign_head > 0 ? row->foreign_head : pattern_head(row->pattern);
    return words >= head + (row->key_words > 0 ? 1 : 0) && words > 0;
}

/* The state that the line ends with; NO_PARENT if it may not end here. */
static size_t find_end(const struct match *m)
{
    for (size_t i = m->first; i < m->first + m->count; i++) {
        if (state_can_end(&m->state[i]))
            return i;
    }
    for (size_t i = m->first; m->negated && i < m->first + m->count; i++) {
        if (state_can_end_negated(m, i))
            return i;
    }
    return NO_PARENT;
}

/* Appends the word in the form that its element gives it. */
static void add_canonical(struct line_draft *draft, const char *element, const struct word *word)
{
    struct value value;
    if (!element_is_argument(element)) {
        size_t length = keyword_length(element);
        memcpy(value.text, element, length);
        value.text[length] = '\0';
        line_draft_add(draft, element, value.text);
        return;
    }
    struct argument a = element_argument(element);
    if (a.type->read(word->text, a.limits, &value) == VALUE_FITS) {
        line_draft_add(draft, element, value.text);
        return;
    }
    const char *fixed;
    for (size_t i = 0; (fixed = a.type->word(i)) != NULL; i++) {
        if (grade_keyword(word, fixed, strlen(fixed)) != GRADE_NONE)
            break;
    }
    line_draft_add(draft, element, fixed);
}

static void write_draft(const struct match *m, size_t last, const struct words *words,
                        struct line_draft *draft)
{
    uint16_t path[LINE_WORDS_MAX];
    size_t count = 0;
    for (size_t i = last; m->state[i].parent != NO_PARENT; i = m->state[i].parent)
        path[count++] = (uint16_t)i;

    const struct command *row = &command_table[m->state[last].row];
    line_draft_start(draft, row, m->negated);
    size_t word = m->negated;
    while (count > 0) {
        const struct match_state *state = &m->state[path[--count]];
        if (state->element != IN_PREFIX)
            add_canonical(draft, row->pattern + state->element, &words->word[word]);
        word++;
    }
}

static void match_in_scope(const struct match_scope *scope, const struct words *words, struct match *m,
                           struct line_draft *draft)
{
    start(m, scope);
    follow_all(m, words, words->count);
    if (m->result != MATCH_FOUND)
        return;
    size_t last = words->count > m->negated ? find_end(m) : NO_PARENT;
    if (words->overlong || last == NO_PARENT) {
        m->result = words->overlong ? MATCH_EXTRA : MATCH_MISSING;
        return;
    }
    if (words->binary) {
        m->result = MATCH_CONTROL;
        return;
    }
    m->row = &command_table[m->state[last].row];
    if (draft != NULL)
        write_draft(m, last, words, draft);
}

void match_words(const struct match_scope *scope, const struct words *words, struct match *m,
                 struct line_draft *draft)
{
    match_in_scope(scope, words, m, draft);
    if (m->result != MATCH_AMBIGUOUS || scope->beyond == 0)
        return;
    /* What is ambiguous with the commands of the mode beyond may be clear without them. */
    struct match_scope own = *scope;
    own.beyond = 0;
    match_in_scope(&own, words, m, draft);
    if (m->result != MATCH_FOUND)
        match_in_scope(scope, words, m, draft);
}

bool match_start_of(const struct match_scope *scope, const struct words *words, size_t count, struct match *m)
{
    start(m, scope);
    follow_all(m, words, count);
    return m->result == MATCH_FOUND;
}

void match_expected(const struct match *m, match_way *found, void *context)
{
    for (size_t i = m->first; i < m->first + m->count; i++) {
        const struct command *row = &command_table[m->state[i].row];
        struct pattern_ways ways;
        state_ways(&m->state[i], &ways);
        for (size_t j = 0; j < ways.count; j++)
            found(context, ways.element[j], row);
        if (ways.end)
            found(context, NULL, row);
    }
}
