/*
 * A NAT that the config overlooks is told once for each tunnel, with the mend (S43). A begins; B knows it by
 * its ID alone.
 */
#include "failure_case.h"
#include "invariants.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SEEMS "there seems to be a NAT between this end and "
#define SET_HERE                                                                                             \
    "but nat-traversal is not set here, so ESP may not pass: set `ikev2 nat-traversal keepalive 20` in "
#define SET_BOTH                                                                                             \
    "but nat-traversal is set at neither end, so ESP may not pass: set `ikev2 nat-traversal keepalive 20` "  \
    "in "
#define SET_AT_PEER                                                                                          \
    "but the peer does no NAT traversal, so ESP may not pass: set nat-traversal at the peer; line 31"
#define SET_HERE_AND_PERHAPS_AT_PEER                                                                         \
    SET_HERE "Tunnel1.0 and nat-traversal at the peer, unless it is set there; line 31"
#define AT_A_PRIVATE "Tunnel1.0: " SEEMS CENTRE ":500 (our address " PRIVATE " is private), "
#define PRIVATE      "192.168.0.1"
#define PUBLIC       "203.0.113.9"
#define CENTRE       "203.0.113.1"
#define NAT          "198.51.100.1"
#define NAT_OF_B     "198.51.100.2"
#define INSIDE       "10.2.0.1"
#define NO_WARNING   ""

struct overlooked_case {
    const char *name;
    const char *address_a, *nat_a; /* nat_a: a NAT in front of A with ports of its own, or NULL */
    bool kept_ports;               /* that one keeps the ports 500 and 4500 */
    bool behind_nat_b;             /* B is behind one too, which passes these ports on to it */
    bool a, b, force_a;            /* who has nat-traversal */
    const char *at_a[2], *at_b[2]; /* what each warns of: beginning and end, or NO_WARNING */
};

static const struct overlooked_case cases[] = {
    {.name = "set at both ends",
     .address_a = PRIVATE,
     .nat_a = NAT,
     .a = true,
     .b = true,
     .at_a = {NO_WARNING},
     .at_b = {NO_WARNING}},
    {.name = "set at none, without a NAT", .address_a = PUBLIC, .at_a = {NO_WARNING}, .at_b = {NO_WARNING}},
    {.name = "set at one, without a NAT",
     .address_a = PUBLIC,
     .a = true,
     .at_a = {NO_WARNING},
     .at_b = {NO_WARNING}},
    {.name = "not set at the responder",
     .address_a = PRIVATE,
     .nat_a = NAT,
     .a = true,
     .at_a = {"Tunnel1.0: " SEEMS CENTRE ":500 (our address " PRIVATE " is private), ", SET_AT_PEER},
     .at_b = {"Tunnel0.0: " SEEMS NAT ":",
              "(the peer's NAT detection shows one in front of the peer), " SET_HERE "Tunnel0.0; line 31"}},
    {.name = "not set at the initiator",
     .address_a = PRIVATE,
     .nat_a = NAT,
     .b = true,
     .at_a = {AT_A_PRIVATE, SET_HERE_AND_PERHAPS_AT_PEER},
     .at_b = {"Tunnel0.0: " SEEMS NAT ":", " (its IKE comes from that port), " SET_AT_PEER}},
    {.name = "set at none",
     .address_a = PRIVATE,
     .nat_a = NAT,
     .at_a = {AT_A_PRIVATE, SET_HERE_AND_PERHAPS_AT_PEER},
     .at_b = {"Tunnel0.0: " SEEMS NAT ":", " (its IKE comes from that port), " SET_BOTH
                                           "Tunnel0.0 and nat-traversal at the peer; line 31"}},
    {.name = "not set at the initiator, and the NAT keeps the ports: the responder sees nothing",
     .address_a = PRIVATE,
     .nat_a = NAT,
     .kept_ports = true,
     .b = true,
     .at_a = {AT_A_PRIVATE, SET_HERE_AND_PERHAPS_AT_PEER},
     .at_b = {NO_WARNING}},
    {.name = "not set at the responder, which is behind the NAT",
     .address_a = PUBLIC,
     .behind_nat_b = true,
     .a = true,
     .at_a = {NO_WARNING},
     .at_b = {"Tunnel0.0: " SEEMS PUBLIC ":500 ",
              "(the peer's NAT detection shows one in front of this end), " SET_HERE "Tunnel0.0; line 31"}},
    {.name = "not set at the responder, with NATs in front of both",
     .address_a = PRIVATE,
     .nat_a = NAT,
     .behind_nat_b = true,
     .a = true,
     .at_a = {"Tunnel1.0: " SEEMS NAT_OF_B ":500 (our address " PRIVATE " is private), ", SET_AT_PEER},
     .at_b = {"Tunnel0.0: " SEEMS NAT ":",
              "(the peer's NAT detection shows one in front of both ends), " SET_HERE "Tunnel0.0; line 31"}},
    {.name = "the peer has `force`",
     .address_a = PUBLIC,
     .a = true,
     .force_a = true,
     .at_a = {NO_WARNING},
     .at_b = {"Tunnel0.0: " SEEMS PUBLIC ":500 ",
              "(the peer's NAT detection shows one in front of the peer), " SET_HERE "Tunnel0.0; line 31"}},
};

