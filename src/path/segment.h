/*
 * What a TUN device with IFF_VNET_HDR yields becomes packets as they go over a network: a checksum that was
 * left to the device is filled in, and a super-packet (TSO, USO) becomes segments. A segment is a header of
 * its own and a part of the super-packet's payload, which stays where it is.
 *
 * Segments are octet for octet what Linux makes where a device does not segment (tcp_gso_segment,
 * __udp_gso_segment): TCP sequence numbers, FIN and PSH in the last one alone, CWR in the first one alone,
 * IPv4 identifications counting up, lengths, checksums.
 */
#ifndef MUSUBI_PATH_SEGMENT_H
#define MUSUBI_PATH_SEGMENT_H

#include <linux/virtio_net.h>

#include "path/inner.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* Linux 6.2 */
#endif

/* Fields are the machine's, as TUN devices have them by default. */
enum { VNET_HEADER = sizeof(struct virtio_net_hdr) };

struct segmenter {
    uint8_t *packet;
    size_t length;
    enum ip_family family;
    uint8_t protocol;  /* TCP or UDP */
    size_t upper;      /* where its header stands */
    size_t head;       /* octets of all headers; 0: the packet is no super-packet */
    size_t size;       /* octets of payload in each segment but the last */
    size_t at;         /* octets of payload in the segments so far */
    uint16_t index;    /* of the next segment */
    size_t field;      /* where the checksum stands */
    uint32_t pseudo;   /* sum of the pseudo header without the length, as the sender has made it */
    uint32_t ip_sum;   /* IPv4: sum of the header without length, identification and checksum */
    uint16_t ip_id;    /* IPv4: of the first segment */
    uint32_t sequence; /* TCP: likewise */
    uint8_t flags;     /* TCP */
    bool is_done;
};

/*
 * Begins with what a TUN device has yielded: its header `form` and the packet. Fills in the checksum of a
 * packet that is no super-packet. False if the header contradicts the packet; then it is to be dropped.
 */
bool segmenter_begin(struct segmenter *s, const struct virtio_net_hdr *form, uint8_t *packet, size_t length);

/* Octets of the largest segment that is still to come. */
size_t segmenter_largest(const struct segmenter *s);

/* The number of segments that are still to come. */
size_t segmenter_left(const struct segmenter *s);

/* The next segment: writes its headers to `head`, which has room for s->head octets, and says where its
 * payload is. A packet that is no super-packet is one segment without a head. False if there are no more. */
bool segmenter_next(struct segmenter *s, uint8_t *head, struct octets *body);

#endif
