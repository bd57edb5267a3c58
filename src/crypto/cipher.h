/*
 * Encryption of single messages, as IKE needs it (packets go through esp/). Keys are raw octets as they come
 * out of the key derivation; no state is kept between calls.
 */
#ifndef MUSUBI_CRYPTO_CIPHER_H
#define MUSUBI_CRYPTO_CIPHER_H

#include "base/bytes.h"
#include "crypto/algorithm.h"

/*
 * CBC (RFC 3602, RFC 2451): en- or decrypts `length` octets in place, a multiple of the block size, with an
 * IV of `iv_size` octets and a key of `key_size` octets. False if the arithmetic failed or the length is odd.
 */
bool cipher_encrypt(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv, uint8_t *at,
                    size_t length);
bool cipher_decrypt(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv, uint8_t *at,
                    size_t length);

/*
 * AEAD (RFC 4106, RFC 5282): seals or opens `length` octets in place. `key` is key_size octets followed by
 * salt_size octets of salt, `iv` has iv_size octets, `icv` icv_size. `aead_open` is false if the ICV does not
 * match; the content of `at` is then wiped.
 */
bool aead_seal(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
               struct octets associated, uint8_t *at, size_t length, uint8_t *icv);
bool aead_open(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
               struct octets associated, uint8_t *at, size_t length, const uint8_t *icv);

#endif