static struct tunnel_policy policy_of(uint32_t tunnel, const char *peer, const char *own, const char *other,
                                      bool nat_traversal)
{
    struct tunnel_policy policy = world_default_policy(tunnel, peer, own, other);
    give_lines(&policy, 0);
    policy.nat_traversal = nat_traversal;
    policy.nat_keepalive = 20;
    return policy;
}

static struct pair negotiate(const struct overlooked_case *c)
{
    struct tunnel_policy site = policy_of(1, c->behind_nat_b ? NAT_OF_B : CENTRE, "site1", "site2", c->a);
    const struct tunnel_policy centre = policy_of(0, "any", "site2", "site1", c->b);
    site.nat_force = c->force_a;
    struct pair p = {.w = world_new(1, &invariants)};
    p.a = world_add_gateway(p.w, "A", c->address_a);
    p.b = world_add_gateway(p.w, "B", c->behind_nat_b ? INSIDE : CENTRE);
    if (c->kept_ports)
        gateway_set_forwarding_nat(p.a, c->nat_a);
    else if (c->nat_a != NULL)
        gateway_set_nat(p.a, c->nat_a);
    if (c->behind_nat_b)
        gateway_set_forwarding_nat(p.b, NAT_OF_B);
    gateway_set_tunnel(p.a, &site, "secret1", "secret2");
    gateway_set_tunnel(p.b, &centre, "secret2", "secret1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    if (!gateway_tunnel_is_up(p.a, 1) || !gateway_tunnel_is_up(p.b, 0))
        fail_msg("%s: the tunnel is not up", c->name);
    return p;
}

/* Both parts stand in one line, the one warning of its kind. */
static void check_warning(const char *name, const struct gateway *g, const char *const parts[2])
{
    const char *line = strstr(gateway_warnings(g), SEEMS);
    size_t count = gateway_log_count(g, SEEMS);
    if (count != (parts[0][0] != '\0'))
        fail_msg("%s: told %zu times:\n%s", name, count, gateway_warnings(g));
    if (count == 0)
        return;
    const char *begin = strstr(gateway_warnings(g), parts[0]);
    const char *end = strstr(line, parts[1]);
    if (begin == NULL || end == NULL || end[strlen(parts[1])] != '\n' || strchr(begin, '\n') < end)
        fail_msg("%s: the warning is another one:\n%s", name, gateway_warnings(g));
}

static void S43_a_nat_that_the_config_overlooks_is_told_with_the_mend(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p = negotiate(&cases[i]);
        check_warning(cases[i].name, p.a, cases[i].at_a);
        check_warning(cases[i].name, p.b, cases[i].at_b);
        world_free(p.w);
    }
}

static const struct overlooked_case set_at_none = {.name = "set at none", .address_a = PRIVATE, .nat_a = NAT};

static void S43_it_is_told_once_for_each_tunnel(void **state)
{
    (void)state;
    struct pair p = negotiate(&set_at_none);

    for (unsigned i = 0; i < 3; i++) {
        gateway_clear(p.a, 1);
        world_run(p.w, 60000);
        gateway_packet_waits(p.a, 1);
        world_run(p.w, 1000);
    }

    assert_true(gateway_tunnel_is_up(p.b, 0));
    assert_int_equal(gateway_log_count(p.b, SEEMS), 1);
    world_free(p.w);
}

static void S43_it_is_told_again_when_the_policy_has_changed(void **state)
{
    (void)state;
    struct pair p = negotiate(&set_at_none);
    struct tunnel_policy changed = policy_of(0, "any", "site2", "site1", false);
    changed.line[SETTING_NAT_TRAVERSAL] = 12; /* `off` */

    gateway_set_tunnel(p.b, &changed, "secret2", "secret1");
    gateway_clear(p.a, 1);
    world_run(p.w, 60000);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_int_equal(gateway_log_count(p.b, SEEMS), 2);
    assert_non_null(
        strstr(gateway_warnings(p.b), "in Tunnel0.0 and nat-traversal at the peer; lines 12, 31\n"));
    world_free(p.w);
}

/* A peer without the key must not have the operator change the config. */
static void S43_a_peer_that_is_not_authenticated_causes_no_warning(void **state)
{
    (void)state;
    struct tunnel_policy site = policy_of(1, CENTRE, "site1", "site2", false);
    const struct tunnel_policy centre = policy_of(0, "any", "site2", "site1", false);
    struct pair p = {.w = world_new(1, &invariants)};
    p.a = world_add_gateway(p.w, "A", PRIVATE);
    p.b = world_add_gateway(p.w, "B", CENTRE);
    gateway_set_nat(p.a, NAT);
    gateway_set_tunnel(p.a, &site, "wrong", "secret2");
    gateway_set_tunnel(p.b, &centre, "secret2", "secret1");

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_false(gateway_log_has(p.b, SEEMS));
    assert_true(gateway_log_has(p.b, "negotiation failed"));
    world_free(p.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S43_a_nat_that_the_config_overlooks_is_told_with_the_mend),
        cmocka_unit_test(S43_it_is_told_once_for_each_tunnel),
        cmocka_unit_test(S43_it_is_told_again_when_the_policy_has_changed),
        cmocka_unit_test(S43_a_peer_that_is_not_authenticated_causes_no_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
