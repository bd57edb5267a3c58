/*
 * ICMP errors from routers outside that say a packet of ours was too large, and the packet that they quote
 * (RFC 4301 8.2.1).
 */
#ifndef MUSUBI_PATH_ICMP_QUOTE_H
#define MUSUBI_PATH_ICMP_QUOTE_H

#include "base/address.h"
#include "base/bytes.h"

struct icmp_quote {
    uint32_t mtu; /* what the router's next link takes, octets; 0 from old routers (RFC 1191 5) */
    struct ip_endpoint remote; /* where the quoted packet went; port 0 unless it was ESP in UDP */
    uint32_t spi, sequence;    /* of the quoted packet */
};

/*
 * Reads an error as a raw socket hands it out: with the IP header for IPv4, from the ICMPv6 type for IPv6.
 * False if it is another message or damaged, or does not quote ESP up to its sequence number.
 */
bool icmp_quote_read(struct octets message, enum ip_family family, struct icmp_quote *quote);

#endif
