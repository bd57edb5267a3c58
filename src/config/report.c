#include "config/report.h"

#include <string.h>

#include "config/foreign.h"
#include "config/message.h"
#include "config/pattern.h"

enum { COMMAND_NAME_SIZE = 64 };

void report_match(struct diagnostics *diagnostics, const char *line, size_t length, uint32_t number,
                  const struct match *m, const struct words *words)
{
    struct match_message message;
    match_message(m, words, &message);
    char *excerpt = excerpt_of(line, length, message.column, message.span, message.secret_from, length);
    diagnostics_add(diagnostics, SEVERITY_ERROR, number, (uint32_t)text_characters(line, message.column) + 1,
                    excerpt, "%s", message.text);
}

/* Writes the keywords that a line starts with, such as `ip napt static`, and returns `out`. */
static const char *command_name(const struct command_line *line, char out[COMMAND_NAME_SIZE])
{
    char *at = out;
    size_t head = pattern_head(line->row->pattern);
    *at = '\0';
    for (size_t i = 0; i < head && i < line->count; i++) {
        const char *word = line_word_at(line, i);
        if ((size_t)(at - out) + strlen(word) + 2 > COMMAND_NAME_SIZE)
            break;
        at = stpcpy(stpcpy(at, i == 0 ? "" : " "), word);
    }
    return out;
}

void report_applied(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct command_line *applied, const struct words *words)
{
    uint32_t place = number == 0 ? UINT32_MAX : number;
    uint32_t column = (uint32_t)text_characters(line, words->word[0].column) + 1;
    char name[COMMAND_NAME_SIZE];
    if (applied->row->not_yet)
        diagnostics_warn_at(diagnostics, place, column, "`%s` is accepted, but has no effect yet",
                            command_name(applied, name));
    if (command_id(applied->row) == COMMAND_IKEV2_AUTHENTICATION && line_has(applied, "secret"))
        diagnostics_warn_at(diagnostics, place, column,
                            "only the router can decrypt a `key secret`: this key is missing");
}

void report_foreign(struct diagnostics *diagnostics, const char *line, uint32_t number,
                    const struct words *words, size_t known)
{
    char keywords[FOREIGN_KEYWORDS_SIZE];
    (void)foreign_keywords(words, known, keywords);
    bool some = keywords[0] != '\0';
    size_t column = words->count == 0 ? 0 : words->word[0].column;
    diagnostics_warn_at(diagnostics, number == 0 ? UINT32_MAX : number,
                        (uint32_t)text_characters(line, column) + 1,
                        "this %s%s%sline is not handled by Musubi: it is kept and has no effect",
                        some ? "`" : "", keywords, some ? "` " : "");
}
