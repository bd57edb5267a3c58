#include "path/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "path/controller.h"

unsigned path_owner(unsigned workers, uint32_t number_or_spi)
{
    return number_or_spi % workers;
}

struct worker *path_worker_of(struct path *path, uint32_t number_or_spi)
{
    return &path->workers[path_owner(path->worker_count, number_or_spi)];
}

/* The place in the ring of PATH_DONE events that is `offset` behind the first. */
static struct path_event *path_done_at(const struct path *path, size_t offset)
{
    size_t at = path->done_first + offset;
    return &path->done[at < path->done_capacity ? at : at - path->done_capacity];
}

bool path_reserve(struct path *path)
{
    if (path->done_count + path->posted_count < path->done_capacity)
        return true;
    size_t capacity = path->done_capacity == 0 ? MAILBOX_SIZE : 2 * path->done_capacity;
    struct path_event *done = calloc(capacity, sizeof *done);
    if (done == NULL)
        return false;
    for (size_t i = 0; i < path->done_count; i++)
        done[i] = *path_done_at(path, i);
    free(path->done);
    path->done = done;
    path->done_first = 0;
    path->done_capacity = capacity;
    return true;
}

/* Takes back what a command that was carried out left to the controller, and notes its event. */
static void path_finish(struct path *path, const struct command *command)
{
    *path_done_at(path, path->done_count) = (struct path_event){
        .kind = PATH_DONE,
        .result = command->result,
        .request = command->request,
        .tunnel = command->tunnel->number,
        .spi = command->child == NULL ? 0 : command->child->spi,
    };
    path->done_count++;
    path->posted_count--;
    if (command->kind == COMMAND_TUNNEL_REMOVE)
        path_tunnel_free(command->tunnel, true);
    if (command->kind == COMMAND_CHILD && command->change == CHILD_REMOVE)
        path_child_free(command->child, true);
}

static void path_reap(struct path *path, struct worker *worker)
{
    struct command command;
    while (mailbox_reap(&worker->mailbox, &command)) {
        if (command.kind != COMMAND_STOP)
            path_finish(path, &command);
    }
}

void path_post(struct path *path, struct worker *worker, const struct command *command)
{
    while (mailbox_is_full(&worker->mailbox)) {
        mailbox_wait(&worker->mailbox, false);
        path_reap(path, worker);
    }
    mailbox_post(&worker->mailbox, command);
    path->posted_count++;
}

void path_settle(struct path *path)
{
    for (unsigned i = 0; i < path->worker_count; i++) {
        mailbox_wait(&path->workers[i].mailbox, true);
        path_reap(path, &path->workers[i]);
    }
}

int path_event_fd(const struct path *path)
{
    return path->event_fd;
}

static bool path_take_event(struct path *path, struct path_event *event)
{
    for (unsigned i = 0; i < path->worker_count; i++)
        path_reap(path, &path->workers[i]);
    if (path->done_count > 0) {
        *event = *path_done_at(path, 0);
        if (++path->done_first == path->done_capacity)
            path->done_first = 0;
        path->done_count--;
        return true;
    }
    for (unsigned i = 0; i < path->worker_count; i++) {
        unsigned at = (path->next_worker + i) % path->worker_count;
        if (event_ring_take(&path->workers[at].events, event)) {
            path->next_worker = (at + 1) % path->worker_count;
            return true;
        }
    }
    return false;
}

bool path_next_event(struct path *path, struct path_event *event)
{
    if (path_take_event(path, event))
        return true;
    /* An event that comes between the two is found by the second look or makes the descriptor readable. */
    uint64_t count;
    (void)!read(path->event_fd, &count, sizeof count);
    return path_take_event(path, event);
}

