/* host/packets.h on a kernel without nf_tables (tests/system/linux61.sh) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "host/packet_counters.h"
#include "host/sysctl.h"
#include "netns.h"

static struct seen seen;

__attribute__((noinline)) static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        return;
    print_error("missing: %s\nin: %s\n", part, text);
    fail();
}

static void want_packet_rules(struct host_plan *plan, const struct interface_filters *filters, bool mss)
{
    struct plan_packet_link link = {.name = "ge0", .filters = filters, .ipv4_mss = {.lower = mss}};
    assert_true(host_plan_add_packet_link(plan, &link));
}

static void S36_without_nf_tables_nothing_is_begun_that_needs_a_filter(void **state)
{
    (void)state;
    struct interface_filter filter = {.list = "a", .family = IP_V4};
    const struct interface_filters filters = {.filters = &filter, .filter_count = 1};
    struct host_plan plan = {.forward_v4 = true};
    struct host_error err;
    bool forwarding = true;
    want_packet_rules(&plan, &filters, false);
    struct host *host = open_host(&seen);

    assert_false(host_apply(host, &plan, 1, &err));

    assert_has(err.text, "packet rules (filters, NAPT, MSS of ports): this Linux kernel has no nf_tables");
    assert_true(host_sysctl_read_forwarding(IP_V4, &forwarding, NULL));
    assert_false(forwarding);
    host_teardown(host);
    host_plan_clear(&plan);
}

static void S27_without_nf_tables_a_missing_mss_is_told_and_stops_nothing_else(void **state)
{
    (void)state;
    const struct interface_filters filters = {0};
    struct host_plan plan = {.forward_v4 = true};
    bool forwarding = false;
    want_packet_rules(&plan, &filters, true);
    struct host *host = open_host(&seen);

    apply(host, &plan);
    settle(host);

    assert_string_equal(seen.notes,
                        "warning: packet rules (filters, NAPT, MSS of ports): this Linux kernel has no "
                        "nf_tables\n");
    assert_true(host_sysctl_read_forwarding(IP_V4, &forwarding, NULL));
    assert_true(forwarding);
    host_teardown(host);
    host_plan_clear(&plan);
}

static void without_nf_tables_a_config_without_packet_rules_is_served(void **state)
{
    (void)state;
    struct host_plan plan = {.forward_v4 = true};
    struct packet_counts counts;
    struct host *host = open_host(&seen);
    apply(host, &plan);
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_true(packet_counts_read(&counts, NULL));
    assert_int_equal(counts.count, 0);
    host_teardown(host);
    assert_string_equal(seen.notes, "");
    host_plan_clear(&plan);
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, netns_setup)
    const struct CMUnitTest tests[] = {
        IN_NAMESPACE(S36_without_nf_tables_nothing_is_begun_that_needs_a_filter),
        IN_NAMESPACE(S27_without_nf_tables_a_missing_mss_is_told_and_stops_nothing_else),
        IN_NAMESPACE(without_nf_tables_a_config_without_packet_rules_is_served),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
