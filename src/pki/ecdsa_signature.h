/*
 * The two forms of an ECDSA signature: a sequence in DER, as OpenSSL and RFC 7427 have it, and two numbers of
 * the length of the curve's order one after the other, as AUTH methods 9 to 11 have it (RFC 4754 7).
 */
#ifndef MUSUBI_PKI_ECDSA_SIGNATURE_H
#define MUSUBI_PKI_ECDSA_SIGNATURE_H

#include "base/bytes.h"

enum { ECDSA_SIGNATURE_MAX = 144 /* octets of either form, for a curve of 521 bits */ };

/* Changes the DER at `at`, `length` octets, to two numbers in place; `bits`: of the curve. Returns their
 * length; 0 if it is no signature, or memory ran out. There is room for ECDSA_SIGNATURE_MAX octets. */
size_t ecdsa_signature_to_numbers(uint8_t *at, size_t length, uint32_t bits);

/* Writes the DER of two numbers. Returns its length; 0 if they have another length than the curve wants. */
size_t ecdsa_signature_of_numbers(struct octets numbers, uint32_t bits, uint8_t out[ECDSA_SIGNATURE_MAX]);

#endif
