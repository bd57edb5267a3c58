#include "config/setting_lines.h"

#include "base/short_text.h"

#include <string.h>

/* Inserts a line in order. If there is no room, the highest one is dropped. */
static void insert(struct setting_lines *lines, uint32_t line)
{
    uint32_t at = 0;
    while (at < lines->count && lines->line[at] < line)
        at++;
    if (at < lines->count && lines->line[at] == line)
        return;
    lines->more |= lines->count == SETTING_LINES_MAX;
    if (at == SETTING_LINES_MAX)
        return;
    if (lines->count < SETTING_LINES_MAX)
        lines->count++;
    memmove(&lines->line[at + 1], &lines->line[at], (lines->count - at - 1) * sizeof lines->line[0]);
    lines->line[at] = line;
}

void setting_lines_add_line(struct setting_lines *lines, uint32_t line)
{
    if (line == POLICY_LINE_TYPED)
        lines->typed = true;
    else if (line != 0)
        insert(lines, line);
}

void setting_lines_add(struct setting_lines *lines, const struct tunnel_policy *policy, setting_set settings)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if ((settings & SETTING_BIT(i)) != 0)
            setting_lines_add_line(lines, policy->line[i]);
    }
}

void setting_lines_merge(struct setting_lines *lines, const struct setting_lines *others)
{
    for (uint32_t i = 0; i < others->count; i++)
        insert(lines, others->line[i]);
    lines->more |= others->more;
    lines->typed |= others->typed;
}

const char *setting_lines_format(const struct setting_lines *lines, char out[SETTING_LINES_TEXT_SIZE])
{
    struct short_text text = short_text_in(out, SETTING_LINES_TEXT_SIZE);
    if (lines->count > 0)
        short_text_add(&text, lines->count > 1 ? "lines " : "line ");
    for (uint32_t i = 0; i < lines->count; i++)
        short_text_add(&text, "%s%u", i > 0 ? ", " : "", lines->line[i]);
    if (lines->more)
        short_text_add(&text, " and more");
    if (lines->typed)
        short_text_add(&text, "%styped at the prompt", text.length > 0 ? " and " : "");
    if (text.length == 0)
        short_text_add(&text, "the default, no line sets it");
    return out;
}
