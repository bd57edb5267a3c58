#include "daemon/ipc/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void text_free(struct text *text)
{
    secret_free(text->at, text->capacity);
    *text = (struct text){0};
}

/* Makes room for `more` octets and a NUL. Old memory is wiped: the shows print keys. */
static bool text_reserve(struct text *text, size_t more)
{
    if (text->failed || more > TEXT_MAX - text->length) {
        text->failed = true;
        return false;
    }
    size_t wanted = text->length + more + 1;
    if (wanted <= text->capacity)
        return true;
    size_t capacity = text->capacity < 1024 ? 1024 : 2 * text->capacity;
    while (capacity < wanted)
        capacity *= 2;
    char *grown = malloc(capacity);
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    if (text->length > 0)
        memcpy(grown, text->at, text->length);
    secret_free(text->at, text->capacity);
    text->at = grown;
    text->capacity = capacity;
    return true;
}

void text_append(struct text *text, const char *from, size_t length)
{
    if (!text_reserve(text, length))
        return;
    if (length > 0)
        memcpy(text->at + text->length, from, length);
    text->length += length;
    text->at[text->length] = '\0';
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !text_reserve(text, (size_t)length))
        return;
    va_start(arguments, format);
    (void)vsnprintf(text->at + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void text_append_hex(struct text *text, const uint8_t *octets, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    if (!text_reserve(text, 2 * length))
        return;
    for (size_t i = 0; i < length; i++) {
        text->at[text->length++] = digits[octets[i] >> 4];
        text->at[text->length++] = digits[octets[i] & 0xf];
    }
    text->at[text->length] = '\0';
}

void text_tame(char *out, size_t size, const char *text)
{
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = text[i];
        if (c < 0x20 || c == 0x7f)
            out[i] = '?';
    }
    out[i] = '\0';
}

const char *text_get(const struct text *text)
{
    return text->at != NULL ? text->at : "";
}
