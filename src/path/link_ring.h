/*
 * A transmit ring of a packet socket (AF_PACKET, TPACKET_V2): ESP over IPv4 leaves by it for a next hop whose
 * link-layer address is known. One system call sends a batch, without a look at routes for each packet, and
 * without giving the core away between two packets, as sendmmsg does.
 *
 * Linux does here what it does for a link: queueing disciplines, captures. It does not do what belongs to its
 * IP output: routes, neighbours, fragments, netfilter, IPsec policies; nor does it compare the link's MTU. So
 * only packets go by the ring that fit the path, and that none of these would treat specially
 * (struct path_next_hop, daemon/path/next_hop.h), and all others by the raw socket. So does what the ring
 * does not take at once: it never waits.
 */
#ifndef MUSUBI_PATH_LINK_RING_H
#define MUSUBI_PATH_LINK_RING_H

#include "path/path.h"

enum {
    LINK_RING_FRAMES = 256,
    LINK_RING_FRAME = 2048,  /* octets of a frame, with what Linux puts in front */
    LINK_RING_IP_MAX = 1800, /* octets of the largest IP packet that a frame takes */
    LINK_RING_IP_HEADER = 20,
};

/* All zero: there is none. */
struct link_ring {
    int fd;          /* the caller's */
    uint8_t *frames; /* shared with Linux; NULL: there is none */
    unsigned next;   /* the frame that Linux looks at next */
    uint16_t id;     /* of the next packet without DF */
};

/* A packet for the ring. */
struct link_packet {
    struct ip_address source, destination; /* IPv4 */
    uint8_t traffic_class;
    bool dont_fragment;
    struct octets esp;
};

/* Gives the packet socket `fd` a ring. False if that is not to be had: then the ring is all zero. `id` is
 * where the identifications begin. */
bool link_ring_open(struct link_ring *ring, int fd, uint16_t id);
void link_ring_close(struct link_ring *ring);

static inline bool link_ring_is_open(const struct link_ring *ring)
{
    return ring->frames != NULL;
}

/* Writes packet `n` of a batch (0 for the first one) into its frame, for that next hop. False if it has too
 * many octets, or the frame is still in use. */
bool link_ring_put(struct link_ring *ring, unsigned n, const struct path_next_hop *hop,
                   const struct link_packet *packet);

/* Sends the `count` packets of the batch out by the link, with the fwmark `mark`. Returns how many of the
 * first ones left, or were dropped by the link's queue; the others are as if they had never been put. */
unsigned link_ring_send(struct link_ring *ring, unsigned count, uint32_t link, uint32_t mark);

#endif
