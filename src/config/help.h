/*
 * `?` and completion at the prompt: what may come next in a line, and a line of help for each word.
 */
#ifndef MUSUBI_CONFIG_HELP_H
#define MUSUBI_CONFIG_HELP_H

#include "config/match.h"
#include "config/model.h"

enum { HELP_WORD_SIZE = 64 };

struct help_entry {
    char word[HELP_WORD_SIZE]; /* a keyword, a name, or the shape of an argument; "<cr>": the line may end */
    const char *help;          /* constant */
    bool literal;              /* the word itself can be typed, so completion may offer it */
};

enum { HELP_ENTRIES_MAX = 256 };

/* About 20 KiB. */
struct help {
    size_t count;
    bool understood; /* the words before the last one fit a command; if not, there are no entries */
    struct help_entry entry[HELP_ENTRIES_MAX];
};

/*
 * Lists what may come next where the line ends, sorted, each word once. If the line does not end with a
 * blank, its last word is to be completed, and only words that begin with it are listed. Names of interfaces
 * and profiles come from `config`, which may be NULL.
 *
 * The scope is config_cursor_scope (prompt.h), or {.mode = MODE_EXEC}.
 */
void help_find(const struct match_scope *scope, const struct config *config, const char *line,
               struct help *out);

/*
 * True if a line asks for help: its last word is `?`, or ends with it and keywords or names begin with what
 * stands before it. Then `out` is as help_find lists it. A `?` in a description, in a key or in another text
 * is none.
 */
bool help_is_asked(const struct match_scope *scope, const struct config *config, const char *line,
                   struct help *out);

/* True if the last word of a line is `?` alone. */
bool help_question_stands_alone(const char *line, size_t length);

/* Writes the name of an argument in help and in docs/commands.md, such as "A.B.C.D" or "SECONDS", and returns
 * `out`. */
const char *argument_shape(const struct argument *argument, char out[HELP_WORD_SIZE]);

/* A line of help for the keyword at `element`, a place in the row's pattern or the `ikev2` before it. It is
 * the help of the row if the keyword has none of its own. */
const char *keyword_help(const struct command *row, const char *element);

#endif
