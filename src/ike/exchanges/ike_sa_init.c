#include "ike/exchanges/ike_sa_init.h"

#include "base/secret.h"
#include "ike/exchanges/cookie.h"
#include "ike/exchanges/ike_auth.h"
#include "ike/exchanges/nat_detection.h"
#include "ike/reasons/init_failure.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/candidates.h"
#include "ike/sa/debug_log.h"
#include "ike/sa/exchange.h"
#include "ike/services/send.h"

enum {
    RESTARTS_MAX = 6,     /* COOKIE and INVALID_KE_PAYLOAD may come several times, but not for ever */
    COOKIE_SIZE_MAX = 64, /* RFC 7296 2.6 */
};

/* The secret is there: derives the keys of the IKE SA from it. False if something failed. */
static bool take_secret(struct ike_sa *sa, const struct ike_job_result *result)
{
    struct key_exchange *x = &sa->handshake->key_exchange;
    bool ok = key_exchange_take(x, result) &&
              ike_keys_derive(&sa->suite, key_exchange_secret(x), ike_buffer_octets(&sa->nonce_i),
                              ike_buffer_octets(&sa->nonce_r), sa->spi_i, sa->spi_r, &sa->keys);
    secret_wipe(x->secret, sizeof x->secret);
    return ok;
}

static bool make_nonce(struct ike_sa *sa, struct ike_buffer *nonce)
{
    uint8_t octets[NONCE_SIZE];
    engine_random(sa->engine, octets, sizeof octets);
    return ike_buffer_set(nonce, (struct octets){octets, sizeof octets});
}

/* ---- Initiator --------------------------------------------------------------------------------------- */

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
}

static void share_generated(struct ike_sa *sa, const struct ike_job_result *result)
{
    if (!key_exchange_take(&sa->handshake->key_exchange, result)) {
        ike_sa_fail(sa, "Diffie-Hellman failed");
        return;
    }
    ike_sa_add_task(sa, TASK_IKE_SA_INIT, 0);
}

