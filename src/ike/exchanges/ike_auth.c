#include "ike/exchanges/ike_auth.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/authentication.h"
#include "ike/exchanges/initial_contact.h"
#include "ike/exchanges/peer_address.h"
#include "ike/reasons/auth_failure.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/exchange.h"
#include "ike/wire/identity.h"
#include "ike/wire/proposal_text.h"

#include <string.h>

static const struct octets no_octets = {NULL, 0};

/* ---- Common to both ends ----------------------------------------------------------------------------- */

static void log_established(struct ike_sa *sa)
{
    char endpoints[2 * IP_TEXT_SIZE];
    char id[IDENTITY_TEXT_SIZE];
    char suite[SUITE_TEXT_SIZE];
    ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IKEV2, "IKE SA created, serial %u, with %s on %s, %s", sa->serial,
               identity_format(&sa->remote_id, id), ike_sa_endpoints(sa, endpoints),
               ike_suite_format(&sa->suite, suite));
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "negotiation ended on %s", ike_sa_endpoints(sa, endpoints));
}

/* ---- Initiator --------------------------------------------------------------------------------------- */

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
    const struct child_request request =
        child_request_of(&sa->tunnel->policy, true, sa->handshake->child_spi);
    message_put_id(m, PAYLOAD_IDI, sa->local_id.type, identity_value(&sa->local_id));
    message_put_notify(m, PROTOCOL_NONE, no_octets, NOTIFY_INITIAL_CONTACT, no_octets);
    if (sa->remote_id.type != ID_NONE)
        message_put_id(m, PAYLOAD_IDR, sa->remote_id.type, identity_value(&sa->remote_id));
    authentication_put_own(m, sa);
    message_put_notify(m, PROTOCOL_NONE, no_octets, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, no_octets);
    child_exchange_put_offer(m, &request);
    child_exchange_put_selectors(m, &request);
}

static void own_auth_made(struct ike_sa *sa, const struct ike_job_result *result)
{
    if (authentication_take(sa, result) != IKE_AUTH_OK) {
        auth_failure_of_own_key(sa);
        ike_sa_destroy(sa, "no key");
        return;
    }
    sa->handshake->child_spi = child_sa_new_spi(sa->engine, sa->tunnel);
    ike_sa_add_task(sa, TASK_IKE_AUTH, 0);
}

void ike_auth_start(struct ike_sa *sa)
{
    /* INITIAL_CONTACT would not be true, and the two SAs would have to be sorted out. */
    if (initial_contact_peer_was_first(sa)) {
        ike_sa_destroy(sa, "the peer has made the IKE SA meanwhile");
        return;
    }
    authentication_sign(sa, own_auth_made);
}

/*
 * Ends a negotiation that cannot go on; the peer may think that it has an SA, so it is told, by DELETE and,
 * if it has not proved who it is, by the notify that RFC 7296 2.21.2 has for that.
 */
static void abandon(struct ike_sa *sa, uint16_t notify, const char *reason)
{
    sa->state = IKE_SA_ESTABLISHED; /* as the peer sees it, so that DELETE is sent */
    sa->delete_notify = notify;
    ike_sa_end_handshake(sa);
    tunnel_negotiation_failed(sa->engine, sa->tunnel);
    ike_sa_delete(sa, reason);
}

/* The peer refused, in a message that is protected, if not authenticated. */
static void warn_of_refusal(const struct ike_sa *sa, const struct ike_payload *error)
{
    const struct child_request request =
        child_request_of(&sa->tunnel->policy, true, sa->handshake->child_spi);
    const struct refused asked = {"IKE_AUTH", &request.proposal, &request};
    refusal_warn(sa, FAILED_NEGOTIATION, &asked, error);
}

