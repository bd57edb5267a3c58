/*
 * Traffic selectors (RFC 7296 3.13, RFC 4301 4.4.1.1) and what they are compared with: the addresses,
 * protocol and ports of an inner packet.
 */
#ifndef MUSUBI_ESP_SELECTOR_H
#define MUSUBI_ESP_SELECTOR_H

#include <stdbool.h>

#include "base/address.h"
#include "base/bytes.h"

enum { ESP_SELECTORS_MAX = 8 }; /* of one side of a Child SA */

/*
 * One selector. Addresses are an inclusive range of one family. `protocol` 0 is any. Ports are an inclusive
 * range, 0 to 65535 being any; 65535 to 0 is OPAQUE (RFC 4301 4.4.1.1): packets whose ports cannot be seen.
 * For ICMP and ICMPv6 a port is the type in the high and the code in the low octet; for the IPv6 Mobility
 * Header it is the type in the high octet.
 *
 * Fragments other than the first show no ports, so a selector that names ports does not hold them: they go by
 * another Child SA, whose ports are any or OPAQUE, or are dropped (RFC 4301 7.1, 7.2). The RFC lets two ends
 * agree on more (7.3), by NON_FIRST_FRAGMENTS_ALSO, where each keeps track of fragments; without this
 * agreement, which is never made here, a sender must not send such fragments and a receiver must discard
 * them.
 */
struct traffic_selector {
    uint8_t protocol;
    uint16_t first_port;
    uint16_t last_port;
    struct ip_address first;
    struct ip_address last;
};

/* The two sides' selectors of a Child SA. The arrays belong to someone else. */
struct traffic_selectors {
    const struct traffic_selector *local;
    const struct traffic_selector *remote;
    uint8_t local_count;
    uint8_t remote_count;
};

/* What a packet's ports are worth. */
enum flow_ports {
    /* There are none or they cannot be seen: a fragment other than the first, a protocol without ports, a
     * packet that ends before them. Both ports are 0. Only selectors of any port or OPAQUE hold it. */
    FLOW_PORTS_NONE,
    FLOW_PORTS_BOTH, /* source and destination port */
    /* A type (ICMP, ICMPv6, Mobility Header) in `source_port`. It is the sender's: it is compared with the
     * selectors of the side that the packet comes from (as RFC 4877 4.2 has it), the other side's ports do
     * not matter. `destination_port` is 0. */
    FLOW_PORTS_TYPE,
};

/* An inner packet, as selectors see it. */
struct packet_flow {
    struct ip_address source;
    struct ip_address destination;
    uint8_t protocol; /* of the first header that is no IPv6 extension header */
    enum flow_ports ports;
    uint16_t source_port;
    uint16_t destination_port;
    /* A fragment of TCP over IPv4 that begins 8 octets behind the TCP header's start, so that it could change
     * the flags in the first fragment when it is reassembled (RFC 1858 3.2.2). OPAQUE selectors hold no such
     * fragment (RFC 4301 7.2). */
    bool overlaps_header;
};

/*
 * Reads the flow of the IP packet of `length` octets at `packet`, by its own version field. Lengths inside of
 * the packet are believed only as far as the packet goes. IPv6 hop-by-hop, routing, fragment and destination
 * headers are passed over. False if it has no whole IP header, or IPv6 headers that do not end.
 */
bool packet_flow_read(const uint8_t *packet, size_t length, struct packet_flow *out);

/*
 * Reads the flow of the packet that an ICMP or ICMPv6 error quotes, as far as it quotes it. It went the other
 * way. False if the packet is no error, or quotes no whole IP header.
 */
bool packet_flow_read_quoted(const uint8_t *packet, size_t length, struct packet_flow *out);

/* What packets from one address to another have in common; family IP_NONE twice: what all packets have. */
struct packet_pair {
    struct ip_address source;
    struct ip_address destination;
};

extern const struct packet_pair packet_pair_any;

/* The direction of a packet: R71 compares local with source when sending, with destination when receiving. */
enum packet_direction { PACKET_OUTBOUND, PACKET_INBOUND };

/* True if the packet lies within one of the local and one of the remote selectors. */
bool traffic_selectors_hold(const struct traffic_selectors *selectors, const struct packet_flow *flow,
                            enum packet_direction direction);

/* True if every packet of `family` is held, so that none needs to be looked into. */
bool traffic_selectors_hold_all(const struct traffic_selectors *selectors, enum ip_family family);

#endif
