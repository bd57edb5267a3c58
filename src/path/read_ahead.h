/*
 * Packets in front of a tunnel that are read before it is their turn. A TUN device yields packets in the
 * order in which they came, so a ping or a DNS query would wait behind all that a TCP flow has there, which
 * is up to its window. What is read ahead leaves as from a link with Linux's fq_codel (RFC 8290, without its
 * drops): flows take turns, each with a quantum of octets, and a flow that had nothing there goes first. The
 * order within a flow stays, where fragments are a flow of their own: not all of them show ports.
 *
 * A worker has a few queues, for tunnels whose devices always have more; a tunnel gives its queue back when
 * all has left. What a device has beyond the room here stays there.
 */
#ifndef MUSUBI_PATH_READ_AHEAD_H
#define MUSUBI_PATH_READ_AHEAD_H

#include <sys/queue.h>

#include "base/bytes.h"

struct tunnel;
struct worker;

enum {
    READ_AHEAD_AFTER = 8,   /* full batches of a tunnel in a row: then its packets do not come in a burst */
    READ_AHEAD_QUEUES = 4,  /* tunnels of a worker that read ahead at a time */
    READ_AHEAD_LARGE = 24,  /* packets in all of them, of any size */
    READ_AHEAD_SMALL = 512, /* and of READ_AHEAD_SMALL_MAX octets at most */
    READ_AHEAD_SMALL_MAX = 2048,
    READ_AHEAD_FLOWS = 64,     /* that are told apart in a tunnel */
    READ_AHEAD_QUANTUM = 1514, /* octets; as Linux has it for a link with an MTU of 1500 */
};

/* Room for a packet, and the packet as the device has yielded it. */
struct ahead_packet {
    STAILQ_ENTRY(ahead_packet) link;
    uint8_t *at;
    size_t length;
    bool is_large;
};

STAILQ_HEAD(ahead_packets, ahead_packet);

struct ahead_flow {
    TAILQ_ENTRY(ahead_flow) link;
    struct ahead_packets packets;
    int64_t deficit; /* octets that it may still send in this round; not positive: none */
    bool listed;
};

TAILQ_HEAD(ahead_flows, ahead_flow);

/* What is read ahead of one tunnel. */
struct read_ahead {
    struct tunnel *tunnel; /* NULL: it is free */
    struct ahead_flows fresh, old;
    struct ahead_flow flows[READ_AHEAD_FLOWS];
};

struct read_ahead_pool {
    struct read_ahead queues[READ_AHEAD_QUEUES];
    struct ahead_packet packets[READ_AHEAD_LARGE + READ_AHEAD_SMALL];
    struct ahead_packets large,
        small;                  /* unused; the one that was used last is first, and may be in the cache */
    struct ahead_packets spent; /* taken for the batch, which still refers to their octets */
    uint8_t *octets;
    uint64_t seed;
};

/* Sets up a zeroed pool; `seed` is random. False if memory ran out; read_ahead_free may follow in any case.
 */
bool read_ahead_allocate(struct read_ahead_pool *pool, uint64_t seed);
void read_ahead_free(struct read_ahead_pool *pool);

/* A free queue, which is the tunnel's from here on, until read_ahead_end; NULL if there is none. */
struct read_ahead *read_ahead_begin(struct read_ahead_pool *pool, struct tunnel *tunnel);

/* Takes back a queue, which has to be empty. */
void read_ahead_end(struct read_ahead *ahead);

/* Reads from the tunnel's device what there is room for; false if it has no more for now. */
bool read_ahead_fill(struct worker *worker, struct read_ahead *ahead);

/* The packet that is to leave next, or NULL. Its octets stay until read_ahead_recycle. */
struct ahead_packet *read_ahead_take(struct read_ahead_pool *pool, struct read_ahead *ahead);

/* Nothing refers any more to the octets of packets that were taken. */
void read_ahead_recycle(struct read_ahead_pool *pool);

#endif
