/*
 * Packets out: what the TUN devices of this worker's tunnels yield in one turn, and what waited in tunnels,
 * is one batch. Each packet is given to an outbound SA of its tunnel (outbound.c), super-packets in segments
 * (segment.h); the MSS of SYNs is lowered (mss.h), and what is too large is fragmented or answered
 * (oversize.h); then the batch is sealed and sent in its order (outbound_send.c).
 *
 * Where a tunnel has much more than a batch, packets are read ahead of their turn, so that sparse flows can
 * pass the others (read_ahead.h).
 *
 * When a socket takes no more (EAGAIN), what is left of the batch stays where it is and the tunnels of this
 * worker rest until the socket has room; packets then queue up, and are dropped, in front of the TUN devices,
 * as before any slow link. So nothing is reordered, and nothing lost for the queue of a network card being
 * shorter than a batch. A packet that is refused for another reason is counted and passed over.
 */
#ifndef MUSUBI_PATH_OUTBOUND_H
#define MUSUBI_PATH_OUTBOUND_H

#include "path/pieces.h"
#include "path/segment.h"
#include "path/wire.h"

struct outbound_sa;
struct source;
struct tunnel;
struct worker;

/* An inner packet that has an SA to leave by. One that does not fit the SA's path is whole. */
struct outbound_packet {
    struct outbound_sa *sa;
    uint8_t *at;
    size_t length;
    struct octets rest; /* a segment's payload, while `at` has its headers; empty: the packet is whole */
};

/* Consecutive packets of one tunnel in the batch. There is one run for a tunnel, so its packets stay in
 * order. */
struct outbound_run {
    size_t first, count;
};

/* A sealed packet. */
struct outbound_datagram {
    struct outbound_sa *sender; /* NULL: removed in the meantime, or its datagrams go elsewhere now */
    size_t inner_length;        /* octets of the packet inside */
};

/* What leaves by one message: a datagram, or several of one destination and size that lie one behind the
 * other. */
struct outbound_message {
    struct wire_destination *destination;
    struct wire_form form; /* segment: octets of each datagram but the last, also of a single one */
    bool singly;           /* the kernel does not take them together */
    bool by_link;          /* it leaves by the worker's link_ring */
    uint32_t mtu;          /* of the path */
    uint8_t *at;
    size_t length;         /* octets of all its datagrams */
    unsigned first, count; /* its datagrams in struct outbound */
};

/* The messages of one system call, as the kernel wants them. */
struct outbound_vector {
    struct mmsghdr messages[PATH_BATCH];
    struct iovec vectors[PATH_BATCH];
    struct wire_message_control controls[PATH_BATCH];
    unsigned count;
};

struct outbound {
    /* The batch, through its stages: packets as they were read, then pieces. */
    uint8_t *plain;    /* room for packets, one behind the other */
    size_t plain_used; /* octets of all packets, with those that were read ahead, which are elsewhere */
    uint8_t *heads;    /* room for the headers of segments */
    size_t heads_used;
    uint8_t *joined; /* room for segments that have to be in one piece, lest they be larger than fits */
    size_t joined_used;
    struct outbound_packet packets[PIECES_MAX];
    size_t packet_count;
    struct outbound_run runs[PIECES_MAX];
    size_t run_count;
    size_t pieces_expected; /* of those packets, at most */
    struct pieces pieces;

    /* The super-packet in `plain` of which segments are still to come. */
    struct segmenter segmenter;
    struct tunnel *segmented; /* whose it is; NULL: there is none */

    /* What is to be sent of it: messages from `next` on. */
    struct outbound_message messages[PIECES_MAX];
    unsigned next;
    unsigned message_count;
    struct outbound_datagram datagrams[PIECES_MAX]; /* of all messages */
    unsigned datagram_count;
    struct wire_destination
        detached[PIECES_MAX]; /* destinations of messages whose SA was removed or redirected */
    struct outbound_vector vector;
};

/* Allocates the buffers of a zeroed struct, and with `touched` touches them, so that no packet waits for
 * fresh memory. False if memory ran out; outbound_free may follow in any case. */
bool outbound_allocate(struct outbound *outbound, bool touched);
void outbound_free(struct outbound *outbound);

/* Takes from the tunnel that `source` is of what would be a batch by itself; true if there may be more. It
 * joins what the batch has of other tunnels, and leaves with outbound_end_batch at the latest. Not while
 * stuck. */
bool outbound_run(struct worker *worker, struct source *source);

/* Seals and sends the batch, or all but what a full socket does not take. */
void outbound_end_batch(struct worker *worker);

/* True while part of a batch waits for room in a socket. */
static inline bool outbound_is_stuck(const struct outbound *outbound)
{
    return outbound->next < outbound->message_count;
}

/* Sends what is left of the batch, or all but what a full socket does not take. */
void outbound_flush(struct worker *worker);

/* Seals the pieces of the batch, makes messages of them, and sends them; or all but what a full socket does
 * not take. The batch is empty then. */
void outbound_send(struct worker *worker);

/* Tries again to send what was stuck, and goes on with what did not fit the batch. */
void outbound_resume(struct worker *worker);

/* Drops and counts what was read of this tunnel and is in no batch: the rest of a super-packet, and what was
 * read ahead. */
void outbound_drop_read(struct worker *worker, struct tunnel *tunnel);

/* Has nothing in the batch refer to the SA any more: before it is removed or gets another destination. */
void outbound_detach(struct outbound *outbound, const struct outbound_sa *sa);

#endif
