/* `musubi check` reports what musubid would report, and the warnings of check/lint.h, in the order of lines.
 */
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_sound_config_yields_no_diagnostics(void **state)
{
    (void)state;
    assert_said("hostname a\ninterface GigaEthernet0.0\n  no shutdown\n", true, "");
    assert_said("", true, "");
}

static void S15_an_error_has_its_line_and_a_caret(void **state)
{
    (void)state;
    assert_said("hostname a\nikev2 profile p\n  sa-proposal enc aes-cbc-257\n", false,
                "FILE:3:19: error: `aes-cbc-257` is not known here; did you mean `aes-cbc-256`?\n"
                "  sa-proposal enc aes-cbc-257\n"
                "                  ^~~~~~~~~~~\n");
}

static void S15_the_rest_of_a_config_with_errors_is_warned_of_all_the_same(void **state)
{
    (void)state;
    assert_said("ip route 10.0.0.0/8 Tunnel7.0\n"
                "interface Tunnel0.0\n  ip mtu 99999\n  shutdown\n",
                false,
                "FILE:1:1: warning: Tunnel7.0 is not defined: the route has no effect\n"
                "FILE:2:1: warning: Tunnel0.0 has neither `tunnel mode ipsec-ikev2` nor `ikev2 peer`: it "
                "stays down\n"
                "FILE:3:10: error: `99999` is wrong: it has to be a number from 68 to 65535\n"
                "  ip mtu 99999\n"
                "         ^~~~~\n");
}

#define WAN     "interface GigaEthernet0.0\n  no shutdown\n"
#define TUNNELS "interface Tunnel0.0\n  shutdown\ninterface Tunnel1.0\n  ip address 10.9.9.1/30\n  shutdown\n"

/* Fails unless the routes yield these warnings, after those about the Tunnels themselves, at lines from 1. */
static void assert_said_of_routes(const char *routes, const char *expected)
{
    char text[1024], whole[2048];
    (void)snprintf(text, sizeof text, "%s" WAN TUNNELS, routes);
    unsigned lines = 0;
    for (const char *at = routes; *at != '\0'; at++)
        lines += *at == '\n';
    (void)snprintf(
        whole, sizeof whole,
        "%sFILE:%u:1: warning: Tunnel0.0 has neither `tunnel mode ipsec-ikev2` nor `ikev2 peer`: it "
        "stays down\nFILE:%u:1: warning: Tunnel1.0 has neither `tunnel mode ipsec-ikev2` nor `ikev2 "
        "peer`: it stays down\n",
        expected, lines + 3, lines + 5);
    assert_said(text, true, whole);
}

static void S48_a_tunnels_route_is_warned_of_when_a_wider_one_leads_outside(void **state)
{
    (void)state;
    assert_said_of_routes(
        "ip route default 10.0.0.254\nip route 192.168.2.0/24 Tunnel0.0\n",
        "FILE:2:1: warning: while Tunnel0.0 is down, packets for 192.168.2.0/24 leave in the "
        "clear by the route to 0.0.0.0/0: `ip route 192.168.2.0/24 Null0.0 distance 255` drops "
        "them\n");
    assert_said_of_routes(
        "ipv6 route default GigaEthernet0.0\nipv6 route 2001:db8:2::/64 Tunnel0.0\n",
        "FILE:2:1: warning: while Tunnel0.0 is down, packets for 2001:db8:2::/64 leave in the "
        "clear by the route to ::/0: `ipv6 route 2001:db8:2::/64 Null0.0 distance 255` drops "
        "them\n");
    /* The nearest one counts, and a second Tunnel is no help. */
    assert_said_of_routes(
        "ip route 192.168.2.0/24 Tunnel1.0 distance 9\nip route 192.168.2.0/24 Tunnel0.0\n"
        "ip route 192.168.0.0/16 10.0.0.254\nip route default Null0.0\n",
        "FILE:2:1: warning: while Tunnel0.0 is down, packets for 192.168.2.0/24 leave in the "
        "clear by the route to 192.168.0.0/16: `ip route 192.168.2.0/24 Null0.0 distance 255` "
        "drops them\n");
}

