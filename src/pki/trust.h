/*
 * The CA certificates and CRLs of a store as one run of octets, in which they go to who verifies peers: the
 * engine, which has no store and no private key.
 */
#ifndef MUSUBI_PKI_TRUST_H
#define MUSUBI_PKI_TRUST_H

#include "pki/proof.h"
#include "pki/store.h"

struct trust;

/* The octets that trust_write needs. */
size_t trust_size(const struct pki_store *store);

/* Writes what `cert cacert` may name (pki_entry_anchor), with its names, and the CRLs. */
void trust_write(const struct pki_store *store, struct writer *w);

/* Reads it. The first holder lets go of it with trust_release. NULL if it is malformed or memory ran out. */
struct trust *trust_read(struct octets octets);

/* Another holder, and one that lets go; the last one frees it. All on one thread. `trust` may be NULL. */
struct trust *trust_hold(struct trust *trust);
void trust_release(struct trust *trust);

/*
 * What a peer is judged by under the CA of that name; time and settings are left to the caller. It lasts as
 * long as the trust, and any thread may use it. False if there is no such CA.
 */
bool trust_find(const struct trust *trust, const char *name, struct proof_authority *out);

#endif
