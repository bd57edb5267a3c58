#include "shell/udp_merged.h"

#include <string.h>

#include "base/checksum.h"

enum {
    PORT_IKE = 500,
    PORT_NAT = 4500,
    PROTOCOL_UDP = 17,
    UDP_HEADER_SIZE = 8,
    ESP_HEADER_SIZE = 8, /* SPI and sequence number */
    V4_HEADER_SIZE = 20,
    V6_HEADER_SIZE = 40,
};

/* Octets of the IP header before a UDP header; 0: it is no whole UDP datagram. */
static size_t udp_at(struct octets packet)
{
    enum { V4_FRAGMENT = 6, V4_PROTOCOL = 9, MORE_OR_OFFSET = 0x3fff, V6_NEXT_HEADER = 6 };
    size_t header = 0;
    if (packet.length < V4_HEADER_SIZE)
        return 0;
    if (packet.at[0] >> 4 == 4 && packet.at[V4_PROTOCOL] == PROTOCOL_UDP &&
        (load_u16be(packet.at + V4_FRAGMENT) & MORE_OR_OFFSET) == 0)
        header = (size_t)(packet.at[0] & 0xf) * 4;
    else if (packet.at[0] >> 4 == 6 && packet.at[V6_NEXT_HEADER] == PROTOCOL_UDP)
        header = V6_HEADER_SIZE;
    return header >= V4_HEADER_SIZE && packet.length >= header + UDP_HEADER_SIZE ? header : 0;
}

/* True if either port of the UDP header is that one. */
static bool has_port(const uint8_t *udp, uint16_t port)
{
    return load_u16be(udp) == port || load_u16be(udp + 2) == port;
}

static struct octets payload_of(struct octets packet, size_t header)
{
    size_t skip = header + UDP_HEADER_SIZE;
    return (struct octets){packet.at + skip, packet.length - skip};
}

bool packet_is_ike(struct octets packet)
{
    size_t header = udp_at(packet);
    if (header == 0)
        return false;
    const struct octets payload = payload_of(packet, header);
    return has_port(packet.at + header, PORT_IKE) ||
           (has_port(packet.at + header, PORT_NAT) && payload.length > 4 && load_u32be(payload.at) == 0);
}

/* Packets that are merged are of one size, but for the last one, and of one SA with numbers that ascend by 1.
 */
size_t udp_merged_size(struct octets packet)
{
    uint8_t next[ESP_HEADER_SIZE];
    size_t header = udp_at(packet);
    if (header == 0 || !has_port(packet.at + header, PORT_NAT))
        return 0;
    const struct octets payload = payload_of(packet, header);
    if (payload.length < 2 * ESP_HEADER_SIZE || load_u32be(payload.at) == 0)
        return 0;
    memcpy(next, payload.at, sizeof(next));
    store_u32be(next + 4, load_u32be(payload.at + 4) + 1);
    const uint8_t *second =
        memmem(payload.at + ESP_HEADER_SIZE, payload.length - ESP_HEADER_SIZE, next, sizeof(next));
    return second != NULL ? (size_t)(second - payload.at) : 0;
}

/* Makes the headers those of one packet: lengths, no checksum of UDP, and of IPv4 the ID and the checksum. */
static void write_headers(uint8_t *packet, size_t header, size_t length, size_t at)
{
    enum { V4_LENGTH = 2, V4_ID = 4, V4_CHECKSUM = 10, V6_LENGTH = 4, UDP_LENGTH = 4, UDP_CHECKSUM = 6 };
    store_u16be(packet + header + UDP_LENGTH, (uint16_t)(length - header));
    store_u16be(packet + header + UDP_CHECKSUM, 0);
    if (packet[0] >> 4 == 6) {
        store_u16be(packet + V6_LENGTH, (uint16_t)(length - header));
        return;
    }
    store_u16be(packet + V4_LENGTH, (uint16_t)length);
    store_u16be(packet + V4_ID, (uint16_t)(load_u16be(packet + V4_ID) + at));
    store_u16be(packet + V4_CHECKSUM, 0);
    store_u16be(packet + V4_CHECKSUM, checksum_of((struct octets){packet, header}));
}

size_t udp_merged_part(struct octets packet, size_t size, size_t at, uint8_t *out)
{
    size_t header = udp_at(packet);
    const struct octets payload = payload_of(packet, header);
    size_t start = at * size;
    if (start >= payload.length)
        return 0;
    size_t part = payload.length - start < size ? payload.length - start : size;
    size_t headers = header + UDP_HEADER_SIZE;
    memcpy(out, packet.at, headers);
    memcpy(out + headers, payload.at + start, part);
    write_headers(out, header, headers + part, at);
    return headers + part;
}
