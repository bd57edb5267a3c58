/* daemon/engine_inside.h: the order in which the engine's actions are performed. */
#include "daemon/engine/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TUNNEL = 5 };

struct fixture {
    struct engine_process process;
    struct channel keeper, path; /* the other ends */
};

/* What engine_actions.c wants of the process that is not there. */
void engine_process_log(struct engine_process *process, enum log_level level, const char *format, ...)
{
    (void)process;
    (void)level;
    (void)format;
}

void engine_job_start(struct engine_process *process, const struct ike_job *job)
{
    const struct message_secret_job m = {.job = job->job};
    (void)message_send(&process->keeper, MESSAGE_SECRET_JOB, &m, sizeof(m));
}

int engine_sockets_send(struct engine_sockets *sockets, const struct ip_endpoint *local,
                        const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                        struct octets message)
{
    (void)sockets;
    (void)local;
    (void)remote;
    (void)ifindex;
    (void)mark;
    (void)message;
    return 0;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int fds[2];
    assert_true(channel_pair(fds));
    channel_open(&f->process.keeper, fds[0]);
    channel_open(&f->keeper, fds[1]);
    assert_true(channel_pair(fds));
    channel_open(&f->process.path, fds[0]);
    channel_open(&f->path, fds[1]);
    STAILQ_INIT(&f->process.deferred);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    engine_actions_release(&f->process);
    channel_close(&f->process.keeper);
    channel_close(&f->process.path);
    channel_close(&f->keeper);
    channel_close(&f->path);
    free(f);
    return 0;
}

static struct ike_action log_action(const char *text)
{
    return (struct ike_action){.kind = IKE_ACTION_LOG, .log = {.level = LOG_LEVEL_WARN, .text = text}};
}

static struct ike_action install_action(struct child_command *install, uint32_t spi)
{
    *install = (struct child_command){CHILD_INSTALL, {.tunnel = TUNNEL, .inbound = {.spi = spi}}};
    return (struct ike_action){.kind = IKE_ACTION_CHILD, .child = install};
}

static void perform(struct fixture *f, const struct ike_action *actions, size_t count)
{
    const struct ike_effects effects = {.actions = actions, .action_count = count};
    engine_actions_perform(&f->process, &effects);
}

/* The log texts that came to the keeper, one behind the other; "J" for a job, "U" for a tunnel that is up. */
static const char *keeper_got(struct fixture *f)
{
    static char got[256];
    size_t length = 0;
    while (channel_receive(&f->keeper) == CHANNEL_MESSAGE) {
        struct octets tail = {(const uint8_t *)"J", 1};
        if (f->keeper.message.type == MESSAGE_LOG)
            tail = message_tail(&f->keeper.message, sizeof(struct message_log));
        if (f->keeper.message.type == MESSAGE_TUNNEL_STATE)
            tail.at = (const uint8_t *)"U";
        memcpy(got + length, tail.at, tail.length);
        length += tail.length;
    }
    got[length] = '\0';
    return got;
}

/* The change of a Child SA that came to the path last. */
static const struct child_command *path_got(const struct fixture *f)
{
    assert_int_equal(f->path.message.type, MESSAGE_CHILD);
    assert_true(message_is_sound(PROCESS_ENGINE, PROCESS_PATH, &f->path.message));
    return &((const struct message_child *)f->path.message.body)->command;
}

/* The request of the next installation that came to the path. */
static uint64_t path_got_install(struct fixture *f, uint32_t spi)
{
    assert_int_equal(channel_receive(&f->path), CHANNEL_MESSAGE);
    assert_int_equal(f->path.message.type, MESSAGE_CHILD);
    assert_int_equal(path_got(f)->change, CHILD_INSTALL);
    assert_int_equal(path_got(f)->child.inbound.spi, spi);
    return ((const struct message_child *)f->path.message.body)->request;
}

static bool path_says_done(struct fixture *f, uint64_t request, enum path_result result)
{
    const struct path_event event = {.kind = PATH_DONE, .request = request, .result = result};
    uint32_t tunnel = 0;
    bool done = engine_actions_done(&f->process, &event, &tunnel);
    assert_true(done || tunnel == TUNNEL);
    return done;
}

