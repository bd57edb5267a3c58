/*
 * The controller's side of the path, seen from inside src/path/: what it knows of tunnels and Child SAs
 * (path_tunnel.c, path_child.c), and the operations that it has workers carry out (operation.c).
 *
 * An operation is one call of the controller's. It concerns the worker of the tunnel's outbound direction,
 * the worker of a Child SA's inbound direction, or both, one after the other; then it is done, which
 * PATH_DONE tells. The operations of one tunnel are carried out one by one, in the order of the calls.
 */
#ifndef MUSUBI_PATH_CONTROLLER_H
#define MUSUBI_PATH_CONTROLLER_H

#include "path/inbound_sa.h"
#include "path/tunnel.h"

struct known_tunnel;

/* A Child SA. Each worker's half stands in cache lines of its own. */
struct known_child {
    TAILQ_ENTRY(known_child) link; /* in its tunnel's list, until its removal is asked for */
    struct known_tunnel *tunnel;
    struct esp_live *live;
    bool live_is_fresh; /* the slot was free before */
    struct child_destination destination;
    struct path_route route; /* towards it, as found last */
    _Alignas(64) struct outbound_sa outbound;
    _Alignas(64) struct inbound_sa inbound;
    struct traffic_selector selectors[]; /* of both directions: local, and behind them remote */
};

struct operation {
    STAILQ_ENTRY(operation) link; /* in its tunnel's queue, then among those that are done */
    STAILQ_ENTRY(operation) next; /* among those whose step is done */
    struct known_tunnel *tunnel;
    struct known_child *child; /* of COMMAND_CHILD */
    struct command command;
    struct path_event event;              /* PATH_DONE */
    enum packet_direction directions[2];  /* the order in which they come */
    bool at_once;                         /* both directions have their turn together */
    unsigned directions_left, tasks_left; /* tasks: of the direction that is its turn */
};

STAILQ_HEAD(operation_queue, operation);

/* A change of the host's own addresses, which goes to each worker by itself. */
struct own_change {
    STAILQ_ENTRY(own_change) link;
    struct command command;
    struct own_addresses *set; /* the new one */
    unsigned tasks_left;
};

STAILQ_HEAD(own_change_queue, own_change);

struct known_tunnel {
    TAILQ_HEAD(, known_child) children;
    struct operation_queue operations; /* the first one is being carried out */
    struct tunnel outbound;
};

struct path {
    unsigned worker_count;
    struct worker *workers;
    bool by_turns; /* workers have no threads */
    int event_fd;
    struct esp_worker *esp; /* for the expansion of keys alone */
    struct esp_live *live;
    size_t live_count;
    size_t totals_count;
    struct path_sizes *sizes;
    void (*find_route)(void *context, const struct child_destination *destination, struct path_route *route);
    void *find_context;
    struct own_change_queue own_changes; /* the workers have the oldest, until the next one is done */

    struct map tunnels;  /* by number: those not asked to be removed */
    struct map children; /* by inbound SPI, likewise */

    size_t operations_left;         /* that are not done */
    struct operation_queue stepped; /* whose step is done, by `next` */
    struct operation_queue done;    /* whose events were not taken yet */
    unsigned next_worker;           /* whose events are looked at first */
};

/* An operation without its command; NULL if memory ran out. The caller fills in the command and submits it.
 */
struct operation *operation_new(uint64_t request, struct known_tunnel *tunnel, struct known_child *child);

/* Has the workers carry an operation out, after those of its tunnel that were submitted before. With `first`
 * begins its direction, if the command concerns both. Waits if a worker has very many tasks. */
void operation_submit(struct path *path, struct operation *operation, enum packet_direction first);

/* Takes back what workers have done, and goes on with it. */
void path_reap(struct path *path);

/* Has a worker carry out a task, or stands in for it while it sleeps; waits if it has very many. */
void operation_post(struct path *path, struct worker *worker, const struct task *task);

/* A worker has carried out a task of the change: frees the sets that no worker has any more. */
void own_change_reap(struct path *path, struct own_change *change);

/* Frees all changes, when the workers have ended. */
void own_change_free_all(struct path *path);

/* Frees a tunnel that is no worker's, and closes its device. The Child SAs known of it go too; with `release`
 * their slots become free. */
void known_tunnel_free(struct known_tunnel *tunnel, bool release);

/* Frees a Child SA that is no worker's; its keys are wiped. With `release` its slot becomes free. NULL is
 * ignored. */
void known_child_free(struct known_child *child, bool release);

#endif
