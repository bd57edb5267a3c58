/*
 * Config mode at the prompt: each line is applied at once (R11: no SA is touched), and what was made so can
 * be written to the startup-config.
 */
#ifndef MUSUBI_DAEMON_KEEPER_CONFIG_MODE_H
#define MUSUBI_DAEMON_KEEPER_CONFIG_MODE_H

#include "daemon/ipc/control_protocol.h"
#include "daemon/ipc/text.h"
#include "daemon/keeper/running_config.h"

/* Where an operator stands. Zeroed: not in config mode. */
struct config_mode {
    bool active;
    bool changed; /* something, since config mode was entered */
    struct config_cursor cursor;
};

/*
 * Takes a line in config mode: applies it, or leaves the mode; then it tells what keeps tunnels down or will
 * not work as it stands (R51, R63, S12), which would be premature between the lines of a change. `*operation`
 * is set if it is an operating command, which the caller carries out.
 */
enum control_status config_mode_run(struct running_config *running, struct config_mode *mode,
                                    const char *line, struct text *out, bool *operation);

/* `write memory`: replaces the file of the startup-config by the running-config, wholly or not at all (S35).
 */
enum control_status config_mode_write(struct running_config *running, struct text *out);

#endif