static void what_follows_an_installation_waits_for_the_path(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    char text[] = "b";
    const struct ike_action up = {.kind = IKE_ACTION_TUNNEL_UP, .state = {.tunnel = 1}};
    const struct ike_action actions[] = {log_action("a"), install_action(&install, 7), log_action(text), up};

    perform(f, actions, 4);
    text[0] = 'x'; /* the engine's memory is used again */
    assert_string_equal(keeper_got(f), "a");
    assert_false(engine_actions_are_idle(&f->process));
    uint64_t request = path_got_install(f, 7);
    assert_true(path_says_done(f, request + 1, PATH_OK));
    assert_string_equal(keeper_got(f), "");

    assert_true(path_says_done(f, request, PATH_OK));

    assert_string_equal(keeper_got(f), "bU");
}

static void what_follows_a_tunnel_that_comes_up_waits_for_the_keeper(void **state)
{
    struct fixture *f = *state;
    const struct ike_action up = {.kind = IKE_ACTION_TUNNEL_UP, .state = {.tunnel = 1}};
    const struct ike_action actions[] = {up, log_action("a")};

    perform(f, actions, 2);
    assert_string_equal(keeper_got(f), "U");
    engine_actions_answered(&f->process, f->process.awaited_request + 1); /* another one's */
    assert_string_equal(keeper_got(f), "");

    engine_actions_answered(&f->process, f->process.awaited_request);

    assert_string_equal(keeper_got(f), "a");
    assert_true(engine_actions_are_idle(&f->process));
}

static void later_batches_keep_their_order_but_jobs_go_ahead(void **state)
{
    struct fixture *f = *state;
    struct child_command first;
    struct child_command second;
    struct ike_job job = {.job = 1, .kind = IKE_JOB_PSK_AUTH};
    const struct ike_action one[] = {install_action(&first, 7), log_action("a")};
    const struct ike_action two[] = {install_action(&second, 8), log_action("b")};
    const struct ike_action three[] = {{.kind = IKE_ACTION_JOB, .job = &job}, log_action("c")};

    perform(f, one, 2);
    perform(f, two, 2);
    perform(f, three, 2);
    assert_string_equal(keeper_got(f), "J");
    assert_true(path_says_done(f, path_got_install(f, 7), PATH_OK));
    assert_string_equal(keeper_got(f), "a");
    assert_true(path_says_done(f, path_got_install(f, 8), PATH_OK));

    assert_string_equal(keeper_got(f), "bc");
}

static void installation_that_fails_holds_nothing_up(void **state)
{
    struct fixture *f = *state;
    struct child_command install;
    const struct ike_action actions[] = {install_action(&install, 7), log_action("a")};

    perform(f, actions, 2);
    assert_false(path_says_done(f, path_got_install(f, 7), PATH_NO_MEMORY));

    assert_string_equal(keeper_got(f), "a");
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
    uint64_t request = path_got_install(f, 7);
    assert_true(path_got(f)->child.more_to_come);
    assert_true(path_says_done(f, request, PATH_OK));

    assert_int_equal(channel_receive(&f->path), CHANNEL_MESSAGE);
    assert_int_equal(f->path.message.type, MESSAGE_TUNNEL_FAIL);
    const struct message_tunnel_fail *fail = f->path.message.body;
    assert_int_equal(fail->tunnel, TUNNEL);
    assert_memory_equal(&fail->pair, &pair, sizeof pair);
    assert_int_equal(channel_receive(&f->path), CHANNEL_MESSAGE);
    assert_int_equal(path_got(f)->change, CHILD_COMPLETE);
    assert_int_equal(path_got(f)->child.inbound.spi, 7);
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

    assert_int_equal(channel_receive(&f->path), CHANNEL_MESSAGE);
    const struct child_command *got = path_got(f);
    assert_int_equal(got->change, CHILD_REDIRECT);
    assert_int_equal(got->child.inbound.spi, 7);
    assert_int_equal(got->child.destination.remote.port, 40000);
    assert_int_equal(got->child.destination.mark, 3);
    assert_true(got->child.destination.encapsulated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_follows_an_installation_waits_for_the_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_follows_a_tunnel_that_comes_up_waits_for_the_keeper, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(later_batches_keep_their_order_but_jobs_go_ahead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(installation_that_fails_holds_nothing_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_path_nothing_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S38_the_path_is_told_what_waits_for_another_child_sa_and_what_in_vain,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(S28_a_child_sa_of_a_peer_that_moved_is_redirected, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
