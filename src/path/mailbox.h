/*
 * The mailbox of a worker: tasks from the one controller to the one worker, and back when they have been
 * carried out. A ring of slots with three marks: posted by the controller, done by the worker, reaped by the
 * controller; so an answer always has a place. Neither side ever holds the other up; only a controller that
 * finds the ring full waits.
 */
#ifndef MUSUBI_PATH_MAILBOX_H
#define MUSUBI_PATH_MAILBOX_H

#include <stdatomic.h>

#include "base/deadline.h"
#include "path/path.h"
#include "path/wire.h"

enum { MAILBOX_SIZE = 256 }; /* tasks; a power of two */

enum command_kind {
    COMMAND_STOP, /* the worker ends */
    COMMAND_TUNNEL_ADD,
    COMMAND_TUNNEL_UPDATE, /* settings */
    COMMAND_TUNNEL_REMOVE, /* with its Child SAs */
    COMMAND_TUNNEL_FAIL,   /* pair */
    COMMAND_CHILD,         /* change */
    COMMAND_CHILD_ROUTE,   /* outbound_settings.route */
    COMMAND_OWN_ADDRESSES, /* own; to all workers */
    COMMAND_KIND_COUNT
};

struct tunnel;
struct own_addresses;
struct outbound_sa;
struct inbound_sa;

/* What an installation says to the outbound SA. A redirection brings another destination and route alone. */
struct outbound_settings {
    struct wire_destination destination;
    struct path_route route; /* to it */
    msec_t keepalive;        /* interval; 0: never */
    bool active;
    bool more_to_come;
};

/* The same to the inbound SA. A redirection brings another peer alone. */
struct inbound_settings {
    struct ip_endpoint peer; /* where packets come from; port 0 unless encapsulated */
    bool encapsulated;
    bool anti_replay;
    bool active_when_used;
};

/* What is to be done. It is the controller's, which changes nothing in it while workers have it. */
struct command {
    enum command_kind kind;
    enum child_change change;
    struct tunnel *tunnel;        /* COMMAND_TUNNEL_… */
    struct outbound_sa *outbound; /* COMMAND_CHILD, _ROUTE */
    struct inbound_sa *inbound;   /* COMMAND_CHILD: one; COMMAND_TUNNEL_REMOVE: all of the tunnel, linked */
    struct path_tunnel settings;
    const struct own_addresses *own; /* the controller frees the old one when all workers have this one */
    struct packet_pair pair;
    struct outbound_settings outbound_settings;
    struct inbound_settings inbound_settings;
};

/* One worker's part in a command: that of a direction. */
struct task {
    const struct command *command;
    enum packet_direction direction;
    enum path_result result; /* written by the worker */
};

/* True if the worker of that direction has a part in the command (command.c). */
bool command_concerns(const struct command *command, enum packet_direction direction);

struct mailbox {
    struct task slots[MAILBOX_SIZE];
    _Alignas(64) _Atomic uint32_t posted;
    _Alignas(64) _Atomic uint32_t done;
    _Alignas(64) uint32_t reaped; /* the controller's own */
    /* Descriptors are written only where they tell something new: a write wakes a thread. */
    _Alignas(64) atomic_bool is_woken; /* `wake` has been written and not been reset */
    atomic_bool is_awaited;            /* the controller waits for `finished` */
    int wake;                          /* eventfd: there is something to do */
    int finished;                      /* eventfd: something was done */
};

/* Opens the descriptors of a zeroed mailbox; false with errno set. mailbox_close may follow in any case. */
bool mailbox_open(struct mailbox *mailbox);
void mailbox_close(struct mailbox *mailbox);

/* Controller: true if no task can be posted before one has been reaped. */
bool mailbox_is_full(const struct mailbox *mailbox);

/* Controller: puts a copy of `task` into the mailbox, which must not be full, and wakes nobody. */
void mailbox_put(struct mailbox *mailbox, const struct task *task);

/* Controller: the same, and wakes the worker. */
void mailbox_post(struct mailbox *mailbox, const struct task *task);

/* Controller: copies the oldest task that was carried out to `task`; false if there is none. */
bool mailbox_reap(struct mailbox *mailbox, struct task *task);

/* Controller: waits until at least one task (`all`: every one posted) can be reaped. */
void mailbox_wait(struct mailbox *mailbox, bool all);

/* Anyone: wakes the worker. */
void mailbox_wake(struct mailbox *mailbox);

/* Worker, or the controller in its place (worker_stand_in): the oldest task that was not carried out yet;
 * NULL if there is none. */
struct task *mailbox_next(struct mailbox *mailbox);

/* Likewise: the task that mailbox_next told of has been carried out, its result is written. */
void mailbox_finish(struct mailbox *mailbox);

/* Worker: resets `wake`; to be called before mailbox_next, and before it looks at what else it is woken for.
 */
void mailbox_clear(struct mailbox *mailbox);

/* Worker: wakes a controller that waits. */
void mailbox_report(struct mailbox *mailbox);

#endif
