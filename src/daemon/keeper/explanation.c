#include "daemon/keeper/explanation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/short_text.h"
#include "config/setting_lines.h"
#include "daemon/ipc/clock.h"
#include "daemon/keeper/dead_next_hop.h"
#include "daemon/keeper/tunnel_problem.h"
#include "daemon/show/explain.h"
#include "daemon/show/ike_sa.h"

/* ---- The steps before IKE ---------------------------------------------------------------------------- */

static enum explain_step step_of_route(enum route_problem problem)
{
    switch (problem) {
    case ROUTE_FOUND:
        break;
    case ROUTE_NOT_COMPLETE:
        return EXPLAIN_CONFIG;
    case ROUTE_UNRESOLVED:
        return EXPLAIN_NAME;
    case ROUTE_INTERFACE_DOWN:
        return EXPLAIN_LINK;
    case ROUTE_NO_SOURCE:
    case ROUTE_SOURCE_GONE:
    case ROUTE_OTHER_FAMILY:
        return EXPLAIN_ADDRESS;
    case ROUTE_NONE:
    case ROUTE_RECURSIVE:
    case ROUTE_OTHER_INTERFACE:
    case ROUTE_NOT_PINNED:
        return EXPLAIN_ROUTE;
    }
    return EXPLAIN_STEP_COUNT;
}

/* `port`: the one whose link is the cause, or NULL. */
static struct explained_problem problem_of(const struct tunnel *tunnel, const char *text, const char *port)
{
    struct explained_problem problem = {EXPLAIN_STEP_COUNT, text, 0};
    if (text[0] == '\0')
        return problem;
    if (tunnel->policy.shut_down || tunnel->policy.gap != GAP_NONE) {
        problem.step = EXPLAIN_CONFIG;
        problem.since = tunnel->policy.shut_down ? tunnel->summary_since : tunnel->configured;
    } else if (tunnel->stage != TUNNEL_THERE) {
        problem.step = EXPLAIN_DEVICE;
    } else {
        problem.step = port != NULL ? EXPLAIN_LINK : step_of_route(tunnel->route.found.problem);
        problem.since = tunnel->route.since;
    }
    return problem;
}

/* Appends why the tunnel is down, and returns the port whose link is the cause; NULL if it is none. */
static const char *print_problem(const struct tunnel_problem_sources *sources, const struct tunnel *tunnel,
                                 struct text *out)
{
    bool is_route = tunnel_problem_of(tunnel) == TUNNEL_PROBLEM_ROUTE;
    const char *port = is_route ? tunnel_problem_port(sources, tunnel) : NULL;
    tunnel_problem_print(sources, tunnel, out);
    tunnel_problem_print_port(port, text_get(out), out);
    return port;
}

enum { LINK_WORDS_SIZE = PORT_NAME_SIZE + HOST_LINK_NAME_SIZE + 4 };

/* The link by which packets leave, in the router's words and in Linux's; NULL if it is not known. */
static const char *link_words(const struct commands *commands, const struct tunnel *tunnel,
                              char out[LINK_WORDS_SIZE])
{
    const struct inventory *inventory = host_inventory(commands->host->host);
    const struct inventory_link *link = inventory_find(inventory, tunnel->route.found.link);
    char name[PORT_NAME_SIZE];
    if (link == NULL)
        return NULL;
    if (port_table_find_link(&commands->running->ports, link->is.name, name))
        (void)snprintf(out, LINK_WORDS_SIZE, "%s (%s)", name, link->is.name);
    else
        (void)snprintf(out, LINK_WORDS_SIZE, "%s", link->is.name);
    return out;
}

/* ---- Packets ----------------------------------------------------------------------------------------- */

enum { ROUTES_WORDS_SIZE = 256 };

/* The routes of the config that lead into a tunnel; NULL if there are none. */
static const char *routes_words(const struct host_settings *settings, const char *name,
                                char out[ROUTES_WORDS_SIZE])
{
    struct short_text text = short_text_in(out, ROUTES_WORDS_SIZE);
    bool any = false;
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct configured_route *route = &settings->routes[i];
        struct setting_lines lines = {0};
        char prefix[IP_TEXT_SIZE];
        char lines_text[SETTING_LINES_TEXT_SIZE];
        if (route->target == ROUTE_BLACKHOLE || strcmp(route->interface, name) != 0)
            continue;
        setting_lines_add_line(&lines, route->line);
        short_text_add(&text, "%s%s of %s", any ? ", " : "", ip_prefix_format(&route->prefix, prefix),
                       setting_lines_format(&lines, lines_text));
        any = true;
    }
    return any ? out : NULL;
}

