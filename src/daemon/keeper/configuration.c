#include "daemon/keeper/configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/parse.h"
#include "config/print.h"
#include "daemon/keeper/own_certificate.h"

char *configuration_read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    (void)setvbuf(file, NULL, _IONBF, 0); /* lest its buffer keep the keys */
    size_t capacity = 1 << 16;
    size_t used = 0;
    char *text = malloc(capacity);
    while (text != NULL) {
        used += fread(text + used, 1, capacity - used, file);
        if (used < capacity)
            break;
        char *grown = capacity < CONFIGURATION_FILE_MAX ? malloc(2 * capacity) : NULL;
        int why = capacity < CONFIGURATION_FILE_MAX ? ENOMEM : EFBIG;
        if (grown != NULL)
            memcpy(grown, text, used);
        secret_free(text, capacity);
        text = grown;
        capacity *= 2;
        errno = why;
    }
    if (text != NULL && ferror(file) != 0) {
        int why = errno;
        secret_free(text, capacity);
        text = NULL;
        errno = why;
    }
    int why = errno;
    (void)fclose(file);
    errno = why;
    *length = used;
    return text;
}

static bool interface_is_mapped(void *context, const char *name)
{
    const struct port_table *ports = context;
    for (size_t i = 0; i < ports->count; i++) {
        if (strcmp(ports->entries[i].name, name) == 0)
            return true;
    }
    return false;
}

static enum certificate_state certificate_state(const void *store, const char *name)
{
    const struct pki_entry *entry = pki_store_find(store, name);
    if (entry == NULL || entry->content.chain_length == 0)
        return CERTIFICATE_MISSING;
    return entry->content.key == NULL ? CERTIFICATE_WITHOUT_KEY : CERTIFICATE_THERE;
}

static bool trouble_of_own_certificate(const void *store, const char *name, const struct identity *id,
                                       struct pki_reason *trouble)
{
    const struct pki_entry *entry = pki_store_find(store, name);
    return entry != NULL && own_certificate_trouble(entry, id, time(NULL), trouble);
}

/* Adds the config's own mapping of ports. A contradiction is an error like any other. */
static bool read_ports(const struct host_settings *settings, struct port_table *ports,
                       struct diagnostics *diagnostics)
{
    bool good = true;
    port_table_forget_config(ports);
    for (size_t i = 0; i < settings->port_count; i++) {
        const struct configured_port *port = &settings->ports[i];
        struct host_error reason;
        if (port_table_set(ports, PORT_FROM_CONFIG, port->name, port->linux_name, &reason))
            continue;
        diagnostics_add(diagnostics, SEVERITY_ERROR, port->line == POLICY_LINE_TYPED ? 0 : port->line, 0,
                        NULL, "device %s: %s", port->name, reason.text);
        good = false;
    }
    return good;
}

/* Frees what follows from the config, but not the config. */
static void free_derived(struct configuration *configuration)
{
    policies_free(&configuration->policies);
    host_settings_free(&configuration->settings);
    key_table_free(configuration->keys);
    configuration->keys = NULL;
}

/* By what a peer's certificate is asked for (RFC 7296 3.7). */
static void take_authorities(const struct pki_store *store, struct tunnel_policies *policies)
{
    for (size_t i = 0; store != NULL && i < policies->count; i++) {
        struct tunnel_policy *policy = &policies->items[i];
        const struct pki_entry *entry = pki_store_find(store, policy->cacert);
        const struct certificate *ca = entry != NULL ? pki_entry_anchor(entry) : NULL;
        if (ca != NULL)
            memcpy(policy->authority, certificate_facts(ca)->key_hash, sizeof(policy->authority));
    }
}

static bool resolve(const struct configuration *configuration, struct port_table *ports,
                    struct tunnel_policies *out, struct diagnostics *diagnostics)
{
    const struct resolve_surroundings surroundings = {
        .interface_known = interface_is_mapped,
        .context = ports,
        .certificate = configuration->certificates != NULL ? certificate_state : NULL,
        .own_certificate_trouble = configuration->certificates != NULL ? trouble_of_own_certificate : NULL,
        .store = configuration->certificates,
    };
    if (!policies_resolve(configuration->config, configuration->keys, &surroundings, out, diagnostics))
        return false;
    take_authorities(configuration->certificates, out);
    return true;
}

