/*
 * A responder's choice has the number of a proposal that was offered, with the transforms of that one (RFC
 * 7296 3.3.1): any other is refused.
 */
#include "hostile_case.h"
#include "narrow_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Numbers that B has not given to the puppet's suite: its policy allows that suite alone, or all. */
static const struct {
    bool all;
    uint8_t number;
} wrong[] = {{false, 2}, {false, 0xff}, {true, 1}, {true, 3}};

enum { WRONG_COUNT = sizeof wrong / sizeof *wrong };

static struct tunnel_policy policy_of(size_t i)
{
    struct tunnel_policy policy = stage_policy();
    policy.ike.dh = 1U << 1; /* the puppet's group */
    return wrong[i].all ? policy : policy_without_rekeys();
}

static void RFC7296_3_3_1_an_ike_sa_init_answer_with_a_wrong_proposal_number_is_not_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRONG_COUNT; i++) {
        const struct tunnel_policy policy = policy_of(i);
        struct stage s = stage_new_with(&policy);
        assert_true(stage_begins(&s));
        const struct ike_message request = s.p->message;
        s.p->number = wrong[i].number;
        size_t count = s.p->reply_count;
        assert_false(puppet_answer_init(s.p));
        assert_int_equal(s.p->reply_count, count); /* no IKE_AUTH */

        s.p->number = 0;
        s.p->message = request;
        assert_true(puppet_await(s.p, 5000)); /* B asks again */
        assert_true(puppet_answer_init(s.p)); /* a better answer is taken (2.21.1) */
        stage_free(&s);
    }
}

static void S34_a_wrong_proposal_number_is_named_when_no_better_answer_comes(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_new_with(&policy);
    assert_true(stage_begins(&s));
    s.p->number = 7;
    assert_false(puppet_answer_init(s.p));

    world_run(s.w, 31 * 1000);

    assert_int_equal(warnings_with(&s, "as proposal 7, by which number that was not offered"), 1);
    stage_free(&s);
}

static void RFC7296_3_3_1_a_first_child_sa_with_a_wrong_proposal_number_ends_the_negotiation(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRONG_COUNT; i++) {
        const struct tunnel_policy policy = policy_of(i);
        const struct packet_flow flow = from_host(1);
        struct stage s = stage_in_auth(&policy, &flow);
        s.p->number = wrong[i].number;

        grant_in_auth(&s, FAMILY_V4 | FAMILY_V6);

        assert_int_equal(gateway_child_count(s.b, 0), 0);
        assert_int_equal(warnings_with(&s, "by which number that was not offered"), 1);
        assert_true(puppet_read_reply(s.p));
        assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
        stage_free(&s);
    }
}

static void RFC7296_3_3_1_an_additional_child_sa_with_a_wrong_proposal_number_is_given_up(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    s.p->number = 2;

    grant(&s, SECOND_CHILD);

    assert_null(installed(&s, SECOND_CHILD));
    assert_true(carries(&s, PUPPET_CHILD));
    assert_int_equal(warnings_with(&s, "as proposal 2, by which number that was not offered"), 1);
    stage_free(&s);
}

static void RFC7296_3_3_1_an_ike_sa_rekey_with_a_wrong_proposal_number_is_not_taken(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(80, 28800);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    s.p->number = 2;

    answer_ike_rekey(&s, HIGHEST);

    assert_int_equal(gateway_record_count(s.b), 1);
    assert_int_equal(gateway_log_count(s.b, "IKE SA created"), 1);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7296_3_3_1_an_ike_sa_init_answer_with_a_wrong_proposal_number_is_not_taken),
        cmocka_unit_test(S34_a_wrong_proposal_number_is_named_when_no_better_answer_comes),
        cmocka_unit_test(RFC7296_3_3_1_a_first_child_sa_with_a_wrong_proposal_number_ends_the_negotiation),
        cmocka_unit_test(RFC7296_3_3_1_an_additional_child_sa_with_a_wrong_proposal_number_is_given_up),
        cmocka_unit_test(RFC7296_3_3_1_an_ike_sa_rekey_with_a_wrong_proposal_number_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
