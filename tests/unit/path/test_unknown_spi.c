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

static void S9_one_address_is_told_once_in_ten_seconds(void **state)
{
    (void)state;
    static struct unknown_spi_table table = {.seed = 5};
    struct ip_address a = address_number(1);
    const msec_t start = 100000;

    assert_true(unknown_spi_may_tell(&table, &a, start));
    assert_false(unknown_spi_may_tell(&table, &a, start + 1));
    assert_false(unknown_spi_may_tell(&table, &a, start + 9999));
    assert_true(unknown_spi_may_tell(&table, &a, start + 10000));
}

static void first_packet_after_boot_is_told(void **state)
{
    (void)state;
    static struct unknown_spi_table table = {.seed = 5};
    struct ip_address a = address_number(1);

    assert_true(unknown_spi_may_tell(&table, &a, 3));
}

static void flood_of_addresses_is_told_at_a_steady_rate(void **state)
{
    (void)state;
    static struct unknown_spi_table table = {.seed = 5};
    const msec_t start = 100000;
    unsigned told = 0;

    for (uint32_t i = 0; i < 3000; i++) {
        struct ip_address a = address_number(i);
        told += unknown_spi_may_tell(&table, &a, start + i);
    }

    assert_int_equal(told, 3 * UNKNOWN_SPI_RATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_one_address_is_told_once_in_ten_seconds),
        cmocka_unit_test(first_packet_after_boot_is_told),
        cmocka_unit_test(flood_of_addresses_is_told_at_a_steady_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