/* Works out all that follows from out->config. False, with nothing left of it, if that fails. */
static bool derive(struct configuration *out, struct port_table *ports, struct diagnostics *diagnostics)
{
    out->keys = key_table_new(out->config);
    if (out->keys != NULL && host_settings_of(out->config, &out->settings) &&
        read_ports(&out->settings, ports, diagnostics) && resolve(out, ports, &out->policies, diagnostics))
        return true;
    free_derived(out);
    return false;
}

bool configuration_read(struct configuration *out, const char *text, size_t length, struct port_table *ports,
                        const struct pki_store *certificates, struct diagnostics *diagnostics)
{
    *out = (struct configuration){
        .config = config_parse(text, length, diagnostics),
        .certificates = certificates,
    };
    if (out->config == NULL)
        return false;
    if (derive(out, ports, diagnostics))
        return true;
    configuration_free(out);
    return false;
}

bool configuration_read_rest(struct configuration *out, const char *text, size_t length,
                             struct port_table *ports, struct diagnostics *diagnostics)
{
    struct diagnostics told = {0};
    *out = (struct configuration){.config = config_parse_despite_errors(text, length, &told)};
    bool has_errors = told.errors > 0; /* else all of it was read, and its warnings are known */
    diagnostics_free(&told);
    if (out->config != NULL && has_errors && derive(out, ports, diagnostics))
        return true;
    configuration_free(out);
    return false;
}

void configuration_check_file(const struct configuration *configuration, const char *path,
                              struct diagnostics *diagnostics)
{
    struct stat file;
    if (!config_has_keys(configuration->config) || stat(path, &file) != 0 || !S_ISREG(file.st_mode) ||
        (file.st_mode & (S_IRGRP | S_IROTH)) == 0)
        return;
    diagnostics_add(diagnostics, SEVERITY_WARNING, 0, 0, NULL,
                    "the file holds keys, and others than its owner may read it: `chmod go-r` mends that");
}

static ssize_t append_to_text(void *text, const char *from, size_t length)
{
    text_append(text, from, length);
    return ((struct text *)text)->failed ? 0 : (ssize_t)length;
}

char *configuration_print(const struct configuration *configuration, size_t *length)
{
    const cookie_io_functions_t to_text = {.write = append_to_text};
    struct text text = {0};
    FILE *out = fopencookie(&text, "w", to_text);
    if (out == NULL)
        return NULL;
    /* The memory of a stream, and what it grows out of, would keep the keys. */
    (void)setvbuf(out, NULL, _IONBF, 0);
    config_print(configuration->config, SECRETS_SHOWN, out);
    bool written = fclose(out) == 0 && !text.failed;
    if (written)
        text_append(&text, "", 0);
    if (!written || text.failed) {
        text_free(&text);
        return NULL;
    }
    *length = text.length;
    return text.at;
}

/* Undoes a change of the model, by the text that it had before. */
static bool restore(struct configuration *configuration, const char *text, size_t length,
                    struct port_table *ports)
{
    struct diagnostics known = {0};
    struct config *before = config_parse(text, length, &known);
    if (before != NULL) {
        config_free(configuration->config);
        configuration->config = before;
    }
    bool done = before != NULL && read_ports(&configuration->settings, ports, &known);
    diagnostics_free(&known);
    return done;
}

