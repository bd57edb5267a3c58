#include "ike/exchanges/ike_sa_init_initiator.h"

#include "ike/exchanges/certificates.h"
#include "ike/exchanges/connect.h"
#include "ike/exchanges/ike_auth_initiator.h"
#include "ike/exchanges/nat_detection.h"
#include "ike/exchanges/peer_address.h"
#include "ike/reasons/init_failure.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/candidates.h"
#include "ike/sa/nonce.h"

enum {
    RESTARTS_MAX = 6,     /* COOKIE and INVALID_KE_PAYLOAD may come several times, but not for ever */
    COOKIE_SIZE_MAX = 64, /* RFC 7296 2.6 */
};

static void init_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);

/* Its response comes in the clear, by ike_sa_init_response. */
const struct ike_task_kind task_ike_sa_init = {
    .number = TASK_IKE_SA_INIT,
    .exchange = EXCHANGE_IKE_SA_INIT,
    .name = "IKE_SA_INIT",
    .write = init_write,
};

static void init_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    (void)task;
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    const struct proposal_policy proposal = proposal_policy_of_ike(&policy->ike);
    struct ike_handshake *h = sa->handshake;
    if (h->cookie.length > 0)
        message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_COOKIE,
                           ike_buffer_octets(&h->cookie));
    proposal_put_all(m, &proposal, (struct octets){NULL, 0});
    message_put_ke(m, h->key_exchange.method->id, key_exchange_own_share(&h->key_exchange));
    message_put_nonce(m, ike_buffer_octets(&sa->nonce_i));
    if (policy->nat_traversal)
        nat_detection_write(sa, policy->nat_force, m);
    message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED,
                       (struct octets){NULL, 0});
    /* Also where we only sign: without it the peer would not tell us which algorithms it knows. */
    if (policy->remote_auth == AUTH_KIND_RSA || policy->local_auth == AUTH_KIND_RSA)
        certificates_put_hashes(m);
}

static void share_generated(struct ike_sa *sa, const struct ike_job_result *result)
{
    if (!key_exchange_take(&sa->handshake->key_exchange, result)) {
        ike_sa_fail(sa, "Diffie-Hellman failed");
        return;
    }
    ike_sa_add_task(sa, TASK_IKE_SA_INIT, 0);
}

/* The tunnel's route, and the IDs of both ends. False if there is no memory. */
static bool take_route(struct ike_sa *sa)
{
    const struct ike_tunnel *tunnel = sa->tunnel;
    const struct identity local = tunnel_local_identity(tunnel, &tunnel->route.local);
    sa->local = (struct ip_endpoint){tunnel->route.local, IKE_PORT};
    sa->remote = (struct ip_endpoint){tunnel->route.remote, IKE_PORT};
    sa->ifindex = tunnel->route.ifindex;
    sa->mark = tunnel->route.mark;
    return identity_keep(&sa->local_id, &local) && identity_keep(&sa->remote_id, &tunnel->policy.remote_id);
}

/* The route is known, and a later change of the name's addresses ends the SA (R41). */
static void start(struct ike_sa *sa)
{
    char endpoints[2 * IP_TEXT_SIZE];
    sa->peer_address = sa->remote.address;
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "negotiation started on %s", ike_sa_endpoints(sa, endpoints));
    if (!nonce_make(sa->engine, &sa->nonce_i)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    key_exchange_generate(sa, &sa->handshake->key_exchange,
                          &key_exchange_methods[__builtin_ctz(sa->tunnel->policy.ike.dh)], share_generated);
}

/* The name of a peer that did not answer was looked up. */
static void looked_up(struct ike_sa *sa, const struct ike_job_result *result)
{
    (void)result; /* the tunnel has been told; where it can't be looked up, its address stays */
    const char *hindrance = connect_hindrance(sa->engine, sa->tunnel);
    if (hindrance != NULL || sa->tunnel->policy.ike.dh == 0) {
        ike_sa_fail(sa, hindrance != NULL ? hindrance : "no DH group is allowed");
        return;
    }
    if (take_route(sa))
        start(sa);
    else
        ike_sa_fail(sa, "out of memory");
}

