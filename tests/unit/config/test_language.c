/* S12: lines, sub-modes, abbreviations, `no`, and how settings combine, in files. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* Fails unless these lines under `ikev2 default-profile` print as expected. */
static void assert_profile(const char *lines, const char *expected)
{
    char text[2048];
    char wanted[2048];
    (void)snprintf(text, sizeof text, "ikev2 default-profile\n%s", lines);
    (void)snprintf(wanted, sizeof wanted, "ikev2 default-profile\n%s", expected);
    assert_prints(text, wanted);
}

/* The same under `interface GigaEthernet0.0`. */
static void assert_port(const char *lines, const char *expected)
{
    char text[2048];
    char wanted[2048];
    (void)snprintf(text, sizeof text, "interface GigaEthernet0.0\n%s", lines);
    (void)snprintf(wanted, sizeof wanted, "interface GigaEthernet0.0\n%s", expected);
    assert_prints(text, wanted);
}

static void S12_every_command_of_the_spec_is_understood(void **state)
{
    (void)state;
    char *text = read_file("language/everything.cfg");
    char *expected = read_file("language/everything.expected");
    assert_prints(text, expected);
    assert_prints(expected, expected);
    struct reading r = read_text(text);
    assert_lacks(r.said, "is not handled");
    reading_free(&r);
    free(text);
    free(expected);
}

static void S12_comments_blank_lines_and_white_space_mean_nothing(void **state)
{
    (void)state;
    assert_profile("\n!\n   ! 拠点1\n\t\t dpd   interval\t10   \r\n!dpd off\n", "  dpd interval 10\n");
    assert_prints("\xef\xbb\xbfhostname a", "hostname a\n");
    assert_prints("", "");
}

static void S12_descriptions_and_keys_may_be_utf8(void **state)
{
    (void)state;
    assert_port("  description 拠点1 WAN側\n", "  description 拠点1 WAN側\n");
    assert_prints("ikev2 authentication psk id keyid 本社 key char \"鍵 その1\"\n",
                  "ikev2 authentication psk id keyid 本社 key char \"鍵 その1\"\n");
}

static void S12_a_sub_mode_ends_at_the_next_global_command_or_exit(void **state)
{
    (void)state;
    assert_prints("interface GigaEthernet0.0\n"
                  "  ip mtu 1400\n"
                  "  hostname a\n"
                  "interface GigaEthernet1.0\n"
                  "exit\n"
                  "ip route default 10.0.0.1\n",
                  "hostname a\n"
                  "!\n"
                  "ip route default 10.0.0.1\n"
                  "!\n"
                  "interface GigaEthernet0.0\n"
                  "  ip mtu 1400\n"
                  "!\n"
                  "interface GigaEthernet1.0\n");
}

static void S12_all_keywords_but_the_first_may_be_abbreviated(void **state)
{
    (void)state;
    assert_profile(
        "  sa-proposal integ sha2-5\n  suppress send-d\n  dpd int 10\n  local-authentication ps id key a\n",
        "  dpd interval 10\n"
        "  local-authentication psk id keyid a\n"
        "  sa-proposal integrity sha2-512\n"
        "  suppress send-delete\n");
    assert_refused("ikev2 default-profile\n  anti on\n",
                   "FILE:2:3: error: `anti` is not known here; did you mean "
                   "`anti-replay`?");
}

static void S12_an_exact_keyword_beats_a_prefix(void **state)
{
    (void)state;
    assert_prints("interface Tunnel0.0\n  ikev2 ipsec mtu ign\n  ikev2 peer any auth psk id keyid a\n",
                  "interface Tunnel0.0\n"
                  "  ikev2 ipsec mtu ignore\n"
                  "  ikev2 peer any authentication psk id keyid a\n");
}

static void S12_an_ambiguous_word_is_refused_with_its_meanings(void **state)
{
    (void)state;
    assert_refused("ikev2 default-profile\n  sa-proposal enc aes-g\n",
                   "`aes-g` is ambiguous: it may be aes-gcm-256 or aes-gcm-128");
}

static void S12_no_removes_and_may_omit_arguments(void **state)
{
    (void)state;
    assert_profile("  dpd interval 10\n  no dpd\n  sa-lifetime 100\n  no sa-lifetime 100\n", "");
    assert_profile("  dpd interval 10\n  default dpd\n", "");
    assert_port("  ip address 10.0.0.1/24\n  no ip address\n", "");
    assert_prints("interface Tunnel0.0\n"
                  "  ikev2 peer 10.0.0.1 authentication psk\n"
                  "  no ikev2 peer\n"
                  "  ikev2 local-ts 10.0.0.0/8\n"
                  "  ikev2 local-ts 11.0.0.0/8\n"
                  "  no ikev2 local-ts 10.0.0.0/8\n",
                  "interface Tunnel0.0\n"
                  "  ikev2 local-ts 11.0.0.0/8\n");
}

