/* The keeper's parts that need no Linux: daemon/keeper/configuration.h, daemon/keeper/desired.h,
 * daemon/keeper/arguments.h. */
#include "daemon/keeper/desired.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/identity.h"
#include "daemon/keeper/arguments.h"

static const char site1[] = "ikev2 authentication psk id keyid site1 key char secret1\n"
                            "ikev2 authentication psk id keyid site2 key char secret2\n"
                            "ikev2 default-profile\n"
                            "  local-authentication psk id keyid site1\n"
                            "logging subsystem ikev2 debug\n"
                            "logging timestamp uptime\n"
                            "interface GigaEthernet0.0\n"
                            "  ip address 10.1.0.1/24\n"
                            "  ip mtu 1400\n"
                            "  no shutdown\n"
                            "interface GigaEthernet1.0\n"
                            "  ip address 192.168.1.1/24\n"
                            "  shutdown\n"
                            "interface Loopback0.0\n"
                            "  ipv6 address 2001:db8::1/128\n"
                            "interface Tunnel1.0\n"
                            "  tunnel mode ipsec-ikev2\n"
                            "  ip unnumbered GigaEthernet0.0\n"
                            "  ikev2 peer 10.2.0.1 authentication psk id keyid site2\n"
                            "  no shutdown\n"
                            "interface Tunnel2.0\n"
                            "  tunnel mode ipsec-ikev2\n"
                            "  ipv6 enable\n"
                            "  ip mtu 1000\n"
                            "  ikev2 peer 10.3.0.1 authentication psk id keyid site2\n"
                            "  shutdown\n"
                            "ip route default 10.1.0.254\n"
                            "ip route 192.168.2.0/24 Tunnel1.0 distance 5\n"
                            "ip route 192.168.3.0/24 GigaEthernet1.0\n"
                            "ip route 10.0.0.0/8 Null0.0\n";

struct fixture {
    struct port_table ports;
    struct configuration configuration;
    struct diagnostics diagnostics;
    struct event_log *log;
    struct text left_out;
    struct host_plan plan;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_true(port_table_set_option(&f->ports, "GigaEthernet0=wan0", NULL));
    assert_true(
        configuration_read(&f->configuration, site1, strlen(site1), &f->ports, NULL, &f->diagnostics));
    f->log = event_log_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    host_plan_clear(&f->plan);
    text_free(&f->left_out);
    event_log_free(f->log);
    diagnostics_free(&f->diagnostics);
    configuration_free(&f->configuration);
    port_table_clear(&f->ports);
    free(f);
    return 0;
}

/* ---- Configuration ----------------------------------------------------------------------------------- */

static void error_in_the_config_leaves_nothing(void **state)
{
    (void)state;
    static const char text[] = "ikev2 default-profile\n  dpd interval x\n";
    struct port_table ports = {0};
    struct configuration configuration;
    struct diagnostics diagnostics = {0};

    assert_false(configuration_read(&configuration, text, strlen(text), &ports, NULL, &diagnostics));

    assert_int_equal(diagnostics.errors, 1);
    assert_null(configuration.config);
    diagnostics_free(&diagnostics);
    port_table_clear(&ports);
}

static void R102_levels_of_the_log_come_from_the_config(void **state)
{
    struct fixture *f = *state;

    const struct event_log_settings settings = configuration_log_settings(&f->configuration);

    assert_int_equal(settings.level[EVENT_IKEV2], LOG_LEVEL_DEBUG);
    assert_int_equal(settings.level[EVENT_IPSEC], LOG_LEVEL_WARN);
    assert_int_equal(settings.timestamp, EVENT_UPTIME);
}

/* ---- What is wanted of Linux ------------------------------------------------------------------------- */

static const struct plan_tunnel *tunnel_named(const struct host_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->tunnel_count; i++) {
        if (strcmp(plan->tunnels[i].name, name) == 0)
            return &plan->tunnels[i];
    }
    return NULL;
}

