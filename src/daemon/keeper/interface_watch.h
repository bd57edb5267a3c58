/*
 * Watches the ports and the Tunnels of the config, and has the log tell of each that goes down or comes up
 * (interface_news.h). Changes come in bursts, and a tunnel may have its next SA in no time, so it looks a
 * little later. At the start links need longer; what it finds then is the summary of what will not work.
 */
#ifndef MUSUBI_DAEMON_KEEPER_INTERFACE_WATCH_H
#define MUSUBI_DAEMON_KEEPER_INTERFACE_WATCH_H

#include <uv.h>

#include "daemon/keeper/host.h"
#include "daemon/keeper/interface_news.h"
#include "daemon/keeper/tunnel_problem.h"

enum {
    INTERFACE_WATCH_START = 5000,      /* milliseconds from the first change to the first look */
    INTERFACE_WATCH_DELAY = 2000,      /* from a change to a look */
    INTERFACE_WATCH_PEER_TIME = 60000, /* that a peer has to begin before it is told that nobody does */
};

/* A port of the config. */
struct watched_port {
    char name[INTERFACE_NAME_SIZE];
    struct told_interface told;
};

struct interface_watch {
    const struct keeper_host *host;
    const struct configuration *configuration;
    const struct port_table *ports;
    const struct tunnel_table *tunnels;
    struct interface_news news;
    struct watched_port *watched; /* in the order of the config */
    size_t watched_count;
    uv_timer_t timer;
    bool is_open;
    bool is_due; /* the timer is set */
    bool has_looked;
    msec_t waits_due; /* when it has to be told that a peer does not begin; MSEC_NEVER: no peer */
};

/* All stays the caller's and has to outlive it. */
void interface_watch_open(struct interface_watch *watch, uv_loop_t *loop, const struct keeper_host *host,
                          struct event_log *log, const struct configuration *configuration,
                          const struct port_table *ports, const struct tunnel_table *tunnels);

/* Does nothing if it is not open. */
void interface_watch_close(struct interface_watch *watch);

/* Something may have changed: it will look soon. */
void interface_watch_schedule(struct interface_watch *watch);

/* Tells of the ports that Linux does not have, at once: before anything is done that needs them. */
void interface_watch_tell_missing(struct interface_watch *watch);

/* Looks no more: Musubi ends. */
void interface_watch_stop(struct interface_watch *watch);

#endif
