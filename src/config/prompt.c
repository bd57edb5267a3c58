#include "config/prompt.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/edit.h"
#include "config/foreign.h"
#include "config/message.h"
#include "config/placement.h"
#include "config/report.h"
#include "config/source.h"

/* A typed line while it is handled. */
struct typed {
    struct config *config;
    struct config_cursor *cursor;
    struct diagnostics *diagnostics;
    const char *text;
    size_t length;
    struct words words;
    struct match match;
    struct line_draft draft;
};

static size_t line_length(const char *line)
{
    return strcspn(line, "\n");
}

static const struct match_scope top_scope = {.mode = MODE_GLOBAL, .may_negate = true};
static const struct match_scope exec_scope = {.mode = MODE_EXEC};

/* Reads the header of the sub-mode that the cursor is in; false outside of sub-modes and in foreign ones. */
static bool read_header(const struct config_cursor *cursor, struct line_draft *draft)
{
    struct words words;
    struct match match;
    if (cursor->header[0] == '\0' || cursor->foreign)
        return false;
    words_split(cursor->header, strlen(cursor->header), &words);
    match_words(&top_scope, &words, &match, draft);
    return match.result == MATCH_FOUND;
}

struct match_scope config_cursor_scope(const struct config_cursor *cursor)
{
    struct line_draft draft;
    struct match_scope scope = top_scope;
    if (!read_header(cursor, &draft))
        return scope;
    struct command_line header = line_draft_view(&draft);
    scope.mode = header_mode(&header);
    scope.beyond = MODE_GLOBAL;
    return scope;
}

/* The section that the cursor is in, which is made if it is missing; NULL if memory ran out. */
static struct section *open_section(struct config *config, const struct config_cursor *cursor)
{
    struct line_draft draft;
    struct section *global = config_global_section(config);
    if (!read_header(cursor, &draft))
        return global;
    struct command_line line = line_draft_view(&draft);
    struct setting *header = edit_set(config, global, &line, SOURCE_TYPED);
    return header == NULL ? NULL : header->under;
}

static enum prompt_outcome refuse(struct typed *t, const char *text)
{
    diagnostics_add(t->diagnostics, SEVERITY_ERROR, 0, 0, NULL, "%s", text);
    return PROMPT_REFUSED;
}

static void move_to(struct config_cursor *cursor, const char *header, bool foreign)
{
    (void)snprintf(cursor->header, sizeof cursor->header, "%s", header);
    cursor->foreign = foreign;
}

static enum prompt_outcome apply(struct typed *t)
{
    const struct match *m = &t->match;
    struct command_line line = line_draft_view(&t->draft);
    if (m->row->modes & MODE_GLOBAL)
        move_to(t->cursor, "", false);
    struct section *section = open_section(t->config, t->cursor);
    if (section == NULL)
        return refuse(t, "out of memory");
    if (m->row->kind == KIND_TOGGLE && !m->defaulted)
        line.negated = m->negated;
    else if (m->negated) {
        (void)edit_remove_foreign(t->config, section, t->words.word + 1, t->words.count - 1);
        return edit_unset(t->config, section, &line) ? PROMPT_APPLIED : refuse(t, "out of memory");
    }
    struct setting *setting = edit_set(t->config, section, &line, SOURCE_TYPED);
    if (setting == NULL)
        return refuse(t, "out of memory");
    report_applied(t->diagnostics, t->text, 0, &line, &t->words);
    if (setting->under != NULL) {
        char header[LINE_PRINTED_SIZE];
        move_to(t->cursor, line_print(&setting->line, MODE_GLOBAL, true, header), false);
    }
    return PROMPT_APPLIED;
}

/* True for a line of a paste that opens a profile at the depth of a Tunnel's lines (S14). */
static bool is_profile_in_tunnel(const struct typed *t)
{
    return command_id(t->match.row) == COMMAND_IKEV2_PROFILE && !t->match.negated &&
           t->match.scope.mode == MODE_TUNNEL && t->words.word[0].column > 0;
}

static enum prompt_outcome refuse_profile(struct typed *t)
{
    struct command_line line = line_draft_view(&t->draft);
    const char *name = line_argument(&line, "profile");
    diagnostics_add(t->diagnostics, SEVERITY_ERROR, 0, 0, NULL, PROFILE_IN_TUNNEL, name, name);
    return PROMPT_REFUSED;
}

