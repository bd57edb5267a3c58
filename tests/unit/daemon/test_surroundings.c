/* daemon/path/surroundings.h, next_hop.h and host/ip_output.h: when the path may go past Linux's IP output */
#include "daemon/path/surroundings.h"

#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../host/netns.h"
#include "daemon/path/next_hop.h"
#include "host/route.h"

enum { PATIENCE = 20000 };

static struct surroundings *s;
static struct path_route route;
static unsigned reviews; /* of routes, that the path was asked for */
static unsigned asked;   /* questions to the routing table */

void __wrap_path_review_routes(struct path *path);
bool __wrap_path_set_own_addresses(struct path *path, const struct ip_address *addresses, size_t count);
size_t __wrap_path_child_count(const struct path *path);

bool __wrap_host_route_lookup(struct netlink *nl, const struct host_route_question *question,
                              struct host_route_answer *answer, struct host_error *err);
bool __real_host_route_lookup(struct netlink *nl, const struct host_route_question *question,
                              struct host_route_answer *answer, struct host_error *err);

bool __wrap_host_route_lookup(struct netlink *nl, const struct host_route_question *question,
                              struct host_route_answer *answer, struct host_error *err)
{
    asked++;
    return __real_host_route_lookup(nl, question, answer, err);
}

void __wrap_path_review_routes(struct path *path)
{
    (void)path;
    reviews++;
}

bool __wrap_path_set_own_addresses(struct path *path, const struct ip_address *addresses, size_t count)
{
    (void)path, (void)addresses, (void)count;
    return true;
}

size_t __wrap_path_child_count(const struct path *path)
{
    (void)path;
    return 0;
}

/* Takes in what has changed; true if that calls for a review. */
static bool have_changed(void)
{
    unsigned before = reviews;
    surroundings_follow(s, NULL, true);
    return reviews != before;
}

static int start(void **state)
{
    struct host_error err;
    assert_int_equal(netns_setup(state), 0);
    run("ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02");
    run("ip link set v0 mtu 1400 up && ip link set v1 up && ip address add 10.9.0.1/24 dev v0");
    run("ip route add 10.1.0.0/16 via 10.9.0.2");
    run("ip neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 nud reachable dev v0");
    s = surroundings_open(&err);
    if (s == NULL)
        fail_msg("%s", err.text);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    surroundings_close(s);
    return 0;
}

/* Finds the route anew; true if it has a next hop. */
static bool find_marked(const char *remote, uint32_t mark)
{
    struct child_destination destination = {.mark = mark};
    assert_true(ip_address_parse("10.9.0.1", &destination.local.address));
    assert_true(ip_address_parse(remote, &destination.remote.address));
    memset(&route, 0, sizeof route);
    surroundings_find_route(s, &destination, &route);
    assert_true(route.next_hop.link == 0 || route.next_hop.link == if_nametoindex("v0"));
    return route.next_hop.link != 0;
}

static bool find(const char *remote)
{
    return find_marked(remote, 0);
}

/* Waits until there is a next hop, or none. */
static void expect(const char *remote, bool wanted)
{
    for (int waited = 0; find(remote) != wanted; waited += NEXT_HOP_LOOK) {
        struct pollfd ready = {.fd = surroundings_fd(s), .events = POLLIN};
        assert_true(waited < PATIENCE);
        assert_true(poll(&ready, 1, NEXT_HOP_LOOK) >= 0);
        (void)have_changed();
    }
}

