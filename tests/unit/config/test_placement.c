/* Lines in the wrong place: where they belong, and that what is kept without effect has none when it is read
 * back. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void S14_a_line_in_the_wrong_place_is_told_where_it_belongs(void **state)
{
    (void)state;
    static const char to_interface[] = "it belongs under an interface; it is kept and has no effect\n";
    assert_kept(
        "dpd interval 10\n",
        "FILE:1:1: warning: this `dpd` line is not handled here: it belongs in a profile, or with `ikev2` "
        "before it under `interface TunnelN.M`; it is kept and has no effect\n");
    assert_kept("interface GigaEthernet0.0\n  sa-lifetime 300\n", "it belongs in a profile");
    assert_kept("interface GigaEthernet0.0\n  tunnel mode ipsec-ikev2\n",
                "it belongs under `interface TunnelN.M`; it is kept");
    assert_kept("interface Tunnel0.0\n  linux-interface eth0\n", "it belongs under `device GigaEthernetN`");
    assert_kept("no shutdown\n", to_interface);
    assert_kept("ip address 10.0.0.1/24\n", to_interface);
    assert_kept("ip mtu 99999\n", to_interface);
    assert_refused("ikev2 dpd off\n",
                   "`dpd` is not known here: it belongs under `interface TunnelN.M`, or without");
    assert_refused("ikev2 peer any authentication psk id keyid a\n",
                   "`peer` is not known here: it belongs under `interface TunnelN.M`\n");
    assert_refused("ikev2 profile a\n  ikev2 binding b\n", "`binding` is not known here: it belongs under");
    assert_refused("ikev2 profile a\n  shutdown\n",
                   "`shutdown` is not known here: it belongs under an interface");
    /* Not what routers may have there, and not what is wrong everywhere. */
    assert_kept("device GigaEthernet0\n  description a\n", "not handled by Musubi");
    assert_kept("interface Tunnel0.0\n  dpd whenever\n", "not handled by Musubi");
    assert_kept("router bgp 1\n  shutdown\n",
                "FILE:2:3: warning: this `shutdown` line is not handled by Musubi");
}

/* What is said to have no effect must have none when it is read back from where it is printed. */
static void S14_a_line_outside_of_its_section_is_printed_outside_of_every_section(void **state)
{
    (void)state;
    static const char running[] = "interface Tunnel0.0\n"
                                  "  ip mtu 1400\n"
                                  "  exit\n"
                                  "!\n"
                                  "shutdown\n"
                                  "ip mtu 1300\n"
                                  "!\n"
                                  "interface Tunnel1.0\n";
    assert_prints("shutdown\nip mtu 1300\ninterface Tunnel0.0\n  ip mtu 1400\n",
                  "shutdown\nip mtu 1300\n!\ninterface Tunnel0.0\n  ip mtu 1400\n");
    assert_prints("interface Tunnel0.0\nip mtu 1400\nexit\nshutdown\nip mtu 1300\ninterface Tunnel1.0\n",
                  running);
    assert_prints(running, running);
    assert_prints("interface Tunnel0.0\n  ip mtu 1400\nlldp enable\nshutdown\nno interface Tunnel0.0\n",
                  "lldp enable\nshutdown\n");
}

static void exit_outside_of_sections_is_no_line_of_the_config(void **state)
{
    (void)state;
    assert_prints("exit\nhostname a\nexit\nrouter bgp 1\n  neighbor 10.0.0.2\nexit\n",
                  "hostname a\n!\nrouter bgp 1\n  neighbor 10.0.0.2\n");
}

static void operating_commands_of_routers_never_become_config(void **state)
{
    (void)state;
    struct reading r = read_text("terminal length 0\n"
                                 "interface Tunnel0.0\n"
                                 "  ip mtu 1400\n"
                                 "  terminal width 80\n"
                                 "  description a\n"
                                 "interface BVI1\n"
                                 "  ip address 10.0.0.1/24\n"
                                 "ping 10.0.0.2\n");
    assert_non_null(r.config);
    assert_contains(r.said,
                    "FILE:1:1: warning: this `terminal` line is an operating command, no part of a config: "
                    "it is left out\n");
    assert_contains(r.said, "FILE:4:3: warning: this `terminal` line is an operating command");
    assert_contains(r.said, "FILE:8:1: warning: this `ping` line is an operating command");
    char *running = printed(r.config);
    assert_string_equal(running, "interface Tunnel0.0\n  description a\n  ip mtu 1400\n"
                                 "!\n"
                                 "interface BVI1\n  ip address 10.0.0.1/24\n");
    free(running);
    reading_free(&r);
    assert_prints("interface BVI1\nip address 10.0.0.1/24\nreload\nip mtu 1400\n",
                  "interface BVI1\n  ip address 10.0.0.1/24\n  ip mtu 1400\n");
    assert_kept("terminal suppress-emanon\n", "it is kept and has no effect");
}

static void byte_order_marks_before_lines_mean_nothing(void **state)
{
    (void)state;
    assert_prints("\xef\xbb\xbf\xef\xbb\xbfhostname a\n  \xef\xbb\xbf ip route default 10.0.0.1\n"
                  "\xef\xbb\xbf! remark\n\xef\xbb\xbf\n"
                  "\xef\xbb\xbflldp enable\n",
                  "hostname a\n!\nip route default 10.0.0.1\n!\nlldp enable\n");
    assert_prints("hostname \xef\xbb\xbf\n", "hostname \xef\xbb\xbf\n");
}