void ike_sa_init_start(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    algorithm_set groups = tunnel->policy.ike.dh;
    struct ike_sa *sa = groups == 0 ? NULL : ike_sa_new(engine, true, ike_sa_unused_spi(engine));
    if (sa == NULL) {
        tunnel_log(engine, tunnel, LOG_LEVEL_WARN, LOG_IKEV2, "negotiation failed: out of memory");
        return;
    }
    ike_sa_set_tunnel(sa, tunnel);
    if (!ike_sa_begin_handshake(sa)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    sa->local = (struct ip_endpoint){tunnel->route.local, IKE_PORT};
    sa->remote = (struct ip_endpoint){tunnel->route.remote, IKE_PORT};
    sa->peer_address = tunnel->route.remote;
    sa->ifindex = tunnel->route.ifindex;
    sa->mark = tunnel->route.mark;
    sa->local_id = tunnel_local_identity(tunnel, &tunnel->route.local);
    sa->remote_id = tunnel->policy.remote_id;
    char endpoints[2 * IP_TEXT_SIZE];
    tunnel_log(engine, tunnel, LOG_LEVEL_NOTICE, LOG_IKEV2, "negotiation started on %s",
               ike_sa_endpoints(sa, endpoints));
    if (!make_nonce(sa, &sa->nonce_i)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    key_exchange_generate(sa, &sa->handshake->key_exchange, &key_exchange_methods[__builtin_ctz(groups)],
                          share_generated);
}

/*
 * Nothing in the answers to IKE_SA_INIT is authenticated, so one that is an error, or that cannot be taken,
 * only ends the negotiation when nothing better comes (RFC 7296 2.21.1): an error when the request is due
 * again.
 */
static void note_error(struct ike_sa *sa, const struct ike_payload *error)
{
    refusal_note(sa, error);
    sa->handshake->refused = true;
}

/* The request goes out again, changed: it is a new one with the same message ID (RFC 7296 2.6, 2.7). */
static bool may_restart(struct ike_sa *sa)
{
    if (++sa->handshake->restarts > RESTARTS_MAX)
        return false;
    ike_sa_drop_tasks(sa);
    failure_forget_note(sa); /* whoever refused before, somebody goes along now */
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
    if (!take_secret(sa, result)) {
        ike_sa_fail(sa, "Diffie-Hellman failed");
        return;
    }
    ike_sa_changed(sa);
    ike_auth_start(sa);
}

/* Both ends' NAT detection is read, and IKE moves to port 4500 if there is a NAT (RFC 7296 2.23). */
static void apply_nat_detection(struct ike_sa *sa, const struct ike_message *message)
{
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    if (!policy->nat_traversal || !nat_detection_read(sa, message))
        return;
    sa->encapsulate = sa->nat_local || sa->nat_remote || policy->nat_force;
    if (!sa->encapsulate)
        return;
    sa->local.port = IKE_NAT_PORT;
    sa->remote.port = IKE_NAT_PORT;
}

static bool nonce_is_valid(const struct ike_payload *nonce)
{
    return nonce != NULL && nonce->content.length >= NONCE_SIZE_MIN &&
           nonce->content.length <= NONCE_SIZE_MAX;
}

/* Whether the peer's choice and its KE fit what we sent. If not, it is noted what is wrong. */
static bool answer_fits(struct ike_sa *sa, const struct ike_message *message, struct proposal_choice *choice)
{
    const struct key_exchange_method *method = sa->handshake->key_exchange.method;
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    const struct proposal_policy policy = proposal_policy_of_ike(&sa->tunnel->policy.ike);
    if (message->header.spi_r == 0 || offer == NULL || ke == NULL ||
        !nonce_is_valid(ike_message_find(message, PAYLOAD_NONCE))) {
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

void ike_sa_init_response(struct ike_sa *sa, const struct ike_message *message, struct octets datagram)
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
    const struct ike_payload *nonce = ike_message_find(message, PAYLOAD_NONCE);
    if (!ike_buffer_set(&sa->nonce_r, nonce->content) || !ike_buffer_set(&h->init_response, datagram) ||
        !ike_buffer_set(&h->init_request, ike_buffer_octets(&sa->request))) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    ike_sa_end_task(sa);
    failure_forget_note(sa); /* it was not the peer who refused */
    sa->request_id++;
    sa->spi_r = message->header.spi_r;
    sa->suite = choice.suite;
    sa->state = IKE_SA_AUTHENTICATING;
    sa->fragmentation = ike_message_notify(message, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    apply_nat_detection(sa, message);
    key_exchange_finish(sa, &h->key_exchange, ke->content, secret_is_there);
}

/* ---- Responder --------------------------------------------------------------------------------------- */

static void init_write_response(struct ike_sa *sa, const struct ike_message *request);

/* An IKE_SA_INIT response that consists of one error notify; no state is kept. */
static void refuse(struct ike_engine *engine, const struct arrival *arrival,
                   const struct candidates *candidates, const struct ike_header *request, uint16_t notify,
                   struct octets content)
{
    engine_answer_in_clear(engine, arrival->local, arrival->remote,
                           arrival_outgoing(arrival, candidates->ifindex), candidates->mark, request, notify,
                           content);
}

/* Where the half-open SA of an initiator stands: its SPI and endpoint, mixed. Never 0. */
static uint64_t half_open_key(uint64_t spi_i, const struct ip_endpoint *remote)
{
    uint64_t key = spi_i ^ ((uint64_t)remote->port << 48);
    for (size_t i = 0; i < 16; i += 8)
        key = (key ^ load_u64be(&remote->address.octets[i])) * UINT64_C(0x9e3779b97f4a7c15);
    return key | 1;
}

/* The request is one that was answered, or is being answered: true if there is nothing more to do. */
static bool is_known_request(struct ike_engine *engine, uint64_t key, const struct arrival *arrival,
                             struct octets datagram)
{
    struct ike_sa *sa = map_find(&engine->objects->half_open, key);
    if (sa == NULL)
        return false;
    bool same = ip_endpoint_equal(&sa->remote, arrival->remote) && sa->handshake != NULL &&
                octets_equal(ike_buffer_octets(&sa->handshake->init_request), datagram);
    if (!same || sa->response.length == 0) {
        engine_count(engine, IKE_COUNT_OUT_OF_WINDOW);
        return true;
    }
    engine_count(engine, IKE_COUNT_REPLAYED);
    ike_sa_send(sa, ike_buffer_octets(&sa->response), &sa->local, &sa->remote);
    return true;
}

/* The wanted group differs from the one of the KE payload: RFC 7296 1.2. */
static void refuse_group(struct ike_engine *engine, const struct arrival *arrival,
                         const struct candidates *candidates, const struct ike_message *request)
{
    uint8_t group[2];
    store_u16be(group, candidates->choice.suite.dh->id);
    refuse(engine, arrival, candidates, &request->header, NOTIFY_INVALID_KE_PAYLOAD,
           (struct octets){group, sizeof group});
}

static void share_answered(struct ike_sa *sa, const struct ike_job_result *result)
{
    if (!take_secret(sa, result)) {
        ike_sa_fail(sa, "Diffie-Hellman failed");
        return;
    }
    struct ike_message request = {.count = 0};
    struct octets octets = ike_buffer_octets(&sa->handshake->init_request);
    if (!ike_header_parse(octets, &request.header))
        return;
    struct octets payloads = {octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    (void)ike_payloads_parse(payloads, request.header.next_payload, &request, NULL, NULL);
    init_write_response(sa, &request);
}

static void init_write_response(struct ike_sa *sa, const struct ike_message *request)
{
    struct ike_engine *engine = sa->engine;
    struct ike_handshake *h = sa->handshake;
    const struct arrival arrival = {&sa->local, &sa->remote, sa->arrival_ifindex};
    const struct candidates candidates = candidates_of_init(engine, &arrival, NULL);
    bool nat_traversal = candidates.nat_traversal && nat_detection_read(sa, request);
    sa->encapsulate = nat_traversal && (sa->nat_local || sa->nat_remote || candidates.nat_force);

    const struct ike_header header = {
        .spi_i = sa->spi_i, .spi_r = sa->spi_r, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    struct message_writer m = message_begin(engine->message_scratch, SCRATCH_SIZE, &header);
    proposal_put_choice(&m, PROTOCOL_IKE, h->init_proposal, (struct octets){NULL, 0}, &sa->suite);
    message_put_ke(&m, sa->suite.dh->id, key_exchange_own_share(&h->key_exchange));
    message_put_nonce(&m, ike_buffer_octets(&sa->nonce_r));
    if (nat_traversal)
        nat_detection_write(sa, candidates.nat_force, &m);
    sa->fragmentation = ike_message_notify(request, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    if (sa->fragmentation)
        message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED,
                           (struct octets){NULL, 0});
    struct octets response = message_finish(&m);
    if (!ike_buffer_set(&h->init_response, response)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    ike_sa_send_plain_response(sa, response);
}

/* Keeps state for the initiator, and has the key exchange done. */
static void answer(struct ike_engine *engine, const struct arrival *arrival, struct octets datagram,
                   const struct ike_message *message, const struct candidates *candidates)
{
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    const struct ike_payload *nonce = ike_message_find(message, PAYLOAD_NONCE);
    struct ike_sa *sa = ike_sa_new(engine, false, ike_sa_unused_spi(engine));
    if (sa == NULL) {
        failure_warn_arrival(engine, arrival, 0, "out of memory");
        return;
    }
    sa->spi_i = message->header.spi_i;
    sa->local = *arrival->local;
    sa->remote = *arrival->remote;
    sa->reply_local = *arrival->local;
    sa->reply_remote = *arrival->remote;
    sa->arrival_ifindex = arrival->ifindex;
    if (!ike_sa_begin_handshake(sa)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    struct ike_handshake *h = sa->handshake;
    sa->ifindex = arrival_outgoing(arrival, candidates->ifindex);
    sa->mark = candidates->mark;
    sa->suite = candidates->choice.suite;
    h->init_proposal = candidates->choice.number;
    sa->half_open_key = half_open_key(sa->spi_i, arrival->remote);
    if (!ike_buffer_set(&sa->nonce_i, nonce->content) || !make_nonce(sa, &sa->nonce_r) ||
        !ike_buffer_set(&h->init_request, datagram) ||
        !map_put(&engine->objects->half_open, sa->half_open_key, sa)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    char endpoints[2 * IP_TEXT_SIZE];
    engine_log(engine, LOG_LEVEL_NOTICE, LOG_IKEV2, "negotiation started by the peer on %s",
               ike_sa_endpoints(sa, endpoints));
    ike_sa_log_message(sa, "received", message);
    key_exchange_answer(sa, &h->key_exchange, sa->suite.dh, ke->content, share_answered);
}

/* The request cannot be answered with a choice: refuses it, and tells why (S34). */
static void refuse_with_reason(struct ike_engine *engine, const struct arrival *arrival,
                               const struct candidates *candidates, const struct ike_message *message)
{
    uint16_t notify = candidates->result == PROPOSAL_NONE ? NOTIFY_NO_PROPOSAL_CHOSEN : NOTIFY_INVALID_SYNTAX;
    init_failure_of_request(engine, half_open_key(message->header.spi_i, arrival->remote), arrival,
                            candidates, message);
    refuse(engine, arrival, candidates, &message->header, notify, (struct octets){NULL, 0});
}

/*
 * The route of an answer with a cookie. Under load nobody's request is to cost a search for its tunnel,
 * whether there is one or not; but if tunnels have routes of their own, the peer may be reached by those
 * alone.
 */
static struct candidates candidates_of_cookie(const struct ike_engine *engine, const struct arrival *arrival)
{
    if (engine->objects->groups.routed_apart == 0)
        return (struct candidates){.count = 0};
    return candidates_of_init(engine, arrival, NULL);
}

void ike_sa_init_request(struct ike_engine *engine, const struct ip_endpoint *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram,
                         const struct ike_message *message)
{
    const struct arrival arrival = {local, remote, ifindex};
    if (is_known_request(engine, half_open_key(message->header.spi_i, remote), &arrival, datagram))
        return;
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    const struct ike_payload *nonce = ike_message_find(message, PAYLOAD_NONCE);
    if (offer == NULL || ke == NULL || !nonce_is_valid(nonce)) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    if (!engine->stopping && cookie_is_missing(engine, remote, message, nonce->content)) {
        const struct candidates candidates = candidates_of_cookie(engine, &arrival);
        cookie_demand(engine, local, remote, arrival_outgoing(&arrival, candidates.ifindex), candidates.mark,
                      message, nonce->content);
        return;
    }
    const struct candidates candidates = candidates_of_init(engine, &arrival, offer);
    if (candidates.count == 0 || engine->stopping) {
        init_failure_of_unknown_peer(engine, &arrival);
        return;
    }
    if (candidates.result == PROPOSAL_INVALID) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    if (candidates.result == PROPOSAL_NONE) {
        refuse_with_reason(engine, &arrival, &candidates, message);
        return;
    }
    const struct key_exchange_method *group = candidates.choice.suite.dh;
    if (ke->dh_group != group->id) {
        refuse_group(engine, &arrival, &candidates, message);
        return;
    }
    if (!key_exchange_share_fits(group, KEY_EXCHANGE_ANSWER, ke->content)) {
        refuse_with_reason(engine, &arrival, &candidates, message);
        return;
    }
    if (engine->objects->half_open_count >= HALF_OPEN_MAX) {
        engine_count(engine, IKE_COUNT_HALF_OPEN_LIMIT);
        return;
    }
    answer(engine, &arrival, datagram, message, &candidates);
}

void ike_sa_init_critical(struct ike_engine *engine, const struct ip_endpoint *local,
                          const struct ip_endpoint *remote, uint32_t ifindex,
                          const struct ike_header *request, uint8_t payload_type)
{
    const struct arrival arrival = {local, remote, ifindex};
    const struct candidates candidates = candidates_of_init(engine, &arrival, NULL);
    if (candidates.count == 0 || engine->stopping) {
        init_failure_of_unknown_peer(engine, &arrival);
        return;
    }
    init_failure_of_critical(engine, half_open_key(request->spi_i, remote), &arrival, payload_type);
    refuse(engine, &arrival, &candidates, request, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD,
           (struct octets){&payload_type, 1});
}
