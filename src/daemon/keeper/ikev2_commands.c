#include "daemon/keeper/ikev2_commands.h"

#include <stdlib.h>

#include "base/secret.h"
#include "daemon/ipc/clock.h"
#include "daemon/keeper/explanation.h"
#include "daemon/keeper/tunnel_summary.h"
#include "daemon/show/child_sa.h"
#include "daemon/show/ike_sa.h"
#include "daemon/show/ike_statistics.h"
#include "daemon/show/sa_list.h"

/* ---- SAs ------------------------------------------------------------------------------------------- */

/* Prints a tunnel with its SAs. */
typedef void show_tunnel(const struct commands *commands, const struct tunnel *tunnel,
                         const struct sa_list_entry *entries, size_t count, struct text *out);

/* Prints one IKE SA. */
typedef void show_sa(const struct ike_record *sa, const struct tunnel_policy *policy, msec_t now,
                     struct text *out);

static void show_each_sa(const struct commands *commands, const struct tunnel *tunnel,
                         const struct sa_list_entry *entries, size_t count, show_sa *show, struct text *out)
{
    struct state_record memory = {0};
    struct ike_record *sa = malloc(sizeof(*sa));
    for (size_t i = 0; i < count && sa != NULL; i++) {
        if (sa_list_read(commands->records, &entries[i], &memory, sa))
            show(sa, &tunnel->policy, clock_now(), out);
    }
    out->failed |= sa == NULL;
    secret_free(sa, sizeof(*sa));
    state_record_free(&memory);
}

static void show_tunnel_ike(const struct commands *commands, const struct tunnel *tunnel,
                            const struct sa_list_entry *entries, size_t count, struct text *out)
{
    if (count == 0)
        return;
    text_print(out, "Interface %s\n", tunnel->policy.name);
    show_each_sa(commands, tunnel, entries, count, show_ike_sa, out);
}

static void show_tunnel_child(const struct commands *commands, const struct tunnel *tunnel,
                              const struct sa_list_entry *entries, size_t count, struct text *out)
{
    struct path_totals totals = tunnel_table_totals(&commands->tunnels->table, tunnel);
    text_print(out, "Interface %s\n", tunnel->policy.name);
    show_each_sa(commands, tunnel, entries, count, show_child_sas, out);
    show_child_statistics(&totals, &tunnel->history, out);
}

/* Prints a tunnel by what a list of SAs has of it. */
static void show_listed(const struct commands *commands, const struct sa_list *list,
                        const struct tunnel *tunnel, show_tunnel *show, struct text *out)
{
    size_t count;
    const struct sa_list_entry *entries = sa_list_of(list, tunnel->policy.tunnel, &count);
    show(commands, tunnel, entries, count, out);
}

/* Prints the tunnel that the line names, or all. */
static enum control_status show_tunnels(const struct commands *commands, const struct command_line *line,
                                        show_tunnel *show, struct text *out)
{
    const char *name = line_argument(line, "interface");
    const struct tunnel_table *table = &commands->tunnels->table;
    const struct tunnel *named = name != NULL ? tunnel_table_find_name(table, name) : NULL;
    struct sa_list list;
    if (name != NULL && named == NULL)
        return commands_no_such_tunnel(commands, name, out);
    if (!sa_list_fill(&list, commands->records, named != NULL ? named->policy.tunnel : 0))
        return commands_no_memory(out);
    if (named != NULL)
        show_listed(commands, &list, named, show, out);
    for (size_t i = 0; i < table->count && named == NULL; i++)
        show_listed(commands, &list, table->tunnels[i], show, out);
    sa_list_free(&list);
    return CONTROL_OK;
}

static enum control_status show_ikev2_sa(const struct commands *commands, const struct command_line *line,
                                         struct text *out)
{
    return show_tunnels(commands, line, show_tunnel_ike, out);
}

static enum control_status show_ikev2_child_sa(const struct commands *commands,
                                               const struct command_line *line, struct text *out)
{
    return show_tunnels(commands, line, show_tunnel_child, out);
}

static enum control_status show_ikev2_explain(const struct commands *commands,
                                              const struct command_line *line, struct text *out)
{
    return show_tunnels(commands, line, explanation_print, out);
}

