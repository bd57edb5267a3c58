/* path/mailbox.h and path/ring.h, across two threads */
#include "path/mailbox.h"
#include "path/ring.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COMMANDS = 20000 };

static struct mailbox mailbox;
static struct ring ring;

enum { RING_SIZE = 512 };

/* A worker that doubles numbers. */
static void *doubler(void *argument)
{
    (void)argument;
    for (bool stopped = false; !stopped;) {
        struct pollfd p = {.fd = mailbox.wake, .events = POLLIN};
        (void)poll(&p, 1, -1);
        mailbox_clear(&mailbox);
        struct task *task;
        while ((task = mailbox_next(&mailbox)) != NULL) {
            stopped = task->command->kind == COMMAND_STOP;
            task->result = (enum path_result)(2 * task->command->settings.mtu);
            mailbox_finish(&mailbox);
        }
        mailbox_report(&mailbox);
    }
    return NULL;
}

static void expect_answer(const struct task *answer, const struct command *command, uint32_t result)
{
    assert_ptr_equal(answer->command, command);
    assert_int_equal(answer->result, result);
}

static void each_command_comes_back_in_order(void **state)
{
    (void)state;
    pthread_t thread;
    mailbox = (struct mailbox){0};
    assert_true(mailbox_open(&mailbox));
    assert_int_equal(pthread_create(&thread, NULL, doubler, NULL), 0);

    uint32_t reaped = 0;
    static struct command commands[COMMANDS];
    struct task answer;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (mailbox_is_full(&mailbox))
            mailbox_wait(&mailbox, false);
        for (; mailbox_reap(&mailbox, &answer); reaped++)
            expect_answer(&answer, &commands[reaped], 2 * reaped);
        commands[i] = (struct command){.kind = COMMAND_TUNNEL_UPDATE, .settings.mtu = i};
        mailbox_post(&mailbox, &(struct task){.command = &commands[i]});
    }
    mailbox_wait(&mailbox, true);
    for (; mailbox_reap(&mailbox, &answer); reaped++)
        expect_answer(&answer, &commands[reaped], 2 * reaped);

    assert_int_equal(reaped, COMMANDS);
    const struct command stop = {.kind = COMMAND_STOP};
    mailbox_post(&mailbox, &(struct task){.command = &stop});
    (void)pthread_join(thread, NULL);
    mailbox_close(&mailbox);
}

static void *raiser(void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < COMMANDS;)
        i += ring_put(&ring, &(struct path_event){.spi = i});
    return NULL;
}

static void events_come_in_order_and_none_twice(void **state)
{
    (void)state;
    pthread_t thread;
    ring = (struct ring){0};
    assert_true(ring_allocate(&ring, RING_SIZE, sizeof(struct path_event)));
    assert_int_equal(pthread_create(&thread, NULL, raiser, NULL), 0);

    struct path_event event;
    for (uint32_t i = 0; i < COMMANDS;) {
        if (!ring_take(&ring, &event))
            continue;
        assert_int_equal(event.spi, i);
        i++;
    }

    assert_false(ring_take(&ring, &event));
    (void)pthread_join(thread, NULL);
    ring_free(&ring);
}

static void full_ring_refuses_an_event(void **state)
{
    (void)state;
    ring = (struct ring){0};
    assert_true(ring_allocate(&ring, RING_SIZE, sizeof(struct path_event)));
    for (uint32_t i = 0; i < RING_SIZE; i++)
        assert_true(ring_put(&ring, &(struct path_event){.spi = i}));

    assert_false(ring_put(&ring, &(struct path_event){.spi = 1}));

    struct path_event event;
    assert_true(ring_take(&ring, &event));
    assert_int_equal(event.spi, 0);
    ring_free(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_comes_back_in_order),
        cmocka_unit_test(events_come_in_order_and_none_twice),
        cmocka_unit_test(full_ring_refuses_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