static void S4_no_tunnel_mode_removes_it_whatever_it_is(void **state)
{
    (void)state;
    assert_prints("interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n  no tunnel mode\n",
                  "interface Tunnel0.0\n");
    assert_prints("interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n  no tunnel mode ipsec-ikev2\n",
                  "interface Tunnel0.0\n");
    assert_prints("interface Tunnel0.0\n  tunnel mode gre ip\n  no tunnel mode\n", "interface Tunnel0.0\n");
    assert_prints("interface Tunnel0.0\n  tunnel mode gre ip\n  no tunnel mode ipsec-ikev2\n",
                  "interface Tunnel0.0\n  tunnel mode gre ip\n");
}

static void S12_removing_what_is_not_set_is_silent(void **state)
{
    (void)state;
    config_free(accepted("ikev2 default-profile\n  no dpd\n  no child-pfs 2048-bit\n"
                         "no ikev2 profile x\nno interface Tunnel0.0\nno hostname\n"));
    assert_port("  ip address 10.0.0.1/24\n  no ip address 10.0.0.2/24\n", "  ip address 10.0.0.1/24\n");
}

static void S12_no_removes_whole_sections(void **state)
{
    (void)state;
    assert_prints("ikev2 profile a\n  dpd off\nikev2 profile b\nno ikev2 profile a\n", "ikev2 profile b\n");
    assert_prints("interface Tunnel0.0\n  ip mtu 1400\nno interface Tunnel0.0\ninterface Tunnel0.0\n",
                  "interface Tunnel0.0\n");
}

static void S12_no_has_to_say_which_setting_is_meant(void **state)
{
    (void)state;
    assert_refused("ikev2 default-profile\n  no sa-proposal\n", "the line ends too early");
    assert_refused("no interface\n", "the line ends too early");
    assert_refused("no ikev2 authentication psk id\n", "the line ends too early");
    assert_refused("no ip route\n", "the line ends too early");
}

static void S12_algorithms_add_up_on_one_line_or_several(void **state)
{
    (void)state;
    assert_profile("  sa-proposal enc aes-cbc-256 3des\n"
                   "  sa-proposal enc aes-gcm-128 3des\n",
                   "  sa-proposal enc aes-cbc-256 3des aes-gcm-128\n");
    assert_profile("  sa-proposal enc 3des 3des\n", "  sa-proposal enc 3des\n");
    assert_profile("  sa-proposal enc 3des aes-cbc-256\n  no sa-proposal enc 3des\n",
                   "  sa-proposal enc aes-cbc-256\n");
    assert_profile("  sa-proposal enc 3des\n  no sa-proposal enc 3des\n", "");
}

static void S12_the_later_of_child_pfs_off_and_child_pfs_groups_wins(void **state)
{
    (void)state;
    assert_profile("  child-pfs off\n  child-pfs 2048-bit\n  child-pfs 3072-bit\n",
                   "  child-pfs 2048-bit 3072-bit\n");
    assert_profile("  child-pfs 2048-bit\n  child-pfs off\n", "  child-pfs off\n");
}

static void S12_algorithms_are_printed_as_they_were_typed(void **state)
{
    (void)state;
    assert_profile("  sa-proposal enc aes-gcm-256-16 3DES-CBC\n  child-proposal enc AES-GCM-128-16\n",
                   "  child-proposal enc aes-gcm-128-16\n  sa-proposal enc aes-gcm-256-16 3des-cbc\n");
}

static void S12_two_words_for_an_algorithm_are_one_setting(void **state)
{
    (void)state;
    assert_profile("  sa-proposal enc 3des-cbc aes-gcm-256\n  sa-proposal enc aes-gcm-256-16 3des\n",
                   "  sa-proposal enc 3des-cbc aes-gcm-256\n");
    assert_profile("  sa-proposal enc 3des-cbc aes-gcm-256-16 aes-cbc-128\n"
                   "  no sa-proposal enc 3des aes-gcm-256\n",
                   "  sa-proposal enc aes-cbc-128\n");
}

