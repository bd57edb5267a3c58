/*
 * Encryption of single messages, for IKE (esp/ encrypts packets). Keys are the octets that the key derivation
 * yields. No state is kept between calls.
 */
#ifndef MUSUBI_CRYPTO_CIPHER_H
#define MUSUBI_CRYPTO_CIPHER_H

#include "base/bytes.h"
#include "crypto/algorithm.h"

/*
 * CBC (RFC 3602, RFC 2451): encrypt or decrypt `length` octets in place, with an IV of a->iv_size octets and
 * a key of a->key_size octets. False if OpenSSL failed, or `length` is no multiple of a->block_size.
 */
bool cipher_encrypt(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv, uint8_t *at,
                    size_t length);
bool cipher_decrypt(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv, uint8_t *at,
                    size_t length);

/*
 * AEAD (RFC 4106, RFC 5282): encrypt and decrypt `length` octets in place. `key` is a->key_size octets and
 * then a->salt_size octets of salt, `iv` has a->iv_size octets, `icv` a->icv_size octets, which aead_seal
 * writes. False if OpenSSL failed; aead_open also if the ICV does not match, and then it wipes `at`.
 */
bool aead_seal(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
               struct octets associated, uint8_t *at, size_t length, uint8_t *icv);
bool aead_open(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
               struct octets associated, uint8_t *at, size_t length, const uint8_t *icv);

#endif
