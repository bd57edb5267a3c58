/*
 * Inner packets on their way to TUN devices with IFF_VNET_HDR: TCP segments of one flow that came one after
 * the other become a super-packet, which Linux takes with one call, and so do UDP datagrams where the device
 * segments UDP. Others are written one by one.
 *
 * A super-packet is made only of packets that Linux would make of it again, octet for octet (segment.h), and
 * only after their checksums were found right, since Linux does not look at them any more. So the rules are
 * those of Linux's own GRO, with two that are stricter: the TCP window stays the same, and IPv4
 * identifications count up. Packets of one flow stay in their order.
 */
#ifndef MUSUBI_PATH_COALESCE_H
#define MUSUBI_PATH_COALESCE_H

#include <sys/queue.h>

#include "path/inner.h"

struct inbound_sa;
struct worker;

enum {
    COALESCE_FLOWS = 128,   /* held at a time; of more, a worker reads too few packets each in a row */
    COALESCE_PACKETS = 64,  /* in one super-packet */
    COALESCE_BUCKETS = 256, /* a power of two */
};

/* A TCP or UDP packet as it is looked at. */
struct coalesce_packet {
    uint8_t *at;
    size_t length;
    enum ip_family family;
    uint8_t protocol;
    size_t upper;    /* where the TCP or UDP header stands */
    size_t head;     /* octets of all headers */
    bool may_follow; /* it may be part of a super-packet */
    bool may_lead;   /* others may follow it */
};

/* A super-packet in the making. */
struct coalesce_flow {
    TAILQ_ENTRY(coalesce_flow) age;   /* while it is held */
    LIST_ENTRY(coalesce_flow) bucket; /* while it is held: of those with that hash; else: of the free */
    struct inbound_sa *sa;            /* by which all of it came */
    struct coalesce_packet first;     /* as it came */
    struct octets packets[COALESCE_PACKETS]; /* all of them */
    unsigned count;
    size_t size;            /* octets of payload of each but the last */
    size_t length;          /* of the super-packet */
    uint32_t next_sequence; /* TCP */
    uint16_t next_id;       /* IPv4 */
    uint8_t flags;          /* TCP: of the last packet */
};

struct coalescer {
    TAILQ_HEAD(, coalesce_flow) held; /* the oldest first */
    LIST_HEAD(coalesce_bucket, coalesce_flow) buckets[COALESCE_BUCKETS];
    struct coalesce_bucket free; /* flows that were held before */
    unsigned fresh;              /* how many of the flows, from the first on, have ever been held */
    struct coalesce_flow flows[COALESCE_FLOWS];
};

/* Sets up a zeroed coalescer. */
void coalesce_prepare(struct coalescer *coalescer);

/* True if packets wait for others that follow them. */
static inline bool coalesce_holds(const struct coalescer *coalescer)
{
    return !TAILQ_EMPTY(&coalescer->held);
}

/* Takes an inner packet that was opened by `sa` for its device. The packet may be changed, and has to stay
 * where it is until coalesce_flush. A packet that Linux refuses is counted in the SA. */
void coalesce_add(struct worker *worker, struct inbound_sa *sa, uint8_t *inner, size_t length);

/* Writes all that is held. */
void coalesce_flush(struct worker *worker);

#endif
