/*
 * The operating commands: what the sessions of the control socket do.
 */
#ifndef MUSUBI_DAEMON_KEEPER_COMMANDS_H
#define MUSUBI_DAEMON_KEEPER_COMMANDS_H

#include "daemon/keeper/config_mode.h"
#include "daemon/keeper/control.h"
#include "daemon/keeper/pki_commands.h"
#include "daemon/keeper/tunnels.h"
#include "daemon/state/map.h"

/* What the commands show and change; all stays the caller's. */
struct commands {
    struct running_config *running;
    struct event_log *log;
    struct keeper_host *host;
    struct processes *processes;
    struct tunnels *tunnels;
    const struct state_map *records;
    struct pki_commands pki;
};

/* The handler for control_open, by which `commands` is used as long as the control socket is open. */
struct control_handler commands_handler(struct commands *commands);

#endif
