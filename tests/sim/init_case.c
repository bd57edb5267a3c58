#include "init_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

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
    struct stage s = stage_set();
    static struct draft d;
    struct message_writer m = puppet_begin_init(s.p, d.at, sizeof d.at);
    puppet_put_init_payloads(s.p, &m);
    d.length = message_finish(&m).length;
    c->spoil(&s, &d);

    puppet_send(s.p, d.at, d.length);

    if (c->answer == ANSWERED) {
        check_answered(c, &s);
        stage_strike(&s);
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
    stage_strike(&s);
}
