/* daemon/engine/agreement.c: engine and path agree on the Child SAs that there are. */
#include "engine_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The path's request for a list has come; returns its number. */
static uint64_t path_gets_list_request(struct fixture *f)
{
    assert_int_equal(channel_receive(&f->path), CHANNEL_MESSAGE);
    assert_int_equal(f->path.message.type, MESSAGE_LIST_CHILDREN);
    assert_true(message_is_sound(PROCESS_ENGINE, PROCESS_PATH, &f->path.message));
    return ((const struct message_list_children *)f->path.message.body)->request;
}

/* The path tells the engine which Child SAs of TUNNEL it has; a zero ends the list. */
static void path_lists(struct fixture *f, uint64_t request, bool more, const uint32_t *spis)
{
    struct message_children m = {.request = request, .more = more};
    struct path_child list[8];
    while (spis[m.count] != 0) {
        list[m.count] = (struct path_child){.tunnel = TUNNEL, .inbound_spi = spis[m.count]};
        m.count++;
    }
    assert_true(
        channel_send(&f->path, MESSAGE_CHILDREN, &m, sizeof(m), list, m.count * sizeof(list[0]), NULL, 0));
    assert_int_equal(channel_receive(&f->process.path), CHANNEL_MESSAGE);
    assert_true(message_is_sound(PROCESS_PATH, PROCESS_ENGINE, &f->process.path.message));
    engine_agreement_take(&f->process, &f->process.path.message);
}

/* Child SAs that both have. */
static void install(struct fixture *f, uint32_t first, uint32_t last)
{
    for (uint32_t spi = first; spi <= last; spi++) {
        struct child_command command;
        perform_one(f, install_action(&command, spi));
        path_says_done(f, path_gets(f, CHILD_INSTALL, spi), PATH_OK);
    }
}

static void what_only_the_path_has_is_removed(void **state)
{
    struct fixture *f = *state;
    install(f, 7, 8);

    engine_agreement_begin(&f->process);
    uint64_t request = path_gets_list_request(f);
    path_lists(f, request, true, (uint32_t[]){7, 100, 0});
    path_lists(f, request, false, (uint32_t[]){8, 101, 0});

    (void)path_gets(f, CHILD_REMOVE, 100);
    (void)path_gets(f, CHILD_REMOVE, 101);
    assert_int_equal(channel_receive(&f->path), CHANNEL_EMPTY);
    assert_string_equal(f->events, "");
    assert_int_equal(engine_actions_deadline(&f->process), MSEC_NEVER);
}

/* The same SPI in another tunnel is another Child SA. */
static void what_the_path_has_in_another_tunnel_is_removed(void **state)
{
    struct fixture *f = *state;
    install(f, 7, 7);
    known_children_find(&f->process.children, 7)->tunnel = TUNNEL + 1;

    engine_agreement_begin(&f->process);
    path_lists(f, path_gets_list_request(f), false, (uint32_t[]){7, 0});

    (void)path_gets(f, CHILD_REMOVE, 7);
    assert_int_equal(path_got(f)->child.tunnel, TUNNEL);
    assert_string_equal(f->events, "path-new ");
}

static void what_only_the_engine_has_is_installed_anew(void **state)
{
    struct fixture *f = *state;
    install(f, 7, 8);

    engine_agreement_begin(&f->process);
    path_lists(f, path_gets_list_request(f), false, (uint32_t[]){8, 0});

    assert_string_equal(f->events, "path-new ");
}

static void child_sa_that_is_installed_after_the_question_is_not_missed(void **state)
{
    struct fixture *f = *state;
    struct child_command command;
    install(f, 7, 7);

    engine_agreement_begin(&f->process);
    uint64_t request = path_gets_list_request(f);
    perform_one(f, install_action(&command, 8));
    perform_one(f, remove_action(&command, 7));
    path_lists(f, request, false, (uint32_t[]){7, 0});

    assert_string_equal(f->events, "");
    (void)path_gets(f, CHILD_INSTALL, 8);
    (void)path_gets(f, CHILD_REMOVE, 7);
    (void)path_gets(f, CHILD_REMOVE, 7); /* once more, which the path refuses */
}

static void path_that_does_not_answer_is_asked_again(void **state)
{
    struct fixture *f = *state;
    install(f, 7, 7);

    engine_agreement_begin(&f->process);
    uint64_t late = path_gets_list_request(f);
    pass(f, ENGINE_REQUEST_PATIENCE);
    uint64_t request = path_gets_list_request(f);
    path_lists(f, late, false, (uint32_t[]){100, 0});
    assert_int_equal(channel_receive(&f->path), CHANNEL_EMPTY);
    path_lists(f, request, false, (uint32_t[]){7, 100, 0});

    (void)path_gets(f, CHILD_REMOVE, 100);
}

static void path_that_did_not_read_gets_all_anew_once_it_does(void **state)
{
    struct fixture *f = *state;
    struct child_command command = {CHILD_REDIRECT, {.tunnel = TUNNEL, .inbound = {.spi = 7}}};
    const struct ike_action redirect = {.kind = IKE_ACTION_CHILD, .child = &command};
    install(f, 7, 7);

    for (int i = 0; i < 60000; i++)
        perform_one(f, redirect);
    assert_true(f->process.path.queued <= ENGINE_PATH_QUEUE_MAX + 4096);
    assert_int_equal(f->log_count, 1);
    pass(f, 10000);
    assert_string_equal(f->events, "");
    size_t read = 0;
    while (channel_receive(&f->path) == CHANNEL_MESSAGE) {
        read++;
        (void)channel_flush(&f->process.path);
    }
    assert_true(read < 60000);
    pass(f, 1000);
    path_lists(f, path_gets_list_request(f), false, (uint32_t[]){7, 0});

    assert_string_equal(f->events, "path-new ");
    assert_int_equal(f->log_count, 1);
    perform_one(f, redirect);
    (void)path_gets(f, CHILD_REDIRECT, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(what_only_the_path_has_is_removed),
        ENGINE_TEST(what_the_path_has_in_another_tunnel_is_removed),
        ENGINE_TEST(what_only_the_engine_has_is_installed_anew),
        ENGINE_TEST(child_sa_that_is_installed_after_the_question_is_not_missed),
        ENGINE_TEST(path_that_does_not_answer_is_asked_again),
        ENGINE_TEST(path_that_did_not_read_gets_all_anew_once_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