static void S14_a_next_hop_may_name_its_interface(void **state)
{
    (void)state;
    assert_prints("ipv6 route 2001:DB8::/32 FE80::0:1%gigaethernet0.0\n"
                  "ipv6 route default fe80::1%GigaEthernet0.0\n"
                  "ipv6 route default fe80::1%GigaEthernet1.0\n"
                  "ipv6 route default fe80::1%GigaEthernet 2:1.0 distance 5\n"
                  "ipv6 route default fe80::9%GigaEthernet0.0\n"
                  "no ipv6 route default fe80::9%gi0.0\n",
                  "ipv6 route 2001:db8::/32 fe80::1%GigaEthernet0.0\n"
                  "ipv6 route default fe80::1%GigaEthernet0.0\n"
                  "ipv6 route default fe80::1%GigaEthernet1.0\n"
                  "ipv6 route default fe80::1%GigaEthernet2:1.0 distance 5\n");
    assert_refused("ipv6 route default fe80::g%GigaEthernet0.0\n", "an IPv6 address before the %");
    assert_refused("ipv6 route default fe80::1%\n", "an interface has to follow the %");
    assert_refused("ipv6 route default fe80::1%eth0\n", "an interface has to follow the %");
    assert_refused("ipv6 route default fe80::1%Tunnel0.x\n", "has to follow the dot");
    assert_refused("ip route default 10.0.0.1%GigaEthernet0.0\n", "an IPv4 address");
}

static void S16_a_device_may_be_a_sub_interface(void **state)
{
    (void)state;
    static const char text[] = "device GigaEthernet0\n  linux-interface eth0\n"
                               "!\n"
                               "device GigaEthernet0.1\n  linux-interface ppp0\n"
                               "!\n"
                               "device GigaEthernet2:1\n"
                               "!\n"
                               "device GigaEthernet2:1.1\n";
    assert_prints(text, text);
    assert_prints("device gi0.1\n  linux-interface ppp0\nno device GigaEthernet 0.1\n", "");
    assert_refused("device GigaEthernet0.x\n", "has to follow the dot");
    assert_refused("device GigaEthernet0x\n", "a device is written GigaEthernetN, or GigaEthernetN.M");
    assert_kept("device Tunnel0\n", "is not handled by Musubi");
}

static void null_encryption_is_an_error_of_its_own(void **state)
{
    (void)state;
    assert_refused("ikev2 default-profile\n  child-proposal enc null\n",
                   "FILE:2:22: error: `null` is wrong: it would not encrypt; Musubi does not support it, on "
                   "purpose");
    assert_refused("ikev2 default-profile\n  sa-proposal enc aes-cbc-256 NULL\n", "on purpose");
}

static void S12_a_description_is_kept_as_it_was_typed(void **state)
{
    (void)state;
    assert_port("  description \"To  the \\\"site\\\"\"\n", "  description \"To  the \\\"site\\\"\"\n");
    assert_port("  description a  \"b\" \tc's \"d  \r\n", "  description a  \"b\" \tc's \"d\n");
    assert_port("  description \"x\"\n  description y\n", "  description y\n");
    assert_port("  description \"x\"\n  no description\n", "");
    assert_refused("interface GigaEthernet0.0\n  description\n", "expected TEXT");
}

static void S14_an_interface_may_be_written_with_a_blank(void **state)
{
    (void)state;
    assert_prints("interface Tunnel 0.0\n"
                  "  ip unnumbered GigaEthernet 1:2.3\n"
                  "  ikev2 outgoing-interface gi 0.1 auto\n"
                  "  ikev2 source-address Loopback  7.0\n"
                  "interface GigaEthernet 0.1\n"
                  "  ip napt static GigaEthernet 0.1 udp 500\n"
                  "ip route 10.0.0.0/8 Tunnel 0.0 distance 20\n"
                  "ip route 10.0.0.0/8 Null 0.0 distance 250\n",
                  "ip route 10.0.0.0/8 Tunnel0.0 distance 20\n"
                  "ip route 10.0.0.0/8 Null0.0 distance 250\n"
                  "!\n"
                  "interface Tunnel0.0\n"
                  "  ip unnumbered GigaEthernet1:2.3\n"
                  "  ikev2 outgoing-interface GigaEthernet0.1 auto\n"
                  "  ikev2 source-address Loopback7.0\n"
                  "!\n"
                  "interface GigaEthernet0.1\n"
                  "  ip napt static GigaEthernet0.1 udp 500\n");
    assert_prints("interface Tunnel0.0\n  ip mtu 1400\nno interface Tunnel 0.0\n", "");
    assert_prints("interface GigaEthernet0.0\n  description Tunnel 0.0\nhostname Tunnel\n",
                  "hostname Tunnel\n!\ninterface GigaEthernet0.0\n  description Tunnel 0.0\n");
    assert_refused("interface Tunnel 0.x\n",
                   "FILE:1:11: error: `Tunnel 0.x` is wrong: a number, 0 to 65535, has to follow the dot\n"
                   "interface Tunnel 0.x\n"
                   "          ^~~~~~~~~~\n");
    assert_kept("interface BVI 1\n  ip address 10.0.0.1/24\n", "this `interface` line is not handled");
    assert_refused("ikev2 profile Tunnel 0.0\n", "the line should end before `0.0`");
}

