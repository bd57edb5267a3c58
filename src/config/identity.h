/*
 * IDs (RFC 7296 3.5) as they are written in the config: id TYPE VALUE.
 */
#ifndef MUSUBI_CONFIG_IDENTITY_H
#define MUSUBI_CONFIG_IDENTITY_H

#include "config/line.h"
#include "config/policy.h"

/* Reads the ID in a line; false if the line has none. */
bool identity_of_line(const struct command_line *line, struct identity *out);

/* The keyword of a type in the config, "fqdn"; "none" if it has none. */
const char *identity_type_word(uint8_t type);

/* The ID of type ID_IPV4_ADDR or ID_IPV6_ADDR for an address. */
struct identity identity_of_address(const struct ip_address *address);

/* The ID of type ID_FQDN for a domain name, which is shorter than FQDN_SIZE. */
struct identity identity_of_fqdn(const char *fqdn);

/* True if type and value are the same. The case of domain names and mail addresses does not count, and
 * distinguished names are compared as dn_equal does. */
bool identity_equal(const struct identity *a, const struct identity *b);

/* A hash, the same for equal IDs; never 0. */
uint32_t identity_hash(const struct identity *id);

/* Writes the ID as in the config ("keyid site1"), cut if it is too long, and returns `out`. */
enum { IDENTITY_WORDS_SIZE = 2 * IDENTITY_SIZE + 16 };
const char *identity_words(const struct identity *id, char out[IDENTITY_WORDS_SIZE]);

#endif
