/* host/host.h, host/route.h: pinned routes, and the question where a packet would go */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "host/mark.h"
#include "host/sysctl.h"
#include "netns.h"

static struct seen seen;

static int setup(void **state)
{
    int failed = netns_setup(state);
    if (failed == 0) {
        run("for i in 0 1; do ip link add ge$i type veth peer name far$i; ip link set ge$i up; "
            "ip link set far$i up; done");
        run("ip addr add 10.0.0.1/24 dev ge0 && ip addr add 10.1.0.1/24 dev ge1");
        run("ip addr add 2001:db8::1/64 dev ge0 nodad && ip addr add 2001:db8:1::1/64 dev ge1 nodad");
        run("ip route add default via 10.0.0.254 && ip route add default via 2001:db8::fe");
    }
    return failed;
}

static void assert_no_output(const char *command)
{
    const char *output = output_of("%s", command);
    if (output[0] != '\0')
        fail_msg("%s: nothing was expected, not:\n%s", command, output);
}

static int index_of(struct host *host, const char *name)
{
    const struct inventory_link *link = inventory_find_name(host_inventory(host), name);
    assert_non_null(link);
    return link->is.index;
}

static uint32_t take(struct host *host, const char *link, const char *next_hop)
{
    struct ip_address address = address_of(next_hop);
    struct host_error err;
    uint32_t mark = 0;
    if (!host_pin_route(host, link, address.family, &address, &mark, &err))
        fail_msg("%s", err.text);
    return mark;
}

/* Asserts where a marked packet goes; `gateway` NULL: nowhere. */
static void assert_route(struct host *host, const char *destination, uint32_t mark, const char *link,
                         const char *gateway)
{
    const struct host_route_question question = {.destination = address_of(destination), .mark = mark};
    struct host_route_answer answer;
    struct host_error err = {0};
    bool found = host_lookup(host, &question, &answer, &err);
    if (gateway == NULL) {
        assert_false(found);
        assert_non_null(strstr(err.text, destination));
        return;
    }
    if (!found)
        fail_msg("%s", err.text);
    struct ip_address wanted = address_of(gateway);
    assert_int_equal(answer.link, index_of(host, link));
    assert_true(ip_address_equal(&answer.gateway, &wanted));
}

static void R44_lookup_tells_link_next_hop_and_source(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_route_question question = {.destination = address_of("203.0.113.9")};
    struct host_route_answer answer;
    char text[IP_TEXT_SIZE];
    assert_true(host_lookup(host, &question, &answer, NULL));
    assert_int_equal(answer.link, index_of(host, "ge0"));
    assert_string_equal(ip_address_format(&answer.gateway, text), "10.0.0.254");
    assert_string_equal(ip_address_format(&answer.source, text), "10.0.0.1");

    question.destination = address_of("10.1.0.7"); /* on the link itself */
    assert_true(host_lookup(host, &question, &answer, NULL));
    assert_int_equal(answer.link, index_of(host, "ge1"));
    assert_int_equal(answer.gateway.family, IP_NONE);

    question.destination = address_of("10.0.0.1"); /* the host's own */
    assert_true(host_lookup(host, &question, &answer, NULL));
    assert_int_equal(answer.kind, HOST_ROUTE_LOCAL);

    question.destination = address_of("2001:db8:77::1");
    assert_true(host_lookup(host, &question, &answer, NULL));
    assert_int_equal(answer.link, index_of(host, "ge0"));
    assert_string_equal(ip_address_format(&answer.gateway, text), "2001:db8::fe");
    assert_string_equal(ip_address_format(&answer.source, text), "2001:db8::1");

    run("ip route add 203.0.113.0/24 via 10.1.0.254 mtu 1300");
    question.destination = address_of("203.0.113.9");
    assert_true(host_lookup(host, &question, &answer, NULL));
    assert_int_equal(answer.link, index_of(host, "ge1"));
    assert_int_equal(answer.mtu, 1300);

    run("ip route add 192.0.2.0/24 via inet6 2001:db8::fc dev ge0"); /* a next hop of the other family */
    question.destination = address_of("192.0.2.1");
    assert_true(host_lookup(host, &question, &answer, NULL));
    assert_string_equal(ip_address_format(&answer.gateway, text), "2001:db8::fc");
    run("ip route del 192.0.2.0/24");

    run("ip route add blackhole 198.51.100.0/24 && ip -6 route add unreachable 2001:db8:66::/48");
    assert_route(host, "198.51.100.1", 0, NULL, NULL);
    assert_route(host, "2001:db8:66::1", 0, NULL, NULL);
    run("ip route del default && ip -6 route del default");
    assert_route(host, "192.0.2.1", 0, NULL, NULL);
    assert_route(host, "2001:db8:99::1", 0, NULL, NULL);
    host_leave(host);
}

