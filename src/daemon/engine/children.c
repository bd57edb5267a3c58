#include "daemon/engine/children.h"

#include <stdlib.h>

void known_children_add(struct known_children *children, uint32_t inbound_spi,
                        const struct known_child *child)
{
    struct known_child *known = map_find(&children->by_spi, inbound_spi);
    if (known == NULL) {
        known = malloc(sizeof(*known));
        if (known == NULL || !map_put(&children->by_spi, inbound_spi, known)) {
            free(known);
            children->incomplete = true;
            return;
        }
    }
    *known = *child;
}

struct known_child *known_children_find(const struct known_children *children, uint32_t inbound_spi)
{
    return map_find(&children->by_spi, inbound_spi);
}

void known_children_remove(struct known_children *children, uint32_t inbound_spi)
{
    free(map_remove(&children->by_spi, inbound_spi));
}

void known_children_clear(struct known_children *children)
{
    for (size_t i = 0; i < children->by_spi.capacity; i++)
        free(children->by_spi.slots[i].value);
    map_free(&children->by_spi);
    *children = (struct known_children){0};
}
