/*
 * What waits of each tunnel: datagrams and log lines that follow a request to keeper or path whose answer is
 * not there yet. A tunnel's actions keep their order; those of other tunnels do not wait for them.
 *
 * The queues are bounded. Beyond the bound a datagram is lost, as the network may lose it: the request is
 * sent again, and so is its answer. A log line is lost too, and both are counted.
 */
#ifndef MUSUBI_DAEMON_ENGINE_TUNNEL_QUEUE_H
#define MUSUBI_DAEMON_ENGINE_TUNNEL_QUEUE_H

#include "base/map.h"
#include "ike/ike.h"

enum {
    /* Octets with all that belongs to them. A tunnel's are room for some answers in fragments and the lines
     * of level debug that tell of them; all tunnels' are room for 10,000 that come up together. */
    TUNNEL_QUEUE_MAX = 256 << 10,
    TUNNEL_QUEUES_MAX = 64 << 20,
};

/* Start with a zeroed one. */
struct tunnel_queues {
    struct map by_number; /* those that something waits in */
    size_t octets;
};

/* What did not fit into a queue. */
struct tunnel_queue_losses {
    size_t datagrams, lines;
};

struct waiting_action;

/* What is added to the tunnel's queue from now on waits for a request. False if memory ran out. */
bool tunnel_queue_hold(struct tunnel_queues *queues, uint32_t tunnel, uint64_t request);

/* The tunnel's queue waits for that request no more; nothing happens if it did not. */
void tunnel_queue_release(struct tunnel_queues *queues, uint32_t tunnel, uint64_t request);

/* True if an action of the tunnel has to wait. */
bool tunnel_queue_is_held(const struct tunnel_queues *queues, uint32_t tunnel);

/* Adds a copy of a datagram or a log line to a tunnel's queue, which is held; or counts it as lost. */
void tunnel_queue_add(struct tunnel_queues *queues, uint32_t tunnel, const struct ike_action *action);

/*
 * Takes the tunnel's next action that need not wait any more; the caller ends it with waiting_action_free.
 * NULL if there is none. *losses is what the queue has lost if it has ended by this call, else zero.
 */
struct waiting_action *tunnel_queue_take(struct tunnel_queues *queues, uint32_t tunnel,
                                         struct tunnel_queue_losses *losses);

/* The action itself, which points to memory of `waiting`. */
const struct ike_action *waiting_action_get(const struct waiting_action *waiting);

/* Wipes and frees it. */
void waiting_action_free(struct waiting_action *waiting);

/* True if nothing waits in any queue. */
bool tunnel_queues_are_empty(const struct tunnel_queues *queues);

/* Forgets all. */
void tunnel_queues_clear(struct tunnel_queues *queues);

#endif
