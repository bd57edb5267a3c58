/* S14: foreign lines in files are kept in place, with a warning. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "config/print.h"

static void S14_foreign_lines_keep_their_place_word_for_word(void **state)
{
    (void)state;
    assert_kept("ip ufs-cache max-entries   20000\n"
                "!\n"
                "ip route default 10.0.0.254\n"
                "!\n"
                "ip ufs-cache enable\n"
                "!\n"
                "interface GigaEthernet0.0\n"
                "  bandwidth  1000000\n"
                "  ip address 10.0.0.1/24\n"
                "  ip proxy-arp\n"
                "  no shutdown\n",
                "FILE:1:1: warning: this `ip ufs-cache max-entries` line is not handled by Musubi: it is "
                "kept and has "
                "no effect");
}

static void S14_each_foreign_line_is_reported_once_without_arguments(void **state)
{
    (void)state;
    struct reading r = read_text("username admin password plain verysecret administrator\n"
                                 "ppp profile site-secret\n"
                                 "  authentication password user1 verysecret\n"
                                 "ike policy p1 peer 10.0.0.1 key verysecret default\n"
                                 "interface GigaEthernet0.0\n"
                                 "  ip address dhcp receive-default\n");
    assert_int_equal(r.diagnostics.warnings, 5);
    assert_lacks(r.said, "secret");
    assert_contains(r.said, "FILE:1:1: warning: this `username` line is not handled");
    assert_contains(r.said, "FILE:2:1: warning: this `ppp profile` line is not handled");
    assert_contains(r.said, "FILE:3:3: warning: this `authentication password` line is not handled");
    assert_contains(r.said, "FILE:4:1: warning: this `ike policy` line is not handled");
    assert_contains(r.said,
                    "FILE:6:3: warning: this `ip address dhcp receive-default` line is not handled by "
                    "Musubi: a DHCP client has to set the address on Linux, and Musubi follows it\n");
    reading_free(&r);
}

static void assert_foreign(const char *line)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s\n", line);
    assert_kept(text, "warning");
}

static void assert_foreign_in(const char *header, const char *line)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s\n  %s\n", header, line);
    assert_kept(text, "warning");
}

static void S14_lines_that_the_spec_calls_foreign_are_foreign(void **state)
{
    (void)state;
    assert_foreign_in("interface GigaEthernet0.0", "ip address dhcp receive-default");
    assert_foreign_in("interface GigaEthernet0.1", "ip address ipcp");
    assert_foreign_in("interface GigaEthernet0.0", "ip unnumbered BVI0");
    assert_foreign_in("interface GigaEthernet0.0", "ip address 10.0.0.1/24 secondary");
    assert_foreign_in("interface Tunnel0.0", "tunnel mode ether-ip ipsec-ikev2");
    assert_foreign_in("interface Tunnel0.0", "tunnel mode ipsec");
    assert_foreign_in("interface Tunnel0.0", "tunnel mode 4-over-6");
    assert_foreign_in("interface Tunnel0.0", "ipsec policy tunnel p1 out");
    assert_foreign("ip route default 10.0.0.254 metric 5");
    assert_foreign("ip route default BVI0");
    assert_foreign("ike proposal p1 encryption aes-256 hash sha2-256 group 1536-bit");
    assert_foreign("ipsec autokey-proposal p2 esp-aes-256 esp-sha");
    assert_foreign("interface BVI1");
    assert_foreign("logging subsystem ike warn");
    assert_foreign("no ip ufs-cache enable");
    assert_foreign("show ikev2 sa");
    assert_foreign("pki cert import pem name caCert url file:caCert.pem");
    assert_foreign("configure");
    assert_foreign("end");
}

static void S14_values_of_the_right_form_that_are_wrong_are_errors(void **state)
{
    (void)state;
    assert_refused("interface GigaEthernet0.0\n  ip address 10.0.0.1/33\n",
                   "FILE:2:14: error: `10.0.0.1/33`");
    assert_refused("interface GigaEthernet0.0\n  ip address 10.0.0.1\n", "ADDRESS/LENGTH");
    assert_refused("interface GigaEthernet0.0\n  ip address 2001:db8::1/64\n", "an IPv4 prefix");
    assert_refused("interface GigaEthernet0.0\n  ipv6 address 2001:db8::g/64\n", "an IPv6 prefix");
    assert_refused("interface GigaEthernet0.0\n  ip mtu 70000\n", "a number from 68 to 65535");
    assert_refused("interface GigaEthernet0.0\n  ip mtu 14OO\n", "a number from 68 to 65535");
    assert_refused("interface Tunnel0.x\n", "a number, 0 to 65535, has to follow the dot");
    assert_refused("ip route 10.0.0.0/8 10.0.0.256\n", "an IPv4 address");
    assert_refused("ip route 10.0.0.0/8 10.0.0.1 distance 256\n", "a number from 1 to 255");
    assert_refused("ip route default Tunnel0\n", "KIND N.M");
    assert_refused("ikev2 default-profile\n  local-ts 10.0.0.0/33\n",
                   "it has to be a prefix, ADDRESS/LENGTH");
}

static void S14_in_ikev2_lines_every_word_is_ours(void **state)
{
    (void)state;
    assert_refused("ikev2 defualt-profile\n", "did you mean `default-profile`?");
    assert_refused("interface Tunnel0.0\n  ikev2 keepalive 10\n", "`keepalive` is not known here");
    assert_refused("interface Tunnel0.0\n  no ikev2 keepalive\n", "`keepalive` is not known here");
    assert_refused("interface BVI1\nikev2 profile\n", "FILE:2:14: error: the line ends too early");
}

static void S14_in_profiles_every_word_is_ours(void **state)
{
    (void)state;
    assert_refused("ikev2 profile a\n  sa-lifetime 3600 kilobytes 5\n",
                   "the line should end before `kilobytes`");
    assert_refused("ikev2 profile a\n  description text\n",
                   "FILE:2:3: error: `description` is not known here");
    assert_refused("ikev2 profile a\ndpd intervall 10\n", "did you mean `interval`?");
    assert_refused("ikev2 profile a\nsa-propsal enc 3des\n", "did you mean `sa-proposal`?");
}

static void S14_lines_under_a_foreign_header_are_foreign(void **state)
{
    (void)state;
    assert_kept("router bgp 65000\n"
                "  neighbor 10.0.0.2 remote-as 65001\n"
                "  address-family ipv4 unicast\n"
                "    network 192.168.0.0/24\n"
                "!\n"
                "hostname a\n",
                "FILE:4:5: warning");
    assert_kept("interface BVI1\n"
                "  ip address 10.0.0.1/99\n"
                "  ikev2 nonsense\n"
                "  no shutdown\n",
                "FILE:3:3: warning: this `ikev2` line");
}

static void S14_a_foreign_section_ends_at_the_next_command_of_ours(void **state)
{
    (void)state;
    /* Without indentation. */
    assert_prints("interface BVI1\n"
                  "ip address 10.0.0.1/24\n"
                  "no shutdown\n"
                  "interface GigaEthernet0.0\n"
                  "ip address 10.0.1.1/24\n",
                  "interface BVI1\n"
                  "  ip address 10.0.0.1/24\n"
                  "  no shutdown\n"
                  "!\n"
                  "interface GigaEthernet0.0\n"
                  "  ip address 10.0.1.1/24\n");
}

