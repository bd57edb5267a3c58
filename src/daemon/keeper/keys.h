/*
 * Authentication jobs (RFC 7296 2.15): what the engine needs keys for that it does not have. No key leaves
 * the keeper, and it answers only what the config lets the tunnel ask.
 */
#ifndef MUSUBI_DAEMON_KEEPER_KEYS_H
#define MUSUBI_DAEMON_KEEPER_KEYS_H

#include "config/keys.h"
#include "config/policy.h"
#include "ike/ike.h"
#include "pki/store.h"

/* What they are done with; all stays the caller's. */
struct own_keys {
    const struct key_table *shared;
    const struct pki_store *certificates; /* NULL: none */
};

/*
 * What a signature of ours is made with. Its parts are held, so that they last though their entry of the
 * store is erased.
 */
struct own_credential {
    struct private_key *key;                          /* NULL: none */
    struct certificate *chain[CERTIFICATE_CHAIN_MAX]; /* the key's certificate, then the CAs above it */
    size_t chain_length;
    struct certificate *issuer; /* of the last one of the chain, if that is stored here; else NULL */
};

/* The number of the pre-shared key by which we prove that we are `id`; 0 if there is none, or the tunnel has
 * another ID. */
key_number keys_own_number(const struct key_table *keys, const struct tunnel_policy *policy,
                           const struct identity *id);

/*
 * Does the halves that the job wants: verifies the peer's AUTH, in constant time; then, unless that is wrong,
 * makes ours. Who proves itself by certificate is not verified here: that needs no key. Where we prove
 * ourselves by certificate our AUTH is left to keys_sign, since a signature takes milliseconds: then
 * `credential`, which the caller lets go of by own_credential_release, has a key. There is no key for an ID
 * other than that of the tunnel's policy, and none for a peer with another authentication method than that of
 * the policy. If OpenSSL fails, for want of memory, say, the result is the same as without a key.
 */
void keys_authenticate(const struct own_keys *keys, const struct tunnel_policy *policy,
                       const struct ike_auth_job *job, struct ike_auth_result *out,
                       struct own_credential *credential);

/* Makes our AUTH by signature, and writes the certificates that go along with it to `certificates`. On any
 * thread. */
void keys_sign(const struct own_credential *credential, const struct ike_auth_job *job,
               struct ike_auth_result *out, struct writer *certificates);

/* The octets that `certificates` of keys_sign needs. */
size_t own_credential_octets(const struct own_credential *credential);

/* Lets go of what it holds. */
void own_credential_release(struct own_credential *credential);

#endif
