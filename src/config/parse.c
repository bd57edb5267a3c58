#include "config/parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "config/edit.h"
#include "config/foreign.h"
#include "config/match.h"
#include "config/placement.h"
#include "config/report.h"
#include "config/source.h"

/* Which lines are under a foreign header, or under a header with an error. */
enum foreign_reach {
    REACH_NONE,
    REACH_DEEPER, /* the lines deeper than the header */
    REACH_OPEN,   /* all lines up to the next command of config mode: the file has no indentation */
};

struct parser {
    struct config *config;
    struct diagnostics *diagnostics;
    bool indented;           /* the file is indented (source_is_indented) */
    struct section *section; /* that the next line belongs to */
    size_t header_depth;     /* of the section's header */
    enum foreign_reach foreign;
    size_t foreign_depth;         /* of the foreign header */
    struct setting *last_foreign; /* the foreign header, or the last line kept under it */
    bool skip;                    /* the header had an error: ignore the lines under it */
    struct section *tunnel;       /* the Tunnel right behind whose lines the open profile stands; or NULL */
    struct source profile;        /* the header of that profile */
    bool profile_is_empty;        /* no line has been read under it */
    bool no_memory;
    struct words words; /* of the line that is being read */
};

static struct source_place place_of(const struct source *line)
{
    return (struct source_place){line->number, (uint32_t)text_characters(line->text, line->indent) + 1};
}

/*
 * A foreign line as it is printed under a header. If the header is not indented, the line keeps its
 * indentation. If it is, the line is indented by as many columns as it is deeper than the header. A line that
 * is no deeper gets two blanks. The caller frees the text; NULL if memory ran out.
 */
static char *indented_copy(const struct source *line, size_t header_depth, size_t *length)
{
    size_t rest = line->length - line->indent;
    size_t blanks = line->depth > header_depth ? line->depth - header_depth : 2;
    bool verbatim = header_depth == 0 && line->depth > 0;
    if (verbatim)
        blanks = line->indent;
    *length = blanks + rest;
    char *text = malloc(*length + 1);
    if (text == NULL)
        return NULL;
    memset(text, ' ', blanks);
    if (verbatim)
        memcpy(text, line->text, blanks);
    memcpy(text + blanks, line->text + line->indent, rest);
    return text;
}

static void warn_of_foreign(struct parser *p, const struct source *line, size_t known, const char *place)
{
    report_foreign(p->diagnostics, line->text, line->number, &p->words, known, FOREIGN_KEPT, place);
}

static void leave_out(struct parser *p, const struct source *line)
{
    report_foreign(p->diagnostics, line->text, line->number, &p->words, 0, FOREIGN_LEFT_OUT, NULL);
}

/* Keeps a line under a foreign header. */
static void keep_under_foreign(struct parser *p, const struct source *line)
{
    if (p->skip)
        return;
    size_t length;
    char *text = indented_copy(line, p->foreign_depth, &length);
    if (text != NULL)
        p->last_foreign = edit_add_foreign_under(p->last_foreign, text, length, place_of(line));
    p->no_memory = text == NULL || p->last_foreign == NULL;
    secret_free(text, length);
    warn_of_foreign(p, line, 0, NULL);
}

/* S14: `ikev2 profile NAME` where `ikev2 binding NAME` is meant. */
static void report_profile(struct parser *p, enum severity severity, const struct source *line)
{
    struct words words;
    words_split(line->text, line->length, &words);
    const char *name = words.word[words.count - 1].text;
    char *excerpt = severity == SEVERITY_ERROR
                        ? excerpt_of(line->text, line->length, words.word[0].column,
                                     words.end - words.word[0].column, SIZE_MAX, SIZE_MAX)
                        : NULL;
    diagnostics_add(p->diagnostics, severity, line->number,
                    (uint32_t)text_characters(line->text, line->indent) + 1, excerpt, PROFILE_IN_TUNNEL, name,
                    name);
}

/* Warns of a profile without lines behind a Tunnel without a profile: the Tunnel would run on the default
 * policy in silence. */
static void check_empty_profile(struct parser *p)
{
    if (p->tunnel != NULL && p->profile_is_empty && !p->indented &&
        section_setting(p->tunnel, COMMAND_IKEV2_BINDING) == NULL)
        report_profile(p, SEVERITY_WARNING, &p->profile);
    p->tunnel = NULL;
}

static void close_section(struct parser *p)
{
    check_empty_profile(p);
    p->section = config_global_section(p->config);
}

