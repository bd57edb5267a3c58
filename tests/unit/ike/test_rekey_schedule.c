/* When rekeys start (R60, S24), and where none may (R49, R63). */
#include "ike/sa/rekey_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* "Chance" that yields its lowest and its highest values. */
static void fill(void *context, uint8_t *out, size_t length)
{
    const uint32_t *value = context;
    assert_int_equal(length, sizeof *value);
    memcpy(out, value, length);
}

static msec_t delay(msec_t lifetime, msec_t margin, bool initiator, uint32_t chance)
{
    struct ike_engine engine = {.options = {.random = fill, .random_context = &chance}};
    return rekey_delay(&engine, lifetime, margin, initiator);
}

static void R60_the_initiator_acts_at_the_margin(void **state)
{
    (void)state;
    assert_int_equal(delay(86400000, REKEY_MARGIN_IKE_SA, true, 0), 86370000);
    assert_int_equal(delay(28800000, REKEY_MARGIN_CHILD, true, 0), 28740000);
    assert_int_equal(delay(60001, REKEY_MARGIN_CHILD, true, 0), 1);
}

static void S24_a_lifetime_not_longer_than_its_margin_is_rekeyed_at_half_of_it(void **state)
{
    (void)state;
    assert_int_equal(delay(60000, REKEY_MARGIN_CHILD, true, 0), 30000);
    assert_int_equal(delay(30000, REKEY_MARGIN_IKE_SA, true, 0), 15000);
    assert_int_equal(delay(1000, REKEY_MARGIN_IKE_SA, true, 0), 500);
}

static void S24_the_other_end_acts_5_to_10_seconds_later(void **state)
{
    (void)state;
    assert_int_equal(delay(28800000, REKEY_MARGIN_CHILD, false, 0), 28740000 + 5000);
    assert_int_equal(delay(28800000, REKEY_MARGIN_CHILD, false, 5000), 28740000 + 10000);
    assert_int_equal(delay(28800000, REKEY_MARGIN_CHILD, false, 5001), 28740000 + 5000);
    for (uint32_t chance = 0; chance < 20000; chance++) {
        msec_t later = delay(86400000, REKEY_MARGIN_IKE_SA, false, chance) - 86370000;
        assert_true(later >= 5000 && later <= 10000);
    }
}

static void S24_of_short_lifetimes_the_other_end_acts_later_too_and_in_time(void **state)
{
    (void)state;
    for (msec_t lifetime = 1000; lifetime <= 100000; lifetime += 500) {
        msec_t first = delay(lifetime, REKEY_MARGIN_CHILD, true, 0);
        for (uint32_t chance = 0; chance < 50; chance++) {
            msec_t second = delay(lifetime, REKEY_MARGIN_CHILD, false, chance * 7919);
            assert_true(second > first && second < lifetime);
        }
    }
}

static void RFC7296_2_25_a_rekey_that_was_put_off_is_tried_before_the_sa_ends(void **state)
{
    (void)state;
    for (uint32_t chance = 0; chance < 5000; chance += 100) {
        struct ike_engine engine = {.options = {.random = fill, .random_context = &chance}, .now = 1000};
        assert_in_range(rekey_retry_delay(&engine, 1000000), 2000, 5000);
        assert_in_range(rekey_retry_delay(&engine, 1000 + 400), 1, 101);
        assert_in_range(rekey_retry_delay(&engine, 500), 1, 1); /* it has ended */
    }
}

static void R49_R63_and_shutdown_forbid_rekeys(void **state)
{
    (void)state;
    struct ike_tunnel tunnel = {.policy.peer_kind = PEER_ADDRESS};
    assert_true(rekey_is_allowed(&tunnel));
    tunnel.policy.peer_kind = PEER_FQDN; /* not dynamic in the sense of R49 */
    assert_true(rekey_is_allowed(&tunnel));
    tunnel.policy.peer_kind = PEER_ANY;
    assert_false(rekey_is_allowed(&tunnel));
    tunnel.policy.peer_kind = PEER_ADDRESS;
    tunnel.policy.suppress_rekey = true;
    assert_false(rekey_is_allowed(&tunnel));
    tunnel.policy.suppress_rekey = false;
    tunnel.policy.shut_down = true;
    assert_false(rekey_is_allowed(&tunnel));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R60_the_initiator_acts_at_the_margin),
        cmocka_unit_test(S24_a_lifetime_not_longer_than_its_margin_is_rekeyed_at_half_of_it),
        cmocka_unit_test(S24_the_other_end_acts_5_to_10_seconds_later),
        cmocka_unit_test(S24_of_short_lifetimes_the_other_end_acts_later_too_and_in_time),
        cmocka_unit_test(RFC7296_2_25_a_rekey_that_was_put_off_is_tried_before_the_sa_ends),
        cmocka_unit_test(R49_R63_and_shutdown_forbid_rekeys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
