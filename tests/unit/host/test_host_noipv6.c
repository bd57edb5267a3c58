/* host/host.h, host/sockets.h on a kernel without IPv6; skipped elsewhere (tests/system/linux61.sh) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "host/sockets.h"
#include "netns.h"

static struct seen seen;

static int setup(void **state)
{
    int failed = netns_setup(state);
    if (failed == 0)
        run("ip link add ge0 type veth peer name far0 && ip link set ge0 up && ip link set far0 up");
    return failed;
}

static void kernel_without_ipv6_still_serves_ipv4(void **state)
{
    (void)state;
    struct host_plan plan = {.forward_v4 = true};
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", false);
    want_address(&plan, "ge0", "10.0.0.1/24");
    want_route(&plan, "192.168.2.0/24", "Tunnel1.0", 1);
    apply(host, &plan);
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_non_null(strstr(output_of("ip route"), "192.168.2.0/24 dev Tunnel1.0"));

    struct ip_address next_hop = address_of("10.0.0.254");
    uint32_t mark;
    assert_true(host_pin_route(host, "ge0", IP_V4, &next_hop, &mark, NULL));

    struct host_error err;
    struct host_sockets sockets;
    if (!host_sockets_open(&sockets, 2, &err))
        fail_msg("%s", err.text);
    assert_true(sockets.v4.ike >= 0);
    assert_int_equal(sockets.v6.ike, -1);
    host_sockets_close(&sockets);

    host_teardown(host);
    assert_string_equal(output_of("ip route; ip -o addr show dev ge0"), "");
    assert_string_equal(seen.notes, "");
    host_plan_clear(&plan);
}

static void what_needs_ipv6_is_told_and_stops_nothing_else(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", true);
    want_address(&plan, "ge0", "2001:db8::1/64");
    want_address(&plan, "ge0", "10.0.0.1/24");
    want_route(&plan, "2001:db8:2::/64", "Tunnel1.0", 1);
    want_route(&plan, "192.168.2.0/24", "Tunnel1.0", 1);
    apply(host, &plan);
    settle(host);
    assert_non_null(strstr(seen.notes, "warning: IPv6 cannot be used on Tunnel1.0"));
    assert_non_null(strstr(seen.notes, "warning: cannot add address 2001:db8::1/64 to ge0"));
    assert_non_null(strstr(seen.notes, "warning: cannot add route 2001:db8:2::/64"));
    assert_non_null(strstr(output_of("ip route"), "192.168.2.0/24 dev Tunnel1.0"));
    seen.notes[0] = '\0';
    apply(host, &plan);
    assert_string_equal(seen.notes, ""); /* it is told once */
    host_teardown(host);
    host_plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(kernel_without_ipv6_still_serves_ipv4, setup),
        cmocka_unit_test_setup(what_needs_ipv6_is_told_and_stops_nothing_else, setup),
    };
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)close(fd);
        (void)puts("1..0 # SKIP this kernel has IPv6");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
