/*
 * S34 where several tunnels may be meant (S22): the warning names them, and what all of them accept.
 */
#include "failure_case.h"
#include "invariants.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* B with `count` tunnels to any address, for the peers site1, site2, … and with lines from 0, 100, … on. */
static struct stage centre_of(uint32_t count)
{
    static const char *const ids[] = {"site1", "site2", "site3", "site4", "site5", "site6"};
    struct stage s = {.w = world_new(5, &invariants)};
    s.b = world_add_gateway(s.w, "B", "10.2.0.1");
    for (uint32_t i = 0; i < count; i++) {
        struct tunnel_policy policy = world_default_policy(i, "any", "centre", ids[i]);
        narrow_down(&policy);
        give_lines(&policy, 100 * i);
        gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    }
    s.p = puppet_new(s.w, s.b, "192.0.2.7");
    return s;
}

/* An IKE_SA_INIT with an algorithm that none of the tunnels has. */
static void offer_3des(struct stage *s)
{
    s->p->suite.encryption = encryption_by_word("3des");
    assert_false(puppet_do_init(s->p));
}

static void S34_with_two_candidates_both_are_named(void **state)
{
    (void)state;
    struct stage s = centre_of(2);
    offer_3des(&s);
    check_failure(
        "two candidates", s.b,
        "negotiation failed (for Tunnel0.0 or Tunnel1.0): no common IKE SA proposal with 192.0.2.7:500: the "
        "peer offers enc 3des, integrity sha2-256, prf sha2-256, dh 2048-bit; accepted here enc aes-cbc-128, "
        "integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 111");
    assert_int_equal(gateway_noted_failures(s.b, 0), 1); /* the shows tell of it at both */
    assert_int_equal(gateway_noted_failures(s.b, 1), 1);
    stage_free(&s);

    s = centre_of(2);
    struct message_writer m = begin_auth(&s);
    puppet_put_auth_payloads(s.p, &m, "site9", "centre", "secret1");
    send_auth(&s, &m);
    check_failure("an ID that none of two accepts", s.b,
                  "negotiation failed (for Tunnel0.0 or Tunnel1.0): the peer at 192.0.2.7:500 says it is "
                  "KEY-ID site9; accepted here is KEY-ID site1, KEY-ID site2; lines 31, 131");
    stage_free(&s);

    s = centre_of(2);
    assert_true(puppet_do_init(s.p));
    world_run(s.w, 40000);
    check_failure("no IKE_AUTH for either of two", s.b,
                  "negotiation failed (for Tunnel0.0 or Tunnel1.0): 192.0.2.7:500 sent no IKE_AUTH within 30 "
                  "seconds after IKE_SA_INIT was answered with "
                  "AES-CBC-128/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048; lines 31, 131");
    stage_free(&s);
}

static void S34_of_many_candidates_the_first_are_named(void **state)
{
    (void)state;
    struct stage s = centre_of(6);
    struct message_writer m = begin_auth(&s);
    puppet_put_auth_payloads(s.p, &m, "site9", "centre", "secret1");
    send_auth(&s, &m);
    check_failure("an ID that none of six accepts", s.b,
                  "negotiation failed (for Tunnel0.0, Tunnel1.0, Tunnel2.0, Tunnel3.0 or one of 2 more): the "
                  "peer at 192.0.2.7:500 says it is KEY-ID site9; accepted here is KEY-ID site1, KEY-ID "
                  "site2, KEY-ID site3, KEY-ID site4 and 2 more; lines 31, 131, 231, 331, 431, 531");
    assert_int_equal(gateway_noted_failures(s.b, 0), 0);
    stage_free(&s);
}

/* The suite was chosen by the first tunnel, but the peer is the second's. */
static void S22_a_suite_that_the_selected_tunnel_does_not_allow_is_reported_with_both_lines(void **state)
{
    (void)state;
    struct stage s = centre_of(1);
    struct tunnel_policy other = world_default_policy(1, "any", "centre", "site2");
    narrow_down(&other);
    give_lines(&other, 100);
    other.ike.encryption = ALGORITHM_SET_OF(encryption_by_word("3des"), encryption_algorithms);
    gateway_set_tunnel(s.b, &other, "secret2", "secret1");
    struct message_writer m = begin_auth(&s);
    puppet_put_auth_payloads(s.p, &m, "site2", "centre", "secret1");
    send_auth(&s, &m);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_AUTHENTICATION_FAILED);
    check_failure("a suite of another tunnel", s.b,
                  "Tunnel1.0: negotiation failed: AES-CBC-128/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048 "
                  "was chosen before the peer told its ID, as Tunnel0.0 has it (lines 11, 12, 13, 14); this "
                  "tunnel accepts enc 3des, integrity sha2-256, prf sha2-256, dh 2048-bit: put the policy of "
                  "peers with unknown addresses into the default profile; lines 111, 112, 113, 114");
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_with_two_candidates_both_are_named),
        cmocka_unit_test(S34_of_many_candidates_the_first_are_named),
        cmocka_unit_test(S22_a_suite_that_the_selected_tunnel_does_not_allow_is_reported_with_both_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
