#include "ike/exchanges/ike_auth_responder.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/authentication.h"
#include "ike/exchanges/certificates.h"
#include "ike/exchanges/initial_contact.h"
#include "ike/exchanges/peer_address.h"
#include "ike/reasons/auth_failure.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/exchange.h"
#include "ike/wire/identity.h"

static const struct octets no_octets = {NULL, 0};

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

/* Answers the peer: the SAs are up. */
static void accept_peer(struct ike_sa *sa)
{
    const struct ike_message *message = sa->handshake->auth_message;
    struct child_agreement agreement;
    struct child_sa *child = NULL;
    bool initial_contact = ike_message_notify(message, NOTIFY_INITIAL_CONTACT) != NULL;
    uint16_t error = make_child(sa, message, initial_contact, &agreement, &child);
    struct message_writer m = ike_sa_begin_response(sa);
    message_put_id(&m, PAYLOAD_IDR, sa->local_id.type, identity_kept_value(&sa->local_id));
    authentication_put_certificates(&m, sa);
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
    authentication_complete(sa, initial_contact);
    sa->refused = error != 0;
    additional_children_lost(sa, "no Child SA could be made");
}

/* The peer is authenticated, and comes from where it may come from. */
static void answer(struct ike_sa *sa)
{
    if (initial_contact_is_stale(sa)) {
        ike_sa_destroy(sa, "the peer has begun anew since");
        return;
    }
    if (!authentication_has_own(sa)) {
        auth_failure_of_own_key(sa, sa->handshake->own_fault);
        refuse_peer(sa);
        return;
    }
    accept_peer(sa);
}

static void take_route(struct ike_sa *sa)
{
    const struct arrival arrival = {&sa->local, &sa->remote, sa->arrival_ifindex};
    sa->ifindex = arrival_outgoing(&arrival, sa->tunnel->route.ifindex);
    sa->mark = sa->tunnel->route.mark;
}

/* The peer's name was looked up: is the peer at one of its addresses (R41)? */
static void peer_looked_up(struct ike_sa *sa, const struct ike_job_result *result)
{
    (void)result; /* the tunnel has been told */
    if (!peer_address_accept(sa)) {
        auth_failure_of_address(sa);
        refuse_peer(sa);
        return;
    }
    take_route(sa);
    answer(sa);
}

/*
 * The peer's AUTH was verified and, if it is right, ours made. The latter waits while the peer's name is
 * looked up.
 */
static void both_authenticated(struct ike_sa *sa, const struct ike_job_result *result)
{
    enum ike_auth_fault fault = authentication_take(sa, result);
    if (fault != IKE_AUTH_OK && fault != IKE_AUTH_NO_OWN_KEY && fault != IKE_AUTH_NO_SCHEME) {
        auth_failure_of_auth(sa, fault, authentication_reason(result));
        refuse_peer(sa);
        return;
    }
    sa->handshake->own_fault = fault;
    if (peer_address_accept(sa))
        answer(sa);
    else
        peer_address_look_up(sa, &sa->remote.address, peer_looked_up);
}

/* The tunnel with the ID that the peer claims, and that ID. If there is none, logs that and returns NULL. */
static struct ike_tunnel *find_tunnel(struct ike_sa *sa, const struct ike_payload *idi,
                                      const struct identity *idr, struct identity *peer)
{
    const struct arrival arrival = {&sa->local, &sa->remote, sa->arrival_ifindex};
    struct ike_tunnel *tunnel = NULL;
    if (identity_parse(idi->id_type, idi->content, peer))
        tunnel = candidates_find(sa->engine, &arrival, peer, idr);
    if (tunnel == NULL) {
        auth_failure_of_peer_id(sa, &arrival, idi);
        return NULL;
    }
    if (!tunnel_allows_suite(tunnel, &sa->suite)) {
        auth_failure_of_suite(sa, &arrival, tunnel);
        return NULL;
    }
    return tunnel;
}

/*
 * From here on all settings are the tunnel's (S22). Before it was known, all candidates together decided on
 * the route and on NAT detection. What `force` of one of them made the peer believe stays: it sends ESP in
 * UDP, and may take no other. A peer that has not moved to port 4500 does no NAT traversal (RFC 7296 2.23).
 */
static void take_settings(struct ike_sa *sa)
{
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    take_route(sa);
    sa->nat_local &= policy->nat_traversal;
    sa->nat_remote &= policy->nat_traversal;
    sa->encapsulate &= policy->nat_traversal && sa->local.port == IKE_NAT_PORT;
}

void ike_auth_request(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *idi = ike_message_find(message, PAYLOAD_IDI);
    const struct ike_payload *idr = ike_message_find(message, PAYLOAD_IDR);
    const struct ike_payload *auth = ike_message_find(message, PAYLOAD_AUTH);
    struct identity asked_for;
    struct identity peer;
    if (idi == NULL || !identity_is_well_formed(idi->id_type, idi->content) ||
        ike_message_find(message, PAYLOAD_SA) == NULL || ike_message_find(message, PAYLOAD_TSI) == NULL ||
        ike_message_find(message, PAYLOAD_TSR) == NULL) {
        ike_sa_send_error(sa, EXCHANGE_IKE_AUTH, NOTIFY_INVALID_SYNTAX, no_octets);
        return;
    }
    bool asks = idr != NULL && identity_parse(idr->id_type, idr->content, &asked_for);
    struct ike_tunnel *tunnel = find_tunnel(sa, idi, asks ? &asked_for : NULL, &peer);
    if (tunnel == NULL) {
        refuse_peer(sa);
        return;
    }
    ike_sa_set_tunnel(sa, tunnel);
    const struct identity own = tunnel_local_identity(tunnel, &sa->local.address);
    if (!identity_keep(&sa->remote_id, &peer) || !identity_keep(&sa->local_id, &own)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    if (auth == NULL || !certificates_method_fits(tunnel->policy.remote_auth, auth->method)) {
        auth_failure_of_method(sa, auth);
        refuse_peer(sa);
        return;
    }
    sa->state = IKE_SA_AUTHENTICATING;
    take_settings(sa);
    auth_failure_note_unmet(sa, message);
    authentication_verify_and_sign(sa, message, both_authenticated);
}
