#include "config/report.h"

#include "config/message.h"

void report_match(struct diagnostics *diagnostics, const char *line, size_t length, uint32_t number,
                  const struct match *m, const struct words *words)
{
    struct match_message message;
    match_message(m, words, &message);
    char *excerpt = excerpt_of(line, length, message.column, message.span, message.secret_from, length);
    diagnostics_add(diagnostics, SEVERITY_ERROR, number, (uint32_t)text_characters(line, message.column) + 1,
                    excerpt, "%s", message.text);
}

static void warn(struct diagnostics *diagnostics, const char *line, uint32_t number,
                 const struct words *words, const char *text)
{
    uint32_t column = (uint32_t)text_characters(line, words->word[0].column) + 1;
    diagnostics_add(diagnostics, SEVERITY_WARNING, number, number == 0 ? 0 : column, NULL, "%s", text);
}

void report_applied(struct diagnostics *diagnostics, const char *line, size_t length, uint32_t number,
                    const struct command_line *applied, const struct words *words)
{
    (void)length;
    if (applied->row->not_yet)
        warn(diagnostics, line, number, words, "this command is accepted, but has no effect yet");
    if (command_id(applied->row) == COMMAND_IKEV2_AUTHENTICATION && line_has(applied, "secret"))
        warn(diagnostics, line, number, words,
             "`key secret` is encrypted in a way that only the router can read: this key is missing");
    if (command_id(applied->row) == COMMAND_IPSEC_MODE && line_has(applied, "transport"))
        warn(diagnostics, line, number, words, "transport mode is not supported yet");
}
