#include "ike/exchanges/invalid_spi_in_clear.h"

#include "ike/services/log.h"
#include "ike/services/send.h"

/* The IKE SPIs are zero: none would mean anything to the recipient. The flags are a request's, which nobody
 * answers (RFC 7296 1.5). */
static void send_in_clear(struct ike_engine *engine, uint32_t spi, const struct arrival *esp)
{
    const struct ike_header header = {.exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
    bool in_udp = esp->remote->port != 0;
    const struct ip_endpoint from = {esp->local->address, in_udp ? IKE_NAT_PORT : IKE_PORT};
    const struct ip_endpoint to = {esp->remote->address, in_udp ? esp->remote->port : IKE_PORT};
    const struct answer_route route = candidates_route(engine, esp);
    uint8_t content[4];
    store_u32be(content, spi);
    struct message_writer m = message_begin(engine->message_scratch, SCRATCH_SIZE, &header);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_SPI,
                       (struct octets){content, sizeof content});
    engine_send(engine, 0, &from, &to, route.ifindex, route.mark, message_finish(&m));
}

void invalid_spi_answer_in_clear(struct ike_engine *engine, uint32_t spi, const struct arrival *esp)
{
    const struct ip_endpoint *remote = esp->remote;
    struct unknown_senders *senders = &engine->objects->unknown_senders;
    if (unknown_senders_may_log(senders, &remote->address, engine->now)) {
        char from[IP_TEXT_SIZE];
        engine_log(
            engine, LOG_LEVEL_NOTICE, LOG_IPSEC,
            "ESP from %s on SPI 0x%08x, which is unknown here; there is no SA with that address, and no "
            "tunnel that may begin one: the sender is told so (INVALID_SPI)",
            remote->port != 0 ? ip_endpoint_format(remote, from) : ip_address_format(&remote->address, from),
            spi);
    }
    if (esp->local->address.family == remote->address.family &&
        unknown_senders_may_answer(senders, &remote->address, engine->now))
        send_in_clear(engine, spi, esp);
}

bool invalid_spi_is_in_clear(const struct ike_header *header)
{
    return header->exchange == EXCHANGE_INFORMATIONAL && !(header->flags & IKE_FLAG_RESPONSE) &&
           header->next_payload == PAYLOAD_NOTIFY;
}

/* Counts the message. Returns the SPI that it is about; 0 if it is about none, or can't be read. */
static uint32_t unknown_spi_of(struct ike_engine *engine, const struct ike_header *header,
                               struct octets datagram)
{
    struct ike_message message = {.header = *header};
    struct octets payloads = {datagram.at + IKE_HEADER_SIZE, datagram.length - IKE_HEADER_SIZE};
    bool parsed = ike_payloads_parse(payloads, header->next_payload, &message, NULL, NULL) == MESSAGE_OK;
    engine_count(engine, parsed ? IKE_COUNT_IN_CLEAR : IKE_COUNT_MALFORMED);
    if (!parsed)
        return 0;
    const struct ike_payload *notify = ike_message_notify(&message, NOTIFY_INVALID_SPI);
    return notify != NULL && notify->content.length == 4 ? load_u32be(notify->content.at) : 0;
}

static void ask_for_liveness(struct ike_sa *sa, uint32_t spi)
{
    if (!ike_sa_may_take_hint(sa))
        return;
    ike_sa_log(
        sa, LOG_LEVEL_INFO, LOG_IKEV2,
        "an unauthenticated message from the peer's address says that the SPI 0x%08x, by which packets go "
        "to it, is unknown there (INVALID_SPI): asking the peer",
        spi);
    if (STAILQ_EMPTY(&sa->tasks)) /* else its answer, or none, will tell */
        ike_sa_add_task(sa, TASK_LIVENESS, 0);
}

void invalid_spi_take_hint(struct ike_engine *engine, const struct ip_endpoint *remote,
                           const struct ike_header *header, struct octets datagram)
{
    enum { LOOKS_IN_A_SECOND = 10 }; /* all IKE SAs are looked through, for a message that anybody can send */
    uint32_t spi = unknown_spi_of(engine, header, datagram);
    if (spi == 0 || !ike_budget_spend(&engine->objects->hints, LOOKS_IN_A_SECOND, engine->now))
        return;
    struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->all_sas, all_link)
    {
        if (sa->state == IKE_SA_ESTABLISHED && ip_address_equal(&sa->remote.address, &remote->address) &&
            child_sa_by_outbound(sa, spi) != NULL) {
            ask_for_liveness(sa, spi);
            return;
        }
    }
}
