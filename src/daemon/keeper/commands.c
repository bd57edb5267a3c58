#include "daemon/keeper/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "config/print.h"
#include "config/prompt.h"
#include "daemon/ipc/clock.h"
#include "daemon/keeper/capture_commands.h"
#include "daemon/keeper/ikev2_commands.h"
#include "daemon/keeper/tunnel_problem.h"
#include "daemon/show/help.h"
#include "daemon/show/interfaces.h"
#include "daemon/show/packets.h"
#include "daemon/show/routes.h"
#include "daemon/show/sa_list.h"

/* One operator's session: whether and where it is in config mode. */
struct operator_session {
    struct config_mode config;
    struct capture_session capture;
};

enum control_status commands_no_such_interface(const char *name, struct text *out)
{
    text_print(out, "%% There is no interface %s\n", name);
    return CONTROL_FAILED;
}

enum control_status commands_no_such_tunnel(const struct commands *commands, const char *name,
                                            struct text *out)
{
    if (host_settings_interface(&commands->running->configuration.settings, name) == NULL)
        return commands_no_such_interface(name, out);
    text_print(out, "%% %s is no Tunnel\n", name);
    return CONTROL_FAILED;
}

enum control_status commands_no_memory(struct text *out)
{
    text_print(out, "%% Out of memory\n");
    return CONTROL_FAILED;
}

/* ---- The config ------------------------------------------------------------------------------------ */

/* A stream that appends to a text. */
static ssize_t text_stream_write(void *cookie, const char *from, size_t length)
{
    text_append(cookie, from, length);
    return (ssize_t)length;
}

static enum control_status show_running_config(const struct commands *commands,
                                               const struct command_line *line, struct text *out)
{
    (void)line;
    FILE *stream = fopencookie(out, "w", (cookie_io_functions_t){.write = text_stream_write});
    if (stream == NULL)
        return commands_no_memory(out);
    config_print(commands->running->configuration.config, SECRETS_SHOWN, stream);
    (void)fclose(stream);
    return CONTROL_OK;
}

static enum control_status write_memory(const struct commands *commands, const struct command_line *line,
                                        struct text *out)
{
    (void)line;
    return config_mode_write(commands->running, out);
}

static enum control_status show_startup_config(const struct commands *commands,
                                               const struct command_line *line, struct text *out)
{
    (void)line;
    size_t length;
    char *text = configuration_read_file(commands->running->path, &length);
    if (text == NULL) {
        text_print(out, "%% Can't read %s: %m\n", commands->running->path);
        return CONTROL_FAILED;
    }
    text_append(out, text, length);
    if (length > 0 && text[length - 1] != '\n')
        text_append(out, "\n", 1);
    secret_free(text, length);
    return CONTROL_OK;
}

/* ---- Interfaces and routes ------------------------------------------------------------------------- */

/* What `show interfaces` looks at. */
struct interfaces_view {
    const struct commands *commands;
    struct sa_list list;
};

/* What the tunnel's newest IKE SA that is up says, or the one that is being made. */
static void take_sa(const struct ike_record *sa, const struct tunnel *tunnel, const struct old_keys *old,
                    struct shown_tunnel *out)
{
    if (sa->state != IKE_SA_ESTABLISHED)
        out->negotiating = clock_wall_time(sa->created);
    if (sa->state != IKE_SA_ESTABLISHED || !tunnel->has_sa)
        return;
    out->sa_source = sa->local.address;
    out->sa_peer = sa->remote.address;
    out->sa_is_given_up = sa->address_lost;
    for (enum old_settings_part part = 0; part < OLD_PART_COUNT; part++)
        show_old_settings(part, sa, &tunnel->policy, old, "  Changed since : ", "\n", &out->old_settings);
}

static void find_sa(const struct interfaces_view *view, const struct tunnel *tunnel, struct shown_tunnel *out)
{
    size_t count;
    const struct sa_list_entry *entries = sa_list_of(&view->list, tunnel->policy.tunnel, &count);
    const struct old_keys old =
        used_keys_compare(&tunnel->used_keys, view->commands->running->configuration.keys, &tunnel->policy);
    struct state_record memory = {0};
    struct ike_record *sa = malloc(sizeof(*sa));
    if (sa != NULL && sa_list_read_best(view->commands->records, entries, count, &memory, sa))
        take_sa(sa, tunnel, &old, out);
    secret_free(sa, sizeof(*sa));
    state_record_free(&memory);
}

