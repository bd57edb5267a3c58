/* host/host.h: what is declared comes to stand in the kernel, and nothing else changes */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "host/mark.h"
#include "host/sysctl.h"
#include "netns.h"

static struct seen seen;

/* Two ports with the other ends in the same namespace. */
static int setup(void **state)
{
    int failed = netns_setup(state);
    if (failed == 0) {
        run("ip link add ge0 type veth peer name far0 && ip link set ge0 up && ip link set far0 up");
        run("ip link add ge1 type veth peer name far1 && ip link set ge1 up && ip link set far1 up");
    }
    return failed;
}

/* Lists 2.25.1's site 1, with addresses and routes. */
static void plan_site(struct host_plan *plan)
{
    want_tunnel(plan, "Tunnel1.0", true);
    want_address(plan, "ge0", "10.0.0.1/24");
    want_address(plan, "ge1", "192.168.1.1/24");
    want_address(plan, "ge1", "2001:db8:1::1/64");
    want_route(plan, "0.0.0.0/0", "10.0.0.254", 1);
    want_route(plan, "192.168.2.0/24", "Tunnel1.0", 1);
    want_route(plan, "2001:db8:2::/64", "Tunnel1.0", 1);
    want_route(plan, "172.16.0.0/12", NULL, 200);
    want_route(plan, "2001:db8:dead::/48", NULL, 200);
}

static void assert_output(const char *command, const char *wanted)
{
    const char *output = output_of("%s", command);
    if (strstr(output, wanted) == NULL)
        fail_msg("%s: \"%s\" is missing in:\n%s", command, wanted, output);
}

static void assert_no_output(const char *command)
{
    const char *output = output_of("%s", command);
    if (output[0] != '\0')
        fail_msg("%s: nothing was expected, not:\n%s", command, output);
}

static void assert_site_stands(void)
{
    assert_output("ip -d link show Tunnel1.0", "tun type tun");
    assert_output("ip -d link show Tunnel1.0", "persist on");
    assert_output("ip link show Tunnel1.0", "alias musubi:test");
    assert_output("ip link show Tunnel1.0", ",UP");
    assert_output("ip addr show dev ge0", "inet 10.0.0.1/24 brd 10.0.0.255");
    assert_output("ip addr show dev ge1", "inet6 2001:db8:1::1/64");
    assert_output("ip route show proto 109", "default via 10.0.0.254 dev ge0 metric 1");
    assert_output("ip route show proto 109", "192.168.2.0/24 dev Tunnel1.0 scope link metric 1");
    assert_output("ip route show proto 109", "blackhole 172.16.0.0/12 metric 200");
    assert_output("ip -6 route show proto 109", "2001:db8:2::/64 dev Tunnel1.0 metric 1");
    assert_output("ip -6 route show proto 109", "blackhole 2001:db8:dead::/48");
}

static void S16_plan_is_applied_and_taken_away(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);
    assert_string_equal(seen.notes, "");
    assert_site_stands();
    assert_true(host_tunnel_fd(host, "Tunnel1.0") >= 0);
    assert_int_equal(host_tunnel_fd(host, "Tunnel2.0"), -1);

    host_teardown(host);
    assert_no_output("ip route show proto 109; ip -6 route show proto 109; ip -o link show type tun");
    assert_no_output("ip -o addr show dev ge0 scope global; ip -o addr show dev ge1 scope global");
    host_plan_clear(&plan);
}

/* Linux tells of a new mark only when the link is up. */
static void R11_tunnel_that_is_shut_down_comes_and_goes_in_peace(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", true);
    plan.tunnels[0].up = false;
    apply(host, &plan);
    settle(host);
    apply(host, &plan);
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_output("ip link show Tunnel1.0", "alias musubi:test");
    assert_output("ip link show Tunnel1.0", "state DOWN");

    host_teardown(host);
    assert_no_output("ip -o link show type tun");
    host_plan_clear(&plan);
}

