/* config/access_list.h, config/interface_filters.h, and the warnings of survey_filters.c */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "config/host_settings.h"

static struct host_settings settings_of(const char *text)
{
    struct reading r = read_text(text);
    if (r.config == NULL)
        fail_msg("%s", r.said);
    assert_int_equal(r.diagnostics.count, 0);
    struct host_settings host;
    assert_true(host_settings_of(r.config, &host));
    reading_free(&r);
    return host;
}

/* ---- Access lists ---------------------------------------------------------------------------------- */

static void lines_of_a_list_stand_together_in_order(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "permit tcp src 10.0.0.0/8 sport range 1024 65535 dest any dport eq 22",
        "deny ip src any dest 192.0.2.1/32",
        "permit 50 src any dest any",
        "permit icmp src any dest 2001:db8::/32",
        "permit udp src any dest any dport range 0 7",
    };
    struct host_settings host =
        settings_of("ip access-list a permit tcp src 10.0.0.0/8 sport range 1024 65535 "
                    "dest any dport eq 22\n"
                    "ip access-list b permit 50 src any dest any\n"
                    "ip access-list a deny ip src any sport any dest 192.0.2.1/32 dport any\n"
                    "ipv6 access-list a permit icmp src any dest 2001:db8::/32\n"
                    "ipv6 access-list a permit udp src any dest any dport range 0 7\n");
    const struct access_lists *lists = &host.access_lists;
    assert_int_equal(lists->list_count, 3);
    assert_int_equal(lists->line_count, 5);
    for (size_t i = 0; i < 5; i++) {
        char text[ACCESS_LINE_TEXT_SIZE];
        assert_string_equal(access_list_line_format(&lists->lines[i], text), lines[i]);
    }
    assert_int_equal(access_lists_find(lists, IP_V4, "a")->count, 2);
    assert_int_equal(access_lists_find(lists, IP_V4, "b")->first, 2);
    assert_int_equal(access_lists_find(lists, IP_V6, "a")->first, 3);
    assert_int_equal(lists->lines[3].protocol, IP_PROTOCOL_ICMPV6);
    assert_null(access_lists_find(lists, IP_V6, "b"));
    host_settings_free(&host);
}

/* What an interface with `filters` and lists says of a packet. */
static bool passes(const char *text, const struct filtered_packet *packet)
{
    struct host_settings host = settings_of(text);
    const struct configured_interface *interface = host_settings_interface(&host, "GigaEthernet0.0");
    bool passed = interface_filters_pass(&interface->filters, &host.access_lists, FILTER_IN, packet);
    host_settings_free(&host);
    return passed;
}

static struct filtered_packet packet_of(const char *source, int protocol, int port)
{
    struct filtered_packet packet = {
        .family = IP_V4, .protocol = protocol, .source_port = -1, .destination_port = port};
    if (source != NULL)
        assert_true(ip_address_parse(source, &packet.source));
    return packet;
}

#define ON_PORT(filters)                                                                                     \
    "ip access-list web permit tcp src any dest any dport range 80 81\n"                                     \
    "ip access-list trusted permit ip src 10.1.0.0/16 dest any\n"                                            \
    "ip access-list evil deny ip src 10.1.2.0/24 dest any\n"                                                 \
    "interface GigaEthernet0.0\n" filters "  no shutdown\n"

static void S36_what_no_line_matches_is_dropped(void **state)
{
    (void)state;
    struct filtered_packet web = packet_of("192.0.2.1", IP_PROTOCOL_TCP, 81);
    struct filtered_packet other = packet_of("192.0.2.1", IP_PROTOCOL_TCP, 82);
    assert_true(passes(ON_PORT("  ip filter web 1 in\n"), &web));
    assert_false(passes(ON_PORT("  ip filter web 1 in\n"), &other));
    assert_true(passes(ON_PORT("  ip filter web 1 out\n"), &other));
    assert_false(passes(ON_PORT("  ip filter nobody 1 in\n"), &web));
    assert_true(passes(ON_PORT(""), &other));
}

