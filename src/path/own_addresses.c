#include "path/own_addresses.h"

#include <stdlib.h>
#include <string.h>

struct own_addresses {
    size_t count;
    struct ip_address addresses[]; /* in the order of ip_address_compare */
};

static int compare(const void *a, const void *b)
{
    return ip_address_compare(a, b);
}

struct own_addresses *own_addresses_new(const struct ip_address *addresses, size_t count)
{
    struct own_addresses *set = malloc(sizeof *set + count * sizeof *addresses);
    if (set == NULL)
        return NULL;
    set->count = count;
    if (count > 0)
        memcpy(set->addresses, addresses, count * sizeof *addresses);
    qsort(set->addresses, count, sizeof *addresses, compare);
    return set;
}

bool own_addresses_have(const struct own_addresses *set, const struct ip_address *address)
{
    return set != NULL && bsearch(address, set->addresses, set->count, sizeof *address, compare) != NULL;
}