static enum control_status clear_ikev2_sa(const struct commands *commands, const struct command_line *line,
                                          struct text *out)
{
    const char *name = line_argument(line, "interface");
    struct message_clear clear = {.all = name == NULL};
    if (name != NULL) {
        const struct tunnel *tunnel = tunnel_table_find_name(&commands->tunnels->table, name);
        if (tunnel == NULL)
            return commands_no_such_tunnel(commands, name, out);
        clear.tunnel = tunnel->policy.tunnel;
    }
    processes_send(&commands->processes->engine, MESSAGE_CLEAR, &clear, sizeof(clear));
    return CONTROL_OK;
}

/* ---- The summary ----------------------------------------------------------------------------------- */

/* Appends a tunnel's line. `sa` is memory to read an SA. */
static void summarize(const struct commands *commands, const struct sa_list *list,
                      const struct tunnel *tunnel, struct ike_record *sa, struct summary *summary,
                      struct text *out)
{
    const struct path_totals totals = tunnel_table_totals(&commands->tunnels->table, tunnel);
    struct summary_row row = {
        .policy = &tunnel->policy,
        .packets_out = totals.counters[ESP_OUT_PACKETS],
        .packets_in = totals.counters[ESP_IN_PACKETS],
    };
    struct state_record memory = {0};
    size_t count;
    const struct sa_list_entry *entries = sa_list_of(list, tunnel->policy.tunnel, &count);
    bool has_sa = sa_list_read_best(commands->records, entries, count, &memory, sa);
    tunnel_summary_fill(tunnel, has_sa ? sa : NULL, &row);
    show_summary_row(summary, &row, out);
    state_record_free(&memory);
}

static enum control_status show_ikev2_summary(const struct commands *commands,
                                              const struct command_line *line, struct text *out)
{
    const struct tunnel_table *table = &commands->tunnels->table;
    struct summary summary = {0};
    struct sa_list list;
    struct ike_record *sa = malloc(sizeof(*sa));
    (void)line;
    if (sa == NULL || !sa_list_fill(&list, commands->records, 0)) {
        free(sa);
        return commands_no_memory(out);
    }
    show_summary_heading(out);
    for (size_t i = 0; i < table->count; i++)
        summarize(commands, &list, table->tunnels[i], sa, &summary, out);
    show_summary_total(&summary, out);
    sa_list_free(&list);
    secret_free(sa, sizeof(*sa));
    return CONTROL_OK;
}

/* ---- Statistics ------------------------------------------------------------------------------------- */

static enum control_status show_ikev2_statistics(const struct commands *commands,
                                                 const struct command_line *line, struct text *out)
{
    const struct engine_statistics engine = statistics_of_engine(commands->statistics);
    const struct path_worker_counters path = statistics_of_path(commands->statistics);
    (void)line;
    show_ike_statistics(engine.counters, &path, out);
    return CONTROL_OK;
}

static enum control_status clear_ikev2_statistics(const struct commands *commands,
                                                  const struct command_line *line, struct text *out)
{
    (void)line;
    (void)out;
    tunnel_table_clear_totals(&commands->tunnels->table);
    statistics_clear(commands->statistics);
    return CONTROL_OK;
}

/* ---- The table --------------------------------------------------------------------------------------- */

command_runner *ikev2_command(enum command_id id)
{
    static const struct {
        enum command_id id;
        command_runner *run;
    } runners[] = {
        {COMMAND_SHOW_IKEV2_SA, show_ikev2_sa},
        {COMMAND_SHOW_IKEV2_CHILD_SA, show_ikev2_child_sa},
        {COMMAND_SHOW_IKEV2_EXPLAIN, show_ikev2_explain},
        {COMMAND_SHOW_IKEV2_SUMMARY, show_ikev2_summary},
        {COMMAND_SHOW_IKEV2_STATISTICS, show_ikev2_statistics},
        {COMMAND_CLEAR_IKEV2_SA, clear_ikev2_sa},
        {COMMAND_CLEAR_IKEV2_STATISTICS, clear_ikev2_statistics},
    };
    for (size_t i = 0; i < sizeof(runners) / sizeof(runners[0]); i++) {
        if (runners[i].id == id)
            return runners[i].run;
    }
    return NULL;
}