static void start_foreign(struct parser *p, const struct source *line, bool skip)
{
    p->foreign = p->indented || (!skip && !foreign_is_header(&p->words)) ? REACH_DEEPER : REACH_OPEN;
    p->foreign_depth = line->depth;
    p->skip = skip;
    close_section(p);
}

/* Keeps a foreign line of config mode, which may be a header. */
static void keep_global(struct parser *p, const struct source *line, size_t known)
{
    start_foreign(p, line, false);
    p->last_foreign = edit_add_foreign(p->config, p->section, line->text + line->indent,
                                       line->length - line->indent, place_of(line));
    p->no_memory = p->last_foreign == NULL;
    warn_of_foreign(p, line, known, placement_of(&p->words, MODE_GLOBAL));
}

static void keep_in_section(struct parser *p, const struct source *line, size_t known)
{
    size_t length;
    char *text = indented_copy(line, p->header_depth, &length);
    p->no_memory =
        text == NULL || edit_add_foreign(p->config, p->section, text, length, place_of(line)) == NULL;
    secret_free(text, length);
    warn_of_foreign(p, line, known, placement_of(&p->words, p->section->mode));
}

static bool first_word_is(const struct words *words, const char *word)
{
    bool negated = words->count > 1 && (strcasecmp(words->word[0].text, "no") == 0 ||
                                        strcasecmp(words->word[0].text, "default") == 0);
    return words->count > negated && strcasecmp(words->word[negated].text, word) == 0;
}

static bool is_exit(const struct words *words)
{
    return words->count == 1 && first_word_is(words, "exit");
}

static bool in_profile(const struct parser *p)
{
    return (p->section->mode & (MODE_DEFAULT_PROFILE | MODE_PROFILE)) != 0;
}

/* True if a foreign line ends the section: it is no deeper than the header, or, in a file without
 * indentation, it is known to be a command of config mode. */
static bool ends_section(const struct parser *p, const struct source *line)
{
    if (p->section->mode == MODE_GLOBAL)
        return false;
    if (p->indented)
        return line->depth <= p->header_depth;
    return foreign_is_header(&p->words) || (in_profile(p) && foreign_is_global(&p->words));
}

static void report_error(struct parser *p, const struct source *line, const struct match *m)
{
    report_match(p->diagnostics, line->text, line->length, line->number, m, &p->words);
    /* Skip the lines under a header with an error: they would cause errors only because of it. */
    bool header = m->count > 0;
    for (size_t i = m->first; i < m->first + m->count; i++)
        header = header && command_table[m->state[i].row].kind == KIND_SECTION;
    if (header)
        start_foreign(p, line, true);
}

/* True if a profile is opened at the depth of a Tunnel's lines. */
static bool is_profile_in_tunnel(const struct parser *p, const struct source *line, const struct match *m)
{
    return command_id(m->row) == COMMAND_IKEV2_PROFILE && !m->negated && p->section->mode == MODE_TUNNEL &&
           p->indented && line->depth > p->header_depth;
}

/* Goes on in the section that a header opens. */
static void enter_section(struct parser *p, const struct source *line, const struct setting *header,
                          struct section *before)
{
    p->section = header->under;
    p->header_depth = line->depth;
    if (p->section->mode != MODE_PROFILE || before->mode != MODE_TUNNEL)
        return;
    p->tunnel = before;
    p->profile = *line;
    p->profile_is_empty = true;
}

/* Applies a line that matched. */
static void apply(struct parser *p, const struct source *line, const struct match *m,
                  struct line_draft *draft)
{
    struct command_line view = line_draft_view(draft);
    struct section *before = p->section;
    if (is_profile_in_tunnel(p, line, m)) {
        report_profile(p, SEVERITY_ERROR, line);
        return;
    }
    if ((m->row->modes & (unsigned)p->section->mode) == 0)
        close_section(p);
    p->profile_is_empty = false;
    if (m->row->kind == KIND_TOGGLE && !m->defaulted)
        view.negated = m->negated;
    else if (m->negated) {
        if (!edit_unset(p->config, p->section, &view))
            p->no_memory = true;
        return;
    }
    report_replaced_key(p->diagnostics, line->text, line->number, config_find(p->config, p->section, &view),
                        &view, &p->words);
    struct setting *setting = edit_set(p->config, p->section, &view, place_of(line));
    if (setting == NULL) {
        p->no_memory = true;
        return;
    }
    report_applied(p->diagnostics, line->text, line->number, &view, &p->words);
    if (setting->under != NULL)
        enter_section(p, line, setting, before);
}

static struct match_scope scope_of(const struct parser *p)
{
    return (struct match_scope){
        .mode = p->section->mode,
        .beyond = p->section->mode == MODE_GLOBAL ? 0 : MODE_GLOBAL,
        .first_word_in_full = true,
        .may_negate = true,
    };
}

