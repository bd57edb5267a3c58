/* How the host's own addresses reach the workers, and when an old set of them can be freed. */
#include <stdlib.h>

#include "path/controller.h"

static void own_change_free(struct own_change *change)
{
    free(change->set);
    free(change);
}

void own_change_reap(struct path *path, struct own_change *change)
{
    struct own_change *oldest;
    if (--change->tasks_left > 0)
        return;
    /* Each worker takes the changes in their order: those before this one are out of use. */
    while ((oldest = STAILQ_FIRST(&path->own_changes)) != change) {
        STAILQ_REMOVE_HEAD(&path->own_changes, link);
        own_change_free(oldest);
    }
}

void own_change_free_all(struct path *path)
{
    struct own_change *change;
    while ((change = STAILQ_FIRST(&path->own_changes)) != NULL) {
        STAILQ_REMOVE_HEAD(&path->own_changes, link);
        own_change_free(change);
    }
}

bool path_set_own_addresses(struct path *path, const struct ip_address *addresses, size_t count)
{
    struct own_change *change = calloc(1, sizeof *change);
    struct own_addresses *set = own_addresses_new(addresses, count);
    if (change == NULL || set == NULL) {
        free(change);
        free(set);
        return false;
    }
    change->set = set;
    change->command = (struct command){.kind = COMMAND_OWN_ADDRESSES, .own = set};
    change->tasks_left = path->worker_count;
    STAILQ_INSERT_TAIL(&path->own_changes, change, link);
    for (unsigned i = 0; i < path->worker_count; i++)
        operation_post(path, &path->workers[i], &(struct task){.command = &change->command});
    return true;
}
