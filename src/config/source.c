#include "config/source.h"

#include <string.h>

#include "config/foreign.h"
#include "config/words.h"

enum { TAB_STOP = 8 };

const char *source_skip_marks(const char *line, const char *end)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *start = line;
    for (const char *at = line; at < end;) {
        if (is_blank(*at)) {
            at++;
        } else if (end - at >= 3 && memcmp(at, mark, 3) == 0) {
            at += 3;
            start = at;
        } else {
            break;
        }
    }
    return start;
}

bool source_next_line(const char **at, const char *end, struct source *line)
{
    if (*at == end)
        return false;
    const char *line_end = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = line_end == NULL ? end : line_end;
    line->text = source_skip_marks(*at, stop);
    line->length = (size_t)(stop - line->text);
    while (line->length > 0 && line->text[line->length - 1] == '\r')
        line->length--;
    line->number++;
    *at = line_end == NULL ? end : line_end + 1;

    size_t depth = 0;
    size_t indent = 0;
    for (; indent < line->length && is_blank(line->text[indent]); indent++)
        depth = line->text[indent] == '\t' ? (depth / TAB_STOP + 1) * TAB_STOP : depth + 1;
    line->depth = depth;
    line->indent = indent;
    return true;
}

bool source_is_blank(const struct source *line)
{
    return line->indent == line->length;
}

bool source_is_comment(const struct source *line)
{
    return line->indent < line->length && line->text[line->indent] == '!';
}

/* True if `word` is `keyword` or abbreviates it. */
static bool stands_for(const char *word, const char *keyword)
{
    return strncmp(word, keyword, strlen(word)) == 0;
}

static bool is_own_header(const struct words *words)
{
    if (words->count < 2)
        return false;
    const char *first = words->word[0].text;
    const char *second = words->word[1].text;
    if (strcmp(first, "ikev2") == 0)
        return stands_for(second, "profile") || stands_for(second, "default-profile");
    return strcmp(first, "interface") == 0 || strcmp(first, "device") == 0;
}

static bool is_header(const struct source *line)
{
    struct words words;
    if (line->text == NULL)
        return false;
    words_split(line->text, line->length, &words);
    return is_own_header(&words) || foreign_is_header(&words);
}

bool source_is_indented(const char *text, const char *end)
{
    struct source line = {0};
    struct source previous = {0};
    bool flat = false;
    size_t least = SIZE_MAX; /* depth so far */
    for (; source_next_line(&text, end, &line); previous = source_is_blank(&line) ? previous : line) {
        if (source_is_blank(&line) || source_is_comment(&line))
            continue;
        if (line.depth > previous.depth && is_header(&previous))
            return true;
        least = line.depth < least ? line.depth : least;
        if (!flat && line.depth == previous.depth && line.depth == least)
            flat = is_header(&previous) && !is_header(&line);
    }
    return !flat;
}
