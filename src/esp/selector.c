#include "esp/selector.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

enum {
    IPV4_HEADER_SIZE = 20,
    IPV4_FRAGMENT_OFFSET = 0x1fff, /* in units of 8 octets */
    IPV6_FRAGMENT_OFFSET = 0xfff8,
    PROTOCOL_DCCP = 33,
    PROTOCOL_UDPLITE = 136,
    PROTOCOL_MOBILITY = 135,
};

const struct packet_pair packet_pair_any;

/* Fills in the ports from the header of `flow->protocol`, where `upper` stands. */
static void read_ports(struct reader upper, struct packet_flow *flow)
{
    switch (flow->protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case PROTOCOL_DCCP:
    case PROTOCOL_UDPLITE:
        flow->source_port = reader_u16be(&upper);
        flow->destination_port = reader_u16be(&upper);
        flow->ports = FLOW_PORTS_BOTH;
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        flow->source_port = reader_u16be(&upper);
        flow->ports = FLOW_PORTS_TYPE;
        break;
    case PROTOCOL_MOBILITY:
        (void)reader_octets(&upper, 2);
        flow->source_port = (uint16_t)(reader_u8(&upper) << 8);
        flow->ports = FLOW_PORTS_TYPE;
        break;
    default:
        break;
    }
    if (upper.failed) {
        flow->ports = FLOW_PORTS_NONE;
        flow->source_port = flow->destination_port = 0;
    }
}

/* In `upper`, what stands behind the IP header. */
static bool read_ipv4(struct reader packet, struct packet_flow *flow, struct reader *upper)
{
    size_t header_size = (size_t)(reader_u8(&packet) & 0x0f) * 4;
    (void)reader_octets(&packet, 5); /* TOS, total length, identification */
    unsigned offset = reader_u16be(&packet) & IPV4_FRAGMENT_OFFSET;
    (void)reader_u8(&packet); /* TTL */
    flow->protocol = reader_u8(&packet);
    (void)reader_u16be(&packet); /* checksum */
    const uint8_t *source = reader_octets(&packet, 4);
    const uint8_t *destination = reader_octets(&packet, 4);
    if (packet.failed || header_size < IPV4_HEADER_SIZE)
        return false;
    flow->source = ip_address_of(IP_V4, source);
    flow->destination = ip_address_of(IP_V4, destination);
    (void)reader_octets(&packet, header_size - IPV4_HEADER_SIZE);
    if (packet.failed)
        return false;
    flow->overlaps_header = offset == 1 && flow->protocol == IPPROTO_TCP;
    if (offset == 0)
        read_ports(packet, flow);
    *upper = packet;
    return true;
}

/* The ports behind the extension headers, of which `flow->protocol` is the first. False if they do not end.
 */
static bool read_ipv6_upper(struct reader packet, struct packet_flow *flow, struct reader *upper)
{
    for (;;) {
        switch (flow->protocol) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS:
            flow->protocol = reader_u8(&packet);
            (void)reader_octets(&packet, (size_t)reader_u8(&packet) * 8 + 6);
            break;
        case IPPROTO_FRAGMENT:
            flow->protocol = reader_u8(&packet);
            (void)reader_u8(&packet); /* reserved */
            if ((reader_u16be(&packet) & IPV6_FRAGMENT_OFFSET) != 0)
                return !packet.failed;
            (void)reader_u32be(&packet); /* identification */
            break;
        default:
            read_ports(packet, flow);
            *upper = packet;
            return true;
        }
        if (packet.failed)
            return false;
    }
}

static bool read_ipv6(struct reader packet, struct packet_flow *flow, struct reader *upper)
{
    (void)reader_octets(&packet, 6); /* version, class, flow label, payload length */
    flow->protocol = reader_u8(&packet);
    (void)reader_u8(&packet); /* hop limit */
    const uint8_t *source = reader_octets(&packet, 16);
    const uint8_t *destination = reader_octets(&packet, 16);
    if (packet.failed)
        return false;
    flow->source = ip_address_of(IP_V6, source);
    flow->destination = ip_address_of(IP_V6, destination);
    return read_ipv6_upper(packet, flow, upper);
}

/* In `upper`, what stands behind the headers, unless it is a later fragment of IPv6. */
static bool read_flow(const uint8_t *packet, size_t length, struct packet_flow *out, struct reader *upper)
{
    *out = (struct packet_flow){.ports = FLOW_PORTS_NONE};
    if (length == 0)
        return false;
    switch (packet[0] >> 4) {
    case IP_V4:
        return read_ipv4(reader_of(packet, length), out, upper);
    case IP_V6:
        return read_ipv6(reader_of(packet, length), out, upper);
    default:
        return false;
    }
}

