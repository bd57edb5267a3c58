#include "ike/exchanges/ike_sa_init_responder.h"

#include "ike/exchanges/certificates.h"
#include "ike/exchanges/cookie.h"
#include "ike/exchanges/nat_detection.h"
#include "ike/reasons/init_failure.h"
#include "ike/sa/candidates.h"
#include "ike/sa/debug_log.h"
#include "ike/sa/exchange.h"
#include "ike/sa/half_open.h"
#include "ike/sa/nonce.h"
#include "ike/services/send.h"

/* An IKE_SA_INIT response that consists of one error notify; no state is kept. */
static void refuse(struct ike_engine *engine, const struct arrival *arrival,
                   const struct candidates *candidates, const struct ike_header *request, uint16_t notify,
                   struct octets content)
{
    engine_answer_in_clear(engine, arrival->local, arrival->remote,
                           arrival_outgoing(arrival, candidates->ifindex), candidates->mark, request, notify,
                           content);
}

/* The key of a request that is refused: a hash of the initiator's SPI and endpoint. */
static uint64_t request_key(uint64_t spi_i, const struct ip_endpoint *remote)
{
    uint64_t key = spi_i ^ ((uint64_t)remote->port << 48);
    for (size_t i = 0; i < 16; i += 8)
        key = (key ^ load_u64be(&remote->address.octets[i])) * UINT64_C(0x9e3779b97f4a7c15);
    return key | 1;
}

/*
 * The key of an initiator's half-open SA. Another nonce is another negotiation, though by the same SPI: one
 * of another initiator behind the same NAT, or of one that has started anew (RFC 7296 2.1). Never 0.
 */
static uint64_t half_open_key(uint64_t spi_i, const struct ip_endpoint *remote, struct octets nonce)
{
    uint64_t key = request_key(spi_i, remote);
    for (size_t i = 0; i < nonce.length; i++)
        key = (key ^ nonce.at[i]) * UINT64_C(0x100000001b3);
    return key | 1;
}

/* True if the request was answered before, and is answered again, or is being answered. */
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

/* The chosen group is not the one of the KE payload (RFC 7296 1.2). */
static void refuse_group(struct ike_engine *engine, const struct arrival *arrival,
                         const struct candidates *candidates, const struct ike_message *request)
{
    uint8_t group[2];
    store_u16be(group, candidates->choice.suite.dh->id);
    refuse(engine, arrival, candidates, &request->header, NOTIFY_INVALID_KE_PAYLOAD,
           (struct octets){group, sizeof group});
}

