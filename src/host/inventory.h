/*
 * The links of this network namespace and their addresses, as last heard from the kernel. Filled once by
 * asking, then kept up to date by what host/watch.h reads.
 */
#ifndef MUSUBI_HOST_INVENTORY_H
#define MUSUBI_HOST_INVENTORY_H

#include "base/map.h"
#include "host/ifaddr.h"
#include "host/link.h"

struct inventory_address {
    struct host_ifaddr is;
    struct inventory_address *next_on_link; /* in the kernel's order: the primary one comes first */
    struct inventory_address *next_alike;   /* of the same hash */
    unsigned generation;
};

struct inventory_link {
    struct host_link is;
    struct inventory_address *addresses;
    struct inventory_link *next_alike; /* of the same hash of its name */
    unsigned generation;
};

struct inventory {
    struct map links;     /* by index: struct inventory_link; slots may be walked */
    struct map names;     /* by hash of the name: the first of a chain */
    struct map addresses; /* by hash of the address: the first of a chain */
    unsigned generation;
};

/* What a message changed. */
enum inventory_change {
    INVENTORY_SAME,
    INVENTORY_LINK, /* new, or name, MTU, group, mark, Ethernet address, up or carrier changed */
    INVENTORY_LINK_GONE,
    INVENTORY_ADDRESS, /* new, or became usable, unusable or deprecated, or will never be usable */
    INVENTORY_ADDRESS_GONE,
    INVENTORY_FAILED, /* memory ran out: everything has to be read again */
};

/* What it was about; holds also when the link or address is gone from the inventory. */
struct inventory_news {
    enum inventory_change change;
    struct host_link link; /* for addresses too; name "" if the link is not known */
    bool link_was_up;      /* INVENTORY_LINK: before */
    bool link_had_carrier; /* INVENTORY_LINK: before */
    bool link_is_new;      /* INVENTORY_LINK: or has a new name */
    struct host_ifaddr address;
};

void inventory_free(struct inventory *inventory);

/* Is told of an address that has gone meanwhile, and of the link that had it. */
typedef void inventory_lost(void *context, const struct host_link *link, const struct host_ifaddr *address);

/* Reads all links and addresses anew; tells `lost` (may be NULL) of the addresses that are not there any
 * more. */
bool inventory_fill(struct inventory *inventory, struct netlink *nl, inventory_lost *lost, void *context,
                    struct host_error *err);

/* Reads one link anew, for what Linux does not report (host_link_change). Reports that were sent before have
 * to be taken in first. */
bool inventory_ask(struct inventory *inventory, struct netlink *nl, int index, struct host_error *err);

/* Takes in one RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR or RTM_DELADDR; others are INVENTORY_SAME. */
void inventory_learn(struct inventory *inventory, const struct nlmsghdr *message,
                     struct inventory_news *news);

/* NULL if there is none. Valid until the inventory learns something. */
const struct inventory_link *inventory_find(const struct inventory *inventory, int index);
const struct inventory_link *inventory_find_name(const struct inventory *inventory, const char *name);

/* The address on that link with that length of prefix; NULL if there is none. */
const struct host_ifaddr *inventory_find_address(const struct inventory *inventory, int link,
                                                 const struct ip_prefix *prefix);

/* True if some link of this host has the address, usable or not. */
bool inventory_is_local(const struct inventory *inventory, const struct ip_address *address);

/* True if some link of this host has the address, and duplicate detection has not refused it: a link that is
 * down and a detection that runs are no loss. */
bool inventory_may_serve(const struct inventory *inventory, const struct ip_address *address);

/* True if packets can be sent from the address: a link that is up has it, and it is usable (R45). */
bool inventory_is_usable(const struct inventory *inventory, const struct ip_address *address);

/* True if an address is on a network of the link. */
bool inventory_is_on_network(const struct inventory_link *link, const struct ip_address *address);

/* The first usable address of a family that is no link-local one, a deprecated one only where there is no
 * other; NULL if there is none. */
const struct host_ifaddr *inventory_primary(const struct inventory_link *link, enum ip_family family);

#endif
