#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "daemon/engine/inside.h"

/* An action that waits, with all that it points to. */
struct deferred_action {
    STAILQ_ENTRY(deferred_action) link;
    size_t size; /* of the whole */
    struct ike_action action;
    struct child_command child;
    char octets[];
};

/* ---- Single actions -------------------------------------------------------------------------------- */

static void send_datagram(struct engine_process *process, const struct ike_action *action)
{
    char remote[IP_TEXT_SIZE];
    int failure =
        engine_sockets_send(&process->sockets, &action->datagram.local, &action->datagram.remote,
                            action->datagram.ifindex, action->datagram.mark, action->datagram.message);
    if (failure != 0)
        engine_process_log(process, LOG_LEVEL_NOTICE, "a message to %s can't be sent: %s",
                           ip_endpoint_format(&action->datagram.remote, remote), strerror(failure));
}

/* Of an installation the path's answer is waited for. */
static void change_child(struct engine_process *process, const struct child_command *command)
{
    struct message_child m = {.request = ++process->last_request, .command = *command};
    bool sent = message_send(&process->path, MESSAGE_CHILD, &m, sizeof(m));
    if (command->change == CHILD_INSTALL && sent) {
        process->awaited_request = m.request;
        process->awaited_tunnel = command->child.tunnel;
    }
    secret_wipe(&m, sizeof(m));
}

/*
 * Of a tunnel that comes up the keeper's answer is waited for: a peer that had ours sooner would get the
 * answers of our LAN by another route, in the clear, as long as the Tunnel's routes are passed over (R43).
 */
static void tell_tunnel_state(struct engine_process *process, const struct ike_action *action)
{
    bool up = action->kind == IKE_ACTION_TUNNEL_UP;
    const struct message_tunnel_state m = {
        .request = up ? ++process->last_request : 0,
        .tunnel = action->state.tunnel,
        .up = up,
    };
    const char *reason = action->state.reason != NULL ? action->state.reason : "";
    bool sent = channel_send(&process->keeper, MESSAGE_TUNNEL_STATE, &m, sizeof(m), reason,
                             strnlen(reason, MESSAGE_TEXT_MAX), NULL, 0);
    if (up && sent) {
        process->awaited_request = m.request;
        process->awaited_tunnel = m.tunnel;
    }
}

static void tell_failure(struct engine_process *process, const struct ike_action *action)
{
    const struct message_tunnel_fail m = {.tunnel = action->failed.tunnel, .pair = action->failed.pair};
    (void)message_send(&process->path, MESSAGE_TUNNEL_FAIL, &m, sizeof(m));
}

static void send_log(struct engine_process *process, const struct ike_action *action)
{
    const struct message_log m = {
        .level = action->log.level,
        .function = action->log.function,
        .has_tunnel = action->log.has_tunnel,
        .tunnel = action->log.tunnel,
    };
    (void)channel_send(&process->keeper, MESSAGE_LOG, &m, sizeof(m), action->log.text,
                       strnlen(action->log.text, MESSAGE_TEXT_MAX), NULL, 0);
}

static void perform(struct engine_process *process, const struct ike_action *action)
{
    switch (action->kind) {
    case IKE_ACTION_DATAGRAM:
        send_datagram(process, action);
        break;
    case IKE_ACTION_CHILD:
        change_child(process, action->child);
        break;
    case IKE_ACTION_TUNNEL_UP:
    case IKE_ACTION_TUNNEL_DOWN:
        tell_tunnel_state(process, action);
        break;
    case IKE_ACTION_TUNNEL_FAILED:
        tell_failure(process, action);
        break;
    case IKE_ACTION_JOB:
        engine_job_start(process, action->job);
        break;
    case IKE_ACTION_LOG:
        send_log(process, action);
        break;
    }
}

/* ---- Waiting for the path -------------------------------------------------------------------------- */

