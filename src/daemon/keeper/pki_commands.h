/*
 * The operating commands of the certificate store: `pki …` and `show pki cert` (R91). The files that they
 * import were read by the shell, and come with the command (S35).
 */
#ifndef MUSUBI_DAEMON_KEEPER_PKI_COMMANDS_H
#define MUSUBI_DAEMON_KEEPER_PKI_COMMANDS_H

#include "config/prompt.h"
#include "daemon/keeper/auth_jobs.h"
#include "daemon/keeper/control.h"
#include "daemon/keeper/running_config.h"
#include "pki/store.h"

/* What they show and change; all stays the caller's. */
struct pki_commands {
    struct pki_store *store;
    struct running_config *running;
    struct auth_jobs *auth_jobs;
    struct event_log *log;
};

/* True if it is one of these commands. */
bool pki_commands_have(enum command_id id);

/* Carries it out, and appends what it prints. If it fails the last line begins with %. `file` is NULL if none
 * came. */
enum control_status pki_commands_run(const struct pki_commands *commands, const struct exec_command *command,
                                     const struct octets *file, struct text *out);

#endif
