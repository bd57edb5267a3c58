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
