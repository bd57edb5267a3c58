/* path/mailbox.h and path/events.h, across two threads */
#include "path/events.h"
#include "path/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COMMANDS = 20000 };

static struct mailbox mailbox;
static struct event_ring events;

/* A worker that doubles numbers. */
static void *doubler(void *argument)
{
    (void)argument;
    for (bool stopped = false; !stopped;) {
        struct pollfd p = {.fd = mailbox.wake, .events = POLLIN};
        (void)poll(&p, 1, -1);
        mailbox_clear(&mailbox);
        struct command *command;
        while ((command = mailbox_next(&mailbox)) != NULL) {
            stopped = command->kind == COMMAND_STOP;
            command->request *= 2;
            mailbox_finish(&mailbox);
        }
        mailbox_report(&mailbox);
    }
    return NULL;
}

static void each_command_comes_back_in_order(void **state)
{
    (void)state;
    pthread_t thread;
    mailbox = (struct mailbox){0};
    assert_true(mailbox_open(&mailbox));
    assert_int_equal(pthread_create(&thread, NULL, doubler, NULL), 0);

    uint32_t reaped = 0;
    struct command answer;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (mailbox_is_full(&mailbox))
            mailbox_wait(&mailbox, false);
        for (; mailbox_reap(&mailbox, &answer); reaped++)
            assert_int_equal(answer.request, 2 * reaped);
        mailbox_post(&mailbox, &(struct command){.kind = COMMAND_TUNNEL_FAIL, .request = i});
    }
    mailbox_wait(&mailbox, true);
    for (; mailbox_reap(&mailbox, &answer); reaped++)
        assert_int_equal(answer.request, 2 * reaped);

    assert_int_equal(reaped, COMMANDS);
    mailbox_post(&mailbox, &(struct command){.kind = COMMAND_STOP});
    (void)pthread_join(thread, NULL);
    mailbox_close(&mailbox);
}

static void *raiser(void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < COMMANDS;)
        i += event_ring_put(&events, &(struct path_event){.spi = i});
    return NULL;
}

static void events_come_in_order_and_none_twice(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, raiser, NULL), 0);

    struct path_event event;
    for (uint32_t i = 0; i < COMMANDS;) {
        if (!event_ring_take(&events, &event))
            continue;
        assert_int_equal(event.spi, i);
        i++;
    }

    assert_false(event_ring_take(&events, &event));
    (void)pthread_join(thread, NULL);
}

static void full_ring_refuses_an_event(void **state)
{
    (void)state;
    static struct event_ring ring;
    for (uint32_t i = 0; i < EVENTS_SIZE; i++)
        assert_true(event_ring_put(&ring, &(struct path_event){.spi = i}));

    assert_false(event_ring_put(&ring, &(struct path_event){.spi = 1}));

    struct path_event event;
    assert_true(event_ring_take(&ring, &event));
    assert_int_equal(event.spi, 0);
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
