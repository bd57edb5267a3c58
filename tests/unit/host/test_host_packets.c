/* host/packet_rules.h and host/packets.h: filters, NAPT and MSS of a config come to stand in one table */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/host_settings.h"
#include "config/parse.h"
#include "fixture.h"
#include "host/nft.h"
#include "host/packet_counters.h"
#include "host/sysctl.h"
#include "netns.h"

static struct seen seen;

/* A config and the plan of its packet rules. GigaEthernetN.0 is geN. */
struct planned {
    struct host_settings settings;
    struct host_plan plan;
};

static struct plan_mss mss_of(const struct interface_family *lines)
{
    return (struct plan_mss){lines->adjust_mss_auto || lines->adjust_mss != 0, lines->adjust_mss};
}

static void plan(struct planned *made, const char *text)
{
    *made = (struct planned){0};
    struct diagnostics diagnostics = {0};
    struct config *config = config_parse(text, strlen(text), &diagnostics);
    assert_non_null(config);
    assert_int_equal(diagnostics.errors, 0);
    diagnostics_free(&diagnostics);
    assert_true(host_settings_of(config, &made->settings));
    config_free(config);
    made->plan.packets.lists = &made->settings.access_lists;
    for (size_t i = 0; i < made->settings.interface_count; i++) {
        const struct configured_interface *interface = &made->settings.interfaces[i];
        struct plan_packet_link link = {
            .number = i,
            .filters = &interface->filters,
            .ipv4_mss = mss_of(&interface->ipv4_lines),
            .ipv6_mss = mss_of(&interface->ipv6_lines),
        };
        if (interface->parts.kind == INTERFACE_GIGA_ETHERNET)
            (void)snprintf(link.name, sizeof link.name, "ge%u", interface->parts.number);
        else
            (void)snprintf(link.name, sizeof link.name, "%.15s", interface->name);
        assert_true(host_plan_add_packet_link(&made->plan, &link));
    }
}

static void free_planned(struct planned *planned)
{
    host_plan_clear(&planned->plan);
    host_settings_free(&planned->settings);
}

__attribute__((noinline)) static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        return;
    print_error("missing: %s\nin:\n%s\n", part, text);
    fail();
}

__attribute__((noinline)) static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        return;
    print_error("unexpected: %s\nin:\n%s\n", part, text);
    fail();
}

static const char *table(void)
{
    return output_of("nft -s list table inet " NFT_TABLE " 2>&1");
}

static const char *ruleset(void)
{
    return output_of("nft -s list ruleset 2>&1");
}

/* Applies the config, and returns the table that it makes; `host` stays open. */
static const char *table_of(struct host **host, const char *text)
{
    struct planned planned;
    plan(&planned, text);
    *host = open_host(&seen);
    apply(*host, &planned.plan);
    settle(*host);
    assert_string_equal(seen.notes, "");
    free_planned(&planned);
    return table();
}

static const char list_2_25_7[] = "interface GigaEthernet0.0\n"
                                  "  ip address 10.0.0.1/24\n"
                                  "  ip napt enable\n"
                                  "  ip napt static GigaEthernet0.0 udp 500\n"
                                  "  ip napt static GigaEthernet0.0 udp 4500\n"
                                  "  ip napt static GigaEthernet0.0 50\n"
                                  "  no shutdown\n";

static const char filtered[] = "ip access-list web permit tcp src any dest any dport eq 80\n"
                               "interface GigaEthernet0.0\n"
                               "  ip filter web 1 in\n"
                               "  no shutdown\n";

/* ---- Which rules are made -------------------------------------------------------------------------- */

static void R22_list_2_25_7_translates_what_is_forwarded_and_drops_what_has_no_mapping(void **state)
{
    (void)state;
    struct host *host;
    const char *rules = table_of(&host, list_2_25_7);
    assert_has(rules, "type nat hook postrouting priority srcnat; policy accept;\n"
                      "\t\tfib saddr type local return\n"
                      "\t\toifname \"ge0\" meta nfproto ipv4 jump napt_0\n");
    assert_has(rules, "\t\tmeta l4proto udp masquerade to :4501-65535\n\t\tmasquerade\n");
    assert_has(rules, "iifname \"ge0\" meta nfproto ipv4 ct state invalid,new,untracked counter name "
                      "\"napt_dropped_0\" drop\n");
    assert_has(rules, "oifname \"ge0\" meta nfproto ipv4 meta l4proto esp drop\n");
    assert_has(rules, "iifname \"ge0\" meta nfproto ipv4 udp dport 500 fib daddr type local counter name "
                      "\"napt_static_0_0\"\n");
    host_teardown(host);
}

