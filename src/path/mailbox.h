/*
 * The mailbox of a worker: commands from the one controller to the one worker, and back when they have been
 * carried out. A ring of slots with three marks: posted by the controller, done by the worker, reaped by the
 * controller; so an answer always has a place. Neither side ever holds the other up; only a controller that
 * finds the ring full waits.
 */
#ifndef MUSUBI_PATH_MAILBOX_H
#define MUSUBI_PATH_MAILBOX_H

#include <stdatomic.h>

#include "path/path.h"
#include "path/wire.h"

enum { MAILBOX_SIZE = 256 }; /* commands; a power of two */

enum command_kind {
    COMMAND_STOP,
    COMMAND_TUNNEL_ADD,
    COMMAND_TUNNEL_UPDATE, /* mtu */
    COMMAND_TUNNEL_REMOVE, /* with its Child SAs; done: all of them are the controller's again */
    COMMAND_TUNNEL_FAIL,   /* pair */
    COMMAND_CHILD,         /* child, change; CHILD_REMOVE done: it is the controller's again */
};

struct tunnel;
struct child;

struct command {
    enum command_kind kind;
    enum path_result result; /* written by the worker */
    uint64_t request;
    struct tunnel *tunnel;
    struct child *child; /* COMMAND_CHILD */
    enum child_change change;
    uint32_t mtu;
    struct packet_pair pair;
    struct wire_way wire_way; /* CHILD_REDIRECT */
    struct ip_endpoint remote;
};

struct mailbox {
    struct command slots[MAILBOX_SIZE];
    _Alignas(64) _Atomic uint32_t posted;
    _Alignas(64) _Atomic uint32_t done;
    _Alignas(64) uint32_t reaped; /* the controller's own */
    int wake;                     /* eventfd: there is something to do */
    int finished;                 /* eventfd: something was done */
};

/* Opens the descriptors of a zeroed mailbox; false with errno set. mailbox_close may follow in any case. */
bool mailbox_open(struct mailbox *mailbox);
void mailbox_close(struct mailbox *mailbox);

/* Controller: true if no command can be posted before one has been reaped. */
bool mailbox_is_full(const struct mailbox *mailbox);

/* Controller: posts a copy of `command`; the mailbox must not be full. */
void mailbox_post(struct mailbox *mailbox, const struct command *command);

/* Controller: copies the oldest command that was carried out to `command`; false if there is none. */
bool mailbox_reap(struct mailbox *mailbox, struct command *command);

/* Controller: waits until at least one command (`all`: every one posted) can be reaped. */
void mailbox_wait(struct mailbox *mailbox, bool all);

/* Worker: the oldest command that was not carried out yet; NULL if there is none. */
struct command *mailbox_next(struct mailbox *mailbox);

/* Worker: the command that mailbox_next told of has been carried out, its result is written. */
void mailbox_finish(struct mailbox *mailbox);

/* Worker: resets `wake`; to be called before mailbox_next. */
void mailbox_clear(struct mailbox *mailbox);

/* Worker: wakes a controller that waits. */
void mailbox_report(struct mailbox *mailbox);

#endif
