#include "engine_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- What actions.c wants of the files that are not there ------------------------------------------- */

static struct fixture *fixture_of(struct engine_process *process)
{
    return (struct fixture *)process;
}

void engine_process_log(struct engine_process *process, enum log_level level, uint32_t tunnel,
                        const char *format, ...)
{
    struct fixture *f = fixture_of(process);
    va_list arguments;
    (void)level;
    (void)tunnel;
    va_start(arguments, format);
    (void)vsnprintf(f->log, sizeof(f->log), format, arguments);
    va_end(arguments);
    f->log_count++;
}

void engine_process_event(struct engine_process *process, const struct ike_event *event)
{
    struct fixture *f = fixture_of(process);
    size_t length = strlen(f->events);
    if (event->kind == IKE_EVENT_PATH_NEW) {
        (void)snprintf(f->events + length, sizeof(f->events) - length, "path-new ");
        return;
    }
    assert_int_equal(event->kind, IKE_EVENT_CLEAR);
    assert_true(event->clear.by_path && !event->clear.all);
    (void)snprintf(f->events + length, sizeof(f->events) - length, "clear %u ", event->clear.tunnel);
}

int engine_sockets_send(struct engine_sockets *sockets, const struct ip_endpoint *local,
                        const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                        struct octets message)
{
    struct fixture *f = sockets->context;
    (void)local;
    (void)remote;
    (void)ifindex;
    (void)mark;
    assert_true(f->sent_count < sizeof(f->sent) - 1);
    f->sent[f->sent_count++] = (char)message.at[0];
    return 0;
}

/* ---- Setting up -------------------------------------------------------------------------------------- */

int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int fds[2];
    assert_true(channel_pair(fds));
    channel_open(&f->process.keeper, fds[0]);
    channel_open(&f->keeper, fds[1]);
    assert_true(channel_pair(fds));
    channel_open(&f->process.path, fds[0]);
    channel_open(&f->path, fds[1]);
    f->process.sockets.context = f;
    f->process.now = 1000;
    *state = f;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    tunnel_queues_clear(&f->process.queues);
    requests_clear(&f->process.of_keeper);
    requests_clear(&f->process.of_path);
    known_children_clear(&f->process.children);
    channel_close(&f->process.keeper);
    channel_close(&f->process.path);
    channel_close(&f->keeper);
    channel_close(&f->path);
    free(f);
    return 0;
}

/* ---- Actions ----------------------------------------------------------------------------------------- */

struct ike_action log_action(const char *text)
{
    return (struct ike_action){
        .kind = IKE_ACTION_LOG,
        .log = {.level = LOG_LEVEL_WARN, .has_tunnel = true, .tunnel = TUNNEL, .text = text},
    };
}

struct ike_action datagram_action(uint32_t tunnel, const char *text)
{
    return (struct ike_action){
        .kind = IKE_ACTION_DATAGRAM,
        .datagram = {.tunnel = tunnel, .message = {(const uint8_t *)text, 1}},
    };
}

struct ike_action install_action(struct child_command *install, uint32_t spi)
{
    *install = (struct child_command){CHILD_INSTALL, {.tunnel = TUNNEL, .inbound = {.spi = spi}}};
    return (struct ike_action){.kind = IKE_ACTION_CHILD, .child = install};
}

struct ike_action remove_action(struct child_command *command, uint32_t spi)
{
    *command = (struct child_command){CHILD_REMOVE, {.tunnel = TUNNEL, .inbound = {.spi = spi}}};
    return (struct ike_action){.kind = IKE_ACTION_CHILD, .child = command};
}

struct ike_action up_action(uint32_t tunnel)
{
    return (struct ike_action){.kind = IKE_ACTION_TUNNEL_UP, .state = {.tunnel = tunnel}};
}

void perform(struct fixture *f, const struct ike_action *actions, size_t count)
{
    const struct ike_effects effects = {.actions = actions, .action_count = count};
    engine_actions_perform(&f->process, &effects);
}

void perform_one(struct fixture *f, struct ike_action action)
{
    perform(f, &action, 1);
}

/* ---- The other ends ---------------------------------------------------------------------------------- */

const char *keeper_got(struct fixture *f)
{
    static char got[4096];
    size_t length = 0;
    while (channel_receive(&f->keeper) == CHANNEL_MESSAGE) {
        struct octets tail = {(const uint8_t *)"J", 1};
        if (f->keeper.message.type == MESSAGE_LOG)
            tail = message_tail(&f->keeper.message, sizeof(struct message_log));
        if (f->keeper.message.type == MESSAGE_TUNNEL_STATE)
            tail.at = (const uint8_t *)"U";
        assert_true(length + tail.length < sizeof(got));
        memcpy(got + length, tail.at, tail.length);
        length += tail.length;
    }
    got[length] = '\0';
    return got;
}

uint64_t keeper_request(const struct fixture *f)
{
    return f->process.last_request;
}

const struct child_command *path_got(const struct fixture *f)
{
    assert_int_equal(f->path.message.type, MESSAGE_CHILD);
    assert_true(message_is_sound(PROCESS_ENGINE, PROCESS_PATH, &f->path.message));
    return &((const struct message_child *)f->path.message.body)->command;
}

uint64_t path_gets(struct fixture *f, enum child_change change, uint32_t spi)
{
    assert_int_equal(channel_receive(&f->path), CHANNEL_MESSAGE);
    assert_int_equal(path_got(f)->change, change);
    assert_int_equal(path_got(f)->child.inbound.spi, spi);
    return ((const struct message_child *)f->path.message.body)->request;
}

void path_says_done(struct fixture *f, uint64_t request, enum path_result result)
{
    const struct path_event event = {.kind = PATH_DONE, .request = request, .result = result};
    engine_actions_done(&f->process, &event);
}

void pass(struct fixture *f, msec_t time)
{
    engine_actions_expire(&f->process, f->process.now + time);
}