static void S16_ports_are_mapped_and_those_shut_down_left_alone(void **state)
{
    struct fixture *f = *state;
    char text[IP_TEXT_SIZE];

    assert_true(desired_plan(&f->configuration, &f->ports, f->log, &f->left_out, &f->plan));

    assert_int_equal(f->plan.port_count, 1);
    assert_string_equal(f->plan.ports[0].name, "wan0");
    assert_int_equal(f->plan.ports[0].mtu, 1400);
    assert_int_equal(f->plan.address_count, 2);
    assert_string_equal(f->plan.addresses[0].link, "wan0");
    assert_string_equal(ip_prefix_format(&f->plan.addresses[0].prefix, text), "10.1.0.1/24");
    assert_string_equal(f->plan.addresses[1].link, "lo");
}

static void tunnels_are_planned_with_their_state_and_mtu(void **state)
{
    struct fixture *f = *state;

    assert_true(desired_plan(&f->configuration, &f->ports, f->log, &f->left_out, &f->plan));

    const struct plan_tunnel *first = tunnel_named(&f->plan, "Tunnel1.0");
    const struct plan_tunnel *second = tunnel_named(&f->plan, "Tunnel2.0");
    assert_true(first->up && !first->ipv6);
    assert_int_equal(first->mtu, 1500);
    assert_true(!second->up && second->ipv6);
    assert_true(second->link_local && !first->link_local);
    assert_int_equal(second->mtu, 1280);
    assert_true(f->plan.forward_v4 && f->plan.forward_v6);
}

static void routes_are_planned_but_by_ports_that_are_shut_down(void **state)
{
    struct fixture *f = *state;

    assert_true(desired_plan(&f->configuration, &f->ports, f->log, &f->left_out, &f->plan));

    assert_int_equal(f->plan.route_count, 3);
    const struct plan_route *by_tunnel = NULL;
    for (size_t i = 0; i < f->plan.route_count; i++) {
        if (f->plan.routes[i].link[0] != '\0')
            by_tunnel = &f->plan.routes[i];
    }
    assert_true(by_tunnel != NULL);
    if (by_tunnel == NULL)
        return;
    assert_string_equal(by_tunnel->link, "Tunnel1.0");
    assert_string_equal(by_tunnel->source_link, "wan0");
    assert_int_equal(by_tunnel->metric, 5);
}

/* Applies a typed line, and plans anew as the keeper does. */
static void type_line(struct fixture *f, struct config_cursor *cursor, const char *line)
{
    enum prompt_outcome outcome =
        configuration_apply_line(&f->configuration, cursor, line, &f->ports, &f->diagnostics);
    assert_int_equal(outcome, PROMPT_APPLIED);
    host_plan_clear(&f->plan);
    assert_true(desired_plan(&f->configuration, &f->ports, f->log, &f->left_out, &f->plan));
}

static size_t times_logged(const struct fixture *f, const char *wanted)
{
    struct text shown = {0};
    size_t times = 0;
    event_log_show(f->log, &shown);
    for (const char *at = text_get(&shown); (at = strstr(at, wanted)) != NULL; at++)
        times++;
    text_free(&shown);
    return times;
}

static void S16_what_has_no_link_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct config_cursor cursor = {0};
    static const char told[] = "left out: GigaEthernet0.1 has no Linux interface: say `linux-interface NAME` "
                               "under `device GigaEthernet0.1`\n";

    type_line(f, &cursor, "interface GigaEthernet0.1");
    type_line(f, &cursor, "ip address 10.3.0.1/24");
    type_line(f, &cursor, "ip route default GigaEthernet0.1");
    assert_int_equal(times_logged(f, told), 1);

    type_line(f, &cursor, "no ip route default GigaEthernet0.1");
    type_line(f, &cursor, "no interface GigaEthernet0.1");
    type_line(f, &cursor, "interface GigaEthernet0.1");
    assert_int_equal(times_logged(f, told), 2);
}

