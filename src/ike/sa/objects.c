#include "ike/sa/objects.h"

#include "base/secret.h"

#include <stdlib.h>

struct ike_objects *ike_objects_new(uint64_t seed)
{
    struct ike_objects *objects = calloc(1, sizeof *objects);
    if (objects == NULL)
        return NULL;
    objects->tunnels = map_with_seed(seed);
    TAILQ_INIT(&objects->waiting_tunnels);
    objects->groups = tunnel_groups_with_seed(seed);
    objects->sas = map_with_seed(seed);
    objects->half_open = map_with_seed(seed);
    objects->jobs = map_with_seed(seed);
    objects->child_spis = map_with_seed(seed);
    return objects;
}

void ike_objects_free(struct ike_objects *objects)
{
    if (objects == NULL)
        return;
    map_free(&objects->tunnels);
    tunnel_groups_free(&objects->groups);
    map_free(&objects->sas);
    map_free(&objects->half_open);
    map_free(&objects->jobs);
    map_free(&objects->child_spis);
    live_slots_free(&objects->slots);
    secret_free(objects, sizeof *objects);
}

bool ike_budget_spend(struct ike_budget *budget, unsigned in_a_second, msec_t now)
{
    if (now - budget->since >= 1000)
        *budget = (struct ike_budget){.since = now};
    if (budget->spent == in_a_second)
        return false;
    budget->spent++;
    return true;
}