static void two_foreign_tunnel_modes_are_one_setting(void **state)
{
    (void)state;
    assert_prints("interface Tunnel0.0\n  tunnel mode gre ip\n  tunnel mode 4-over-6\n",
                  "interface Tunnel0.0\n  tunnel mode 4-over-6\n");
    assert_prints(
        "interface Tunnel0.0\n  tunnel mode gre ip\n  tunnel mode 4-over-6\n  tunnel mode ipsec-ikev2\n",
        "interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n");
}

/* Fails unless the text is refused with one error, at this line and column, that names `ikev2 binding p`. */
static void assert_bound_wrongly(const char *text, const char *place)
{
    char expected[128];
    (void)snprintf(
        expected, sizeof expected,
        "FILE:%s: error: this opens the profile `p` and ends the lines of the Tunnel: a profile is bound ",
        place);
    struct reading r = read_text(text);
    assert_null(r.config);
    assert_contains(r.said, expected);
    assert_contains(r.said, "`ikev2 binding p`\n");
    assert_contains(r.said, "ikev2 profile p\n");
    if (r.diagnostics.errors != 1 || r.diagnostics.warnings != 0)
        fail_msg("%s", r.said);
    reading_free(&r);
}

static void S14_a_profile_among_the_lines_of_a_tunnel_is_an_error(void **state)
{
    (void)state;
    assert_bound_wrongly("ikev2 profile p\n"
                         "  dpd off\n"
                         "interface Tunnel0.0\n"
                         "  tunnel mode ipsec-ikev2\n"
                         "  ikev2 profile p\n"
                         "  no shutdown\n",
                         "5:3");
    assert_bound_wrongly("interface Tunnel0.0\n  ip mtu 1400\n  ikev2 profile p\ninterface Tunnel1.0\n",
                         "3:3");
    assert_bound_wrongly("interface Tunnel0.0\n"
                         "tunnel mode ipsec-ikev2\n"
                         "ikev2 profile p\n"
                         "ikev2 peer 10.0.0.1 authentication psk\n"
                         "ip unnumbered GigaEthernet0.0\n"
                         "no shutdown\n",
                         "3:1");
    assert_bound_wrongly("interface Tunnel0.0\n"
                         "  tunnel mode ipsec-ikev2\n"
                         "ikev2 profile p\n"
                         "  no shutdown\n",
                         "3:1");
}

static void S14_a_profile_behind_a_tunnel_is_a_section_of_its_own(void **state)
{
    (void)state;
    config_free(accepted("interface Tunnel0.0\n  tunnel mode ipsec-ikev2\nikev2 profile p\n  dpd off\n"));
    config_free(accepted("interface Tunnel0.0\ntunnel mode ipsec-ikev2\nikev2 profile p\ndpd off\n"));
    config_free(accepted("interface Tunnel0.0\nip mtu 1400\n  ikev2 profile p\ndpd off\n"));
    config_free(accepted("  interface Tunnel0.0\n    ip mtu 1400\n  ikev2 profile p\n    dpd off\n"));
    config_free(accepted("interface Tunnel0.0\n  ip mtu 1400\n  no ikev2 profile p\n"));
    assert_refused("interface Tunnel0.0\nip mtu 1400\nikev2 profile p\ndpd off\nwhatever\n",
                   "FILE:5:1: error: `whatever` is not known here");
}

static void S14_an_empty_profile_behind_a_tunnel_without_one_is_warned_about(void **state)
{
    (void)state;
    static const char warning[] =
        "FILE:3:1: warning: this opens the profile `p` and ends the lines of the Tunnel";
    static const char *const ends[] = {"", "interface Tunnel1.0\nip mtu 1400\n", "hostname a\n", "exit\n",
                                       "ip ufs-cache enable\n"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "interface Tunnel0.0\nip mtu 1400\nikev2 profile p\n%s", ends[i]);
        struct reading r = read_text(text);
        assert_non_null(r.config);
        assert_contains(r.said, warning);
        reading_free(&r);
    }
    config_free(accepted("interface Tunnel0.0\nikev2 binding p\nikev2 profile p\n"));
    config_free(accepted("interface Tunnel0.0\n  ip mtu 1400\nikev2 profile p\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S14_a_line_in_the_wrong_place_is_told_where_it_belongs),
        cmocka_unit_test(S14_a_line_outside_of_its_section_is_printed_outside_of_every_section),
        cmocka_unit_test(exit_outside_of_sections_is_no_line_of_the_config),
        cmocka_unit_test(operating_commands_of_routers_never_become_config),
        cmocka_unit_test(byte_order_marks_before_lines_mean_nothing),
        cmocka_unit_test(two_foreign_tunnel_modes_are_one_setting),
        cmocka_unit_test(S14_a_profile_among_the_lines_of_a_tunnel_is_an_error),
        cmocka_unit_test(S14_a_profile_behind_a_tunnel_is_a_section_of_its_own),
        cmocka_unit_test(S14_an_empty_profile_behind_a_tunnel_without_one_is_warned_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