/* The last line under the foreign header that the cursor is at, or the header if there is none; NULL if the
 * header is gone. */
static struct setting *find_foreign_place(struct typed *t)
{
    struct setting *place =
        edit_find_foreign(config_global_section(t->config), t->cursor->header, strlen(t->cursor->header));
    while (place != NULL && place->next != NULL && place->next->foreign_under)
        place = place->next;
    return place;
}

/* Keeps a foreign line, given as it is printed, at the cursor. NULL on failure. */
static struct setting *keep_at_cursor(struct typed *t, struct section *section, const char *text)
{
    if (!t->cursor->foreign) {
        struct setting *kept = edit_find_foreign(section, text, strlen(text));
        return kept != NULL ? kept : edit_add_foreign(t->config, section, text, strlen(text), SOURCE_TYPED);
    }
    struct setting *place = find_foreign_place(t);
    return place == NULL ? NULL : edit_add_foreign_under(place, text, strlen(text), SOURCE_TYPED);
}

static enum prompt_outcome keep_foreign(struct typed *t, struct section *section)
{
    bool header = foreign_is_header(&t->words);
    bool at_top = header || t->cursor->header[0] == '\0';
    size_t indent = t->words.word[0].column;
    char text[LINE_TEXT_MAX + 3];
    (void)snprintf(text, sizeof text, "%s%.*s", at_top ? "" : "  ", (int)(t->words.end - indent),
                   t->text + indent);
    if (header) {
        move_to(t->cursor, "", false);
        section = config_global_section(t->config);
    }
    if (keep_at_cursor(t, section, text) == NULL)
        return refuse(t, "out of memory");
    if (header)
        move_to(t->cursor, text, true);
    report_foreign(t->diagnostics, t->text, 0, &t->words, t->match.known, FOREIGN_KEPT, NULL);
    return PROMPT_APPLIED;
}

/*
 * Carries out `no LINE` for foreign lines: those where the cursor is, else those of config mode, where the
 * cursor is then, as it is behind our own commands of config mode. False if there are none.
 */
static bool remove_foreign(struct typed *t, struct section *section)
{
    struct section *global = config_global_section(t->config);
    const struct word *words = t->words.word + 1;
    size_t count = t->words.count - 1;
    struct setting *header = NULL;
    if (t->cursor->foreign)
        header = edit_find_foreign(global, t->cursor->header, strlen(t->cursor->header));
    if (header != NULL && edit_remove_foreign_under(t->config, header, words, count) > 0)
        return true;
    if (section != global && edit_remove_foreign(t->config, section, words, count) > 0)
        return true;
    if (edit_remove_foreign(t->config, global, words, count) == 0)
        return false;
    move_to(t->cursor, "", false);
    return true;
}

static bool begins_with_ikev2(const struct typed *t)
{
    size_t first = t->match.negated ? 1 : 0;
    return t->words.count > first && strcasecmp(t->words.word[first].text, "ikev2") == 0;
}

/* True if a line that did not match looks like one of the routers', and not like a mistyped or misplaced one.
 */
static bool is_foreign(const struct typed *t)
{
    const struct match *m = &t->match;
    bool ours =
        m->result == MATCH_WRONG || m->result == MATCH_MISSING || t->words.binary || t->words.overlong;
    if (ours)
        return false;
    if (t->cursor->foreign)
        return !begins_with_ikev2(t) || m->known < 2;
    if (begins_with_ikev2(t) || (m->scope.mode & (MODE_DEFAULT_PROFILE | MODE_PROFILE)) != 0)
        return foreign_is_header(&t->words);
    if (match_was_slip(m, &t->words) || placement_of(&t->words, m->scope.mode) != NULL)
        return false;
    return m->known > m->negated || foreign_is_known(&t->words);
}

static enum prompt_outcome leave(struct typed *t, enum command_id id)
{
    if (id == COMMAND_EXIT && t->cursor->header[0] != '\0') {
        move_to(t->cursor, "", false);
        return PROMPT_APPLIED;
    }
    return id == COMMAND_EXIT || id == COMMAND_END ? PROMPT_LEAVE : PROMPT_OPERATION;
}