static bool find_shown_tunnel(void *context, const char *name, struct shown_tunnel *out)
{
    const struct interfaces_view *view = context;
    const struct tunnels *tunnels = view->commands->tunnels;
    const struct tunnel *tunnel = tunnel_table_find_name(&tunnels->table, name);
    if (tunnel == NULL)
        return false;
    const struct tunnel_problem_sources sources = {
        .configuration = &view->commands->running->configuration,
        .ports = &view->commands->running->ports,
        .inventory = host_inventory(view->commands->host->host),
    };
    *out = (struct shown_tunnel){
        .policy = &tunnel->policy,
        .route = tunnel->route.found.to_peer,
        .link = tunnel->route.found.link,
        .next_hop = tunnel->route.found.next_hop,
        .failure = tunnel->failure.text,
        .failed = tunnel->failure.at,
        .failures = tunnel->failure.count,
        .failing = tunnel->failure.since,
        .has_sa = tunnel->has_sa,
        .sizes = live_area_sizes(tunnels->table.live, tunnel->slot),
        .settings = tunnel->settings,
    };
    tunnel_problem_print(&sources, tunnel, &out->problem);
    find_sa(view, tunnel, out);
    out->totals = tunnel_table_totals(&tunnels->table, tunnel);
    return true;
}

static enum control_status show_interfaces_command(const struct commands *commands,
                                                   const struct command_line *line, struct text *out)
{
    const char *name = line_argument(line, "interface");
    struct interfaces_view view = {.commands = commands};
    const struct shown_interfaces shown = {
        .settings = &commands->running->configuration.settings,
        .ports = &commands->running->ports,
        .inventory = host_inventory(commands->host->host),
        .counters = statistics_of_path(commands->statistics),
        .now = clock_now(),
        .find_tunnel = find_shown_tunnel,
        .context = &view,
    };
    if (name != NULL && host_settings_interface(shown.settings, name) == NULL)
        return commands_no_such_interface(name, out);
    if (!sa_list_fill(&view.list, commands->records, 0))
        return commands_no_memory(out);
    show_interfaces(&shown, name, out);
    sa_list_free(&view.list);
    return CONTROL_OK;
}

static enum control_status show_routes_of(const struct commands *commands, enum ip_family family,
                                          struct text *out)
{
    struct host_error reason;
    if (show_routes(commands->host->host, &commands->running->ports, family, out, &reason))
        return CONTROL_OK;
    text_print(out, "%% %s\n", reason.text);
    return CONTROL_FAILED;
}

static enum control_status show_ip_route(const struct commands *commands, const struct command_line *line,
                                         struct text *out)
{
    (void)line;
    return show_routes_of(commands, IP_V4, out);
}

static enum control_status show_ipv6_route(const struct commands *commands, const struct command_line *line,
                                           struct text *out)
{
    (void)line;
    return show_routes_of(commands, IP_V6, out);
}

/* ---- Packet rules ---------------------------------------------------------------------------------- */

static bool read_counters(struct packet_counts *counts, struct text *out)
{
    struct host_error reason;
    if (packet_counts_read(counts, &reason))
        return true;
    text_print(out, "%% %s\n", reason.text);
    return false;
}

static enum control_status show_ip_napt(const struct commands *commands, const struct command_line *line,
                                        struct text *out)
{
    struct packet_counts counts;
    (void)line;
    if (!read_counters(&counts, out))
        return CONTROL_FAILED;
    show_napt(&commands->running->configuration.settings, &counts, out);
    packet_counts_free(&counts);
    return CONTROL_OK;
}

static enum control_status show_access_lists_of(const struct commands *commands, enum ip_family family,
                                                const struct command_line *line, struct text *out)
{
    const struct host_settings *settings = &commands->running->configuration.settings;
    const char *name = line_argument(line, "name");
    struct packet_counts counts;
    if (name != NULL && access_lists_find(&settings->access_lists, family, name) == NULL) {
        text_print(out, "%% There is no access list %s\n", name);
        return CONTROL_FAILED;
    }
    if (!read_counters(&counts, out))
        return CONTROL_FAILED;
    show_access_lists(settings, &counts, family, name, out);
    packet_counts_free(&counts);
    return CONTROL_OK;
}

static enum control_status show_ip_access_list(const struct commands *commands,
                                               const struct command_line *line, struct text *out)
{
    return show_access_lists_of(commands, IP_V4, line, out);
}

static enum control_status show_ipv6_access_list(const struct commands *commands,
                                                 const struct command_line *line, struct text *out)
{
    return show_access_lists_of(commands, IP_V6, line, out);
}

/* ---- The rest -------------------------------------------------------------------------------------- */

static enum control_status show_logging(const struct commands *commands, const struct command_line *line,
                                        struct text *out)
{
    (void)line;
    event_log_show(commands->log, out);
    return CONTROL_OK;
}

/* `terminal length 0` of a script that also talks to routers. */
static enum control_status do_nothing(const struct commands *commands, const struct command_line *line,
                                      struct text *out)
{
    (void)commands;
    (void)line;
    (void)out;
    return CONTROL_OK;
}

static enum control_status leave(const struct commands *commands, const struct command_line *line,
                                 struct text *out)
{
    (void)commands;
    (void)line;
    (void)out;
    return CONTROL_LEFT;
}

/* ---- Sessions -------------------------------------------------------------------------------------- */

