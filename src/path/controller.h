/*
 * The controller's side of the path, seen from inside src/path/: what it knows of tunnels and Child SAs, and
 * the posting and reaping of commands (path.c; the functions for tunnels and Child SAs stand in
 * path_tunnel.c and path_child.c).
 */
#ifndef MUSUBI_PATH_CONTROLLER_H
#define MUSUBI_PATH_CONTROLLER_H

#include "path/tunnel.h"

struct path {
    unsigned worker_count;
    struct worker *workers;
    int event_fd;
    struct esp_worker *esp; /* for the expansion of keys alone */
    struct esp_live *live;
    size_t live_count;
    struct path_totals *totals;
    size_t totals_count;

    struct map tunnels;  /* by number: those not asked to be removed */
    struct map children; /* by inbound SPI, likewise */

    size_t posted_count;     /* commands that are not reaped */
    struct path_event *done; /* PATH_DONE events not yet taken: a ring with room for those of all commands */
    size_t done_first;
    size_t done_count;
    size_t done_capacity;
    unsigned next_worker; /* whose events are looked at first */
};

/* The worker that a tunnel of that number, or a Child SA of that inbound SPI, is with. */
struct worker *path_worker_of(struct path *path, uint32_t number_or_spi);

/* Makes room for the event of one more command; false if memory ran out. To be called before path_post, and
 * before anything else is changed that could not be undone. */
bool path_reserve(struct path *path);

/* Posts a command; waits if the worker has very many to do. */
void path_post(struct path *path, struct worker *worker, const struct command *command);

/* Frees a tunnel that is no worker's, and closes its device. The Child SAs known of it go too; with `release`
 * their slots become free. */
void path_tunnel_free(struct tunnel *tunnel, bool release);

/* Frees a Child SA that is no worker's; its keys are wiped. With `release` its slot becomes free. */
void path_child_free(struct child *child, bool release);

#endif