static void applying_again_changes_nothing(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);
    settle(host);
    int fd = host_tunnel_fd(host, "Tunnel1.0");
    run("sleep 2.2"); /* until the kernel itself is through with carriers and duplicate detection */
    settle(host);
    FILE *monitor = popen("exec timeout 1 ip monitor all 2>/dev/null", "re"); // NOLINT(cert-env33-c)
    assert_non_null(monitor);
    (void)usleep(300000); /* until it listens */
    apply(host, &plan);
    settle(host);
    char line[256] = "";
    if (fgets(line, sizeof line, monitor) != NULL)
        fail_msg("the kernel was asked to change something: %s", line);
    (void)pclose(monitor);
    assert_int_equal(host_tunnel_fd(host, "Tunnel1.0"), fd);
    assert_string_equal(seen.notes, "");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void changed_plan_changes_only_the_difference(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);

    host_plan_clear(&plan);
    want_tunnel(&plan, "Tunnel1.0", true);
    want_tunnel(&plan, "Tunnel2.0", false);
    want_address(&plan, "ge0", "10.0.0.1/24");
    want_address(&plan, "ge1", "192.168.9.1/24");
    want_route(&plan, "0.0.0.0/0", "10.0.0.253", 1);
    want_route(&plan, "192.168.2.0/24", "Tunnel2.0", 1);
    apply(host, &plan);
    settle(host);

    assert_string_equal(seen.notes, "");
    assert_output("ip route show proto 109", "default via 10.0.0.253 dev ge0 metric 1");
    assert_output("ip route show proto 109", "192.168.2.0/24 dev Tunnel2.0");
    assert_no_output("ip route show proto 109 | grep -E '10.0.0.254|Tunnel1.0|blackhole'");
    assert_no_output("ip -6 route show proto 109");
    assert_output("ip addr show dev ge1", "192.168.9.1/24");
    assert_no_output("ip addr show dev ge1 | grep -E '192.168.1.1|2001:db8:1::1'");
    host_teardown(host);
    host_plan_clear(&plan);
}

/* Linux takes the routes by a link away together with its last address. */
static void routes_lost_with_an_address_of_ours_are_put_in_place_silently(void **state)
{
    (void)state;
    static const char *const addresses[] = {"10.50.0.1/30", "10.51.0.1/30", NULL};
    struct host *host = open_host(&seen);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct host_plan plan = {0};
        want_tunnel(&plan, "Tunnel1.0", false);
        want_route(&plan, "192.168.2.0/24", "Tunnel1.0", 1);
        if (addresses[i] != NULL)
            want_address(&plan, "Tunnel1.0", addresses[i]);
        apply(host, &plan);
        settle(host);
        assert_string_equal(seen.notes, "");
        assert_output("ip route show proto 109", "192.168.2.0/24 dev Tunnel1.0");
        host_plan_clear(&plan);
    }
    host_teardown(host);
}

static void S16_what_was_there_is_left_alone(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    run("ip addr add 10.0.0.1/24 dev ge0 && ip addr add 10.0.0.9/24 dev ge0");
    run("ip route add 192.168.77.0/24 via 10.0.0.254 && ip route add 172.16.0.0/12 via 10.0.0.200 metric "
        "200");
    run("ip rule add fwmark 0x6d750001 table 500 && ip tuntap add foreign mode tun");
    run("ip -6 route add 2001:db8:77::/48 dev ge0");
    /* without what the kernel does by itself in the meantime */
    static const char look[] = "(ip -o -4 addr; ip route; ip -6 route; ip rule; ip -o link | cut -d: -f2) | "
                               "grep -v fe80";
    char *before = strdup(output_of("%s", look));

    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", true);
    want_address(&plan, "ge0", "10.0.0.1/24");
    want_address(&plan, "ge0", "10.0.0.2/24");
    want_route(&plan, "172.16.0.0/12", NULL, 200);
    want_route(&plan, "192.168.2.0/24", "Tunnel1.0", 1);
    apply(host, &plan);
    assert_non_null(strstr(seen.notes, "172.16.0.0/12"));
    assert_output("ip route show 172.16.0.0/12", "via 10.0.0.200");
    assert_no_output("ip route show 172.16.0.0/12 proto 109");
    host_teardown(host);

    assert_string_equal(output_of("%s", look), before);
    free(before);
    host_plan_clear(&plan);
}

static void secondary_address_of_another_program_survives_ours(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_address(&plan, "ge0", "10.0.0.1/24");
    apply(host, &plan);
    run("ip addr add 10.0.0.77/24 dev ge0");
    host_teardown(host);
    assert_output("ip addr show dev ge0", "inet 10.0.0.77/24");
    assert_no_output("ip addr show dev ge0 | grep 10.0.0.1/24");
    host_plan_clear(&plan);
}

static void foreign_link_of_a_tunnels_name_is_left_alone(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    run("ip tuntap add Tunnel1.0 mode tun");
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", true);
    want_tunnel(&plan, "Tunnel2.0", true);
    apply(host, &plan);
    assert_non_null(strstr(seen.notes, "warning: a link Tunnel1.0 is there that is not Musubi's"));
    assert_int_equal(host_tunnel_fd(host, "Tunnel1.0"), -1);
    assert_true(host_tunnel_fd(host, "Tunnel2.0") >= 0);

    run("ip link del Tunnel1.0"); /* and then it can be made */
    settle(host);
    assert_true(host_tunnel_fd(host, "Tunnel1.0") >= 0);
    host_teardown(host);
    host_plan_clear(&plan);
}

