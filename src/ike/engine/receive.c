#include "ike/engine/receive.h"

#include "ike/exchanges/ike_sa_init_initiator.h"
#include "ike/exchanges/ike_sa_init_responder.h"
#include "ike/exchanges/invalid_spi_in_clear.h"
#include "ike/reasons/failure.h"
#include "ike/reasons/unanswered.h"
#include "ike/sa/candidates.h"
#include "ike/sa/debug_log.h"
#include "ike/sa/exchange.h"
#include "ike/sa/half_open.h"
#include "ike/services/log.h"
#include "ike/services/send.h"

#include <string.h>

enum { IKEV1_MAJOR = 1, IKEV2_MAJOR = 2 };

/* Whether an SA waits for an answer to its IKE_SA_INIT from that address. `sa` may be NULL. */
static bool is_awaited(const struct ike_sa *sa, const struct ip_endpoint *remote)
{
    return sa != NULL && sa->initiator && sa->state == IKE_SA_INITIATING && sa->request_out && sa->job == 0 &&
           ip_address_equal(&remote->address, &sa->remote.address);
}

/* An IKE_SA_INIT, the one exchange in the clear, is parsed before its SA is known. */
static void receive_init(struct ike_engine *engine, const struct ip_endpoint *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, const struct ike_header *header,
                         struct octets datagram)
{
    struct ike_message message = {.header = *header};
    struct octets payloads = {datagram.at + IKE_HEADER_SIZE, datagram.length - IKE_HEADER_SIZE};
    bool response = (header->flags & IKE_FLAG_RESPONSE) != 0;
    bool from_initiator = (header->flags & IKE_FLAG_INITIATOR) != 0;
    if (header->message_id != 0 || header->spi_i == 0 || response == from_initiator ||
        (!response && header->spi_r != 0)) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    if (!response && !engine->tunnels_told) {
        engine_count(engine, IKE_COUNT_TOO_EARLY);
        return;
    }
    uint8_t payload_type = 0;
    struct ike_sa *sa = response ? map_find(&engine->objects->sas, header->spi_i) : NULL;
    enum message_fault fault =
        ike_payloads_parse(payloads, header->next_payload, &message, NULL, &payload_type);
    if (fault != MESSAGE_OK) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        if (fault == MESSAGE_UNSUPPORTED_CRITICAL && !response)
            ike_sa_init_critical(engine, local, remote, ifindex, header, payload_type);
        if (response && is_awaited(sa, remote))
            failure_note(sa, PEER_SETTING, "the peer's answer to IKE_SA_INIT cannot be read");
        return;
    }
    if (!response) {
        ike_sa_init_request(engine, local, remote, ifindex, datagram, &message);
        return;
    }
    if (!is_awaited(sa, remote)) {
        engine_count(engine, sa == NULL ? IKE_COUNT_UNKNOWN_SPI : IKE_COUNT_OUT_OF_WINDOW);
        return;
    }
    ike_sa_log_message(sa, "received", &message);
    ike_sa_init_response(sa, &message, datagram, remote);
}

/* Answers a request that belongs to no IKE SA with an error. RFC 7296 2.21.4 wants such answers limited. */
static void answer_stray(struct ike_engine *engine, const struct arrival *arrival,
                         const struct ike_header *request, uint16_t notify)
{
    enum { ANSWERS_IN_A_SECOND = 10 };
    if (!ike_budget_spend(&engine->objects->stray_answers, ANSWERS_IN_A_SECOND, engine->now))
        return;
    const struct answer_route route = candidates_route(engine, arrival);
    engine_answer_in_clear(engine, arrival->local, arrival->remote, route.ifindex, route.mark, request,
                           notify, (struct octets){NULL, 0});
}

/* A message for no IKE SA of this end: its sender can tell its operator that we don't know the SA (any more).
 */
static void receive_stray(struct ike_engine *engine, const struct arrival *arrival,
                          const struct ike_header *header, struct octets datagram)
{
    if (invalid_spi_is_in_clear(header)) {
        invalid_spi_take_hint(engine, arrival->remote, header, datagram);
        return;
    }
    engine_count(engine, IKE_COUNT_UNKNOWN_SPI);
    if (!(header->flags & IKE_FLAG_RESPONSE) && header->spi_i != 0 && header->spi_r != 0)
        answer_stray(engine, arrival, header, NOTIFY_INVALID_IKE_SPI);
}

void engine_receive(struct ike_engine *engine, const struct ip_endpoint *local,
                    const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram)
{
    engine_count(engine, IKE_COUNT_RECEIVED);
    const struct arrival arrival = {local, remote, ifindex};
    struct ike_header header;
    bool whole = ike_header_parse(datagram, &header) && datagram.length <= IKE_DATAGRAM_MAX;
    unsigned major = header.version >> 4;
    if (datagram.length >= IKE_HEADER_SIZE && major == IKEV1_MAJOR) {
        struct ike_sa *sa = map_find(&engine->objects->sas, header.spi_i);
        engine_count(engine, IKE_COUNT_IKEV1);
        if (is_awaited(sa, remote))
            failure_note(sa, PEER_SETTING, "the peer answers IKE_SA_INIT in IKEv1");
        else if (header.spi_i != 0 && header.spi_r == 0 && engine->tunnels_told && !engine->stopping)
            unanswered_tell_ikev1(engine, &arrival);
        return;
    }
    if (!whole) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    if (major != IKEV2_MAJOR) {
        engine_count(engine, IKE_COUNT_WRONG_VERSION);
        if (major > IKEV2_MAJOR && !(header.flags & IKE_FLAG_RESPONSE))
            answer_stray(engine, &arrival, &header, NOTIFY_INVALID_MAJOR_VERSION);
        return;
    }
    if (header.exchange == EXCHANGE_IKE_SA_INIT) {
        receive_init(engine, local, remote, ifindex, &header, datagram);
        return;
    }
    bool from_initiator = (header.flags & IKE_FLAG_INITIATOR) != 0;
    struct ike_sa *sa = map_find(&engine->objects->sas, from_initiator ? header.spi_r : header.spi_i);
    if (sa == NULL || sa->initiator == from_initiator || sa->spi_i != header.spi_i ||
        sa->spi_r != header.spi_r) {
        receive_stray(engine, &arrival, &header, datagram);
        return;
    }
    ike_sa_receive(sa, local, remote, ifindex, &header, datagram);
}

void engine_not_sent(struct ike_engine *engine, const struct ip_endpoint *remote, struct octets message,
                     int error)
{
    enum { LINES_IN_A_SECOND = 1 }; /* whoever asks decides how many answers there are, and where they go */
    struct ike_header h;
    char text[IP_TEXT_SIZE];
    if (engine->counters[IKE_COUNT_SENT] > 0)
        engine->counters[IKE_COUNT_SENT]--;
    if (!ike_header_read(message, &h))
        return;
    bool from_initiator = (h.flags & IKE_FLAG_INITIATOR) != 0;
    struct ike_sa *sa = map_find(&engine->objects->sas, from_initiator ? h.spi_i : h.spi_r);
    bool is_answer = (h.flags & IKE_FLAG_RESPONSE) != 0;
    if (is_answer && sa != NULL && half_open_is(sa))
        sa->send_error = error;
    if (is_answer && ike_budget_spend(&engine->objects->unsent_answers, LINES_IN_A_SECOND, engine->now))
        engine_log(engine, LOG_LEVEL_NOTICE, LOG_IKEV2, "an answer to %s can't be sent: %s",
                   ip_endpoint_format(remote, text), strerror(error));
    else if (!is_answer && sa != NULL)
        ike_sa_request_not_sent(sa, &h, error);
}
