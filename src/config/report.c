#include "config/report.h"

#include <stdio.h>
#include <string.h>

#include "config/foreign.h"
#include "config/message.h"
#include "config/pattern.h"
#include "config/placement.h"

/* Where a line that did not match belongs; NULL if it is only mistyped. */
static const char *place_of(const struct match *m, const struct words *words)
{
    bool misplaced = m->result == MATCH_UNKNOWN || m->result == MATCH_EXTRA;
    return misplaced && m->scope.mode != MODE_EXEC ? placement_of(words, m->scope.mode) : NULL;
}

void report_match(struct diagnostics *diagnostics, const char *line, size_t length, uint32_t number,
                  const struct match *m, const struct words *words)
{
    struct match_message message;
    const char *place = place_of(m, words);
    match_message(m, words, &message);
    if (place != NULL)
        (void)snprintf(message.text, sizeof message.text, "`%s` is not known here: %s",
                       words->word[m->word].text, place);
    char *excerpt = excerpt_of(line, length, message.column, message.span, message.secret_from, length);
    diagnostics_add(diagnostics, SEVERITY_ERROR, number, (uint32_t)text_characters(line, message.column) + 1,
                    excerpt, "%s", message.text);
}

void report_applied(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct command_line *applied, const struct words *words)
{
    uint32_t place = number == 0 ? UINT32_MAX : number;
    uint32_t column = (uint32_t)text_characters(line, words->word[0].column) + 1;
    if (command_id(applied->row) != COMMAND_IKEV2_AUTHENTICATION)
        return;
    if (line_has(applied, "nbma-address"))
        diagnostics_warn_at(
            diagnostics, place, column,
            "IDs of type nbma-address are for NHRP, which Musubi does not have: this key is not "
            "used");
    else if (line_has(applied, "secret"))
        diagnostics_warn_at(diagnostics, place, column,
                            "only the router can decrypt a `key secret`: this key is missing");
}

static bool same_words(const struct command_line *a, const struct command_line *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!line_same_word(a, i, b, i))
            return false;
    }
    return true;
}

void report_replaced_key(struct diagnostics *diagnostics, const char *line, uint32_t number,
                         const struct setting *old, const struct command_line *applied,
                         const struct words *words)
{
    uint32_t column = (uint32_t)text_characters(line, words->word[0].column) + 1;
    if (old == NULL || command_id(applied->row) != COMMAND_IKEV2_AUTHENTICATION ||
        same_words(&old->line, applied))
        return;
    diagnostics_warn_at(diagnostics, number, column,
                        "this key replaces that of line %u: an ID has one key, the last one",
                        old->source.line);
}

void report_foreign(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct words *words, size_t known, enum foreign_fate fate, const char *place)
{
    char keywords[FOREIGN_KEYWORDS_SIZE];
    (void)foreign_keywords(words, known, keywords);
    bool some = keywords[0] != '\0';
    size_t column = words->count == 0 ? 0 : words->word[0].column;
    const uint32_t at_line = number == 0 ? UINT32_MAX : number;
    const uint32_t at_column = (uint32_t)text_characters(line, column) + 1;
    const char *setter = foreign_address_setter(words);
    if (setter != NULL && place == NULL) {
        diagnostics_warn_at(
            diagnostics, at_line, at_column,
            "this `%s` line is not handled by Musubi: %s has to set the address on Linux, and "
            "Musubi follows it",
            keywords, setter);
        return;
    }
    diagnostics_warn_at(diagnostics, at_line, at_column, "this %s%s%sline is %s%s%s", some ? "`" : "",
                        keywords, some ? "` " : "",
                        fate == FOREIGN_LEFT_OUT ? "an operating command, no part of a config: it is left out"
                        : place != NULL          ? "not handled here: "
                                                 : "not handled by Musubi: it is kept and has no effect",
                        place != NULL ? place : "", place != NULL ? "; it is kept and has no effect" : "");
}