static void S12_selectors_add_up(void **state)
{
    (void)state;
    assert_profile("  local-ts 10.0.0.0/24\n  local-ts 10.0.1.0/24\n  local-ts 10.0.0.0/24\n",
                   "  local-ts 10.0.0.0/24\n  local-ts 10.0.1.0/24\n");
}

static void S12_nat_traversal_is_one_setting(void **state)
{
    (void)state;
    assert_profile("  nat-traversal\n  nat-traversal keepalive 20\n", "  nat-traversal keepalive 20\n");
    assert_profile("  nat-traversal force\n  nat-traversal keepalive 20\n  nat-traversal keepalive 30\n",
                   "  nat-traversal keepalive 30 force\n");
    assert_profile("  nat-traversal force\n  nat-traversal off\n", "  nat-traversal off\n");
    assert_profile("  nat-traversal off\n  nat-traversal force\n", "  nat-traversal force\n");
    assert_profile("  nat-traversal keepalive 20 force\n  no nat-traversal keepalive\n",
                   "  nat-traversal force\n");
    assert_profile("  nat-traversal keepalive 20 force\n  no nat-traversal\n", "");
}

static void parts_may_be_removed_from_an_off_line(void **state)
{
    (void)state;
    assert_profile("  nat-traversal off\n  no nat-traversal off\n", "");
    assert_profile("  nat-traversal off\n  no nat-traversal keepalive\n  no nat-traversal force\n",
                   "  nat-traversal off\n");
    assert_profile("  nat-traversal off\n  no nat-traversal\n", "");
    assert_profile("  nat-traversal keepalive 20\n  no nat-traversal off\n",
                   "  nat-traversal keepalive 20\n");
    assert_profile("  nat-traversal keepalive 20 force\n  no nat-traversal keepalive 20 force\n",
                   "  nat-traversal\n");
    assert_profile("  child-pfs off\n  no child-pfs off\n", "");
    assert_profile("  child-pfs off\n  no child-pfs 2048-bit\n", "  child-pfs off\n");
    assert_profile("  child-pfs 2048-bit\n  no child-pfs off\n", "  child-pfs 2048-bit\n");
    assert_profile("  suppress send-rekey off\n  no suppress send-rekey off\n", "");
    assert_profile("  suppress send-rekey\n  no suppress send-rekey off\n", "  suppress send-rekey\n");
}

static void S12_a_later_single_value_replaces(void **state)
{
    (void)state;
    assert_port("  ip mtu 1400\n  ip mtu 1300\n", "  ip mtu 1300\n");
    assert_prints("interface Tunnel0.0\n"
                  "  ikev2 peer 10.0.0.1 authentication psk\n"
                  "  ikev2 peer-fqdn-ipv6 gw.example.com authentication psk\n",
                  "interface Tunnel0.0\n"
                  "  ikev2 peer-fqdn-ipv6 gw.example.com authentication psk\n");
}

static void keyed_settings_replace_settings_with_the_same_key(void **state)
{
    (void)state;
    assert_prints("ip route default 10.0.0.1\n"
                  "ip route default 10.0.0.2\n"
                  "ip route default 10.0.0.1 distance 5\n"
                  "ikev2 authentication psk id keyid a key char one\n"
                  "ikev2 authentication psk id fqdn a key char three\n"
                  "ikev2 authentication psk id keyid a key char two\n",
                  "ip route default 10.0.0.1 distance 5\n"
                  "ip route default 10.0.0.2\n"
                  "!\n"
                  "ikev2 authentication psk id keyid a key char two\n"
                  "ikev2 authentication psk id fqdn a key char three\n");
}

static void S12_shutdown_no_shutdown_and_neither_are_distinct(void **state)
{
    (void)state;
    assert_port("  shutdown\n", "  shutdown\n");
    assert_port("  shutdown\n  no shutdown\n", "  no shutdown\n");
    assert_port("  no shutdown\n  default shutdown\n", "");
}

