/*
 * How large packets are outside, and how large they may be inside (R72, R75, S39): by the suite, the family
 * of the outer header and NAT traversal. docs/sizes.md is made of this.
 */
#ifndef MUSUBI_PATH_SIZE_H
#define MUSUBI_PATH_SIZE_H

#include "base/address.h"
#include "esp/framing.h"

enum {
    SIZE_INNER_MAX = 65535, /* octets of an inner packet */
    /* No MTU that a router tells counts as less (S39): RFC 1122 3.3.3, RFC 8200 5. */
    SIZE_MTU_LEAST_V4 = 576,
    SIZE_MTU_LEAST_V6 = 1280,
    /* Nor does that of an outgoing link of IPv4: the least that is in use (RFC 1191 7.1). */
    SIZE_LINK_LEAST_V4 = 296,
    SIZE_MTU_DEFAULT = 1500,
};

/* What stands around an inner packet. */
struct size_form {
    struct esp_framing esp;
    enum ip_family outer;
    bool encapsulated; /* in UDP (RFC 3948) */
};

/* Octets of the outer IP header, and of the UDP header if there is one. */
size_t size_outer_header(const struct size_form *form);

/* Octets of the outer packet, IP header included, of an inner packet of `inner` octets. */
size_t size_outer(const struct size_form *form, size_t inner);

/* The largest inner packet whose outer packet has at most `mtu` octets: this one fits, one octet more does
 * not. An `mtu` below the least one of the family's links counts as that. */
size_t size_largest_inner(const struct size_form *form, size_t mtu);

/* The largest inner packet whose outer packet can be sent at all, whole or in fragments. */
size_t size_largest_sealable(const struct size_form *form);

/* The MSS of TCP within packets of `inner` octets (RFC 6691: headers without options). */
uint16_t size_mss(enum ip_family family, size_t inner);

#endif
