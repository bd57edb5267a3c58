/*
 * What Musubi knows of the rest of the routers' language: enough to tell where a section of it begins in a
 * file without indentation, and which words of a line are keywords, never arguments (S14).
 */
#ifndef MUSUBI_CONFIG_FOREIGN_H
#define MUSUBI_CONFIG_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "config/words.h"

/* True if the line is known to open a sub-mode on the routers, such as `ppp profile x`. */
bool foreign_is_header(const struct words *words);

/* True if the line is known to be one of the routers' config mode (not of a sub-mode). */
bool foreign_is_global(const struct words *words);

/* True if the line begins with a word that the routers know, after `no` or not. */
bool foreign_is_known(const struct words *words);

enum { FOREIGN_KEYWORDS_SIZE = 96 };

/* The leading keywords of a foreign line: its first word, and the next ones as long as they are known to be
 * keywords. `known`: how many are known otherwise. Nothing that could be an argument; "" if the first word
 * does not look like a keyword. */
const char *foreign_keywords(const struct words *words, size_t known, char out[FOREIGN_KEYWORDS_SIZE]);

#endif
