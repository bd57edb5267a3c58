/* esp/sa.h: what an SA is made of; esp/owner.h: which worker has it. */
#include "fixture.h"

#include "esp/owner.h"

#include <malloc.h>

static struct esp_worker *worker;

static int start(void **state)
{
    (void)state;
    worker = new_worker(ESP_ARITHMETIC_BEST);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    esp_worker_free(worker);
    return 0;
}

static void sa_is_made_of_its_own_settings_alone(void **state)
{
    (void)state;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        struct sa_pair other;
        pair_make(&pair, suite, worker, worker);
        pair_make(&other, (suite + 1) % SUITE_COUNT, worker, worker);

        assert_true(esp_sa_is_made_of(pair.in, &pair.settings));
        assert_false(esp_sa_is_made_of(pair.out, &pair.settings)); /* the other direction */
        assert_false(esp_sa_is_made_of(pair.in, &other.settings));

        pair.settings.anti_replay = false; /* may change */
        assert_true(esp_sa_is_made_of(pair.in, &pair.settings));
        pair.settings.spi++;
        assert_false(esp_sa_is_made_of(pair.in, &pair.settings));
        pair_free(&pair);
        pair_free(&other);
    }
}

static void each_octet_of_the_keys_counts(void **state)
{
    (void)state;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        for (size_t i = 0; i < pair.settings.encryption_key.length; i++) {
            pair.encryption_key[i] ^= 1;
            assert_false(esp_sa_is_made_of(pair.in, &pair.settings));
            pair.encryption_key[i] ^= 1;
        }
        for (size_t i = 0; i < pair.settings.integrity_key.length; i++) {
            pair.integrity_key[i] ^= 1;
            assert_false(esp_sa_is_made_of(pair.in, &pair.settings));
            pair.integrity_key[i] ^= 1;
        }
        assert_true(esp_sa_is_made_of(pair.in, &pair.settings));
        pair_free(&pair);
    }
}

static void selectors_count_too(void **state)
{
    (void)state;
    struct traffic_selector some[2] = {selectors_of_everything()[0], selectors_of_everything()[1]};
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);

    pair.settings.selectors.local = some;
    assert_true(esp_sa_is_made_of(pair.in, &pair.settings));
    some[0].protocol = 17;
    assert_false(esp_sa_is_made_of(pair.in, &pair.settings));
    const struct traffic_selector kept[2] = {some[0], some[1]};
    pair.settings.selectors.local = kept;
    pair_remake_inbound(&pair, worker);
    pair.settings.selectors.local = some;
    assert_true(esp_sa_is_made_of(pair.in, &pair.settings));
    some[0].last_port--;
    assert_false(esp_sa_is_made_of(pair.in, &pair.settings));
    some[0].last_port++;
    pair.settings.selectors.local_count = 1;
    assert_false(esp_sa_is_made_of(pair.in, &pair.settings));
    pair_free(&pair);
}

/* TunnelN.0 of any N: slots are given in their order, from 0 on. */
static void tunnels_spread_over_all_workers_in_both_directions(void **state)
{
    (void)state;
    for (uint32_t workers = 1; workers <= 8; workers++) {
        unsigned out[8] = {0};
        unsigned in[8] = {0};
        for (uint32_t slot = 0; slot < 3 * workers; slot++) {
            out[esp_owner_outbound(slot, workers)]++;
            in[esp_owner_inbound(slot, workers)]++;
            assert_true(workers == 1 ||
                        esp_owner_outbound(slot, workers) != esp_owner_inbound(slot, workers));
        }
        for (uint32_t i = 0; i < workers; i++) {
            assert_int_equal(out[i], 3);
            assert_int_equal(in[i], 3);
        }
    }
}

static void chosen_spi_leads_to_its_owner(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (uint32_t workers = 1; workers <= 64; workers++) {
        for (int i = 0; i < 1000; i++) {
            uint32_t owner = (uint32_t)random_below(&random, workers);
            uint32_t spi = esp_spi_of_owner((uint32_t)random_u64(&random), owner);
            assert_int_equal(esp_owner_of_spi(spi, workers), owner);
        }
    }
    assert_int_equal(esp_spi_of_owner(UINT32_MAX, 63), UINT32_MAX);
    assert_int_equal(esp_spi_of_owner(UINT32_MAX, 0), UINT32_MAX - 63);
}

/* A peer sends to SAs of one worker by one message, and does not know how many workers there are. */
static void spis_with_one_remainder_lead_to_one_worker_of_any_number(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (uint32_t workers = 1; workers <= ESP_OWNERS_MAX; workers++) {
        for (int i = 0; i < 1000; i++) {
            uint32_t spi = (uint32_t)random_u64(&random);
            uint32_t other = esp_spi_of_owner((uint32_t)random_u64(&random), esp_spi_remainder(spi));
            assert_int_equal(esp_spi_remainder(other), esp_spi_remainder(spi));
            assert_int_equal(esp_owner_of_spi(other, workers), esp_owner_of_spi(spi, workers));
        }
    }
}

/* ---- Freed memory ------------------------------------------------------------------------------------ */

/* The keys of the SA that is being freed, and how much memory was freed with one of them in it. */
static struct {
    const struct sa_pair *pair;
    size_t freed, leaked;
} wiping;

void __real_free(void *at);
void __wrap_free(void *at);

void __wrap_free(void *at)
{
    if (wiping.pair != NULL && at != NULL) {
        size_t size = malloc_usable_size(at);
        wiping.freed++;
        wiping.leaked += memmem(at, size, wiping.pair->encryption_key, 8) != NULL;
        wiping.leaked += memmem(at, size, wiping.pair->integrity_key, 8) != NULL;
    }
    __real_free(at);
}

static void no_key_is_left_in_the_memory_of_an_sa_that_is_freed(void **state)
{
    (void)state;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        memset(&wiping, 0, sizeof wiping);
        wiping.pair = &pair;
        pair_free(&pair);
        wiping.pair = NULL;
        assert_true(wiping.freed >= 2);
        if (wiping.leaked > 0)
            fail_msg("suite %zu: %zu times a key is left", suite, wiping.leaked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sa_is_made_of_its_own_settings_alone),
        cmocka_unit_test(each_octet_of_the_keys_counts),
        cmocka_unit_test(selectors_count_too),
        cmocka_unit_test(tunnels_spread_over_all_workers_in_both_directions),
        cmocka_unit_test(chosen_spi_leads_to_its_owner),
        cmocka_unit_test(spis_with_one_remainder_lead_to_one_worker_of_any_number),
        cmocka_unit_test(no_key_is_left_in_the_memory_of_an_sa_that_is_freed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
