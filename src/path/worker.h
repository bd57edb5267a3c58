/*
 * A packet worker, seen from inside src/path/: its loop and what hangs on it. All of it belongs to the
 * worker's thread; the controller reaches it through the mailbox alone, other workers through a ring each.
 * But while the worker sleeps, the controller carries out a task in its place: to wake a thread, and to be
 * woken by its answer, costs more than most tasks.
 *
 * The loop has an edge-triggered epoll, and keeps the sources that have something in lists: each turn does
 * one batch of each, until a source says that it is empty. Tunnels have a list of their own, since they rest
 * while the network takes no more.
 */
#ifndef MUSUBI_PATH_WORKER_H
#define MUSUBI_PATH_WORKER_H

#include <pthread.h>
#include <sys/queue.h>

#include "base/deadline.h"
#include "base/map.h"
#include "path/counters.h"
#include "path/icmp.h"
#include "path/inbound.h"
#include "path/link_ring.h"
#include "path/mailbox.h"
#include "path/outbound.h"
#include "path/own_addresses.h"
#include "path/read_ahead.h"
#include "path/ring.h"
#include "path/stray.h"
#include "path/unknown_spi.h"
#include "path/wire.h"

struct worker;

/* Something to read from. */
struct source {
    TAILQ_ENTRY(source) link;
    int fd;
    bool ready;    /* stands in its list */
    bool outbound; /* a tunnel */
    /* Does one batch; true if there may be more right now. */
    bool (*run)(struct worker *worker, struct source *source);
};

TAILQ_HEAD(source_list, source);

/* Something to do at a time; embedded in what it is for. */
struct timer {
    struct deadline deadline; /* first: the heap yields its address */
    void (*due)(struct worker *worker, struct timer *timer);
};

struct wire_source {
    struct source source;
    enum wire_kind kind;
    uint32_t mtu; /* as wire_set_mtu was called last; 0: not yet */
};

/* What one worker tells another. */
enum note_kind {
    NOTE_CHILD_USED, /* the peer uses the Child SA: its outbound SA becomes active */
};

struct note {
    enum note_kind kind;
    uint32_t spi; /* inbound: it names the Child SA */
};

enum {
    EVENTS_SIZE = 512, /* to the controller; a power of two */
    NOTES_SIZE = 128,  /* from one worker to another; likewise */
};

struct worker {
    struct worker *all; /* the first of all workers */
    unsigned index;
    unsigned count; /* of workers */
    pthread_t thread;
    int epoll;
    int event_fd; /* shared by all workers; the controller polls it */
    bool started;
    bool stopping;
    bool raised; /* an event since event_fd was written */
    /* Held by the worker's thread except while it sleeps. It does not let go between two turns that wait for
     * nothing, so a worker that is busy does not pay for it. */
    pthread_mutex_t awake;
    atomic_bool is_asleep; /* and has not woken yet: who stands in again and again does not keep it waiting */
    msec_t sleeps_until;   /* read by who stands in; MSEC_NEVER: until there is something to read */
    msec_t now;            /* CLOCK_BOOTTIME, read once a turn; or the time of the turn that it is given */

    const struct wire_io *io;
    struct source_list ready;
    struct source_list ready_tunnels;
    struct deadline_heap deadlines;
    struct source mailbox_source;
    struct wire_source wires[WIRE_COUNT];
    struct source icmp_v4, icmp_v6;
    struct link_ring link_ring;
    int packet; /* its socket */

    struct map inbound_sas;     /* by SPI */
    struct map outbound_sas;    /* by the inbound SPI of the Child SA */
    struct map outbound_by_spi; /* by their own SPI; of several with one SPI, the newest */
    size_t waiting_octets;      /* in all tunnels */
    struct path_worker_counters *counters;
    struct path_totals *totals; /* of all tunnels, what this worker does for them: by slot */
    struct esp_worker *esp;
    struct outbound outbound;
    struct read_ahead_pool read_ahead;
    struct inbound inbound;
    struct unknown_spi_table unknown_spis;
    const struct own_addresses *own; /* may be NULL */
    struct icmp_error_limit icmp_limit;
    uint32_t fragment_id; /* of the next packet that is fragmented here */

    struct mailbox mailbox;
    struct ring events;
    struct ring *notes;     /* from each worker, by its index */
    struct ring *strays;    /* likewise, and then those from the controller: struct path_stray * */
    struct ring strays_out; /* to the controller: likewise */
};

/* Milliseconds of CLOCK_BOOTTIME. */
msec_t worker_clock(void);

/* Puts a source into its list, from which the loop runs it. */
void worker_source_ready(struct worker *worker, struct source *source);

/* Starts and ends the watch over a source's descriptor; false with errno set. */
bool worker_source_watch(struct worker *worker, struct source *source);
void worker_source_forget(struct worker *worker, struct source *source);

/* Has the loop resume the tunnels when the socket takes packets again. */
void worker_await_room(struct worker *worker, enum wire_kind kind);

/* Sets or moves a timer; MSEC_NEVER unsets it. */
void worker_timer_set(struct worker *worker, struct timer *timer, msec_t due);

/* Raises an event; false if the queue is full. */
bool worker_raise(struct worker *worker, const struct path_event *event);

/* Tells the worker `to`, which may be this one, something; false if it has very much to read. */
bool worker_note(struct worker *worker, unsigned to, const struct note *note);

/* Counts in the totals of the tunnel with that slot. */
static inline void worker_count_total(struct worker *worker, uint32_t slot, enum esp_counter counter,
                                      uint64_t n)
{
    counter_add(&worker->totals[slot].counters[counter], n);
}

/* Counts packets of that tunnel that are dropped. */
static inline void worker_count_drop(struct worker *worker, uint32_t slot, enum path_drop drop, uint64_t n)
{
    enum esp_counter counter = path_drop_counter(drop);
    counter_add(&worker->totals[slot].drops[drop], n);
    if (counter != ESP_COUNTER_COUNT)
        worker_count_total(worker, slot, counter, n);
}

static inline void worker_count(struct worker *worker, enum path_counter counter, uint64_t n)
{
    counter_add(&worker->counters->counters[counter], n);
}

/* Sets up a zeroed worker that has nothing open yet. */
void worker_prepare(struct worker *worker);

/* Opens what worker `index` of `all` needs, before any of their threads is started; false with errno set.
 * worker_close may follow in any case, and closes the sockets too, unless they have been left to the caller.
 */
bool worker_open(struct worker *all, unsigned index, const struct path_options *options, int event_fd,
                 enum esp_arithmetic arithmetic);
void worker_leave_sockets(struct worker *worker);
void worker_close(struct worker *worker);

/* Starts the worker's thread, which takes no signals; false with errno set. */
bool worker_start(struct worker *worker);

/* One turn at the time `now`, which never waits: by the worker's thread, or where it has none by the caller.
 * True if another one may find more to do. */
bool worker_turn(struct worker *worker, msec_t now);

/* Controller: carries out the tasks in the mailbox if the worker's thread sleeps, else returns false. */
bool worker_stand_in(struct worker *worker);

/* Carries out one task, and takes one note from another worker (command.c). */
void worker_carry_out(struct worker *worker, struct task *task);
void worker_take_note(struct worker *worker, const struct note *note);

#endif
