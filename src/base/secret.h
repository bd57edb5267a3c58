/*
 * Handling of secrets: a process that holds any keeps all of its memory from swap and core dumps, and what
 * is no longer needed is wiped before it is freed.
 */
#ifndef MUSUBI_BASE_SECRET_H
#define MUSUBI_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Keeps this process's memory from being swapped (as it is touched, now and later), dumped or traced by
 * other users. Returns false, with errno set, when locking was refused; dumps are off in any case.
 */
bool secret_lock_process(void);

/* Overwrites `length` octets at `at`; the compiler may not leave it out. */
void secret_wipe(void *at, size_t length);

/* Wipes, then frees `length` octets from malloc. `at` may be NULL. */
void secret_free(void *at, size_t length);

/* True if the `length` octets at `a` and `b` are the same, in a time that tells nothing of their content. */
bool secret_equal(const void *a, const void *b, size_t length);

#endif
