/*
 * The operating commands: what the sessions of the control socket do.
 */
#ifndef MUSUBI_DAEMON_KEEPER_COMMANDS_H
#define MUSUBI_DAEMON_KEEPER_COMMANDS_H

#include "daemon/keeper/config_mode.h"
#include "daemon/keeper/control.h"
#include "daemon/keeper/pki_commands.h"
#include "daemon/keeper/statistics.h"
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
    struct statistics *statistics;
    struct pki_commands pki;
};

/* Carries out a command that was understood. If it fails its last line begins with %. */
typedef enum control_status command_runner(const struct commands *commands, const struct command_line *line,
                                           struct text *out);

/* Print why a command fails, and return CONTROL_FAILED. */
enum control_status commands_no_such_interface(const char *name, struct text *out);
enum control_status commands_no_memory(struct text *out);
/* For a command about a Tunnel: the interface is not there, or is of another kind. */
enum control_status commands_no_such_tunnel(const struct commands *commands, const char *name,
                                            struct text *out);

/* The handler for control_open, by which `commands` is used as long as the control socket is open. */
struct control_handler commands_handler(struct commands *commands);

#endif
