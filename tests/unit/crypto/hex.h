/*
 * Octets from test vectors as they are published: hexadecimal text, perhaps with blanks.
 */
#ifndef MUSUBI_TESTS_HEX_H
#define MUSUBI_TESTS_HEX_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { HEX_MAX = 512 };

struct hex {
    uint8_t at[HEX_MAX];
    size_t length;
};

static inline struct hex hex(const char *text)
{
    struct hex h = {.length = 0};
    while (*text != '\0') {
        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        char digits[3] = {text[0], text[1], '\0'};
        if (h.length >= HEX_MAX || !isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
            abort();
        h.at[h.length++] = (uint8_t)strtoul(digits, NULL, 16);
        text += 2;
    }
    return h;
}

static inline struct octets hex_octets(const struct hex *h)
{
    return (struct octets){h->at, h->length};
}

#endif
