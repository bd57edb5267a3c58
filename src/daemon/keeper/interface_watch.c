#include "daemon/keeper/interface_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/survey.h"
#include "daemon/ipc/clock.h"
#include "daemon/show/interfaces.h"

/* ---- Ports -------------------------------------------------------------------------------------------- */

static bool is_port(const struct configured_interface *interface)
{
    return interface->parts.kind == INTERFACE_GIGA_ETHERNET;
}

static const struct inventory_link *link_of(const struct interface_watch *watch,
                                            const struct configured_interface *port)
{
    char name[HOST_LINK_NAME_SIZE] = "";
    (void)port_table_find(watch->ports, port->name, name, NULL);
    return inventory_find_name(host_inventory(watch->host->host), name);
}

static enum interface_cause port_cause(const struct interface_watch *watch,
                                       const struct configured_interface *port)
{
    if (port->admin == ADMIN_DOWN)
        return INTERFACE_SHUTDOWN;
    return show_link_problem(link_of(watch, port)) != NULL ? INTERFACE_NO_LINK : INTERFACE_UP;
}

static void explain_port(const struct interface_watch *watch, const struct configured_interface *port,
                         struct text *out)
{
    char name[HOST_LINK_NAME_SIZE] = "none";
    (void)port_table_find(watch->ports, port->name, name, NULL);
    if (port->admin == ADMIN_DOWN)
        text_print(out, "shutdown");
    else
        text_print(out, "%s (%s)", show_link_problem(link_of(watch, port)), name);
}

/* What was told of a port; the next ones are usually asked for in the same order. */
static struct told_interface *told_of_port(const struct interface_watch *watch, const char *name, size_t *at)
{
    for (size_t i = 0; i < watch->watched_count; i++) {
        size_t place = (*at + i) % watch->watched_count;
        if (strcmp(watch->watched[place].name, name) == 0) {
            *at = place + 1;
            return &watch->watched[place].told;
        }
    }
    return NULL;
}

/* Takes in which ports the config has now; what was told of those that stay is kept. */
static void list_ports(struct interface_watch *watch)
{
    const struct host_settings *settings = &watch->configuration->settings;
    struct watched_port *ports = calloc(settings->interface_count + 1, sizeof(*ports));
    size_t count = 0, at = 0;
    if (ports == NULL)
        return;
    for (size_t i = 0; i < settings->interface_count; i++) {
        if (!is_port(&settings->interfaces[i]))
            continue;
        struct watched_port *port = &ports[count++];
        const struct told_interface *told = told_of_port(watch, settings->interfaces[i].name, &at);
        (void)snprintf(port->name, sizeof(port->name), "%s", settings->interfaces[i].name);
        if (told != NULL)
            port->told = *told;
    }
    free(watch->watched);
    watch->watched = ports;
    watch->watched_count = count;
}

/* A port that was not seen before and is shut down is as its config wants it. */
static bool is_as_wanted(const struct told_interface *told, enum interface_cause cause)
{
    return cause == INTERFACE_SHUTDOWN && !told->is_known;
}

static void look_at_ports(struct interface_watch *watch, bool missing_only)
{
    const struct host_settings *settings = &watch->configuration->settings;
    size_t at = 0;
    for (size_t i = 0; i < settings->interface_count; i++) {
        const struct configured_interface *port = &settings->interfaces[i];
        struct told_interface *told = is_port(port) ? told_of_port(watch, port->name, &at) : NULL;
        if (told == NULL)
            continue;
        const struct interface_change change = {
            .name = port->name, .told = told, .cause = port_cause(watch, port), .what = port};
        if (missing_only && (change.cause != INTERFACE_NO_LINK || link_of(watch, port) != NULL))
            continue;
        if (is_as_wanted(told, change.cause))
            *told = (struct told_interface){.is_known = true, .cause = INTERFACE_SHUTDOWN};
        interface_news_add(&watch->news, &change, clock_now(), false);
    }
}

/* ---- Tunnels ------------------------------------------------------------------------------------------ */

static const enum interface_cause causes[] = {
    [TUNNEL_PROBLEM_NONE] = INTERFACE_UP,        [TUNNEL_PROBLEM_SHUTDOWN] = INTERFACE_SHUTDOWN,
    [TUNNEL_PROBLEM_GAP] = INTERFACE_INCOMPLETE, [TUNNEL_PROBLEM_DEVICE] = INTERFACE_NO_DEVICE,
    [TUNNEL_PROBLEM_PATH] = INTERFACE_NO_DEVICE, [TUNNEL_PROBLEM_ROUTE] = INTERFACE_NO_ROUTE,
    [TUNNEL_PROBLEM_WAITS] = INTERFACE_WAITS,    [TUNNEL_PROBLEM_NO_SA] = INTERFACE_NO_SA,
};

static struct tunnel_problem_sources sources_of(const struct interface_watch *watch)
{
    return (struct tunnel_problem_sources){watch->configuration, watch->ports,
                                           host_inventory(watch->host->host)};
}

/* A peer that has to begin has some time for it, in which its tunnel is as one whose negotiation runs. */
static enum interface_cause after_peer_time(struct interface_watch *watch, const struct told_interface *told,
                                            msec_t now)
{
    msec_t due = (told->is_known ? told->since : now) + INTERFACE_WATCH_PEER_TIME;
    bool was_up = told->is_known && told->cause == INTERFACE_UP;
    if (was_up || told->cause == INTERFACE_WAITS || now >= due)
        return INTERFACE_WAITS;
    if (due < watch->waits_due)
        watch->waits_due = due;
    return INTERFACE_NO_SA;
}

