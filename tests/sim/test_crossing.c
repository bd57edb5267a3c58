/*
 * Two gateways rekey their IKE SA at the same time (RFC 7296 2.8.2, 2.25.2), and each message of the two
 * exchanges takes its own time: an answer is late, a DELETE overtakes it, and so on, in all combinations.
 * Whoever has the lowest nonce, at the end both have one IKE SA, the same, with the Child SAs.
 */
#include "invariants.h"
#include "pair.h"

#include "ike/sa/ike_sa.h"
#include "ike/sa/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    LIFETIME = 3600, /* seconds */
    REKEY_AT = (LIFETIME - 30) * 1000,
    KINDS = 6, /* at each end a request to rekey, its answer, and other requests, DELETE above all */
    TIMES = 3,
};

/* Milliseconds: at once; before it is sent again (R15); after it has been sent again. */
static const msec_t times[TIMES] = {10, 1500, 5000};

/* How long each kind of message takes. */
struct crossing {
    struct pair pair;
    msec_t time[KINDS];
};

/* The kind of a message: of the first gateway 0 to 2, of the second one 3 to 5; answers to others are fast.
 */
static int kind_of(const struct crossing *c, const struct flying_datagram *d)
{
    enum { EXCHANGE_AT = 18, FLAGS_AT = 19 };
    const struct ip_address a = gateway_address(c->pair.a);
    int first = ip_address_equal(&d->from.address, &a) ? 0 : KINDS / 2;
    bool response = (d->message.at[FLAGS_AT] & IKE_FLAG_RESPONSE) != 0;
    if (d->message.at[EXCHANGE_AT] == EXCHANGE_CREATE_CHILD_SA)
        return first + (response ? 1 : 0);
    return response ? -1 : first + 2;
}

static bool delay(void *context, const struct flying_datagram *d)
{
    const struct crossing *c = context;
    int kind = kind_of(c, d);
    struct network_conditions *conditions = world_conditions(c->pair.w);
    conditions->delay_min = kind < 0 ? times[0] : c->time[kind];
    conditions->delay_max = conditions->delay_min;
    return true;
}

/* The only IKE SA of a gateway. Fails if it has another number of them. */
static struct ike_record only_sa(const struct gateway *g, const char *name, unsigned combination)
{
    if (gateway_record_count(g) != 1)
        fail_msg("combination %u: %s has %zu IKE SAs", combination, name, gateway_record_count(g));
    struct ike_record record;
    assert_int_equal(ike_record_read(gateway_record(g, 0), SIM_EPOCH, &record), IKE_RECORD_READ);
    if (record.state != IKE_SA_ESTABLISHED || record.replaced)
        fail_msg("combination %u: the IKE SA of %s is in state %d", combination, name, (int)record.state);
    return record;
}

static void assert_one_sa(const struct crossing *c, unsigned combination)
{
    const struct ike_record a = only_sa(c->pair.a, "A", combination);
    const struct ike_record b = only_sa(c->pair.b, "B", combination);
    if (a.spi_i != b.spi_i || a.spi_r != b.spi_r)
        fail_msg("combination %u: the ends have different IKE SAs", combination);
    if (!world_tunnel_carries(c->pair.a, 1, c->pair.b, 0))
        fail_msg("combination %u: the Child SAs do not fit", combination);
    if (gateway_last_down_reason(c->pair.a)[0] != '\0' || gateway_last_down_reason(c->pair.b)[0] != '\0')
        fail_msg("combination %u: the tunnel was down", combination);
    if (world_fault(c->pair.w) != NULL)
        fail_msg("combination %u: %s", combination, world_fault(c->pair.w));
}

/* How a crossing went. */
struct outcome {
    bool crossed; /* both ends made a new IKE SA of the other's request */
    bool a_made;  /* the IKE SA that stayed was made by A */
};

static struct outcome cross(unsigned combination, uint64_t seed)
{
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.connect_type = CONNECT_AUTO;
    a.sa_lifetime = LIFETIME;
    a.dpd_interval = b.dpd_interval = seed % 3 == 0 ? 0 : LIFETIME;
    /* B's rekey starts 5 to 10 s after the margin: A's, which would start right at it, shall start meanwhile.
     */
    b.sa_lifetime = LIFETIME - 7;
    struct crossing c = {.pair = pair_with_seed(seed, &a, &b)};
    for (unsigned i = 0, left = combination; i < KINDS; i++, left /= TIMES)
        c.time[i] = times[left % TIMES];
    world_run(c.pair.w, REKEY_AT - 5000);
    world_set_hook(c.pair.w, delay, &c);
    world_conditions(c.pair.w)->job_time = seed % 2 * 700;

    world_run(c.pair.w,
              100 * 1000); /* 30 s until the peer is asked about a replaced one, 30 s without answer */

    assert_one_sa(&c, combination);
    const struct ike_record stays = only_sa(c.pair.a, "A", combination);
    const struct outcome outcome = {
        .crossed =
            gateway_log_count(c.pair.a, "IKE SA rekeyed") + gateway_log_count(c.pair.b, "IKE SA rekeyed") >=
            3,
        .a_made = stays.initiator,
    };
    world_free(c.pair.w);
    return outcome;
}

static void RFC7296_2_25_2_crossing_rekeys_leave_both_ends_one_ike_sa_whatever_is_late(void **state)
{
    (void)state;
    enum { COMBINATIONS = 729, SEEDS = 3 }; /* TIMES to the power of KINDS */
    size_t crossed = 0;
    size_t won[2] = {0};
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            const struct outcome outcome = cross(i, seed * COMBINATIONS + i);
            crossed += outcome.crossed;
            won[outcome.a_made] += outcome.crossed;
        }
    }
    print_message("# %zu crossed; A's stays in %zu, B's in %zu\n", crossed, won[1], won[0]);
    assert_true(won[0] > 100 && won[1] > 100); /* else the nonces did not decide */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7296_2_25_2_crossing_rekeys_leave_both_ends_one_ike_sa_whatever_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
