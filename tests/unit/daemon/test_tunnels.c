/* daemon/keeper/tunnels.h: which routes to peers are found anew when a config is applied. Finding is counted
 * by the test, and Linux has no devices. */
#include "daemon/keeper/tunnels.h"

#include "daemon/ipc/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char config[] = "ikev2 authentication psk id keyid here key char secret1\n"
                             "ikev2 authentication psk id keyid there key char secret2\n"
                             "ikev2 default-profile\n"
                             "  local-authentication psk id keyid here\n"
                             "interface GigaEthernet0.0\n"
                             "  no shutdown\n"
                             "interface GigaEthernet1.0\n"
                             "  no shutdown\n"
                             "interface Tunnel1.0\n"
                             "  tunnel mode ipsec-ikev2\n"
                             "  ip unnumbered GigaEthernet1.0\n"
                             "  ikev2 peer 10.1.0.1 authentication psk id keyid there\n"
                             "  no shutdown\n"
                             "interface Tunnel2.0\n"
                             "  tunnel mode ipsec-ikev2\n"
                             "  ip unnumbered GigaEthernet1.0\n"
                             "  ikev2 peer 10.2.0.1 authentication psk id keyid there\n"
                             "  ikev2 outgoing-interface GigaEthernet0.0 10.0.0.254\n"
                             "  no shutdown\n"
                             "interface Tunnel3.0\n"
                             "  tunnel mode ipsec-ikev2\n"
                             "  ip unnumbered GigaEthernet1.0\n"
                             "  ikev2 peer 10.3.0.1 authentication psk id keyid there\n"
                             "  ikev2 source-address GigaEthernet1.0\n"
                             "  no shutdown\n";

enum { SLOTS = 8, FOUND_MAX = 16 };

static struct path_totals totals[SLOTS];
static const struct live_area live = {.size = {.tunnels = SLOTS, .workers = 1}, .totals = totals};

/* The names of the tunnels whose routes were found, with a blank behind each. */
static char found[FOUND_MAX * TUNNEL_NAME_SIZE];

bool __wrap_peer_route_find(const struct route_finder *finder, const struct tunnel_policy *policy,
                            const struct ip_address *peers, size_t peer_count, struct found_route *route);
void __wrap_peer_route_release(struct host *host, struct found_route *route);
int __wrap_host_tunnel_fd(const struct host *host, const char *name);
void __wrap_keeper_host_schedule(struct keeper_host *host);

bool __wrap_peer_route_find(const struct route_finder *finder, const struct tunnel_policy *policy,
                            const struct ip_address *peers, size_t peer_count, struct found_route *route)
{
    (void)finder;
    (void)peers;
    (void)peer_count;
    (void)route;
    (void)strncat(found, policy->name, sizeof(found) - strlen(found) - 1);
    (void)strncat(found, " ", sizeof(found) - strlen(found) - 1);
    return false;
}

void __wrap_peer_route_release(struct host *host, struct found_route *route)
{
    (void)host;
    (void)route;
}

int __wrap_host_tunnel_fd(const struct host *host, const char *name)
{
    (void)host;
    (void)name;
    return -1;
}

void __wrap_keeper_host_schedule(struct keeper_host *host)
{
    (void)host;
}

static struct timespec now = {.tv_sec = 1000};

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    (void)clock;
    *out = now;
    return 0;
}

struct fixture {
    uv_loop_t loop;
    struct keeper_host host;
    struct processes processes;
    struct port_table ports;
    struct configuration configuration;
    struct config_cursor cursor;
    struct diagnostics diagnostics;
    struct event_log *log;
    struct tunnels tunnels;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_true(
        configuration_read(&f->configuration, config, strlen(config), &f->ports, NULL, &f->diagnostics));
    f->log = event_log_new();
    const struct tunnels_surroundings with = {&f->host,          &f->processes, f->log,
                                              &f->configuration, &f->ports,     &live};
    assert_true(tunnels_open(&f->tunnels, &f->loop, &with));
    tunnels_apply(&f->tunnels);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tunnels_close(&f->tunnels);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    event_log_free(f->log);
    diagnostics_free(&f->diagnostics);
    configuration_free(&f->configuration);
    port_table_clear(&f->ports);
    free(f);
    found[0] = '\0';
    return 0;
}

/* Types lines and applies the config; returns whose routes were found. */
static const char *found_after(struct fixture *f, const char *section, const char *line)
{
    assert_int_not_equal(
        configuration_apply_line(&f->configuration, &f->cursor, section, &f->ports, &f->diagnostics),
        PROMPT_REFUSED);
    found[0] = '\0';
    assert_int_equal(
        configuration_apply_line(&f->configuration, &f->cursor, line, &f->ports, &f->diagnostics),
        PROMPT_APPLIED);
    tunnels_apply(&f->tunnels);
    return found;
}

static void each_route_is_found_at_first(void **state)
{
    (void)state;
    assert_string_equal(found, "Tunnel1.0 Tunnel2.0 Tunnel3.0 ");
}

