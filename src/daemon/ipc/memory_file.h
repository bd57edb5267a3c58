/*
 * Files in memory (memfd) that processes share. Their size is sealed, so that nobody can make another one
 * fail by truncating what it has mapped.
 */
#ifndef MUSUBI_DAEMON_IPC_MEMORY_FILE_H
#define MUSUBI_DAEMON_IPC_MEMORY_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Makes a file of zeros, sparse. `name` is for /proc alone. Its descriptor (close-on-exec), or -1 with errno.
 */
int memory_file_create(const char *name, size_t size);

/* The size of one that somebody else made. False with errno set; EPROTO if its size is not sealed. */
bool memory_file_size(int fd, size_t *size);

#endif
