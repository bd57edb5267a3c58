#include "config/print.h"

#include "config/foreign.h"
#include "config/placement.h"

static void print_foreign(const struct setting *setting, enum print_secrets secrets, FILE *out)
{
    if (secrets == SECRETS_SHOWN) {
        (void)fwrite(setting->foreign, 1, setting->foreign_length, out);
        (void)fputc('\n', out);
        return;
    }
    struct words words;
    char keywords[FOREIGN_KEYWORDS_SIZE];
    words_split(setting->foreign, setting->foreign_length, &words);
    size_t indent = words.count > 0 ? words.word[0].column : 0;
    (void)fprintf(out, "%.*s%s ********\n", (int)indent, setting->foreign,
                  foreign_keywords(&words, 0, keywords));
}

static void print_setting(const struct setting *setting, enum command_mode mode, enum print_secrets secrets,
                          FILE *out)
{
    if (setting->foreign != NULL) {
        print_foreign(setting, secrets, out);
        return;
    }
    char text[LINE_PRINTED_SIZE];
    (void)fprintf(out, "%s%s\n", mode == MODE_GLOBAL ? "" : "  ",
                  line_print(&setting->line, mode, secrets == SECRETS_SHOWN, text));
}

static bool is_foreign_header(const struct setting *setting)
{
    struct words words;
    words_split(setting->foreign, setting->foreign_length, &words);
    return foreign_is_header(&words);
}

/* True if no `!` is printed between two lines. Settings of one row belong together, and so do foreign lines.
 * Sections stand alone. So do foreign headers, or the next line would look as if it were under the header. */
static bool belong_together(const struct setting *a, const struct setting *b)
{
    if (b->foreign != NULL && b->foreign_under)
        return true;
    if (b->foreign != NULL)
        return a->foreign != NULL && !a->foreign_under && !is_foreign_header(a);
    return a->foreign == NULL && a->under == NULL && b->under == NULL && a->line.row == b->line.row;
}

static bool is_section(const struct setting *setting)
{
    return setting != NULL && setting->under != NULL;
}

/* True if a foreign line behind a section of ours would be read as a line of that section. */
static bool needs_exit(const struct setting *setting)
{
    struct words words;
    if (setting->foreign == NULL || !is_section(setting->previous))
        return false;
    words_split(setting->foreign, setting->foreign_length, &words);
    return placement_fits(&words, setting->previous->under->mode);
}

void config_print(const struct config *config, enum print_secrets secrets, FILE *out)
{
    const struct section *global = config_global(config);
    for (const struct setting *s = global->first; s != NULL; s = s->next) {
        if (needs_exit(s))
            (void)fputs("  exit\n", out);
        if (s->previous != NULL && !belong_together(s->previous, s))
            (void)fputs("!\n", out);
        print_setting(s, MODE_GLOBAL, secrets, out);
        if (s->under == NULL)
            continue;
        for (const struct setting *in = s->under->first; in != NULL; in = in->next)
            print_setting(in, s->under->mode, secrets, out);
    }
}

static const struct setting *find_line(const struct section *section, uint32_t number)
{
    for (const struct setting *s = section->first; s != NULL; s = s->next) {
        const struct setting *under = s->under != NULL ? find_line(s->under, number) : NULL;
        if (s->source.line == number)
            return s;
        if (under != NULL)
            return under;
    }
    return NULL;
}

bool config_print_line(const struct config *config, uint32_t number, char out[LINE_PRINTED_SIZE])
{
    const struct setting *setting = find_line(config_global(config), number);
    char keywords[FOREIGN_KEYWORDS_SIZE];
    struct words words;
    out[0] = '\0';
    if (setting == NULL)
        return false;
    if (setting->foreign == NULL) {
        (void)line_print(&setting->line, setting->section->mode, false, out);
        return true;
    }
    words_split(setting->foreign, setting->foreign_length, &words);
    (void)snprintf(out, LINE_PRINTED_SIZE, "%s ********", foreign_keywords(&words, 0, keywords));
    return true;
}
