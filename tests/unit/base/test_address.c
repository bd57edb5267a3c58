/* base/address.h */
#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ip_address address(const char *text)
{
    struct ip_address a;
    assert_true(ip_address_parse(text, &a));
    return a;
}

static struct ip_prefix prefix(const char *text)
{
    struct ip_prefix p;
    assert_true(ip_prefix_parse(text, &p));
    return p;
}

static void addresses_parse_and_print_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"0.0.0.0", "10.1.0.1",    "255.255.255.255",
                                        "::",      "2001:db8::1", "fe80::1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip_address a = address(texts[i]);
        char out[IP_TEXT_SIZE];
        assert_string_equal(ip_address_format(&a, out), texts[i]);
    }
}

static void text_that_is_not_an_address_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "10.1.0", "10.1.0.256", "10.1.0.1/24", "2001:db8::g", "site1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip_address a;
        assert_false(ip_address_parse(texts[i], &a));
    }
}

static void text_that_is_not_a_prefix_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.0.0.0",   "10.0.0.0/33", "10.0.0.0/",
                                        "10.0.0.0/x", "::/129",      "10.0.0.0/-1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip_prefix p;
        assert_false(ip_prefix_parse(texts[i], &p));
    }
}

static void prefix_knows_its_first_and_last_address(void **state)
{
    (void)state;
    struct ip_prefix p = prefix("10.1.2.3/22");
    struct ip_address first = ip_prefix_first(&p);
    struct ip_address last = ip_prefix_last(&p);
    char out[IP_TEXT_SIZE];
    assert_string_equal(ip_address_format(&first, out), "10.1.0.0");
    assert_string_equal(ip_address_format(&last, out), "10.1.3.255");

    p = prefix("2001:db8::/33");
    last = ip_prefix_last(&p);
    assert_string_equal(ip_address_format(&last, out), "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff");
}

static void prefix_contains_only_its_own_addresses(void **state)
{
    (void)state;
    struct ip_prefix p = prefix("10.1.0.0/23");
    struct ip_address inside = address("10.1.1.255");
    struct ip_address outside = address("10.1.2.0");
    struct ip_address other_family = address("::a01:0");
    assert_true(ip_prefix_contains(&p, &inside));
    assert_false(ip_prefix_contains(&p, &outside));
    assert_false(ip_prefix_contains(&p, &other_family));
}

static void endpoints_survive_conversion_to_a_sockaddr_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.0.2.1", "2001:db8::1"};
    for (size_t i = 0; i < 2; i++) {
        struct ip_endpoint e = {address(texts[i]), 4500};
        struct sockaddr_storage storage;
        ip_endpoint_to_sockaddr(&e, &storage);
        struct ip_endpoint back;
        assert_true(ip_endpoint_from_sockaddr((const struct sockaddr *)&storage, &back));
        assert_true(ip_endpoint_equal(&e, &back));
    }
}

static void ipv6_endpoints_print_in_brackets(void **state)
{
    (void)state;
    struct ip_endpoint e = {address("2001:db8::1"), 500};
    char out[IP_TEXT_SIZE];
    assert_string_equal(ip_endpoint_format(&e, out), "[2001:db8::1]:500");
}

static void private_addresses_are_those_of_the_rfcs(void **state)
{
    (void)state;
    static const char *const private[] = {"10.0.0.0",    "10.255.255.255",  "172.16.0.0",
                                          "172.31.0.1",  "192.168.255.255", "100.64.0.0",
                                          "100.127.0.1", "fc00::1",         "fdff::1"};
    static const char *const others[] = {"9.255.255.255",   "11.0.0.0",    "172.15.255.255", "172.32.0.0",
                                         "192.167.255.255", "192.169.0.0", "100.63.255.255", "100.128.0.0",
                                         "203.0.113.1",     "fbff::1",     "fe80::1",        "2001:db8::1"};
    for (size_t i = 0; i < sizeof private / sizeof *private; i++) {
        struct ip_address a = address(private[i]);
        assert_true(ip_address_is_private(&a));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct ip_address a = address(others[i]);
        assert_false(ip_address_is_private(&a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_parse_and_print_back),
        cmocka_unit_test(text_that_is_not_an_address_is_refused),
        cmocka_unit_test(text_that_is_not_a_prefix_is_refused),
        cmocka_unit_test(prefix_knows_its_first_and_last_address),
        cmocka_unit_test(prefix_contains_only_its_own_addresses),
        cmocka_unit_test(endpoints_survive_conversion_to_a_sockaddr_and_back),
        cmocka_unit_test(ipv6_endpoints_print_in_brackets),
        cmocka_unit_test(private_addresses_are_those_of_the_rfcs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