static void S14_a_foreign_section_ends_at_its_headers_depth_in_an_indented_file(void **state)
{
    (void)state;
    assert_refused("interface BVI1\n"
                   "  ip address 10.0.0.1/24\n"
                   "interface Tunnel0.0\n"
                   "  ip mtu 1400\n"
                   "interface BVI2\n"
                   "ikev2 wrong\n",
                   "FILE:6:7: error");
}

static void S14_foreign_lines_of_an_interface_do_not_end_it_without_indentation(void **state)
{
    (void)state;
    assert_prints("interface GigaEthernet0.1\n"
                  "encapsulation pppoe\n"
                  "auto-connect\n"
                  "ppp binding isp\n"
                  "ip address ipcp\n"
                  "ip mtu 1454\n"
                  "no shutdown\n"
                  "ppp profile isp\n"
                  "authentication myname user@example.jp\n"
                  "hostname a\n",
                  "hostname a\n"
                  "!\n"
                  "interface GigaEthernet0.1\n"
                  "  encapsulation pppoe\n"
                  "  auto-connect\n"
                  "  ppp binding isp\n"
                  "  ip address ipcp\n"
                  "  ip mtu 1454\n"
                  "  no shutdown\n"
                  "!\n"
                  "ppp profile isp\n"
                  "  authentication myname user@example.jp\n");
}

