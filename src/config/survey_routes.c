#include <stdlib.h>
#include <string.h>

#include "config/survey.h"

/* A prefix has at most this many less specific ones of its family, itself included. */
enum { NESTED_MAX = 129 };

/* What becomes of a packet that a route holds for. */
enum leads {
    LEADS_INTO_TUNNEL,
    LEADS_NOWHERE, /* Null0.0 */
    LEADS_OUTSIDE, /* in the clear */
};

struct surveyed_route {
    struct ip_prefix prefix; /* without host bits */
    enum leads leads;
    uint32_t distance;
    const struct setting *setting;
};

struct surveyed_routes {
    struct surveyed_route *items;
    size_t count;
    struct ip_prefix *networks; /* of Tunnels, sorted: a next hop may be behind one */
    size_t network_count;
};

static bool is_tunnel(const char *interface)
{
    return strncmp(interface, "Tunnel", strlen("Tunnel")) == 0;
}

static int compare_prefixes(const void *a, const void *b)
{
    const struct ip_prefix *x = a, *y = b;
    int order = ip_address_compare(&x->address, &y->address);
    return order != 0 ? order : x->length - y->length;
}

/* Less specific prefixes come before those that they contain. */
static int compare_routes(const void *a, const void *b)
{
    const struct surveyed_route *x = a, *y = b;
    int order = compare_prefixes(&x->prefix, &y->prefix);
    if (order == 0)
        order = (x->distance > y->distance) - (x->distance < y->distance);
    if (order == 0)
        order = (x->setting->source.line > y->setting->source.line) -
                (x->setting->source.line < y->setting->source.line);
    return order;
}

/* Networks of Tunnels overlap nowhere in a config that works: looking at the nearest one is enough. */
static bool is_behind_tunnel(const struct surveyed_routes *routes, const struct ip_address *hop)
{
    size_t low = 0, high = routes->network_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ip_address_compare(&routes->networks[middle].address, hop) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && ip_prefix_contains(&routes->networks[low - 1], hop);
}

static enum leads leads_of(const struct surveyed_routes *routes, const struct setting *s)
{
    struct ip_address hop;
    const char *interface = line_argument(&s->line, "interface");
    if (line_address(&s->line, "next-hop", &hop))
        return is_behind_tunnel(routes, &hop) ? LEADS_INTO_TUNNEL : LEADS_OUTSIDE;
    if (interface == NULL)
        return LEADS_NOWHERE;
    return is_tunnel(interface) ? LEADS_INTO_TUNNEL : LEADS_OUTSIDE;
}

static void read_routes(struct surveyed_routes *routes, const struct setting *s, enum ip_family family)
{
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct surveyed_route route = {.prefix.address.family = family, .distance = 1, .setting = s};
        if (line_prefix(&s->line, "prefix", &route.prefix))
            route.prefix.address = ip_prefix_first(&route.prefix);
        (void)line_number(&s->line, "distance", &route.distance);
        route.leads = leads_of(routes, s);
        routes->items[routes->count++] = route;
    }
}

static void read_networks(struct surveyed_routes *routes, const struct setting *s)
{
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct ip_prefix *network = &routes->networks[routes->network_count];
        if (!line_prefix(&s->line, "address", network))
            continue;
        network->address = ip_prefix_first(network);
        routes->network_count++;
    }
}

static size_t count_row(const struct section *section, enum command_id id)
{
    size_t count = 0;
    for (const struct setting *s = section_setting(section, id); s != NULL; s = setting_next_of_row(s))
        count++;
    return count;
}

/* Calls for each Tunnel: the number of its addresses if `routes` is NULL, else reads them. */
static size_t walk_tunnels(const struct section *global, struct surveyed_routes *routes)
{
    size_t count = 0;
    const struct setting *s = section_setting(global, COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s)) {
        if (s->under->mode != MODE_TUNNEL)
            continue;
        count += count_row(s->under, COMMAND_IP_ADDRESS) + count_row(s->under, COMMAND_IPV6_ADDRESS);
        if (routes == NULL)
            continue;
        read_networks(routes, section_setting(s->under, COMMAND_IP_ADDRESS));
        read_networks(routes, section_setting(s->under, COMMAND_IPV6_ADDRESS));
    }
    return count;
}

