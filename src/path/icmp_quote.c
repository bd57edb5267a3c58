#include "path/icmp_quote.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "base/checksum.h"
#include "path/inner.h"

enum {
    ICMP_HEADER = 8,
    ESP_PORT = 4500, /* of ours, ESP in UDP (RFC 3948) */
};

/* The ICMP message of an IPv4 packet, if it came whole. */
static struct octets find_message_v4(struct octets packet)
{
    struct inner_upper upper;
    struct octets none = {0};
    if (inner_family(packet) != IP_V4 || !inner_find_upper(packet, &upper) || upper.protocol != IPPROTO_ICMP)
        return none;
    struct octets message = {packet.at + upper.offset, packet.length - upper.offset};
    return checksum_of(message) == 0 ? message : none;
}

/* Reads the quoted packet: its destination, and what it has of ESP. */
static bool read_packet(struct octets packet, enum ip_family family, struct icmp_quote *quote)
{
    struct inner_upper upper;
    if (inner_family(packet) != family || !inner_find_upper(packet, &upper) || upper.is_later)
        return false;
    quote->remote = (struct ip_endpoint){inner_destination(packet), 0};
    struct reader r = reader_of(packet.at + upper.offset, packet.length - upper.offset);
    if (upper.protocol == IPPROTO_UDP) {
        uint16_t own_port = reader_u16be(&r);
        quote->remote.port = reader_u16be(&r);
        (void)reader_u32be(&r);
        if (own_port != ESP_PORT)
            return false;
    } else if (upper.protocol != IPPROTO_ESP) {
        return false;
    }
    quote->spi = reader_u32be(&r);
    quote->sequence = reader_u32be(&r);
    return !r.failed;
}

bool icmp_quote_read(struct octets message, enum ip_family family, struct icmp_quote *quote)
{
    if (family == IP_V4)
        message = find_message_v4(message);
    if (message.length < ICMP_HEADER)
        return false;
    if (family == IP_V4 && (message.at[0] != ICMP_DEST_UNREACH || message.at[1] != ICMP_FRAG_NEEDED))
        return false;
    if (family == IP_V6 && message.at[0] != ICMP6_PACKET_TOO_BIG)
        return false;
    quote->mtu = family == IP_V4 ? load_u16be(message.at + 6) : load_u32be(message.at + 4);
    const struct octets packet = {message.at + ICMP_HEADER, message.length - ICMP_HEADER};
    return read_packet(packet, family, quote);
}
