/*
 * The ICMP errors that tell a host to send smaller packets (R72): fragmentation needed (RFC 792, RFC 1191)
 * and packet too big (RFC 4443 3.2).
 */
#ifndef MUSUBI_PATH_ICMP_ERROR_H
#define MUSUBI_PATH_ICMP_ERROR_H

#include "base/deadline.h"
#include "path/inner.h"

enum {
    ICMP_ERROR_MAX = 1240,    /* octets of a message: it fits 576 octets with IPv4, 1280 with IPv6 */
    ICMP_ERROR_TABLE = 256,   /* pairs of addresses that are remembered */
    ICMP_ERROR_SILENCE = 100, /* milliseconds for one pair */
    ICMP_ERROR_RATE = 1000,   /* of all, in a second */
};

/*
 * Writes the message, from its type on, that answers `packet` with the size `mtu`: it quotes as much of the
 * packet as RFC 1812 4.3.2.3 and RFC 4443 2.4 want. The checksum is left 0 for ICMPv6, which the kernel fills
 * in. Returns its length; 0 if the packet must not be answered (RFC 1812 4.3.2.7, RFC 4443 2.4): an ICMP
 * error itself, a later fragment, from or to what is no single host.
 */
size_t icmp_error_make(struct octets packet, uint32_t mtu, uint8_t message[ICMP_ERROR_MAX]);

/* How many errors were sent of late. A small table that is overwritten bounds them, whatever hosts do. */
struct icmp_error_limit {
    uint64_t seed;
    struct {
        uint64_t pair;
        msec_t sent;
    } entries[ICMP_ERROR_TABLE];
    msec_t second; /* the one that `sent` counts in */
    unsigned sent;
};

/* True if an error about the packet may be sent now, and then takes note of it. */
bool icmp_error_may_send(struct icmp_error_limit *limit, struct octets packet, msec_t now);

#endif
