/* The path's MTU: what is learnt, how long it counts, and for whom (S39). */
#include "../esp/fixture.h"

#include <netinet/in.h>

#include "path/outbound_sa.h"
#include "path/path_mtu.h"
#include "path/tunnel.h"

enum { LINK = 1500, NOW = 5000000, FITS = 1446, FITS_1400 = 1346 /* AES-GCM over IPv4 */ };

static struct path_worker_counters counters;
static struct path_totals totals;
static struct path_sizes sizes;
static struct worker worker;
static struct tunnel tunnel;
static struct sa_pair pairs[2];
static struct outbound_sa sas[2];
static struct esp_worker *esp;

static struct outbound_settings settings_to(const char *peer)
{
    struct outbound_settings settings = {.route = {.mtu = LINK}, .active = true};
    struct child_destination destination = {0};
    assert_true(ip_address_parse("192.0.2.1", &destination.local.address));
    assert_true(ip_address_parse(peer, &destination.remote.address));
    assert_true(wire_destination_from(&settings.destination, &destination));
    return settings;
}

static void install(size_t i, const char *peer)
{
    const struct outbound_settings settings = settings_to(peer);
    sas[i] = (struct outbound_sa){.tunnel = &tunnel, .child_spi = 0x1000 + (uint32_t)i, .sa = pairs[i].out};
    assert_int_equal(outbound_sa_install(&worker, &sas[i], &settings), PATH_OK);
}

static int start(void **state)
{
    (void)state;
    static struct path_options options;
    options =
        (struct path_options){.worker_count = 1, .totals = &totals, .totals_count = 1, .by_turns = true};
    options.workers[0] = (struct path_worker){-1, -1, -1, -1, -1, -1, -1, -1, -1, {0}, 1, &counters};
    worker = (struct worker){0};
    worker_prepare(&worker);
    assert_true(worker_open(&worker, 0, &options, -1, ESP_ARITHMETIC_OPENSSL));
    (void)worker_turn(&worker, NOW);
    tunnel = (struct tunnel){.number = 1, .settings = {.mtu = LINK, .mss_v4 = {.automatic = true}}};
    tunnel.sizes = &sizes;
    tunnel_prepare(&tunnel, -1);
    esp = new_worker(ESP_ARITHMETIC_OPENSSL);
    for (size_t i = 0; i < 2; i++)
        pair_make(&pairs[i], 0, esp, esp);
    install(0, "192.0.2.2");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    struct outbound_sa *sa;
    while ((sa = TAILQ_FIRST(&tunnel.sas)) != NULL)
        outbound_sa_remove(&worker, sa);
    for (size_t i = 0; i < 2; i++)
        pair_free(&pairs[i]);
    esp_worker_free(esp);
    worker_close(&worker);
    return 0;
}

static uint16_t mss(void)
{
    return atomic_load(&tunnel.mss.v4);
}

static void S39_what_is_learnt_ages_after_ten_minutes(void **state)
{
    (void)state;
    assert_int_equal(sas[0].mtu.fits, FITS);

    path_mtu_learn(&worker, &sas[0], 1400);

    assert_int_equal(sas[0].mtu.fits, FITS_1400);
    assert_int_equal(mss(), FITS_1400 - 40);
    (void)worker_turn(&worker, NOW + 10 * 60 * 1000 - 1);
    assert_int_equal(sas[0].mtu.fits, FITS_1400);
    (void)worker_turn(&worker, NOW + 10 * 60 * 1000);
    assert_int_equal(sas[0].mtu.fits, FITS);
    assert_int_equal(mss(), FITS - 40);
}

static void S39_it_never_grows_by_what_a_router_says_and_never_falls_below_the_least(void **state)
{
    (void)state;
    path_mtu_learn(&worker, &sas[0], 9000);
    assert_int_equal(sas[0].mtu.fits, FITS);
    path_mtu_learn(&worker, &sas[0], 1400);
    path_mtu_learn(&worker, &sas[0], 1450);
    assert_int_equal(sas[0].mtu.fits, FITS_1400);
    path_mtu_learn(&worker, &sas[0], 0);
    assert_int_equal(sas[0].mtu.learnt, 576);
}

static void S39_a_rekeyed_child_sa_goes_on_with_it(void **state)
{
    (void)state;
    path_mtu_learn(&worker, &sas[0], 1400);

    install(1, "192.0.2.2");

    assert_int_equal(sas[1].mtu.fits, FITS_1400);
    (void)worker_turn(&worker, NOW + 10 * 60 * 1000);
    assert_int_equal(sas[1].mtu.fits, FITS);
}

static void S39_another_peer_has_a_path_of_its_own(void **state)
{
    (void)state;
    path_mtu_learn(&worker, &sas[0], 1400);
    install(1, "192.0.2.3");
    assert_int_equal(sas[1].mtu.fits, FITS);
    assert_int_equal(mss(), FITS_1400 - 40);

    const struct outbound_settings elsewhere = settings_to("192.0.2.4");
    outbound_sa_redirect(&worker, &sas[0], &elsewhere);

    assert_int_equal(sas[0].mtu.fits, FITS);
    assert_int_equal(mss(), FITS - 40);
}

static void S39_what_is_in_use_can_be_read(void **state)
{
    (void)state;
    assert_int_equal(sizes.octets[PATH_SIZE_LINK], LINK);
    assert_int_equal(sizes.octets[PATH_SIZE_LEARNT], 0);
    assert_int_equal(sizes.octets[PATH_SIZE_INNER], FITS);

    (void)worker_turn(&worker, NOW + 5000);
    path_mtu_learn(&worker, &sas[0], 1400);
    (void)worker_turn(&worker, NOW + 7000);

    assert_int_equal(sizes.octets[PATH_SIZE_LINK], LINK);
    assert_int_equal(sizes.octets[PATH_SIZE_LEARNT], 1400);
    assert_int_equal(sizes.octets[PATH_SIZE_LEARNT_AT], NOW + 5000);
    assert_int_equal(sizes.octets[PATH_SIZE_INNER], FITS_1400);
    assert_int_equal(sizes.octets[PATH_SIZE_MSS_V4], FITS_1400 - 40);
    assert_int_equal(sizes.octets[PATH_SIZE_MSS_V6], 0);

    outbound_sa_stop(&sas[0]);

    assert_int_equal(sizes.octets[PATH_SIZE_LINK], 0);
}

static void R72_the_link_that_becomes_smaller_counts_at_once(void **state)
{
    (void)state;
    path_mtu_set_link(&worker, &sas[0], 1400);
    assert_int_equal(sas[0].mtu.fits, FITS_1400);
    path_mtu_set_link(&worker, &sas[0], 0); /* not known */
    assert_int_equal(sas[0].mtu.fits, FITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(S39_what_is_learnt_ages_after_ten_minutes, start, stop),
        cmocka_unit_test_setup_teardown(
            S39_it_never_grows_by_what_a_router_says_and_never_falls_below_the_least, start, stop),
        cmocka_unit_test_setup_teardown(S39_a_rekeyed_child_sa_goes_on_with_it, start, stop),
        cmocka_unit_test_setup_teardown(S39_another_peer_has_a_path_of_its_own, start, stop),
        cmocka_unit_test_setup_teardown(S39_what_is_in_use_can_be_read, start, stop),
        cmocka_unit_test_setup_teardown(R72_the_link_that_becomes_smaller_counts_at_once, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
