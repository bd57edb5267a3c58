#include "host/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends ": " and as much of `more` as fits. */
static void append(char text[HOST_ERROR_SIZE], const char *more)
{
    strncat(text, ": ", HOST_ERROR_SIZE - 1 - strlen(text));
    strncat(text, more, HOST_ERROR_SIZE - 1 - strlen(text));
}

bool host_fail(struct host_error *err, int number, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    err->number = number;
    if (number != 0)
        append(err->text, strerror(number));
    return false;
}

bool host_fail_because(struct host_error *err, const struct host_error *because, const char *format, ...)
{
    if (err == NULL)
        return false;
    struct host_error whole = {.number = because->number};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(whole.text, sizeof whole.text, format, arguments);
    va_end(arguments);
    append(whole.text, because->text);
    *err = whole;
    return false;
}
