#include "ike/exchanges/authentication.h"

#include "crypto/prf.h"
#include "ike/exchanges/certificates.h"
#include "ike/exchanges/initial_contact.h"
#include "ike/exchanges/own_address.h"
#include "ike/reasons/duplicate_id.h"
#include "ike/reasons/overlooked_nat.h"
#include "ike/sa/job.h"
#include "ike/wire/identity.h"

#include <stdlib.h>
#include <string.h>

enum { ID_HEADER_SIZE = 4 }; /* of an ID payload's body */

/* The body of our ID payload as we send it. */
static struct octets own_id_body(const struct ike_sa *sa, uint8_t out[ID_HEADER_SIZE + IDENTITY_SIZE])
{
    struct writer w = writer_to(out, ID_HEADER_SIZE + IDENTITY_SIZE);
    const struct octets value = identity_kept_value(&sa->local_id);
    writer_put_u32be(&w, (uint32_t)sa->local_id.type << 24);
    writer_put(&w, value.at, value.length);
    return writer_octets(&w);
}

/*
 * The octets that an end signs: its own IKE_SA_INIT message, the other's nonce, and prf(SK_p, the body of its
 * ID payload). Written to `out`, SCRATCH_SIZE octets. No octets if that cannot be done.
 */
static struct octets signed_octets(const struct ike_sa *sa, bool of_initiator, struct octets id_body,
                                   uint8_t *out)
{
    const struct ike_handshake *h = sa->handshake;
    const struct ike_buffer *message = of_initiator ? &h->init_request : &h->init_response;
    const struct ike_buffer *nonce = of_initiator ? &sa->nonce_r : &sa->nonce_i;
    struct octets key = {of_initiator ? sa->keys.pi : sa->keys.pr, sa->suite.prf->size};
    uint8_t maced_id[PRF_SIZE_MAX];
    struct writer w = writer_to(out, SCRATCH_SIZE);
    if (!prf_compute(sa->suite.prf, key, &id_body, 1, maced_id))
        return (struct octets){NULL, 0};
    writer_put(&w, message->at, message->length);
    writer_put(&w, nonce->at, nonce->length);
    writer_put(&w, maced_id, sa->suite.prf->size);
    return w.failed ? (struct octets){NULL, 0} : writer_octets(&w);
}