static bool read_all(const struct section *global, struct surveyed_routes *routes)
{
    size_t count = count_row(global, COMMAND_IP_ROUTE) + count_row(global, COMMAND_IPV6_ROUTE);
    routes->items = calloc(count + 1, sizeof *routes->items);
    routes->networks = calloc(walk_tunnels(global, NULL) + 1, sizeof *routes->networks);
    if (routes->items == NULL || routes->networks == NULL)
        return false;
    (void)walk_tunnels(global, routes);
    qsort(routes->networks, routes->network_count, sizeof *routes->networks, compare_prefixes);
    read_routes(routes, section_setting(global, COMMAND_IP_ROUTE), IP_V4);
    read_routes(routes, section_setting(global, COMMAND_IPV6_ROUTE), IP_V6);
    qsort(routes->items, routes->count, sizeof *routes->items, compare_routes);
    return true;
}

/* The routes of one prefix. */
struct route_group {
    const struct surveyed_route *first;
    const struct surveyed_route *into_tunnel; /* the best one; NULL if there is none */
    const struct surveyed_route *other;       /* the best that leads into no Tunnel; NULL if there is none */
    size_t count;
};

static struct route_group group_at(const struct surveyed_routes *routes, size_t at)
{
    struct route_group group = {.first = &routes->items[at]};
    for (; at < routes->count && compare_prefixes(&routes->items[at].prefix, &group.first->prefix) == 0;
         at++) {
        const struct surveyed_route *route = &routes->items[at];
        const struct surveyed_route **best =
            route->leads == LEADS_INTO_TUNNEL ? &group.into_tunnel : &group.other;
        if (*best == NULL)
            *best = route;
        group.count++;
    }
    return group;
}

/* Is told of a route into a Tunnel and of the one that takes over in the clear. False: it is the last one
 * that is wanted. */
typedef bool found_leak(void *context, const struct surveyed_route *route,
                        const struct surveyed_route *instead);

/* Finds the leaks of a config. A route of the same prefix that leads outside is its author's choice, one to
 * Null0.0 the mend. */
static void find_leaks(const struct config *config, found_leak *tell, void *context)
{
    struct surveyed_routes routes = {0};
    const struct surveyed_route *outer[NESTED_MAX]; /* those that hold for what goes into no Tunnel */
    size_t depth = 0;
    bool goes_on = true;
    if (!read_all(config_global(config), &routes))
        routes.count = 0;
    for (size_t at = 0; at < routes.count && goes_on;) {
        const struct route_group group = group_at(&routes, at);
        while (depth > 0 && !ip_prefix_contains(&outer[depth - 1]->prefix, &group.first->prefix.address))
            depth--;
        if (group.into_tunnel != NULL && group.other == NULL && depth > 0 &&
            outer[depth - 1]->leads == LEADS_OUTSIDE)
            goes_on = tell(context, group.into_tunnel, outer[depth - 1]);
        if (group.other != NULL)
            outer[depth++] = group.other;
        at += group.count;
    }
    free(routes.items);
    free(routes.networks);
}

static bool warn(void *context, const struct surveyed_route *route, const struct surveyed_route *instead)
{
    const struct survey *survey = context;
    char prefix[IP_TEXT_SIZE], wider[IP_TEXT_SIZE];
    const char *interface = line_argument(&route->setting->line, "interface");
    (void)survey_warn(survey, route->setting,
                      "while %s is down, packets for %s leave in the clear by the route to %s: `%s route %s "
                      "Null0.0 distance 255` drops them",
                      interface != NULL ? interface : "its Tunnel", ip_prefix_format(&route->prefix, prefix),
                      ip_prefix_format(&instead->prefix, wider),
                      route->prefix.address.family == IP_V6 ? "ipv6" : "ip", prefix);
    return true;
}

void survey_routes(const struct survey *survey)
{
    struct survey copy = *survey;
    find_leaks(survey->config, warn, &copy);
}

/* The leak of one Tunnel that is looked for. */
struct wanted_leak {
    const char *tunnel;
    struct ip_prefix *out;
    bool is_found;
};

static bool take(void *context, const struct surveyed_route *route, const struct surveyed_route *instead)
{
    struct wanted_leak *wanted = context;
    const char *interface = line_argument(&route->setting->line, "interface");
    (void)instead;
    wanted->is_found = interface != NULL && strcmp(interface, wanted->tunnel) == 0;
    if (wanted->is_found)
        *wanted->out = route->prefix;
    return !wanted->is_found;
}

bool survey_leak(const struct config *config, const char *tunnel, struct ip_prefix *out)
{
    struct wanted_leak wanted = {.tunnel = tunnel, .out = out};
    find_leaks(config, take, &wanted);
    return wanted.is_found;
}
