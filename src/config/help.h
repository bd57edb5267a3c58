/*
 * `?` and completion at the prompt: what may come next in a line.
 */
#ifndef MUSUBI_CONFIG_HELP_H
#define MUSUBI_CONFIG_HELP_H

#include "config/match.h"
#include "config/model.h"

enum { HELP_WORD_SIZE = 64 };

struct help_entry {
    char word[HELP_WORD_SIZE]; /* a keyword, a name, or the shape of an argument; "<cr>": the line may end */
    const char *help;
    bool literal; /* to be typed as it stands, so that completion may offer it */
};

enum { HELP_ENTRIES_MAX = 256 };

/* About 20 KiB. */
struct help {
    size_t count;
    bool understood; /* the words before the last one are */
    struct help_entry entry[HELP_ENTRIES_MAX];
};

/*
 * Fills in what may stand where the line ends, sorted, each word once. If no blank stands at the end of the
 * line its last word is to be completed: only what begins with it is listed. Names of interfaces and profiles
 * are taken from `config`, which may be NULL.
 *
 * Scopes: config_cursor_scope of prompt.h, or {.mode = MODE_EXEC}.
 */
void help_find(const struct match_scope *scope, const struct config *config, const char *line,
               struct help *out);

/* How an argument is called in help and in the command reference: "A.B.C.D", "SECONDS". */
const char *argument_shape(const struct argument *argument, char out[HELP_WORD_SIZE]);

#endif
