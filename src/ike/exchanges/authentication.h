/*
 * How the two ends of an IKE SA are authenticated (RFC 7296 2.15): what each of them signs, and the job by
 * which the peer's AUTH is verified and ours made.
 */
#ifndef MUSUBI_IKE_EXCHANGES_AUTHENTICATION_H
#define MUSUBI_IKE_EXCHANGES_AUTHENTICATION_H

#include "ike/sa/ike_sa.h"

/*
 * Each of these starts a job; `done` hands its result to authentication_take. The message of the peer, which
 * has an ID and an AUTH payload, is kept as sa->handshake->auth_message until the handshake ends.
 */

/* As initiator, for our request: makes our AUTH. */
void authentication_sign(struct ike_sa *sa, ike_job_done *done);

/* As initiator: verifies the AUTH of the peer's response. */
void authentication_verify(struct ike_sa *sa, const struct ike_message *message, ike_job_done *done);

/* As responder: verifies the AUTH of the peer's request; if it is right, makes ours. */
void authentication_verify_and_sign(struct ike_sa *sa, const struct ike_message *message, ike_job_done *done);

/*
 * Takes the result, with our AUTH if it was made. Returns what is wrong. If the job could not be done, that
 * is a missing key.
 */
enum ike_auth_fault authentication_take(struct ike_sa *sa, const struct ike_job_result *result);

/*
 * The peer does not accept our AUTH (AUTHENTICATION_FAILED). If that was a signature by RSA with a padding
 * that was a guess (pki/proof.h), the next one has the other padding.
 */
void authentication_refused(struct ike_sa *sa);

/* Why the peer is refused, for the log; NULL if the fault says it all. Lasts as long as the result. */
const char *authentication_reason(const struct ike_job_result *result);

/* True if our AUTH has been made. */
bool authentication_has_own(const struct ike_sa *sa);

/* Writes the CERT payloads that go along with our AUTH: none with a pre-shared key. */
void authentication_put_certificates(struct message_writer *m, const struct ike_sa *sa);

/* Writes our AUTH payload. */
void authentication_put_own(struct message_writer *m, const struct ike_sa *sa);

/*
 * Both ends are authenticated, and the Child SA is made: the IKE SA is established, and compared with others
 * that there are with the peer. `initial_contact`: the peer sent INITIAL_CONTACT. Ends the handshake.
 */
void authentication_complete(struct ike_sa *sa, bool initial_contact);

#endif