static void stale_objects_are_adopted_or_removed(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    want_tunnel(&plan, "Tunnel2.0", false);
    want_tunnel(&plan, "Tunnel3.0", false);
    want_address(&plan, "ge0", "10.0.0.2/24");
    want_route(&plan, "192.168.3.0/24", "10.0.0.7", 5);
    apply(host, &plan);
    char *index = strdup(output_of("cat /sys/class/net/Tunnel1.0/ifindex 2>/dev/null || ip -o link show "
                                   "Tunnel1.0 | cut -d: -f1"));
    host_leave(host); /* as if it had died */
    assert_site_stands();

    host_plan_clear(&plan);
    plan_site(&plan);
    host = open_host(&seen);
    apply(host, &plan);
    assert_string_equal(seen.notes, "");
    assert_site_stands();
    assert_string_equal(output_of("cat /sys/class/net/Tunnel1.0/ifindex 2>/dev/null || ip -o link show "
                                  "Tunnel1.0 | cut -d: -f1"),
                        index);
    assert_no_output("ip -o link show | grep -E 'Tunnel[23]'; ip route | grep 192.168.3.0");
    assert_no_output("ip addr show dev ge0 | grep 10.0.0.2/");
    free(index);
    host_teardown(host);
    assert_no_output("ip route show proto 109; ip -6 route show proto 109; ip -o link show type tun");
    host_plan_clear(&plan);
}

static void S16_what_others_take_away_is_put_back(void **state)
{
    (void)state;
    static const struct {
        const char *theft, *note;
    } cases[] = {
        {"ip addr del 10.0.0.1/24 dev ge0", "notice: address 10.0.0.1/24 of ge0"},
        {"ip -6 addr del 2001:db8:1::1/64 dev ge1", "notice: address 2001:db8:1::1/64 of ge1"},
        {"ip addr flush dev ge0", "notice: address 10.0.0.1/24 of ge0"},
        {"ip route del 192.168.2.0/24", "notice: route 192.168.2.0/24 via Tunnel1.0"},
        {"ip route replace default via 10.0.0.99 metric 1 && ip route del default via 10.0.0.99",
         "notice: route 0.0.0.0/0 via 10.0.0.254"},
        {"ip route del blackhole 172.16.0.0/12", "notice: route 172.16.0.0/12 to nowhere"},
        {"ip -6 route flush proto 109", "notice: route 2001:db8:2::/64 via Tunnel1.0"},
        {"ip link set Tunnel1.0 down", "notice: Tunnel1.0"},
        {"ip link set Tunnel1.0 mtu 1400", "notice: Tunnel1.0"},
        {"ip link set Tunnel1.0 alias mine", "notice: Tunnel1.0"},
        {"ip link set Tunnel1.0 group 7", "notice: Tunnel1.0"},
        {"ip link del Tunnel1.0", "notice: Tunnel1.0"},
        {"ip link set Tunnel1.0 down && ip link set Tunnel1.0 name other", "notice: Tunnel1.0"},
        {"echo 1 >/proc/sys/net/ipv6/conf/Tunnel1.0/disable_ipv6", "notice: route 2001:db8:2::/64"},
    };
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);
    settle(host);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seen.notes[0] = '\0';
        run("%s", cases[i].theft);
        settle(host);
        if (strstr(seen.notes, cases[i].note) == NULL)
            fail_msg("after %s: \"%s\" is missing in:\n%s", cases[i].theft, cases[i].note, seen.notes);
        assert_site_stands();
        assert_output("ip link show Tunnel1.0", "mtu 1500");
    }
    assert_no_output("ip -o link | grep other");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void recreated_tunnel_has_a_new_descriptor_and_its_old_carrier(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);
    assert_no_output("ip link show Tunnel1.0 | grep LOWER_UP");
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    assert_output("ip link show Tunnel1.0", "LOWER_UP");
    settle(host);

    run("ip link del Tunnel1.0");
    settle(host);
    assert_int_equal(seen.events[HOST_EVENT_TUNNEL_REPLACED], 1);
    assert_string_equal(seen.last[HOST_EVENT_TUNNEL_REPLACED].link_name, "Tunnel1.0");
    assert_output("ip link show Tunnel1.0", "LOWER_UP");
    char packet[64] = {0x45, 0, 0, 64, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 9, 9, 10, 9, 9, 8};
    assert_int_equal(write(host_tunnel_fd(host, "Tunnel1.0"), packet, sizeof packet), sizeof packet);
    host_teardown(host);
    host_plan_clear(&plan);
}