/* Handles a line that did not match a setting: an operating command, a foreign line, or an error. */
static enum prompt_outcome apply_other(struct typed *t)
{
    struct match exec;
    match_words(&exec_scope, &t->words, &exec, NULL);
    if (exec.result == MATCH_FOUND)
        return leave(t, command_id(exec.row));

    struct section *section = open_section(t->config, t->cursor);
    if (section == NULL)
        return refuse(t, "out of memory");
    bool negated = t->match.negated && t->words.count > 1;
    if (negated && remove_foreign(t, section))
        return PROMPT_APPLIED;
    if (foreign_is_operation(&t->words))
        return refuse(t, "this is an operating command that Musubi does not have");
    if (is_foreign(t))
        return keep_foreign(t, section);
    bool operation = t->match.result == MATCH_UNKNOWN && exec.known > t->match.known;
    report_match(t->diagnostics, t->text, t->length, 0, operation ? &exec : &t->match, &t->words);
    return PROMPT_REFUSED;
}

/* Splits a line and looks for the setting that it is; false for a blank line or a comment. */
static bool read_line(struct typed *t, const struct config_cursor *cursor, const char *line)
{
    t->text = source_skip_marks(line, line + line_length(line));
    t->length = line_length(t->text);
    words_split(t->text, t->length, &t->words);
    if (t->words.count == 0 || t->text[t->words.word[0].column] == '!')
        return false;
    struct match_scope scope = config_cursor_scope(cursor);
    scope.first_word_in_full = cursor->foreign;
    match_words(&scope, &t->words, &t->match, &t->draft);
    return true;
}

bool config_line_only_moves(const struct config *config, const struct config_cursor *cursor, const char *line)
{
    struct typed t = {0};
    struct match exec;
    if (!read_line(&t, cursor, line))
        return true;
    const struct match *m = &t.match;
    if (m->result != MATCH_FOUND) {
        match_words(&exec_scope, &t.words, &exec, NULL);
        return exec.result == MATCH_FOUND && command_id(exec.row) == COMMAND_EXIT &&
               cursor->header[0] != '\0';
    }
    struct command_line header = line_draft_view(&t.draft);
    return m->row->kind == KIND_SECTION && m->row->foreign_head == 0 && !m->negated && !m->defaulted &&
           config_find(config, config_global(config), &header) != NULL;
}

enum prompt_outcome config_apply_line(struct config *config, struct config_cursor *cursor, const char *line,
                                      struct diagnostics *diagnostics)
{
    struct typed t = {.config = config, .cursor = cursor, .diagnostics = diagnostics};
    if (!read_line(&t, cursor, line))
        return PROMPT_APPLIED;
    if (t.match.result == MATCH_FOUND && is_profile_in_tunnel(&t))
        return refuse_profile(&t);
    if (t.match.result == MATCH_FOUND)
        return apply(&t);
    return apply_other(&t);
}

const char *config_cursor_name(const struct config_cursor *cursor, char out[PROMPT_NAME_SIZE])
{
    struct words words;
    words_split(cursor->header, strlen(cursor->header), &words);
    if (words.count < 2) {
        (void)snprintf(out, PROMPT_NAME_SIZE, "config");
        return out;
    }
    bool ikev2 = strcmp(words.word[0].text, "ikev2") == 0;
    (void)snprintf(out, PROMPT_NAME_SIZE, ikev2 ? "config-ikev2-%.32s" : "config-%.32s", words.word[1].text);
    return out;
}

bool exec_parse(const char *line, struct exec_command *out, char error[EXEC_ERROR_SIZE])
{
    struct words words;
    struct match match;
    struct line_draft draft;
    *out = (struct exec_command){.id = COMMAND_COUNT};
    words_split(line, line_length(line), &words);
    if (words.count == 0)
        return true;
    match_words(&exec_scope, &words, &match, &draft);
    if (match.result != MATCH_FOUND) {
        struct match_message message;
        match_message(&match, &words, &message);
        (void)snprintf(error, EXEC_ERROR_SIZE, "%% %s", message.text);
        return false;
    }
    struct command_line view = line_draft_view(&draft);
    out->id = command_id(match.row);
    out->line = line_copy(&view);
    if (out->line.row != NULL)
        return true;
    (void)snprintf(error, EXEC_ERROR_SIZE, "%% out of memory");
    return false;
}

void exec_free(struct exec_command *command)
{
    line_free(&command->line);
}
