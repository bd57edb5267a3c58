/*
 * Why something that Linux was asked for did not happen: an errno for the program and a sentence for the
 * operator. Every function of this folder that can fail returns false and fills in one of these; A caller
 * who does not want to know passes NULL.
 */
#ifndef MUSUBI_HOST_ERROR_H
#define MUSUBI_HOST_ERROR_H

#include <stdbool.h>

enum { HOST_ERROR_SIZE = 320 };

struct host_error {
    int number; /* an errno; 0 if the reason does not come from the kernel */
    char text[HOST_ERROR_SIZE];
};

/* Sets `err` (if not NULL) to the text, followed by ": " and the text of errno `number` unless that is 0.
 * Always returns false, so that a failing function can end with it. */
bool host_fail(struct host_error *err, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets `err` (if not NULL) to the text, followed by ": " and the text of `because`, whose number it keeps;
 * `because` may be `err` itself. Always returns false. */
bool host_fail_because(struct host_error *err, const struct host_error *because, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
