#include "pki/proof.h"

#include <string.h>

#include "base/short_text.h"
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
        return verdict.fault == VALIDATION_WEAK_KEY || verdict.fault == VALIDATION_WEAK_SIGNATURE
                   ? PROOF_WEAK
                   : PROOF_INVALID;
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

/* ---- As text ----------------------------------------------------------------------------------------- */

/* Whether the peer asks for certificates of a CA above ours. */
static void add_requested(const struct own_proof_request *request, struct short_text *text)
{
    const size_t count = request->authorities.length / KEY_HASH_SIZE;
    const struct certificate *top = request->chain[request->chain_length - 1];
    bool named = request->issuer != NULL && is_named(request->issuer, request->authorities);
    for (size_t i = 0; i < request->chain_length; i++)
        named |= is_named(request->chain[i], request->authorities);
    if (request->issuer != NULL)
        top = request->issuer;
    bool all_known = certificate_facts(top)->self_signed && count < AUTHORITIES_MAX;
    if (count == 0)
        short_text_add(text, "the peer asks for no certificate (no CERTREQ)");
    else if (named)
        short_text_add(text, "the peer asks for certificates of its CA (CERTREQ)");
    else if (all_known)
        short_text_add(text, "the peer asks for certificates of other CAs than its own (CERTREQ)");
    else
        short_text_add(text,
                       "whether the peer asks for certificates of its CA (CERTREQ) is not known, for the "
                       "certificate of that CA is not stored here");
}

/* A certificate that has ended, or has not begun, is why the peer may refuse it. */
static void add_validity(const struct own_proof_request *request, struct short_text *text)
{
    const struct certificate_facts *facts = certificate_facts(request->chain[0]);
    char at[CERTIFICATE_TIME_SIZE];
    if (request->now > facts->not_after)
        short_text_add(text, "it expired at %s; ", certificate_time_format(facts->not_after, at));
    else if (request->now < facts->not_before)
        short_text_add(text, "it is not valid before %s; ", certificate_time_format(facts->not_before, at));
}

static void describe(const struct own_proof_request *request, const struct signature_scheme *scheme,
                     struct own_proof *proof)
{
    const struct certificate_facts *facts = certificate_facts(request->chain[0]);
    struct short_text text = short_text_in(proof->text, sizeof(proof->text));
    short_text_add(&text, "%.250s, serial %s, issued by %.250s, signed by %s; ", facts->subject,
                   facts->serial, facts->issuer, scheme->name);
    add_validity(request, &text);
    add_requested(request, &text);
}

static void describe_mismatch(const struct own_proof_request *request, struct own_proof *proof)
{
    static const char *const names[] = {"none", "SHA1", "SHA2-256", "SHA2-384", "SHA2-512", "identity"};
    struct short_text text = short_text_in(proof->text, sizeof(proof->text));
    bool any = false;
    short_text_add(&text, "the key is %s, and the peer ", private_key_text(request->key));
    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((request->peer_hashes >> i & 1) == 0)
            continue;
        short_text_add(&text, "%s%s", any ? ", " : "knows the hash algorithms ", names[i]);
        any = true;
    }
    if (!any)
        short_text_add(&text, "names no hash algorithms");
}

void proof_make(const struct own_proof_request *request, struct own_proof *proof,
                uint8_t out[SIGNATURE_AUTH_MAX], struct writer *certificates)
{
    signature_hash_set known = 0;
    for (size_t i = 0; i < SIGNATURE_HASH_COUNT; i++)
        known |= UINT32_C(1) << signature_hashes[i];
    bool padding_known = request->of_peer != NULL && request->of_peer->key == KEY_RSA;
    bool pss = padding_known ? request->of_peer->pss : !request->pkcs1;
    const struct signature_scheme *scheme = signature_scheme_choose(
        private_key_kind(request->key), private_key_bits(request->key), request->peer_hashes & known, pss);
    *proof = (struct own_proof){.length = 0};
    if (scheme == NULL) {
        describe_mismatch(request, proof);
        return;
    }
    proof->method = signature_scheme_method(scheme);
    if (scheme->key == KEY_RSA && scheme->method == 0 && !padding_known)
        proof->padding = scheme->pss ? PROOF_PADDING_PSS : PROOF_PADDING_PKCS1;
    describe(request, scheme, proof);
    put_chain(request, certificates);
    size_t length = signature_auth_make(request->key, scheme, request->signed_octets, out);
    proof->length = certificates->failed ? 0 : length;
}
