/* daemon/show/interfaces.h: what `show interfaces` says of a Tunnel's SA, to the letter. */
#include "daemon/show/interfaces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SINCE = 1293840040 /* 2011/01/01 09:00:40 */ };

static bool copy_tunnel(void *context, const char *name, struct shown_tunnel *out)
{
    *out = *(const struct shown_tunnel *)context;
    return strcmp(name, "Tunnel0.0") == 0;
}

static void assert_says(struct shown_tunnel *tunnel, const char *lines)
{
    struct configured_interface interface = {.name = "Tunnel0.0"};
    const struct host_settings settings = {.interfaces = &interface, .interface_count = 1};
    const struct port_table ports = {0};
    const struct inventory inventory = {0};
    const struct shown_interfaces shown = {
        .settings = &settings,
        .ports = &ports,
        .inventory = &inventory,
        .find_tunnel = copy_tunnel,
        .context = tunnel,
    };
    struct text out = {0};
    show_interfaces(&shown, "Tunnel0.0", &out);
    if (strstr(text_get(&out), lines) == NULL)
        fail_msg("no %s in:\n%s", lines, text_get(&out));
    text_free(&out);
}

static void S34_an_sa_is_none_or_being_negotiated_or_established(void **state)
{
    (void)state;
    const struct tunnel_policy policy = {.name = "Tunnel0.0", .peer_kind = PEER_ANY};
    struct shown_tunnel tunnel = {.policy = &policy};
    setenv("TZ", "JST-9", 1);
    tzset();
    assert_says(&tunnel, "\n  SA : none\n");

    tunnel.negotiating = SINCE;
    assert_says(&tunnel, "\n  SA : negotiating since 2011/01/01 09:00:40\n");

    tunnel.has_sa = true; /* and a second one is being made */
    assert_says(&tunnel, "\n  SA : established\n");
}

static void S34_what_the_config_says_otherwise_by_now_stands_below_the_sa(void **state)
{
    (void)state;
    const struct tunnel_policy policy = {.name = "Tunnel0.0", .peer_kind = PEER_ANY};
    struct shown_tunnel tunnel = {.policy = &policy, .has_sa = true};
    text_print(&tunnel.old_settings, "  Changed since : one\n  Changed since : other\n");
    assert_says(&tunnel, "\n  SA : established\n  Changed since : one\n  Changed since : other\n");
}

static void S34_the_last_failure_is_told_with_how_often_it_came(void **state)
{
    (void)state;
    const struct tunnel_policy policy = {.name = "Tunnel0.0", .peer_kind = PEER_ANY};
    struct shown_tunnel tunnel = {.policy = &policy, .failure = "negotiation failed: why; line 7"};
    setenv("TZ", "JST-9", 1);
    tzset();
    tunnel.failing = SINCE - 10;
    tunnel.failed = SINCE;
    tunnel.failures = 1;
    assert_says(&tunnel,
                "\n  Last failure : 2011/01/01 09:00:40 negotiation failed: why; line 7\n  MSS of TCP");

    tunnel.failures = 3;
    assert_says(&tunnel, "\n  Last failure : 2011/01/01 09:00:40 negotiation failed: why; line 7\n"
                         "  Failed so far : 3 times since 2011/01/01 09:00:30\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_an_sa_is_none_or_being_negotiated_or_established),
        cmocka_unit_test(S34_the_last_failure_is_told_with_how_often_it_came),
        cmocka_unit_test(S34_what_the_config_says_otherwise_by_now_stands_below_the_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
