/*
 * Files that a command names by a file: URL (S35): the shell reads them, with the rights of the operator and
 * from where the operator is, and sends them with the command.
 */
#ifndef MUSUBI_SHELL_FILE_URL_H
#define MUSUBI_SHELL_FILE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct url_file {
    uint8_t *content; /* from malloc; NULL: the command names no file */
    size_t length;
};

/*
 * Reads the file that a line names; file_url_free when done. None if it is no command with a file: URL; what
 * is wrong with the line itself is for the daemon to tell. False if the file can't be read or is too large:
 * `errors` then has a line that begins with %.
 */
bool file_url_read(const char *line, size_t length, struct url_file *out, FILE *errors);

/* Wipes and frees it. */
void file_url_free(struct url_file *file);

#endif
