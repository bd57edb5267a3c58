#include "config/match.h"

#include <ctype.h>
#include <stdio.h>
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

/* Adds the states after the candidates of the chosen grade, which took `words` words. False if there are too
 * many. */
static bool advance(struct match *m, const struct candidates *list, enum grade grade, uint16_t words)
{
    size_t first = m->used;
    for (size_t i = 0; i < list->count; i++) {
        const struct candidate *c = &list->item[i];
        if (c->grade != grade)
            continue;
        struct match_state next = {.row = m->state[c->state].row, .parent = c->state, .words = words};
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

static bool takes_rest_of_line(const char *element)
{
    return element_is_argument(element) && element_argument(element).type->rest_of_line;
}

/* How many of the words up to the `count`th one a candidate of the chosen grade takes, which `words` words
 * fitted. */
static uint16_t words_taken(const struct match *m, const struct candidates *list, size_t count,
                            uint16_t words)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->item[i].grade == list->best && takes_rest_of_line(list->item[i].element))
            return (uint16_t)(count - m->word);
    }
    return words;
}

/* Follows one word from all states, up to the `count`th word of the line; MATCH_FOUND if it fits. `words`
 * says how many words of the line it is made of. */
static enum match_result follow(struct match *m, const struct word *word, size_t count, uint16_t words)
{
    bool in_full = m->scope.first_word_in_full && m->word == 0;
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
    bool named = list.best == GRADE_EXACT || list.best == GRADE_VALUE || list.best == GRADE_WRONG;
    if (words == 2 && !named)
        return MATCH_UNKNOWN;
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
        m->span = words;
        return MATCH_WRONG;
    }
    words = words_taken(m, &list, count, words);
    if (!advance(m, &list, list.best, words))
        return MATCH_EXTRA;
    bool keyword = list.best == GRADE_EXACT || list.best == GRADE_PREFIX;
    if (keyword && m->known == m->word)
        m->known++;
    m->word += words;
    return MATCH_FOUND;
}

enum { JOINED_SIZE = 128 };

/* Writes two words as one, if they are the name of an interface with a blank in it. */
static bool join_interface(const struct word *kind, const struct word *numbers, char out[JOINED_SIZE])
{
    bool fit = strlen(kind->text) + strlen(numbers->text) < JOINED_SIZE;
    if (!fit || kind->quoted || numbers->quoted || !isdigit((unsigned char)numbers->text[0]) ||
        !interface_kind_is(kind->text))
        return false;
    (void)stpcpy(stpcpy(out, kind->text), numbers->text);
    return true;
}

/* Follows two words as one, where they may be an interface; MATCH_UNKNOWN if they don't fit. */
static enum match_result follow_joined(struct match *m, const struct words *words, size_t count)
{
    char text[JOINED_SIZE];
    if (m->word + 1 >= count || !join_interface(&words->word[m->word], &words->word[m->word + 1], text))
        return MATCH_UNKNOWN;
    struct word joined = {.text = text};
    return follow(m, &joined, count, 2);
}

/* Adds the starting states of the rows of some modes. */
static void add_rows(struct match *m, unsigned modes, unsigned but_not)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *row = &command_table[i];
        if ((row->modes & modes) == 0 || (row->modes & but_not) != 0)
            continue;
        bool prefixed = command_prefix(row, m->scope.mode)[0] != '\0';
        (void)add_state(m, (struct match_state){(uint16_t)i, NO_PARENT, 0, 0, prefixed ? AT_PREFIX : 0});
    }
}

static void start(struct match *m, const struct match_scope *scope)
{
    m->scope = *scope;
    m->result = MATCH_FOUND;
    m->word = 0;
    m->span = 1;
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
    while (m->word < count && m->result == MATCH_FOUND) {
        m->result = follow_joined(m, words, count);
        if (m->result == MATCH_UNKNOWN)
            m->result = follow(m, &words->word[m->word], count, 1);
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

/* Appends a keyword. */
static void add_keyword(struct line_draft *draft, const char *element)
{
    char text[JOINED_SIZE];
    (void)snprintf(text, sizeof text, "%.*s", (int)keyword_length(element), element);
    line_draft_add(draft, element, text);
}

/* Appends a word, given as it was typed, in the canonical form of an argument. */
static void add_argument(struct line_draft *draft, const char *element, const struct word *word)
{
    struct value value;
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

/* Appends the rest of the line from a word on as it was typed. */
static void add_rest(struct line_draft *draft, const char *element, const struct words *words, size_t from)
{
    char text[LINE_TEXT_MAX + 1];
    size_t column = words->word[from].column;
    (void)snprintf(text, sizeof text, "%.*s", (int)(words->end - column), words->line + column);
    line_draft_add(draft, element, text);
}

/* Appends the words that led to a state, from the word with the index `from` on. */
static void add_canonical(struct line_draft *draft, const struct match_state *state,
                          const struct words *words, size_t from)
{
    const char *element = draft->row->pattern + state->element;
    char text[JOINED_SIZE];
    struct word joined = {.text = text};
    if (!element_is_argument(element))
        add_keyword(draft, element);
    else if (takes_rest_of_line(element))
        add_rest(draft, element, words, from);
    else if (state->words == 2 && join_interface(&words->word[from], &words->word[from + 1], text))
        add_argument(draft, element, &joined);
    else
        add_argument(draft, element, &words->word[from]);
}

/* Writes the line that ends in the state `last` in canonical form. */
static void write_draft(const struct match *m, size_t last, const struct words *words,
                        struct line_draft *draft)
{
    uint16_t path[LINE_WORDS_MAX];
    size_t count = 0;
    for (size_t i = last; m->state[i].parent != NO_PARENT; i = m->state[i].parent)
        path[count++] = (uint16_t)i;

    line_draft_start(draft, m->row, m->negated);
    size_t word = m->negated;
    while (count > 0) {
        const struct match_state *state = &m->state[path[--count]];
        if (state->element != IN_PREFIX)
            add_canonical(draft, state, words, word);
        word += state->words;
    }
}

/* True if the line in canonical form, indented, is longer than a line may be. */
static bool is_too_long(struct line_draft *draft, enum command_mode mode)
{
    char text[LINE_PRINTED_SIZE];
    if (draft->size < LINE_TEXT_MAX / 4)
        return false;
    struct command_line line = line_draft_view(draft);
    return strlen(line_print(&line, mode, true, text)) + 2 > LINE_TEXT_MAX;
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
    if (draft == NULL)
        return;
    write_draft(m, last, words, draft);
    if (is_too_long(draft, scope->mode))
        m->result = MATCH_EXTRA;
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
