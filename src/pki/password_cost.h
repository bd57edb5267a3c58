/*
 * What it costs to make a key from a password. A file itself says how often that is hashed, and may say
 * billions of times, for which the importing process would stand still.
 */
#ifndef MUSUBI_PKI_PASSWORD_COST_H
#define MUSUBI_PKI_PASSWORD_COST_H

#include <openssl/pkcs12.h>

#include "base/bytes.h"
#include "pki/reason.h"

enum { PASSWORD_ITERATIONS_MAX = 5000000 /* of all keys of a file together */ };

/* False with the reason if the encrypted private keys (RFC 5958) in the PEM have more iterations than that.
 */
bool password_cost_of_pem(struct octets pem, struct pki_reason *reason);

/* The same of a PKCS#12 file, with its MAC and all that is encrypted in it; opens it with the password to see
 * what is inside. What it can't open it passes over. */
bool password_cost_of_pkcs12(const PKCS12 *file, const char *password, struct pki_reason *reason);

#endif