/* The host has not read the report yet when an order about the device fails. */
static void tunnel_is_made_with_a_queue_as_long_as_that_of_an_ethernet_link(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);
    assert_output("ip link show Tunnel1.0", "qlen 1000");

    run("ip link set Tunnel1.0 txqueuelen 77");
    plan.tunnels[0].mtu = 1400;
    apply(host, &plan);

    assert_output("ip link show Tunnel1.0", "mtu 1400");
    assert_output("ip link show Tunnel1.0", "qlen 77");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void tunnel_deleted_before_it_is_changed_is_replaced(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    settle(host);

    plan.tunnels[0].mtu = 1400;
    run("ip link del Tunnel1.0");
    apply(host, &plan);

    assert_int_equal(seen.events[HOST_EVENT_TUNNEL_REPLACED], 1);
    assert_null(strstr(seen.notes, "warning"));
    assert_output("ip link show Tunnel1.0", "LOWER_UP");
    assert_output("ip link show Tunnel1.0", "mtu 1400");
    settle(host);
    assert_int_equal(seen.events[HOST_EVENT_TUNNEL_REPLACED], 1);
    assert_output("ip route show proto 109", "192.168.2.0/24 dev Tunnel1.0");
    host_teardown(host);
    host_plan_clear(&plan);
}

/* Waits for it up to two seconds: Linux takes in a change of carrier up to one second later. */
static void assert_goes_by(struct host *host, const struct ip_address *destination, int link)
{
    const struct host_route_question question = {.destination = *destination};
    struct host_route_answer answer = {0};
    for (int i = 0; i < 200 && answer.link != link; i++) {
        (void)usleep(10000);
        assert_true(host_lookup(host, &question, &answer, NULL));
    }
    assert_int_equal(answer.link, link);
}

static void S20_routes_through_a_tunnel_without_carrier_are_passed_over(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    want_route(&plan, "::/0", "ge1", 1);
    apply(host, &plan);
    const struct ip_address v4 = address_of("192.168.2.5"), v6 = address_of("2001:db8:2::5");
    int tunnel = inventory_find_name(host_inventory(host), "Tunnel1.0")->is.index;
    int ge0 = inventory_find_name(host_inventory(host), "ge0")->is.index;
    int ge1 = inventory_find_name(host_inventory(host), "ge1")->is.index;

    assert_goes_by(host, &v4, tunnel); /* it drops */
    assert_goes_by(host, &v6, tunnel);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_PASSED_OVER, NULL));
    assert_goes_by(host, &v4, ge0);
    assert_goes_by(host, &v6, ge1);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    assert_goes_by(host, &v4, tunnel);
    assert_goes_by(host, &v6, tunnel);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_PASSED_OVER, NULL));
    assert_goes_by(host, &v4, ge0);
    assert_goes_by(host, &v6, ge1);
    host_teardown(host);
    host_plan_clear(&plan);
}

/* Where packets for the plan's site 2 go: by the link of that name. */
static void assert_site2_is_behind(struct host *host, const char *link4, const char *link6)
{
    const struct ip_address v4 = address_of("192.168.2.5"), v6 = address_of("2001:db8:2::5");
    assert_goes_by(host, &v4, inventory_find_name(host_inventory(host), link4)->is.index);
    assert_goes_by(host, &v6, inventory_find_name(host_inventory(host), link6)->is.index);
}

/* Lets go of everything as a killed process does, and looks again. */
static struct host *crash(struct host *host)
{
    host_leave(host);
    (void)usleep(1100000); /* Linux takes in a change of carrier up to a second later */
    return open_host(&seen);
}

static void S48_tunnel_that_carried_drops_after_a_crash(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    assert_false(host_found_tunnels(host));
    plan_site(&plan);
    want_route(&plan, "::/0", "ge1", 1);
    apply(host, &plan);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_PASSED_OVER, NULL));
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    settle(host);

    host = crash(host);
    assert_true(host_found_tunnels(host));
    assert_no_output("ip link show Tunnel1.0 | grep LOWER_UP");
    assert_site2_is_behind(host, "Tunnel1.0", "Tunnel1.0");

    apply(host, &plan); /* held: its peer has had no time */
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_PASSED_OVER, NULL));
    settle(host);
    (void)usleep(1100000);
    assert_site2_is_behind(host, "Tunnel1.0", "Tunnel1.0");
    host = crash(host); /* once more */
    apply(host, &plan);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_PASSED_OVER, NULL));
    assert_site2_is_behind(host, "Tunnel1.0", "Tunnel1.0");

    host_release_tunnels(host);
    assert_site2_is_behind(host, "ge0", "ge1");
    assert_string_equal(seen.notes, "");
    host_teardown(host);
    assert_no_output("ip route show proto 109; ip -6 route show proto 109; ip -o link show type tun");
    host_plan_clear(&plan);
}