static void a_line_of_one_tunnel_finds_its_route_alone(void **state)
{
    assert_string_equal(found_after(*state, "interface Tunnel3.0", "ikev2 dpd interval 20"), "Tunnel3.0 ");
}

static void a_line_that_is_no_tunnels_finds_no_route(void **state)
{
    assert_string_equal(found_after(*state, "interface GigaEthernet0.0", "ip address 10.9.0.1/24"), "");
}

static void the_interface_of_a_route_shuts_down_and_comes_back(void **state)
{
    assert_string_equal(found_after(*state, "interface GigaEthernet0.0", "shutdown"), "Tunnel2.0 ");
    assert_string_equal(found_after(*state, "interface GigaEthernet0.0", "no shutdown"), "Tunnel2.0 ");
    assert_string_equal(found_after(*state, "interface GigaEthernet1.0", "shutdown"), "Tunnel3.0 ");
}

static void S37_a_recursive_route_is_found_at_each_line(void **state)
{
    struct fixture *f = *state;
    f->tunnels.table.tunnels[0]->route.found.problem = ROUTE_RECURSIVE;

    assert_string_equal(found_after(f, "interface Tunnel3.0", "ikev2 dpd interval 20"),
                        "Tunnel1.0 Tunnel3.0 ");
}

static void what_linux_reports_finds_routes_as_before(void **state)
{
    struct fixture *f = *state;
    const struct host_event event = {.kind = HOST_EVENT_LINK, .link_name = "ge0"};
    found[0] = '\0';
    tunnels_host_changed(&f->tunnels, &event);

    tunnels_apply(&f->tunnels);

    assert_string_equal(found, "Tunnel1.0 Tunnel2.0 Tunnel3.0 ");
}

/* How many milliseconds after a report routes are found, if there are that many tunnels. */
static msec_t wait_after(struct fixture *f, enum host_event_kind kind, const char *link, size_t tunnels)
{
    struct host_event event = {.kind = kind};
    const size_t count = f->tunnels.table.count;
    (void)strncpy(event.link_name, link, sizeof(event.link_name) - 1);
    tunnels_apply(&f->tunnels); /* nothing is old */
    now.tv_sec += 10;           /* and was found long ago */
    f->tunnels.table.count = tunnels;
    tunnels_host_changed(&f->tunnels, &event);
    f->tunnels.table.count = count;
    return f->tunnels.routes.pace.due - clock_now();
}

static void changes_of_tunnels_wait_longer_the_more_tunnels_there_are(void **state)
{
    assert_int_equal(wait_after(*state, HOST_EVENT_LINK, "Tunnel1.0", 3), 23);
    assert_int_equal(wait_after(*state, HOST_EVENT_LINK, "Tunnel1.0", 400), 420);
    assert_int_equal(wait_after(*state, HOST_EVENT_LINK, "Tunnel1.0", 10000), 1000);
}

static void other_links_and_a_replaced_device_are_looked_at_soon(void **state)
{
    assert_int_equal(wait_after(*state, HOST_EVENT_LINK, "ge0", 10000), 20);
    assert_int_equal(wait_after(*state, HOST_EVENT_TUNNEL_REPLACED, "Tunnel1.0", 10000), 20);
}

/* How many messages of the type the engine gets. */
static size_t count_messages(struct channel *engine, enum message_type type)
{
    size_t count = 0;
    while (channel_receive(engine) == CHANNEL_MESSAGE)
        count += engine->message.type == type;
    return count;
}

static void engine_knows_policies_before_there_are_devices_and_forgets_what_gets_none(void **state)
{
    static struct channel engine; /* too large for a stack */
    struct fixture *f = *state;
    int fds[2];
    assert_true(channel_pair(fds));
    channel_open(&f->processes.engine.channel, fds[0]);
    f->processes.engine.watch =
        (struct channel_watch){.channel = &f->processes.engine.channel, .stopped = true};
    channel_open(&engine, fds[1]);

    tunnels_tell_policies(&f->tunnels);
    assert_int_equal(count_messages(&engine, MESSAGE_POLICY), 3);

    tunnels_apply(&f->tunnels);
    assert_int_equal(count_messages(&engine, MESSAGE_POLICY), 0);
    assert_true(tunnels_are_settled(&f->tunnels));

    tunnels_withdraw_policies(&f->tunnels);
    assert_int_equal(count_messages(&engine, MESSAGE_TUNNEL_GONE), 3);
    tunnels_withdraw_policies(&f->tunnels);
    assert_int_equal(count_messages(&engine, MESSAGE_TUNNEL_GONE), 0);
    channel_close(&engine);
    channel_close(&f->processes.engine.channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_route_is_found_at_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_of_one_tunnel_finds_its_route_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_is_no_tunnels_finds_no_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_interface_of_a_route_shuts_down_and_comes_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(S37_a_recursive_route_is_found_at_each_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_linux_reports_finds_routes_as_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_of_tunnels_wait_longer_the_more_tunnels_there_are, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            engine_knows_policies_before_there_are_devices_and_forgets_what_gets_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_links_and_a_replaced_device_are_looked_at_soon, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
