/*
 * What IKE_SA_INIT and IKE_AUTH carry for authentication by certificate: CERT and CERTREQ payloads (RFC 7296
 * 3.6, 3.7) and the notify SIGNATURE_HASH_ALGORITHMS (RFC 7427 4).
 */
#ifndef MUSUBI_IKE_EXCHANGES_CERTIFICATES_H
#define MUSUBI_IKE_EXCHANGES_CERTIFICATES_H

#include "ike/sa/ike_sa.h"

/* Writes the notify with the hash algorithms that we verify. */
void certificates_put_hashes(struct message_writer *m);

/* The hash algorithms of the peer's notify, those above 31 left out; none if there is no such notify. */
signature_hash_set certificates_hashes_of(const struct ike_message *message);

/* Writes a CERTREQ that names `count` CAs, AUTHORITY_SIZE octets each; nothing if there are none. */
void certificates_put_request(struct message_writer *m, const uint8_t *authorities, size_t count);

/*
 * The CAs that the peer's CERTREQ payloads name, AUTHORITY_SIZE octets each, at most AUTHORITIES_MAX of them;
 * those of other encodings than X.509 are left out. They last until the event has been handled.
 */
struct octets certificates_authorities_of(struct ike_engine *engine, const struct ike_message *message);

/* Writes a CERT payload for each certificate of a list (pki/proof.h). */
void certificates_put(struct message_writer *m, struct octets list);

/*
 * The X.509 certificates of the peer's CERT payloads as a list, at most CERTIFICATE_CHAIN_MAX of them. It
 * lasts until the event has been handled.
 */
struct octets certificates_of(struct ike_engine *engine, const struct ike_message *message);

/* True if the AUTH method is one of this kind of authentication. */
bool certificates_method_fits(enum auth_kind kind, uint8_t method);

#endif