static void S36_esp_and_port_4500_of_this_device_are_not_tracked(void **state)
{
    (void)state;
    struct host *host;
    const char *rules = table_of(&host, list_2_25_7);
    assert_has(rules, "\t\tmeta l4proto esp fib daddr type local notrack\n"
                      "\t\tudp dport 4500 fib daddr type local notrack\n");
    assert_has(rules, "\t\tmeta l4proto esp notrack\n\t\tudp sport 4500 notrack\n");
    host_teardown(host);
}

static void ports_that_are_this_devices_are_given_to_no_mapping(void **state)
{
    (void)state;
    struct host *host;
    const char *rules = table_of(&host, "interface GigaEthernet0.0\n"
                                        "  ip napt enable\n"
                                        "  ip napt static GigaEthernet0.0 tcp 22\n"
                                        "  ip napt static GigaEthernet0.0 tcp 50000\n"
                                        "  ip napt static GigaEthernet0.0 udp 5000\n"
                                        "  ip napt static GigaEthernet0.0 6\n"
                                        "  no shutdown\n");
    assert_has(rules, "\t\ttcp sport 22 masquerade to :1024-65535\n");
    assert_has(rules, "\t\ttcp sport 50000 masquerade to :1024-49999\n");
    assert_has(rules, "\t\tudp sport 5000 masquerade to :5001-65535\n");
    assert_lacks(rules, "meta l4proto tcp drop");
    host_teardown(host);
}

static void S36_filters_go_in_order_of_sequence_and_end_with_deny(void **state)
{
    (void)state;
    struct host *host;
    const char *rules = table_of(&host, "ip access-list last permit icmp src any dest any\n"
                                        "ip access-list first deny tcp src 10.9.0.0/16 dest any\n"
                                        "ip access-list first permit ip src 10.0.0.5/8 dest 192.0.2.1/32\n"
                                        "ip access-list unused permit ip src any dest any\n"
                                        "interface GigaEthernet1.0\n"
                                        "  ip filter last 20 in\n"
                                        "  ip filter first 3 in\n"
                                        "  ip filter nobody 10 in\n"
                                        "  no shutdown\n");
    assert_has(rules, "\t\tjump list_1\n\t\tjump list_0\n\t\tcounter name \"denied_ipv4_in_0\" drop\n");
    assert_has(rules, "comment \"ip access-list first\"\n"
                      "\t\tip saddr 10.9.0.0/16 meta l4proto tcp counter name \"line_1\" drop\n"
                      "\t\tip saddr 10.0.0.0/8 ip daddr 192.0.2.1 counter name \"line_2\" accept\n");
    assert_has(rules, "\t\tmeta l4proto icmp counter name \"line_0\" accept\n");
    assert_has(rules, "type filter hook prerouting priority mangle; policy accept;\n"
                      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept\n"
                      "\t\tiifname . meta nfproto vmap { \"ge1\" . ipv4 : jump filter_ipv4_in_0 }\n");
    assert_lacks(rules, "unused");
    host_teardown(host);
}

static void ports_are_matched_and_later_fragments_follow_their_first(void **state)
{
    (void)state;
    struct host *host;
    const char *rules =
        table_of(&host, "ip access-list a permit udp src any sport range 1024 65535 dest any dport eq 53\n"
                        "ip access-list a deny ip src any dest any dport eq 25\n"
                        "ipv6 access-list a permit icmp src any dest 2001:db8::/32\n"
                        "ipv6 access-list a permit tcp src any dest any dport range 80 81\n"
                        "interface GigaEthernet0.0\n"
                        "  ip filter a 1 out\n"
                        "  ipv6 filter a 1 out\n"
                        "  no shutdown\n");
    assert_has(rules, "\t\tudp sport 1024-65535 udp dport 53 counter name \"line_0\" accept\n"
                      "\t\tmeta l4proto udp ip frag-off & 8191 != 0 counter name \"line_0\" accept\n"
                      "\t\tmeta l4proto { tcp, udp } th dport 25 counter name \"line_1\" drop\n\t}\n");
    assert_has(rules, "\t\tip6 daddr 2001:db8::/32 meta l4proto ipv6-icmp counter name \"line_2\" accept\n"
                      "\t\ttcp dport 80-81 counter name \"line_3\" accept\n"
                      "\t\tmeta l4proto tcp frag frag-off != 0 counter name \"line_3\" accept\n");
    assert_has(rules, "type filter hook postrouting priority 150; policy accept;");
    host_teardown(host);
}

