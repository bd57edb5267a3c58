#include "ike/services/psk.h"

#include "base/secret.h"
#include "crypto/prf.h"

size_t psk_auth_value(uint16_t prf_id, struct octets key, struct octets signed_octets,
                      uint8_t out[PRF_SIZE_MAX])
{
    static const char pad[] = "Key Pad for IKEv2";
    const struct octets pad_octets = {(const uint8_t *)pad, sizeof(pad) - 1};
    const struct prf_algorithm *prf = prf_by_id(prf_id);
    if (prf == NULL || key.length == 0)
        return 0;
    uint8_t padded[PRF_SIZE_MAX];
    bool done = prf_compute(prf, key, &pad_octets, 1, padded) &&
                prf_compute(prf, (struct octets){padded, prf->size}, &signed_octets, 1, out);
    secret_wipe(padded, sizeof(padded));
    return done ? prf->size : 0;
}
