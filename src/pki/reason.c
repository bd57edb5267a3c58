#include "pki/reason.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

bool pki_refuse(struct pki_reason *reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (reason != NULL)
        (void)vsnprintf(reason->text, sizeof(reason->text), format, arguments);
    va_end(arguments);
    return false;
}
