#include "narrow_peer.h"

#include "hostile_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

/* ---- Selectors and packets --------------------------------------------------------------------------- */

struct selector_list any_of(uint8_t families)
{
    const struct selector_list any = selectors_of_policy(NULL, 0);
    return selectors_of_families(&any, families);
}

struct selector_list asked_for(struct stage *s, uint8_t payload)
{
    struct selector_list list;
    const struct ike_payload *ts = ike_message_find(&s->p->message, payload);
    assert_non_null(ts);
    assert_int_equal(selectors_read(ts, &list), SELECTORS_OK);
    return list;
}

void must_be_whole_families(struct stage *s, uint8_t families)
{
    const struct selector_list expected = any_of(families);
    const struct selector_list local = asked_for(s, PAYLOAD_TSI);
    const struct selector_list remote = asked_for(s, PAYLOAD_TSR);
    assert_int_equal(local.count, expected.count);
    assert_int_equal(remote.count, expected.count);
    assert_true(selectors_within(&expected, &local) && selectors_within(&expected, &remote));
}

struct packet_flow udp(const char *source, uint16_t source_port, const char *destination,
                       uint16_t destination_port)
{
    struct packet_flow flow = {.protocol = 17,
                               .ports = FLOW_PORTS_BOTH,
                               .source_port = source_port,
                               .destination_port = destination_port};
    assert_true(ip_address_parse(source, &flow.source));
    assert_true(ip_address_parse(destination, &flow.destination));
    return flow;
}

struct packet_flow from_host(unsigned n)
{
    struct packet_flow flow = udp("192.168.1.1", 1000, "192.168.2.1", 53);
    flow.source.octets[3] = (uint8_t)n;
    return flow;
}

void packet_waits(struct stage *s, const struct packet_flow *flow)
{
    s->p->reply_length = 0;
    gateway_packet_of_flow_waits(s->b, 0, flow);
    world_run(s->w, 100);
}

void must_be_pair(struct stage *s, const struct packet_flow *flow)
{
    const struct selector_list local = asked_for(s, PAYLOAD_TSI);
    const struct selector_list remote = asked_for(s, PAYLOAD_TSR);
    assert_int_equal(local.count, 1);
    assert_int_equal(remote.count, 1);
    assert_true(ip_address_equal(&local.ts[0].first, &flow->source));
    assert_true(ip_address_equal(&local.ts[0].last, &flow->source));
    assert_true(ip_address_equal(&remote.ts[0].first, &flow->destination));
    assert_true(ip_address_equal(&remote.ts[0].last, &flow->destination));
}

/* ---- The stage --------------------------------------------------------------------------------------- */

struct tunnel_policy policy_without_rekeys(void)
{
    return policy_that_rekeys(86400, 28800);
}

struct stage stage_in_auth(const struct tunnel_policy *policy, const struct packet_flow *flow)
{
    struct stage s = stage_new_with(policy);
    gateway_packet_of_flow_waits(s.b, 0, flow);
    assert_true(puppet_accept_init(s.p));
    return s;
}

void grant_in_auth(struct stage *s, uint8_t families)
{
    const struct selector_list granted = any_of(families);
    struct message_writer m = inner();
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    put_esp_offer(s, &m, PUPPET_CHILD, NULL);
    selectors_put(&m, PAYLOAD_TSI, &granted);
    selectors_put(&m, PAYLOAD_TSR, &granted);
    puppet_answer(s->p, &m);
}

void refuse_in_auth(struct stage *s, uint16_t notify)
{
    struct message_writer m = inner();
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    message_put_notify(&m, PROTOCOL_NONE, nothing, notify, nothing);
    puppet_answer(s->p, &m);
}

void grant(struct stage *s, uint32_t spi)
{
    const struct selector_list local = asked_for(s, PAYLOAD_TSI);
    const struct selector_list remote = asked_for(s, PAYLOAD_TSR);
    struct message_writer m = inner();
    put_child_of(s, &m, spi, HIGHEST, &local, &remote);
    puppet_answer(s->p, &m);
}

/* Fails unless the request that was read last is one for an additional Child SA. */
static void check_additional(struct stage *s)
{
    assert_int_equal(s->p->message.header.exchange, EXCHANGE_CREATE_CHILD_SA);
    assert_false(s->p->message.header.flags & IKE_FLAG_RESPONSE);
    assert_null(ike_message_notify(&s->p->message, NOTIFY_REKEY_SA));
    assert_int_equal(proposal_protocol(ike_message_find(&s->p->message, PAYLOAD_SA)), PROTOCOL_ESP);
}

void must_be_additional(struct stage *s)
{
    assert_true(puppet_read_reply(s->p));
    check_additional(s);
}

void await_additional(struct stage *s)
{
    await_request(s, EXCHANGE_CREATE_CHILD_SA);
    check_additional(s);
}

struct stage stage_that_lacks_ipv6(const struct tunnel_policy *policy)
{
    const struct packet_flow flow = udp("192.168.1.1", 1000, "192.168.2.1", 53);
    struct stage s = stage_in_auth(policy, &flow);
    grant_in_auth(&s, FAMILY_V4);
    must_be_additional(&s);
    return s;
}

struct stage stage_by_pair(const struct tunnel_policy *policy)
{
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(policy, &flow);
    refuse_in_auth(&s, NOTIFY_SINGLE_PAIR_REQUIRED);
    must_be_additional(&s);
    must_be_pair(&s, &flow);
    grant(&s, PUPPET_CHILD);
    return s;
}

void must_be_silent(struct stage *s, msec_t duration)
{
    size_t count = s->p->reply_count;
    world_run(s->w, duration);
    if (s->p->reply_count != count) {
        assert_true(puppet_read_reply(s->p));
        fail_msg("B had to be silent, but sent %zu messages, the last one of exchange %u",
                 s->p->reply_count - count, s->p->message.header.exchange);
    }
}

const struct installed_child *installed(const struct stage *s, uint32_t outbound_spi)
{
    const struct installed_child *c = gateway_children(s->b);
    while (c != NULL && c->sa.outbound.spi != outbound_spi)
        c = c->next;
    return c;
}

size_t warnings_with(const struct stage *s, const char *text)
{
    size_t count = 0;
    for (const char *at = gateway_warnings(s->b); (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

bool packets_outside_wait(const struct stage *s)
{
    for (const struct installed_child *c = gateway_children(s->b); c != NULL; c = c->next) {
        if (c->sa.more_to_come)
            return true;
    }
    return false;
}

struct ike_header last_header(const struct stage *s)
{
    struct ike_header header;
    assert_true(ike_header_parse((struct octets){s->p->reply, s->p->reply_length}, &header));
    return header;
}

void await_rekey(struct stage *s)
{
    await_request(s, EXCHANGE_CREATE_CHILD_SA);
    assert_non_null(ike_message_notify(&s->p->message, NOTIFY_REKEY_SA));
}

void grant_rekey(struct stage *s, uint32_t spi)
{
    grant(s, spi);
    assert_true(puppet_read_reply(s->p));
    assert_int_equal(s->p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    const struct message_writer m = inner();
    puppet_answer(s->p, &m);
}
