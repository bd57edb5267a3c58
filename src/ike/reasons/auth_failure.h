/*
 * What the log says of an IKE_AUTH that fails (S34): which ID the peer claims, how it proves it, and on the
 * responder's side which tunnel it is for (S22).
 */
#ifndef MUSUBI_IKE_REASONS_AUTH_FAILURE_H
#define MUSUBI_IKE_REASONS_AUTH_FAILURE_H

#include "ike/reasons/failure.h"

/* ---- Either side ------------------------------------------------------------------------------------- */

/*
 * The peer's AUTH is not accepted: there is no key for it, or it does not fit the key, or its certificate is
 * refused, or that could not be computed. `reason` says why a certificate is refused; it may be NULL.
 */
void auth_failure_of_auth(const struct ike_sa *sa, enum ike_auth_fault fault, const char *reason);

/* There is no key to prove our own ID, or none whose signatures the peer knows, or our AUTH could not be
 * computed. */
void auth_failure_of_own_key(const struct ike_sa *sa, enum ike_auth_fault fault);

/* The peer authenticates itself in another way than is configured. `auth` is NULL if it wants EAP. */
void auth_failure_of_method(const struct ike_sa *sa, const struct ike_payload *auth);

/* ---- Initiator --------------------------------------------------------------------------------------- */

/* The peer's ID is not the expected one. */
void auth_failure_of_responder_id(const struct ike_sa *sa, const struct ike_payload *idr);

/* ---- Responder --------------------------------------------------------------------------------------- */

/* No candidate has the peer's ID. */
void auth_failure_of_peer_id(const struct ike_sa *sa, const struct arrival *arrival,
                             const struct ike_payload *idi);

/* The tunnel that was found does not allow the suite, which another candidate's policy chose (S22). */
void auth_failure_of_suite(const struct ike_sa *sa, const struct arrival *arrival,
                           const struct ike_tunnel *found);

/* The peer is authenticated, but does not come from an address of its name (R41). */
void auth_failure_of_address(const struct ike_sa *sa);

/*
 * The peer may ask for another ID than ours (IDr) or for transport mode, and gets our ID and tunnel mode.
 * That is no failure unless it closes the SA because of it: so it is noted, and logged if the peer does.
 */
void auth_failure_note_unmet(struct ike_sa *sa, const struct ike_message *request);
void auth_failure_of_unmet(struct ike_sa *sa);

/* The peer, right after our answer to IKE_AUTH, ends the SA with an error notify (RFC 7296 2.21.2). */
void auth_failure_of_answer(const struct ike_sa *sa, uint16_t notify);

#endif
