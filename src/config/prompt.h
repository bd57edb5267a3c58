/*
 * Lines that an operator types: settings in config mode, each applied at once, and operating commands. All
 * words may be abbreviated, also the first one.
 */
#ifndef MUSUBI_CONFIG_PROMPT_H
#define MUSUBI_CONFIG_PROMPT_H

#include "config/diagnostic.h"
#include "config/match.h"
#include "config/model.h"

/* The sub-mode of config mode that an operator is in. Zeroed: in none. It has no pointers into the config: if
 * another operator removes the section, the next line makes it again. */
struct config_cursor {
    char header[LINE_TEXT_MAX]; /* the line that opened the sub-mode; "" in none */
    bool foreign;               /* that line is foreign */
};

enum prompt_outcome {
    PROMPT_APPLIED,   /* the config says what the line says; there may be warnings */
    PROMPT_MOVED,     /* the config is as it was; the cursor may have moved (configuration_apply_line) */
    PROMPT_REFUSED,   /* the diagnostics have an error; the config has not changed */
    PROMPT_LEAVE,     /* `exit` outside of sub-modes, or `end`: leave config mode */
    PROMPT_OPERATION, /* an operating command, for exec_parse */
};

/*
 * Applies a line in config mode, up to its NUL or line end, and moves the cursor into and out of sub-modes.
 * Blank lines and comments are PROMPT_APPLIED. Diagnostics have line 0.
 *
 * A line that did not match is kept as a foreign line if it looks like one of the routers', and refused if it
 * looks mistyped.
 */
enum prompt_outcome config_apply_line(struct config *config, struct config_cursor *cursor, const char *line,
                                      struct diagnostics *diagnostics);

/* True if config_apply_line would leave the config as it is, and at most move the cursor: blank lines,
 * comments, `exit` from a sub-mode, the header of a section that is there. */
bool config_line_only_moves(const struct config *config, const struct config_cursor *cursor,
                            const char *line);

/* Writes what the prompt shows in brackets ("config", "config-Tunnel0.0", "config-ikev2-profile") and returns
 * `out`. */
enum { PROMPT_NAME_SIZE = 64 };
const char *config_cursor_name(const struct config_cursor *cursor, char out[PROMPT_NAME_SIZE]);

/* The scope in which a line at the cursor is matched, for help and completion. */
struct match_scope config_cursor_scope(const struct config_cursor *cursor);

/* An operating command; exec_free when done. */
struct exec_command {
    enum command_id id; /* COMMAND_COUNT for a blank line */
    struct command_line line;
};

enum { EXEC_ERROR_SIZE = 600 };

/* Reads an operating command. False if it can't: `error` is then a line that begins with %. */
bool exec_parse(const char *line, struct exec_command *out, char error[EXEC_ERROR_SIZE]);

/* Wipes and frees what exec_parse has read. */
void exec_free(struct exec_command *command);

#endif
