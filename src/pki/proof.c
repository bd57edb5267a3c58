#include "pki/proof.h"

#include <string.h>

#include "pki/validate.h"

void certificate_list_put(struct writer *list, struct octets der)
{
    if (der.length > UINT16_MAX) {
        list->failed = true;
        return;
    }
    writer_put_u16be(list, (uint16_t)der.length);
    writer_put(list, der.at, der.length);
}

struct octets certificate_list_next(struct reader *list)
{
    if (reader_left(list) == 0)
        return (struct octets){NULL, 0};
    size_t length = reader_u16be(list);
    const uint8_t *at = reader_octets(list, length);
    return (struct octets){at, at != NULL ? length : 0};
}

/* ---- The peer's -------------------------------------------------------------------------------------- */

/* The certificates that a peer sent. */
struct peer_chain {
    struct certificate *at[CERTIFICATE_CHAIN_MAX];
    size_t count;
};

static void release_chain(struct peer_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        certificate_release(chain->at[i]);
    chain->count = 0;
}

/* Reads the list. The first one must be readable; of the others what is not is left out. */
static bool read_chain(struct octets list, struct peer_chain *chain, struct pki_reason *reason)
{
    struct reader r = reader_of(list.at, list.length);
    struct octets der;
    struct pki_reason why = {""};
    while (chain->count < CERTIFICATE_CHAIN_MAX && (der = certificate_list_next(&r)).length > 0) {
        struct certificate *certificate = certificate_parse(der, &why);
        if (certificate != NULL)
            chain->at[chain->count++] = certificate;
        else if (chain->count == 0)
            return pki_refuse(reason, "the peer's certificate can't be read: %s", why.text);
    }
    return chain->count > 0 || pki_refuse(reason, "the peer sends no certificate");
}

static enum proof_fault judge(const struct peer_proof *proof, const struct proof_authority *authority,
                              const struct peer_chain *chain, const struct signature_scheme **scheme,
                              struct pki_reason *reason)
{
    const struct validation validation = {
        .anchor = authority->anchor,
        .peer = chain->at,
        .peer_count = chain->count,
        .crls = authority->crls,
        .crl_count = authority->crl_count,
        .now = authority->now,
        .weak_allowed = authority->weak_allowed,
    };
    struct validation_verdict verdict;
    if (!certificate_validate(&validation, &verdict)) {
        (void)pki_refuse(reason, "%s", verdict.reason.text);
        return PROOF_INVALID;
    }
    if (!certificate_has_identity(chain->at[0], proof->id_type, proof->id, reason))
        return PROOF_OTHER_IDENTITY;
    if (signature_auth_verify(chain->at[0], proof->method, proof->signed_octets, proof->auth, scheme,
                              reason) != SIGNATURE_OK)
        return PROOF_SIGNATURE;
    return PROOF_OK;
}

enum proof_fault proof_verify(const struct peer_proof *proof, const struct proof_authority *authority,
                              const struct signature_scheme **scheme, struct pki_reason *reason)
{
    struct peer_chain chain = {.count = 0};
    *scheme = NULL;
    bool there = read_chain(proof->certificates, &chain, reason);
    enum proof_fault fault = there ? judge(proof, authority, &chain, scheme, reason) : PROOF_NO_CERTIFICATE;
    release_chain(&chain);
    return fault;
}

/* ---- Ours -------------------------------------------------------------------------------------------- */

static bool is_named(const struct certificate *ca, struct octets authorities)
{
    const uint8_t *hash = certificate_facts(ca)->key_hash;
    for (size_t i = 0; i + KEY_HASH_SIZE <= authorities.length; i += KEY_HASH_SIZE) {
        if (memcmp(authorities.at + i, hash, KEY_HASH_SIZE) == 0)
            return true;
    }
    return false;
}

static void put_chain(const struct own_proof_request *request, struct writer *certificates)
{
    certificate_list_put(certificates, certificate_der(request->chain[0]));
    for (size_t i = 1; i < request->chain_length; i++) {
        const struct certificate *ca = request->chain[i];
        if (certificate_facts(ca)->self_signed || is_named(ca, request->authorities))
            return;
        certificate_list_put(certificates, certificate_der(ca));
    }
}

size_t proof_make(const struct own_proof_request *request, uint8_t *method, uint8_t out[SIGNATURE_AUTH_MAX],
                  struct writer *certificates)
{
    signature_hash_set known = 0;
    for (size_t i = 0; i < SIGNATURE_HASH_COUNT; i++)
        known |= UINT32_C(1) << signature_hashes[i];
    const struct signature_scheme *scheme =
        signature_scheme_choose(private_key_kind(request->key), private_key_bits(request->key),
                                request->peer_hashes & known, request->of_peer);
    if (scheme == NULL)
        return 0;
    *method = signature_scheme_method(scheme);
    put_chain(request, certificates);
    size_t length = signature_auth_make(request->key, scheme, request->signed_octets, out);
    return certificates->failed ? 0 : length;
}
