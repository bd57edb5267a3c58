#include "path/worker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EPOLL_EVENTS = 64 };

msec_t worker_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (msec_t)t.tv_sec * 1000 + (msec_t)t.tv_nsec / 1000000;
}

void worker_source_ready(struct worker *worker, struct source *source)
{
    if (source->ready)
        return;
    source->ready = true;
    TAILQ_INSERT_TAIL(source->outbound ? &worker->ready_tunnels : &worker->ready, source, link);
}

bool worker_source_watch(struct worker *worker, struct source *source)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = source};
    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

void worker_source_forget(struct worker *worker, struct source *source)
{
    (void)epoll_ctl(worker->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    if (!source->ready)
        return;
    source->ready = false;
    TAILQ_REMOVE(source->outbound ? &worker->ready_tunnels : &worker->ready, source, link);
}

/* Whether the socket's room is watched is changed only where a batch got stuck: each packet that leaves a
 * socket makes an edge of EPOLLOUT. */
static void worker_watch_room(struct worker *worker, struct source *source, bool watch)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = source};
    if (watch)
        event.events |= EPOLLOUT;
    (void)epoll_ctl(worker->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void worker_await_room(struct worker *worker, enum wire_kind kind)
{
    worker_watch_room(worker, &worker->wires[kind].source, true);
}

void worker_timer_set(struct worker *worker, struct timer *timer, msec_t due)
{
    (void)deadline_set(&worker->deadlines, &timer->deadline, due);
}

bool worker_raise(struct worker *worker, const struct path_event *event)
{
    if (!ring_put(&worker->events, event)) {
        worker_count(worker, PATH_EVENTS_LOST, 1);
        return false;
    }
    worker->raised = true;
    return true;
}

bool worker_note(struct worker *worker, unsigned to, const struct note *note)
{
    struct worker *other = &worker->all[to];
    if (other == worker) {
        worker_take_note(worker, note);
        return true;
    }
    if (!ring_put(&other->notes[worker->index], note))
        return false;
    mailbox_wake(&other->mailbox);
    return true;
}

/* Runs each source that stands in the list now once; tunnels only until the network takes no more. */
static void worker_run_list(struct worker *worker, struct source_list *list)
{
    struct source *last = TAILQ_LAST(list, source_list);
    bool more = last != NULL;
    while (more) {
        struct source *source = TAILQ_FIRST(list);
        if (source->outbound && outbound_is_stuck(&worker->outbound))
            return;
        more = source != last;
        TAILQ_REMOVE(list, source, link);
        source->ready = false;
        if (source->run(worker, source))
            worker_source_ready(worker, source);
    }
}

static void worker_take_notes(struct worker *worker)
{
    struct note note;
    for (unsigned i = 0; i < worker->count; i++) {
        while (ring_take(&worker->notes[i], &note))
            worker_take_note(worker, &note);
    }
}

static void worker_take_tasks(struct worker *worker)
{
    struct task *task;
    while ((task = mailbox_next(&worker->mailbox)) != NULL) {
        worker_carry_out(worker, task);
        mailbox_finish(&worker->mailbox);
        worker->raised = true;
    }
}

static bool worker_run_mailbox(struct worker *worker, struct source *source)
{
    (void)source;
    mailbox_clear(&worker->mailbox);
    worker_take_notes(worker);
    stray_take_all(worker);
    worker_take_tasks(worker);
    mailbox_report(&worker->mailbox);
    return false;
}

static bool worker_run_wire(struct worker *worker, struct source *source)
{
    const struct wire_source *wire = (const struct wire_source *)source;
    return inbound_run(worker, source->fd, wire->kind);
}

/* When the worker has to go on: 0 where there is work left, MSEC_NEVER where nothing is due. */
static msec_t worker_due(const struct worker *worker)
{
    bool tunnels_rest = TAILQ_EMPTY(&worker->ready_tunnels) || outbound_is_stuck(&worker->outbound);
    return TAILQ_EMPTY(&worker->ready) && tunnels_rest ? deadline_next(&worker->deadlines) : 0;
}

/* Milliseconds that the worker may sleep until then; -1: for ever. */
static int timeout_until(msec_t due)
{
    if (due == MSEC_NEVER)
        return -1;
    msec_t now = worker_clock();
    if (due <= now)
        return 0;
    return due - now < INT_MAX ? (int)(due - now) : INT_MAX;
}

static void worker_take_events(struct worker *worker, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct source *source = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) != 0) {
            worker_watch_room(worker, source, false);
            outbound_resume(worker);
        }
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            worker_source_ready(worker, source);
    }
}

static void worker_run_timers(struct worker *worker)
{
    struct deadline *d;
    while ((d = deadline_take_due(&worker->deadlines, worker->now)) != NULL) {
        struct timer *timer = (struct timer *)d;
        timer->due(worker, timer);
    }
}

