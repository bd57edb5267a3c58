/* daemon/engine/actions.c: the order in which the engine's actions are performed. */
#include "engine_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void what_follows_an_installation_waits_for_the_path(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    char text[] = "b";
    const struct ike_action actions[] = {log_action("a"), install_action(&install, 7), log_action(text),
                                         datagram_action(TUNNEL, "d")};

    perform(f, actions, 4);
    text[0] = 'x'; /* the engine's memory is used again */
    assert_string_equal(keeper_got(f), "a");
    assert_false(engine_actions_are_idle(&f->process));
    uint64_t request = path_gets(f, CHILD_INSTALL, 7);
    path_says_done(f, request + 1, PATH_OK);
    assert_string_equal(keeper_got(f), "");
    assert_string_equal(f->sent, "");

    path_says_done(f, request, PATH_OK);

    assert_string_equal(keeper_got(f), "b");
    assert_string_equal(f->sent, "d");
    assert_true(engine_actions_are_idle(&f->process));
}

static void what_follows_a_tunnel_that_comes_up_waits_for_the_keeper(void **state)
{
    struct fixture *f = *state;
    const struct ike_action actions[] = {up_action(TUNNEL), log_action("a")};

    perform(f, actions, 2);
    assert_string_equal(keeper_got(f), "U");
    engine_actions_answered(&f->process, keeper_request(f) + 1); /* another one's */
    assert_string_equal(keeper_got(f), "");

    engine_actions_answered(&f->process, keeper_request(f));

    assert_string_equal(keeper_got(f), "a");
    assert_true(engine_actions_are_idle(&f->process));
}

/* One round trip for a new tunnel with its first Child SA (R43). */
static void answer_to_the_peer_waits_for_path_and_keeper_which_are_asked_at_once(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct ike_action actions[] = {install_action(&install, 7), up_action(TUNNEL),
                                         datagram_action(TUNNEL, "d")};

    perform(f, actions, 3);
    uint64_t installation = path_gets(f, CHILD_INSTALL, 7);
    assert_string_equal(keeper_got(f), "U");
    engine_actions_answered(&f->process, keeper_request(f));
    assert_string_equal(f->sent, "");

    path_says_done(f, installation, PATH_OK);

    assert_string_equal(f->sent, "d");
}

static void other_tunnels_and_datagrams_of_none_do_not_wait(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct ike_action actions[] = {
        install_action(&install, 7),
        datagram_action(TUNNEL, "a"),
        datagram_action(OTHER_TUNNEL, "b"),
        datagram_action(0, "c"),
    };

    perform(f, actions, 4);
    assert_string_equal(f->sent, "bc");

    path_says_done(f, path_gets(f, CHILD_INSTALL, 7), PATH_OK);

    assert_string_equal(f->sent, "bca");
}

static void later_batches_keep_their_order_but_jobs_go_ahead(void **state)
{
    struct fixture *f = *state;
    struct child_command first;
    struct child_command second;
    struct ike_job job = {.job = 1, .kind = IKE_JOB_AUTH};
    const struct ike_action one[] = {install_action(&first, 7), log_action("a")};
    const struct ike_action two[] = {install_action(&second, 8), log_action("b")};
    const struct ike_action three[] = {{.kind = IKE_ACTION_JOB, .job = &job}, log_action("c")};

    perform(f, one, 2);
    perform(f, two, 2);
    perform(f, three, 2);
    assert_string_equal(keeper_got(f), "J");
    path_says_done(f, path_gets(f, CHILD_INSTALL, 7), PATH_OK);
    assert_string_equal(keeper_got(f), "a");
    path_says_done(f, path_gets(f, CHILD_INSTALL, 8), PATH_OK);

    assert_string_equal(keeper_got(f), "bc");
}

static void order_holds_when_the_later_answer_comes_first(void **state)
{
    struct fixture *f = *state;
    struct child_command first;
    struct child_command second;
    const struct ike_action actions[] = {install_action(&first, 7), datagram_action(TUNNEL, "a"),
                                         install_action(&second, 8), datagram_action(TUNNEL, "b")};

    perform(f, actions, 4);
    uint64_t one = path_gets(f, CHILD_INSTALL, 7);
    path_says_done(f, path_gets(f, CHILD_INSTALL, 8), PATH_OK);
    assert_string_equal(f->sent, "");

    path_says_done(f, one, PATH_OK);

    assert_string_equal(f->sent, "ab");
}

/* A slot of the live state goes from one tunnel's Child SA to another's: removal and installation keep their
 * order. */
static void changes_for_the_path_keep_their_order_among_all_tunnels(void **state)
{
    struct fixture *f = *state;
    struct child_command first;
    struct child_command old;
    struct child_command other;
    struct ike_action actions[] = {install_action(&first, 7), remove_action(&old, 3),
                                   install_action(&other, 8)};
    other.child.tunnel = OTHER_TUNNEL;

    perform(f, actions, 3);

    (void)path_gets(f, CHILD_INSTALL, 7);
    (void)path_gets(f, CHILD_REMOVE, 3);
    (void)path_gets(f, CHILD_INSTALL, 8);
}