static void S27_mss_of_what_passes_a_port_is_lowered(void **state)
{
    (void)state;
    struct host *host;
    const char *rules = table_of(&host, "interface GigaEthernet0.0\n"
                                        "  ip tcp adjust-mss auto\n"
                                        "  ipv6 tcp adjust-mss 1300\n"
                                        "  no shutdown\n");
    static const char *const sides[] = {"iifname", "oifname"};
    for (size_t i = 0; i < 2; i++) {
        char wanted[256];
        (void)snprintf(
            wanted, sizeof wanted,
            "%s \"ge0\" meta nfproto ipv4 tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n",
            sides[i]);
        assert_has(rules, wanted);
        (void)snprintf(
            wanted, sizeof wanted,
            "%s \"ge0\" meta nfproto ipv6 tcp flags syn / syn,rst tcp option maxseg size set 1300\n",
            sides[i]);
        assert_has(rules, wanted);
    }
    assert_lacks(rules, "ct state");
    host_teardown(host);
}

/* ---- The table in Linux ---------------------------------------------------------------------------- */

static void a_config_without_packet_rules_has_no_table(void **state)
{
    (void)state;
    struct host *host;
    (void)table_of(&host, "interface GigaEthernet0.0\n  ip address 10.0.0.1/24\n  no shutdown\n");
    assert_string_equal(ruleset(), "");
    host_teardown(host);
}

static void S16_other_tables_stay_as_they_are(void **state)
{
    (void)state;
    struct host *host;
    char before[4096];
    run("nft 'table inet other { chain c { type filter hook forward priority 0; counter accept; }; }'");
    (void)snprintf(before, sizeof before, "%s", ruleset());

    assert_has(table_of(&host, list_2_25_7), "masquerade");
    assert_has(ruleset(), "table inet other");
    host_teardown(host);
    assert_string_equal(ruleset(), before);
}

static void S16_a_table_that_is_flushed_is_put_back(void **state)
{
    (void)state;
    static const char *const harms[] = {"flush ruleset", "delete table inet " NFT_TABLE,
                                        "flush chain inet " NFT_TABLE " filter_in",
                                        "insert rule inet " NFT_TABLE " filter_in accept"};
    struct host *host;
    char before[4096];
    (void)snprintf(before, sizeof before, "%s", table_of(&host, filtered));
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
        seen.notes[0] = '\0';
        run("nft '%s'", harms[i]);
        settle(host);
        assert_string_equal(table(), before);
        assert_has(seen.notes,
                   "the table of packet rules (nftables, inet musubi) was taken away or changed by "
                   "another program: put back");
    }
    host_teardown(host);
}

static void changes_of_other_tables_are_no_reason_to_look(void **state)
{
    (void)state;
    struct host *host;
    (void)table_of(&host, filtered);
    run("nft add table inet other");
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_int_equal(host_due(host), MSEC_NEVER);
    host_teardown(host);
}

static void a_changed_plan_replaces_the_table(void **state)
{
    (void)state;
    struct host *host;
    assert_has(table_of(&host, filtered), "filter_in");
    struct planned napt, nothing;
    plan(&napt, list_2_25_7);
    plan(&nothing, "");
    apply(host, &napt.plan);
    settle(host);
    assert_lacks(table(), "filter_in");
    assert_has(table(), "masquerade");
    apply(host, &nothing.plan);
    settle(host);
    assert_string_equal(ruleset(), "");
    assert_string_equal(seen.notes, "");
    free_planned(&napt);
    free_planned(&nothing);
    host_teardown(host);
}

static void S16_what_a_crash_left_is_adopted_or_removed(void **state)
{
    (void)state;
    struct host *host;
    char before[4096];
    (void)snprintf(before, sizeof before, "%s", table_of(&host, filtered));
    host_leave(host);
    assert_string_equal(table(), before);

    assert_string_equal(table_of(&host, filtered), before);
    host_leave(host);
    (void)table_of(&host, "");
    assert_string_equal(ruleset(), "");
    host_teardown(host);
}

static bool is_forwarding(void)
{
    bool on = false;
    assert_true(host_sysctl_read_forwarding(IP_V4, &on, NULL));
    return on;
}