static void S48_a_tunnels_route_is_not_warned_of_where_nothing_leads_outside(void **state)
{
    (void)state;
    static const char *const routes[] = {
        "ip route 192.168.2.0/24 Tunnel0.0\n",
        "ip route default Tunnel0.0\nip route 10.0.0.9/32 10.0.0.254\n",
        "ip route default 10.0.0.254\nip route 192.168.2.0/24 Tunnel0.0\n"
        "ip route 192.168.2.0/24 Null0.0 distance 255\n",
        "ip route default 10.0.0.254\nip route 192.168.2.0/24 Tunnel0.0\nip route 192.168.0.0/16 Null0.0\n",
        /* a second choice on purpose */
        "ip route default 10.0.0.254\nip route 192.168.2.0/24 Tunnel0.0\n"
        "ip route 192.168.2.0/24 10.0.0.253 distance 20\n",
        /* through the other tunnel's network */
        "ip route default 10.9.9.2\nip route 192.168.2.0/24 Tunnel0.0\n",
        /* beside each other, and of the other family */
        "ip route 192.168.3.0/24 10.0.0.254\nip route 192.168.2.0/24 Tunnel0.0\n"
        "ipv6 route default GigaEthernet0.0\n",
    };
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        assert_said_of_routes(routes[i], "");
}

static void warnings_of_all_kinds_are_in_the_order_of_lines(void **state)
{
    (void)state;
    /* From the resolution of policy, from lint, from the parser. */
    assert_said(
        "interface Tunnel0.0\n"
        "  tunnel mode ipsec-ikev2\n"
        "  no shutdown\n"
        "interface GigaEthernet0.0\n"
        "  ip address dhcp\n",
        true,
        "FILE:1:1: warning: Tunnel0.0 has no `ikev2 peer`: it stays down\n"
        "FILE:4:1: warning: GigaEthernet0.0 has neither `shutdown` nor `no shutdown`: it is up\n"
        "FILE:5:3: warning: this `ip address dhcp` line is not handled by Musubi: a DHCP client has to set "
        "the address on Linux, and Musubi follows it\n");
}

static void S16_ports_that_contradict_each_other_are_an_error(void **state)
{
    (void)state;
    struct diagnostics diagnostics = {0};
    const char *text = "device GigaEthernet0\n  linux-interface eth0\n"
                       "device GigaEthernet1\n  linux-interface eth0\n";
    assert_false(check_text(text, strlen(text), &diagnostics));
    assert_int_equal(diagnostics.errors, 1);
    diagnostics_free(&diagnostics);
    assert_said("device GigaEthernet0\n  linux-interface eth0\n"
                "device GigaEthernet0.0\n  linux-interface eth1\n",
                false, "FILE:4: error: device GigaEthernet0.0: eth0 stands behind GigaEthernet0.0 already\n");
    assert_said("device GigaEthernet0\n  linux-interface eth0\n"
                "device GigaEthernet0.1\n  linux-interface eth0\n",
                false, "FILE:4: error: device GigaEthernet0.1: eth0 stands behind GigaEthernet0.0 already\n");
}

static void S16_a_sub_interface_is_mapped_in_the_config(void **state)
{
    (void)state;
    assert_said("device GigaEthernet0.1\n"
                "  linux-interface ppp0\n"
                "ip route default GigaEthernet0.1\n"
                "ipv6 route default fe80::1%GigaEthernet0.1\n",
                true, "");
}