/* Makes the Child SA from the peer's answer. Returns the reason, told in the log, if it cannot be made. */
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
                                          ike_buffer_octets(&sa->nonce_r)))
        return NULL;
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
        auth_failure_of_auth(sa, fault == IKE_AUTH_WRONG);
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
    ike_sa_establish(sa);
    log_established(sa);
    if (initial_contact)
        initial_contact_received(sa);
    initial_contact_settle(sa);
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
    struct identity id;
    if (error != NULL && auth == NULL) {
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
    if (!identity_parse(idr->id_type, idr->content, &id) || !identity_equal(&id, &sa->remote_id)) {
        auth_failure_of_responder_id(sa, idr);
        abandon(sa, NOTIFY_AUTHENTICATION_FAILED, "wrong peer ID");
        return;
    }
    if (auth->method != AUTH_METHOD_PSK) {
        auth_failure_of_method(sa, auth);
        abandon(sa, NOTIFY_AUTHENTICATION_FAILED, "wrong authentication method");
        return;
    }
    sa->remote_id = id; /* as the peer spells it: its AUTH covers these octets */
    authentication_verify(sa, message, peer_verified);
}

/* ---- Responder --------------------------------------------------------------------------------------- */

static void refuse_peer(struct ike_sa *sa)
{
    ike_sa_send_error(sa, EXCHANGE_IKE_AUTH, NOTIFY_AUTHENTICATION_FAILED, no_octets);
    ike_sa_destroy(sa, "authentication failed");
}

/* Makes the Child SA that the peer asks for. Returns the notify that says why there is none, or 0. */
static uint16_t make_child(struct ike_sa *sa, const struct ike_message *message, bool initial_contact,
                           struct child_agreement *agreement, struct child_sa **child)
{
    const struct proposal_policy proposal = proposal_policy_of_child(&sa->tunnel->policy.child, true);
    bool has_room = tunnel_has_room(sa->tunnel, initial_contact ? sa : NULL);
    uint16_t error =
        has_room ? child_exchange_choose(message, &proposal, agreement) : (uint16_t)NOTIFY_NO_ADDITIONAL_SAS;
    if (error != 0) {
        refusal_of_child(sa, FAILED_NEGOTIATION, message, &proposal, error);
        return error;
    }
    *child = child_sa_new(sa, agreement, child_sa_new_spi(sa->engine, sa->tunnel), false);
    if (*child != NULL && child_sa_install(*child, CHILD_ACTIVE, no_octets, ike_buffer_octets(&sa->nonce_i),
                                           ike_buffer_octets(&sa->nonce_r)))
        return 0;
    if (*child != NULL)
        child_sa_destroy(*child);
    failure_warn(sa, FAILED_NEGOTIATION, 0, "out of memory");
    return NOTIFY_TEMPORARY_FAILURE;
}

/* The answer goes out, and the SAs are up. */
static void accept_peer(struct ike_sa *sa)
{
    const struct ike_message *message = sa->handshake->auth_message;
    struct child_agreement agreement;
    struct child_sa *child = NULL;
    bool initial_contact = ike_message_notify(message, NOTIFY_INITIAL_CONTACT) != NULL;
    uint16_t error = make_child(sa, message, initial_contact, &agreement, &child);
    struct message_writer m = ike_sa_begin_response(sa);
    message_put_id(&m, PAYLOAD_IDR, sa->local_id.type, identity_value(&sa->local_id));
    authentication_put_own(&m, sa);
    if (error != 0) {
        message_put_notify(&m, PROTOCOL_NONE, no_octets, error, no_octets);
    } else {
        message_put_notify(&m, PROTOCOL_NONE, no_octets, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, no_octets);
        child_exchange_put_answer(&m, &agreement, child->inbound.spi);
    }
    if (initial_contact || initial_contact_is_true(sa))
        message_put_notify(&m, PROTOCOL_NONE, no_octets, NOTIFY_INITIAL_CONTACT, no_octets);
    ike_sa_send_response(sa, EXCHANGE_IKE_AUTH, &m);
    if (sa->destroyed)
        return;
    ike_sa_establish(sa);
    log_established(sa);
    if (initial_contact)
        initial_contact_received(sa);
    initial_contact_settle(sa);
    additional_children_lost(sa, "no Child SA could be made");
}

/* The peer is who it says it is, and where it may be. */
static void answer(struct ike_sa *sa)
{
    if (initial_contact_is_stale(sa)) {
        ike_sa_destroy(sa, "the peer has begun anew since");
        return;
    }
    if (!authentication_has_own(sa)) {
        auth_failure_of_own_key(sa);
        refuse_peer(sa);
        return;
    }
    accept_peer(sa);
}

