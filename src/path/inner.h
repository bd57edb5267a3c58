/*
 * Inner IP packets as the stages of the path look at them: a few fields of the header, and what stands behind
 * it. Lengths that a packet claims are believed only as far as the packet goes.
 */
#ifndef MUSUBI_PATH_INNER_H
#define MUSUBI_PATH_INNER_H

#include "base/address.h"
#include "base/bytes.h"

enum {
    INNER_IPV4_HEADER = 20, /* octets, without options */
    INNER_IPV6_HEADER = 40,
};

/* By the version field; IP_NONE if the packet has no whole IP header. */
enum ip_family inner_family(struct octets packet);

/* The functions below take packets that have a family. */

/* Type of Service or Traffic Class: DSCP and ECN. */
uint8_t inner_traffic_class(struct octets packet);

/* True if no router may fragment it: IPv6, and IPv4 with DF. */
bool inner_is_whole(struct octets packet);

struct ip_address inner_source(struct octets packet);
struct ip_address inner_destination(struct octets packet);

/* What stands behind the IP header and IPv6 extension headers. */
struct inner_upper {
    uint8_t protocol;      /* of that header, or of the first one that cannot be passed over */
    size_t offset;         /* octets in front of it, at most the packet's length */
    bool is_later;         /* a fragment other than the first: what stands there is no header */
    bool is_fragment;      /* IPv6: there is a Fragment header, where `unfragmentable` ends */
    size_t unfragmentable; /* octets of the headers that each fragment has (RFC 8200 4.5); IPv4: the header */
};

/* False if the headers in front of it are cut off or do not end. */
bool inner_find_upper(struct octets packet, struct inner_upper *upper);

#endif
