/*
 * The addresses and routes of a config, sorted, so that one is found in a time that grows with the logarithm
 * of their number.
 */
#ifndef MUSUBI_CHECK_ROUTE_TABLE_H
#define MUSUBI_CHECK_ROUTE_TABLE_H

#include "config/model.h"

/* An `ip address` or `ipv6 address` line. */
struct own_address {
    struct ip_prefix prefix; /* with the host bits */
    const struct setting *setting;
    const struct section *interface;
    const char *name; /* of the interface */
};

/* By address. */
struct own_addresses {
    struct own_address *items;
    size_t count;
};

/* A route of the config, or the network of an interface. */
struct known_route {
    struct ip_prefix prefix; /* without host bits */
    uint32_t distance;       /* 0: a network */
    const struct setting *setting;
    const char *interface; /* that it leads to, in the end; NULL: not known, or Null0.0 */
    size_t wider;          /* index of the next less specific one, plus 1; 0: there is none */
};

struct route_table {
    struct known_route *items;
    size_t count;
};

/* Read the config without the interfaces that are shut down. False if memory ran out; the result is to be
 * freed in any case. networks_read takes the networks of interfaces that are no Loopbacks, route_table_read
 * these and the routes. */
bool own_addresses_read(const struct config *config, struct own_addresses *out);
void own_addresses_free(struct own_addresses *addresses);
bool networks_read(const struct own_addresses *addresses, struct route_table *out);
bool route_table_read(const struct config *config, const struct own_addresses *addresses,
                      const struct route_table *networks, struct route_table *out);
void route_table_free(struct route_table *routes);

/* The line that gives this device an address; NULL if none does. */
const struct own_address *own_addresses_find(const struct own_addresses *addresses,
                                             const struct ip_address *address);

/* The route by which packets to an address leave: the most specific one, of these that of the least distance;
 * NULL if there is none. */
const struct known_route *route_table_find(const struct route_table *routes,
                                           const struct ip_address *address);

/* True if an interface is shut down. */
bool interface_is_shut_down(const struct section *interface);

#endif
