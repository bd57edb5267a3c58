/*
 * The addresses of this host, by which packets of its own are told from forwarded ones (R74, S39). The
 * controller makes a set; workers only look at it.
 */
#ifndef MUSUBI_PATH_OWN_ADDRESSES_H
#define MUSUBI_PATH_OWN_ADDRESSES_H

#include "base/address.h"

struct own_addresses;

/* A set of copies of `count` addresses; NULL if memory ran out. free() frees it. */
struct own_addresses *own_addresses_new(const struct ip_address *addresses, size_t count);

/* True if the set has the address. An absent set, NULL, has none. */
bool own_addresses_have(const struct own_addresses *set, const struct ip_address *address);

#endif
