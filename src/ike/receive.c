/*
 * A datagram from the network: is it IKEv2, which IKE SA is it for (RFC 7296 2.1, 2.5, 2.6)?
 */
#include "ike/ike_sa.h"

enum { IKEV1_MAJOR = 1, IKEV2_MAJOR = 2 };

/* INVALID_MAJOR_VERSION, unprotected and outside of any SA (RFC 7296 2.5, 3.1). */
static void answer_wrong_version(struct ike_engine *engine, const struct ip_endpoint *local,
                                 const struct ip_endpoint *remote, uint32_t ifindex,
                                 const struct ike_header *h)
{
    if (h->flags & IKE_FLAG_RESPONSE)
        return;
    const struct ike_header header = {
        .spi_i = h->spi_i,
        .spi_r = h->spi_r,
        .exchange = h->exchange,
        .flags = (uint8_t)(IKE_FLAG_RESPONSE | (h->flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR)),
        .message_id = h->message_id,
    };
    struct message_writer m = message_begin(engine->message_scratch, SCRATCH_SIZE, &header);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_MAJOR_VERSION,
                       (struct octets){NULL, 0});
    engine_send(engine, local, remote, ifindex, 0, message_finish(&m));
}

/* An IKE_SA_INIT, the one exchange in the clear, is parsed before its SA is known. */
static void receive_init(struct ike_engine *engine, const struct ip_endpoint *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, const struct ike_header *header,
                         struct octets datagram)
{
    struct ike_message message = {.header = *header};
    struct octets payloads = {datagram.at + IKE_HEADER_SIZE, datagram.length - IKE_HEADER_SIZE};
    if (header->message_id != 0 || header->spi_i == 0 ||
        ike_payloads_parse(payloads, header->next_payload, &message, NULL, NULL) != MESSAGE_OK) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    bool response = (header->flags & IKE_FLAG_RESPONSE) != 0;
    bool from_initiator = (header->flags & IKE_FLAG_INITIATOR) != 0;
    if (response == from_initiator || (!response && header->spi_r != 0)) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    if (!response) {
        ike_sa_init_request(engine, local, remote, ifindex, datagram, &message);
        return;
    }
    struct ike_sa *sa = map_find(&engine->sas, header->spi_i);
    bool due =
        sa != NULL && sa->initiator && sa->state == IKE_SA_INITIATING && sa->request_out && sa->job == 0;
    if (!due || !ip_address_equal(&remote->address, &sa->remote.address)) {
        engine_count(engine, sa == NULL ? IKE_COUNT_UNKNOWN_SPI : IKE_COUNT_OUT_OF_WINDOW);
        return;
    }
    ike_sa_log_message(sa, "received", &message);
    ike_sa_init_response(sa, &message, datagram);
}

void engine_receive(struct ike_engine *engine, const struct ip_endpoint *local,
                    const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram)
{
    engine_count(engine, IKE_COUNT_RECEIVED);
    struct ike_header header;
    bool whole = ike_header_parse(datagram, &header);
    unsigned major = header.version >> 4;
    if (datagram.length >= IKE_HEADER_SIZE && major == IKEV1_MAJOR) {
        engine_count(engine, IKE_COUNT_IKEV1);
        return;
    }
    if (!whole) {
        engine_count(engine, IKE_COUNT_MALFORMED);
        return;
    }
    if (major != IKEV2_MAJOR) {
        engine_count(engine, IKE_COUNT_WRONG_VERSION);
        if (major > IKEV2_MAJOR)
            answer_wrong_version(engine, local, remote, ifindex, &header);
        return;
    }
    if (header.exchange == EXCHANGE_IKE_SA_INIT) {
        receive_init(engine, local, remote, ifindex, &header, datagram);
        return;
    }
    bool from_initiator = (header.flags & IKE_FLAG_INITIATOR) != 0;
    struct ike_sa *sa = map_find(&engine->sas, from_initiator ? header.spi_r : header.spi_i);
    if (sa == NULL || sa->initiator == from_initiator || sa->spi_i != header.spi_i ||
        sa->spi_r != header.spi_r) {
        engine_count(engine, IKE_COUNT_UNKNOWN_SPI);
        return;
    }
    ike_sa_receive(sa, local, remote, ifindex, &header, datagram);
}