bool packet_flow_read(const uint8_t *packet, size_t length, struct packet_flow *out)
{
    struct reader upper;
    return read_flow(packet, length, out, &upper);
}

/* True if the flow is of an ICMP or ICMPv6 message that quotes a packet. Redirects are no business of a
 * tunnel. */
static bool flow_is_icmp_error(const struct packet_flow *flow)
{
    if (flow->ports != FLOW_PORTS_TYPE)
        return false;
    unsigned type = flow->source_port >> 8;
    if (flow->protocol == IPPROTO_ICMPV6)
        return type >= ICMP6_DST_UNREACH && type <= ICMP6_PARAM_PROB;
    return flow->protocol == IPPROTO_ICMP && (type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
                                              type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB);
}

bool packet_flow_read_quoted(const uint8_t *packet, size_t length, struct packet_flow *out)
{
    enum { ICMP_ERROR_HEADER = 8 };
    struct reader upper;
    if (!read_flow(packet, length, out, &upper) || !flow_is_icmp_error(out))
        return false;
    (void)reader_octets(&upper, ICMP_ERROR_HEADER);
    return !upper.failed && packet_flow_read(upper.at, reader_left(&upper), out);
}

static bool selector_is_any_port(const struct traffic_selector *s)
{
    return s->first_port == 0 && s->last_port == UINT16_MAX;
}

static bool selector_is_opaque(const struct traffic_selector *s)
{
    return s->first_port == UINT16_MAX && s->last_port == 0;
}

/* One side of a packet, as one side's selectors see it. */
struct flow_side {
    const struct ip_address *address;
    uint16_t port;
    bool has_port;
    bool any_port; /* the port is none of this side's business */
    bool overlaps_header;
};

static bool selector_holds(const struct traffic_selector *s, uint8_t protocol, const struct flow_side *side)
{
    if (s->protocol != 0 && s->protocol != protocol)
        return false;
    if (ip_address_compare(&s->first, side->address) > 0 || ip_address_compare(side->address, &s->last) > 0)
        return false;
    if (side->any_port || selector_is_any_port(s))
        return true;
    if (!side->has_port)
        return selector_is_opaque(s) && !side->overlaps_header;
    return s->first_port <= side->port && side->port <= s->last_port;
}

static bool any_selector_holds(const struct traffic_selector *list, size_t count, uint8_t protocol,
                               const struct flow_side *side)
{
    for (size_t i = 0; i < count; i++) {
        if (selector_holds(&list[i], protocol, side))
            return true;
    }
    return false;
}

bool traffic_selectors_hold(const struct traffic_selectors *selectors, const struct packet_flow *flow,
                            enum packet_direction direction)
{
    const struct flow_side source = {
        .address = &flow->source,
        .port = flow->source_port,
        .has_port = flow->ports != FLOW_PORTS_NONE,
        .overlaps_header = flow->overlaps_header,
    };
    const struct flow_side destination = {
        .address = &flow->destination,
        .port = flow->destination_port,
        .has_port = flow->ports == FLOW_PORTS_BOTH,
        .any_port = flow->ports == FLOW_PORTS_TYPE,
        .overlaps_header = flow->overlaps_header,
    };
    const struct flow_side *local = direction == PACKET_OUTBOUND ? &source : &destination;
    const struct flow_side *remote = direction == PACKET_OUTBOUND ? &destination : &source;
    return any_selector_holds(selectors->local, selectors->local_count, flow->protocol, local) &&
           any_selector_holds(selectors->remote, selectors->remote_count, flow->protocol, remote);
}

static bool any_selector_holds_all(const struct traffic_selector *list, size_t count, enum ip_family family)
{
    const struct ip_prefix whole = {.address = {.family = family}, .length = 0};
    const struct ip_address first = ip_prefix_first(&whole), last = ip_prefix_last(&whole);
    for (size_t i = 0; i < count; i++) {
        if (list[i].protocol == 0 && selector_is_any_port(&list[i]) &&
            ip_address_equal(&list[i].first, &first) && ip_address_equal(&list[i].last, &last))
            return true;
    }
    return false;
}

bool traffic_selectors_hold_all(const struct traffic_selectors *selectors, enum ip_family family)
{
    return any_selector_holds_all(selectors->local, selectors->local_count, family) &&
           any_selector_holds_all(selectors->remote, selectors->remote_count, family);
}