static command_runner *const runners[COMMAND_COUNT] = {
    [COMMAND_SHOW_RUNNING_CONFIG] = show_running_config,
    [COMMAND_SHOW_STARTUP_CONFIG] = show_startup_config,
    [COMMAND_SHOW_INTERFACES] = show_interfaces_command,
    [COMMAND_SHOW_IP_ACCESS_LIST] = show_ip_access_list,
    [COMMAND_SHOW_IP_NAPT] = show_ip_napt,
    [COMMAND_SHOW_IP_ROUTE] = show_ip_route,
    [COMMAND_SHOW_IPV6_ACCESS_LIST] = show_ipv6_access_list,
    [COMMAND_SHOW_IPV6_ROUTE] = show_ipv6_route,
    [COMMAND_SHOW_LOGGING] = show_logging,
    [COMMAND_WRITE_MEMORY] = write_memory,
    [COMMAND_COPY_RUNNING_STARTUP] = write_memory,
    [COMMAND_TERMINAL] = do_nothing,
    [COMMAND_EXIT] = leave,
};

/* NULL if there is none. */
static command_runner *runner_of(enum command_id id)
{
    if (id == COMMAND_COUNT)
        return NULL;
    return runners[id] != NULL ? runners[id] : ikev2_command(id);
}

static bool enters_config_mode(const struct exec_command *command)
{
    return command->id == COMMAND_CONFIGURE || command->id == COMMAND_ENABLE_CONFIG;
}

/* Answers a line that asks for help; false if it is none. In config mode operating commands may be asked for
 * too. */
static bool answer_question(const struct commands *commands, const struct operator_session *operator_at,
                            const char *line, struct text *out, enum control_status *status)
{
    static const struct match_scope exec = {.mode = MODE_EXEC};
    const struct config *config = commands->running->configuration.config;
    const struct match_scope scope =
        operator_at->config.active ? config_cursor_scope(&operator_at->config.cursor) : exec;
    struct help help;
    bool is_asked = help_is_asked(&scope, config, line, &help);
    if (operator_at->config.active && (!is_asked || help.count == 0))
        is_asked = help_is_asked(&exec, config, line, &help);
    if (!is_asked)
        return false;
    show_help(&help, out);
    *status = help.count > 0 ? CONTROL_OK : CONTROL_FAILED;
    return true;
}

static enum control_status session_run(void *context, void *session, const char *line,
                                       const struct octets *file, int *hand_over, struct text *out)
{
    const struct commands *commands = context;
    struct exec_command command;
    char error[EXEC_ERROR_SIZE];
    struct operator_session *operator_at = session;
    bool operation = true;
    enum control_status status = CONTROL_OK;
    if (answer_question(commands, operator_at, line, out, &status))
        return status;
    if (operator_at->config.active) {
        enum control_status done =
            config_mode_run(commands->running, &operator_at->config, line, out, &operation);
        if (!operation)
            return done;
    }
    if (!exec_parse(line, &command, error)) {
        text_print(out, "%s\n", error);
        return CONTROL_FAILED;
    }
    if (enters_config_mode(&command)) {
        operator_at->config = (struct config_mode){.active = true};
    } else if (pki_commands_have(command.id)) {
        status = pki_commands_run(&commands->pki, &command, file, out);
    } else if (capture_commands_have(command.id)) {
        status = capture_commands_run(commands, &operator_at->capture, &command, hand_over, out);
    } else if (runner_of(command.id) != NULL) {
        status = runner_of(command.id)(commands, &command.line, out);
    } else if (command.id != COMMAND_COUNT) {
        text_print(out, "%% This command is not supported yet\n");
        status = CONTROL_FAILED;
    }
    exec_free(&command);
    return status;
}

static void *session_open(void *context, const struct control_peer *peer)
{
    struct operator_session *session = calloc(1, sizeof(*session));
    (void)context;
    if (session != NULL)
        capture_session_open(&session->capture, peer);
    return session;
}

static void session_close(void *context, void *session)
{
    struct operator_session *operator_at = session;
    (void)context;
    capture_session_close(&operator_at->capture);
    free(session);
}

static void session_prompt(void *context, void *session, char out[CONTROL_PROMPT_SIZE])
{
    const struct commands *commands = context;
    const char *name = commands->running->configuration.settings.host_name;
    const struct operator_session *operator_at = session;
    char place[PROMPT_NAME_SIZE] = "";
    if (name[0] == '\0')
        name = "Router";
    if (!operator_at->config.active)
        (void)snprintf(out, CONTROL_PROMPT_SIZE, "%.*s# ", CONTROL_PROMPT_SIZE - 8, name);
    else
        (void)snprintf(out, CONTROL_PROMPT_SIZE, "%.*s(%s)# ", CONTROL_PROMPT_SIZE - PROMPT_NAME_SIZE - 8,
                       name, config_cursor_name(&operator_at->config.cursor, place));
}

struct control_handler commands_handler(struct commands *commands)
{
    return (struct control_handler){session_open, session_close, session_run, session_prompt, commands};
}