static void S36_filters_apply_in_order_of_sequence(void **state)
{
    (void)state;
    struct filtered_packet evil = packet_of("10.1.2.3", IP_PROTOCOL_UDP, 53);
    struct filtered_packet good = packet_of("10.1.3.3", IP_PROTOCOL_UDP, 53);
    assert_true(passes(ON_PORT("  ip filter evil 20 in\n  ip filter trusted 10 in\n"), &evil));
    assert_false(passes(ON_PORT("  ip filter evil 5 in\n  ip filter trusted 10 in\n"), &evil));
    assert_true(passes(ON_PORT("  ip filter evil 5 in\n  ip filter trusted 10 in\n"), &good));
}

static void what_is_not_known_of_a_packet_counts_in_its_favour(void **state)
{
    (void)state;
    struct filtered_packet anybody = packet_of(NULL, IP_PROTOCOL_UDP, -1);
    assert_true(passes(ON_PORT("  ip filter evil 5 in\n  ip filter trusted 10 in\n"), &anybody));
    assert_false(passes(ON_PORT("  ip filter evil 5 in\n  ip filter web 10 in\n"), &anybody));
}

/* ---- Interfaces ------------------------------------------------------------------------------------ */

static void R22_napt_and_its_static_lines_are_read(void **state)
{
    (void)state;
    struct host_settings host = settings_of("interface GigaEthernet0.0\n"
                                            "  ip napt enable\n"
                                            "  ip napt static GigaEthernet0.0 udp 500\n"
                                            "  ip napt static GigaEthernet0.0 tcp 22\n"
                                            "  ip napt static GigaEthernet0.0 50\n"
                                            "  no shutdown\n");
    const struct interface_filters *filters = &host.interfaces[0].filters;
    static const struct napt_static wanted[] = {{IP_PROTOCOL_UDP, 500}, {IP_PROTOCOL_TCP, 22}, {50, 0}};
    assert_true(filters->napt);
    assert_int_equal(filters->static_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(filters->statics[i].protocol, wanted[i].protocol);
        assert_int_equal(filters->statics[i].port, wanted[i].port);
    }
    host_settings_free(&host);
}

static void suppress_logging_does_not_keep_a_filter_from_holding(void **state)
{
    (void)state;
    struct host_settings host = settings_of("interface GigaEthernet0.0\n"
                                            "  ip filter a 100 in suppress-logging\n"
                                            "  ipv6 filter a 100 out suppress-logging\n"
                                            "  no shutdown\n");
    size_t count;
    assert_int_equal(host.interfaces[0].filters.filter_count, 2);
    (void)interface_filters_run(&host.interfaces[0].filters, IP_V6, FILTER_OUT, &count);
    assert_int_equal(count, 1);
    host_settings_free(&host);
}

/* ---- Warnings -------------------------------------------------------------------------------------- */

#define TUNNEL                                                                                               \
    "ikev2 authentication psk id ipv4 10.2.0.1 key char secret\n"                                            \
    "interface Tunnel0.0\n"                                                                                  \
    "  tunnel mode ipsec-ikev2\n"                                                                            \
    "  ikev2 peer 10.2.0.1 authentication psk\n"                                                             \
    "  no shutdown\n"

static char *said_of(const char *text)
{
    struct resolution r = resolve_text(text);
    char *said = strdup(r.said);
    resolution_free(&r);
    return said;
}

static void S30_a_filter_that_blocks_ike_or_esp_is_warned_of(void **state)
{
    (void)state;
    char *said = said_of("ip access-list in-list permit udp src 10.2.0.0/16 dest any dport eq 500\n"
                         "ip access-list in-list permit udp src 10.3.0.0/16 dest any dport eq 4500\n"
                         "ip access-list in-list permit tcp src any dest any\n"
                         "interface GigaEthernet0.0\n"
                         "  ip address 10.0.0.1/24\n"
                         "  ip filter in-list 1 in\n"
                         "  no shutdown\n"
                         "interface GigaEthernet1.0\n"
                         "  ip filter in-list 1 in\n"
                         "  no shutdown\n"
                         "ip route default 10.0.0.254\n" TUNNEL);
    assert_contains(said,
                    "FILE:6:3: warning: the filters of GigaEthernet0.0 (`in`) block UDP port 4500, ESP (50), "
                    "which Tunnel0.0 needs from 10.2.0.1\n");
    assert_lacks(said, "GigaEthernet1.0");
    assert_lacks(said, "SSH");
    free(said);
}

