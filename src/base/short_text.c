#include "base/short_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char ellipsis[] = "...";

struct short_text short_text_in(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct short_text){.at = buffer, .size = size};
}

void short_text_add(struct short_text *text, const char *format, ...)
{
    if (text->cut)
        return;
    size_t room = text->size - text->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->at + text->length, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < room) {
        text->length += (size_t)length;
        return;
    }
    text->cut = true;
    text->length = text->size - 1;
    memcpy(text->at + text->size - sizeof ellipsis, ellipsis, sizeof ellipsis);
}
