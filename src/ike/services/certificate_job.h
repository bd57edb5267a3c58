/*
 * The two halves of an IKE_JOB_AUTH that are done with certificates, for those who carry out the engine's
 * jobs: the first on any thread, the second where the private key is.
 */
#ifndef MUSUBI_IKE_SERVICES_CERTIFICATE_JOB_H
#define MUSUBI_IKE_SERVICES_CERTIFICATE_JOB_H

#include "ike/ike.h"
#include "pki/proof.h"

/* Verifies the peer: sets the fault, the peer's scheme and the reason, whose memory `reason` is. */
void certificate_job_verify(const struct ike_auth_job *job, const struct proof_authority *authority,
                            struct ike_auth_result *out, struct pki_reason *reason);

/* By what our AUTH is made; all stays the caller's. As in struct own_proof_request. */
struct certificate_signer {
    const struct private_key *key;
    struct certificate *const *chain;
    size_t chain_length;
    const struct certificate *issuer;
    int64_t now; /* Unix time, in seconds */
};

/* Makes our AUTH, with the certificates that go along with it, which are written to `certificates`. */
void certificate_job_sign(const struct ike_auth_job *job, const struct certificate_signer *signer,
                          struct ike_auth_result *out, struct writer *certificates);

#endif
