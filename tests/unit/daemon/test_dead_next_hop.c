/* daemon/keeper/dead_next_hop.h: the next hop that does not answer is named with its line. Linux says whether
 * it does. */
#include "daemon/keeper/dead_next_hop.h"

#include "../host/netns.h"

#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char config[] = "interface GigaEthernet0.0\n"
                             "  no shutdown\n"
                             "ip route default 10.9.0.2\n"
                             "ipv6 route default 2001:db8::2\n";

struct fixture {
    struct netlink *netlink;
    struct port_table ports;
    struct configuration configuration;
    struct diagnostics diagnostics;
    struct tunnel tunnel;
};

static int set_up(void **state)
{
    struct host_error err;
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(netns_setup(state), 0);
    run("ip link add v0 type veth peer name v1 && ip link set v1 up && ip link set v0 up");
    f->netlink = netlink_open(&err);
    if (f->netlink == NULL)
        fail_msg("%s", err.text);
    assert_true(
        configuration_read(&f->configuration, config, strlen(config), &f->ports, NULL, &f->diagnostics));
    f->tunnel.route.found.link = (int)if_nametoindex("v0");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    netlink_close(f->netlink);
    diagnostics_free(&f->diagnostics);
    configuration_free(&f->configuration);
    port_table_clear(&f->ports);
    free(f);
    return 0;
}

static const char *written(struct fixture *f, const char *peer, const char *next_hop)
{
    static char text[DEAD_NEXT_HOP_SIZE];
    struct found_route *found = &f->tunnel.route.found;
    assert_true(ip_address_parse(peer, &found->to_peer.remote));
    if (next_hop == NULL)
        found->next_hop = (struct ip_address){.family = IP_NONE};
    else
        assert_true(ip_address_parse(next_hop, &found->next_hop));
    bool is_dead = dead_next_hop_write(f->netlink, &f->configuration.settings, &f->tunnel, text);
    assert_int_equal(is_dead, text[0] != '\0');
    return text;
}

static void S34_a_next_hop_that_does_not_answer_is_named_with_the_line_of_its_route(void **state)
{
    struct fixture *f = *state;
    run("ip neighbour add 10.9.0.2 nud failed dev v0 && ip neighbour add 10.9.0.3 nud failed dev v0");
    run("ip neighbour add 2001:db8::2 nud failed dev v0");

    assert_string_equal(written(f, "10.1.0.1", "10.9.0.2"),
                        "the next hop 10.9.0.2 (line 3) does not answer ARP");
    assert_string_equal(written(f, "2001:db8:1::1", "2001:db8::2"),
                        "the next hop 2001:db8::2 (line 4) does not answer neighbour solicitations");
    assert_string_equal(written(f, "10.1.0.1", "10.9.0.3"), "the next hop 10.9.0.3 does not answer ARP");
}

static void S34_the_next_hop_of_the_outgoing_interface_is_named_with_that_line(void **state)
{
    struct fixture *f = *state;
    run("ip neighbour add 10.9.0.2 nud failed dev v0");
    f->tunnel.policy.outgoing = OUTGOING_NEXT_HOP;
    f->tunnel.policy.line[SETTING_OUTGOING_INTERFACE] = 17;

    assert_string_equal(written(f, "10.1.0.1", "10.9.0.2"),
                        "the next hop 10.9.0.2 (line 17) does not answer ARP");
}

static void S34_a_next_hop_that_is_there_or_was_not_asked_is_not_named(void **state)
{
    struct fixture *f = *state;
    run("ip neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 nud stale dev v0");

    assert_string_equal(written(f, "10.1.0.1", "10.9.0.2"), "");
    assert_string_equal(written(f, "10.1.0.1", "10.9.0.77"), "");
    assert_string_equal(written(f, "10.1.0.1", NULL), "");
    run("ip neighbour change 10.9.0.2 nud failed dev v0");
    f->tunnel.route.found.problem = ROUTE_NONE;
    assert_string_equal(written(f, "10.1.0.1", "10.9.0.2"), "");
}

static void S34_the_text_of_a_failure_ends_with_it_where_it_may_be_why(void **state)
{
    static const char failure[] = "negotiation failed: no answer to IKE_SA_INIT from 10.1.0.1:500 within 30 "
                                  "seconds; line 18";
    struct fixture *f = *state;
    char text[512];
    run("ip neighbour add 10.9.0.2 nud failed dev v0");
    (void)written(f, "10.1.0.1", "10.9.0.2");

    struct short_text whole = short_text_in(text, sizeof text);
    short_text_add(&whole, "%s", failure);
    dead_next_hop_append(f->netlink, &f->configuration.settings, &f->tunnel, IKE_STEP_CHILD_SA, &whole);
    dead_next_hop_append(f->netlink, &f->configuration.settings, &f->tunnel, IKE_STEP_NONE, &whole);
    assert_string_equal(text, failure);

    dead_next_hop_append(f->netlink, &f->configuration.settings, &f->tunnel, IKE_STEP_SA_INIT, &whole);
    assert_string_equal(text, "negotiation failed: no answer to IKE_SA_INIT from 10.1.0.1:500 within 30 "
                              "seconds; line 18; the next hop 10.9.0.2 (line 3) does not answer ARP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            S34_a_next_hop_that_does_not_answer_is_named_with_the_line_of_its_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S34_the_next_hop_of_the_outgoing_interface_is_named_with_that_line,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(S34_a_next_hop_that_is_there_or_was_not_asked_is_not_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(S34_the_text_of_a_failure_ends_with_it_where_it_may_be_why, set_up,
                                        tear_down),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