static void installation_that_fails_holds_nothing_up(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct ike_action actions[] = {install_action(&install, 7), log_action("a")};

    perform(f, actions, 2);
    path_says_done(f, path_gets(f, CHILD_INSTALL, 7), PATH_NO_MEMORY);

    assert_string_equal(keeper_got(f), "a");
    assert_string_equal(f->events, "clear 5 ");
}

static void child_sa_that_is_removed_meanwhile_is_not_missed(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    struct child_command gone;
    const struct ike_action actions[] = {install_action(&install, 7), datagram_action(TUNNEL, "a"),
                                         remove_action(&gone, 7)};

    perform(f, actions, 3);
    assert_string_equal(f->sent, "a");
    path_says_done(f, path_gets(f, CHILD_INSTALL, 7), PATH_NO_MEMORY);

    assert_string_equal(f->events, "");
    assert_int_equal(f->log_count, 0);
}

static void without_a_path_nothing_waits(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct ike_action actions[] = {install_action(&install, 7), log_action("a"),
                                         install_action(&install, 7), log_action("b")};

    perform(f, actions, 2);
    channel_close(&f->process.path);
    engine_actions_release(&f->process);
    assert_string_equal(keeper_got(f), "a");
    perform(f, actions, 4);

    assert_string_equal(keeper_got(f), "ab");
}

static void S38_the_path_is_told_what_waits_for_another_child_sa_and_what_in_vain(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct packet_pair pair = {{.family = IP_V4, .octets = {10, 0, 1, 1}},
                                     {.family = IP_V4, .octets = {10, 0, 2, 2}}};
    struct ike_action installed = install_action(&install, 7);
    install.child.more_to_come = true;
    const struct child_command complete = {CHILD_COMPLETE, {.tunnel = TUNNEL, .inbound = {.spi = 7}}};
    const struct ike_action actions[] = {
        installed,
        {.kind = IKE_ACTION_TUNNEL_FAILED, .failed = {.tunnel = TUNNEL, .pair = pair}},
        {.kind = IKE_ACTION_CHILD, .child = &complete},
    };

    perform(f, actions, 3);
    uint64_t request = path_gets(f, CHILD_INSTALL, 7);
    assert_true(path_got(f)->child.more_to_come);
    path_says_done(f, request, PATH_OK);

    assert_int_equal(channel_receive(&f->path), CHANNEL_MESSAGE);
    assert_int_equal(f->path.message.type, MESSAGE_TUNNEL_FAIL);
    const struct message_tunnel_fail *fail = f->path.message.body;
    assert_int_equal(fail->tunnel, TUNNEL);
    assert_memory_equal(&fail->pair, &pair, sizeof pair);
    (void)path_gets(f, CHILD_COMPLETE, 7);
}

static void S28_a_child_sa_of_a_peer_that_moved_is_redirected(void **state)
{
    struct fixture *f = *state;
    const struct child_command command = {
        .change = CHILD_REDIRECT,
        .child = {.inbound = {.spi = 7},
                  .destination = {.remote = {.port = 40000}, .mark = 3, .encapsulated = true}},
    };
    const struct ike_action action = {.kind = IKE_ACTION_CHILD, .child = &command};

    perform(f, &action, 1);

    (void)path_gets(f, CHILD_REDIRECT, 7);
    const struct child_command *got = path_got(f);
    assert_int_equal(got->child.destination.remote.port, 40000);
    assert_int_equal(got->child.destination.mark, 3);
    assert_true(got->child.destination.encapsulated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(what_follows_an_installation_waits_for_the_path),
        ENGINE_TEST(what_follows_a_tunnel_that_comes_up_waits_for_the_keeper),
        ENGINE_TEST(answer_to_the_peer_waits_for_path_and_keeper_which_are_asked_at_once),
        ENGINE_TEST(other_tunnels_and_datagrams_of_none_do_not_wait),
        ENGINE_TEST(later_batches_keep_their_order_but_jobs_go_ahead),
        ENGINE_TEST(order_holds_when_the_later_answer_comes_first),
        ENGINE_TEST(changes_for_the_path_keep_their_order_among_all_tunnels),
        ENGINE_TEST(installation_that_fails_holds_nothing_up),
        ENGINE_TEST(child_sa_that_is_removed_meanwhile_is_not_missed),
        ENGINE_TEST(without_a_path_nothing_waits),
        ENGINE_TEST(S38_the_path_is_told_what_waits_for_another_child_sa_and_what_in_vain),
        ENGINE_TEST(S28_a_child_sa_of_a_peer_that_moved_is_redirected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
