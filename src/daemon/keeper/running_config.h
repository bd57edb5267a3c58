/*
 * The running-config, with the Linux links behind its ports: read at the start, and made true in Linux, in
 * the path and in the engine.
 */
#ifndef MUSUBI_DAEMON_KEEPER_RUNNING_CONFIG_H
#define MUSUBI_DAEMON_KEEPER_RUNNING_CONFIG_H

#include "daemon/keeper/arguments.h"
#include "daemon/keeper/configuration.h"
#include "daemon/keeper/tunnels.h"

/* Starts with the pointers alone; what they point to stays the caller's. */
struct running_config {
    struct event_log *log;
    struct keeper_host *host;
    struct processes *processes;
    struct tunnels *tunnels;
    const struct pki_store *certificates; /* the device's */

    char *path; /* of the startup-config; absolute */
    struct port_table ports;
    struct configuration configuration;
    struct text left_out;         /* of the plan for Linux */
    bool engine_has_certificates; /* those of the store at this generation */
    uint32_t told_generation;
};

/* Reads the config that the command line names, and has the log do what it says. On failure the reason is on
 * standard error; the exit status is returned. */
enum exit_status running_config_load(struct running_config *running, const struct arguments *arguments);

/* At the start: the engine gets all that it has to know, and answers with MESSAGE_POLICIES_KNOWN. */
void running_config_tell_engine(struct running_config *running);

/* Makes Linux, the path and the engine agree with it. False if Linux can't be talked to or memory ran out;
 * `err` says which. */
bool running_config_apply(struct running_config *running, struct host_error *err);

/* The certificate store has changed: tunnels that it concerns can come up now, or can't any more. No SA is
 * touched (R11). */
void running_config_certificates_changed(struct running_config *running);

void running_config_free(struct running_config *running);

#endif
