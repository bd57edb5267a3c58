/*
 * A config with all that follows from it: the policies of its tunnels, the keys, what it says of the host.
 * Made as a whole and checked as a whole before anything is done with it.
 */
#ifndef MUSUBI_DAEMON_KEEPER_CONFIGURATION_H
#define MUSUBI_DAEMON_KEEPER_CONFIGURATION_H

#include "config/diagnostic.h"
#include "config/host_settings.h"
#include "config/keys.h"
#include "config/model.h"
#include "config/prompt.h"
#include "config/resolve.h"
#include "daemon/keeper/event_log.h"
#include "host/port.h"
#include "pki/store.h"

struct configuration {
    struct config *config;
    struct key_table *keys;
    struct tunnel_policies policies;
    struct host_settings settings;
    const struct pki_store *certificates; /* the device's; NULL: not known */
};

/* The whole of a file, which the caller frees; NULL with errno set. EFBIG beyond CONFIGURATION_FILE_MAX. */
enum { CONFIGURATION_FILE_MAX = 64 << 20 };
char *configuration_read_file(const char *path, size_t *length);

/*
 * Reads a config from text. The ports of the config are added to `ports`, which has those of the command
 * line. `certificates` is the device's store, which has to outlive the configuration; NULL: it is not known,
 * and every certificate counts as there. Errors and warnings are added to `diagnostics`. False if there was
 * an error or memory ran out (then there may be no error in the list): nothing is left in `out`.
 */
bool configuration_read(struct configuration *out, const char *text, size_t length, struct port_table *ports,
                        const struct pki_store *certificates, struct diagnostics *diagnostics);

/* Works out the policies anew, after the certificate store has changed. False if memory ran out: they stay as
 * they were. */
bool configuration_resolve_again(struct configuration *configuration, struct port_table *ports);

/*
 * Reads what is sound of a config that has errors: for the warnings about it, which are added to
 * `diagnostics`. The errors, and the warnings about single lines, are not: configuration_read has told them.
 * False if the text has no errors, or memory ran out: nothing is left in `out`.
 */
bool configuration_read_rest(struct configuration *out, const char *text, size_t length,
                             struct port_table *ports, struct diagnostics *diagnostics);

/* Warns of a file that holds the keys of a config and that others than its owner may read. */
void configuration_check_file(const struct configuration *configuration, const char *path,
                              struct diagnostics *diagnostics);

/* The running-config as text, secrets included; the caller wipes and frees it. NULL if memory ran out. */
char *configuration_print(const struct configuration *configuration, size_t *length);

/*
 * Applies a line typed in config mode (config_apply_line) and works out what follows from it. A line with
 * which the config as a whole would have an error is refused, and the config stays as it was.
 */
enum prompt_outcome configuration_apply_line(struct configuration *configuration,
                                             struct config_cursor *cursor, const char *line,
                                             struct port_table *ports, struct diagnostics *diagnostics);

/* Adds the diagnostics of the config as a whole: what keeps tunnels down, and what will not work as it
 * stands (policies_resolve). Nothing is added if memory ran out. */
void configuration_survey(const struct configuration *configuration, struct port_table *ports,
                          struct diagnostics *diagnostics);

/*
 * Reads the config again from `text`, which was printed from it and is the startup-config now, so that its
 * settings name the lines of that. False if memory ran out: they name the same lines as before.
 */
bool configuration_reread(struct configuration *configuration, const char *text, size_t length,
                          struct port_table *ports);

/* Wipes and frees it. */
void configuration_free(struct configuration *configuration);

/* What the config says of the event log. */
struct event_log_settings configuration_log_settings(const struct configuration *configuration);

#endif
