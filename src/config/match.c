#include "config/match.h"

#include <string.h>
#include <strings.h>

#include "config/candidates.h"

/* The keyword before policy rows in Tunnels, which is not part of their patterns. */
static const char prefix_keyword[] = "ikev2";

enum { IN_PREFIX = UINT16_MAX, AT_PREFIX = UINT16_MAX, NO_PARENT = UINT16_MAX };

/* The elements that may come next, and whether the line may end. */
static void state_expect(const struct match_state *state, struct pattern_alternatives *out)
{
    if (state->at == AT_PREFIX) {
        *out = (struct pattern_alternatives){.count = 1};
        out->element[0] = prefix_keyword;
        return;
    }
    pattern_expect(command_table[state->row].pattern + state->at, out);
}

static bool add_state(struct match *m, struct match_state state)
{
    if (m->used == MATCH_STATES_MAX)
        return false;
    m->state[m->used++] = state;
    return true;
}

/* Adds the states after the candidates of the chosen grade. False if there are too many. */
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

/* Follows one word from all states; MATCH_FOUND if it fits. */
static enum match_result follow(struct match *m, const struct word *word, bool in_full)
{
    struct candidates list;
    candidates_start(&list);
    size_t elements = 0;
    for (size_t i = m->first; i < m->first + m->count; i++) {
        struct pattern_alternatives next;
        state_expect(&m->state[i], &next);
        for (size_t j = 0; j < next.count; j++)
            candidates_add(&list, word, (uint16_t)i, next.element[j]);
        elements += next.count;
    }
    if (elements == 0)
        return MATCH_EXTRA;
    if (list.best == GRADE_PREFIX && (in_full || candidates_are_ambiguous(&list))) {
        if (!candidates_have_grade(&list, GRADE_FREE))
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

/* Adds the starting states of the rows of some modes. */
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

/* Follows the first `count` words, up to one that does not fit. */
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
    struct pattern_alternatives next;
    state_expect(state, &next);
    return next.end;
}

/* A line after `no` may leave arguments out if it is clear which setting is meant. */
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
    /* If foreign lines may be other values of the row, the words that all values share are enough. */
    size_t head = row->foreign_head > 0 ? row->foreign_head : pattern_head(row->pattern);
    return words >= head + (row->key_words > 0 ? 1 : 0) && words > 0;
}

/* The index of the state that the line ends in; NO_PARENT if it may not end here. */
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

/* Appends the word in the canonical form of its element. */
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
        if (keyword_grade(word, fixed, strlen(fixed)) != GRADE_NONE)
            break;
    }
    line_draft_add(draft, element, fixed);
}

/* Writes the line that ends in the state `last` in canonical form. */
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
    /* A word may be ambiguous only because of the commands of the other modes: try without them. */
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

void match_expected(const struct match *m, match_expects *expects, void *context)
{
    for (size_t i = m->first; i < m->first + m->count; i++) {
        const struct command *row = &command_table[m->state[i].row];
        struct pattern_alternatives next;
        state_expect(&m->state[i], &next);
        for (size_t j = 0; j < next.count; j++)
            expects(context, next.element[j], row);
        if (next.end)
            expects(context, NULL, row);
    }
}
