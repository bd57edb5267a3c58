/*
 * The operating commands about IKEv2: `show ikev2 …` and `clear ikev2 …`.
 */
#ifndef MUSUBI_DAEMON_KEEPER_IKEV2_COMMANDS_H
#define MUSUBI_DAEMON_KEEPER_IKEV2_COMMANDS_H

#include "daemon/keeper/commands.h"

/* What carries out the command; NULL if it is none of them. */
command_runner *ikev2_command(enum command_id id);

#endif
