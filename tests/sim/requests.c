#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

void put_nonce(struct message_writer *m, enum nonce_kind kind)
{
    uint8_t nonce[NONCE_SIZE];
    memset(nonce, kind, sizeof nonce);
    message_put_nonce(m, (struct octets){nonce, sizeof nonce});
}

void put_child_of(struct stage *s, struct message_writer *m, uint32_t spi, enum nonce_kind kind,
                  const struct selector_list *tsi, const struct selector_list *tsr)
{
    uint8_t octets[4];
    store_u32be(octets, spi);
    const struct ike_suite suite = {.encryption = s->p->suite.encryption, .integrity = s->p->suite.integrity};
    proposal_put_choice(m, PROTOCOL_ESP, puppet_proposal_number(s->p), (struct octets){octets, sizeof octets},
                        &suite);
    put_nonce(m, kind);
    selectors_put(m, PAYLOAD_TSI, tsi);
    selectors_put(m, PAYLOAD_TSR, tsr);
}

void put_child(struct stage *s, struct message_writer *m, uint32_t spi, enum nonce_kind kind)
{
    const struct selector_list any = selectors_of_policy(NULL, 0);
    put_child_of(s, m, spi, kind, &any, &any);
}

void put_rekey(struct message_writer *m, uint32_t spi)
{
    uint8_t octets[4];
    store_u32be(octets, spi);
    message_put_notify(m, PROTOCOL_ESP, (struct octets){octets, sizeof octets}, NOTIFY_REKEY_SA, nothing);
}

void send_child(struct stage *s, uint32_t id, uint32_t spi, enum nonce_kind kind)
{
    struct message_writer m = inner();
    put_child(s, &m, spi, kind);
    send_inner(s, EXCHANGE_CREATE_CHILD_SA, id, &m);
}

void send_child_rekey(struct stage *s, uint32_t id, uint32_t old, uint32_t spi, enum nonce_kind kind)
{
    struct message_writer m = inner();
    put_rekey(&m, old);
    put_child(s, &m, spi, kind);
    send_inner(s, EXCHANGE_CREATE_CHILD_SA, id, &m);
}

void send_delete(struct stage *s, uint32_t id, uint8_t protocol, uint32_t spi)
{
    struct message_writer m = inner();
    message_put_delete(&m, protocol, &spi, protocol == PROTOCOL_IKE ? 0 : 1);
    send_inner(s, EXCHANGE_INFORMATIONAL, id, &m);
}

/* SA with an SPI of 8 octets, nonce and KE, as in the request and in the response. */
static struct message_writer ike_rekey_payloads(struct stage *s, enum nonce_kind kind, uint8_t spi_fill)
{
    uint8_t spi[8];
    uint8_t share[KEY_EXCHANGE_SHARE_MAX];
    memset(spi, spi_fill, sizeof spi);
    puppet_share(s->p, share);
    struct message_writer m = inner();
    proposal_put_choice(&m, PROTOCOL_IKE, puppet_proposal_number(s->p), (struct octets){spi, sizeof spi},
                        &s->p->suite);
    put_nonce(&m, kind);
    message_put_ke(&m, s->p->suite.dh->id, (struct octets){share, s->p->suite.dh->initiator_share_size});
    return m;
}

void send_ike_rekey(struct stage *s, uint32_t id, enum nonce_kind kind)
{
    struct message_writer m = ike_rekey_payloads(s, kind, 0xaa);
    send_inner(s, EXCHANGE_CREATE_CHILD_SA, id, &m);
}

void answer_child(struct stage *s, uint32_t spi, enum nonce_kind kind)
{
    struct message_writer m = inner();
    put_child(s, &m, spi, kind);
    puppet_answer(s->p, &m);
}

void answer_ike_rekey(struct stage *s, enum nonce_kind kind)
{
    const struct message_writer m = ike_rekey_payloads(s, kind, 0xbb);
    puppet_answer(s->p, &m);
}

struct tunnel_policy policy_that_rekeys(uint32_t sa_lifetime, uint32_t child_lifetime)
{
    struct tunnel_policy p = stage_policy();
    p.ike = (struct ike_algorithms){1U << 4, 1U << 2, 1U << 2, 1U << 1};
    p.child.encryption = 1U << 4;
    p.child.integrity = 1U << 2;
    p.child.pfs = 0;
    p.sa_lifetime = sa_lifetime;
    p.child_lifetime = child_lifetime;
    return p;
}

void await_request(struct stage *s, uint8_t exchange)
{
    assert_true(puppet_await(s->p, PATIENCE));
    assert_int_equal(s->p->message.header.exchange, exchange);
    assert_false(s->p->message.header.flags & IKE_FLAG_RESPONSE);
}

bool carries(const struct stage *s, uint32_t outbound_spi)
{
    for (const struct installed_child *c = gateway_children(s->b); c != NULL; c = c->next) {
        if (c->sa.outbound.spi == outbound_spi)
            return c->active && !c->stopped;
    }
    return false;
}

void answer_with(struct stage *s, uint16_t notify)
{
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, nothing, notify, nothing);
    puppet_answer(s->p, &m);
}
