/* daemon/keeper/interface_news.h: what the log tells of interfaces that go down or come up. */
#include "daemon/keeper/interface_news.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 1000, NAME_SIZE = 24 };

/* Ports and Tunnels with the states that the test gives them. */
struct fixture {
    struct interface_news news;
    struct told_interface port, tunnels[MANY];
    char names[MANY][NAME_SIZE];
    msec_t now;
    bool is_start;
    struct text log; /* what was logged at level warn since `told` was last asked */
};

static void explain(void *context, const struct interface_change *change, struct text *out)
{
    (void)context;
    text_print(out, "%s of %s", change->cause == INTERFACE_NO_LINK ? "no carrier" : "no route", change->name);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->news = (struct interface_news){.log = event_log_new(), .explain = explain};
    for (unsigned i = 0; i < MANY; i++)
        (void)snprintf(f->names[i], NAME_SIZE, "Tunnel%u.0", i);
    f->now = 1000;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    interface_news_free(&f->news);
    event_log_free(f->news.log);
    text_free(&f->log);
    free(f);
    return 0;
}

static void port_is(struct fixture *f, enum interface_cause cause)
{
    const struct interface_change change = {
        .name = "GigaEthernet0.0", .told = &f->port, .cause = cause, .what = &f->port};
    interface_news_add(&f->news, &change, f->now, f->is_start);
}

static void tunnels_are(struct fixture *f, unsigned from, unsigned count, enum interface_cause cause,
                        const char *port)
{
    for (unsigned i = from; i < from + count; i++) {
        const struct interface_change change = {
            .name = f->names[i], .told = &f->tunnels[i], .cause = cause, .port = port};
        interface_news_add(&f->news, &change, f->now, f->is_start);
    }
}

/* Tells, and returns the lines of all so far from behind their times. */
static const char *told(struct fixture *f)
{
    struct text all = {0};
    interface_news_tell(&f->news, f->now);
    event_log_show(f->news.log, &all);
    text_free(&f->log);
    for (char *line = all.at != NULL ? strtok(all.at, "\n") : NULL; line != NULL; line = strtok(NULL, "\n"))
        text_print(&f->log, "%s\n", strstr(line, " system ") + strlen(" system "));
    text_free(&all);
    return text_get(&f->log);
}

static void each_change_is_a_line_with_its_cause(void **state)
{
    struct fixture *f = *state;
    port_is(f, INTERFACE_UP);
    tunnels_are(f, 0, 2, INTERFACE_UP, NULL);
    assert_string_equal(told(f), "");

    tunnels_are(f, 0, 2, INTERFACE_NO_ROUTE, "GigaEthernet0.0");
    port_is(f, INTERFACE_NO_LINK);
    (void)told(f);
    f->now += 34000;
    port_is(f, INTERFACE_UP);
    tunnels_are(f, 0, 2, INTERFACE_UP, NULL);

    assert_string_equal(told(f), "warn GigaEthernet0.0: down: no carrier of GigaEthernet0.0\n"
                                 "warn Tunnel0.0: down: no route of Tunnel0.0\n"
                                 "warn Tunnel1.0: down: no route of Tunnel1.0\n"
                                 "warn GigaEthernet0.0: up again, after 34 s\n"
                                 "warn Tunnel0.0: up again, after 34 s\n"
                                 "warn Tunnel1.0: up again, after 34 s\n");
}

static void the_same_state_is_told_once(void **state)
{
    struct fixture *f = *state;
    tunnels_are(f, 0, 1, INTERFACE_NO_ROUTE, NULL);
    (void)told(f);
    tunnels_are(f, 0, 1, INTERFACE_NO_ROUTE, NULL);

    assert_string_equal(told(f), "warn Tunnel0.0: down: no route of Tunnel0.0\n");
}

static void a_port_with_many_tunnels_is_one_line(void **state)
{
    struct fixture *f = *state;
    tunnels_are(f, 0, MANY, INTERFACE_NO_ROUTE, "GigaEthernet0.0");
    port_is(f, INTERFACE_NO_LINK);

    assert_string_equal(told(f),
                        "warn GigaEthernet0.0: down: no carrier of GigaEthernet0.0; with it 1000 Tunnels: "
                        "Tunnel0.0, Tunnel1.0, Tunnel2.0 and 997 more\n");
}

static void many_tunnels_with_one_cause_are_one_line(void **state)
{
    struct fixture *f = *state;
    tunnels_are(f, 0, MANY, INTERFACE_NO_ROUTE, NULL);
    (void)told(f);
    tunnels_are(f, 0, MANY, INTERFACE_UP, NULL);

    assert_string_equal(told(f),
                        "warn 1000 interfaces are down: Tunnel0.0 (no route of Tunnel0.0), "
                        "Tunnel1.0 (no route of Tunnel1.0), Tunnel2.0 (no route of Tunnel2.0) and 997 more\n"
                        "warn 1000 interfaces are up again: Tunnel0.0, Tunnel1.0, Tunnel2.0 and 997 more\n");
}

static void a_tunnel_that_has_no_sa_yet_is_no_news_but_one_that_has_lost_it(void **state)
{
    struct fixture *f = *state;
    tunnels_are(f, 0, 1, INTERFACE_NO_SA, NULL);
    tunnels_are(f, 0, 1, INTERFACE_UP, NULL);
    assert_string_equal(told(f), "");

    tunnels_are(f, 0, 1, INTERFACE_NO_SA, NULL);

    assert_string_equal(told(f), "warn Tunnel0.0: down: no route of Tunnel0.0\n");
}

static void what_the_config_lacks_is_no_news_at_the_start(void **state)
{
    struct fixture *f = *state;
    f->is_start = true;
    tunnels_are(f, 0, 1, INTERFACE_INCOMPLETE, NULL);
    f->is_start = false;
    assert_string_equal(told(f), "");

    tunnels_are(f, 1, 1, INTERFACE_UP, NULL);
    tunnels_are(f, 1, 1, INTERFACE_INCOMPLETE, NULL);

    assert_string_equal(told(f), "warn Tunnel1.0: down: no route of Tunnel1.0\n");
}

static void an_interface_that_goes_up_and_down_is_told_ten_times_an_hour(void **state)
{
    struct fixture *f = *state;
    const char *last = "";
    for (unsigned i = 0; i < 50; i++) {
        f->now += 10000;
        port_is(f, i % 2 == 0 ? INTERFACE_NO_LINK : INTERFACE_UP);
        last = told(f);
    }
    unsigned lines = 0;
    for (const char *at = last; *at != '\0'; at = strchr(at, '\n') + 1)
        lines++;
    assert_int_equal(lines, NEWS_HOURLY_MAX);
    assert_non_null(strstr(last, "GigaEthernet0.0: up again, after 10 s (more of it is told at level notice, "
                                 "until an hour has passed)\n"));

    f->now += NEWS_HOUR;
    port_is(f, INTERFACE_NO_LINK);
    assert_non_null(strstr(told(f), "hour has passed)\nwarn GigaEthernet0.0: down: no carrier"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_change_is_a_line_with_its_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_state_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_port_with_many_tunnels_is_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_tunnels_with_one_cause_are_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tunnel_that_has_no_sa_yet_is_no_news_but_one_that_has_lost_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_config_lacks_is_no_news_at_the_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interface_that_goes_up_and_down_is_told_ten_times_an_hour, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
