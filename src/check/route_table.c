#include "check/route_table.h"

#include <stdlib.h>
#include <string.h>

/* A prefix has at most this many less specific ones of its family, itself included. */
enum { NESTED_MAX = 129 };

bool interface_is_shut_down(const struct section *interface)
{
    const struct setting *s = section_setting(interface, COMMAND_SHUTDOWN);
    return s != NULL && !s->line.negated;
}

static size_t count_row(const struct section *section, enum command_id id)
{
    size_t count = 0;
    for (const struct setting *s = section_setting(section, id); s != NULL; s = setting_next_of_row(s))
        count++;
    return count;
}

/* ---- Addresses ------------------------------------------------------------------------------------- */

static int compare_addresses(const void *a, const void *b)
{
    const struct own_address *x = a, *y = b;
    int order = ip_address_compare(&x->prefix.address, &y->prefix.address);
    if (order != 0)
        return order;
    return (x->setting->source.line > y->setting->source.line) -
           (x->setting->source.line < y->setting->source.line);
}

static void add_addresses(struct own_addresses *out, const struct setting *header, enum command_id id)
{
    if (interface_is_shut_down(header->under))
        return;
    const struct setting *s = section_setting(header->under, id);
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct own_address *address = &out->items[out->count];
        *address = (struct own_address){
            .setting = s, .interface = header->under, .name = line_argument(&header->line, "interface")};
        out->count += line_prefix(&s->line, "address", &address->prefix);
    }
}

bool own_addresses_read(const struct config *config, struct own_addresses *out)
{
    size_t count = 0;
    const struct setting *first = section_setting(config_global(config), COMMAND_INTERFACE);
    for (const struct setting *s = first; s != NULL; s = setting_next_of_row(s))
        count += count_row(s->under, COMMAND_IP_ADDRESS) + count_row(s->under, COMMAND_IPV6_ADDRESS);
    *out = (struct own_addresses){.items = calloc(count + 1, sizeof *out->items)};
    if (out->items == NULL)
        return false;
    for (const struct setting *s = first; s != NULL; s = setting_next_of_row(s)) {
        add_addresses(out, s, COMMAND_IP_ADDRESS);
        add_addresses(out, s, COMMAND_IPV6_ADDRESS);
    }
    qsort(out->items, out->count, sizeof *out->items, compare_addresses);
    return true;
}

void own_addresses_free(struct own_addresses *addresses)
{
    free(addresses->items);
    *addresses = (struct own_addresses){0};
}

const struct own_address *own_addresses_find(const struct own_addresses *addresses,
                                             const struct ip_address *address)
{
    size_t low = 0, high = addresses->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ip_address_compare(&addresses->items[middle].prefix.address, address);
        if (order == 0)
            return &addresses->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Routes ---------------------------------------------------------------------------------------- */

/* Less specific prefixes come before those that they contain; of one prefix the best route is the last. */
static int compare_routes(const void *a, const void *b)
{
    const struct known_route *x = a, *y = b;
    int order = ip_address_compare(&x->prefix.address, &y->prefix.address);
    if (order == 0)
        order = x->prefix.length - y->prefix.length;
    if (order == 0)
        order = (x->distance < y->distance) - (x->distance > y->distance);
    if (order == 0)
        order = (x->setting->source.line < y->setting->source.line) -
                (x->setting->source.line > y->setting->source.line);
    return order;
}

/* Sorts the routes, and finds for each the next wider one. */
static void link_routes(struct route_table *routes)
{
    size_t outer[NESTED_MAX];
    size_t depth = 0;
    qsort(routes->items, routes->count, sizeof *routes->items, compare_routes);
    for (size_t i = 0; i < routes->count; i++) {
        const struct ip_prefix *prefix = &routes->items[i].prefix;
        while (depth > 0 && !ip_prefix_contains(&routes->items[outer[depth - 1]].prefix, &prefix->address))
            depth--;
        /* Of several routes of one prefix the last one, which is the best, stands for all. */
        if (depth > 0 && routes->items[outer[depth - 1]].prefix.length == prefix->length) {
            routes->items[i].wider = routes->items[outer[depth - 1]].wider;
            outer[depth - 1] = i;
        } else {
            routes->items[i].wider = depth > 0 ? outer[depth - 1] + 1 : 0;
            outer[depth++] = i;
        }
    }
}

static void add_networks(struct route_table *routes, const struct own_addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct own_address *own = &addresses->items[i];
        if (own->interface->mode == MODE_LOOPBACK)
            continue;
        struct ip_prefix prefix = own->prefix;
        prefix.address = ip_prefix_first(&prefix);
        routes->items[routes->count++] =
            (struct known_route){.prefix = prefix, .setting = own->setting, .interface = own->name};
    }
}

static void add_routes(struct route_table *routes, const struct setting *s, enum ip_family family,
                       const struct route_table *networks)
{
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct known_route route = {.prefix.address.family = family, .distance = 1, .setting = s};
        struct ip_address hop;
        char named[INTERFACE_NAME_SIZE]; /* behind % */
        if (line_prefix(&s->line, "prefix", &route.prefix))
            route.prefix.address = ip_prefix_first(&route.prefix);
        (void)line_number(&s->line, "distance", &route.distance);
        route.interface = line_argument(&s->line, "interface");
        if (line_next_hop(&s->line, &hop, named) && named[0] == '\0') {
            const struct known_route *network = route_table_find(networks, &hop);
            route.interface = network == NULL ? NULL : network->interface;
        }
        routes->items[routes->count++] = route;
    }
}

bool networks_read(const struct own_addresses *addresses, struct route_table *out)
{
    *out = (struct route_table){.items = calloc(addresses->count + 1, sizeof *out->items)};
    if (out->items == NULL)
        return false;
    add_networks(out, addresses);
    link_routes(out);
    return true;
}

bool route_table_read(const struct config *config, const struct own_addresses *addresses,
                      const struct route_table *networks, struct route_table *out)
{
    const struct section *global = config_global(config);
    size_t count =
        addresses->count + count_row(global, COMMAND_IP_ROUTE) + count_row(global, COMMAND_IPV6_ROUTE);
    *out = (struct route_table){.items = calloc(count + 1, sizeof *out->items)};
    if (out->items == NULL)
        return false;
    add_networks(out, addresses);
    add_routes(out, section_setting(global, COMMAND_IP_ROUTE), IP_V4, networks);
    add_routes(out, section_setting(global, COMMAND_IPV6_ROUTE), IP_V6, networks);
    link_routes(out);
    return true;
}

void route_table_free(struct route_table *routes)
{
    free(routes->items);
    *routes = (struct route_table){0};
}

/* The number of routes whose prefix begins at or before the address. */
static size_t count_before(const struct route_table *routes, const struct ip_address *address)
{
    size_t low = 0, high = routes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ip_address_compare(&routes->items[middle].prefix.address, address) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct known_route *route_table_find(const struct route_table *routes, const struct ip_address *address)
{
    size_t at = count_before(routes, address);
    while (at > 0 && !ip_prefix_contains(&routes->items[at - 1].prefix, address))
        at = routes->items[at - 1].wider;
    return at > 0 ? &routes->items[at - 1] : NULL;
}
