#include "config/words.h"

#include <ctype.h>
#include <string.h>

bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_control(char c)
{
    unsigned char u = (unsigned char)c;
    return (u < 0x20 || u == 0x7f) && !is_blank(c);
}

/* Copies the quoted word at `line[at]` without its quotes. Returns where it ends; 0 if its closing quote is
 * missing. */
static size_t copy_quoted(const char *line, size_t length, size_t at, char *to)
{
    for (size_t i = at + 1; i < length; i++) {
        if (line[i] == '"') {
            *to = '\0';
            return i + 1;
        }
        if (line[i] == '\\' && i + 1 < length && (line[i + 1] == '"' || line[i + 1] == '\\'))
            i++;
        *to++ = line[i];
    }
    return 0;
}

static size_t copy_plain(const char *line, size_t length, size_t at, char *to)
{
    while (at < length && !is_blank(line[at]))
        *to++ = line[at++];
    *to = '\0';
    return at;
}

void words_split(const char *line, size_t length, struct words *out)
{
    out->count = 0;
    out->binary = false;
    out->overlong = length > LINE_TEXT_MAX;
    out->end = 0;
    if (out->overlong)
        length = LINE_TEXT_MAX;
    out->blank_at_end = length > 0 && is_blank(line[length - 1]);

    char *to = out->text;
    for (size_t at = 0;;) {
        while (at < length && is_blank(line[at]))
            at++;
        if (at == length)
            break;
        if (out->count == LINE_WORDS_MAX) {
            out->overlong = true;
            break;
        }
        struct word *word = &out->word[out->count++];
        *word = (struct word){.text = to, .column = at, .quoted = line[at] == '"'};
        size_t end = word->quoted ? copy_quoted(line, length, at, to) : copy_plain(line, length, at, to);
        if (end == 0) {
            word->quoted = false;
            word->unterminated = true;
            end = copy_plain(line, length, at, to);
        }
        word->length = end - at;
        out->end = end;
        to += strlen(to) + 1;
        at = end;
    }
    for (size_t i = 0; i < length && !out->binary; i++)
        out->binary = is_control(line[i]);
}

char *word_append_quoted(char *out, const char *word)
{
    bool bare = word[0] != '\0' && word[0] != '"' && strpbrk(word, " \t\r") == NULL;
    if (bare)
        return stpcpy(out, word);
    *out++ = '"';
    for (; *word != '\0'; word++) {
        if (*word == '"' || *word == '\\')
            *out++ = '\\';
        *out++ = *word;
    }
    *out++ = '"';
    *out = '\0';
    return out;
}

static bool is_character_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

size_t text_characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += is_character_start(text[i]);
    return count;
}

size_t text_width(const char *text, size_t length)
{
    size_t width = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!is_character_start(text[i]))
            continue;
        /* Roughly U+2E80 and above: CJK, kana, full-width forms. */
        bool wide = c >= 0xe3 || (c == 0xe2 && i + 1 < length && (unsigned char)text[i + 1] >= 0xba);
        width += wide ? 2 : 1;
    }
    return width;
}

enum { COMPARED = 32 };

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The optimal string alignment distance. Only three rows of its table are kept. */
size_t word_distance(const char *a, const char *b)
{
    size_t rows[3][COMPARED + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t a_length = strnlen(a, COMPARED);
    size_t b_length = strnlen(b, COMPARED);
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            row[j] = least(changed, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

bool word_is_near(const char *word, const char *meant)
{
    size_t length = strnlen(meant, COMPARED);
    size_t allowed = length <= 3 ? 1 : length <= 7 ? 2 : 3;
    size_t distance = word_distance(word, meant);
    return distance <= allowed && distance < length;
}
