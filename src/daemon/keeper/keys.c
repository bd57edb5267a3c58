#include "daemon/keeper/keys.h"

#include <string.h>

#include "base/secret.h"
#include "config/identity.h"
#include "crypto/prf.h"

/* The address that an ID is; false if it is none. */
static bool identity_address(const struct identity *id, struct ip_address *out)
{
    enum ip_family family = IP_NONE;
    if (id->type == ID_IPV4_ADDR && id->length == 4)
        family = IP_V4;
    if (id->type == ID_IPV6_ADDR && id->length == 16)
        family = IP_V6;
    if (family == IP_NONE)
        return false;
    *out = ip_address_of(family, id->value);
    return true;
}

/* The key that the tunnel uses for the ID; 0 if the ID is not its own. */
static key_number key_for(const struct key_table *keys, const struct tunnel_policy *policy,
                          const struct message_secret_job *job)
{
    struct ip_address source;
    if (job->side == IKE_KEY_REMOTE)
        return identity_equal(&job->identity, &policy->remote_id) ? policy->remote_key : 0;
    if (policy->local_id.type != ID_NONE)
        return identity_equal(&job->identity, &policy->local_id) ? policy->local_key : 0;
    /* S17: the ID is the source address. */
    return identity_address(&job->identity, &source) ? key_table_local(keys, &source, policy->remote_key) : 0;
}

size_t keys_psk_auth(const struct key_table *keys, const struct tunnel_policy *policy,
                     const struct message_secret_job *job, struct octets signed_octets,
                     uint8_t out[PRF_SIZE_MAX])
{
    static const char pad[] = "Key Pad for IKEv2";
    const struct prf_algorithm *prf = prf_by_id((uint16_t)job->prf);
    key_number number = key_for(keys, policy, job);
    struct octets secret = key_table_secret(keys, number);
    if (prf == NULL || number == 0 || secret.length == 0)
        return 0;
    const struct octets pad_octets = {(const uint8_t *)pad, sizeof(pad) - 1};
    uint8_t padded[PRF_SIZE_MAX];
    bool done = prf_compute(prf, secret, &pad_octets, 1, padded) &&
                prf_compute(prf, (struct octets){padded, prf->size}, &signed_octets, 1, out);
    secret_wipe(padded, sizeof(padded));
    return done ? prf->size : 0;
}
