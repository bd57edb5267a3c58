/* daemon/keeper/tunnel_summary.h: the state of a tunnel, and since when it holds. */
#include "daemon/keeper/tunnel_summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/ipc/clock.h"

/* A tunnel that waits for its first packet. */
static struct tunnel idle_tunnel(void)
{
    return (struct tunnel){
        .policy = {.complete = true, .defined = true},
        .stage = TUNNEL_THERE,
        .use = TUNNEL_CARRIES,
        .route.found.problem = ROUTE_FOUND,
    };
}

static void assert_row(const struct tunnel *tunnel, enum summary_state state, time_t since)
{
    struct summary_row row = {.policy = &tunnel->policy};
    tunnel_summary_fill(tunnel, NULL, &row);
    assert_int_equal(row.state, state);
    assert_int_equal(row.since, since);
}

static void a_tunnel_that_was_down_is_up_since_it_is_up_again(void **state)
{
    (void)state;
    struct tunnel tunnel = idle_tunnel();
    tunnel_summary_note(&tunnel, 100);
    assert_row(&tunnel, SUMMARY_IDLE, 100);

    tunnel.has_sa = true;
    tunnel_summary_note(&tunnel, 200);
    tunnel_summary_note(&tunnel, 210);
    assert_row(&tunnel, SUMMARY_UP, 200);

    tunnel.policy.shut_down = true;
    tunnel.use = TUNNEL_PASSED_OVER;
    tunnel_summary_note(&tunnel, 300);
    assert_row(&tunnel, SUMMARY_SHUTDOWN, 300);
    tunnel_summary_note(&tunnel, 310); /* another line of its config has changed */
    assert_row(&tunnel, SUMMARY_SHUTDOWN, 300);

    tunnel.policy.shut_down = false;
    tunnel.use = TUNNEL_CARRIES;
    tunnel_summary_note(&tunnel, 400);
    assert_row(&tunnel, SUMMARY_UP, 400);
}

static void a_tunnel_fails_since_its_first_failure(void **state)
{
    (void)state;
    char text[] = "negotiation failed";
    struct tunnel tunnel = idle_tunnel();
    tunnel_summary_note(&tunnel, 100);
    tunnel.failure = (struct tunnel_failure){.step = IKE_STEP_SA_INIT, .at = 200, .since = 200, .text = text};
    tunnel_summary_note(&tunnel, 200);
    tunnel.failure = (struct tunnel_failure){.step = IKE_STEP_AUTH, .at = 300, .since = 300, .text = text};
    tunnel_summary_note(&tunnel, 300);
    assert_row(&tunnel, SUMMARY_FAILING, 200);

    tunnel.route.found.problem = ROUTE_NONE;
    tunnel_summary_note(&tunnel, 400);
    assert_row(&tunnel, SUMMARY_NO_ROUTE, 400);
    tunnel.policy.complete = false;
    tunnel_summary_note(&tunnel, 500);
    assert_row(&tunnel, SUMMARY_INCOMPLETE, 500);
}

static void a_negotiation_is_told_by_its_record(void **state)
{
    (void)state;
    struct tunnel tunnel = idle_tunnel();
    struct ike_record sa = {
        .state = IKE_SA_AUTHENTICATING, .created = clock_now() - 5000, .remote.port = 500};
    struct summary_row row = {.policy = &tunnel.policy};
    tunnel_summary_note(&tunnel, 100);

    tunnel_summary_fill(&tunnel, &sa, &row);
    assert_int_equal(row.state, SUMMARY_NEGOTIATING);
    assert_int_equal(row.since, clock_wall_time(sa.created));
    assert_int_equal(row.peer.port, 500);

    sa.state = IKE_SA_ESTABLISHED; /* its Child SA is not there yet, or not any more */
    tunnel_summary_fill(&tunnel, &sa, &row);
    assert_int_equal(row.state, SUMMARY_IDLE);
    assert_int_equal(row.since, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tunnel_that_was_down_is_up_since_it_is_up_again),
        cmocka_unit_test(a_tunnel_fails_since_its_first_failure),
        cmocka_unit_test(a_negotiation_is_told_by_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
