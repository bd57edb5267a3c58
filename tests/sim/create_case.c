#include "create_case.h"

#include "ike/wire/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void put_esp_offer(struct stage *s, struct message_writer *m, uint32_t spi, const char *group)
{
    uint8_t octets[4];
    store_u32be(octets, spi);
    const struct ike_suite suite = {.encryption = s->p->suite.encryption,
                                    .integrity = s->p->suite.integrity,
                                    .dh = group != NULL ? key_exchange_by_word(group) : NULL};
    proposal_put_choice(m, PROTOCOL_ESP, 1, (struct octets){octets, sizeof octets}, &suite);
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
    struct stage s = stage_set_up();
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
    stage_strike(&s);
}