enum prompt_outcome configuration_apply_line(struct configuration *configuration,
                                             struct config_cursor *cursor, const char *line,
                                             struct port_table *ports, struct diagnostics *diagnostics)
{
    enum prompt_outcome outcome = PROMPT_REFUSED;
    if (config_line_only_moves(configuration->config, cursor, line)) { /* nothing to undo or to work out */
        outcome = config_apply_line(configuration->config, cursor, line, diagnostics);
        return outcome == PROMPT_APPLIED ? PROMPT_MOVED : outcome;
    }
    size_t length = 0;
    char *before = configuration_print(configuration, &length);
    const struct config_cursor place = *cursor;
    if (before == NULL) {
        diagnostics_add(diagnostics, SEVERITY_ERROR, 0, 0, NULL, "out of memory");
        return outcome;
    }
    outcome = config_apply_line(configuration->config, cursor, line, diagnostics);
    struct configuration after = {
        .config = configuration->config,
        .certificates = configuration->certificates,
    };
    struct diagnostics of_all = {0}; /* of the whole config: configuration_survey tells it */
    if (outcome == PROMPT_APPLIED && derive(&after, ports, &of_all)) {
        free_derived(configuration);
        *configuration = after;
    } else if (outcome == PROMPT_APPLIED) {
        const struct diagnostic *why = diagnostics_first(&of_all);
        diagnostics_add(diagnostics, SEVERITY_ERROR, 0, 0, NULL, "%s",
                        why != NULL ? why->message : "out of memory");
        (void)restore(configuration, before, length, ports);
        *cursor = place;
        outcome = PROMPT_REFUSED;
    }
    diagnostics_free(&of_all);
    secret_free(before, length);
    return outcome;
}

void configuration_survey(const struct configuration *configuration, struct port_table *ports,
                          struct diagnostics *diagnostics)
{
    struct tunnel_policies policies;
    if (resolve(configuration, ports, &policies, diagnostics))
        policies_free(&policies);
}

bool configuration_resolve_again(struct configuration *configuration, struct port_table *ports)
{
    struct tunnel_policies policies;
    if (!resolve(configuration, ports, &policies, NULL))
        return false;
    policies_free(&configuration->policies);
    configuration->policies = policies;
    return true;
}

bool configuration_reread(struct configuration *configuration, const char *text, size_t length,
                          struct port_table *ports)
{
    struct diagnostics known = {0};
    struct configuration anew;
    bool done = configuration_read(&anew, text, length, ports, configuration->certificates, &known);
    if (done) {
        configuration_free(configuration);
        *configuration = anew;
    } else {
        (void)read_ports(&configuration->settings, ports, &known);
    }
    diagnostics_free(&known);
    return done;
}

void configuration_free(struct configuration *configuration)
{
    free_derived(configuration);
    config_free(configuration->config);
    *configuration = (struct configuration){0};
}

static enum event_timestamp timestamp_of(const struct command_line *line)
{
    if (line_has(line, "timeofday"))
        return EVENT_TIME_OF_DAY;
    return line_has(line, "uptime") ? EVENT_UPTIME : EVENT_DATETIME;
}

/* One line of `syslog ...`. */
static void read_syslog_line(const struct command_line *line, struct event_log_settings *log)
{
    struct syslog_settings *syslog = &log->syslog;
    const char *facility = line_argument(line, "facility");
    const char *id = line_argument(line, "id");
    struct ip_address host;
    if (line_address(line, "host", &host) && syslog->host_count < SYSLOG_HOSTS_MAX)
        syslog->hosts[syslog->host_count++] = host;
    if (facility != NULL && syslog_facility(facility) >= 0)
        syslog->facility = syslog_facility(facility);
    if (id != NULL)
        (void)snprintf(syslog->name, sizeof(syslog->name), "%s", id);
    if (line_has(line, "timestamp"))
        log->syslog_timestamp = timestamp_of(line);
}

struct event_log_settings configuration_log_settings(const struct configuration *configuration)
{
    const struct host_settings *settings = &configuration->settings;
    const struct section *global = config_global(configuration->config);
    struct event_log_settings log = event_log_defaults();
    log.level[EVENT_IKEV2] = settings->ikev2_level;
    log.level[EVENT_IPSEC] = settings->ipsec_level;
    if (settings->log_size != 0)
        log.buffer_size = settings->log_size;
    const struct setting *timestamp = section_setting(global, COMMAND_LOGGING_TIMESTAMP);
    if (timestamp != NULL)
        log.timestamp = timestamp_of(&timestamp->line);
    (void)snprintf(log.syslog.name, sizeof(log.syslog.name), "%.63s", settings->host_name);
    for (const struct setting *s = section_setting(global, COMMAND_SYSLOG); s != NULL;
         s = setting_next_of_row(s))
        read_syslog_line(&s->line, &log);
    return log;
}