static void S14_profiles_end_at_foreign_lines_without_indentation(void **state)
{
    (void)state;
    assert_prints("ikev2 default-profile\n"
                  "dpd interval 10\n"
                  "ip ufs-cache enable\n"
                  "snmp-agent ip enable\n"
                  "ikev2 profile a\n"
                  "ppp profile isp\n"
                  "authentication myname user\n",
                  "ikev2 default-profile\n"
                  "  dpd interval 10\n"
                  "!\n"
                  "ip ufs-cache enable\n"
                  "snmp-agent ip enable\n"
                  "!\n"
                  "ikev2 profile a\n"
                  "!\n"
                  "ppp profile isp\n"
                  "  authentication myname user\n");
}

static void S14_a_foreign_line_at_a_headers_depth_ends_our_section_too(void **state)
{
    (void)state;
    assert_kept("interface GigaEthernet0.0\n"
                "  ip mtu 1400\n"
                "!\n"
                "router ospf 1\n"
                "  network 10.0.0.0/8 area 0\n",
                "FILE:5:3: warning");
}

static void S14_a_file_indented_as_a_whole_is_the_same_config(void **state)
{
    (void)state;
    assert_prints("    interface BVI1\n"
                  "      ip address 10.0.0.1/24\n"
                  "    interface GigaEthernet0.0\n"
                  "      ip mtu 1400\n"
                  "    snmp-agent ip enable\n",
                  "interface BVI1\n"
                  "  ip address 10.0.0.1/24\n"
                  "!\n"
                  "interface GigaEthernet0.0\n"
                  "  ip mtu 1400\n"
                  "!\n"
                  "snmp-agent ip enable\n");
}

static void S14_a_printed_file_is_the_same_config(void **state)
{
    (void)state;
    static const char running[] = "interface GigaEthernet0.0\n"
                                  "!\n"
                                  "interface BVI1\n"
                                  "!\n"
                                  "snmp-agent ip enable\n";
    assert_prints("interface GigaEthernet0.0\n"
                  "  no ip address\n"
                  "interface BVI1\n"
                  "snmp-agent ip enable\n",
                  running);
    assert_prints(running, running);
}

static void S14_a_foreign_tunnel_mode_is_a_value_like_ours(void **state)
{
    (void)state;
    assert_prints("interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n  tunnel mode gre ip\n",
                  "interface Tunnel0.0\n  tunnel mode gre ip\n");
    assert_prints("interface Tunnel0.0\n  tunnel mode gre ip\n  tunnel mode ipsec-ikev2\n",
                  "interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n");
}

static void binary_lines_are_foreign_or_errors_but_never_ours(void **state)
{
    (void)state;
    static const char text[] = "hostname a\x01z\n\0\xff\xfe junk\0\n";
    struct reading r = read_octets(text, sizeof text - 1);
    assert_non_null(r.config);
    assert_int_equal(r.diagnostics.warnings, 2);
    char *running = printed(r.config);
    assert_memory_equal(running, "hostname a\x01z\n", 13);
    free(running);
    reading_free(&r);
    assert_refused("ikev2 profile a\x02\n", "error");
}

