#include "ike/exchanges/ike_auth_initiator.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/authentication.h"
#include "ike/exchanges/certificates.h"
#include "ike/exchanges/initial_contact.h"
#include "ike/reasons/auth_failure.h"
#include "ike/reasons/narrowing.h"
#include "ike/reasons/refusal.h"
#include "ike/wire/identity.h"

static const struct octets no_octets = {NULL, 0};

static void auth_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);
static void auth_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message);

const struct ike_task_kind task_ike_auth = {
    .number = TASK_IKE_AUTH,
    .exchange = EXCHANGE_IKE_AUTH,
    .name = "IKE_AUTH",
    .write = auth_write,
    .response = auth_response,
};

static void auth_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    (void)task;
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    const struct child_request request = child_request_of(policy, true, sa->handshake->child_spi);
    message_put_id(m, PAYLOAD_IDI, sa->local_id.type, identity_kept_value(&sa->local_id));
    authentication_put_certificates(m, sa);
    message_put_notify(m, PROTOCOL_NONE, no_octets, NOTIFY_INITIAL_CONTACT, no_octets);
    if (policy->remote_auth == AUTH_KIND_RSA)
        certificates_put_request(m, policy->authority, 1);
    if (sa->remote_id.type != ID_NONE)
        message_put_id(m, PAYLOAD_IDR, sa->remote_id.type, identity_kept_value(&sa->remote_id));
    authentication_put_own(m, sa);
    message_put_notify(m, PROTOCOL_NONE, no_octets, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, no_octets);
    child_exchange_put_offer(m, &request);
    child_exchange_put_selectors(m, &request);
}

static void own_auth_made(struct ike_sa *sa, const struct ike_job_result *result)
{
    enum ike_auth_fault fault = authentication_take(sa, result);
    if (fault != IKE_AUTH_OK || !authentication_has_own(sa)) {
        auth_failure_of_own_key(sa, fault);
        ike_sa_destroy(sa, "no key");
        return;
    }
    sa->handshake->child_spi = child_sa_new_spi(sa->engine, sa->tunnel);
    ike_sa_add_task(sa, TASK_IKE_AUTH, 0);
}

void ike_auth_start(struct ike_sa *sa)
{
    /* A second SA would only have to be closed again. */
    if (initial_contact_peer_was_first(sa)) {
        ike_sa_destroy(sa, "the peer has made the IKE SA meanwhile");
        return;
    }
    authentication_sign(sa, own_auth_made);
}

/*
 * Ends a negotiation that cannot go on. The peer may have the SA already, so it is told by DELETE; with
 * `notify`, if that is not 0, where it is not authenticated (RFC 7296 2.21.2).
 */
static void abandon(struct ike_sa *sa, uint16_t notify, const char *reason)
{
    sa->state = IKE_SA_ESTABLISHED; /* as the peer sees it, so that DELETE is sent */
    sa->delete_notify = notify;
    ike_sa_end_handshake(sa);
    tunnel_negotiation_failed(sa->engine, sa->tunnel);
    ike_sa_delete(sa, reason);
}

/* Logs that the peer refuses, in a message that is protected, though not authenticated. */
static void warn_of_refusal(const struct ike_sa *sa, const struct ike_payload *error)
{
    const struct child_request request =
        child_request_of(&sa->tunnel->policy, true, sa->handshake->child_spi);
    const struct refused asked = {"IKE_AUTH", &request.proposal, &request};
    refusal_warn(sa, FAILED_NEGOTIATION, &asked, error);
}