static void S30_a_filter_that_lets_ike_and_esp_pass_is_not_warned_of(void **state)
{
    (void)state;
    char *said = said_of("ip access-list wan permit udp src any dest any dport eq 500\n"
                         "ip access-list wan permit udp src any dest any dport eq 4500\n"
                         "ip access-list wan permit 50 src any dest any\n"
                         "ip access-list wan permit tcp src 192.0.2.0/24 dest any dport eq 22\n"
                         "interface GigaEthernet0.0\n"
                         "  ip filter wan 1 in\n"
                         "  no shutdown\n"
                         "ip route default GigaEthernet0.0\n" TUNNEL);
    assert_lacks(said, "GigaEthernet0.0 (");
    free(said);
}

static void S36_a_filter_that_ends_ssh_sessions_is_warned_of(void **state)
{
    (void)state;
    char *said = said_of("ip access-list ping permit icmp src any dest any\n"
                         "ipv6 access-list no-ssh deny tcp src any sport eq 22 dest any\n"
                         "ipv6 access-list no-ssh permit ip src any dest any\n"
                         "interface GigaEthernet1.0\n"
                         "  ip filter ping 1 in\n"
                         "  ipv6 filter no-ssh 1 out\n"
                         "  no shutdown\n");
    assert_contains(said,
                    "FILE:5:3: warning: the ip filters of GigaEthernet1.0 (`in`) end SSH sessions with this "
                    "device over IPv4: they drop TCP port 22\n");
    assert_contains(
        said, "FILE:6:3: warning: the ipv6 filters of GigaEthernet1.0 (`out`) end SSH sessions with this "
              "device over IPv6: they drop TCP port 22\n");
    free(said);
}

static void lines_that_do_nothing_are_warned_of(void **state)
{
    (void)state;
    char *said = said_of("ip access-list a permit icmp src any dest any dport eq 1\n"
                         "interface Loopback0.0\n"
                         "  ip filter a 1 in\n"
                         "interface GigaEthernet0.0\n"
                         "  ip napt static GigaEthernet0.0 50\n"
                         "  no shutdown\n"
                         "ip access-list a permit udp src any sport range 5 1 dest any\n"
                         "ip access-list a permit udp src any dest any dport range 5 5\n");
    assert_contains(said,
                    "FILE:7:1: warning: a range of ports ends before it begins: the line matches nothing\n");
    assert_lacks(said, "FILE:8:");
    assert_contains(said, "FILE:1:1: warning: this protocol has no ports: the line matches nothing\n");
    assert_contains(said, "FILE:3:3: warning: no packet passes a Loopback: the line has no effect\n");
    assert_contains(said, "FILE:5:3: warning: without `ip napt enable` the line has no effect\n");
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_a_list_stand_together_in_order),
        cmocka_unit_test(S36_what_no_line_matches_is_dropped),
        cmocka_unit_test(S36_filters_apply_in_order_of_sequence),
        cmocka_unit_test(what_is_not_known_of_a_packet_counts_in_its_favour),
        cmocka_unit_test(R22_napt_and_its_static_lines_are_read),
        cmocka_unit_test(suppress_logging_does_not_keep_a_filter_from_holding),
        cmocka_unit_test(S30_a_filter_that_blocks_ike_or_esp_is_warned_of),
        cmocka_unit_test(S30_a_filter_that_lets_ike_and_esp_pass_is_not_warned_of),
        cmocka_unit_test(S36_a_filter_that_ends_ssh_sessions_is_warned_of),
        cmocka_unit_test(lines_that_do_nothing_are_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
