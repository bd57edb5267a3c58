/* path/unknown_spi.h */
#include "path/unknown_spi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ip_address address_number(uint32_t number)
{
    struct ip_address a = {.family = IP_V4};
    memcpy(a.octets, &number, sizeof number);
    return a;
}

static void S9_one_address_is_reported_once_in_ten_seconds(void **state)
{
    (void)state;
    struct unknown_spi_table table = unknown_spi_table_of(5, 1);
    struct ip_address a = address_number(1);
    const msec_t start = 100000;

    assert_true(unknown_spi_may_report(&table, &a, start));
    assert_false(unknown_spi_may_report(&table, &a, start + 1));
    assert_false(unknown_spi_may_report(&table, &a, start + 9999));
    assert_true(unknown_spi_may_report(&table, &a, start + 10000));
}

static void first_packet_after_boot_is_reported(void **state)
{
    (void)state;
    struct unknown_spi_table table = unknown_spi_table_of(5, 1);
    struct ip_address a = address_number(1);

    assert_true(unknown_spi_may_report(&table, &a, 3));
}

static unsigned reports_in_three_seconds(unsigned workers)
{
    const msec_t start = 100000;
    unsigned reported = 0;
    for (unsigned w = 0; w < workers; w++) {
        struct unknown_spi_table table = unknown_spi_table_of(5, workers);
        for (uint32_t i = 0; i < 3000; i++) {
            struct ip_address a = address_number(i);
            reported += unknown_spi_may_report(&table, &a, start + i);
        }
    }
    return reported;
}

static void S46_flood_of_addresses_is_reported_at_a_steady_rate(void **state)
{
    (void)state;

    assert_int_equal(reports_in_three_seconds(1), 3 * UNKNOWN_SPI_RATE);
    assert_int_equal(reports_in_three_seconds(2), 3 * UNKNOWN_SPI_RATE);
    assert_int_equal(reports_in_three_seconds(10), 3 * UNKNOWN_SPI_RATE);
}

/* One that comes too soon after another is not held to have been reported. */
static void S46_all_of_many_addresses_are_reported(void **state)
{
    (void)state;
    enum { SITES = 60, SECONDS = 9 };
    struct unknown_spi_table table = unknown_spi_table_of(5, 1);
    unsigned reported[SITES] = {0};

    for (msec_t now = 100000; now < 100000 + SECONDS * 1000; now += 10) {
        for (uint32_t i = 0; i < SITES; i++) {
            struct ip_address a = address_number(i);
            reported[i] += unknown_spi_may_report(&table, &a, now);
        }
    }

    for (size_t i = 0; i < SITES; i++)
        assert_true(reported[i] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_one_address_is_reported_once_in_ten_seconds),
        cmocka_unit_test(first_packet_after_boot_is_reported),
        cmocka_unit_test(S46_flood_of_addresses_is_reported_at_a_steady_rate),
        cmocka_unit_test(S46_all_of_many_addresses_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
