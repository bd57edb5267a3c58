/*
 * The files of the certificate store: read, replaced as a whole, removed. They are for their owner alone.
 */
#ifndef MUSUBI_PKI_STORE_FILES_H
#define MUSUBI_PKI_STORE_FILES_H

#include <dirent.h>

#include "base/bytes.h"
#include "pki/reason.h"

enum {
    STORE_FILE_MAX = 4 << 20, /* octets */
    STORE_FILE_NAME_SIZE = 256,
};

/* Writes the file name of an entry. False if it would be too long for the file system. */
bool store_file_name(const char *entry, char out[STORE_FILE_NAME_SIZE]);

/* Writes the name of the entry that a file is. False if it is the file of none. `size`: of `out`. */
bool store_file_entry(const char *file, char *out, size_t size);

/* True for what a crash has left of a file that was not yet in its place. */
bool store_file_is_left(const char *file);

/* The descriptor of STATE-DIR/pki; -1 with errno set. `make`: both directories are made if need be. */
int store_directory_open(const char *state_directory, bool make);

/* Reads a file to memory from malloc, which the caller wipes and frees. Access by others than its owner is
 * taken away; `*was_open` tells that there was some. False with the reason. */
bool store_file_read(int directory, const char *file, struct octets *out, bool *was_open,
                     struct pki_reason *reason);

/* Replaces or makes a file, as a whole. False with the reason: the old one is in place. */
bool store_file_write(int directory, const char *file, struct octets content, struct pki_reason *reason);

/* Removes a file. False with the reason. */
bool store_file_remove(int directory, const char *file, struct pki_reason *reason);

#endif
