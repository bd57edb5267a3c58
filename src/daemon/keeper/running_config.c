#include "daemon/keeper/running_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "daemon/ipc/clock.h"
#include "daemon/keeper/desired.h"
#include "daemon/keeper/startup.h"
#include "daemon/keeper/trust.h"

/* Has the log do what the config says, and the engine make the lines that are wanted. */
static void apply_log_settings(struct running_config *running)
{
    const struct event_log_settings settings = configuration_log_settings(&running->configuration);
    const enum log_level before = event_log_level(running->log);
    event_log_set(running->log, &settings);
    const struct message_log_level level = {event_log_level(running->log)};
    if (level.level != (uint32_t)before)
        processes_send(&running->processes->engine, MESSAGE_LOG_LEVEL, &level, sizeof(level));
}

/* ---- Reading --------------------------------------------------------------------------------------- */

static bool load_ports(struct running_config *running, const struct arguments *arguments)
{
    struct host_error reason;
    for (size_t i = 0; i < arguments->port_count; i++) {
        if (!port_table_set_option(&running->ports, arguments->ports[i], &reason))
            return startup_failed("--port %s: %s", arguments->ports[i], reason.text);
    }
    return true;
}

/* Logs what was told of the config, which was read. */
static void log_diagnostics(struct event_log *log, const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = &diagnostics->items[i];
        char place[32] = "config";
        if (d->line != 0)
            (void)snprintf(place, sizeof(place), "config line %u", d->line);
        event_log_print(log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, "%s: %s", place, d->message);
    }
}

/* Reads the config and prints its errors and warnings. */
static bool load_config(struct running_config *running, const char *path)
{
    struct diagnostics diagnostics = {0};
    size_t length;
    char *text = configuration_read_file(path, &length);
    if (text == NULL)
        return startup_failed("can't read %s: %s", path, strerror(errno));
    running->path = realpath(path, NULL);
    bool read =
        running->path != NULL && configuration_read(&running->configuration, text, length, &running->ports,
                                                    running->certificates, &diagnostics);
    secret_free(text, length);
    if (read)
        configuration_check_file(&running->configuration, path, &diagnostics);
    if (!read)
        startup_await_readers();
    diagnostics_print(&diagnostics, path, stderr);
    if (read) {
        apply_log_settings(running);
        log_diagnostics(running->log, &diagnostics);
    } else if (diagnostics.errors == 0) {
        (void)startup_failed("can't read %s: out of memory", path);
    }
    diagnostics_free(&diagnostics);
    secret_wipe_stack(SECRET_STACK_SIZE);
    return read;
}

enum exit_status running_config_load(struct running_config *running, const struct arguments *arguments)
{
    if (!load_ports(running, arguments))
        return STATUS_USAGE;
    return load_config(running, arguments->config) ? STATUS_DONE : STATUS_FAILED;
}

void running_config_free(struct running_config *running)
{
    configuration_free(&running->configuration);
    text_free(&running->left_out);
    port_table_clear(&running->ports);
    free(running->path);
    running->path = NULL;
}

/* ---- Applying -------------------------------------------------------------------------------------- */

/* The engine has the certificates before the policies that name them. */
static void tell_certificates(struct running_config *running)
{
    uint32_t generation = pki_store_generation(running->certificates);
    if (running->engine_has_certificates && running->told_generation == generation)
        return;
    running->told_generation = generation;
    running->engine_has_certificates = trust_tell_engine(running->processes, running->certificates);
    if (!running->engine_has_certificates)
        event_log_print(running->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, NULL,
                        "the CA certificates can't be handed to the engine: %s", strerror(errno));
}

void running_config_tell_engine(struct running_config *running)
{
    tell_certificates(running);
    tunnels_tell_policies(running->tunnels);
    processes_send(&running->processes->engine, MESSAGE_POLICIES_TOLD, NULL, 0);
}

bool running_config_apply(struct running_config *running, struct host_error *err)
{
    struct host_plan plan = {0};
    apply_log_settings(running);
    interface_watch_tell_missing(&running->tunnels->watch);
    bool applied =
        desired_plan(&running->configuration, &running->ports, running->log, &running->left_out, &plan)
            ? host_apply(running->host->host, &plan, clock_now(), err)
            : host_fail(err, 0, "out of memory");
    host_plan_clear(&plan);
    if (applied) {
        tell_certificates(running);
        tunnels_apply(running->tunnels);
    }
    return applied;
}

void running_config_certificates_changed(struct running_config *running)
{
    tell_certificates(running);
    if (configuration_resolve_again(&running->configuration, &running->ports))
        tunnels_apply(running->tunnels);
}
