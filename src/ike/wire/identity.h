/*
 * Identities (RFC 7296 3.5) on the wire, and as the shows and the log print them.
 */
#ifndef MUSUBI_IKE_WIRE_IDENTITY_H
#define MUSUBI_IKE_WIRE_IDENTITY_H

#include "base/bytes.h"
#include "config/identity.h"

/* Long enough for any identity as text, each octet of its value escaped, with the final NUL. */
enum { IDENTITY_TEXT_SIZE = 16 + 4 * IDENTITY_SIZE };

/* False if the content of an ID payload is no ID of its type; one of an unknown type may be anything. */
bool identity_is_well_formed(uint8_t type, struct octets value);

/* An identity from the content of an ID payload. False if the type is unknown, the length does not
 * fit, or it is longer than IDENTITY_SIZE. */
bool identity_parse(uint8_t type, struct octets value, struct identity *out);

/* "IPv4-ADDR 10.1.0.1", "KEY-ID site1", … (S33). A distinguished name is text of
 * pki/distinguished_name.h; of other IDs octets that are not printable ASCII are escaped. */
const char *identity_format(const struct identity *id, char out[IDENTITY_TEXT_SIZE]);

/* The value's octets. */
struct octets identity_value(const struct identity *id);

/* An ID in memory of its own, as much as it needs. Zeroed: none, ID_NONE. */
struct kept_identity {
    uint8_t type; /* enum identity_type */
    uint16_t length;
    uint8_t *value;
};

/* Keeps a copy of `id` in place of what was kept; false, with that as it was, if there is no memory. */
bool identity_keep(struct kept_identity *kept, const struct identity *id);

/* Frees what was kept: then it is none. */
void identity_forget(struct kept_identity *kept);

/* The ID that is kept; the octets of its value, valid as long as it is kept. */
struct identity identity_kept(const struct kept_identity *kept);
struct octets identity_kept_value(const struct kept_identity *kept);

#endif