static void take_way(struct ike_sa *sa)
{
    const struct arrival arrival = {&sa->local, &sa->remote, sa->arrival_ifindex};
    sa->ifindex = arrival_outgoing(&arrival, sa->tunnel->route.ifindex);
    sa->mark = sa->tunnel->route.mark;
}

/* What the name of the peer stands for now is known: the peer is there, or it is a stranger (R41). */
static void peer_looked_up(struct ike_sa *sa, const struct ike_job_result *result)
{
    (void)result; /* the tunnel has been told */
    if (!peer_address_accept(sa)) {
        auth_failure_of_address(sa);
        refuse_peer(sa);
        return;
    }
    take_way(sa);
    answer(sa);
}

/* The peer's AUTH was verified, and ours made if it is right: ours waits while the peer's name is looked up.
 */
static void both_authenticated(struct ike_sa *sa, const struct ike_job_result *result)
{
    enum ike_auth_fault fault = authentication_take(sa, result);
    if (fault == IKE_AUTH_NO_PEER_KEY || fault == IKE_AUTH_WRONG) {
        auth_failure_of_auth(sa, fault == IKE_AUTH_WRONG);
        refuse_peer(sa);
        return;
    }
    if (peer_address_accept(sa))
        answer(sa);
    else
        peer_address_look_up(sa, peer_looked_up);
}

/* The tunnel whose peer the sender says it is; NULL, told in the log, if there is none. */
static struct ike_tunnel *find_tunnel(struct ike_sa *sa, const struct ike_payload *idi,
                                      const struct identity *idr)
{
    const struct arrival arrival = {&sa->local, &sa->remote, sa->arrival_ifindex};
    struct identity peer;
    struct ike_tunnel *tunnel = NULL;
    if (identity_parse(idi->id_type, idi->content, &peer))
        tunnel = candidates_find(sa->engine, &arrival, &peer, idr);
    if (tunnel == NULL) {
        auth_failure_of_peer_id(sa, &arrival, idi);
        return NULL;
    }
    if (!tunnel_allows_suite(tunnel, &sa->suite)) {
        auth_failure_of_suite(sa, &arrival, tunnel);
        return NULL;
    }
    sa->remote_id = peer;
    return tunnel;
}

/*
 * From here on all settings are the tunnel's (S22): until it was known, its candidates decided together which
 * way out was taken, and whether NAT detection was answered.
 */
static void take_settings(struct ike_sa *sa)
{
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    take_way(sa);
    sa->nat_local &= policy->nat_traversal;
    sa->nat_remote &= policy->nat_traversal;
    sa->encapsulate &= policy->nat_traversal;
    sa->encapsulate &= sa->nat_local || sa->nat_remote || policy->nat_force;
}

void ike_auth_request(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *idi = ike_message_find(message, PAYLOAD_IDI);
    const struct ike_payload *idr = ike_message_find(message, PAYLOAD_IDR);
    const struct ike_payload *auth = ike_message_find(message, PAYLOAD_AUTH);
    struct identity own;
    if (idi == NULL || !identity_is_well_formed(idi->id_type, idi->content) ||
        ike_message_find(message, PAYLOAD_SA) == NULL || ike_message_find(message, PAYLOAD_TSI) == NULL ||
        ike_message_find(message, PAYLOAD_TSR) == NULL) {
        ike_sa_send_error(sa, EXCHANGE_IKE_AUTH, NOTIFY_INVALID_SYNTAX, no_octets);
        return;
    }
    bool has_own = idr != NULL && identity_parse(idr->id_type, idr->content, &own);
    struct ike_tunnel *tunnel = find_tunnel(sa, idi, has_own ? &own : NULL);
    if (tunnel == NULL) {
        refuse_peer(sa);
        return;
    }
    ike_sa_set_tunnel(sa, tunnel);
    if (auth == NULL || auth->method != AUTH_METHOD_PSK) {
        auth_failure_of_method(sa, auth);
        refuse_peer(sa);
        return;
    }
    sa->state = IKE_SA_AUTHENTICATING;
    sa->local_id = tunnel_local_identity(tunnel, &sa->local.address);
    take_settings(sa);
    auth_failure_note_wishes(sa, message);
    authentication_verify_and_sign(sa, message, both_authenticated);
}
