/* daemon/engine/actions.c: keeper and path that do not answer, or do not even read. */
#include "engine_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void installation_without_an_answer_has_failed(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct ike_action actions[] = {install_action(&install, 7), datagram_action(TUNNEL, "a")};

    perform(f, actions, 2);
    (void)path_gets(f, CHILD_INSTALL, 7);
    pass(f, ENGINE_REQUEST_PATIENCE - 1);
    assert_string_equal(f->sent, "");
    assert_int_equal(engine_actions_deadline(&f->process), f->process.now + 1);

    pass(f, 1);

    assert_string_equal(f->sent, "a");
    assert_string_equal(f->events, "clear 5 ");
    assert_string_equal(f->log,
                        "Child SA 0x00000007 can't be installed: the path did not answer within 5 seconds");
    (void)path_gets(f, CHILD_REMOVE, 7);
    assert_true(engine_actions_are_idle(&f->process));
    assert_int_equal(engine_actions_deadline(&f->process), MSEC_NEVER);
}

static void late_answer_of_the_path_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    struct child_command next;
    const struct ike_action first[] = {install_action(&install, 7), datagram_action(TUNNEL, "a")};
    const struct ike_action second[] = {install_action(&next, 8), datagram_action(TUNNEL, "b")};

    perform(f, first, 2);
    uint64_t late = path_gets(f, CHILD_INSTALL, 7);
    pass(f, ENGINE_REQUEST_PATIENCE);
    perform(f, second, 2);
    path_says_done(f, late, PATH_NO_MEMORY);

    assert_string_equal(f->sent, "a");
    assert_string_equal(f->events, "clear 5 ");
}

/* The engine may have stood still itself. */
static void answer_that_is_there_but_not_read_yet_is_in_time(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct ike_action actions[] = {install_action(&install, 7), datagram_action(TUNNEL, "a")};
    perform(f, actions, 2);
    const struct path_event done = {.kind = PATH_DONE, .request = path_gets(f, CHILD_INSTALL, 7)};

    assert_true(message_send(&f->path, MESSAGE_PATH_EVENT, &done, sizeof(done)));
    pass(f, ENGINE_REQUEST_PATIENCE);
    assert_string_equal(f->sent, "");
    assert_int_equal(channel_receive(&f->process.path), CHANNEL_MESSAGE);
    engine_actions_done(&f->process, f->process.path.message.body);

    assert_string_equal(f->sent, "a");
    assert_string_equal(f->events, "");
}

static void each_tunnel_has_its_own_deadline(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    struct child_command other;
    const struct ike_action first = install_action(&install, 7);
    const struct ike_action actions[] = {install_action(&other, 8), datagram_action(OTHER_TUNNEL, "b"),
                                         datagram_action(TUNNEL, "a")};
    other.child.tunnel = OTHER_TUNNEL;

    perform_one(f, first);
    pass(f, 1000);
    perform(f, actions, 3);
    pass(f, ENGINE_REQUEST_PATIENCE - 1000);

    assert_string_equal(f->sent, "a");
    assert_string_equal(f->events, "clear 5 ");
}

static void tunnel_that_the_keeper_does_not_raise_goes_on(void **state)
{
    struct fixture *f = *state;
    const struct ike_action actions[] = {up_action(TUNNEL), datagram_action(TUNNEL, "a")};

    perform(f, actions, 2);
    uint64_t request = keeper_request(f);
    pass(f, ENGINE_REQUEST_PATIENCE);

    assert_string_equal(f->sent, "a");
    assert_string_equal(f->events, "");
    assert_int_equal(f->log_count, 1);
    perform(f, actions, 2);
    engine_actions_answered(&f->process, request); /* too late, and another one is out */
    assert_string_equal(f->sent, "a");
}

static void queue_of_a_tunnel_is_bounded_and_tells_what_it_lost(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    static char line[1001];
    memset(line, 'x', sizeof(line) - 1);

    perform_one(f, install_action(&install, 7));
    for (int i = 0; i < 3000; i++) {
        perform_one(f, datagram_action(TUNNEL, "a"));
        perform_one(f, log_action(line));
    }
    assert_true(f->process.queues.octets <= TUNNEL_QUEUE_MAX);
    assert_true(f->process.queues.octets > TUNNEL_QUEUE_MAX - 2000);
    perform_one(f, datagram_action(OTHER_TUNNEL, "b"));
    assert_string_equal(f->sent, "b");
    path_says_done(f, path_gets(f, CHILD_INSTALL, 7), PATH_OK);

    size_t lost = 3001 - f->sent_count;
    char told[64];
    (void)snprintf(told, sizeof(told), "%zu messages and ", lost);
    assert_true(lost > 0 && f->sent_count > 100);
    assert_memory_equal(f->log, told, strlen(told));
    assert_int_equal(f->process.queues.octets, 0);
    perform_one(f, datagram_action(TUNNEL, "c"));
    assert_int_equal(f->sent[f->sent_count - 1], 'c');
}

