/*
 * The Child SAs that the engine has handed to the path and not removed again, by inbound SPI: what the path
 * should have. It is compared with what the path says that it has.
 */
#ifndef MUSUBI_DAEMON_ENGINE_CHILDREN_H
#define MUSUBI_DAEMON_ENGINE_CHILDREN_H

#include "base/map.h"

struct known_child {
    uint32_t tunnel;
    uint64_t request;  /* of its installation, which came last */
    uint64_t compared; /* number of the comparison that found it at the path; 0: none */
};

/* Start with a zeroed one. */
struct known_children {
    struct map by_spi;
    bool incomplete; /* memory ran out for one */
};

/* Notes that an installation was asked for. */
void known_children_add(struct known_children *children, uint32_t inbound_spi,
                        const struct known_child *child);

/* The Child SA with that SPI; NULL if the path should have none. */
struct known_child *known_children_find(const struct known_children *children, uint32_t inbound_spi);

/* Notes that a removal was asked for. */
void known_children_remove(struct known_children *children, uint32_t inbound_spi);

/* Forgets all. */
void known_children_clear(struct known_children *children);

#endif
