#include "super_packet.h"

#include <netinet/in.h>

uint16_t slow_checksum(const uint8_t *at, size_t length, uint32_t sum)
{
    for (size_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint32_t super_pseudo_sum(const struct super_shape *shape, const uint8_t *ip, size_t length)
{
    bool v4 = shape->family == IP_V4;
    uint32_t sum = (uint32_t)length + shape->protocol;
    for (size_t i = 0; i < (v4 ? 8U : 32U); i += 2)
        sum += load_u16be(ip + (v4 ? 12 : 8) + i);
    return sum;
}

size_t super_checksum_field(const struct super_shape *shape)
{
    return shape->protocol == IPPROTO_TCP ? 16 : 6;
}

/* IPv6 extension headers: hop-by-hop options and destination options. */
static void put_extensions(const struct super_shape *shape, uint8_t *packet)
{
    size_t left = shape->ip - 40;
    packet[6] = shape->protocol;
    if (left == 0)
        return;
    packet[6] = IPPROTO_HOPOPTS;
    packet[40] = left > 8 ? IPPROTO_DSTOPTS : shape->protocol;
    packet[41] = 0;
    if (left > 8) {
        packet[48] = shape->protocol;
        packet[49] = (uint8_t)((left - 8) / 8 - 1);
    }
}

struct virtio_net_hdr super_packet_make(const struct super_shape *shape, uint64_t *random, uint8_t *packet)
{
    size_t head = shape->ip + shape->upper, length = head + shape->payload;
    random_octets(random, packet, length);
    if (shape->family == IP_V4) {
        packet[0] = (uint8_t)(0x40 | shape->ip / 4);
        store_u16be(packet + 2, (uint16_t)length);
        store_u16be(packet + 6, (uint16_t)(random_below(random, 2) << 14)); /* DF or not */
        packet[9] = shape->protocol;
        store_u16be(packet + 10, 0);
        store_u16be(packet + 10, slow_checksum(packet, shape->ip, 0));
    } else {
        packet[0] = (uint8_t)(0x60 | (packet[0] & 0x0f));
        store_u16be(packet + 4, (uint16_t)(length - 40));
        put_extensions(shape, packet);
    }
    uint8_t *upper = packet + shape->ip;
    if (shape->protocol == IPPROTO_TCP)
        upper[12] = (uint8_t)(shape->upper / 4 << 4);
    else
        store_u16be(upper + 4, (uint16_t)(length - shape->ip));
    /* Linux has put the sum of the pseudo header, not inverted, into the field. */
    store_u16be(upper + super_checksum_field(shape),
                (uint16_t)~slow_checksum(NULL, 0, super_pseudo_sum(shape, packet, length - shape->ip)));
    const uint8_t tcp = shape->family == IP_V4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    return (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = shape->protocol == IPPROTO_TCP ? tcp : VIRTIO_NET_HDR_GSO_UDP_L4,
        .gso_size = (uint16_t)shape->size,
        .csum_start = (uint16_t)shape->ip,
        .csum_offset = (uint16_t)super_checksum_field(shape),
    };
}

struct super_shape super_shape_random(uint64_t *random)
{
    struct super_shape shape = {.family = random_below(random, 2) ? IP_V4 : IP_V6};
    shape.protocol = random_below(random, 3) ? IPPROTO_TCP : IPPROTO_UDP;
    size_t options = random_below(random, 3) ? 0 : random_below(random, 11);
    shape.ip = shape.family == IP_V4 ? 20 + 4 * options : 40 + 8 * options;
    shape.upper = shape.protocol == IPPROTO_TCP ? 20 + 4 * random_below(random, 11) : 8;
    shape.size = 1 + random_below(random, random_below(random, 4) ? 1460 : 9000);
    size_t room = SUPER_PACKET_MAX - shape.ip - shape.upper;
    size_t most = random_below(random, 2) ? room : 4 * shape.size;
    shape.payload = 1 + random_below(random, most < room ? most : room);
    return shape;
}
