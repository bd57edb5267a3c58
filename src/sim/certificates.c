/*
 * Authentication by certificate, with the real pki/: what the thread pool and the keeper of a daemon do.
 */
#include "ike/wire/numbers.h"
#include "pki/proof.h"
#include "sim/inside.h"

#include <assert.h>
#include <string.h>

void gateway_set_store(struct gateway *g, const struct sim_store *store)
{
    g->store = store;
}

/* What the gateway's store has under a name; NULL if there is nothing. */
static const struct sim_certificate *find(const struct gateway *g, const char *name)
{
    for (size_t i = 0; g->store != NULL && i < g->store->count; i++) {
        if (strcmp(g->store->certificates[i].name, name) == 0)
            return &g->store->certificates[i];
    }
    return NULL;
}

void certificates_complete_policy(const struct gateway *g, struct tunnel_policy *policy)
{
    const struct sim_certificate *ca = find(g, policy->cacert);
    if (ca != NULL)
        memcpy(policy->authority, certificate_facts(ca->chain[0])->key_hash, AUTHORITY_SIZE);
}

void certificates_verify(const struct gateway *g, const struct ike_auth_job *job, struct ike_auth_result *out,
                         struct pki_reason *reason)
{
    static const enum ike_auth_fault faults[] = {
        [PROOF_OK] = IKE_AUTH_OK,
        [PROOF_NO_CERTIFICATE] = IKE_AUTH_NO_CERTIFICATE,
        [PROOF_OTHER_IDENTITY] = IKE_AUTH_OTHER_IDENTITY,
        [PROOF_INVALID] = IKE_AUTH_INVALID,
        [PROOF_SIGNATURE] = IKE_AUTH_WRONG_SIGNATURE,
    };
    const struct sim_certificate *ca = find(g, job->peer.cacert);
    if (ca == NULL) {
        out->fault = IKE_AUTH_NO_PEER_KEY;
        return;
    }
    const struct peer_proof proof = {
        .id_type = job->peer.identity.type,
        .id = {job->peer.identity.value, job->peer.identity.length},
        .certificates = job->peer.certificates,
        .method = job->peer.method,
        .auth = job->peer.value,
        .signed_octets = job->peer.signed_octets,
    };
    const struct proof_authority authority = {
        .anchor = ca->chain[0],
        .crls = g->store->crls,
        .crl_count = g->store->crl_count,
        .now = (int64_t)((g->epoch + gateway_now(g)) / 1000),
        .weak_allowed = job->peer.weak_allowed,
    };
    const struct signature_scheme *scheme;
    out->fault = faults[proof_verify(&proof, &authority, &scheme, reason)];
    out->reason = out->fault != IKE_AUTH_OK ? reason->text : NULL;
    out->peer_scheme = scheme != NULL ? (uint8_t)(1 + (scheme - signature_schemes)) : 0;
}

void certificates_sign(const struct gateway *g, const struct tunnel_policy *policy,
                       const struct ike_auth_job *job, struct ike_auth_result *out,
                       struct writer *certificates)
{
    const struct sim_certificate *own = find(g, policy->mycert);
    if (own == NULL || own->key == NULL) {
        out->fault = IKE_AUTH_NO_OWN_KEY;
        return;
    }
    const struct own_proof_request request = {
        .key = own->key,
        .chain = own->chain,
        .chain_length = own->chain_length,
        .peer_hashes = job->own.peer_hashes,
        .of_peer = out->peer_scheme != 0 ? &signature_schemes[out->peer_scheme - 1] : NULL,
        .authorities = job->own.authorities,
        .signed_octets = job->own.signed_octets,
    };
    out->value_length = (uint16_t)proof_make(&request, &out->method, out->value, certificates);
    out->fault = out->value_length > 0 ? IKE_AUTH_OK : IKE_AUTH_NO_SCHEME;
    out->certificates = writer_octets(certificates);
}
