/*
 * Whole networks in trouble (scenario.h). Afterwards every tunnel that is kept up carries packets within 90
 * seconds, and the invariants hold after every event (invariants.h). In one scenario of sixteen the gateways
 * have real packet paths: engine and path start anew apart from each other and together, on ESP that is real.
 * In one of eight there is one gateway, whose peer narrows, refuses, deletes and forgets (odd_peer.h).
 *
 *   MUSUBI_SIM_SCENARIOS=200000 test_campaign    a longer campaign; MUSUBI_SIM_FIRST=N begins at seed N
 *   MUSUBI_SIM_SEED=17 MUSUBI_SIM_TRACE=1 …      one scenario, with its trace
 *
 * The trace of a seed that fails is written to campaign-SEED.trace.
 */
#include "odd_peer.h"
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
#ifdef __SANITIZE_ADDRESS__
    SCENARIOS = 400, /* a fifth, since it is five times slower */
#else
    SCENARIOS = 2000,
#endif
    EVENTS = 25,
    ODD_PEERS_EACH = 8, /* one scenario of so many */
    FAILURES_MAX = 20,  /* then the campaign stops */
};

/* Plays one scenario. Returns what failed; NULL if nothing did. */
static const char *play(uint64_t seed, FILE *trace)
{
    if (seed % ODD_PEERS_EACH == ODD_PEERS_EACH - 1)
        return odd_peer_play(seed, trace);
    static char fault[256];
    struct scenario s;
    scenario_build(&s, seed, trace);
    scenario_begin_trouble(&s);
    for (unsigned i = 0; i < EVENTS; i++) {
        world_run(s.w, 1000 + world_chance_below(s.w, 20000));
        scenario_trouble(&s);
    }
    scenario_heal(&s);
    const char *complaint = scenario_complaint(&s);
    for (size_t i = 0; i < s.gateway_count; i++)
        gateway_stop(s.gateways[i]);
    world_run(s.w, 40 * 1000);
    for (size_t i = 0; i < s.gateway_count; i++)
        gateway_check_end(s.gateways[i]);
    if (world_fault(s.w) != NULL) {
        (void)snprintf(fault, sizeof fault, "%s", world_fault(s.w));
        complaint = fault;
    }
    scenario_free(&s);
    return complaint;
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 10) : otherwise;
}

static void tell_failure(uint64_t seed, const char *fault)
{
    char name[64];
    print_error("seed %lu: %s\n", (unsigned long)seed, fault);
    (void)snprintf(name, sizeof name, "campaign-%lu.trace", (unsigned long)seed);
    FILE *trace = fopen(name, "we");
    if (trace == NULL)
        return;
    (void)play(seed, trace);
    (void)fclose(trace);
}

static void tunnels_come_back_when_the_network_recovers(void **state)
{
    (void)state;
    uint64_t first = number_from_environment("MUSUBI_SIM_FIRST", 0);
    uint64_t count = number_from_environment("MUSUBI_SIM_SCENARIOS", SCENARIOS);
    size_t failures = 0;
    for (uint64_t seed = first; seed < first + count && failures < FAILURES_MAX; seed++) {
        const char *fault = play(seed, NULL);
        if (fault == NULL)
            continue;
        tell_failure(seed, fault);
        failures++;
    }
    assert_int_equal(failures, 0);
}

static void one_scenario(void **state)
{
    (void)state;
    const char *fault = play(number_from_environment("MUSUBI_SIM_SEED", 0),
                             getenv("MUSUBI_SIM_TRACE") != NULL ? stderr : NULL);
    if (fault != NULL)
        fail_msg("%s", fault);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(tunnels_come_back_when_the_network_recovers)};
    const struct CMUnitTest one[] = {cmocka_unit_test(one_scenario)};
    return getenv("MUSUBI_SIM_SEED") != NULL ? cmocka_run_group_tests(one, NULL, NULL)
                                             : cmocka_run_group_tests(all, NULL, NULL);
}
