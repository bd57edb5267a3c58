#include "hostile_case.h"

#include "ike/wire/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- IKE_SA_INIT ------------------------------------------------------------------------------------- */

void draft_set_length(struct draft *d, size_t length)
{
    store_u32be(d->at + 24, (uint32_t)length);
}

struct message_writer draft_rewrite(struct stage *s, struct draft *d)
{
    return puppet_begin_init(s->p, d->at, sizeof d->at);
}

void draft_finish(struct draft *d, struct message_writer *m)
{
    d->length = message_finish(m).length;
}

void put_ike_offer(struct stage *s, struct message_writer *m)
{
    proposal_put_choice(m, PROTOCOL_IKE, 1, (struct octets){NULL, 0}, &s->p->suite);
}

void put_ke_of(struct message_writer *m, uint16_t group, size_t length)
{
    message_put_ke(m, group, (struct octets){some_octets, length});
}

void put_nonce_of(struct message_writer *m, size_t length)
{
    message_put_nonce(m, (struct octets){some_octets, length});
}

static void check_answered(const struct init_case *c, struct stage *s)
{
    if (!puppet_read_reply(s->p) || ike_message_find(&s->p->message, PAYLOAD_SA) == NULL)
        fail_msg("%s (%s): answered with notify %u, or not at all", c->name, c->section,
                 puppet_reply_notify(s->p));
    if (gateway_record_count(s->b) != 1)
        fail_msg("%s (%s): answered without state", c->name, c->section);
}

void check_init_case(const struct init_case *c)
{
    struct stage s = stage_new();
    static struct draft d;
    struct message_writer m = puppet_begin_init(s.p, d.at, sizeof d.at);
    puppet_put_init_payloads(s.p, &m);
    d.length = message_finish(&m).length;
    c->spoil(&s, &d);

    puppet_send(s.p, d.at, d.length);

    if (c->answer == ANSWERED) {
        check_answered(c, &s);
        stage_free(&s);
        return;
    }
    uint16_t answer = puppet_reply_notify(s.p);
    if (answer != c->answer || (c->answer == SILENCE && s.p->reply_count > 0))
        fail_msg("%s (%s): answered with notify %u (%zu replies), not %u", c->name, c->section, answer,
                 s.p->reply_count, c->answer);
    if (c->counted != NO_COUNTER && stage_counter(&s, (enum ike_counter)c->counted) != 1)
        fail_msg("%s (%s): counter %d is %lu, not 1", c->name, c->section, c->counted,
                 (unsigned long)stage_counter(&s, (enum ike_counter)c->counted));
    if (gateway_record_count(s.b) != 0)
        fail_msg("%s (%s): left state behind", c->name, c->section);
    stage_free(&s);
}

/* ---- Messages within an IKE SA ----------------------------------------------------------------------- */

static uint16_t error_of_reply(struct stage *s)
{
    const struct ike_payload *error = puppet_read_reply(s->p) ? ike_message_error(&s->p->message) : NULL;
    return error != NULL ? error->notify : (uint16_t)SILENCE;
}

void check_sealed_case(const struct sealed_case *c)
{
    struct stage s = stage_new();
    assert_true(puppet_do_init(s.p));
    if (c->after_auth)
        assert_true(puppet_do_auth(s.p, "site1", "site2", "secret1"));

    s.p->reply_length = 0;
    c->send(&s);

    uint16_t answer = error_of_reply(&s);
    if (answer != c->answer)
        fail_msg("%s (%s): answered with notify %u, not %u", c->name, c->section, answer, c->answer);
    bool survives = gateway_record_count(s.b) == 1;
    if (survives != c->survives)
        fail_msg("%s (%s): the IKE SA %s", c->name, c->section, survives ? "is still there" : "is gone");
    if (c->after_auth && survives && gateway_child_count(s.b, 0) != 1)
        fail_msg("%s (%s): the Child SA is gone", c->name, c->section);
    stage_free(&s);
}

/* ---- CREATE_CHILD_SA --------------------------------------------------------------------------------- */

void put_esp_offer(struct stage *s, struct message_writer *m, uint32_t spi, const char *group)
{
    uint8_t octets[4];
    store_u32be(octets, spi);
    const struct ike_suite suite = {.encryption = s->p->suite.encryption,
                                    .integrity = s->p->suite.integrity,
                                    .dh = group != NULL ? key_exchange_by_word(group) : NULL};
    proposal_put_choice(m, PROTOCOL_ESP, puppet_proposal_number(s->p), (struct octets){octets, sizeof octets},
                        &suite);
}

void put_offer_with_spi(struct stage *s, struct message_writer *m, uint8_t protocol, struct octets spi)
{
    struct ike_suite suite = s->p->suite;
    if (protocol != PROTOCOL_IKE) {
        suite.prf = NULL;
        suite.dh = NULL;
    }
    proposal_put_choice(m, protocol, 1, spi, &suite);
}

void put_raw(struct message_writer *m, uint8_t type, const uint8_t *at, size_t length)
{
    message_begin_payload(m, type);
    writer_put(&m->w, at, length);
    message_end_payload(m);
}

void put_any_selectors(struct message_writer *m)
{
    const struct selector_list any = selectors_of_policy(NULL, 0);
    selectors_put(m, PAYLOAD_TSI, &any);
    selectors_put(m, PAYLOAD_TSR, &any);
}

static void check_granted(const struct create_case *c, struct stage *s)
{
    if (!puppet_read_reply(s->p) || ike_message_find(&s->p->message, PAYLOAD_SA) == NULL)
        fail_msg("%s (%s): answered with notify %u, not granted", c->name, c->section,
                 puppet_reply_notify(s->p));
    if (ike_message_notify(&s->p->message, NOTIFY_USE_TRANSPORT_MODE) != NULL ||
        ike_message_notify(&s->p->message, NOTIFY_IPCOMP_SUPPORTED) != NULL ||
        ike_message_find(&s->p->message, PAYLOAD_CP) != NULL)
        fail_msg("%s (%s): granted what is not done here", c->name, c->section);
}

void check_create_case(const struct create_case *c)
{
    struct stage s = stage_established();
    struct message_writer m = inner();
    c->write(&s, &m);

    send_inner(&s, EXCHANGE_CREATE_CHILD_SA, FIRST_ID, &m);

    if (c->answer == MADE)
        check_granted(c, &s);
    else if (puppet_reply_notify(s.p) != c->answer)
        fail_msg("%s (%s): answered with notify %u, not %u", c->name, c->section, puppet_reply_notify(s.p),
                 c->answer);
    size_t children = (c->survives ? 1U : 0U) + (c->answer == MADE ? 1U : 0U);
    if ((gateway_record_count(s.b) == 1) != c->survives)
        fail_msg("%s (%s): %zu IKE SAs are left", c->name, c->section, gateway_record_count(s.b));
    if (gateway_child_count(s.b, 0) != children)
        fail_msg("%s (%s): %zu Child SAs are left, not %zu", c->name, c->section, gateway_child_count(s.b, 0),
                 children);
    stage_free(&s);
}
