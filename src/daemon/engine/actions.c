#include <inttypes.h>
#include <string.h>

#include "base/secret.h"
#include "daemon/engine/process.h"

/* ---- Waiting ---------------------------------------------------------------------------------------- */

static void perform(struct engine_process *process, const struct ike_action *action);

/* Performs what need not wait any more of a tunnel. */
static void resume(struct engine_process *process, uint32_t tunnel)
{
    struct tunnel_queue_losses losses;
    struct waiting_action *waiting;
    while ((waiting = tunnel_queue_take(&process->queues, tunnel, &losses)) != NULL) {
        perform(process, waiting_action_get(waiting));
        waiting_action_free(waiting);
    }
    if (losses.datagrams > 0 || losses.lines > 0)
        engine_process_log(
            process, LOG_LEVEL_WARN, tunnel,
            "%zu messages and %zu lines of the log were dropped: too much waited for an answer "
            "of keeper or path",
            losses.datagrams, losses.lines);
}

/* A request that was made: what follows of its tunnel waits for the answer. Without memory it does not. */
static void await(struct engine_process *process, struct requests *requests, const struct request *request)
{
    if (!requests_add(requests, request, process->now + ENGINE_REQUEST_PATIENCE))
        return;
    struct request forgotten;
    if (!tunnel_queue_hold(&process->queues, request->tunnel, request->number))
        (void)requests_take(requests, request->number, &forgotten);
}

static void end_request(struct engine_process *process, const struct request *request)
{
    tunnel_queue_release(&process->queues, request->tunnel, request->number);
    resume(process, request->tunnel);
}

/* Whether the request still matters: the Child SA was not removed or installed anew meanwhile. */
static bool is_newest(const struct engine_process *process, const struct request *request)
{
    const struct known_child *child = known_children_find(&process->children, request->inbound_spi);
    return child != NULL && child->request == request->number;
}

/* ---- Child SAs -------------------------------------------------------------------------------------- */

bool engine_path_send(struct engine_process *process, enum message_type type, const void *body, size_t size)
{
    if (process->path.fd < 0 || process->path.failed)
        return false;
    if (process->path_lags)
        return true;
    if (process->path.queued > ENGINE_PATH_QUEUE_MAX || !message_send(&process->path, type, body, size))
        engine_agreement_need(process);
    return true;
}

static void send_change(struct engine_process *process, uint64_t request, const struct child_command *command)
{
    struct message_child m = {.request = request, .command = *command};
    (void)engine_path_send(process, MESSAGE_CHILD, &m, sizeof(m));
    secret_wipe(&m, sizeof(m));
}

void engine_path_remove_child(struct engine_process *process, uint32_t tunnel, uint32_t inbound_spi)
{
    const struct child_command command = {
        .change = CHILD_REMOVE,
        .child = {.tunnel = tunnel, .inbound = {.spi = inbound_spi}},
    };
    send_change(process, ++process->last_request, &command);
}

/* The answer to an installation that is out does not matter any more. */
static void forget_installation(struct engine_process *process, uint32_t inbound_spi)
{
    const struct known_child *child = known_children_find(&process->children, inbound_spi);
    struct request request;
    if (child != NULL && requests_take(&process->of_path, child->request, &request))
        end_request(process, &request);
}

static void install_child(struct engine_process *process, const struct child_command *command)
{
    const struct request request = {
        .number = ++process->last_request,
        .kind = REQUEST_INSTALL,
        .tunnel = command->child.tunnel,
        .inbound_spi = command->child.inbound.spi,
    };
    const struct known_child known = {.tunnel = request.tunnel, .request = request.number};
    if (process->path.fd >= 0)
        await(process, &process->of_path, &request);
    known_children_add(&process->children, request.inbound_spi, &known);
    send_change(process, request.number, command);
}

static void change_child(struct engine_process *process, const struct child_command *command)
{
    if (command->change == CHILD_INSTALL) {
        install_child(process, command);
        return;
    }
    send_change(process, ++process->last_request, command);
    if (command->change == CHILD_REMOVE) {
        forget_installation(process, command->child.inbound.spi);
        known_children_remove(&process->children, command->child.inbound.spi);
    }
}

/* ---- Other actions ---------------------------------------------------------------------------------- */

static void send_datagram(struct engine_process *process, const struct ike_action *action)
{
    int failure =
        engine_sockets_send(&process->sockets, &action->datagram.local, &action->datagram.remote,
                            action->datagram.ifindex, action->datagram.mark, action->datagram.message);
    if (failure == 0 || process->unsent_count == ENGINE_UNSENT_MAX)
        return;
    struct unsent_datagram *unsent = &process->unsent[process->unsent_count++];
    *unsent = (struct unsent_datagram){.remote = action->datagram.remote, .error = failure};
    size_t length = action->datagram.message.length;
    memcpy(unsent->header, action->datagram.message.at,
           length < sizeof unsent->header ? length : sizeof unsent->header);
}

/*
 * Of a tunnel that comes up the keeper's answer is waited for: a peer that had ours sooner would get the
 * answers of our LAN by another route, in the clear, as long as the Tunnel's routes are passed over (R43).
 */
