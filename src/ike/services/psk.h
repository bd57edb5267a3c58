/*
 * The AUTH value of an end that has a pre-shared key (RFC 7296 2.15), for those who carry out the engine's
 * jobs.
 */
#ifndef MUSUBI_IKE_SERVICES_PSK_H
#define MUSUBI_IKE_SERVICES_PSK_H

#include "base/bytes.h"
#include "crypto/algorithm.h"

/* What the log says of our key if it is the peer's (S17); for struct ike_auth_result. */
#define PSK_STANDS_IN "the key of the peer's ID, which stands in since there is none for its own"

/*
 * prf(prf(key, "Key Pad for IKEv2"), signed octets), by the PRF of the IKE SA (enum prf_id). Returns its
 * length in octets; 0 if there is no such PRF, the key is empty, or memory ran out.
 */
size_t psk_auth_value(uint16_t prf, struct octets key, struct octets signed_octets,
                      uint8_t out[PRF_SIZE_MAX]);

#endif