static void R44_changes_of_the_route_to_a_peer_are_reported(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    apply(host, &plan);
    settle(host);
    static const struct {
        const char *change;
        enum host_event_kind kind;
    } cases[] = {
        {"ip route add 203.0.113.0/24 via 10.1.0.254", HOST_EVENT_ROUTE},
        {"ip route del 203.0.113.0/24", HOST_EVENT_ROUTE},
        {"ip -6 route add 2001:db8:5::/48 via 2001:db8::fd", HOST_EVENT_ROUTE},
        {"ip rule add fwmark 5 table 5", HOST_EVENT_RULE},
        {"ip -6 rule del fwmark 5 table 5 2>/dev/null || ip rule del fwmark 5 table 5", HOST_EVENT_RULE},
        {"ip addr add 10.0.0.5/24 dev ge0", HOST_EVENT_ADDRESS},
        {"ip addr del 10.0.0.5/24 dev ge0", HOST_EVENT_ADDRESS_GONE},
        {"ip link set ge0 down", HOST_EVENT_LINK},
        {"ip link set far1 down && sleep 1.1", HOST_EVENT_LINK}, /* the carrier of ge1 */
        {"ip link del ge0", HOST_EVENT_LINK_GONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(seen.events, 0, sizeof seen.events);
        run("%s", cases[i].change);
        settle(host);
        if (seen.events[cases[i].kind] == 0)
            fail_msg("%s was not reported", cases[i].change);
    }
    const struct inventory_link *ge1 = inventory_find_name(host_inventory(host), "ge1");
    assert_non_null(ge1);
    assert_true(ge1->is.up && !ge1->is.carrier);
    host_teardown(host);
}

static void route_events_name_the_destination(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    run("ip route add 203.0.113.0/24 nexthop via 10.1.0.254 nexthop via 10.0.0.253");
    settle(host);
    const struct host_event *last = &seen.last[HOST_EVENT_ROUTE];
    char text[IP_TEXT_SIZE];
    assert_string_equal(ip_prefix_format(&last->prefix, text), "203.0.113.0/24");
    assert_int_equal(last->table, HOST_TABLE_MAIN);
    assert_string_equal(last->link_name, "ge0");
    host_leave(host);
}

static void lost_messages_lead_to_reading_anew(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    want_address(&plan, "ge0", "10.0.0.2/24");
    apply(host, &plan);
    settle(host);
    /* some 16 MB of notifications that nobody reads */
    FILE *batch = popen("ip -batch - >/dev/null", "we"); // NOLINT(cert-env33-c)
    assert_non_null(batch);
    (void)fprintf(batch, "link del ge1\naddr del 10.0.0.2/24 dev ge0\n");
    for (int i = 0; i < 20000; i++)
        (void)fprintf(batch, "link set lo mtu %d\n", 60000 + i % 2);
    (void)fprintf(batch, "link add ge9 type veth peer name far9\n");
    assert_int_equal(pclose(batch), 0);
    settle(host);
    assert_int_equal(seen.events[HOST_EVENT_RESYNC], 1);
    assert_null(inventory_find_name(host_inventory(host), "ge1"));
    assert_non_null(inventory_find_name(host_inventory(host), "ge9"));
    struct ip_address gone = address_of("10.1.0.1"), back = address_of("10.0.0.2");
    assert_false(inventory_is_local(host_inventory(host), &gone));
    assert_true(inventory_is_local(host_inventory(host), &back));
    assert_non_null(strstr(seen.notes, "address 10.0.0.2/24 of ge0"));
    host_teardown(host);
    host_plan_clear(&plan);
}

static void R44_pinned_route_ignores_the_routing_table(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    apply(host, &plan);
    uint32_t one = take(host, "ge1", "10.1.0.254"), two = take(host, "ge1", "10.1.0.253");
    uint32_t off_link = take(host, "ge0", "172.20.0.1"); /* no address of ge0 says that it is there */
    uint32_t six = take(host, "ge1", "2001:db8:1::fe"), link_local = take(host, "ge0", "fe80::1");
    assert_int_not_equal(one, two);
    assert_int_not_equal(one, six);

    assert_route(host, "203.0.113.9", one, "ge1", "10.1.0.254");
    assert_route(host, "203.0.113.9", two, "ge1", "10.1.0.253");
    assert_route(host, "203.0.113.9", off_link, "ge0", "172.20.0.1");
    assert_route(host, "2001:db8:77::1", six, "ge1", "2001:db8:1::fe");
    assert_route(host, "2001:db8:77::1", link_local, "ge0", "fe80::1");
    assert_route(host, "203.0.113.9", 0, "ge0", "10.0.0.254");

    run("ip route replace default via 10.0.0.9 && ip route add 203.0.113.9/32 via 10.0.0.8");
    settle(host);
    assert_route(host, "203.0.113.9", one, "ge1", "10.1.0.254");
    assert_string_equal(seen.notes, "");
    host_teardown(host);
    assert_no_output("ip rule show | grep 0x6d75; ip -6 rule show | grep 0x6d75");
    assert_no_output("ip route show table all proto 109; ip -6 route show table all proto 109");
}

static void R44_pinned_route_without_its_link_is_unreachable(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    apply(host, &plan);
    uint32_t four = take(host, "ge1", "10.1.0.254"), six = take(host, "ge1", "2001:db8:1::fe");
    run("ip link set ge1 down");
    settle(host);
    assert_route(host, "203.0.113.9", four, NULL, NULL);
    assert_route(host, "2001:db8:77::1", six, NULL, NULL);
    run("ip link set ge1 up");
    settle(host);
    assert_route(host, "203.0.113.9", four, "ge1", "10.1.0.254");
    assert_route(host, "2001:db8:77::1", six, "ge1", "2001:db8:1::fe");
    host_teardown(host);
}

static void S21_link_alone_is_the_next_hop_of_a_point_to_point_link(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    want_tunnel(&plan, "Tunnel9.0", true); /* in place of PPP */
    apply(host, &plan);
    const struct inventory_link *link = inventory_find_name(host_inventory(host), "Tunnel9.0");
    assert_true(link->is.point_to_point);
    const struct ip_address none = {.family = IP_NONE};
    uint32_t mark;
    assert_true(host_pin_route(host, "Tunnel9.0", IP_V4, &none, &mark, NULL));
    assert_true(host_use_tunnel(host, "Tunnel9.0", TUNNEL_CARRIES, NULL));
    run("sleep 1.1");
    const struct host_route_question question = {.destination = address_of("203.0.113.9"), .mark = mark};
    struct host_route_answer answer;
    assert_true(host_lookup(host, &question, &answer, NULL));
    assert_int_equal(answer.link, link->is.index);
    assert_int_equal(answer.gateway.family, IP_NONE);
    host_teardown(host);
    host_plan_clear(&plan);
}

static void pinned_routes_are_counted(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    apply(host, &plan);
    uint32_t one = take(host, "ge1", "10.1.0.254");
    assert_int_equal(take(host, "ge1", "10.1.0.254"), one);
    uint32_t other = take(host, "ge1", "10.1.0.253");
    host_unpin_route(host, one);
    assert_route(host, "203.0.113.9", one, "ge1", "10.1.0.254");
    host_unpin_route(host, one);
    assert_route(host, "203.0.113.9", one, "ge0", "10.0.0.254"); /* a mark that nobody knows */
    assert_route(host, "203.0.113.9", other, "ge1", "10.1.0.253");
    assert_int_equal(take(host, "ge0", "10.0.0.7"), one);
    host_teardown(host);
}

static void numbers_of_other_programs_are_avoided(void **state)
{
    (void)state;
    run("ip rule add fwmark 0x6d750001 table 100 && ip -6 rule add table %u", HOST_PIN_BASE + 2);
    run("ip route add 10.99.0.0/16 via 10.0.0.3 table %u", HOST_PIN_BASE + 3);
    char *before = strdup(output_of("ip rule; ip -6 rule; ip -4 route show table all"));
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    apply(host, &plan);
    assert_int_equal(take(host, "ge1", "10.1.0.254"), HOST_PIN_BASE + 4);
    host_teardown(host);
    assert_string_equal(output_of("ip rule; ip -6 rule; ip -4 route show table all"), before);
    free(before);
}

static void stale_pinned_routes_are_adopted_or_removed(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    uint32_t first = take(host, "ge1", "10.1.0.254");
    (void)take(host, "ge1", "10.1.0.253");
    (void)take(host, "ge1", "2001:db8:1::fe");
    apply(host, &plan);
    host_leave(host);
    assert_string_equal(output_of("(ip rule; ip -6 rule) | grep -c 0x6d75"), "3\n");

    host = open_host(&seen);
    assert_int_equal(take(host, "ge1", "10.1.0.254"), first);
    apply(host, &plan);
    assert_route(host, "203.0.113.9", first, "ge1", "10.1.0.254");
    assert_string_equal(output_of("(ip rule; ip -6 rule) | grep -c 0x6d75"), "1\n");
    assert_string_equal(output_of("ip route show table all proto 109 | wc -l"), "2\n");
    assert_no_output("ip -6 route show table all proto 109");
    assert_string_equal(seen.notes, "");
    host_teardown(host);
}

static void S16_rules_and_tables_are_put_back(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct host_plan plan = {0};
    apply(host, &plan);
    uint32_t four = take(host, "ge1", "10.1.0.254"), six = take(host, "ge1", "2001:db8:1::fe");
    run("ip rule del fwmark %u && ip -6 rule del fwmark %u", four, six);
    run("ip route flush table %u && ip -6 route flush table %u", four, six);
    settle(host);
    assert_route(host, "203.0.113.9", four, "ge1", "10.1.0.254");
    assert_route(host, "2001:db8:77::1", six, "ge1", "2001:db8:1::fe");
    assert_non_null(strstr(seen.notes, "notice: routing rule for mark 0x6d750001"));
    assert_non_null(strstr(seen.notes, "notice: route 0.0.0.0/0 via 10.1.0.254"));
    assert_non_null(strstr(seen.notes, "notice: route ::/0 unreachable"));
    host_teardown(host);
}

static void S21_strict_rp_filter_is_seen(void **state)
{
    (void)state;
    assert_false(host_sysctl_has_strict_rp_filter("ge1"));
    assert_true(host_sysctl_write_link(IP_V4, "all", "rp_filter", 1, NULL));
    assert_true(host_sysctl_has_strict_rp_filter("ge1"));
    assert_true(host_sysctl_write_link(IP_V4, "ge1", "rp_filter", 2, NULL));
    assert_false(host_sysctl_has_strict_rp_filter("ge1"));
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

static void S21_strict_rp_filter_by_a_pinned_route_is_told_once(void **state)
{
    (void)state;
    static const char warning[] =
        "warning: strict rp_filter on ge1, the outgoing interface of a tunnel, may drop "
        "what its peer sends: set net.ipv4.conf.ge1.rp_filter to 2\n";
    struct host_plan plan = {0};
    const struct ip_address hop = address_of("10.1.0.254"), other_hop = address_of("10.1.0.253");
    uint32_t mark, other_mark;
    struct host *host = open_host(&seen);
    apply(host, &plan);
    settle(host);
    assert_true(host_sysctl_write_link(IP_V4, "ge1", "rp_filter", 1, NULL));
    settle(host);
    assert_string_equal(seen.notes, ""); /* nothing is pinned there */

    assert_true(host_pin_route(host, "ge1", IP_V4, &hop, &mark, NULL));
    assert_true(host_pin_route(host, "ge1", IP_V4, &other_hop, &other_mark, NULL));
    apply(host, &plan);
    settle(host);
    assert_string_equal(seen.notes, warning);

    assert_true(host_sysctl_write_link(IP_V4, "ge1", "rp_filter", 2, NULL));
    settle(host);
    assert_int_equal(count_of(seen.notes, "rp_filter on"), 1);
    assert_true(host_sysctl_write_link(IP_V4, "ge1", "rp_filter", 0, NULL));
    settle(host);
    assert_true(host_sysctl_write_link(IP_V4, "all", "rp_filter", 1, NULL)); /* and comes again */
    settle(host);
    assert_int_equal(count_of(seen.notes, warning), 2);
    assert_int_equal(count_of(seen.notes, "\n"), 2);
    host_teardown(host);
}

static void R45_addresses_are_usable_once_duplicate_detection_is_through(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    struct ip_address fresh = address_of("2001:db8::77"), old = address_of("10.0.0.1"),
                      none = address_of("10.9.9.9");
    run("ip addr add 2001:db8::77/64 dev ge0");
    settle(host);
    assert_true(inventory_is_local(host_inventory(host), &fresh));
    assert_false(inventory_is_usable(host_inventory(host), &fresh));
    assert_true(inventory_is_usable(host_inventory(host), &old));
    assert_false(inventory_is_usable(host_inventory(host), &none));
    memset(seen.events, 0, sizeof seen.events);
    for (int i = 0; i < 30 && !inventory_is_usable(host_inventory(host), &fresh); i++) {
        run("sleep 0.1");
        settle(host);
    }
    assert_true(inventory_is_usable(host_inventory(host), &fresh));
    assert_in_range(seen.events[HOST_EVENT_ADDRESS], 1, 100);
    host_leave(host);
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        IN_NAMESPACE(R44_lookup_tells_link_next_hop_and_source),
        IN_NAMESPACE(R44_changes_of_the_route_to_a_peer_are_reported),
        IN_NAMESPACE(route_events_name_the_destination),
        IN_NAMESPACE(lost_messages_lead_to_reading_anew),
        IN_NAMESPACE(R44_pinned_route_ignores_the_routing_table),
        IN_NAMESPACE(R44_pinned_route_without_its_link_is_unreachable),
        IN_NAMESPACE(S21_link_alone_is_the_next_hop_of_a_point_to_point_link),
        IN_NAMESPACE(pinned_routes_are_counted),
        IN_NAMESPACE(numbers_of_other_programs_are_avoided),
        IN_NAMESPACE(stale_pinned_routes_are_adopted_or_removed),
        IN_NAMESPACE(S16_rules_and_tables_are_put_back),
        IN_NAMESPACE(S21_strict_rp_filter_is_seen),
        IN_NAMESPACE(S21_strict_rp_filter_by_a_pinned_route_is_told_once),
        IN_NAMESPACE(R45_addresses_are_usable_once_duplicate_detection_is_through),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
