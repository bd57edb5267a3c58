/*
 * Identities (RFC 7296 3.5) on the wire, and as the shows and the log print them.
 */
#ifndef MUSUBI_IKE_IDENTITY_H
#define MUSUBI_IKE_IDENTITY_H

#include "base/bytes.h"
#include "config/identity.h"

/* Long enough for any identity as text, each octet of its value escaped, with the final NUL. */
enum { IDENTITY_TEXT_SIZE = 16 + 4 * IDENTITY_SIZE };

/* An identity from the content of an ID payload. False if the type is unknown or the length does not fit. */
bool identity_parse(uint8_t type, struct octets value, struct identity *out);

/* "IPv4-ADDR 10.1.0.1", "KEY-ID site1", … (S33). Octets that are not printable ASCII are escaped. */
const char *identity_format(const struct identity *id, char out[IDENTITY_TEXT_SIZE]);

/* The value's octets. */
struct octets identity_value(const struct identity *id);

#endif
