#include "ike/services/send.h"

void engine_send(struct ike_engine *engine, uint32_t tunnel, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark, struct octets message)
{
    struct octets copy = effects_copy(&engine->effects, message);
    if (copy.at == NULL)
        return;
    struct ike_action action = {.kind = IKE_ACTION_DATAGRAM};
    action.datagram.tunnel = tunnel;
    action.datagram.local = *local;
    action.datagram.remote = *remote;
    action.datagram.ifindex = ifindex;
    action.datagram.mark = mark;
    action.datagram.message = copy;
    effects_add_action(&engine->effects, &action);
    engine_count(engine, IKE_COUNT_SENT);
}

void engine_answer_in_clear(struct ike_engine *engine, const struct ip_endpoint *local,
                            const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                            const struct ike_header *request, uint16_t notify, struct octets content)
{
    const struct ike_header header = {
        .spi_i = request->spi_i,
        .spi_r = request->spi_r,
        .exchange = request->exchange,
        .flags =
            (uint8_t)(IKE_FLAG_RESPONSE | (request->flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR)),
        .message_id = request->message_id,
    };
    struct message_writer m = message_begin(engine->message_scratch, SCRATCH_SIZE, &header);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, content);
    engine_send(engine, 0, local, remote, ifindex, mark, message_finish(&m));
}