static void look_at_tunnel(struct interface_watch *watch, struct tunnel *tunnel, msec_t now)
{
    const struct tunnel_problem_sources from = sources_of(watch);
    struct interface_change change = {.name = tunnel->policy.name, .told = &tunnel->told, .what = tunnel};
    bool is_meant = tunnel->policy.defined || tunnel->told.is_known;
    if (tunnel->leaving || !is_meant || tunnel->stage == TUNNEL_ADDING)
        return;
    change.cause = causes[tunnel_problem_of(tunnel)];
    if (change.cause == INTERFACE_WAITS)
        change.cause = after_peer_time(watch, &tunnel->told, now);
    if (change.cause == INTERFACE_NO_ROUTE && tunnel->told.cause != INTERFACE_NO_ROUTE)
        change.port = tunnel_problem_port(&from, tunnel);
    interface_news_add(&watch->news, &change, now, !watch->has_looked);
}

/* S48: packets of a route into the Tunnel that take another route now, in the clear. */
static void print_leak(const struct interface_watch *watch, const char *tunnel, struct text *out)
{
    const struct inventory *inventory = host_inventory(watch->host->host);
    struct ip_prefix leaking;
    struct host_route_answer answer;
    struct host_error reason;
    char prefix[IP_TEXT_SIZE];
    char name[PORT_NAME_SIZE];
    if (!survey_leak(watch->configuration->config, tunnel, &leaking))
        return;
    const struct host_route_question question = {.destination = leaking.address};
    if (!host_lookup(watch->host->host, &question, &answer, &reason) || answer.kind != HOST_ROUTE_UNICAST)
        return;
    const struct inventory_link *link = inventory_find(inventory, answer.link);
    if (link == NULL || link->is.ours)
        return;
    if (!port_table_find_link(watch->ports, link->is.name, name))
        (void)snprintf(name, sizeof(name), "%s", link->is.name);
    text_print(out, "; meanwhile packets for %s leave in the clear by %s", ip_prefix_format(&leaking, prefix),
               name);
}

static void explain_tunnel(const struct interface_watch *watch, const struct interface_change *change,
                           struct text *out)
{
    const struct tunnel_problem_sources from = sources_of(watch);
    size_t begin = out->length;
    tunnel_problem_print(&from, change->what, out);
    tunnel_problem_print_port(change->port, text_get(out) + begin, out);
    if (change->cause == INTERFACE_WAITS)
        text_print(out, "; if the peer waits too, nobody begins");
    print_leak(watch, change->name, out);
}

/* ---- Looking ------------------------------------------------------------------------------------------ */

static void explain(void *context, const struct interface_change *change, struct text *out)
{
    const struct interface_watch *watch = context;
    const struct configured_interface *interface =
        host_settings_interface(&watch->configuration->settings, change->name);
    if (change->what == interface)
        explain_port(watch, interface, out);
    else
        explain_tunnel(watch, change, out);
}

static void start_timer(struct interface_watch *watch, msec_t delay);

static void look(struct interface_watch *watch)
{
    msec_t now = clock_now();
    watch->is_due = false;
    watch->waits_due = MSEC_NEVER;
    list_ports(watch);
    look_at_ports(watch, false);
    for (size_t i = 0; i < watch->tunnels->count; i++)
        look_at_tunnel(watch, watch->tunnels->tunnels[i], now);
    interface_news_tell(&watch->news, now);
    watch->has_looked = true;
    if (watch->waits_due != MSEC_NEVER)
        start_timer(watch, watch->waits_due - now + INTERFACE_WATCH_DELAY); /* for those that follow soon */
}

static void timer_due(uv_timer_t *timer)
{
    look(timer->data);
}

static void start_timer(struct interface_watch *watch, msec_t delay)
{
    (void)uv_timer_start(&watch->timer, timer_due, delay, 0);
}

void interface_watch_schedule(struct interface_watch *watch)
{
    if (!watch->is_open || watch->is_due)
        return;
    watch->is_due = true;
    start_timer(watch, watch->has_looked ? INTERFACE_WATCH_DELAY : INTERFACE_WATCH_START);
}

void interface_watch_tell_missing(struct interface_watch *watch)
{
    if (watch->has_looked)
        return;
    list_ports(watch);
    look_at_ports(watch, true);
    interface_news_tell(&watch->news, clock_now());
}

void interface_watch_open(struct interface_watch *watch, uv_loop_t *loop, const struct keeper_host *host,
                          struct event_log *log, const struct configuration *configuration,
                          const struct port_table *ports, const struct tunnel_table *tunnels)
{
    *watch = (struct interface_watch){
        .host = host,
        .configuration = configuration,
        .ports = ports,
        .tunnels = tunnels,
        .news = {.log = log, .explain = explain, .context = watch},
        .is_open = true,
    };
    (void)uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
}

void interface_watch_stop(struct interface_watch *watch)
{
    if (watch->is_open)
        (void)uv_timer_stop(&watch->timer);
    watch->is_due = true;
}

void interface_watch_close(struct interface_watch *watch)
{
    if (!watch->is_open)
        return;
    watch->is_open = false;
    uv_close((uv_handle_t *)&watch->timer, NULL);
    interface_news_free(&watch->news);
    free(watch->watched);
    watch->watched = NULL;
    watch->watched_count = 0;
}
