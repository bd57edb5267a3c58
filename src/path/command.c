/* What a worker does at the controller's command. */
#include "path/keepalive.h"
#include "path/tunnel.h"

static enum path_result tunnel_add(struct worker *worker, struct tunnel *tunnel)
{
    return worker_source_watch(worker, &tunnel->source) ? PATH_OK : PATH_NO_MEMORY;
}

static void child_forget(struct worker *worker, struct child *child)
{
    keepalive_stop(worker, child);
    outbound_part(&worker->outbound, child);
    if (map_find(&worker->children, child->spi) == child)
        (void)map_remove(&worker->children, child->spi);
}

static void tunnel_remove(struct worker *worker, struct tunnel *tunnel)
{
    struct child *child;
    TAILQ_FOREACH(child, &tunnel->children, link)
    {
        child_forget(worker, child);
    }
    tunnel_drop_waiting(worker, tunnel, &packet_pair_any);
    worker_source_forget(worker, &tunnel->source);
}

static enum path_result child_install(struct worker *worker, struct child *child)
{
    TAILQ_INSERT_HEAD(&child->tunnel->children, child, link);
    if (!map_put(&worker->children, child->spi, child))
        return PATH_NO_MEMORY;
    if (child->active_at_once)
        child_activate(worker, child);
    keepalive_start(worker, child);
    return PATH_OK;
}

static void child_remove(struct worker *worker, struct child *child)
{
    child_forget(worker, child);
    TAILQ_REMOVE(&child->tunnel->children, child, link);
}

static void child_redirect(struct worker *worker, struct child *child, const struct command *command)
{
    outbound_part(&worker->outbound, child);
    child->way = command->wire_way;
    child->remote = command->remote;
    child->moved_told = 0;
    keepalive_start(worker, child);
}

static enum path_result child_change(struct worker *worker, const struct command *command)
{
    struct child *child = command->child;
    switch (command->change) {
    case CHILD_INSTALL:
        return child_install(worker, child);
    case CHILD_ACTIVATE:
        child_activate(worker, child);
        break;
    case CHILD_STOP:
        child_stop(child);
        break;
    case CHILD_COMPLETE:
        child_complete(worker, child);
        break;
    case CHILD_REMOVE:
        child_remove(worker, child);
        break;
    case CHILD_REDIRECT:
        child_redirect(worker, child, command);
        break;
    case CHILD_CHANGE_COUNT:
        break;
    }
    return PATH_OK;
}

void worker_carry_out(struct worker *worker, struct command *command)
{
    command->result = PATH_OK;
    switch (command->kind) {
    case COMMAND_STOP:
        worker->stopping = true;
        break;
    case COMMAND_TUNNEL_ADD:
        command->result = tunnel_add(worker, command->tunnel);
        break;
    case COMMAND_TUNNEL_UPDATE:
        command->tunnel->mtu = command->mtu;
        break;
    case COMMAND_TUNNEL_REMOVE:
        tunnel_remove(worker, command->tunnel);
        break;
    case COMMAND_TUNNEL_FAIL:
        tunnel_drop_waiting(worker, command->tunnel, &command->pair);
        break;
    case COMMAND_CHILD:
        command->result = child_change(worker, command);
        break;
    }
}
