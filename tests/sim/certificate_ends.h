/*
 * Ends that authenticate themselves by certificate: the certificates of tests/unit/pki/make_certificates.py
 * in a store for gateways, and policies that name them.
 */
#ifndef MUSUBI_SIM_CERTIFICATE_ENDS_H
#define MUSUBI_SIM_CERTIFICATE_ENDS_H

#include "sim/world.h"

/*
 * The store of all gateways, read once. Its names are those of the files, with their keys where there are
 * any; and west-chain: west-low with the two CAs above it, low and middle.
 */
const struct sim_store *certificate_store(void);

/* The same without CRLs, or with the CRL of this name. */
const struct sim_store *certificate_store_with_crl(const char *name);

/* Frees the store: the tear-down of a group of tests. */
int certificate_store_free(void **state);

/* The entry of a name; the test fails if there is none. */
const struct sim_certificate *certificate_entry(const char *name);

/* How one end authenticates itself. */
struct proof_of {
    const char *certificate; /* NULL: a pre-shared key */
    const char *id;          /* as in the config: "fqdn west.example.com" */
};

/*
 * The policy of an end: it proves itself as `own`, and the peer proves itself as `peer`, its certificate
 * being under the CA `cacert`. The settings have the lines of give_lines and `cert cacert` 41, `cert
 * mycert` 42, `cert weak-allowed` 43.
 */
struct tunnel_policy certificate_policy(uint32_t tunnel, const char *peer_address, const struct proof_of *own,
                                        const struct proof_of *peer, const char *cacert);

#endif