/* It would be printed longer than a line may be, and then be read otherwise. */
static void a_line_that_grows_too_long_in_canonical_form_is_foreign(void **state)
{
    (void)state;
    enum { PASSED = 4082, TOO_LONG = 4084 }; /* octets of text, `description` and its indentation are 14 */
    char text[5000];
    for (size_t octets = PASSED; octets <= TOO_LONG; octets += TOO_LONG - PASSED) {
        int length = snprintf(text, sizeof text, "interface Tunnel0.0\ndescription ");
        memset(text + length, 'a', octets);
        text[(size_t)length + octets] = '\0';
        struct reading r = read_text(text);
        assert_non_null(r.config);
        assert_int_equal(r.diagnostics.warnings, octets == TOO_LONG);
        char *running = printed(r.config);
        struct reading again = read_text(running);
        char *twice = printed(again.config);
        assert_string_equal(running, twice);
        assert_int_equal(again.diagnostics.warnings, octets == TOO_LONG);
        free(twice);
        free(running);
        reading_free(&again);
        reading_free(&r);
    }
}

static void S18_secrets_are_printed_only_for_the_administrator(void **state)
{
    (void)state;
    struct reading r = read_text("username admin password plain verysecret\n"
                                 "ikev2 authentication psk id keyid a key char verysecret\n"
                                 "ikev2 authentication psk id keyid b key hex abcdef\n"
                                 "ppp profile verysecret\n"
                                 "  authentication password user verysecret\n"
                                 "    9verysecret\n"
                                 "interface GigaEthernet0.0\n"
                                 "  ppp authentication chap verysecret\n"
                                 "  verysecret9!\n"
                                 "  ip address 10.0.0.1/24\n");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    config_print(r.config, SECRETS_HIDDEN, out);
    (void)fclose(out);
    assert_string_equal(text, "username ********\n"
                              "!\n"
                              "ikev2 authentication psk id keyid a key char ********\n"
                              "ikev2 authentication psk id keyid b key hex ********\n"
                              "!\n"
                              "ppp profile ********\n"
                              "  authentication password ********\n"
                              "     ********\n"
                              "!\n"
                              "interface GigaEthernet0.0\n"
                              "  ppp authentication chap ********\n"
                              "   ********\n"
                              "  ip address 10.0.0.1/24\n");
    free(text);
    reading_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S14_foreign_lines_keep_their_place_word_for_word),
        cmocka_unit_test(S14_each_foreign_line_is_reported_once_without_arguments),
        cmocka_unit_test(S14_lines_that_the_spec_calls_foreign_are_foreign),
        cmocka_unit_test(S14_values_of_the_right_form_that_are_wrong_are_errors),
        cmocka_unit_test(S14_in_ikev2_lines_every_word_is_ours),
        cmocka_unit_test(S14_in_profiles_every_word_is_ours),
        cmocka_unit_test(S14_lines_under_a_foreign_header_are_foreign),
        cmocka_unit_test(S14_a_foreign_section_ends_at_the_next_command_of_ours),
        cmocka_unit_test(S14_a_foreign_section_ends_at_its_headers_depth_in_an_indented_file),
        cmocka_unit_test(S14_foreign_lines_of_an_interface_do_not_end_it_without_indentation),
        cmocka_unit_test(S14_profiles_end_at_foreign_lines_without_indentation),
        cmocka_unit_test(S14_a_foreign_line_at_a_headers_depth_ends_our_section_too),
        cmocka_unit_test(S14_a_file_indented_as_a_whole_is_the_same_config),
        cmocka_unit_test(S14_a_printed_file_is_the_same_config),
        cmocka_unit_test(S14_a_foreign_tunnel_mode_is_a_value_like_ours),
        cmocka_unit_test(binary_lines_are_foreign_or_errors_but_never_ours),
        cmocka_unit_test(a_line_that_grows_too_long_in_canonical_form_is_foreign),
        cmocka_unit_test(S18_secrets_are_printed_only_for_the_administrator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