static void S48_tunnel_that_has_carried_since_a_crash_is_passed_over_at_once(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    want_route(&plan, "::/0", "ge1", 1);
    apply(host, &plan);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    host = crash(host);
    apply(host, &plan);

    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    assert_site2_is_behind(host, "Tunnel1.0", "Tunnel1.0");
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_PASSED_OVER, NULL));
    assert_site2_is_behind(host, "ge0", "ge1");

    /* And one that was down stays down over a crash. */
    host = crash(host);
    assert_site2_is_behind(host, "ge0", "ge1");
    apply(host, &plan);
    assert_site2_is_behind(host, "Tunnel1.0", "Tunnel1.0"); /* nobody has said yet what becomes of it */
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_PASSED_OVER, NULL));
    assert_site2_is_behind(host, "ge0", "ge1");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void S48_what_becomes_of_packets_is_put_back_when_another_program_changes_it(void **state)
{
    (void)state;
    static const char *const settings[] = {"ipv4/conf/Tunnel1.0/ignore_routes_with_linkdown",
                                           "ipv6/conf/Tunnel1.0/ignore_routes_with_linkdown"};
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    apply(host, &plan);
    for (int passed_over = 0; passed_over < 2; passed_over++) {
        assert_true(
            host_use_tunnel(host, "Tunnel1.0", passed_over ? TUNNEL_PASSED_OVER : TUNNEL_CARRIES, NULL));
        settle(host);
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
            int value = -1;
            run("echo %d >/proc/sys/net/%s", !passed_over, settings[i]);
            settle(host);
            assert_true(host_sysctl_read(settings[i], &value, NULL));
            assert_int_equal(value, passed_over);
        }
    }
    host_teardown(host);
    host_plan_clear(&plan);
}

/* The link-local address of Tunnel1.0, or "". */
static void find_link_local(char out[64])
{
    out[0] = '\0';
    FILE *in = popen("ip -6 -o addr show dev Tunnel1.0 scope link | awk '{printf \"%s\", $4}'", "r");
    assert_non_null(in);
    if (fgets(out, 64, in) == NULL)
        out[0] = '\0';
    (void)pclose(in);
}

/* Applies a plan with Tunnel1.0 alone. */
static void apply_tunnel(struct host *host, bool ipv6, bool link_local)
{
    struct host_plan plan = {0};
    want_tunnel(&plan, "Tunnel1.0", ipv6);
    plan.tunnels[0].link_local = link_local;
    apply(host, &plan);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    settle(host);
    host_plan_clear(&plan);
}

static void S14_ipv6_enable_gives_a_tunnel_a_link_local_address(void **state)
{
    (void)state;
    char address[64], again[64];
    struct host *host = open_host(&seen);
    apply_tunnel(host, true, false);
    find_link_local(address);
    assert_string_equal(address, "");

    apply_tunnel(host, true, true);
    find_link_local(address);
    assert_int_equal(strncmp(address, "fe80::", 6), 0);
    assert_non_null(strstr(address, "/64"));

    /* It is the same after another change, and after a crash. */
    run("ip link set Tunnel1.0 mtu 1400");
    settle(host);
    host = crash(host);
    apply_tunnel(host, true, true);
    find_link_local(again);
    assert_string_equal(again, address);

    apply_tunnel(host, true, false);
    find_link_local(address);
    assert_string_equal(address, "");
    apply_tunnel(host, false, true);
    find_link_local(address);
    assert_string_equal(address, "");
    host_teardown(host);
}

