/*
 * What Musubi knows about foreign lines: commands of the routers that it does not have. It knows enough to
 * see where a foreign section begins in a file without indentation, and which words of a line are keywords
 * and so can't be secrets (S14).
 */
#ifndef MUSUBI_CONFIG_FOREIGN_H
#define MUSUBI_CONFIG_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "config/words.h"

/* True if the line opens a sub-mode on the routers, as `ppp profile x` does. */
bool foreign_is_header(const struct words *words);

/* True if the line is a command of the routers' config mode, not of a sub-mode. */
bool foreign_is_global(const struct words *words);

/* True if the line begins with a word that the routers know, or with `no` and such a word. */
bool foreign_is_known(const struct words *words);

/* True if the line is an operating command of the routers that Musubi does not have, such as `ping`, or needs
 * no config for, such as `terminal length 0`. */
bool foreign_is_operation(const struct words *words);

/* What has to set the address of an interface in Musubi's stead, "a DHCP client", if the line says that the
 * address is not fixed (`ip address dhcp`, `ip address ipcp`); else NULL. */
const char *foreign_address_setter(const struct words *words);

enum { FOREIGN_KEYWORDS_SIZE = 96 };

/* Writes the leading keywords of a foreign line and returns `out`: the first word and up to three more, as
 * long as they are known to be keywords. The caller knows that the first `known` words are keywords.
 * Arguments are left out; the text is "" if the first word does not look like a keyword. */
const char *foreign_keywords(const struct words *words, size_t known, char out[FOREIGN_KEYWORDS_SIZE]);

#endif