static void a_file_that_cannot_be_read_is_reported_in_one_line(void **state)
{
    (void)state;
    char *said = NULL;
    size_t length = 0;
    FILE *errors = open_memstream(&said, &length);
    assert_int_equal(check_file("/no/such/file", stdout, errors), CHECK_UNREADABLE);
    assert_int_equal(check_file("/", stdout, errors), CHECK_UNREADABLE);
    (void)fclose(errors);
    assert_string_equal(said, "musubi check: /no/such/file: No such file or directory\n"
                              "musubi check: /: Is a directory\n");
    free(said);
}

/* What is said of a file with this text and mode. */
static char *said_of_file(const char *text, mode_t mode)
{
    char path[] = "/tmp/musubi-check-XXXXXX";
    char *said = NULL;
    size_t length = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    FILE *out = open_memstream(&said, &length);
    assert_int_equal(check_file(path, out, stderr), CHECK_GOOD);
    (void)fclose(out);
    (void)close(fd);
    (void)unlink(path);
    return said;
}

static void assert_exposed(const char *text, mode_t mode, bool exposed)
{
    char *said = said_of_file(text, mode);
    bool warned =
        strstr(said, ": warning: the file holds keys, and others than its owner may read it: `chmod "
                     "go-r` mends that\n") != NULL;
    if (warned != exposed)
        fail_msg("mode %o:\n%s%s", (unsigned)mode, text, said);
    free(said);
}

static void a_file_with_keys_that_others_may_read_gets_a_warning(void **state)
{
    (void)state;
    static const char key[] = "ikev2 authentication psk id keyid a key char verysecret\n";
    assert_exposed(key, 0600, false);
    assert_exposed(key, 0400, false);
    assert_exposed(key, 0622, false);
    assert_exposed(key, 0640, true);
    assert_exposed(key, 0604, true);
    assert_exposed(key, 0644, true);
    assert_exposed("hostname a\n", 0644, false);
    assert_exposed("ikev2 authentication psk id keyid a key hex 00\n", 0644, true);
    assert_exposed("ikev2 authentication psk id keyid a key secret XXXX\n", 0644, false);
    assert_exposed("ikev2 authentication psk id keyid a key secret XXXX\n"
                   "ikev2 authentication psk id nbma-address key char b\n",
                   0644, true);
}

/* Its mode says nothing of who may read what comes through it. */
static void a_pipe_with_keys_gets_no_warning(void **state)
{
    (void)state;
    static const char key[] = "ikev2 authentication psk id keyid a key char verysecret\n";
    char folder[] = "/tmp/musubi-check-XXXXXX";
    char path[64];
    char *said = NULL;
    size_t length = 0;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0644), 0);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        int fd = open(path, O_WRONLY);
        _exit(write(fd, key, strlen(key)) == (ssize_t)strlen(key) ? 0 : 1);
    }
    FILE *out = open_memstream(&said, &length);
    assert_int_equal(check_file(path, out, stderr), CHECK_GOOD);
    (void)fclose(out);
    (void)waitpid(writer, NULL, 0);
    (void)unlink(path);
    (void)rmdir(folder);
    assert_string_equal(said, "");
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_config_yields_no_diagnostics),
        cmocka_unit_test(S15_an_error_has_its_line_and_a_caret),
        cmocka_unit_test(S15_the_rest_of_a_config_with_errors_is_warned_of_all_the_same),
        cmocka_unit_test(S48_a_tunnels_route_is_warned_of_when_a_wider_one_leads_outside),
        cmocka_unit_test(S48_a_tunnels_route_is_not_warned_of_where_nothing_leads_outside),
        cmocka_unit_test(warnings_of_all_kinds_are_in_the_order_of_lines),
        cmocka_unit_test(S16_ports_that_contradict_each_other_are_an_error),
        cmocka_unit_test(S16_a_sub_interface_is_mapped_in_the_config),
        cmocka_unit_test(a_file_with_keys_that_others_may_read_gets_a_warning),
        cmocka_unit_test(a_pipe_with_keys_gets_no_warning),
        cmocka_unit_test(a_file_that_cannot_be_read_is_reported_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
