#include "bare_engine.h"

#include "ike/wire/proposal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill_random(void *context, uint8_t *out, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)random();
}

struct ike_engine *bare_engine_new(void)
{
    const struct ike_options options = {.random = fill_random, .esp_owners = 2, .log_level = LOG_LEVEL_WARN};
    struct ike_engine *engine = ike_engine_new(&options);
    assert_non_null(engine);
    (void)ike_engine_handle(engine, 0, &(struct ike_event){.kind = IKE_EVENT_TUNNELS_TOLD});
    return engine;
}

void bare_set_policy(struct ike_engine *engine, const struct tunnel_policy *policy)
{
    (void)ike_engine_handle(engine, 0, &(struct ike_event){.kind = IKE_EVENT_POLICY, .policy = policy});
}

void bare_remove_tunnel(struct ike_engine *engine, uint32_t tunnel)
{
    (void)ike_engine_handle(engine, 0,
                            &(struct ike_event){.kind = IKE_EVENT_TUNNEL_GONE, .tunnel_gone = tunnel});
}

void bare_set_route(struct ike_engine *engine, uint32_t tunnel, const struct peer_route *route)
{
    struct ike_event event = {.kind = IKE_EVENT_PEER_ROUTE};
    event.route.tunnel = tunnel;
    event.route.route = *route;
    (void)ike_engine_handle(engine, 0, &event);
}

const struct ike_payload *full_offer(void)
{
    static uint8_t at[2048];
    static struct ike_message message;
    if (message.count > 0)
        return ike_message_find(&message, PAYLOAD_SA);
    const struct proposal_policy all = {.protocol = PROTOCOL_IKE,
                                        .encryption = ALGORITHM_SET_ALL(ENCRYPTION_COUNT),
                                        .integrity = ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                                        .prf = ALGORITHM_SET_ALL(PRF_COUNT),
                                        .dh = ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT)};
    struct message_writer m = message_begin_inner(at, sizeof at);
    proposal_put_all(&m, &all, (struct octets){NULL, 0});
    assert_int_equal(ike_payloads_parse(writer_octets(&m.w), m.first_payload, &message, NULL, NULL),
                     MESSAGE_OK);
    return ike_message_find(&message, PAYLOAD_SA);
}

struct ip_address address_of(const char *text)
{
    struct ip_address a;
    assert_true(ip_address_parse(text, &a));
    return a;
}

struct identity key_id_of(const char *text)
{
    struct identity id = {.type = ID_KEY_ID, .length = (uint16_t)strlen(text)};
    memcpy(id.value, text, id.length);
    return id;
}

const struct ike_effects *bare_send_init(struct ike_engine *engine, const char *from, uint64_t spi_i,
                                         struct octets cookie, size_t more)
{
    static uint8_t at[IKE_DATAGRAM_MAX];
    static const uint8_t zeros[IKE_DATAGRAM_MAX];
    static const uint8_t share[256] = {0x42};
    const struct ike_header header = {
        .spi_i = spi_i, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};
    const struct octets none = {NULL, 0};
    struct message_writer m = message_begin(at, sizeof at, &header);
    if (cookie.length > 0)
        message_put_notify(&m, PROTOCOL_NONE, none, NOTIFY_COOKIE, cookie);
    message_begin_payload(&m, PAYLOAD_SA);
    writer_put(&m.w, full_offer()->body.at, full_offer()->body.length);
    message_end_payload(&m);
    message_put_ke(&m, KE_MODP_2048, (struct octets){share, sizeof share});
    message_put_nonce(&m, (struct octets){share, 32});
    if (more > 0) {
        message_begin_payload(&m, PAYLOAD_VENDOR);
        writer_put(&m.w, zeros, more);
        message_end_payload(&m);
    }

    struct ike_event event = {.kind = IKE_EVENT_DATAGRAM};
    event.datagram.local = (struct ip_endpoint){address_of("192.0.2.1"), IKE_PORT};
    event.datagram.remote = (struct ip_endpoint){address_of(from), IKE_PORT};
    event.datagram.ifindex = 1;
    event.datagram.message = message_finish(&m);
    return ike_engine_handle(engine, 1, &event);
}

const struct ike_action *bare_must_be_cookie(const struct ike_effects *effects,
                                             uint8_t cookie[COOKIE_SIZE_MAX], size_t *length)
{
    static struct ike_message message;
    assert_int_equal(effects->action_count, 1);
    assert_int_equal(effects->record_count, 0);
    const struct ike_action *action = &effects->actions[0];
    assert_int_equal(action->kind, IKE_ACTION_DATAGRAM);
    const struct octets octets = action->datagram.message;
    message = (struct ike_message){.count = 0};
    assert_true(ike_header_parse(octets, &message.header));
    const struct octets payloads = {octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    assert_int_equal(ike_payloads_parse(payloads, message.header.next_payload, &message, NULL, NULL),
                     MESSAGE_OK);
    const struct ike_payload *notify = ike_message_notify(&message, NOTIFY_COOKIE);
    assert_non_null(notify);
    assert_true(notify->content.length <= COOKIE_SIZE_MAX);
    *length = notify->content.length;
    memcpy(cookie, notify->content.at, *length);
    return action;
}