static void tell_tunnel_state(struct engine_process *process, const struct ike_action *action)
{
    bool up = action->kind == IKE_ACTION_TUNNEL_UP;
    const struct request request = {
        .number = ++process->last_request,
        .kind = REQUEST_TUNNEL_UP,
        .tunnel = action->state.tunnel,
    };
    const struct message_tunnel_state m = {
        .request = up ? request.number : 0,
        .tunnel = action->state.tunnel,
        .up = up,
    };
    const char *reason = action->state.reason != NULL ? action->state.reason : "";
    bool sent = channel_send(&process->keeper, MESSAGE_TUNNEL_STATE, &m, sizeof(m), reason,
                             strnlen(reason, MESSAGE_TEXT_MAX), NULL, 0);
    if (up && sent)
        await(process, &process->of_keeper, &request);
}

static void tell_failure(struct engine_process *process, const struct ike_action *action)
{
    const struct message_tunnel_fail m = {.tunnel = action->failed.tunnel, .pair = action->failed.pair};
    (void)engine_path_send(process, MESSAGE_TUNNEL_FAIL, &m, sizeof(m));
}

static void send_log(struct engine_process *process, const struct ike_action *action)
{
    const struct message_log m = {
        .level = action->log.level,
        .function = action->log.function,
        .has_tunnel = action->log.has_tunnel,
        .tunnel = action->log.tunnel,
        .failed = action->log.failed,
        .unlogged = action->kind == IKE_ACTION_FAILURE,
    };
    message_send_log(&process->keeper, &m, action->log.text);
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
    case IKE_ACTION_FAILURE:
        send_log(process, action);
        break;
    }
}

/* The tunnel in whose order an action stands; 0: it does not wait. */
static uint32_t tunnel_of(const struct ike_action *action)
{
    if (action->kind == IKE_ACTION_DATAGRAM)
        return action->datagram.tunnel;
    return action->kind == IKE_ACTION_LOG && action->log.has_tunnel ? action->log.tunnel : 0;
}

void engine_actions_perform(struct engine_process *process, const struct ike_effects *effects)
{
    for (size_t i = 0; i < effects->action_count; i++) {
        const struct ike_action *action = &effects->actions[i];
        uint32_t tunnel = tunnel_of(action);
        if (tunnel != 0 && tunnel_queue_is_held(&process->queues, tunnel))
            tunnel_queue_add(&process->queues, tunnel, action);
        else
            perform(process, action);
    }
}

/* ---- Answers and deadlines -------------------------------------------------------------------------- */

/* SAs that the path can't carry are deleted, with their Child SAs: the peer must not think that they are up.
 */
static void delete_sas(struct engine_process *process, uint32_t tunnel)
{
    struct ike_event clear = {.kind = IKE_EVENT_CLEAR};
    clear.clear.by_path = true;
    clear.clear.tunnel = tunnel;
    engine_process_event(process, &clear);
}

void engine_actions_done(struct engine_process *process, const struct path_event *event)
{
    struct request request;
    if (!requests_take(&process->of_path, event->request, &request))
        return;
    bool failed = event->result != PATH_OK && is_newest(process, &request);
    if (failed)
        engine_process_log(process, LOG_LEVEL_ERROR, request.tunnel,
                           "Child SA 0x%08" PRIx32 " can't be installed: %s", request.inbound_spi,
                           path_result_text(event->result));
    end_request(process, &request);
    if (failed)
        delete_sas(process, request.tunnel);
}

void engine_actions_answered(struct engine_process *process, uint64_t number)
{
    struct request request;
    if (requests_take(&process->of_keeper, number, &request))
        end_request(process, &request);
}

/* The path may install it yet, and is told to remove it then. */
static void give_up_installation(struct engine_process *process, const struct request *request)
{
    if (!is_newest(process, request)) {
        end_request(process, request);
        return;
    }
    engine_process_log(process, LOG_LEVEL_ERROR, request->tunnel,
                       "Child SA 0x%08" PRIx32
                       " can't be installed: the path did not answer within %d seconds",
                       request->inbound_spi, ENGINE_REQUEST_PATIENCE / 1000);
    engine_path_remove_child(process, request->tunnel, request->inbound_spi);
    end_request(process, request);
    delete_sas(process, request->tunnel);
}

static void give_up_routes(struct engine_process *process, const struct request *request)
{
    engine_process_log(process, LOG_LEVEL_ERROR, request->tunnel,
                       "the keeper did not say within %d seconds that the routes are there: the negotiation "
                       "goes on without",
                       ENGINE_REQUEST_PATIENCE / 1000);
    end_request(process, request);
}

void engine_actions_expire(struct engine_process *process, msec_t now)
{
    struct request request;
    process->now = now;
    while (!channel_has_message(&process->keeper) && requests_take_due(&process->of_keeper, now, &request))
        give_up_routes(process, &request);
    while (!channel_has_message(&process->path) && requests_take_due(&process->of_path, now, &request)) {
        if (request.kind == REQUEST_INSTALL)
            give_up_installation(process, &request);
        else
            engine_agreement_expire(process, request.kind);
    }
}

msec_t engine_actions_deadline(const struct engine_process *process)
{
    msec_t keeper = requests_next(&process->of_keeper);
    msec_t path = requests_next(&process->of_path);
    return keeper < path ? keeper : path;
}

void engine_actions_release(struct engine_process *process)
{
    struct request request;
    while (requests_take_due(&process->of_path, MSEC_NEVER, &request)) {
        if (request.kind == REQUEST_INSTALL)
            end_request(process, &request);
    }
    process->comparison = 0;
    process->path_lags = false;
}

bool engine_actions_are_idle(const struct engine_process *process)
{
    return tunnel_queues_are_empty(&process->queues);
}
