/*
 * A private key. It never changes once it is made, and any thread may use it. Its octets are in memory that
 * is wiped when it is freed; nothing here prints them.
 */
#ifndef MUSUBI_PKI_PRIVATE_KEY_H
#define MUSUBI_PKI_PRIVATE_KEY_H

#include "pki/certificate.h"

struct private_key;

/*
 * Reads a private key in PEM: PKCS#8 (plain or encrypted) or the older forms of RSA and EC keys. `password`
 * may be NULL. Certificates that stand before or behind the key are passed over. The first holder lets go of
 * it with private_key_release. NULL with the reason: no key, encrypted but no password, wrong password, a
 * kind or size that can't sign here.
 */
struct private_key *private_key_parse_pem(struct octets pem, const char *password, struct pki_reason *reason);

/* Reads a key in the form of private_key_write. */
struct private_key *private_key_parse_der(struct octets der, struct pki_reason *reason);

/* Writes it as PKCS#8 in DER, without encryption, to memory from malloc, which the caller wipes and frees
 * (secret_free). NULL if memory ran out. */
uint8_t *private_key_write(const struct private_key *key, size_t *length);

/* Another holder. Returns the key. */
struct private_key *private_key_hold(struct private_key *key);

/* A holder lets go; the last one wipes and frees it. `key` may be NULL. */
void private_key_release(struct private_key *key);

enum key_kind private_key_kind(const struct private_key *key);
uint32_t private_key_bits(const struct private_key *key);

/* "RSA 2048 bits" and the like; lasts as long as the key. */
const char *private_key_text(const struct private_key *key);

/* True if it is the private key of the certificate's public key. */
bool private_key_fits(const struct private_key *key, const struct certificate *certificate);

#endif
