/* Sizes for all pairs of algorithms, compared with packets that are really sealed. */
#include "../esp/fixture.h"

#include "path/size.h"

static const struct size_form forms[] = {
    {.outer = IP_V4, .encapsulated = false},
    {.outer = IP_V4, .encapsulated = true},
    {.outer = IP_V6, .encapsulated = false},
    {.outer = IP_V6, .encapsulated = true},
};

/* The headers outside of ESP, counted by hand. */
static const size_t headers[] = {20, 28, 40, 48};

/* Octets on the wire of an inner packet that is sealed. */
static size_t sealed_outer(struct esp_worker *worker, struct sa_pair *pair, size_t form, size_t inner)
{
    static uint8_t plain[SIZE_INNER_MAX], sealed[ESP_PACKET_MAX];
    uint64_t random = 1;
    inner_packet(&random, IP_V4, plain, inner);
    struct esp_outbound p = {
        .sa = pair->out,
        .body = {plain, inner},
        .to = sealed,
        .capacity = sizeof sealed,
    };
    assert_int_equal(esp_seal(worker, &p, 1), 1);
    return headers[form] + p.length;
}

static void each_suite_and_form(void (*check)(struct esp_worker *worker, struct sa_pair *pair, size_t form,
                                              const struct size_form *of))
{
    struct esp_worker *worker = new_worker(ESP_ARITHMETIC_OPENSSL);
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        const struct test_suite s = suite_at(suite);
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
            struct size_form form = forms[i];
            form.esp = esp_framing_of(s.encryption, s.integrity);
            check(worker, &pair, i, &form);
        }
        pair_free(&pair);
    }
    esp_worker_free(worker);
}

static void check_largest(struct esp_worker *worker, struct sa_pair *pair, size_t form,
                          const struct size_form *of)
{
    for (size_t mtu = 1280; mtu <= 1500; mtu += mtu < 1460 ? 19 : 1) {
        size_t inner = size_largest_inner(of, mtu);
        assert_true(sealed_outer(worker, pair, form, inner) <= mtu);
        assert_true(sealed_outer(worker, pair, form, inner + 1) > mtu);
    }
}

static void R72_the_largest_size_fits_exactly_and_one_octet_more_does_not(void **state)
{
    (void)state;
    each_suite_and_form(check_largest);
}

static void check_outer(struct esp_worker *worker, struct sa_pair *pair, size_t form,
                        const struct size_form *of)
{
    for (size_t inner = 40; inner < 100; inner++)
        assert_int_equal(size_outer(of, inner), sealed_outer(worker, pair, form, inner));
}

static void R72_the_size_outside_is_what_is_sealed(void **state)
{
    (void)state;
    each_suite_and_form(check_outer);
}

static void check_sealable(struct esp_worker *worker, struct sa_pair *pair, size_t form,
                           const struct size_form *of)
{
    const size_t most = of->outer == IP_V4 ? 65535 : 65575;
    size_t inner = size_largest_sealable(of);
    assert_true(sealed_outer(worker, pair, form, inner) <= most);
    if (inner < SIZE_INNER_MAX)
        assert_true(sealed_outer(worker, pair, form, inner + 1) > most);
}

static void R72_the_largest_that_any_datagram_holds(void **state)
{
    (void)state;
    each_suite_and_form(check_sealable);
}

static void check_mss(struct esp_worker *worker, struct sa_pair *pair, size_t form,
                      const struct size_form *of)
{
    (void)worker, (void)pair, (void)form;
    size_t inner = size_largest_inner(of, 1500);
    assert_int_equal(size_mss(IP_V4, inner), inner - 40);
    assert_int_equal(size_mss(IP_V6, inner), inner - 60);
}

static void R75_the_mss_leaves_room_for_both_headers(void **state)
{
    (void)state;
    each_suite_and_form(check_mss);
    assert_int_equal(size_mss(IP_V6, 60), 0);
}

static void S39_an_mtu_below_the_least_counts_as_the_least(void **state)
{
    (void)state;
    const struct esp_framing gcm = esp_framing_of(&encryption_algorithms[0], NULL);
    const struct size_form v4 = {.esp = gcm, .outer = IP_V4};
    const struct size_form v6 = {.esp = gcm, .outer = IP_V6};
    assert_int_equal(size_largest_inner(&v4, 68), size_largest_inner(&v4, 296));
    assert_true(size_largest_inner(&v4, 296) < size_largest_inner(&v4, 300));
    assert_int_equal(size_largest_inner(&v6, 0), size_largest_inner(&v6, 1280));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R72_the_largest_size_fits_exactly_and_one_octet_more_does_not),
        cmocka_unit_test(R72_the_size_outside_is_what_is_sealed),
        cmocka_unit_test(R72_the_largest_that_any_datagram_holds),
        cmocka_unit_test(R75_the_mss_leaves_room_for_both_headers),
        cmocka_unit_test(S39_an_mtu_below_the_least_counts_as_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