/* The key exchange is done: answers the request. */
static void send_answer(struct ike_sa *sa, const struct ike_message *request)
{
    struct ike_engine *engine = sa->engine;
    struct ike_handshake *h = sa->handshake;
    const struct arrival arrival = {&sa->local, &sa->remote, sa->arrival_ifindex};
    const struct candidates candidates = candidates_of_init(engine, &arrival, NULL);
    bool nat_traversal = nat_detection_take(sa, request, &sa->remote, candidates.nat_traversal);
    sa->encapsulate = nat_traversal && (sa->nat_local || sa->nat_remote || candidates.nat_force);

    const struct ike_header header = {
        .spi_i = sa->spi_i, .spi_r = sa->spi_r, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    struct message_writer m = message_begin(engine->message_scratch, SCRATCH_SIZE, &header);
    proposal_put_choice(&m, PROTOCOL_IKE, h->init_proposal, (struct octets){NULL, 0}, &sa->suite);
    message_put_ke(&m, sa->suite.dh->id, key_exchange_own_share(&h->key_exchange));
    message_put_nonce(&m, ike_buffer_octets(&sa->nonce_r));
    certificates_put_request(&m, &candidates.authorities[0][0], candidates.authority_count);
    if (nat_traversal)
        nat_detection_write(sa, candidates.nat_force, &m);
    sa->fragmentation = ike_message_notify(request, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    if (sa->fragmentation)
        message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED,
                           (struct octets){NULL, 0});
    if (candidates.authority_count > 0 && certificates_hashes_of(request) != 0)
        certificates_put_hashes(&m);
    struct octets response = message_finish(&m);
    if (!ike_buffer_set(&h->init_response, response)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    ike_sa_send_plain_response(sa, response);
}

static void share_answered(struct ike_sa *sa, const struct ike_job_result *result)
{
    if (!ike_sa_take_secret(sa, result)) {
        ike_sa_fail(sa, "Diffie-Hellman failed");
        return;
    }
    struct ike_message request = {.count = 0};
    struct octets octets = ike_buffer_octets(&sa->handshake->init_request);
    if (!ike_header_parse(octets, &request.header))
        return;
    struct octets payloads = {octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    (void)ike_payloads_parse(payloads, request.header.next_payload, &request, NULL, NULL);
    half_open_note_answer(sa->engine);
    send_answer(sa, &request);
}

/* Makes a half-open SA for the initiator, and has the key exchange done. */
static void answer(struct ike_engine *engine, const struct arrival *arrival, struct octets datagram,
                   const struct ike_message *message, const struct candidates *candidates)
{
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
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
    if (!half_open_make_room(sa, datagram.length)) {
        ike_sa_destroy(sa, "unauthenticated peers have sent too much");
        return;
    }
    struct ike_handshake *h = sa->handshake;
    sa->ifindex = arrival_outgoing(arrival, candidates->ifindex);
    sa->mark = candidates->mark;
    sa->suite = candidates->choice.suite;
    h->init_proposal = candidates->choice.number;
    sa->half_open_key = half_open_key(sa->spi_i, arrival->remote, nonce_of(message));
    if (!nonce_take(&sa->nonce_i, message) || !nonce_make(engine, &sa->nonce_r) ||
        !ike_buffer_set(&h->init_request, datagram) ||
        !map_put(&engine->objects->half_open, sa->half_open_key, sa)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    half_open_count_octets(sa);
    char endpoints[2 * IP_TEXT_SIZE];
    engine_log(engine, LOG_LEVEL_NOTICE, LOG_IKEV2, "negotiation started by the peer on %s",
               ike_sa_endpoints(sa, endpoints));
    ike_sa_log_message(sa, "received", message);
    key_exchange_answer(sa, &h->key_exchange, sa->suite.dh, ke->content, share_answered);
}

/* Refuses a request that no choice can answer, and logs why (S34). */
static void refuse_with_reason(struct ike_engine *engine, const struct arrival *arrival,
                               const struct candidates *candidates, const struct ike_message *message)
{
    uint16_t notify = candidates->result == PROPOSAL_NONE ? NOTIFY_NO_PROPOSAL_CHOSEN : NOTIFY_INVALID_SYNTAX;
    init_failure_of_request(engine, request_key(message->header.spi_i, arrival->remote), arrival, candidates,
                            message);
    refuse(engine, arrival, candidates, &message->header, notify, (struct octets){NULL, 0});
}

void ike_sa_init_request(struct ike_engine *engine, const struct ip_endpoint *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram,
                         const struct ike_message *message)
{
    const struct arrival arrival = {local, remote, ifindex};
    const struct octets nonce = nonce_of(message);
    if (is_known_request(engine, half_open_key(message->header.spi_i, remote, nonce), &arrival, datagram))
        return;
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    if (offer == NULL || ke == NULL || nonce.length == 0) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    if (!engine->stopping && cookie_is_missing(engine, remote, message, nonce)) {
        const struct answer_route route = candidates_route(engine, &arrival);
        cookie_demand(engine, local, remote, route.ifindex, route.mark, message, nonce);
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
    if (engine->objects->half_open_count >= half_open_limit(engine->objects)) {
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
    init_failure_of_critical(engine, request_key(request->spi_i, remote), &arrival, payload_type);
    refuse(engine, &arrival, &candidates, request, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD,
           (struct octets){&payload_type, 1});
}