/* The octets that an action points to, apart from a struct child_command. */
static struct octets octets_of(const struct ike_action *action)
{
    const char *text = NULL;
    switch (action->kind) {
    case IKE_ACTION_DATAGRAM:
        return action->datagram.message;
    case IKE_ACTION_TUNNEL_UP:
    case IKE_ACTION_TUNNEL_DOWN:
        text = action->state.reason;
        break;
    case IKE_ACTION_LOG:
        text = action->log.text;
        break;
    case IKE_ACTION_CHILD:
    case IKE_ACTION_TUNNEL_FAILED:
    case IKE_ACTION_JOB:
        break;
    }
    return text != NULL ? (struct octets){(const uint8_t *)text, strlen(text) + 1} : (struct octets){0};
}

/* Makes the copy point to its own octets. */
static void repoint(struct deferred_action *deferred)
{
    struct ike_action *action = &deferred->action;
    switch (action->kind) {
    case IKE_ACTION_DATAGRAM:
        action->datagram.message.at = (const uint8_t *)deferred->octets;
        break;
    case IKE_ACTION_TUNNEL_UP:
    case IKE_ACTION_TUNNEL_DOWN:
        if (action->state.reason != NULL)
            action->state.reason = deferred->octets;
        break;
    case IKE_ACTION_LOG:
        action->log.text = deferred->octets;
        break;
    case IKE_ACTION_CHILD:
        deferred->child = *action->child;
        action->child = &deferred->child;
        break;
    case IKE_ACTION_TUNNEL_FAILED:
    case IKE_ACTION_JOB:
        break;
    }
}

static void defer(struct engine_process *process, const struct ike_action *action)
{
    struct octets octets = octets_of(action);
    size_t size = sizeof(struct deferred_action) + octets.length;
    struct deferred_action *deferred = calloc(1, size);
    if (deferred == NULL) {
        perform(process, action); /* too early is better than never */
        return;
    }
    deferred->size = size;
    deferred->action = *action;
    if (octets.length > 0)
        memcpy(deferred->octets, octets.at, octets.length);
    repoint(deferred);
    STAILQ_INSERT_TAIL(&process->deferred, deferred, link);
}

/* Performs what waits, until it waits again. */
static void resume(struct engine_process *process)
{
    struct deferred_action *deferred;
    while (process->awaited_request == 0 && (deferred = STAILQ_FIRST(&process->deferred)) != NULL) {
        STAILQ_REMOVE_HEAD(&process->deferred, link);
        perform(process, &deferred->action);
        secret_free(deferred, deferred->size);
    }
}

void engine_actions_perform(struct engine_process *process, const struct ike_effects *effects)
{
    for (size_t i = 0; i < effects->action_count; i++) {
        const struct ike_action *action = &effects->actions[i];
        if (process->awaited_request != 0 && action->kind != IKE_ACTION_JOB)
            defer(process, action);
        else
            perform(process, action);
    }
}

bool engine_actions_done(struct engine_process *process, const struct path_event *event, uint32_t *tunnel)
{
    if (event->request == 0 || event->request != process->awaited_request)
        return true;
    process->awaited_request = 0;
    *tunnel = process->awaited_tunnel;
    if (event->result != PATH_OK)
        engine_process_log(process, LOG_LEVEL_ERROR, "Child SA 0x%08" PRIx32 " can't be installed: %s",
                           event->spi, path_result_text(event->result));
    resume(process);
    return event->result == PATH_OK;
}

void engine_actions_answered(struct engine_process *process, uint64_t request)
{
    if (request == 0 || request != process->awaited_request)
        return;
    process->awaited_request = 0;
    resume(process);
}

void engine_actions_release(struct engine_process *process)
{
    while (process->awaited_request != 0) {
        process->awaited_request = 0;
        resume(process);
    }
}

bool engine_actions_are_idle(const struct engine_process *process)
{
    return process->awaited_request == 0 && STAILQ_EMPTY(&process->deferred);
}
