/* config/host_settings.h */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "config/host_settings.h"

static struct host_settings settings_of(const char *text)
{
    struct reading r = read_text(text);
    if (r.config == NULL)
        fail_msg("%s", r.said);
    struct host_settings host;
    assert_true(host_settings_of(r.config, &host));
    reading_free(&r);
    return host;
}

static const char *text_of(const struct ip_prefix *prefix)
{
    static char text[IP_TEXT_SIZE];
    return ip_prefix_format(prefix, text);
}

static void an_empty_config_has_no_host_settings(void **state)
{
    (void)state;
    struct host_settings host = settings_of("");
    assert_string_equal(host.host_name, "");
    assert_int_equal(host.interface_count + host.port_count + host.route_count + host.name_server_count, 0);
    assert_int_equal(host.ikev2_level, LOG_LEVEL_WARN);
    assert_int_equal(host.ipsec_level, LOG_LEVEL_WARN);
    host_settings_free(&host);
}

static void an_address_by_dhcp_or_ipcp_is_left_to_linux(void **state)
{
    static const struct {
        const char *line;
        bool dynamic;
    } rows[] = {
        {"ip address dhcp", true},
        {"ip address dhcp receive-default", true},
        {"ip address ipcp", true},
        {"ip  address  ipcp", true},
        {"ip address 10.0.0.1/24", false},
        {"ip address ipcp-not-this", false},
        {"ip unnumbered GigaEthernet1.0", false},
        {"encapsulation pppoe", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "interface GigaEthernet0.1\n  %s\n  no shutdown\n", rows[i].line);
        struct host_settings host = settings_of(text);
        if (host_settings_interface(&host, "GigaEthernet0.1")->dynamic != rows[i].dynamic)
            fail_msg("%s", rows[i].line);
        host_settings_free(&host);
    }
}

static void an_interface_has_all_values_of_its_lines(void **state)
{
    (void)state;
    struct host_settings host = settings_of("interface GigaEthernet2:1.1\n"
                                            "  description \"LAN  side\" 1\n"
                                            "  ip address 10.0.0.1/24\n"
                                            "  ip mtu 1400\n"
                                            "  ip tcp adjust-mss auto\n"
                                            "  ipv6 address 2001:db8::1/64\n"
                                            "  ipv6 address 2001:db8::2/64\n"
                                            "  ipv6 mtu 1380\n"
                                            "  ipv6 tcp adjust-mss 1300\n"
                                            "  shutdown\n");
    const struct configured_interface *i = host_settings_interface(&host, "GigaEthernet2:1.1");
    assert_non_null(i);
    assert_int_equal(i->parts.kind, INTERFACE_GIGA_ETHERNET);
    assert_true(i->parts.has_port);
    assert_int_equal(i->parts.number, 2);
    assert_int_equal(i->parts.sub_number, 1);
    assert_string_equal(i->description, "LAN  side 1");
    assert_int_equal(i->ipv4_lines.address_count, 1);
    assert_string_equal(text_of(&i->ipv4_lines.addresses[0]), "10.0.0.1/24");
    assert_int_equal(i->ipv4_lines.mtu, 1400);
    assert_true(i->ipv4_lines.adjust_mss_auto);
    assert_int_equal(i->ipv6_lines.address_count, 2);
    assert_string_equal(text_of(&i->ipv6_lines.addresses[1]), "2001:db8::2/64");
    assert_int_equal(i->ipv6_lines.mtu, 1380);
    assert_int_equal(i->ipv6_lines.adjust_mss, 1300);
    assert_true(i->ipv6);
    assert_false(i->ipv6_enable);
    assert_int_equal(i->admin, ADMIN_DOWN);
    assert_int_equal(i->line, 1);
    host_settings_free(&host);
}

