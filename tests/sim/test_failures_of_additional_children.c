/*
 * S34: what the log says of the Child SAs that are asked for besides the first one (S38). B asks the puppet,
 * which has granted IPv4, for IPv6; B's settings stand on the lines 11 to 31.
 */
#include "failure_case.h"
#include "narrow_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What the puppet does with the request, the warning that B has then, and a notice ("": none). */
struct additional_case {
    const char *name;
    void (*act)(struct stage *s);
    const char *warning;
    const char *notice;
};

static void accepts_no_proposal(struct stage *s)
{
    answer_with(s, NOTIFY_NO_PROPOSAL_CHOSEN);
}

static void wants_no_ipv6(struct stage *s)
{
    answer_with(s, NOTIFY_TS_UNACCEPTABLE);
}

static void makes_one_child_sa_alone(struct stage *s)
{
    answer_with(s, NOTIFY_NO_ADDITIONAL_SAS);
}

static void has_no_time(struct stage *s)
{
    answer_with(s, NOTIFY_TEMPORARY_FAILURE);
}

static void does_not_answer(struct stage *s)
{
    world_run(s->w, 5 * MINUTE);
}

static void grants_ipv4_once_more(struct stage *s)
{
    const struct selector_list v4 = any_of(FAMILY_V4);
    struct message_writer m = inner();
    put_child_of(s, &m, SECOND_CHILD, HIGHEST, &v4, &v4);
    puppet_answer(s->p, &m);
}

static const struct additional_case cases[] = {
    {"no proposal is accepted", accepts_no_proposal,
     "Tunnel0.0: negotiation of a Child SA failed: the peer accepts no Child SA proposal "
     "(NO_PROPOSAL_CHOSEN): offered " NARROW_CHILD ", pfs off; lines 15, 16",
     "no additional Child SA for IPv6 (NO_PROPOSAL_CHOSEN): its packets are dropped; local-ts and remote-ts: "
     "lines 21, 22"},
    {"what was granted is granted again", grants_ipv4_once_more,
     "Tunnel0.0: negotiation of a Child SA failed: the peer chose traffic selectors that were not proposed: "
     "it chose local 0.0.0.0-255.255.255.255, remote 0.0.0.0-255.255.255.255; proposed local-ts "
     "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, remote-ts ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff; "
     "lines 21, 22",
     ""},
    {"no answer", does_not_answer,
     "Tunnel0.0: negotiation of a Child SA failed: no answer to CREATE_CHILD_SA from 10.1.0.1:500 within "
     "30 seconds; line 31",
     ""},
    {"IPv6 is not wanted", wants_no_ipv6,
     "Tunnel0.0: no additional Child SA for IPv6 (TS_UNACCEPTABLE): its packets are dropped; local-ts and "
     "remote-ts: lines 21, 22",
     ""},
    {"one Child SA is all", makes_one_child_sa_alone,
     "Tunnel0.0: no additional Child SA for IPv6 (NO_ADDITIONAL_SAS): its packets are dropped; local-ts and "
     "remote-ts: lines 21, 22",
     ""},
    {"not now", has_no_time, "", ""},
};

static void S34_an_additional_child_sa_that_the_peer_refuses_is_reported(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tunnel_policy policy = policy_without_rekeys();
        narrow_down(&policy);
        give_lines(&policy, 0);
        struct stage s = stage_that_lacks_ipv6(&policy);

        cases[i].act(&s);

        check_failure(cases[i].name, s.b, cases[i].warning);
        if (!gateway_log_has(s.b, cases[i].notice))
            fail_msg("%s: the log has no \"%s\"", cases[i].name, cases[i].notice);
        stage_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_an_additional_child_sa_that_the_peer_refuses_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