static void worker_tell(struct worker *worker)
{
    if (!worker->raised)
        return;
    const uint64_t one = 1;
    (void)!write(worker->event_fd, &one, sizeof one);
    worker->raised = false;
}

static void worker_run(struct worker *worker, const struct epoll_event *events, int count)
{
    worker_take_events(worker, events, count);
    worker_run_list(worker, &worker->ready);
    worker_run_list(worker, &worker->ready_tunnels);
    outbound_end_batch(worker);
    worker_run_timers(worker);
    worker_tell(worker);
}

/*
 * Waits until there is something to do. Whoever stands in for the worker meanwhile ends before this returns,
 * and may have removed sources: so events, which point to sources, are taken only when the worker is awake
 * again.
 */
static void worker_sleep(struct worker *worker)
{
    msec_t due = worker_due(worker);
    int timeout = due == 0 ? 0 : timeout_until(due);
    if (timeout == 0)
        return;
    struct pollfd any = {.fd = worker->epoll, .events = POLLIN};
    worker->sleeps_until = due;
    atomic_store_explicit(&worker->is_asleep, true, memory_order_relaxed);
    (void)pthread_mutex_unlock(&worker->awake);
    (void)poll(&any, 1, timeout);
    atomic_store_explicit(&worker->is_asleep, false, memory_order_relaxed);
    (void)pthread_mutex_lock(&worker->awake);
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    (void)pthread_mutex_lock(&worker->awake);
    while (!worker->stopping) {
        worker_sleep(worker);
        (void)worker_turn(worker, worker_clock());
    }
    (void)pthread_mutex_unlock(&worker->awake);
    return NULL;
}

/* What the tasks leave to the worker, sources that are ready or an earlier deadline, wakes it. */
bool worker_stand_in(struct worker *worker)
{
    if (!atomic_load_explicit(&worker->is_asleep, memory_order_relaxed) ||
        pthread_mutex_trylock(&worker->awake) != 0)
        return false;
    worker->now = worker_clock();
    worker_take_tasks(worker);
    outbound_end_batch(worker);
    worker_tell(worker);
    bool is_due_earlier = worker_due(worker) < worker->sleeps_until;
    (void)pthread_mutex_unlock(&worker->awake);
    if (is_due_earlier)
        mailbox_wake(&worker->mailbox);
    return true;
}

bool worker_turn(struct worker *worker, msec_t now)
{
    struct epoll_event events[EPOLL_EVENTS];
    int count = epoll_wait(worker->epoll, events, EPOLL_EVENTS, 0);
    worker->now = now;
    worker_run(worker, events, count);
    bool stuck = outbound_is_stuck(&worker->outbound);
    return count > 0 || !TAILQ_EMPTY(&worker->ready) || (!stuck && !TAILQ_EMPTY(&worker->ready_tunnels));
}

bool worker_start(struct worker *worker)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&worker->thread, NULL, worker_main, worker);
    worker->started = errno == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!worker->started)
        return false;
    char name[16];
    (void)snprintf(name, sizeof name, "path/%u", worker->index);
    (void)pthread_setname_np(worker->thread, name);
    return true;
}

static bool worker_watch_all(struct worker *worker)
{
    if (!worker_source_watch(worker, &worker->mailbox_source))
        return false;
    for (size_t i = 0; i < WIRE_COUNT; i++) {
        struct source *source = &worker->wires[i].source;
        if (source->fd >= 0 && !worker_source_watch(worker, source))
            return false;
    }
    return (worker->icmp_v4.fd < 0 || worker_source_watch(worker, &worker->icmp_v4)) &&
           (worker->icmp_v6.fd < 0 || worker_source_watch(worker, &worker->icmp_v6));
}

void worker_prepare(struct worker *worker)
{
    TAILQ_INIT(&worker->ready);
    TAILQ_INIT(&worker->ready_tunnels);
    (void)pthread_mutex_init(&worker->awake, NULL); /* never fails */
    coalesce_prepare(&worker->inbound.coalescer);
    worker->epoll = worker->mailbox.wake = worker->mailbox.finished = -1;
    worker_leave_sockets(worker);
}

/* So many rings with room; NULL if memory ran out. */
static struct ring *rings_new(unsigned count, uint32_t capacity, size_t element_size)
{
    struct ring *rings = aligned_alloc(_Alignof(struct ring), count * sizeof *rings);
    if (rings == NULL)
        return NULL;
    memset(rings, 0, count * sizeof *rings);
    bool done = true;
    for (unsigned i = 0; i < count; i++)
        done = ring_allocate(&rings[i], capacity, element_size) && done;
    if (done)
        return rings;
    for (unsigned i = 0; i < count; i++)
        ring_free(&rings[i]);
    free(rings);
    return NULL;
}

static void rings_free(struct ring *rings, unsigned count)
{
    for (unsigned i = 0; rings != NULL && i < count; i++)
        ring_free(&rings[i]);
    free(rings);
}

