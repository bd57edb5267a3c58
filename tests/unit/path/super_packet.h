/*
 * Random super-packets, as Linux hands them to a device that segments, and the slow way to their checksums.
 */
#ifndef MUSUBI_TESTS_SUPER_PACKET_H
#define MUSUBI_TESTS_SUPER_PACKET_H

#include "../esp/fixture.h"
#include "path/segment.h"

enum { SUPER_PACKET_MAX = 65535 };

struct super_shape {
    enum ip_family family;
    uint8_t protocol;
    size_t ip;    /* octets of the IP header with options or extension headers */
    size_t upper; /* octets of the TCP or UDP header */
    size_t size;  /* of a segment's payload */
    size_t payload;
};

/* A random shape, of any size that a super-packet can have. */
struct super_shape super_shape_random(uint64_t *random);

/* Makes a packet of that shape with random contents, in room for SUPER_PACKET_MAX + 512 octets, and what
 * Linux says of it. Sequence numbers, flags and identifications are random too. */
struct virtio_net_hdr super_packet_make(const struct super_shape *shape, uint64_t *random, uint8_t *packet);

/* Where the checksum stands in the TCP or UDP header. */
size_t super_checksum_field(const struct super_shape *shape);

/* The sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1) for `length` octets behind the IP header. */
uint32_t super_pseudo_sum(const struct super_shape *shape, const uint8_t *ip, size_t length);

/* RFC 1071, octet by octet. */
uint16_t slow_checksum(const uint8_t *at, size_t length, uint32_t sum);

#endif