/* Makes the Child SA from the peer's answer. If that is not possible, logs why and returns it; else NULL. */
static const char *accept_child(struct ike_sa *sa, const struct ike_message *message)
{
    const struct child_request request =
        child_request_of(&sa->tunnel->policy, true, sa->handshake->child_spi);
    struct child_agreement agreement;
    enum child_fault fault = child_exchange_accept(message, &request, &agreement);
    if (fault != CHILD_OK) {
        refusal_warn_answer(sa, FAILED_NEGOTIATION, message, &request, fault);
        return child_fault_text(fault);
    }
    struct child_sa *child = child_sa_new(sa, &agreement, request.inbound_spi, true);
    if (child != NULL && child_sa_install(child, CHILD_ACTIVE, no_octets, ike_buffer_octets(&sa->nonce_i),
                                          ike_buffer_octets(&sa->nonce_r))) {
        narrowing_warn(sa, &request, child);
        return NULL;
    }
    if (child != NULL)
        child_sa_destroy(child);
    failure_warn(sa, FAILED_NEGOTIATION, 0, "out of memory");
    return "out of memory";
}

/* The peer's AUTH was verified: if it is right, takes the Child SA. */
static void peer_verified(struct ike_sa *sa, const struct ike_job_result *result)
{
    enum ike_auth_fault fault = authentication_take(sa, result);
    if (fault != IKE_AUTH_OK) {
        auth_failure_of_auth(sa, fault, authentication_reason(result));
        abandon(sa, NOTIFY_AUTHENTICATION_FAILED, "authentication failed");
        return;
    }
    const struct ike_message *message = sa->handshake->auth_message;
    const struct ike_payload *error = ike_message_error(message);
    bool by_pair = error != NULL && error->notify == NOTIFY_SINGLE_PAIR_REQUIRED;
    if (error != NULL && !by_pair) {
        warn_of_refusal(sa, error);
        abandon(sa, 0, "the peer refused the Child SA");
        return;
    }
    additional_children_begin(sa);
    bool initial_contact = ike_message_notify(message, NOTIFY_INITIAL_CONTACT) != NULL;
    const char *reason = by_pair ? NULL : accept_child(sa, message);
    if (reason != NULL) {
        abandon(sa, 0, reason);
        return;
    }
    authentication_complete(sa, initial_contact);
    if (by_pair)
        additional_children_begin_by_pair(sa);
    else
        additional_children_check(sa);
}

static void auth_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    (void)task;
    const struct ike_payload *auth = ike_message_find(message, PAYLOAD_AUTH);
    const struct ike_payload *idr = ike_message_find(message, PAYLOAD_IDR);
    const struct ike_payload *error = ike_message_error(message);
    const struct identity expected = identity_kept(&sa->remote_id);
    struct identity id;
    if (error != NULL && auth == NULL) {
        if (error->notify == NOTIFY_AUTHENTICATION_FAILED)
            authentication_refused(sa);
        warn_of_refusal(sa, error);
        ike_sa_destroy(sa, "refused by the peer");
        return;
    }
    if (auth == NULL && ike_message_find(message, PAYLOAD_EAP) != NULL) {
        auth_failure_of_method(sa, NULL);
        abandon(sa, NOTIFY_AUTHENTICATION_FAILED, "wrong authentication method");
        return;
    }
    if (auth == NULL || idr == NULL) {
        failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING,
                     "the peer's answer to IKE_AUTH lacks its ID or AUTH");
        abandon(sa, NOTIFY_AUTHENTICATION_FAILED, "invalid IKE_AUTH");
        return;
    }
    if (!identity_parse(idr->id_type, idr->content, &id) || !identity_equal(&id, &expected)) {
        auth_failure_of_responder_id(sa, idr);
        abandon(sa, NOTIFY_AUTHENTICATION_FAILED, "wrong peer ID");
        return;
    }
    if (!certificates_method_fits(sa->tunnel->policy.remote_auth, auth->method)) {
        auth_failure_of_method(sa, auth);
        abandon(sa, NOTIFY_AUTHENTICATION_FAILED, "wrong authentication method");
        return;
    }
    /* As the peer spells it: its AUTH covers these octets. */
    if (!identity_keep(&sa->remote_id, &id)) {
        abandon(sa, 0, "out of memory");
        return;
    }
    authentication_verify(sa, message, peer_verified);
}