static bool worker_open_rings(struct worker *worker)
{
    bool opened = ring_allocate(&worker->events, EVENTS_SIZE, sizeof(struct path_event)) &&
                  ring_allocate(&worker->strays_out, STRAYS_SIZE, sizeof(struct path_stray *));
    worker->notes = rings_new(worker->count, NOTES_SIZE, sizeof(struct note));
    worker->strays = rings_new(worker->count + 1, STRAYS_SIZE, sizeof(struct path_stray *));
    return opened && worker->notes != NULL && worker->strays != NULL;
}

static void strays_free(struct ring *ring)
{
    struct path_stray *stray;
    while (ring->elements != NULL && ring_take(ring, &stray))
        free(stray);
}

static void worker_close_rings(struct worker *worker)
{
    for (unsigned i = 0; worker->strays != NULL && i <= worker->count; i++)
        strays_free(&worker->strays[i]);
    strays_free(&worker->strays_out);
    ring_free(&worker->events);
    ring_free(&worker->strays_out);
    rings_free(worker->notes, worker->count);
    rings_free(worker->strays, worker->count + 1);
}

bool worker_open(struct worker *all, unsigned index, const struct path_options *options, int event_fd,
                 enum esp_arithmetic arithmetic)
{
    struct worker *worker = &all[index];
    const struct path_worker *own = &options->workers[index];
    const int sockets[WIRE_COUNT] = {
        [WIRE_ESP_V4] = own->esp_v4, [WIRE_ESP_V6] = own->esp_v6,       [WIRE_UDP_V4] = own->udp_v4,
        [WIRE_UDP_V6] = own->udp_v6, [WIRE_ESP_V4_DF] = own->esp_v4_df, [WIRE_UDP_V4_DF] = own->udp_v4_df,
    };
    worker->all = all;
    worker->index = index;
    worker->count = options->worker_count;
    worker->event_fd = event_fd;
    worker->counters = own->counters;
    worker->io = options->io != NULL ? options->io : &wire_sockets;
    worker->now = options->by_turns ? 0 : worker_clock();
    worker->totals = options->totals + (size_t)index * options->totals_count;
    worker->inbound_sas = map_with_seed(own->hash_seed);
    worker->outbound_sas = map_with_seed(own->hash_seed);
    worker->outbound_by_spi = map_with_seed(own->hash_seed);
    worker->icmp_limit.seed = own->hash_seed;
    worker->fragment_id = (uint32_t)own->hash_seed;
    worker->packet = own->packet;
    if (own->packet >= 0)
        (void)link_ring_open(&worker->link_ring, own->packet, (uint16_t)(own->hash_seed >> 32));
    worker->icmp_v4 = (struct source){.fd = own->icmp_v4, .run = icmp_run_v4};
    worker->icmp_v6 = (struct source){.fd = own->icmp_v6, .run = icmp_run_v6};
    worker->unknown_spis = unknown_spi_table_of(own->hash_seed, worker->count);
    for (size_t i = 0; i < WIRE_COUNT; i++) {
        worker->wires[i] = (struct wire_source){
            .source = {.fd = sockets[i], .run = worker_run_wire},
            .kind = (enum wire_kind)i,
        };
    }
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!mailbox_open(&worker->mailbox) || worker->epoll < 0)
        return false;
    worker->mailbox_source = (struct source){.fd = worker->mailbox.wake, .run = worker_run_mailbox};
    worker->esp = esp_worker_new(own->seed, arithmetic);
    if (worker->esp == NULL || !wire_inbox_allocate(&worker->inbound.inbox, !options->by_turns) ||
        !outbound_allocate(&worker->outbound, !options->by_turns) ||
        !read_ahead_allocate(&worker->read_ahead, own->hash_seed) || !worker_open_rings(worker)) {
        errno = ENOMEM;
        return false;
    }
    return worker_watch_all(worker);
}

void worker_leave_sockets(struct worker *worker)
{
    for (size_t i = 0; i < WIRE_COUNT; i++)
        worker->wires[i].source.fd = -1;
    worker->icmp_v4.fd = worker->icmp_v6.fd = worker->packet = -1;
}

static void descriptor_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void worker_close(struct worker *worker)
{
    for (size_t i = 0; i < WIRE_COUNT; i++)
        descriptor_close(worker->wires[i].source.fd);
    descriptor_close(worker->icmp_v4.fd);
    descriptor_close(worker->icmp_v6.fd);
    link_ring_close(&worker->link_ring);
    descriptor_close(worker->packet);
    descriptor_close(worker->epoll);
    mailbox_close(&worker->mailbox);
    wire_inbox_free(&worker->inbound.inbox);
    outbound_free(&worker->outbound);
    read_ahead_free(&worker->read_ahead);
    esp_worker_free(worker->esp);
    map_free(&worker->inbound_sas);
    map_free(&worker->outbound_sas);
    map_free(&worker->outbound_by_spi);
    worker_close_rings(worker);
    deadline_heap_free(&worker->deadlines);
    (void)pthread_mutex_destroy(&worker->awake);
}
