/* What a worker does at the controller's command, and when another worker tells it something. */
#include "esp/owner.h"
#include "path/inbound_sa.h"
#include "path/tunnel.h"

/* ---- Tunnels --------------------------------------------------------------------------------------- */

static enum path_result add_tunnel(struct worker *worker, const struct command *command)
{
    path_mtu_follow(command->tunnel);
    return tunnel_open(worker, command->tunnel);
}

static enum path_result update_tunnel(struct worker *worker, const struct command *command)
{
    (void)worker;
    command->tunnel->settings = command->settings;
    path_mtu_follow(command->tunnel);
    return PATH_OK;
}

static enum path_result remove_tunnel(struct worker *worker, const struct command *command)
{
    tunnel_close(worker, command->tunnel);
    return PATH_OK;
}

static enum path_result fail_tunnel(struct worker *worker, const struct command *command)
{
    tunnel_drop_waiting(worker, command->tunnel, &command->pair);
    return PATH_OK;
}

/* The inbound SAs of the tunnel that are this worker's. */
static enum path_result remove_all_inbound(struct worker *worker, const struct command *command)
{
    for (struct inbound_sa *sa = command->inbound; sa != NULL; sa = sa->next) {
        if (esp_owner_of_spi(sa->spi, worker->count) == worker->index)
            inbound_sa_remove(worker, sa);
    }
    return PATH_OK;
}

/* ---- Child SAs ------------------------------------------------------------------------------------- */

static enum path_result install_outbound(struct worker *worker, const struct command *command)
{
    return outbound_sa_install(worker, command->outbound, &command->outbound_settings);
}

static enum path_result install_inbound(struct worker *worker, const struct command *command)
{
    return inbound_sa_install(worker, command->inbound, &command->inbound_settings);
}

static enum path_result activate_outbound(struct worker *worker, const struct command *command)
{
    outbound_sa_activate(worker, command->outbound);
    return PATH_OK;
}

static enum path_result stop_outbound(struct worker *worker, const struct command *command)
{
    (void)worker;
    outbound_sa_stop(command->outbound);
    return PATH_OK;
}

static enum path_result expect_more_outbound(struct worker *worker, const struct command *command)
{
    (void)worker;
    command->outbound->more_to_come = true;
    return PATH_OK;
}

static enum path_result complete_outbound(struct worker *worker, const struct command *command)
{
    outbound_sa_complete(worker, command->outbound);
    return PATH_OK;
}

static enum path_result remove_outbound(struct worker *worker, const struct command *command)
{
    outbound_sa_remove(worker, command->outbound);
    return PATH_OK;
}

static enum path_result remove_inbound(struct worker *worker, const struct command *command)
{
    inbound_sa_remove(worker, command->inbound);
    return PATH_OK;
}

static enum path_result redirect_outbound(struct worker *worker, const struct command *command)
{
    outbound_sa_redirect(worker, command->outbound, &command->outbound_settings);
    return PATH_OK;
}

static enum path_result redirect_inbound(struct worker *worker, const struct command *command)
{
    (void)worker;
    inbound_sa_redirect(command->inbound, &command->inbound_settings);
    return PATH_OK;
}

static enum path_result reroute_outbound(struct worker *worker, const struct command *command)
{
    outbound_sa_reroute(worker, command->outbound, &command->outbound_settings.route);
    return PATH_OK;
}

/* ---- All ------------------------------------------------------------------------------------------- */

typedef enum path_result (*carry_out)(struct worker *worker, const struct command *command);

enum { OUT = PACKET_OUTBOUND, IN = PACKET_INBOUND, DIRECTIONS = 2 };

static const carry_out tunnel_commands[COMMAND_KIND_COUNT][DIRECTIONS] = {
    [COMMAND_TUNNEL_ADD] = {[OUT] = add_tunnel},
    [COMMAND_TUNNEL_UPDATE] = {[OUT] = update_tunnel},
    [COMMAND_TUNNEL_REMOVE] = {[OUT] = remove_tunnel, [IN] = remove_all_inbound},
    [COMMAND_TUNNEL_FAIL] = {[OUT] = fail_tunnel},
    [COMMAND_CHILD_ROUTE] = {[OUT] = reroute_outbound},
};

static const carry_out child_commands[CHILD_CHANGE_COUNT][DIRECTIONS] = {
    [CHILD_INSTALL] = {[OUT] = install_outbound, [IN] = install_inbound},
    [CHILD_ACTIVATE] = {[OUT] = activate_outbound},
    [CHILD_STOP] = {[OUT] = stop_outbound},
    [CHILD_EXPECT_MORE] = {[OUT] = expect_more_outbound},
    [CHILD_COMPLETE] = {[OUT] = complete_outbound},
    [CHILD_REMOVE] = {[OUT] = remove_outbound, [IN] = remove_inbound},
    [CHILD_REDIRECT] = {[OUT] = redirect_outbound, [IN] = redirect_inbound},
};

static carry_out command_function(const struct command *command, enum packet_direction direction)
{
    if (command->kind == COMMAND_CHILD)
        return child_commands[command->change][direction];
    return tunnel_commands[command->kind][direction];
}

bool command_concerns(const struct command *command, enum packet_direction direction)
{
    return command_function(command, direction) != NULL;
}

void worker_carry_out(struct worker *worker, struct task *task)
{
    const struct command *command = task->command;
    task->result = PATH_OK;
    if (command->kind == COMMAND_STOP)
        worker->stopping = true;
    else if (command->kind == COMMAND_OWN_ADDRESSES)
        worker->own = command->own;
    else
        task->result = command_function(command, task->direction)(worker, command);
}

/* The Child SA may be gone in the meantime. */
void worker_take_note(struct worker *worker, const struct note *note)
{
    struct outbound_sa *sa = map_find(&worker->outbound_sas, note->spi);
    if (note->kind == NOTE_CHILD_USED && sa != NULL && !sa->active)
        outbound_sa_activate(worker, sa);
}