static void S16_a_sub_interface_is_what_the_config_says(void **state)
{
    struct fixture *f = *state;
    struct config_cursor cursor = {0};
    char link[HOST_LINK_NAME_SIZE];

    type_line(f, &cursor, "device GigaEthernet0.1");
    type_line(f, &cursor, "linux-interface ppp0");
    type_line(f, &cursor, "interface GigaEthernet0.1");
    type_line(f, &cursor, "ip address 10.3.0.1/24");

    assert_true(port_table_find(&f->ports, "GigaEthernet0.1", link, NULL));
    assert_string_equal(link, "ppp0");
    assert_int_equal(f->plan.port_count, 2);
    assert_string_equal(f->plan.ports[1].name, "ppp0");
    assert_string_equal(text_get(&f->left_out), "");
    type_line(f, &cursor, "no device GigaEthernet0.1");
    assert_int_equal(f->plan.port_count, 1);
}

static const struct plan_route *route_of_metric(const struct host_plan *plan, uint32_t metric)
{
    for (size_t i = 0; i < plan->route_count; i++) {
        if (plan->routes[i].metric == metric)
            return &plan->routes[i];
    }
    return NULL;
}

static void S14_a_link_local_next_hop_goes_by_its_interface(void **state)
{
    struct fixture *f = *state;
    struct config_cursor cursor = {0};
    char text[IP_TEXT_SIZE];

    type_line(f, &cursor, "ipv6 route default fe80::1%GigaEthernet0.0 distance 77");
    type_line(f, &cursor, "ipv6 route 2001:db8:9::/48 fe80::2%Tunnel2.0 distance 78");
    type_line(f, &cursor, "ipv6 route 2001:db8:9::/48 fe80::2%GigaEthernet1.0 distance 79"); /* shut down */

    const struct plan_route *route = route_of_metric(&f->plan, 77);
    assert_non_null(route);
    assert_string_equal(route->link, "wan0");
    assert_string_equal(ip_address_format(&route->gateway, text), "fe80::1");
    assert_int_equal(route->destination.length, 0);
    assert_int_equal(route->kind, HOST_ROUTE_UNICAST);
    route = route_of_metric(&f->plan, 78);
    assert_non_null(route);
    assert_string_equal(route->link, "Tunnel2.0");
    assert_null(route_of_metric(&f->plan, 79));
}

/* ---- Arguments --------------------------------------------------------------------------------------- */

/* Reads a command line of words between blanks, which `line` holds afterwards. */
static bool read_line(char *line, struct arguments *arguments, enum exit_status *status)
{
    char *argv[16] = {NULL};
    int argc = 0;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    optind = 0;
    return arguments_read(argc, argv, arguments, status);
}

static void arguments_have_defaults_and_need_a_config(void **state)
{
    (void)state;
    char all[] = "musubid --config c --port GigaEthernet0=a --port GigaEthernet1=b --foreground";
    char none[] = "musubid";
    char extra[] = "musubid --config c more";
    struct arguments arguments;
    enum exit_status status;

    assert_true(read_line(all, &arguments, &status));
    assert_string_equal(arguments.config, "c");
    assert_string_equal(arguments.run_directory, "/run/musubi");
    assert_int_equal(arguments.port_count, 2);
    assert_true(arguments.foreground);
    arguments_free(&arguments);

    assert_false(read_line(none, &arguments, &status));
    assert_int_equal(status, STATUS_USAGE);
    arguments_free(&arguments);

    assert_false(read_line(extra, &arguments, &status));
    assert_int_equal(status, STATUS_USAGE);
    arguments_free(&arguments);
}

#define WITH_CONFIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_in_the_config_leaves_nothing),
        WITH_CONFIG(R102_levels_of_the_log_come_from_the_config),
        WITH_CONFIG(S16_ports_are_mapped_and_those_shut_down_left_alone),
        WITH_CONFIG(tunnels_are_planned_with_their_state_and_mtu),
        WITH_CONFIG(routes_are_planned_but_by_ports_that_are_shut_down),
        WITH_CONFIG(S16_what_has_no_link_is_told_once),
        WITH_CONFIG(S16_a_sub_interface_is_what_the_config_says),
        WITH_CONFIG(S14_a_link_local_next_hop_goes_by_its_interface),
        cmocka_unit_test(arguments_have_defaults_and_need_a_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