void ike_sa_init_start(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    struct ike_sa *sa =
        tunnel->policy.ike.dh == 0 ? NULL : ike_sa_new(engine, true, ike_sa_unused_spi(engine));
    if (sa == NULL) {
        tunnel_log(engine, tunnel, LOG_LEVEL_WARN, LOG_IKEV2, "negotiation failed: out of memory");
        return;
    }
    ike_sa_set_tunnel(sa, tunnel);
    if (!ike_sa_begin_handshake(sa) || !take_route(sa)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    if (!tunnel->peer_is_silent) {
        start(sa);
        return;
    }
    static const struct ip_address not_seen = {.family = IP_NONE};
    tunnel->peer_is_silent = false;
    tunnel_log(engine, tunnel, LOG_LEVEL_INFO, LOG_IKEV2,
               "the peer did not answer: the address of %s is looked up first", tunnel->policy.peer_fqdn);
    peer_address_look_up(sa, &not_seen, looked_up);
}

/*
 * Answers to IKE_SA_INIT are not authenticated. So one that is an error, or that cannot be taken, ends the
 * negotiation only if nothing better comes (RFC 7296 2.21.1); after an error that is awaited only until the
 * request would be sent again.
 */
static void note_error(struct ike_sa *sa, const struct ike_payload *error)
{
    refusal_note(sa, error);
    sa->handshake->refused = true;
}

/* The request is sent again, changed: a new one with the same message ID (RFC 7296 2.6, 2.7). False: no more.
 */
static bool may_restart(struct ike_sa *sa)
{
    if (++sa->handshake->restarts > RESTARTS_MAX)
        return false;
    ike_sa_drop_tasks(sa);
    failure_forget_note(sa); /* a better answer than the one before has come */
    return true;
}

static void restart_with_cookie(struct ike_sa *sa, const struct ike_payload *cookie)
{
    if (cookie->content.length == 0 || cookie->content.length > COOKIE_SIZE_MAX) {
        failure_note(sa, PEER_SETTING, "the peer asks for a cookie of %zu octets", cookie->content.length);
        return;
    }
    if (!may_restart(sa)) {
        failure_note(sa, PEER_SETTING, "the peer asks for yet another cookie each time");
        sa->handshake->refused = true;
        return;
    }
    ike_sa_log(sa, LOG_LEVEL_INFO, LOG_IKEV2, "the peer asks for a cookie");
    if (!ike_buffer_set(&sa->handshake->cookie, cookie->content)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    ike_sa_add_task(sa, TASK_IKE_SA_INIT, 0);
}

static void restart_with_group(struct ike_sa *sa, const struct ike_payload *notify)
{
    struct reader r = reader_of(notify->content.at, notify->content.length);
    const struct key_exchange_method *group = key_exchange_by_id(reader_u16be(&r));
    bool allowed =
        group != NULL && algorithm_set_has(sa->tunnel->policy.ike.dh, (size_t)(group - key_exchange_methods));
    if (!allowed) {
        note_error(sa, notify);
        return;
    }
    bool same =
        group == sa->handshake->key_exchange.method; /* maybe a late answer to the request before this one */
    if (same || !may_restart(sa)) {
        failure_note(sa, SETTING_BIT(SETTING_IKE_DH),
                     "the peer refuses our KE of %s and wants one of %s (INVALID_KE_PAYLOAD)",
                     sa->handshake->key_exchange.method->name, group->name);
        sa->handshake->refused = !same;
        return;
    }
    ike_sa_log(sa, LOG_LEVEL_INFO, LOG_IKEV2, "the peer wants DH group %s", group->name);
    key_exchange_generate(sa, &sa->handshake->key_exchange, group, share_generated);
}

static void secret_is_there(struct ike_sa *sa, const struct ike_job_result *result)
{
    if (!ike_sa_take_secret(sa, result)) {
        ike_sa_fail(sa, "Diffie-Hellman failed");
        return;
    }
    ike_sa_changed(sa);
    ike_auth_start(sa);
}

/* Reads the NAT detection of both ends. If there is a NAT, IKE moves to port 4500 (RFC 7296 2.23). */
static void apply_nat_detection(struct ike_sa *sa, const struct ike_message *message,
                                const struct ip_endpoint *from)
{
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    if (!nat_detection_take(sa, message, from, policy->nat_traversal))
        return;
    sa->encapsulate = sa->nat_local || sa->nat_remote || policy->nat_force;
    if (!sa->encapsulate)
        return;
    sa->local.port = IKE_NAT_PORT;
    sa->remote.port = IKE_NAT_PORT;
}

/* Whether the peer's choice and its KE fit what we sent. If not, notes what is wrong. */
static bool answer_fits(struct ike_sa *sa, const struct ike_message *message, struct proposal_choice *choice)
{
    const struct key_exchange_method *method = sa->handshake->key_exchange.method;
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    const struct proposal_policy policy = proposal_policy_of_ike(&sa->tunnel->policy.ike);
    if (message->header.spi_r == 0 || offer == NULL || ke == NULL || nonce_of(message).length == 0) {
        failure_note(sa, PEER_SETTING, "the peer's answer to IKE_SA_INIT is not complete");
        return false;
    }
    if (proposal_accept(offer, &policy, 0, choice) != PROPOSAL_CHOSEN) {
        init_failure_note_choice(sa, offer);
        return false;
    }
    if (choice->suite.dh != method || ke->dh_group != method->id ||
        !key_exchange_share_fits(method, KEY_EXCHANGE_FINISH, ke->content)) {
        failure_note(sa, SETTING_BIT(SETTING_IKE_DH), "the peer answers our KE of %s with none that fits",
                     method->name);
        return false;
    }
    return true;
}

void ike_sa_init_response(struct ike_sa *sa, const struct ike_message *message, struct octets datagram,
                          const struct ip_endpoint *from)
{
    struct ike_handshake *h = sa->handshake;
    const struct ike_payload *cookie = ike_message_notify(message, NOTIFY_COOKIE);
    const struct ike_payload *invalid_ke = ike_message_notify(message, NOTIFY_INVALID_KE_PAYLOAD);
    const struct ike_payload *error = ike_message_error(message);
    if (cookie != NULL) {
        restart_with_cookie(sa, cookie);
        return;
    }
    if (invalid_ke != NULL) {
        restart_with_group(sa, invalid_ke);
        return;
    }
    if (error != NULL) {
        note_error(sa, error);
        return;
    }
    struct proposal_choice choice;
    if (!answer_fits(sa, message, &choice)) {
        engine_count(sa->engine, IKE_COUNT_MALFORMED);
        return;
    }
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    if (!nonce_take(&sa->nonce_r, message) || !ike_buffer_set(&h->init_response, datagram) ||
        !ike_buffer_set(&h->init_request, ike_buffer_octets(&sa->request))) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    ike_sa_end_task(sa);
    failure_forget_note(sa); /* an earlier refusal did not come from the peer */
    sa->request_id++;
    sa->spi_r = message->header.spi_r;
    sa->suite = choice.suite;
    sa->state = IKE_SA_AUTHENTICATING;
    sa->fragmentation = ike_message_notify(message, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    apply_nat_detection(sa, message, from);
    key_exchange_finish(sa, &h->key_exchange, ke->content, secret_is_there);
}
