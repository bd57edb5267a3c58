#include "ike/services/certificate_job.h"

#include <string.h>

static const enum ike_auth_fault faults[] = {
    [PROOF_OK] = IKE_AUTH_OK,
    [PROOF_NO_CERTIFICATE] = IKE_AUTH_NO_CERTIFICATE,
    [PROOF_OTHER_IDENTITY] = IKE_AUTH_OTHER_IDENTITY,
    [PROOF_INVALID] = IKE_AUTH_INVALID,
    [PROOF_WEAK] = IKE_AUTH_WEAK,
    [PROOF_SIGNATURE] = IKE_AUTH_WRONG_SIGNATURE,
};

void certificate_job_verify(const struct ike_auth_job *job, const struct proof_authority *authority,
                            struct ike_auth_result *out, struct pki_reason *reason)
{
    const struct peer_proof proof = {
        .id_type = job->peer.identity.type,
        .id = {job->peer.identity.value, job->peer.identity.length},
        .certificates = job->peer.certificates,
        .method = job->peer.method,
        .auth = job->peer.value,
        .signed_octets = job->peer.signed_octets,
    };
    const struct signature_scheme *scheme;
    out->fault = faults[proof_verify(&proof, authority, &scheme, reason)];
    out->reason = out->fault != IKE_AUTH_OK ? reason->text : NULL;
    out->peer_scheme = scheme != NULL ? (uint8_t)(1 + (scheme - signature_schemes)) : 0;
}

void certificate_job_sign(const struct ike_auth_job *job, const struct certificate_signer *signer,
                          struct ike_auth_result *out, struct writer *certificates)
{
    uint8_t scheme = job->own.peer_scheme;
    const struct own_proof_request request = {
        .key = signer->key,
        .chain = signer->chain,
        .chain_length = signer->chain_length,
        .issuer = signer->issuer,
        .peer_hashes = job->own.peer_hashes,
        .of_peer = scheme > 0 && scheme <= SIGNATURE_SCHEME_COUNT ? &signature_schemes[scheme - 1] : NULL,
        .pkcs1 = job->own.pkcs1,
        .authorities = job->own.authorities,
        .signed_octets = job->own.signed_octets,
        .now = signer->now,
    };
    struct own_proof proof;
    proof_make(&request, &proof, out->value, certificates);
    out->value_length = (uint16_t)proof.length;
    out->method = proof.length > 0 ? proof.method : 0;
    out->own_padding = proof.padding;
    memcpy(out->own_text, proof.text, sizeof(out->own_text));
    out->fault = proof.length > 0 ? IKE_AUTH_OK : IKE_AUTH_NO_SCHEME;
    if (proof.length > 0)
        out->certificates = writer_octets(certificates);
}
