#include "config/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "config/pattern.h"
#include "config/value.h"

void line_draft_start(struct line_draft *draft, const struct command *row, bool negated)
{
    draft->row = row;
    draft->negated = negated;
    draft->overflow = false;
    draft->count = 0;
    draft->size = 0;
}

void line_draft_add(struct line_draft *draft, const char *element, const char *word)
{
    size_t length = strlen(word) + 1;
    if (draft->count == LINE_WORDS_MAX || draft->size + length > sizeof draft->text) {
        draft->overflow = true;
        return;
    }
    draft->word[draft->count++] = (struct line_word){
        .element = (uint16_t)(element - draft->row->pattern),
        .start = draft->size,
    };
    memcpy(draft->text + draft->size, word, length);
    draft->size = (uint16_t)(draft->size + length);
}

struct command_line line_draft_view(struct line_draft *draft)
{
    return (struct command_line){draft->row,  draft->negated, draft->count,
                                 draft->size, draft->word,    draft->text};
}

static size_t storage_size(const struct command_line *line)
{
    return line->count * sizeof *line->word + line->size;
}

struct command_line line_copy(const struct command_line *line)
{
    struct command_line copy = *line;
    size_t size = storage_size(line);
    copy.word = malloc(size == 0 ? 1 : size);
    if (copy.word == NULL)
        return (struct command_line){0};
    copy.text = (char *)(copy.word + line->count);
    memcpy(copy.word, line->word, line->count * sizeof *line->word);
    memcpy(copy.text, line->text, line->size);
    return copy;
}

void line_free(struct command_line *line)
{
    secret_free(line->word, storage_size(line));
    *line = (struct command_line){0};
}

bool line_same_word(const struct command_line *a, size_t index, const struct command_line *b,
                    size_t other_index)
{
    const char *word = line_word_at(a, index);
    const char *other = line_word_at(b, other_index);
    if (strcmp(word, other) == 0)
        return true;
    const char *element = line_element_at(a, index);
    if (element != line_element_at(b, other_index) || !element_is_argument(element))
        return false;
    const struct value_type *type = element_argument(element).type;
    return type->same != NULL && type->same(word, other);
}

const char *line_word_at(const struct command_line *line, size_t index)
{
    return line->text + line->word[index].start;
}

const char *line_element_at(const struct command_line *line, size_t index)
{
    return line->row->pattern + line->word[index].element;
}

bool line_has(const struct command_line *line, const char *keyword)
{
    for (size_t i = 0; i < line->count; i++) {
        if (!element_is_argument(line_element_at(line, i)) && strcmp(line_word_at(line, i), keyword) == 0)
            return true;
    }
    return false;
}

const char *line_next_argument(const struct command_line *line, const char *label, size_t *from)
{
    for (size_t i = *from; i < line->count; i++) {
        const char *element = line_element_at(line, i);
        if (element_is_argument(element) && element_is_named(element, label)) {
            *from = i + 1;
            return line_word_at(line, i);
        }
    }
    return NULL;
}

const char *line_argument(const struct command_line *line, const char *label)
{
    size_t from = 0;
    return line_next_argument(line, label, &from);
}

bool line_number(const struct command_line *line, const char *label, uint32_t *out)
{
    const char *word = line_argument(line, label);
    if (word == NULL)
        return false;
    *out = (uint32_t)strtoul(word, NULL, 10);
    return true;
}

bool line_address(const struct command_line *line, const char *label, struct ip_address *out)
{
    const char *word = line_argument(line, label);
    return word != NULL && ip_address_parse(word, out);
}

bool line_prefix(const struct command_line *line, const char *label, struct ip_prefix *out)
{
    const char *word = line_argument(line, label);
    return word != NULL && ip_prefix_parse(word, out);
}

bool line_interface(const struct command_line *line, const char *label, struct interface_name *out)
{
    const char *word = line_argument(line, label);
    return word != NULL && interface_name_parse(word, out, NULL) == VALUE_FITS;
}

bool line_next_hop(const struct command_line *line, struct ip_address *out,
                   char interface[INTERFACE_NAME_SIZE])
{
    char address[IP_TEXT_SIZE];
    const char *word = line_argument(line, "next-hop");
    interface[0] = '\0';
    if (word == NULL)
        return false;
    size_t length = strcspn(word, "%");
    (void)snprintf(address, sizeof address, "%.*s", (int)length, word);
    if (word[length] == '%')
        (void)snprintf(interface, INTERFACE_NAME_SIZE, "%s", word + length + 1);
    return ip_address_parse(address, out);
}

/* Appends a word as it is printed. */
static char *append_word(char *at, const char *element, const char *word, bool secrets)
{
    if (!element_is_argument(element))
        return stpcpy(at, word);
    const struct value_type *type = element_argument(element).type;
    if (type->secret && !secrets)
        return stpcpy(at, "********");
    return type->rest_of_line ? stpcpy(at, word) : word_append_quoted(at, word);
}

const char *line_print(const struct command_line *line, enum command_mode mode, bool secrets,
                       char out[LINE_PRINTED_SIZE])
{
    char *at = out;
    if (line->negated)
        at = stpcpy(at, "no ");
    at = stpcpy(at, command_prefix(line->row, mode));
    for (size_t i = 0; i < line->count; i++) {
        if (i > 0)
            *at++ = ' ';
        at = append_word(at, line_element_at(line, i), line_word_at(line, i), secrets);
    }
    *at = '\0';
    return out;
}
