/*
 * Packets that wait in a tunnel for an SA (R13, S6): the oldest 64, at most 256 KiB. Memory is taken packet
 * by packet, since most tunnels never have one waiting; what all tunnels of a worker hold is bounded too.
 */
#ifndef MUSUBI_PATH_WAITING_H
#define MUSUBI_PATH_WAITING_H

#include "base/bytes.h"
#include "path/path.h"

enum { WAITING_WORKER_OCTETS = 64 << 20 };

struct waiting_packet {
    struct waiting_packet *next;
    size_t length;
    uint8_t octets[];
};

struct waiting {
    struct waiting_packet *first;
    struct waiting_packet *last; /* where `first` is not NULL */
    size_t packets;
    size_t octets;
};

enum waiting_verdict {
    WAITING_KEPT,
    WAITING_FULL,      /* of packets or octets */
    WAITING_NO_MEMORY, /* also when the worker's bound is reached */
};

/* Keeps a copy of `packet` behind the others. `worker_octets` is the sum over all queues of the worker. */
enum waiting_verdict waiting_put(struct waiting *waiting, struct octets packet, size_t *worker_octets);

/* Takes out the oldest packet, for the caller to free; NULL if there is none. */
struct waiting_packet *waiting_take(struct waiting *waiting, size_t *worker_octets);

/* Frees the packets of a pair and returns how many there were; the others stay in their order. */
size_t waiting_drop(struct waiting *waiting, const struct packet_pair *pair, size_t *worker_octets);

#endif