static void R13_a_tunnel_without_an_ipv6_line_has_no_ipv6(void **state)
{
    (void)state;
    struct host_settings host = settings_of("interface Tunnel0.0\n"
                                            "  ip unnumbered Loopback0.0\n"
                                            "  no shutdown\n"
                                            "interface Tunnel1.0\n"
                                            "  ipv6 enable\n"
                                            "interface Tunnel2.0\n"
                                            "  ipv6 unnumbered Loopback0.0\n");
    const struct configured_interface *one = host_settings_interface(&host, "Tunnel0.0");
    assert_false(one->ipv6);
    assert_int_equal(one->admin, ADMIN_UP);
    assert_string_equal(one->ipv4_lines.unnumbered, "Loopback0.0");
    const struct configured_interface *two = host_settings_interface(&host, "Tunnel1.0");
    assert_true(two->ipv6 && two->ipv6_enable);
    assert_int_equal(two->admin, ADMIN_UNSAID);
    const struct configured_interface *three = host_settings_interface(&host, "Tunnel2.0");
    assert_true(three->ipv6);
    assert_false(three->ipv6_enable);
    assert_null(host_settings_interface(&host, "Tunnel3.0"));
    host_settings_free(&host);
}

static void S16_devices_map_ports_to_linux(void **state)
{
    (void)state;
    struct host_settings host = settings_of("device GigaEthernet0\n  linux-interface eth0\n"
                                            "device GigaEthernet1\n"
                                            "device GigaEthernet12\n  linux-interface wan\n"
                                            "device gi0.1\n  linux-interface ppp0\n"
                                            "device GigaEthernet 2:1.1\n  linux-interface lan1\n");
    assert_int_equal(host.port_count, 4);
    assert_string_equal(host.ports[0].name, "GigaEthernet0");
    assert_string_equal(host.ports[0].linux_name, "eth0");
    assert_int_equal(host.ports[0].line, 2);
    assert_string_equal(host.ports[1].name, "GigaEthernet12");
    assert_string_equal(host.ports[1].linux_name, "wan");
    assert_string_equal(host.ports[2].name, "GigaEthernet0.1");
    assert_string_equal(host.ports[2].linux_name, "ppp0");
    assert_string_equal(host.ports[3].name, "GigaEthernet2:1.1");
    host_settings_free(&host);
}

static void routes_have_target_and_distance(void **state)
{
    (void)state;
    struct host_settings host = settings_of("ip route default 10.0.0.254\n"
                                            "ip route 10.1.2.3/16 Tunnel0.0 distance 20\n"
                                            "ip route 10.0.0.0/8 Null0.0 distance 250\n"
                                            "ipv6 route default 2001:db8::1\n"
                                            "ipv6 route 2001:db8:1::/48 Null0.0\n"
                                            "ipv6 route default FE80:0::1%gi0.1\n"
                                            "ipv6 route 2001:db8:2::/48 fe80::2%Tunnel 0.0 distance 9\n");
    assert_int_equal(host.route_count, 7);
    assert_string_equal(text_of(&host.routes[0].prefix), "0.0.0.0/0");
    assert_int_equal(host.routes[0].target, ROUTE_NEXT_HOP);
    assert_int_equal(host.routes[0].distance, 1);
    assert_string_equal(text_of(&host.routes[1].prefix), "10.1.0.0/16");
    assert_int_equal(host.routes[1].target, ROUTE_INTERFACE);
    assert_string_equal(host.routes[1].interface, "Tunnel0.0");
    assert_int_equal(host.routes[1].distance, 20);
    assert_int_equal(host.routes[2].target, ROUTE_BLACKHOLE);
    assert_int_equal(host.routes[2].line, 3);
    assert_string_equal(text_of(&host.routes[3].prefix), "::/0");
    assert_int_equal(host.routes[4].target, ROUTE_BLACKHOLE);
    char address[IP_TEXT_SIZE];
    assert_int_equal(host.routes[5].target, ROUTE_NEXT_HOP);
    assert_string_equal(ip_address_format(&host.routes[5].next_hop, address), "fe80::1");
    assert_string_equal(host.routes[5].interface, "GigaEthernet0.1");
    assert_string_equal(host.routes[6].interface, "Tunnel0.0");
    assert_int_equal(host.routes[6].distance, 9);
    assert_string_equal(host.routes[3].interface, "");
    host_settings_free(&host);
}

