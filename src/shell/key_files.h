/*
 * The keys of a capture, in a directory beside it that Wireshark takes as its configuration
 * (WIRESHARK_CONFIG_DIR): the tables ikev2_decryption_table and esp_sa, and preferences that switch the
 * decryption on.
 */
#ifndef MUSUBI_SHELL_KEY_FILES_H
#define MUSUBI_SHELL_KEY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct key_files {
    int directory; /* -1: not open */
    char **rows;   /* that are in the tables, with their names; malloc'ed */
    size_t count;
};

/* Makes the directory, which must not exist, for its owner alone. False with errno set. */
bool key_files_create(struct key_files *files, const char *path);

/* Adds the rows that are new of a text, as `debug keys` prints them. False with errno set. */
bool key_files_add(struct key_files *files, const char *text);

/* Wipes and frees what is in memory. */
void key_files_close(struct key_files *files);

#endif