/* A table that belongs to another process can't be replaced: nft keeps it until its input ends. */
static FILE *hold_table(void)
{
    FILE *holder = popen("exec nft -i >/dev/null 2>&1", "we"); // NOLINT(cert-env33-c)
    assert_non_null(holder);
    (void)fputs("add table inet " NFT_TABLE " { flags owner; }\n", holder);
    (void)fflush(holder);
    run("until nft list table inet " NFT_TABLE " >/dev/null 2>&1; do sleep 0.02; done");
    return holder;
}

static void release_table(FILE *holder)
{
    (void)pclose(holder);
    assert_string_equal(ruleset(), "");
}

static void nothing_is_begun_while_rules_that_block_cannot_stand(void **state)
{
    (void)state;
    struct planned planned;
    struct host_error err;
    plan(&planned, filtered);
    planned.plan.forward_v4 = true;
    want_tunnel(&planned.plan, "Tunnel0.0", false);
    FILE *holder = hold_table();

    struct host *host = open_host(&seen);
    assert_false(host_apply(host, &planned.plan, 1, &err));
    assert_has(err.text, "packet rules (filters, NAPT, MSS of ports): nftables: ");
    assert_has(err.text, "Operation not permitted");
    assert_false(is_forwarding());
    assert_false(succeeds("ip link show Tunnel0.0 2>/dev/null"));
    host_leave(host);
    release_table(holder);
    free_planned(&planned);
}

static void nothing_is_forwarded_while_rules_that_block_cannot_stand(void **state)
{
    (void)state;
    struct planned open, planned;
    plan(&open, "");
    plan(&planned, filtered);
    open.plan.forward_v4 = planned.plan.forward_v4 = true;
    struct host *host = open_host(&seen);
    apply(host, &open.plan);
    settle(host);
    assert_true(is_forwarding());

    FILE *holder = hold_table();
    apply(host, &planned.plan);
    settle(host);
    assert_false(is_forwarding());
    assert_has(seen.notes, "warning: packet rules (filters, NAPT, MSS of ports): ");

    release_table(holder);
    apply(host, &planned.plan);
    settle(host);
    assert_has(table(), "filter_in");
    assert_true(is_forwarding());
    host_teardown(host);
    assert_false(is_forwarding());
    free_planned(&open);
    free_planned(&planned);
}

/* ---- Counters -------------------------------------------------------------------------------------- */

static void counters_are_read_by_their_names(void **state)
{
    (void)state;
    struct packet_counts counts;
    assert_true(packet_counts_parse("table inet musubi {\n"
                                    "\tcounter line_12 {\n\t\tpackets 3 bytes 180\n\t}\n"
                                    "\tcounter line_1 {\n\t\tpackets 18446744073709551615 bytes 0\n\t}\n"
                                    "\tcounter napt_static_0_2 {\n\t\tpackets 7 bytes 9\n\t}\n}\n",
                                    &counts));
    assert_int_equal(counts.count, 3);
    assert_int_equal(packet_counts_find(&counts, COUNTER_LINE, 12, 0)->octets, 180);
    assert_int_equal(packet_counts_find(&counts, COUNTER_LINE, 1, 0)->packets, UINT64_MAX);
    assert_int_equal(packet_counts_find(&counts, COUNTER_NAPT_STATIC, 0, 2)->packets, 7);
    assert_null(packet_counts_find(&counts, COUNTER_LINE, 2, 0));
    packet_counts_free(&counts);
}

static void without_packet_rules_there_are_no_counters(void **state)
{
    (void)state;
    struct packet_counts counts;
    assert_true(packet_counts_read(&counts, NULL));
    assert_int_equal(counts.count, 0);
    assert_null(packet_counts_find(&counts, COUNTER_LINE, 0, 0));
    packet_counts_free(&counts);
}

static void packets_are_counted(void **state)
{
    (void)state;
    struct host *host;
    struct packet_counts counts;
    run("ip link add ge0 type veth peer name far0 && ip link set ge0 up && ip link set far0 up && ip address "
        "add 192.0.2.1/24 dev ge0");
    (void)table_of(&host, "ip access-list a deny icmp src any dest 192.0.2.2/32\n"
                          "interface GigaEthernet0.0\n"
                          "  ip filter a 1 out\n"
                          "  no shutdown\n");
    run("! ping -c 2 -i 0.2 -W 1 192.0.2.2 >/dev/null 2>&1");
    run("! ping -c 1 -W 1 192.0.2.3 >/dev/null 2>&1");
    assert_true(packet_counts_read(&counts, NULL));
    assert_int_equal(packet_counts_find(&counts, COUNTER_LINE, 0, 0)->packets, 2);
    assert_int_equal(packet_counts_find(&counts, COUNTER_LINE, 0, 0)->octets, 2 * 84);
    assert_int_equal(packet_counts_find(&counts, COUNTER_DENIED_IPV4_OUT, 0, 0)->packets, 1);
    packet_counts_free(&counts);
    host_teardown(host);
}

