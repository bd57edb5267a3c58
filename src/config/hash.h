/*
 * FNV-1a, for tables of what a config names. It keeps nobody from choosing names that collide: who writes a
 * config harms only himself by that.
 */
#ifndef MUSUBI_CONFIG_HASH_H
#define MUSUBI_CONFIG_HASH_H

#include <ctype.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return (hash ^ number) * UINT64_C(0x100000001b3);
}

/* Of a text with its NUL, so that texts one after the other keep their bounds. */
static inline uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = hash_number(hash, (unsigned char)*text);
    while (*text++ != '\0');
    return hash;
}

/* The same for texts that differ in the case of letters alone. */
static inline uint64_t hash_text_any_case(uint64_t hash, const char *text)
{
    do
        hash = hash_number(hash, (uint64_t)tolower((unsigned char)*text));
    while (*text++ != '\0');
    return hash;
}

#endif
