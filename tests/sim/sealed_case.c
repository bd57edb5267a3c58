#include "sealed_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static uint16_t error_of_reply(struct stage *s)
{
    const struct ike_payload *error = puppet_read_reply(s->p) ? ike_message_error(&s->p->message) : NULL;
    return error != NULL ? error->notify : (uint16_t)SILENCE;
}

void check_sealed_case(const struct sealed_case *c)
{
    struct stage s = stage_set();
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
    stage_strike(&s);
}