/* Another program may take the rules away more often than they are put back. */
static void S36_nothing_is_forwarded_between_a_flush_and_the_new_rules(void **state)
{
    (void)state;
    static const char *const harms[] = {"flush ruleset", "delete table inet " NFT_TABLE,
                                        "flush chain inet " NFT_TABLE " filter_in"};
    struct host *host;
    char *rules = strdup(table_of(&host, filtered));
    assert_non_null(rules);
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
        for (int times = 0; times < 2; times++) {
            assert_true(nft_run(harms[i], NULL));
            assert_true(host_handle(host, 0, NULL)); /* it is too early to make them anew */
            assert_has(table(), "hook forward priority -400; policy drop;");
        }
        settle(host);
        assert_string_equal(table(), rules);
    }
    free(rules);
    host_teardown(host);
}

static void a_list_may_have_the_longest_name(void **state)
{
    (void)state;
    enum { NAME_LENGTH = 127 };
    struct host *host;
    char name[NAME_LENGTH + 1] = "", config[1024];
    memset(name, 'n', NAME_LENGTH);
    (void)snprintf(config, sizeof config,
                   "ipv6 access-list %s permit tcp src any dest any dport eq 7\n"
                   "interface GigaEthernet0.0\n"
                   "  ipv6 filter %s 1 in\n"
                   "  no shutdown\n",
                   name, name);
    assert_has(table_of(&host, config), "tcp dport 7 counter name \"line_0\" accept");
    host_teardown(host);
}

static void a_range_of_ports_that_is_empty_does_no_harm(void **state)
{
    (void)state;
    struct host *host;
    const char *rules = table_of(&host, "ip access-list a permit udp src any sport range 5 1 dest any\n"
                                        "ip access-list a permit tcp src any dest any dport range 7 7\n"
                                        "interface GigaEthernet0.0\n"
                                        "  ip filter a 1 in\n"
                                        "  no shutdown\n");
    assert_has(rules, "tcp dport 7 counter name \"line_1\" accept");
    assert_lacks(rules, "sport");
    host_teardown(host);
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, netns_setup)
    const struct CMUnitTest tests[] = {
        IN_NAMESPACE(R22_list_2_25_7_translates_what_is_forwarded_and_drops_what_has_no_mapping),
        IN_NAMESPACE(S36_esp_and_port_4500_of_this_device_are_not_tracked),
        IN_NAMESPACE(ports_that_are_this_devices_are_given_to_no_mapping),
        IN_NAMESPACE(S36_filters_go_in_order_of_sequence_and_end_with_deny),
        IN_NAMESPACE(ports_are_matched_and_later_fragments_follow_their_first),
        IN_NAMESPACE(S27_mss_of_what_passes_a_port_is_lowered),
        IN_NAMESPACE(a_config_without_packet_rules_has_no_table),
        IN_NAMESPACE(S16_other_tables_stay_as_they_are),
        IN_NAMESPACE(S16_a_table_that_is_flushed_is_put_back),
        IN_NAMESPACE(S36_nothing_is_forwarded_between_a_flush_and_the_new_rules),
        IN_NAMESPACE(a_range_of_ports_that_is_empty_does_no_harm),
        IN_NAMESPACE(a_list_may_have_the_longest_name),
        IN_NAMESPACE(changes_of_other_tables_are_no_reason_to_look),
        IN_NAMESPACE(a_changed_plan_replaces_the_table),
        IN_NAMESPACE(S16_what_a_crash_left_is_adopted_or_removed),
        IN_NAMESPACE(nothing_is_begun_while_rules_that_block_cannot_stand),
        IN_NAMESPACE(nothing_is_forwarded_while_rules_that_block_cannot_stand),
        IN_NAMESPACE(counters_are_read_by_their_names),
        IN_NAMESPACE(without_packet_rules_there_are_no_counters),
        IN_NAMESPACE(packets_are_counted),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
