/*
 * IDs of IKE (RFC 7296 3.5) as the config writes them: id TYPE VALUE.
 */
#ifndef MUSUBI_CONFIG_IDENTITY_H
#define MUSUBI_CONFIG_IDENTITY_H

#include "config/line.h"
#include "config/policy.h"

/* The ID that stands in a line; false if none does. */
bool identity_of_line(const struct command_line *line, struct identity *out);

struct identity identity_of_address(const struct ip_address *address);
struct identity identity_of_fqdn(const char *fqdn);

/* The same type and value; of domain names and mail addresses, case does not count. */
bool identity_equal(const struct identity *a, const struct identity *b);

/* A hash under which equal IDs are equal; not 0. */
uint32_t identity_hash(const struct identity *id);

/* Writes it as in the config, "keyid site1", cut if need be, and returns `out`. */
enum { IDENTITY_WORDS_SIZE = IDENTITY_SIZE + 16 };
const char *identity_words(const struct identity *id, char out[IDENTITY_WORDS_SIZE]);

#endif
