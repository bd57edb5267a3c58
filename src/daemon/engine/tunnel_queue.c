#include "daemon/engine/tunnel_queue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/secret.h"

/* An action with all that it points to; or a request that those behind it wait for. */
struct waiting_action {
    STAILQ_ENTRY(waiting_action) link;
    size_t size;      /* of the whole */
    uint64_t request; /* 0: it is an action, or the request is done */
    bool is_action;
    struct ike_action action;
    char octets[];
};

struct tunnel_queue {
    STAILQ_HEAD(, waiting_action) waiting; /* the first one is a request that is not done */
    size_t octets;
    struct tunnel_queue_losses losses;
};

static struct tunnel_queue *queue_of(struct tunnel_queues *queues, uint32_t tunnel)
{
    struct tunnel_queue *queue = map_find(&queues->by_number, tunnel);
    if (queue != NULL)
        return queue;
    queue = calloc(1, sizeof(*queue));
    if (queue == NULL || !map_put(&queues->by_number, tunnel, queue)) {
        free(queue);
        return NULL;
    }
    STAILQ_INIT(&queue->waiting);
    return queue;
}

static void queue_append(struct tunnel_queues *queues, struct tunnel_queue *queue,
                         struct waiting_action *waiting)
{
    STAILQ_INSERT_TAIL(&queue->waiting, waiting, link);
    queue->octets += waiting->size;
    queues->octets += waiting->size;
}

static struct waiting_action *queue_take_first(struct tunnel_queues *queues, struct tunnel_queue *queue)
{
    struct waiting_action *first = STAILQ_FIRST(&queue->waiting);
    STAILQ_REMOVE_HEAD(&queue->waiting, link);
    queue->octets -= first->size;
    queues->octets -= first->size;
    return first;
}

bool tunnel_queue_hold(struct tunnel_queues *queues, uint32_t tunnel, uint64_t request)
{
    struct waiting_action *waiting = calloc(1, sizeof(*waiting));
    struct tunnel_queue *queue = waiting != NULL ? queue_of(queues, tunnel) : NULL;
    if (queue == NULL) {
        free(waiting);
        return false;
    }
    waiting->size = sizeof(*waiting);
    waiting->request = request;
    queue_append(queues, queue, waiting);
    return true;
}

void tunnel_queue_release(struct tunnel_queues *queues, uint32_t tunnel, uint64_t request)
{
    struct tunnel_queue *queue = map_find(&queues->by_number, tunnel);
    struct waiting_action *waiting = queue != NULL ? STAILQ_FIRST(&queue->waiting) : NULL;
    while (waiting != NULL && waiting->request != request)
        waiting = STAILQ_NEXT(waiting, link);
    if (waiting != NULL)
        waiting->request = 0;
}

bool tunnel_queue_is_held(const struct tunnel_queues *queues, uint32_t tunnel)
{
    return map_find(&queues->by_number, tunnel) != NULL;
}

/* ---- Actions ---------------------------------------------------------------------------------------- */

static struct octets octets_of(const struct ike_action *action)
{
    if (action->kind == IKE_ACTION_DATAGRAM)
        return action->datagram.message;
    return (struct octets){(const uint8_t *)action->log.text, strlen(action->log.text) + 1};
}

/* A copy that points to its own octets; NULL if memory ran out. */
static struct waiting_action *action_copy(const struct ike_action *action, struct octets octets)
{
    size_t size = sizeof(struct waiting_action) + octets.length;
    struct waiting_action *waiting = calloc(1, size);
    if (waiting == NULL)
        return NULL;
    waiting->size = size;
    waiting->is_action = true;
    waiting->action = *action;
    if (octets.length > 0)
        memcpy(waiting->octets, octets.at, octets.length);
    if (action->kind == IKE_ACTION_DATAGRAM)
        waiting->action.datagram.message.at = (const uint8_t *)waiting->octets;
    else
        waiting->action.log.text = waiting->octets;
    return waiting;
}

static bool has_room(const struct tunnel_queues *queues, const struct tunnel_queue *queue, size_t length)
{
    size_t size = sizeof(struct waiting_action) + length;
    return queue->octets + size <= TUNNEL_QUEUE_MAX && queues->octets + size <= TUNNEL_QUEUES_MAX;
}

void tunnel_queue_add(struct tunnel_queues *queues, uint32_t tunnel, const struct ike_action *action)
{
    struct tunnel_queue *queue = map_find(&queues->by_number, tunnel);
    struct octets octets = octets_of(action);
    struct waiting_action *waiting =
        has_room(queues, queue, octets.length) ? action_copy(action, octets) : NULL;
    if (waiting != NULL)
        queue_append(queues, queue, waiting);
    else if (action->kind == IKE_ACTION_DATAGRAM)
        queue->losses.datagrams++;
    else
        queue->losses.lines++;
}

struct waiting_action *tunnel_queue_take(struct tunnel_queues *queues, uint32_t tunnel,
                                         struct tunnel_queue_losses *losses)
{
    *losses = (struct tunnel_queue_losses){0};
    struct tunnel_queue *queue = map_find(&queues->by_number, tunnel);
    if (queue == NULL)
        return NULL;
    while (!STAILQ_EMPTY(&queue->waiting) && STAILQ_FIRST(&queue->waiting)->request == 0) {
        struct waiting_action *first = queue_take_first(queues, queue);
        if (first->is_action)
            return first;
        waiting_action_free(first);
    }
    if (!STAILQ_EMPTY(&queue->waiting))
        return NULL;
    *losses = queue->losses;
    (void)map_remove(&queues->by_number, tunnel);
    free(queue);
    return NULL;
}

const struct ike_action *waiting_action_get(const struct waiting_action *waiting)
{
    return &waiting->action;
}

void waiting_action_free(struct waiting_action *waiting)
{
    if (waiting != NULL)
        secret_free(waiting, waiting->size);
}

/* ---- All queues ------------------------------------------------------------------------------------- */

bool tunnel_queues_are_empty(const struct tunnel_queues *queues)
{
    return queues->by_number.count == 0;
}

void tunnel_queues_clear(struct tunnel_queues *queues)
{
    for (size_t i = 0; i < queues->by_number.capacity; i++) {
        struct tunnel_queue *queue = queues->by_number.slots[i].value;
        while (queue != NULL && !STAILQ_EMPTY(&queue->waiting))
            waiting_action_free(queue_take_first(queues, queue));
        free(queue);
    }
    map_free(&queues->by_number);
    *queues = (struct tunnel_queues){0};
}