static void each_of_many_interfaces_is_found_by_its_name(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (int i = 0; i < MANY; i++)
        fprintf(out, "interface Tunnel%d.%d\n  ip mtu %d\n", i / 4, i % 4, 1000 + i % 400);
    (void)fclose(out);

    struct host_settings host = settings_of(text);

    for (int i = 0; i < MANY; i++) {
        char name[INTERFACE_NAME_SIZE];
        (void)snprintf(name, sizeof name, "Tunnel%d.%d", i / 4, i % 4);
        const struct configured_interface *interface = host_settings_interface(&host, name);
        assert_non_null(interface);
        assert_string_equal(interface->name, name);
        assert_int_equal(interface->ipv4_lines.mtu, 1000 + i % 400);
    }
    assert_null(host_settings_interface(&host, "Tunnel0.4"));
    assert_null(host_settings_interface(&host, ""));
    host_settings_free(&host);
    free(text);
}

static void R102_the_log_level_of_a_function_beats_that_of_all(void **state)
{
    (void)state;
    struct host_settings host = settings_of("logging subsystem IKEv2 debug\n"
                                            "logging subsystem all error\n"
                                            "logging buffered 65536\n"
                                            "dns server 10.0.0.53\n"
                                            "ip name-server 2001:db8::53\n"
                                            "hostname 本社\n");
    assert_int_equal(host.ikev2_level, LOG_LEVEL_DEBUG);
    assert_int_equal(host.ipsec_level, LOG_LEVEL_ERROR);
    assert_int_equal(host.log_size, 65536);
    assert_int_equal(host.name_server_count, 2);
    assert_int_equal(host.name_servers[1].family, IP_V6);
    assert_string_equal(host.host_name, "本社");
    host_settings_free(&host);
}

static void references_to_undefined_names_are_warned_about(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ip route default Tunnel9.0\n"
                                       "interface GigaEthernet0.0\n"
                                       "  ip unnumbered Loopback0.0\n"
                                       "  ip filter nobody 1 in\n"
                                       "  ip napt static GigaEthernet7.0 50\n"
                                       "device GigaEthernet3\n"
                                       "device GigaEthernet3.1\n"
                                       "ipv6 route default fe80::1%GigaEthernet9.0\n"
                                       "ipv6 route default fe80::2\n"
                                       "ipv6 route default fe80::3%GigaEthernet3.0\n"
                                       "ipv6 route default fe80::3%GigaEthernet3.1\n"
                                       "ipv6 route default fe80::3%GigaEthernet3.2\n");
    assert_contains(r.said, "FILE:1:1: warning: Tunnel9.0 is not defined: the route has no effect");
    assert_contains(r.said, "FILE:3:3: warning: Loopback0.0 is not defined: there is no address to use");
    assert_contains(r.said, "FILE:4:3: warning: access list `nobody` is not defined");
    assert_contains(r.said, "FILE:5:3: warning: GigaEthernet7.0 is not defined: the line has no effect");
    assert_contains(r.said, "FILE:8:1: warning: GigaEthernet9.0 is not defined: the route has no effect");
    assert_contains(r.said,
                    "FILE:9:1: warning: fe80::2 is a link-local address: without its interface, as in "
                    "fe80::2%GigaEthernet0.0, the route has no effect");
    assert_lacks(r.said, "FILE:10:");
    assert_lacks(r.said, "FILE:11:");
    assert_contains(r.said, "FILE:12:1: warning: GigaEthernet3.2 is not defined");
    resolution_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_config_has_no_host_settings),
        cmocka_unit_test(an_interface_has_all_values_of_its_lines),
        cmocka_unit_test(an_address_by_dhcp_or_ipcp_is_left_to_linux),
        cmocka_unit_test(R13_a_tunnel_without_an_ipv6_line_has_no_ipv6),
        cmocka_unit_test(S16_devices_map_ports_to_linux),
        cmocka_unit_test(routes_have_target_and_distance),
        cmocka_unit_test(each_of_many_interfaces_is_found_by_its_name),
        cmocka_unit_test(R102_the_log_level_of_a_function_beats_that_of_all),
        cmocka_unit_test(references_to_undefined_names_are_warned_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
