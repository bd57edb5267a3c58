/* How an operation goes from worker to worker. */
#include <stdlib.h>

#include "esp/owner.h"
#include "path/controller.h"

struct operation *operation_new(uint64_t request, struct known_tunnel *tunnel, struct known_child *child)
{
    struct operation *operation = calloc(1, sizeof *operation);
    if (operation == NULL)
        return NULL;
    operation->tunnel = tunnel;
    operation->child = child;
    operation->command.tunnel = &tunnel->outbound;
    operation->event = (struct path_event){
        .kind = PATH_DONE,
        .result = PATH_OK,
        .request = request,
        .tunnel = tunnel->outbound.number,
    };
    if (child != NULL) {
        operation->command.outbound = &child->outbound;
        operation->command.inbound = &child->inbound;
        operation->event.spi = child->inbound.spi;
    }
    return operation;
}

/* The workers that an operation's command goes to for a direction: a bit for each. */
static uint64_t operation_workers(const struct path *path, const struct operation *operation,
                                  enum packet_direction direction)
{
    if (direction == PACKET_OUTBOUND)
        return UINT64_C(1) << esp_owner_outbound(operation->tunnel->outbound.slot, path->worker_count);
    if (operation->child != NULL)
        return UINT64_C(1) << esp_owner_of_spi(operation->child->inbound.spi, path->worker_count);
    uint64_t workers = 0;
    for (const struct inbound_sa *sa = operation->command.inbound; sa != NULL; sa = sa->next)
        workers |= UINT64_C(1) << esp_owner_of_spi(sa->spi, path->worker_count);
    return workers;
}

/* Takes back the tasks that a worker has carried out. */
static void worker_reap(struct path *path, struct worker *worker)
{
    struct task task;
    while (mailbox_reap(&worker->mailbox, &task)) {
        if (task.command->kind == COMMAND_STOP)
            continue;
        if (task.command->kind == COMMAND_OWN_ADDRESSES) {
            own_change_reap(path, (struct own_change *)((char *)task.command -
                                                        __builtin_offsetof(struct own_change, command)));
            continue;
        }
        struct operation *operation =
            (struct operation *)((char *)task.command - __builtin_offsetof(struct operation, command));
        if (task.result != PATH_OK)
            operation->event.result = task.result;
        if (--operation->tasks_left == 0)
            STAILQ_INSERT_TAIL(&path->stepped, operation, next);
    }
}

/* Waits until a worker has carried out at least one task; `all`: all of them. */
static void worker_await(struct path *path, struct worker *worker, bool all)
{
    if (path->by_turns)
        (void)worker_turn(worker, worker->now);
    else
        mailbox_wait(&worker->mailbox, all);
}

void operation_post(struct path *path, struct worker *worker, const struct task *task)
{
    while (mailbox_is_full(&worker->mailbox)) {
        worker_await(path, worker, false);
        worker_reap(path, worker);
    }
    mailbox_put(&worker->mailbox, task);
    if (!worker_stand_in(worker))
        mailbox_wake(&worker->mailbox);
}

/* Posts the tasks of the next direction that is somebody's, or of both at once; false if none is left. */
static bool operation_step(struct path *path, struct operation *operation)
{
    struct task tasks[2];
    uint64_t workers[2];
    size_t count = 0;
    operation->tasks_left = 0;
    while (operation->directions_left > 0 && (count == 0 || operation->at_once)) {
        tasks[count] = (struct task){
            .command = &operation->command,
            .direction = operation->directions[2 - operation->directions_left--],
        };
        workers[count] = operation_workers(path, operation, tasks[count].direction);
        if (!command_concerns(tasks[count].command, tasks[count].direction) || workers[count] == 0)
            continue;
        operation->tasks_left += (unsigned)__builtin_popcountll(workers[count++]);
    }
    for (size_t n = 0; n < count; n++) {
        for (unsigned i = 0; i < path->worker_count; i++) {
            if ((workers[n] >> i & 1) != 0)
                operation_post(path, &path->workers[i], &tasks[n]);
        }
    }
    return count > 0;
}

/* Takes back what an operation that is done left to the controller. */
static void operation_finish(struct path *path, struct operation *operation)
{
    const struct command *command = &operation->command;
    STAILQ_REMOVE_HEAD(&operation->tunnel->operations, link);
    if (command->kind == COMMAND_TUNNEL_REMOVE)
        known_tunnel_free(operation->tunnel, true);
    else if (command->kind == COMMAND_CHILD && command->change == CHILD_REMOVE)
        known_child_free(operation->child, true);
    path->operations_left--;
    if (command->kind == COMMAND_CHILD_ROUTE)
        free(operation); /* the path's own, which nobody waits for */
    else
        STAILQ_INSERT_TAIL(&path->done, operation, link);
}

/* What has failed goes no further. The last operation of a tunnel is its removal. */
static void operation_proceed(struct path *path, struct operation *operation)
{
    struct known_tunnel *tunnel = operation->tunnel;
    while (operation != NULL) {
        if (operation->event.result == PATH_OK && operation_step(path, operation))
            return;
        bool last = operation->command.kind == COMMAND_TUNNEL_REMOVE;
        operation_finish(path, operation);
        operation = last ? NULL : STAILQ_FIRST(&tunnel->operations);
    }
}

void path_reap(struct path *path)
{
    for (unsigned i = 0; i < path->worker_count; i++)
        worker_reap(path, &path->workers[i]);
    struct operation *operation;
    while ((operation = STAILQ_FIRST(&path->stepped)) != NULL) {
        STAILQ_REMOVE_HEAD(&path->stepped, next);
        operation_proceed(path, operation);
    }
}

void operation_submit(struct path *path, struct operation *operation, enum packet_direction first)
{
    bool idle = STAILQ_EMPTY(&operation->tunnel->operations);
    operation->directions[0] = first;
    operation->directions[1] = first == PACKET_INBOUND ? PACKET_OUTBOUND : PACKET_INBOUND;
    operation->directions_left = 2;
    STAILQ_INSERT_TAIL(&operation->tunnel->operations, operation, link);
    path->operations_left++;
    if (idle)
        operation_proceed(path, operation);
}

void path_settle(struct path *path)
{
    path_reap(path);
    while (path->operations_left > 0) {
        for (unsigned i = 0; i < path->worker_count; i++)
            worker_await(path, &path->workers[i], true);
        path_reap(path);
    }
}