/* Goes back to the Tunnel if only a Tunnel knows the line, which follows a profile that was opened within the
 * Tunnel's lines. */
static bool returns_to_tunnel(struct parser *p)
{
    if (p->tunnel == NULL || !in_profile(p) || !placement_fits(&p->words, MODE_TUNNEL))
        return false;
    report_profile(p, SEVERITY_ERROR, &p->profile);
    p->section = p->tunnel;
    p->tunnel = NULL;
    return true;
}

/* Reads a line in a section of ours, or in config mode. */
static void read_own(struct parser *p, const struct source *line)
{
    struct match m;
    struct line_draft draft;
    if (is_exit(&p->words)) {
        close_section(p);
        return;
    }
    struct match_scope scope = scope_of(p);
    match_words(&scope, &p->words, &m, &draft);
    if (m.result == MATCH_FOUND) {
        apply(p, line, &m, &draft);
        return;
    }
    if (returns_to_tunnel(p)) {
        read_own(p, line);
        return;
    }
    if (ends_section(p, line)) {
        close_section(p);
        scope = scope_of(p);
        match_words(&scope, &p->words, &m, &draft);
    }
    bool strict = first_word_is(&p->words, "ikev2") || in_profile(p);
    bool wrong =
        !p->words.binary && !p->words.overlong && (m.result == MATCH_WRONG || m.result == MATCH_MISSING);
    if (foreign_is_operation(&p->words) && !in_profile(p))
        leave_out(p, line);
    else if (strict || wrong)
        report_error(p, line, &m);
    else if (p->section->mode == MODE_GLOBAL)
        keep_global(p, line, m.known);
    else
        keep_in_section(p, line, m.known);
}

/* True if a line behind a foreign header, in a file without indentation, is a command of our config mode. */
static bool is_own_global(struct parser *p)
{
    struct match m;
    struct match_scope scope = scope_of(p);
    match_words(&scope, &p->words, &m, NULL);
    if (m.result == MATCH_FOUND || m.result == MATCH_WRONG || m.result == MATCH_MISSING)
        return true;
    return m.known >= 2 && strcasecmp(p->words.word[0].text, "ikev2") == 0;
}

/* Keeps a line behind a foreign header; false if it is not under it. */
static bool read_under_foreign(struct parser *p, const struct source *line)
{
    if (p->foreign == REACH_DEEPER) {
        if (line->depth <= p->foreign_depth)
            return false;
        keep_under_foreign(p, line);
        return true;
    }
    if (is_own_global(p) || foreign_is_header(&p->words))
        return false;
    if (foreign_is_operation(&p->words))
        leave_out(p, line);
    else
        keep_under_foreign(p, line);
    if (is_exit(&p->words))
        p->foreign = REACH_NONE;
    return true;
}

static void read_line(struct parser *p, struct source *line)
{
    words_split(line->text, line->length, &p->words);
    if (p->foreign != REACH_NONE && read_under_foreign(p, line))
        return;
    p->foreign = REACH_NONE;
    p->skip = false;
    read_own(p, line);
}

struct config *config_parse_despite_errors(const char *text, size_t length, struct diagnostics *diagnostics)
{
    struct parser p = {.config = config_new(), .diagnostics = diagnostics};
    if (p.config == NULL) {
        diagnostics_add(diagnostics, SEVERITY_ERROR, 0, 0, NULL, "out of memory");
        return NULL;
    }
    const char *at = text;
    const char *end = text + length;
    p.indented = source_is_indented(at, end);
    p.section = config_global_section(p.config);

    struct source line = {0};
    while (!p.no_memory && source_next_line(&at, end, &line)) {
        if (line.number > CONFIG_LINES_MAX) {
            diagnostics_add(diagnostics, SEVERITY_ERROR, line.number, 0, NULL,
                            "a config may have %d lines at most", CONFIG_LINES_MAX);
            break;
        }
        if (!source_is_blank(&line) && !source_is_comment(&line))
            read_line(&p, &line);
    }
    check_empty_profile(&p);
    if (!p.no_memory)
        return p.config;
    diagnostics_add(diagnostics, SEVERITY_ERROR, line.number, 0, NULL, "out of memory");
    config_free(p.config);
    return NULL;
}

struct config *config_parse(const char *text, size_t length, struct diagnostics *diagnostics)
{
    size_t errors = diagnostics->errors;
    struct config *config = config_parse_despite_errors(text, length, diagnostics);
    if (config == NULL || diagnostics->errors == errors)
        return config;
    config_free(config);
    return NULL;
}
