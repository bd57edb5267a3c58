#include "config/help.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/keyword_help.h"

struct finding {
    const struct config *config;
    const char *start; /* of the word to be completed; "" if it is not begun */
    struct help *help;
};

const char *argument_shape(const struct argument *argument, char out[HELP_WORD_SIZE])
{
    if (argument->type->shape != NULL) {
        (void)snprintf(out, HELP_WORD_SIZE, "%s", argument->type->shape);
        return out;
    }
    (void)snprintf(out, HELP_WORD_SIZE, "%.*s", (int)argument->label_length, argument->label);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return out;
}

static void add(struct finding *f, const char *word, const char *help, bool literal)
{
    if (literal && strncasecmp(word, f->start, strlen(f->start)) != 0)
        return;
    for (size_t i = 0; i < f->help->count; i++) {
        if (strcmp(f->help->entry[i].word, word) == 0)
            return;
    }
    if (f->help->count == HELP_ENTRIES_MAX)
        return;
    struct help_entry *entry = &f->help->entry[f->help->count++];
    (void)snprintf(entry->word, sizeof entry->word, "%s", word);
    entry->help = help;
    entry->literal = literal;
}

/* The names that the config has for an argument. */
static void add_names(struct finding *f, const struct argument *argument)
{
    static const struct {
        const char *type, *label;
        enum command_id header;
    } sources[] = {
        {"interface", "interface", COMMAND_INTERFACE},
        {"name", "profile", COMMAND_IKEV2_PROFILE},
    };
    for (size_t i = 0; f->config != NULL && i < sizeof sources / sizeof *sources; i++) {
        if (strcmp(argument->type->name, sources[i].type) != 0 ||
            strncmp(argument->label, sources[i].label, argument->label_length) != 0)
            continue;
        const struct setting *s = section_setting(config_global(f->config), sources[i].header);
        for (; s != NULL; s = setting_next_of_row(s))
            add(f, line_argument(&s->line, sources[i].label), argument->type->help, true);
    }
}

static void add_argument(struct finding *f, const char *element)
{
    struct argument argument = element_argument(element);
    char shape[HELP_WORD_SIZE];
    if (argument.type->word != NULL) {
        const char *word;
        for (size_t i = 0; (word = argument.type->word(i)) != NULL; i++)
            add(f, word, argument.type->help, true);
        return;
    }
    add_names(f, &argument);
    add(f, argument_shape(&argument, shape), argument.type->help, false);
}

static void add_way(void *context, const char *element, const struct command *row)
{
    struct finding *f = context;
    if (element == NULL) {
        if (f->start[0] == '\0')
            add(f, "<cr>", "The line may end here", false);
        return;
    }
    if (element_is_argument(element)) {
        add_argument(f, element);
        return;
    }
    char keyword[HELP_WORD_SIZE];
    size_t length = keyword_length(element);
    (void)snprintf(keyword, sizeof keyword, "%.*s", (int)length, element);
    add(f, keyword, keyword_help(row, element), true);
}

static int compare_entries(const void *a, const void *b)
{
    const struct help_entry *x = a;
    const struct help_entry *y = b;
    bool x_end = strcmp(x->word, "<cr>") == 0;
    bool y_end = strcmp(y->word, "<cr>") == 0;
    if (x_end != y_end)
        return x_end ? 1 : -1;
    return strcmp(x->word, y->word);
}

void help_find(const struct match_scope *scope, const struct config *config, const char *line,
               struct help *out)
{
    struct words words;
    struct match m;
    words_split(line, strcspn(line, "\n"), &words);
    bool begun = words.count > 0 && !words.blank_at_end;
    struct finding f = {
        .config = config, .start = begun ? words.word[words.count - 1].text : "", .help = out};
    out->count = 0;
    size_t before = words.count - begun;
    out->understood = match_start_of(scope, &words, before, &m);
    if (!out->understood)
        return;
    if (before == 0 && scope->may_negate) {
        add(&f, "no", "Remove a setting, or say the opposite", true);
        add(&f, "default", "Remove a setting, so that the default holds", true);
    }
    match_expected(&m, add_way, &f);
    qsort(out->entry, out->count, sizeof *out->entry, compare_entries);
}