/* The live state of a Child SA; NULL if there is none. */
static const struct esp_live *live_of(const struct live_area *live, const struct ike_child_record *child)
{
    if (!child->installed || child->live_slot >= live->size.children)
        return NULL;
    const struct esp_live *at = &live->children[child->live_slot];
    return at->inbound_spi == child->inbound.spi ? at : NULL;
}

/* Takes in what is known of the packets of an IKE SA's Child SAs. */
static void look_at_packets(const struct live_area *live, const struct ike_record *sa,
                            struct explained_tunnel *out)
{
    for (size_t i = 0; i < sa->child_count; i++) {
        const struct ike_child_record *child = &sa->children[i];
        const struct esp_live *at = live_of(live, child);
        if (at == NULL)
            continue;
        msec_t heard = esp_live_heard(at);
        msec_t silent = show_child_is_live(child) ? esp_live_silent_since(at) : 0;
        if (heard > out->heard)
            out->heard = heard;
        if (silent != 0 && (out->silent == 0 || silent < out->silent))
            out->silent = silent;
    }
}

/* ---- The whole --------------------------------------------------------------------------------------- */

static void print(const struct commands *commands, const struct tunnel *tunnel, const struct ike_record *sa,
                  const struct explained_problem *problem, struct text *out)
{
    char link[LINK_WORDS_SIZE];
    char routes[ROUTES_WORDS_SIZE];
    char dead[DEAD_NEXT_HOP_SIZE];
    const struct host_settings *settings = &commands->running->configuration.settings;
    const struct found_route *route = &tunnel->route.found;
    const struct tunnel_table *table = &commands->tunnels->table;
    const struct path_totals totals = tunnel_table_totals(table, tunnel);
    const struct tunnel_failure *failure = &tunnel->failure;
    struct explained_tunnel explained = {
        .policy = &tunnel->policy,
        .configured = tunnel->configured,
        .problem = *problem,
        .link = link_words(commands, tunnel, link),
        .source = route->to_peer.local,
        .peer = route->to_peer.remote,
        .next_hop = route->next_hop,
        .dead_next_hop =
            dead_next_hop_write(host_netlink(commands->host->host), settings, tunnel, dead) ? dead : NULL,
        .routed = tunnel->route.since,
        .sa = sa,
        .now = clock_now(),
        .wall = clock_wall_now(),
        .old_keys =
            used_keys_compare(&tunnel->used_keys, commands->running->configuration.keys, &tunnel->policy),
        .failure = {failure->text != NULL ? failure->step : IKE_STEP_NONE, failure->text, failure->at,
                    failure->since, failure->count},
        .history = &tunnel->history,
        .totals = &totals,
        .routes = routes_words(settings, tunnel->policy.name, routes),
    };
    if (sa != NULL)
        look_at_packets(table->live, sa, &explained);
    show_explanation(&explained, out);
}

void explanation_print(const struct commands *commands, const struct tunnel *tunnel,
                       const struct sa_list_entry *entries, size_t count, struct text *out)
{
    const struct tunnel_problem_sources sources = {
        .configuration = &commands->running->configuration,
        .ports = &commands->running->ports,
        .inventory = host_inventory(commands->host->host),
    };
    struct state_record memory = {0};
    struct ike_record *sa = malloc(sizeof(*sa));
    struct text text = {0};
    bool has_sa = sa != NULL && sa_list_read_best(commands->records, entries, count, &memory, sa);
    const char *port = print_problem(&sources, tunnel, &text);
    const struct explained_problem problem = problem_of(tunnel, text_get(&text), port);
    print(commands, tunnel, has_sa ? sa : NULL, &problem, out);
    out->failed |= sa == NULL;
    text_free(&text);
    secret_free(sa, sizeof(*sa));
    state_record_free(&memory);
}