/* The arithmetic that all workers are to use: the self-test is made once, with the controller's own. */
static enum esp_arithmetic path_choose_arithmetic(struct path *path, const uint8_t seed[ESP_SEED_SIZE])
{
    char failure[128];
    path->esp = esp_worker_new(seed, ESP_ARITHMETIC_BEST);
    if (path->esp == NULL || esp_worker_self_test(path->esp, failure, sizeof failure))
        return ESP_ARITHMETIC_BEST;
    esp_worker_free(path->esp);
    path->esp = esp_worker_new(seed, ESP_ARITHMETIC_OPENSSL);
    return ESP_ARITHMETIC_OPENSSL;
}

/* Nothing is ever sealed with the controller's own worker; its seed does not matter. */
static const uint8_t no_seed[ESP_SEED_SIZE];

static bool path_start(struct path *path, const struct path_options *options)
{
    enum esp_arithmetic arithmetic = path_choose_arithmetic(path, no_seed);
    path->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (path->esp == NULL || path->event_fd < 0)
        return false;
    for (unsigned i = 0; i < path->worker_count; i++) {
        if (!worker_open(&path->workers[i], options, i, path->event_fd, arithmetic))
            return false;
    }
    for (unsigned i = 0; i < path->worker_count; i++) {
        if (!worker_start(&path->workers[i]))
            return false;
    }
    return true;
}

struct path *path_new(const struct path_options *options)
{
    if (options->worker_count < 1 || options->worker_count > PATH_WORKERS_MAX) {
        errno = EINVAL;
        return NULL;
    }
    struct path *path = calloc(1, sizeof *path);
    size_t size = options->worker_count * sizeof *path->workers;
    struct worker *workers = aligned_alloc(_Alignof(struct worker), size);
    if (path == NULL || workers == NULL) {
        free(path);
        free(workers);
        return NULL;
    }
    memset(workers, 0, size);
    *path = (struct path){
        .worker_count = options->worker_count,
        .workers = workers,
        .event_fd = -1,
        .live = options->live,
        .live_count = options->live_count,
        .totals = options->totals,
        .totals_count = options->totals_count,
    };
    for (unsigned i = 0; i < path->worker_count; i++)
        worker_prepare(&workers[i]);
    if (path_start(path, options))
        return path;
    int error = errno;
    for (unsigned i = 0; i < path->worker_count; i++)
        worker_leave_sockets(&path->workers[i]);
    path_free(path);
    errno = error;
    return NULL;
}

/* The worker ends once it has carried out all that was posted before. */
static void path_stop(struct path *path, struct worker *worker)
{
    if (!worker->started)
        return;
    path_post(path, worker, &(struct command){.kind = COMMAND_STOP});
    (void)pthread_join(worker->thread, NULL);
    path_reap(path, worker);
}

void path_free(struct path *path)
{
    if (path == NULL)
        return;
    for (unsigned i = 0; i < path->worker_count; i++)
        path_stop(path, &path->workers[i]);
    for (size_t i = 0; i < path->tunnels.capacity; i++) {
        if (path->tunnels.slots[i].value != NULL)
            path_tunnel_free(path->tunnels.slots[i].value, false);
    }
    for (unsigned i = 0; i < path->worker_count; i++)
        worker_close(&path->workers[i]);
    map_free(&path->tunnels);
    map_free(&path->children);
    esp_worker_free(path->esp);
    if (path->event_fd >= 0)
        (void)close(path->event_fd);
    free(path->done);
    free(path->workers);
    free(path);
}

const char *path_result_text(enum path_result result)
{
    static const char *const texts[PATH_RESULT_COUNT] = {
        [PATH_OK] = "done",
        [PATH_INVALID] = "invalid argument",
        [PATH_NO_MEMORY] = "out of memory",
        [PATH_NO_TUNNEL] = "no such tunnel",
        [PATH_NO_CHILD] = "no such Child SA",
        [PATH_EXISTS] = "exists already",
        [PATH_SLOT_TAKEN] = "slot of the live state is taken",
    };
    return result < PATH_RESULT_COUNT ? texts[result] : "unknown";
}
