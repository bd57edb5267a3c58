/*
 * Lines typed by an operator: in config mode, each applied at once, and operating commands. Keywords may be
 * abbreviated, the first word too.
 */
#ifndef MUSUBI_CONFIG_PROMPT_H
#define MUSUBI_CONFIG_PROMPT_H

#include "config/diagnostic.h"
#include "config/match.h"
#include "config/model.h"

/* Where in config mode an operator stands. Zeroed: at its top. It holds no pointers: a section that is
 * removed meanwhile, by somebody else, is made again by the next line. */
struct config_cursor {
    char header[LINE_TEXT_MAX]; /* the line that opened the sub-mode; "" at the top */
    bool foreign;               /* it was a foreign one */
};

enum prompt_outcome {
    PROMPT_APPLIED,   /* the config was changed (or had it so already); there may be warnings */
    PROMPT_REFUSED,   /* an error, told in the diagnostics; nothing was changed */
    PROMPT_LEAVE,     /* `exit` at the top, or `end`: leave config mode */
    PROMPT_OPERATION, /* an operating command, for exec_parse */
};

/*
 * Applies a line (ended by a NUL, or the first line end) in config mode and moves the cursor into and out of
 * sub-modes. Blank lines and comments are applied without effect. Diagnostics have line 0.
 *
 * Foreign lines are kept as in a file where they are known to be the routers'; a line that looks like a slip
 * is refused.
 */
enum prompt_outcome config_apply_line(struct config *config, struct config_cursor *cursor, const char *line,
                                      struct diagnostics *diagnostics);

/* What the prompt shows between the brackets: "config", "config-Tunnel0.0", "config-ikev2-profile". */
enum { PROMPT_NAME_SIZE = 64 };
const char *config_cursor_name(const struct config_cursor *cursor, char out[PROMPT_NAME_SIZE]);

/* The scope in which a line is read where the cursor stands, for help and completion. */
struct match_scope config_cursor_scope(const struct config_cursor *cursor);

/* An operating command; exec_free when done. */
struct exec_command {
    enum command_id id; /* COMMAND_COUNT for a blank line */
    struct command_line line;
};

enum { EXEC_ERROR_SIZE = 600 };

/* Reads an operating command. False if it is none: `error` then is a line that begins with %. */
bool exec_parse(const char *line, struct exec_command *out, char error[EXEC_ERROR_SIZE]);
void exec_free(struct exec_command *command);

#endif
