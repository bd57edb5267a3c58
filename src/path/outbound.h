/*
 * Packets out: a batch from a tunnel's TUN device, or of those that waited in the tunnel, is given to its
 * outbound SAs (outbound.c); the MSS of SYNs is lowered (mss.h), and what is too large is fragmented or
 * answered (oversize.h); then it is sealed and sent in its order (outbound_send.c).
 *
 * When a socket takes no more (EAGAIN), what is left of the batch stays where it is and the tunnels of this
 * worker rest until the socket has room; packets then queue up, and are dropped, in front of the TUN devices,
 * as before any slow link. So nothing is reordered, and nothing lost for the queue of a network card being
 * shorter than a batch. A packet that is refused for another reason is counted and passed over.
 */
#ifndef MUSUBI_PATH_OUTBOUND_H
#define MUSUBI_PATH_OUTBOUND_H

#include "path/pieces.h"
#include "path/wire.h"

struct outbound_sa;
struct source;
struct tunnel;
struct worker;

/* An inner packet that has an SA to leave by. */
struct outbound_packet {
    struct outbound_sa *sa;
    uint8_t *at;
    size_t length;
};

struct outbound {
    /* The batch, through its stages: packets as they were read, then pieces. */
    uint8_t *plain; /* room for packets, one behind the other */
    size_t plain_used;
    struct outbound_packet packets[PATH_BATCH];
    size_t packet_count;
    size_t pieces_expected; /* of those packets, at most */
    struct pieces pieces;

    /* What is to be sent of it: messages from `next` on. */
    struct mmsghdr messages[PIECES_MAX];
    struct iovec vectors[PIECES_MAX];
    size_t inner_lengths[PIECES_MAX];        /* octets of the packets inside */
    struct outbound_sa *senders[PIECES_MAX]; /* NULL: removed in the meantime */
    enum wire_kind kinds[PIECES_MAX];
    uint32_t mtus[PIECES_MAX];                        /* of their paths */
    struct wire_message_control controls[PIECES_MAX]; /* of those that need control messages of their own */
    struct wire_destination detached[PIECES_MAX];     /* how those without a sender are to go */
    unsigned next;
    unsigned message_count;
};

/* Allocates the buffers of a zeroed struct, and with `touched` touches them, so that no packet waits for
 * fresh memory. False if memory ran out; outbound_free may follow in any case. */
bool outbound_allocate(struct outbound *outbound, bool touched);
void outbound_free(struct outbound *outbound);

/* Takes one batch from the tunnel that `source` is of; true if there may be more. Not while stuck. */
bool outbound_run(struct worker *worker, struct source *source);

/* True while part of a batch waits for room in a socket. */
static inline bool outbound_is_stuck(const struct outbound *outbound)
{
    return outbound->next < outbound->message_count;
}

/* Seals the pieces of the batch, makes messages of them, and sends them; or all but what a full socket does
 * not take. The batch is empty then. */
void outbound_send(struct worker *worker);

/* Tries again to send what was stuck. */
void outbound_resume(struct worker *worker);

/* Has nothing in the batch refer to the SA any more: before it is removed or gets another destination. */
void outbound_detach(struct outbound *outbound, const struct outbound_sa *sa);

#endif
