/*
 * Handling of secrets. A process that holds secrets keeps all of its memory out of swap and core dumps, and
 * wipes secrets before it frees them.
 */
#ifndef MUSUBI_BASE_SECRET_H
#define MUSUBI_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Keeps the memory of this process, present and future, from being swapped, dumped, or traced by other users.
 * A page is locked when it is first touched. False, with errno set, if locking was refused; dumps are off
 * even then.
 */
bool secret_lock_process(void);

/* Overwrites `length` octets at `at` with zeros, in a way that the compiler can't optimize away. */
void secret_wipe(void *at, size_t length);

/*
 * Wipes what functions that have returned left on the stack of this thread, `size` octets of it: copies of
 * secrets in places that no name leads to, such as registers that were put by and structs that were passed by
 * value. To be called where the stack is shallow, after secrets were handled.
 */
enum {
    SECRET_STACK_SIZE = 128 << 10,     /* whatever was done */
    SECRET_STACK_ARITHMETIC = 32 << 10 /* after nothing but a key exchange, which needs a quarter of it */
};
void secret_wipe_stack(size_t size);

/* Wipes `length` octets at `at`, which is from malloc or NULL, and frees them. */
void secret_free(void *at, size_t length);

/* True if the `length` octets at `a` and `b` are the same. The time it takes depends on `length` alone. */
bool secret_equal(const void *a, const void *b, size_t length);

#endif
