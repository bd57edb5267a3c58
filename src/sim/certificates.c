/*
 * Authentication by certificate, with the real pki/: what the thread pool and the keeper of a daemon do.
 */
#include "ike/services/certificate_job.h"
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
    const struct sim_certificate *ca = find(g, job->peer.cacert);
    if (ca == NULL) {
        out->fault = IKE_AUTH_NO_PEER_KEY;
        return;
    }
    const struct proof_authority authority = {
        .anchor = ca->chain[0],
        .crls = g->store->crls,
        .crl_count = g->store->crl_count,
        .now = (int64_t)((g->epoch + gateway_now(g)) / 1000),
        .weak_allowed = job->peer.weak_allowed,
    };
    certificate_job_verify(job, &authority, out, reason);
}

static void sign_by(const struct gateway *g, const struct sim_certificate *own,
                    const struct ike_auth_job *job, struct ike_auth_result *out, struct writer *certificates)
{
    struct certificate_signer signer = {own->key, own->chain, own->chain_length, NULL,
                                        (int64_t)((g->epoch + gateway_now(g)) / 1000)};
    for (size_t i = 0; i < g->store->count && signer.issuer == NULL; i++) {
        const struct certificate *ca = g->store->certificates[i].chain[0];
        if (certificate_is_issued_by(own->chain[own->chain_length - 1], ca))
            signer.issuer = ca;
    }
    certificate_job_sign(job, &signer, out, certificates);
}

void certificates_sign(const struct gateway *g, const struct tunnel_policy *policy,
                       const struct ike_auth_job *job, struct ike_auth_result *out,
                       struct writer *certificates)
{
    const struct sim_certificate *own = find(g, policy->mycert);
    struct ike_auth_job with_scheme = *job;
    with_scheme.own.peer_scheme = out->peer_scheme;
    if (own == NULL || own->key == NULL)
        out->fault = IKE_AUTH_NO_OWN_KEY;
    else
        sign_by(g, own, &with_scheme, out, certificates);
}