/* The IKE_SA_INIT message of the peer. */
static void read_peer_init(const struct ike_sa *sa, struct ike_message *message)
{
    const struct ike_handshake *h = sa->handshake;
    struct octets octets = ike_buffer_octets(sa->initiator ? &h->init_response : &h->init_request);
    message->count = 0;
    if (!ike_header_parse(octets, &message->header))
        return;
    struct octets payloads = {octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    (void)ike_payloads_parse(payloads, message->header.next_payload, message, NULL, NULL);
}

/*
 * What a signature of ours depends on: the hash algorithms that the peer knows, and the CAs that it asks for
 * (as responder in its IKE_SA_INIT response, as initiator in IKE_AUTH).
 */
static void prepare_signature(const struct ike_sa *sa, struct ike_auth_job *job)
{
    struct ike_message init;
    read_peer_init(sa, &init);
    job->own.peer_hashes = certificates_hashes_of(&init);
    job->own.pkcs1 = sa->tunnel->pkcs1;
    job->own.authorities =
        certificates_authorities_of(sa->engine, sa->initiator ? &init : sa->handshake->auth_message);
}

/* The half of a job that makes our AUTH. False if it can't be put together. */
static bool prepare_own(const struct ike_sa *sa, struct ike_auth_job *job)
{
    uint8_t id[ID_HEADER_SIZE + IDENTITY_SIZE];
    job->sign = true;
    if (sa->tunnel->policy.local_auth == AUTH_KIND_RSA)
        prepare_signature(sa, job);
    job->own.identity = identity_kept(&sa->local_id);
    job->own.signed_octets =
        signed_octets(sa, sa->initiator, own_id_body(sa, id), sa->engine->message_scratch);
    return job->own.signed_octets.length > 0;
}

/* The half that verifies the AUTH of the message that was kept. The peer signs its ID as it sent it, reserved
 * octets and all. */
static bool prepare_peer(const struct ike_sa *sa, struct ike_auth_job *job)
{
    const struct ike_message *message = sa->handshake->auth_message;
    const struct ike_payload *id = ike_message_find(message, sa->initiator ? PAYLOAD_IDR : PAYLOAD_IDI);
    const struct ike_payload *auth = ike_message_find(message, PAYLOAD_AUTH);
    job->verify = true;
    job->peer.method = auth->method;
    job->peer.identity = identity_kept(&sa->remote_id);
    job->peer.value = auth->content;
    if (auth->content.length > IKE_AUTH_VALUE_MAX) /* it can't be right, and one octet too many says so */
        job->peer.value.length = IKE_AUTH_VALUE_MAX + 1;
    if (sa->tunnel->policy.remote_auth == AUTH_KIND_RSA) {
        job->peer.by_certificate = true;
        job->peer.weak_allowed = sa->tunnel->policy.weak_certificates;
        job->peer.certificates = certificates_of(sa->engine, message);
        memcpy(job->peer.cacert, sa->tunnel->policy.cacert, sizeof job->peer.cacert);
    }
    job->peer.signed_octets = signed_octets(sa, !sa->initiator, id->body, sa->engine->inner_scratch);
    return job->peer.signed_octets.length > 0;
}

static void start(struct ike_sa *sa, bool verify, bool sign, ike_job_done *done)
{
    struct ike_job job = {.kind = IKE_JOB_AUTH};
    job.auth.tunnel = sa->tunnel->policy.tunnel;
    job.auth.prf = sa->suite.prf->id;
    if ((verify && !prepare_peer(sa, &job.auth)) || (sign && !prepare_own(sa, &job.auth)))
        ike_sa_fail(sa, "the AUTH payload could not be computed");
    else
        ike_sa_start_job(sa, &job, done);
}

/* Keeps a message while its AUTH is verified. False, with the negotiation ended, if there is no memory. */
static bool keep_message(struct ike_sa *sa, const struct ike_message *message)
{
    sa->handshake->auth_message = ike_message_copy(message);
    if (sa->handshake->auth_message != NULL)
        return true;
    ike_sa_fail(sa, "out of memory");
    return false;
}

void authentication_sign(struct ike_sa *sa, ike_job_done *done)
{
    start(sa, false, true, done);
}

void authentication_verify(struct ike_sa *sa, const struct ike_message *message, ike_job_done *done)
{
    if (keep_message(sa, message))
        start(sa, true, false, done);
}

void authentication_verify_and_sign(struct ike_sa *sa, const struct ike_message *message, ike_job_done *done)
{
    if (keep_message(sa, message))
        start(sa, true, true, done);
}

enum ike_auth_fault authentication_take(struct ike_sa *sa, const struct ike_job_result *result)
{
    struct ike_handshake *h = sa->handshake;
    if (!result->ok || result->kind != IKE_JOB_AUTH)
        return IKE_AUTH_NOT_DONE;
    const struct ike_auth_result *auth = &result->auth;
    if (auth->own_key_line != 0)
        sa->own_key_line = auth->own_key_line;
    if (auth->own_text[0] != '\0') {
        free(sa->own_proof);
        sa->own_proof = strdup(auth->own_text);
        sa->own_padding = auth->own_padding;
    }
    if (auth->value_length == 0) /* as initiator it is there already when the peer is verified */
        return auth->fault;
    h->own_method = auth->method;
    if (!ike_buffer_set(&h->own_auth, (struct octets){auth->value, auth->value_length}) ||
        !ike_buffer_set(&h->own_certificates, auth->certificates))
        ike_buffer_clear(&h->own_auth);
    return auth->fault;
}

void authentication_refused(struct ike_sa *sa)
{
    if (sa->own_padding != PROOF_PADDING_KNOWN)
        sa->tunnel->pkcs1 = sa->own_padding == PROOF_PADDING_PSS;
}

const char *authentication_reason(const struct ike_job_result *result)
{
    return result->ok && result->kind == IKE_JOB_AUTH ? result->auth.reason : NULL;
}

bool authentication_has_own(const struct ike_sa *sa)
{
    return sa->handshake->own_auth.length > 0;
}

void authentication_put_certificates(struct message_writer *m, const struct ike_sa *sa)
{
    certificates_put(m, ike_buffer_octets(&sa->handshake->own_certificates));
}

void authentication_put_own(struct message_writer *m, const struct ike_sa *sa)
{
    message_put_auth(m, sa->handshake->own_method, ike_buffer_octets(&sa->handshake->own_auth));
}

static void log_established(struct ike_sa *sa)
{
    char endpoints[2 * IP_TEXT_SIZE];
    life_log_created(sa);
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "negotiation ended on %s", ike_sa_endpoints(sa, endpoints));
}

void authentication_complete(struct ike_sa *sa, bool initial_contact)
{
    overlooked_nat_warn(sa);
    duplicate_id_note(sa);
    ike_sa_establish(sa);
    if (sa->begun_here)
        damping_note_made(&sa->tunnel->damping, sa->engine->now);
    log_established(sa);
    own_address_replaced(sa);
    if (initial_contact)
        initial_contact_received(sa);
    initial_contact_settle(sa);
}