static void S14_a_route_to_a_link_local_next_hop_goes_by_its_link(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    struct plan_route route = {
        .destination = prefix_of("::/0"), .gateway = address_of("fe80::1"), .metric = 1};
    (void)snprintf(route.link, sizeof route.link, "ge1");
    run("ip link set ge1 up");
    assert_true(host_plan_add_route(&plan, &route));
    apply(host, &plan);
    assert_output("ip -6 route show default | grep -c '^default via fe80::1 dev ge1'", "1\n");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void S6_tunnel_without_an_ipv6_line_has_no_ipv6(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", false);
    want_tunnel(&plan, "Tunnel2.0", true);
    apply(host, &plan);
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    assert_true(host_use_tunnel(host, "Tunnel2.0", TUNNEL_CARRIES, NULL));
    int value;
    assert_true(host_sysctl_read_link(IP_V6, "Tunnel1.0", "disable_ipv6", &value, NULL));
    assert_int_equal(value, 1);
    assert_true(host_sysctl_read_link(IP_V6, "Tunnel2.0", "disable_ipv6", &value, NULL));
    assert_int_equal(value, 0);
    /* and Linux sends nothing of its own through the other */
    char packet[2048];
    (void)usleep(100000);
    assert_int_equal(read(host_tunnel_fd(host, "Tunnel2.0"), packet, sizeof packet), -1);
    assert_no_output("ip -6 -o addr show dev Tunnel2.0");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void unnumbered_routes_follow_the_address_of_their_source_link(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    plan_site(&plan);
    struct plan_route route = {
        .destination = prefix_of("192.168.5.0/24"), .link = "Tunnel1.0", .source_link = "ge1", .metric = 1};
    assert_true(host_plan_add_route(&plan, &route));
    route.destination = prefix_of("2001:db8:5::/64");
    assert_true(host_plan_add_route(&plan, &route));
    apply(host, &plan);
    run("sleep 2.2"); /* until duplicate detection on ge1 is through */
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_output("ip route show 192.168.5.0/24", "src 192.168.1.1");
    assert_output("ip -6 route show 2001:db8:5::/64", "src 2001:db8:1::1");

    host_plan_clear(&plan);
    plan_site(&plan);
    plan.addresses[1].prefix = prefix_of("192.168.1.9/24");
    route.destination = prefix_of("192.168.5.0/24");
    assert_true(host_plan_add_route(&plan, &route));
    apply(host, &plan);
    settle(host);
    assert_output("ip route show 192.168.5.0/24", "src 192.168.1.9");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void next_hop_is_behind_a_tunnel_only_by_its_network(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", false);
    want_tunnel(&plan, "Tunnel2.0", false);
    want_address(&plan, "ge0", "10.0.0.1/24");
    want_address(&plan, "Tunnel2.0", "10.50.0.1/30");
    want_route(&plan, "0.0.0.0/0", "Tunnel1.0", 1);
    want_route(&plan, "203.0.113.9/32", "10.0.0.254", 1); /* the peer */
    want_route(&plan, "10.60.0.0/16", "10.50.0.2", 1);
    want_route(&plan, "10.70.0.0/16", "10.51.0.2", 1);
    apply(host, &plan);
    assert_output("ip route", "203.0.113.9 via 10.0.0.254 dev ge0");
    assert_string_equal(seen.notes, "warning: route 10.70.0.0/16 via 10.51.0.2 cannot be used: next hop: no "
                                    "route to 10.51.0.2: Network is unreachable\n");
    assert_true(host_use_tunnel(host, "Tunnel1.0", TUNNEL_CARRIES, NULL));
    assert_true(host_use_tunnel(host, "Tunnel2.0", TUNNEL_CARRIES, NULL));
    assert_goes_by(host, &(struct ip_address){IP_V4, {10, 60, 0, 1}}, (int)if_nametoindex("Tunnel2.0"));

    run("ip link set ge0 down");
    settle(host);
    assert_no_output("ip route show 203.0.113.9");
    assert_non_null(strstr(seen.notes, "warning: route 203.0.113.9/32 via 10.0.0.254 cannot be used"));
    run("ip link set ge0 up");
    settle(host);
    assert_output("ip route", "203.0.113.9 via 10.0.0.254 dev ge0");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void what_needs_a_missing_link_waits_for_it(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_address(&plan, "ge7", "10.7.0.1/24");
    want_route(&plan, "10.70.0.0/16", "ge7", 1);
    want_route(&plan, "10.71.0.0/16", "10.7.0.254", 1);
    const struct plan_port port = {.name = "ge7", .up = true};
    assert_true(host_plan_add_port(&plan, &port));
    apply(host, &plan);
    assert_no_output("ip route show proto 109");

    run("ip link add ge7 type veth peer name far7 && ip link set far7 up");
    settle(host);
    assert_output("ip addr show dev ge7", "10.7.0.1/24");
    assert_output("ip route", "10.70.0.0/16 dev ge7 proto 109");
    assert_output("ip route", "10.71.0.0/16 via 10.7.0.254 dev ge7 proto 109");

    run("ip link set ge7 down"); /* which somebody wants, so it stays down; the routes go and come back */
    settle(host);
    assert_no_output("ip route show proto 109");
    assert_output("ip link show ge7", "state DOWN");
    run("ip link set ge7 up");
    settle(host);
    assert_output("ip route", "10.70.0.0/16 dev ge7 proto 109");
    assert_output("ip route", "10.71.0.0/16 via 10.7.0.254 dev ge7 proto 109");

    run("ip link set far7 down"); /* the cable is pulled: routes of less preference have to take over */
    settle(host);
    assert_no_output("ip route show proto 109");
    run("ip link set far7 up");
    settle(host);
    assert_output("ip route", "10.70.0.0/16 dev ge7 proto 109");
    assert_output("ip route", "10.71.0.0/16 via 10.7.0.254 dev ge7 proto 109");

    run("ip link del ge7");
    settle(host);
    run("ip link add ge7 type veth peer name far7 && ip link set far7 up");
    settle(host);
    assert_output("ip route", "10.70.0.0/16 dev ge7 proto 109");
    host_teardown(host);
    assert_output("ip link show ge7", "state DOWN");
    host_plan_clear(&plan);
}

static void routes_of_one_distance_stand_beside_each_other(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", true);
    want_tunnel(&plan, "Tunnel2.0", true);
    want_address(&plan, "ge0", "10.0.0.1/24");
    want_address(&plan, "ge0", "2001:db8::1/64");
    want_route(&plan, "10.9.0.0/16", "Tunnel1.0", 1);
    want_route(&plan, "10.9.0.0/16", "Tunnel2.0", 1);
    want_route(&plan, "10.9.0.0/16", "10.0.0.254", 1);
    want_route(&plan, "10.9.0.0/16", NULL, 1);
    want_route(&plan, "2001:db8:9::/48", "Tunnel1.0", 1);
    want_route(&plan, "2001:db8:9::/48", "2001:db8::fe", 1);
    want_route(&plan, "2001:db8:9::/48", "2001:db8::fd", 1);
    apply(host, &plan);
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_output("ip route show proto 109 | wc -l", "4");
    assert_output("ip -6 route show proto 109", "2001:db8::fe");
    assert_output("ip -6 route show proto 109", "2001:db8::fd");
    assert_output("ip -6 route show proto 109", "dev Tunnel1.0");

    plan.route_count = 5;
    apply(host, &plan);
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_output("ip route show proto 109 | wc -l", "4");
    assert_output("ip -6 route show proto 109", "2001:db8:9::/48 dev Tunnel1.0 metric 1");
    assert_no_output("ip -6 route show proto 109 | grep via");
    host_teardown(host);
    host_plan_clear(&plan);
}

static void forwarding_and_ports_get_their_old_values_back(void **state)
{
    (void)state;
    struct host_plan plan = {.forward_v4 = true, .forward_v6 = true};
    struct host *host = open_host(&seen);
    const struct plan_port port = {.name = "ge1", .mtu = 1400};
    assert_true(host_plan_add_port(&plan, &port));
    run("ip link set far0 down");
    const struct plan_port down = {.name = "far0", .up = true};
    assert_true(host_plan_add_port(&plan, &down));
    apply(host, &plan);
    settle(host);
    assert_output("sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding", "1\n1\n");
    assert_output("ip link show ge1", "mtu 1400");
    assert_output("ip link show far0", ",UP");

    run("echo 0 >/proc/sys/net/ipv4/ip_forward"); /* by another program */
    settle(host);
    assert_non_null(strstr(seen.notes, "notice: IPv4 forwarding"));
    assert_output("sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding", "1\n1\n");

    host_teardown(host);
    assert_output("sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding", "0\n0\n");
    assert_output("ip link show ge1", "mtu 1500");
    assert_output("ip link show far0", "state DOWN");
    host_plan_clear(&plan);
}

static void thief_does_not_keep_the_host_busy(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    want_address(&plan, "ge0", "10.0.0.1/24");
    apply(host, &plan);
    settle(host);
    msec_t now = 1000000, last_gap = 0;
    for (int i = 0; i < 12; i++) {
        run("ip addr del 10.0.0.1/24 dev ge0");
        assert_true(host_handle(host, now, NULL));
        msec_t due = host_due(host);
        if (due != MSEC_NEVER) {
            last_gap = due - now;
            now = due;
            assert_true(host_handle(host, now, NULL));
        }
        assert_output("ip addr show dev ge0", "10.0.0.1/24");
    }
    assert_in_range(last_gap, 1000, 10000);
    host_teardown(host);
    host_plan_clear(&plan);
}

static void second_musubid_in_the_namespace_is_refused(void **state)
{
    (void)state;
    struct host *host = open_host(&seen);
    const struct host_listener listener = {0};
    struct host_error err;
    assert_null(host_open("other", &listener, &err));
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted, "another musubid (process %d) runs in this network namespace",
                   (int)getpid());
    assert_string_equal(err.text, wanted);
    host_leave(host);
    host = host_open("other", &listener, &err);
    assert_non_null(host);
    host_teardown(host);
}

static void foreign_link_in_our_groups_survives(void **state)
{
    (void)state;
    struct host_plan plan = {0};
    run("ip link add veth8 group %d type veth peer name veth9 group %d", HOST_LINK_GROUP,
        HOST_LINK_REMOVAL_GROUP);
    run("ip link set veth8 alias musubi-is-fun");
    struct host *host = open_host(&seen);
    want_tunnel(&plan, "Tunnel1.0", true);
    want_tunnel(&plan, "Tunnel2.0", true);
    plan.tunnels[1].up = false;
    apply(host, &plan);
    host_teardown(host);
    assert_no_output("ip -o link show type tun");
    assert_output("ip link", "veth8@veth9");
    host_plan_clear(&plan);
}

static void many_tunnels_come_and_go_at_once(void **state)
{
    (void)state;
    enum { MANY = 300 };
    struct host_plan plan = {0};
    struct host *host = open_host(&seen);
    for (int i = 0; i < MANY; i++) {
        char name[HOST_LINK_NAME_SIZE], text[IP_TEXT_SIZE];
        (void)snprintf(name, sizeof name, "Tunnel%d.0", i);
        want_tunnel(&plan, name, true);
        (void)snprintf(text, sizeof text, "10.%d.%d.0/24", i / 256, i % 256);
        want_route(&plan, text, name, 1);
        (void)snprintf(text, sizeof text, "172.16.%d.%d/30", i / 64, i % 64 * 4 + 1);
        want_address(&plan, name, text);
    }
    want_address(&plan, "lo", "10.255.0.1/32"); /* Loopback0.0 */
    apply(host, &plan);
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_output("ip -o link show type tun | wc -l; ip route show proto 109 | wc -l", "300\n300\n");

    plan.tunnel_count = 10; /* the others go by one request: one by one it would take six seconds */
    struct timespec before, after;
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    apply(host, &plan);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_in_range(after.tv_sec - before.tv_sec, 0, 3);
    settle(host);
    assert_string_equal(seen.notes, "");
    assert_output("ip -o link show type tun | wc -l; ip route show proto 109 | wc -l", "10\n10\n");
    assert_output("ip addr show dev lo", "10.255.0.1/32");
    host_teardown(host);
    assert_no_output("ip -o link show type tun; ip -o addr show dev lo scope global");
    host_plan_clear(&plan);
}

static void missing_rights_are_told(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct host_listener listener = {0};
        struct host_error err = {0};
        bool refused = setresuid(65534, 65534, 65534) == 0 && host_open("test", &listener, &err) == NULL;
        _exit(refused && strstr(err.text, "root") != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        IN_NAMESPACE(S16_plan_is_applied_and_taken_away),
        IN_NAMESPACE(R11_tunnel_that_is_shut_down_comes_and_goes_in_peace),
        IN_NAMESPACE(applying_again_changes_nothing),
        IN_NAMESPACE(changed_plan_changes_only_the_difference),
        IN_NAMESPACE(routes_lost_with_an_address_of_ours_are_put_in_place_silently),
        IN_NAMESPACE(S16_what_was_there_is_left_alone),
        IN_NAMESPACE(secondary_address_of_another_program_survives_ours),
        IN_NAMESPACE(foreign_link_of_a_tunnels_name_is_left_alone),
        IN_NAMESPACE(stale_objects_are_adopted_or_removed),
        IN_NAMESPACE(S16_what_others_take_away_is_put_back),
        IN_NAMESPACE(recreated_tunnel_has_a_new_descriptor_and_its_old_carrier),
        IN_NAMESPACE(tunnel_is_made_with_a_queue_as_long_as_that_of_an_ethernet_link),
        IN_NAMESPACE(tunnel_deleted_before_it_is_changed_is_replaced),
        IN_NAMESPACE(S20_routes_through_a_tunnel_without_carrier_are_passed_over),
        IN_NAMESPACE(S48_tunnel_that_carried_drops_after_a_crash),
        IN_NAMESPACE(S48_tunnel_that_has_carried_since_a_crash_is_passed_over_at_once),
        IN_NAMESPACE(S48_what_becomes_of_packets_is_put_back_when_another_program_changes_it),
        IN_NAMESPACE(S14_ipv6_enable_gives_a_tunnel_a_link_local_address),
        IN_NAMESPACE(S14_a_route_to_a_link_local_next_hop_goes_by_its_link),
        IN_NAMESPACE(S6_tunnel_without_an_ipv6_line_has_no_ipv6),
        IN_NAMESPACE(unnumbered_routes_follow_the_address_of_their_source_link),
        IN_NAMESPACE(next_hop_is_behind_a_tunnel_only_by_its_network),
        IN_NAMESPACE(what_needs_a_missing_link_waits_for_it),
        IN_NAMESPACE(routes_of_one_distance_stand_beside_each_other),
        IN_NAMESPACE(forwarding_and_ports_get_their_old_values_back),
        IN_NAMESPACE(thief_does_not_keep_the_host_busy),
        IN_NAMESPACE(second_musubid_in_the_namespace_is_refused),
        IN_NAMESPACE(foreign_link_in_our_groups_survives),
        IN_NAMESPACE(many_tunnels_come_and_go_at_once),
        IN_NAMESPACE(missing_rights_are_told),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