static void an_encrypted_key_is_kept_with_a_warning_that_it_is_missing(void **state)
{
    (void)state;
    assert_kept("ikev2 authentication psk id keyid a key secret BASE64==\n", "this key is missing");
}

static void a_key_for_an_nbma_address_is_kept_with_a_warning_that_it_is_not_used(void **state)
{
    (void)state;
    static const char text[] = "ikev2 authentication psk id nbma-address 10.0.0.7 key char verysecret\n"
                               "ikev2 authentication psk id nbma-address key secret BASE64==\n";
    assert_kept(text,
                "FILE:1:1: warning: IDs of type nbma-address are for NHRP, which Musubi does not have: this "
                "key is not used\n"
                "FILE:2:1: warning: IDs of type nbma-address");
    struct resolution r = resolve_text(text);
    static const uint8_t address[] = {10, 0, 0, 7};
    struct identity id = {.type = ID_IPV4_ADDR, .length = 4};
    memcpy(id.value, address, sizeof address);
    assert_int_equal(key_table_find(r.keys, &id), 0);
    resolution_free(&r);
    assert_refused("ikev2 default-profile\n  local-authentication id nbma-address 10.0.0.7\n",
                   "`nbma-address` is not known here");
}

static void policy_commands_in_tunnels_need_their_prefix(void **state)
{
    (void)state;
    assert_prints("interface Tunnel0.0\n  ikev2 dpd off\n", "interface Tunnel0.0\n  ikev2 dpd off\n");
    assert_refused("ikev2 default-profile\n  ikev2 dpd off\n",
                   "FILE:2:9: error: `dpd` is not known here: in a profile it is written without `ikev2`\n");
    assert_refused("interface GigaEthernet0.0\n  ikev2 dpd off\n",
                   "`dpd` is not known here: it belongs under `interface TunnelN.M`, or without `ikev2` in a "
                   "profile\n");
    assert_kept("interface Tunnel0.0\n  dpd interval 10\n",
                "FILE:2:3: warning: this `dpd` line is not handled here: under a Tunnel it is written with "
                "`ikev2` before it; it is kept and has no effect\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S12_every_command_of_the_spec_is_understood),
        cmocka_unit_test(S12_comments_blank_lines_and_white_space_mean_nothing),
        cmocka_unit_test(S12_descriptions_and_keys_may_be_utf8),
        cmocka_unit_test(S12_a_sub_mode_ends_at_the_next_global_command_or_exit),
        cmocka_unit_test(S12_all_keywords_but_the_first_may_be_abbreviated),
        cmocka_unit_test(S12_an_exact_keyword_beats_a_prefix),
        cmocka_unit_test(S12_an_ambiguous_word_is_refused_with_its_meanings),
        cmocka_unit_test(S12_no_removes_and_may_omit_arguments),
        cmocka_unit_test(S4_no_tunnel_mode_removes_it_whatever_it_is),
        cmocka_unit_test(S12_removing_what_is_not_set_is_silent),
        cmocka_unit_test(S12_no_removes_whole_sections),
        cmocka_unit_test(S12_no_has_to_say_which_setting_is_meant),
        cmocka_unit_test(S12_algorithms_add_up_on_one_line_or_several),
        cmocka_unit_test(S12_the_later_of_child_pfs_off_and_child_pfs_groups_wins),
        cmocka_unit_test(S12_algorithms_are_printed_as_they_were_typed),
        cmocka_unit_test(S12_two_words_for_an_algorithm_are_one_setting),
        cmocka_unit_test(S14_a_next_hop_may_name_its_interface),
        cmocka_unit_test(S16_a_device_may_be_a_sub_interface),
        cmocka_unit_test(null_encryption_is_an_error_of_its_own),
        cmocka_unit_test(S12_a_description_is_kept_as_it_was_typed),
        cmocka_unit_test(S14_an_interface_may_be_written_with_a_blank),
        cmocka_unit_test(S12_selectors_add_up),
        cmocka_unit_test(S12_nat_traversal_is_one_setting),
        cmocka_unit_test(parts_may_be_removed_from_an_off_line),
        cmocka_unit_test(S12_a_later_single_value_replaces),
        cmocka_unit_test(keyed_settings_replace_settings_with_the_same_key),
        cmocka_unit_test(S12_shutdown_no_shutdown_and_neither_are_distinct),
        cmocka_unit_test(an_encrypted_key_is_kept_with_a_warning_that_it_is_missing),
        cmocka_unit_test(a_key_for_an_nbma_address_is_kept_with_a_warning_that_it_is_not_used),
        cmocka_unit_test(policy_commands_in_tunnels_need_their_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
