/*
 * Distinguished names (X.501, RFC 5280 4.1.2.4): as text of the config and the log, and in DER as
 * certificates and IDs of type ID_DER_ASN1_DN have them.
 *
 * The text names the attributes in the order of the DER: "C=JP, O=Example, CN=site1".
 */
#ifndef MUSUBI_PKI_DISTINGUISHED_NAME_H
#define MUSUBI_PKI_DISTINGUISHED_NAME_H

#include "base/bytes.h"
#include "pki/reason.h"

enum { DN_TEXT_SIZE = 512 };

/*
 * Reads a name: ATTRIBUTE=VALUE, separated by commas, with "+" between the attributes of one RDN; "\" takes
 * the special meaning of the octet behind it. "/C=JP/O=Example" is understood too. An attribute is one of the
 * usual short names (C, ST, L, O, OU, CN, DC, UID, E, serialNumber; case does not count) or an OID. Writes
 * the DER, at most `capacity` octets, and returns its length; 0 if this is no name, with the reason.
 */
size_t dn_parse(const char *text, uint8_t *out, size_t capacity, struct pki_reason *reason);

/* Writes the name as text, cut if it is too long, and returns `out`. Octets that are no name are written as
 * "(no distinguished name)". */
const char *dn_format(struct octets der, char out[DN_TEXT_SIZE]);

/* True if the octets are one name in DER, with at least one attribute, and with nothing behind it. */
bool dn_is_well_formed(struct octets der);

/* True if both are the same name (RFC 5280 7.1): neither case, nor blanks, nor the type of string counts. */
bool dn_equal(struct octets a, struct octets b);

/* A hash, the same for equal names; 0 for what is no name. */
uint32_t dn_hash(struct octets der);

#endif
