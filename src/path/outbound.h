/*
 * Packets out: a batch from a tunnel's TUN device, or of those that waited in the tunnel, is given
 * to its outbound SAs, sealed from the one buffer into the other, and sent in its order.
 *
 * When a socket takes no more (EAGAIN), what is left of the batch stays where it is and the tunnels of this
 * worker rest until the socket has room; packets then queue up, and are dropped, in front of the TUN devices,
 * as before any slow link. So nothing is reordered, and nothing lost for the queue of a network card being
 * shorter than a batch. A packet that is refused for another reason is counted and passed over.
 */
#ifndef MUSUBI_PATH_OUTBOUND_H
#define MUSUBI_PATH_OUTBOUND_H

#include "esp/seal.h"
#include "path/wire.h"

struct outbound_sa;
struct source;
struct tunnel;
struct worker;

struct outbound {
    /* The batch. */
    uint8_t *plain;  /* packets as they are read, one behind the other */
    uint8_t *sealed; /* the same of ESP packets, so that runs of one size can leave as one (UDP_SEGMENT) */
    size_t plain_used;
    size_t sealed_used;
    struct esp_outbound packets[PATH_BATCH];
    struct outbound_sa *sas[PATH_BATCH];
    size_t packet_count;

    /* What is to be sent of it: messages from `next` on. */
    struct mmsghdr messages[PATH_BATCH];
    struct iovec vectors[PATH_BATCH];
    size_t inner_lengths[PATH_BATCH];        /* octets of the packets inside */
    struct outbound_sa *senders[PATH_BATCH]; /* NULL: removed in the meantime */
    enum wire_kind kinds[PATH_BATCH];
    struct wire_destination detached[PATH_BATCH]; /* how those without a sender are to go */
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

/* Tries again to send what was stuck. */
void outbound_resume(struct worker *worker);

/* Has nothing in the batch refer to the SA any more: before it is removed or gets another destination. */
void outbound_detach(struct outbound *outbound, const struct outbound_sa *sa);

#endif
