/*
 * Random packets of a few flows as Linux hands them to a TUN device: mostly TCP and UDP in sequence, alone
 * and in super-packets, and now and then all that does not fit: options, fragments, other protocols, wrong
 * checksums, headers that contradict themselves.
 */
#ifndef MUSUBI_TESTS_RANDOM_TRAFFIC_H
#define MUSUBI_TESTS_RANDOM_TRAFFIC_H

#include "super_packet.h"

enum { TRAFFIC_FLOWS = 6, TRAFFIC_OPTIONS = 12 /* octets of TCP options */ };

/* What stays the same, or counts up, from packet to packet of a flow. */
struct traffic_flow {
    struct super_shape shape; /* without payload */
    uint8_t addresses[32];
    uint8_t ports[4];
    uint8_t tcp_options[TRAFFIC_OPTIONS];
    uint32_t sequence, acknowledgment;
    uint16_t window, id;
    uint8_t traffic_class, ttl;
    bool dont_fragment;
};

struct traffic {
    uint64_t random;
    struct traffic_flow flows[TRAFFIC_FLOWS];
};

struct traffic_packet {
    struct virtio_net_hdr form;
    bool has_form;     /* left to the device: a checksum, or segmentation */
    unsigned segments; /* packets that it is on a network; 1 unless it is a super-packet */
    size_t length;
    uint8_t octets[SUPER_PACKET_MAX + 512];
};

/* The same traffic for the same seed, which is not 0. */
void traffic_begin(struct traffic *traffic, uint64_t seed);

/* Makes the next packet. */
void traffic_next(struct traffic *traffic, struct traffic_packet *packet);

#endif