static void neighbour_is_the_next_hop(void **state)
{
    (void)state;
    const uint8_t header[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    assert_true(find("10.9.0.2"));
    assert_memory_equal(route.next_hop.header, header, sizeof header);
    assert_int_equal(route.next_hop.ttl, 64);
    assert_int_equal(route.mtu, 1400);
    assert_true(find("10.1.2.3")); /* by the gateway */
    assert_memory_equal(route.next_hop.header, header, sizeof header);
    assert_false(find("10.9.0.3")); /* not resolved */
    assert_false(find("10.9.0.1")); /* this host */
    assert_false(find("127.0.0.2"));
    assert_false(find("203.0.113.1")); /* no route */
}

static void next_hop_follows_the_neighbour(void **state)
{
    (void)state;
    assert_true(find("10.1.2.3"));
    assert_true(surroundings_deadline(s) < MSEC_NEVER); /* to look at what is not reported */

    run("ip neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:07 nud stale dev v0");
    assert_true(have_changed());
    assert_true(find("10.1.2.3"));
    assert_int_equal(route.next_hop.header[5], 7);

    run("ip neighbour replace 10.9.0.77 lladdr 02:00:00:00:00:09 nud reachable dev v0");
    assert_false(have_changed()); /* nobody asked for it */

    run("ip neighbour change 10.9.0.2 nud failed dev v0");
    expect("10.1.2.3", false);
    run("ip neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:02 nud reachable dev v0");
    expect("10.1.2.3", true);
    run("ip neighbour del 10.9.0.2 dev v0");
    expect("10.1.2.3", false);
}

static void next_hop_follows_the_link(void **state)
{
    (void)state;
    assert_true(find("10.9.0.2"));
    run("ip link set v0 address 02:00:00:00:00:11");
    run("ip neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:02 nud reachable dev v0");
    assert_true(have_changed());
    assert_true(find("10.9.0.2"));
    assert_int_equal(route.next_hop.header[11], 0x11);
    run("ip link set v1 down");
    expect("10.9.0.2", false);
}

static void routing_table_is_asked_once_for_a_destination_until_something_changes(void **state)
{
    (void)state;
    (void)have_changed(); /* what `start` did */
    asked = 0;
    for (int i = 0; i < 3; i++)
        assert_true(find("10.1.2.3"));
    assert_int_equal(asked, 1);
    assert_false(find_marked("10.1.2.3", 5) && asked == 1); /* another rule may be for it */
    assert_false(find("203.0.113.1"));
    assert_true(find("10.1.2.3"));

    run("ip route add blackhole 10.1.2.0/24");
    assert_true(have_changed());
    assert_false(find("10.1.2.3"));
    run("ip route del blackhole 10.1.2.0/24");
    assert_true(have_changed());
    assert_true(find("10.1.2.3"));
}

static void routes_that_need_more_than_a_frame_have_none(void **state)
{
    (void)state;
    run("ip neighbour add 10.9.0.9 lladdr 02:00:00:00:00:09 nud reachable dev v0");
    run("ip route add 10.2.0.0/16 nexthop via 10.9.0.2 nexthop via 10.9.0.9");
    run("ip route add 10.3.0.0/16 via 10.9.0.2 hoplimit 9");
    run("ip route add blackhole 10.4.0.0/16");
    run("ip route add 10.5.0.0/16 via 10.9.0.2 table 7 && ip rule add fwmark 5 table 7");
    run("ip route add 10.6.0.0/16 via inet6 fe80::2 dev v0");
    assert_true(have_changed());
    assert_false(find("10.2.0.1"));
    assert_false(find("10.3.0.1"));
    assert_false(find("10.4.0.1"));
    assert_false(find("10.5.0.1"));
    assert_true(find_marked("10.5.0.1", 5));
    assert_false(find("10.6.0.1"));
    assert_true(find("10.1.0.1"));
    if (!succeeds("ip link add red type vrf table 9 && ip link set v0 master red")) /* not all kernels can */
        return;
    (void)have_changed();
    assert_false(find("10.9.0.2"));
}

static void nothing_that_the_ip_output_does_is_passed_by(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *end;
    } cases[] = {
        {"nft 'add table ip t; add chain ip t c { type filter hook output priority 0; }'",
         "nft delete table ip t"},
        {"nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }'",
         "nft delete table inet t"},
        {"ip xfrm policy add dir out src 10.9.0.0/24 dst 10.8.0.0/24 action block", "ip xfrm policy flush"},
        {"ip rule add ipproto esp table 7", "ip rule del ipproto esp table 7"},
    };
    expect("10.1.2.3", true);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_command(cases[i].begin);
        expect("10.1.2.3", false);
        run_command(cases[i].end);
        expect("10.1.2.3", true);
    }
}

static void chains_that_see_no_ip_output_do_not_matter(void **state)
{
    (void)state;
    run("nft 'add table ip6 t; add chain ip6 t c { type filter hook output priority 0; }'");
    run("nft 'add table ip t; add chain ip t regular'");
    (void)have_changed();
    assert_true(find("10.1.2.3"));
}

static void ttl_is_that_of_the_host(void **state)
{
    (void)state;
    assert_true(find("10.1.2.3"));
    run("sysctl -qw net.ipv4.ip_default_ttl=99");
    for (int waited = 0; route.next_hop.ttl != 99; waited += NEXT_HOP_LOOK) {
        struct pollfd ready = {.fd = surroundings_fd(s), .events = POLLIN};
        assert_true(waited < PATIENCE);
        (void)poll(&ready, 1, NEXT_HOP_LOOK);
        (void)have_changed();
        assert_true(find("10.1.2.3"));
    }
}

int main(void)
{
    if (!netns_is_possible())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(neighbour_is_the_next_hop, start, stop),
        cmocka_unit_test_setup_teardown(next_hop_follows_the_neighbour, start, stop),
        cmocka_unit_test_setup_teardown(next_hop_follows_the_link, start, stop),
        cmocka_unit_test_setup_teardown(routing_table_is_asked_once_for_a_destination_until_something_changes,
                                        start, stop),
        cmocka_unit_test_setup_teardown(routes_that_need_more_than_a_frame_have_none, start, stop),
        cmocka_unit_test_setup_teardown(nothing_that_the_ip_output_does_is_passed_by, start, stop),
        cmocka_unit_test_setup_teardown(chains_that_see_no_ip_output_do_not_matter, start, stop),
        cmocka_unit_test_setup_teardown(ttl_is_that_of_the_host, start, stop),
    };
    return cmocka_run_group_tests_name("surroundings", tests, NULL, NULL);
}
