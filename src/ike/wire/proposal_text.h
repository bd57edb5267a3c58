/*
 * SA payloads, and the policies that choose from them, as log texts in the words of the command language
 * (S34).
 */
#ifndef MUSUBI_IKE_WIRE_PROPOSAL_TEXT_H
#define MUSUBI_IKE_WIRE_PROPOSAL_TEXT_H

#include "ike/wire/proposal.h"

/* Long enough for any policy and suite; an offer may be of any length, and is cut off. */
enum { POLICY_TEXT_SIZE = 320, OFFER_TEXT_SIZE = 768, SUITE_TEXT_SIZE = 96 };

/*
 * "enc aes-gcm-256 aes-cbc-256, integrity sha1, prf sha1, dh 2048-bit"; of a Child SA "pfs 2048-bit off" in
 * place of "dh". Returns `out`, as all of these do.
 */
const char *proposal_policy_format(const struct proposal_policy *policy, char out[POLICY_TEXT_SIZE]);

/*
 * What an SA payload offers or chooses, where `accepted` is accepted with SPIs of `spi_size` octets: each
 * proposal like a policy, with " or " between them. What Musubi does not support is at the end, with its IANA
 * numbers: "enc 3des, dh 1024-bit and (not supported here) enc 28 (ChaCha20-Poly1305)".
 */
const char *proposal_offer_format(const struct ike_payload *sa, const struct proposal_policy *accepted,
                                  size_t spi_size, char out[OFFER_TEXT_SIZE]);

/* "AES-CBC-256/HMAC-SHA1-96/PRF-HMAC-SHA1/MODP-2048". */
const char *ike_suite_format(const struct ike_suite *suite, char out[SUITE_TEXT_SIZE]);

#endif
