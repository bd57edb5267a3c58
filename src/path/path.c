#include "path/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "esp/owner.h"
#include "path/controller.h"

int path_event_fd(const struct path *path)
{
    return path->event_fd;
}

static bool path_take_event(struct path *path, struct path_event *event)
{
    path_reap(path);
    struct operation *operation = STAILQ_FIRST(&path->done);
    if (operation != NULL) {
        STAILQ_REMOVE_HEAD(&path->done, link);
        *event = operation->event;
        free(operation);
        return true;
    }
    for (unsigned i = 0; i < path->worker_count; i++) {
        unsigned at = (path->next_worker + i) % path->worker_count;
        if (ring_take(&path->workers[at].events, event)) {
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

struct path_stray *path_next_stray(struct path *path)
{
    struct path_stray *stray;
    for (unsigned i = 0; i < path->worker_count; i++) {
        if (ring_take(&path->workers[i].strays_out, &stray))
            return stray;
    }
    return NULL;
}

bool path_put_stray(struct path *path, const struct ip_endpoint *remote, struct octets esp)
{
    struct reader r = reader_of(esp.at, esp.length);
    struct worker *owner = &path->workers[esp_owner_of_spi(reader_u32be(&r), path->worker_count)];
    struct path_stray *stray = r.failed ? NULL : stray_new(remote, 0, esp);
    if (stray == NULL)
        return false;
    if (!ring_put(&owner->strays[path->worker_count], &stray)) {
        free(stray);
        return false;
    }
    mailbox_wake(&owner->mailbox);
    return true;
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
    enum esp_arithmetic arithmetic = ESP_ARITHMETIC_OPENSSL;
    if (options->by_turns)
        path->esp = esp_worker_new(no_seed, arithmetic);
    else
        arithmetic = path_choose_arithmetic(path, no_seed);
    path->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (path->esp == NULL || path->event_fd < 0)
        return false;
    for (unsigned i = 0; i < path->worker_count; i++) {
        if (!worker_open(path->workers, i, options, path->event_fd, arithmetic))
            return false;
    }
    for (unsigned i = 0; i < path->worker_count && !options->by_turns; i++) {
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
        .by_turns = options->by_turns,
        .event_fd = -1,
        .live = options->live,
        .live_count = options->live_count,
        .totals_count = options->totals_count,
        .sizes = options->sizes,
        .find_route = options->find_route,
        .find_context = options->find_context,
    };
    STAILQ_INIT(&path->own_changes);
    STAILQ_INIT(&path->stepped);
    STAILQ_INIT(&path->done);
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

static void path_stop(struct worker *worker)
{
    static const struct command stop = {.kind = COMMAND_STOP};
    if (!worker->started)
        return;
    mailbox_post(&worker->mailbox, &(struct task){.command = &stop});
    (void)pthread_join(worker->thread, NULL);
}

void path_free(struct path *path)
{
    if (path == NULL)
        return;
    path_settle(path);
    for (unsigned i = 0; i < path->worker_count; i++)
        path_stop(&path->workers[i]);
    for (size_t i = 0; i < path->tunnels.capacity; i++) {
        if (path->tunnels.slots[i].value != NULL)
            known_tunnel_free(path->tunnels.slots[i].value, false);
    }
    for (unsigned i = 0; i < path->worker_count; i++)
        worker_close(&path->workers[i]);
    own_change_free_all(path);
    struct operation *operation;
    while ((operation = STAILQ_FIRST(&path->done)) != NULL) {
        STAILQ_REMOVE_HEAD(&path->done, link);
        free(operation);
    }
    map_free(&path->tunnels);
    map_free(&path->children);
    esp_worker_free(path->esp);
    if (path->event_fd >= 0)
        (void)close(path->event_fd);
    free(path->workers);
    free(path);
}

void path_turn(struct path *path, msec_t now)
{
    bool more = true;
    while (more) {
        more = false;
        for (unsigned i = 0; i < path->worker_count; i++)
            more |= worker_turn(&path->workers[i], now);
        path_reap(path);
    }
}

msec_t path_deadline(const struct path *path)
{
    msec_t first = MSEC_NEVER;
    for (unsigned i = 0; i < path->worker_count; i++) {
        msec_t due = deadline_next(&path->workers[i].deadlines);
        first = due < first ? due : first;
    }
    return first;
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