static void all_queues_together_are_bounded(void **state)
{
    struct fixture *f = *state;
    static uint8_t datagram[60000];
    struct ike_action send = datagram_action(TUNNEL, "a");
    send.datagram.message = (struct octets){datagram, sizeof(datagram)};

    for (uint32_t tunnel = 1; tunnel <= 1000; tunnel++) {
        struct child_command install;
        struct ike_action action = install_action(&install, tunnel);
        install.child.tunnel = tunnel;
        send.datagram.tunnel = tunnel;
        perform_one(f, action);
        perform_one(f, send);
        perform_one(f, send);
    }

    assert_true(f->process.queues.octets <= TUNNEL_QUEUES_MAX + 1000 * 1024);
    assert_true(f->process.queues.octets > TUNNEL_QUEUES_MAX - 2 * sizeof(datagram));
}

static void keeper_that_does_not_read_loses_log_lines_alone(void **state)
{
    struct fixture *f = *state;
    static char line[2001];
    static char got[sizeof(line)];
    struct ike_action lines = log_action(line);
    size_t read = 0;
    size_t ups = 0;
    memset(line, 'x', sizeof(line) - 1);
    lines.log.has_tunnel = false;

    for (uint32_t i = 0; i < 20000; i++) {
        perform_one(f, lines);
        if (i % 1000 == 0)
            perform_one(f, up_action(1000 + i));
        perform_one(f, datagram_action(TUNNEL, "a"));
    }
    assert_int_equal(f->sent_count, 20000);
    assert_true(f->process.keeper.queued <= CHANNEL_SPARE_MAX + 20 * 4096);
    size_t lost = f->process.keeper.lost;
    assert_true(lost > 0);

    while (channel_receive(&f->keeper) == CHANNEL_MESSAGE) {
        ups += f->keeper.message.type == MESSAGE_TUNNEL_STATE;
        read += f->keeper.message.type == MESSAGE_LOG;
        (void)channel_flush(&f->process.keeper);
    }
    assert_int_equal(ups, 20);
    assert_int_equal(read + lost, 20000);
    perform_one(f, lines);
    assert_int_equal(channel_receive(&f->keeper), CHANNEL_MESSAGE);
    struct octets told = message_tail(&f->keeper.message, sizeof(struct message_log));
    memcpy(got, told.at, told.length);
    (void)snprintf(line, sizeof(line), "%zu lines of the log were lost: the keeper did not take them", lost);
    assert_string_equal(got, line);
}

/* Each IKE_AUTH that anybody sends makes one. */
static void keeper_that_does_not_read_is_handed_no_more_jobs(void **state)
{
    struct fixture *f = *state;
    static uint8_t octets[60000];
    struct ike_job job = {.kind = IKE_JOB_AUTH, .auth.own.signed_octets = {octets, sizeof(octets)}};

    for (int i = 0; i < 1000; i++)
        perform_one(f, (struct ike_action){.kind = IKE_ACTION_JOB, .job = &job});

    assert_true(f->process.keeper.queued <= ENGINE_JOB_QUEUE_MAX + 2 * sizeof(octets));
    assert_true(f->log_count > 0);
    assert_string_equal(f->log, "a computation could not be started");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(installation_without_an_answer_has_failed),
        ENGINE_TEST(late_answer_of_the_path_changes_nothing),
        ENGINE_TEST(answer_that_is_there_but_not_read_yet_is_in_time),
        ENGINE_TEST(each_tunnel_has_its_own_deadline),
        ENGINE_TEST(tunnel_that_the_keeper_does_not_raise_goes_on),
        ENGINE_TEST(queue_of_a_tunnel_is_bounded_and_tells_what_it_lost),
        ENGINE_TEST(all_queues_together_are_bounded),
        ENGINE_TEST(keeper_that_does_not_read_loses_log_lines_alone),
        ENGINE_TEST(keeper_that_does_not_read_is_handed_no_more_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
