#include "path/inner.h"

#include <netinet/in.h>

#include "path/header_fields.h"

enum { EXTENSIONS_MAX = 16 };

enum ip_family inner_family(struct octets packet)
{
    if (packet.length < INNER_IPV4_HEADER)
        return IP_NONE;
    if (packet.at[0] >> 4 == 4) {
        size_t header = (size_t)(packet.at[0] & 0x0f) * 4;
        return header >= INNER_IPV4_HEADER && header <= packet.length ? IP_V4 : IP_NONE;
    }
    return packet.at[0] >> 4 == 6 && packet.length >= INNER_IPV6_HEADER ? IP_V6 : IP_NONE;
}

static bool is_v4(struct octets packet)
{
    return packet.at[0] >> 4 == 4;
}

uint8_t inner_traffic_class(struct octets packet)
{
    return is_v4(packet) ? packet.at[1] : (uint8_t)(load_u16be(packet.at) >> 4);
}

bool inner_is_whole(struct octets packet)
{
    return !is_v4(packet) || (load_u16be(packet.at + IPV4_FLAGS) & IPV4_DF) != 0;
}

struct ip_address inner_source(struct octets packet)
{
    return is_v4(packet) ? ip_address_of(IP_V4, packet.at + 12) : ip_address_of(IP_V6, packet.at + 8);
}

struct ip_address inner_destination(struct octets packet)
{
    return is_v4(packet) ? ip_address_of(IP_V4, packet.at + 16) : ip_address_of(IP_V6, packet.at + 24);
}

/* Passes over one extension header, or says that there is none more. */
static bool pass_extension(struct reader *r, struct octets packet, struct inner_upper *upper)
{
    const uint8_t *start = r->at;
    uint8_t next = reader_u8(r);
    uint8_t length = reader_u8(r);
    if (upper->protocol == IPPROTO_FRAGMENT) {
        upper->is_later = upper->is_later || (reader_u16be(r) & IPV6_OFFSET_MASK) != 0;
        (void)reader_u32be(r);
    } else {
        (void)reader_octets(r, 6 + (size_t)length * 8);
    }
    if (r->failed)
        return false;
    size_t end = (size_t)(r->at - packet.at);
    bool is_per_hop = upper->protocol == IPPROTO_HOPOPTS || upper->protocol == IPPROTO_ROUTING;
    if (is_per_hop && !upper->is_fragment)
        upper->unfragmentable = end;
    if (upper->protocol == IPPROTO_FRAGMENT && !upper->is_fragment) {
        upper->is_fragment = true;
        upper->unfragmentable = (size_t)(start - packet.at);
    }
    upper->protocol = next;
    upper->offset = end;
    return true;
}

static bool is_extension(uint8_t protocol)
{
    return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
           protocol == IPPROTO_DSTOPTS;
}

bool inner_find_upper(struct octets packet, struct inner_upper *upper)
{
    if (is_v4(packet)) {
        size_t header = (size_t)(packet.at[0] & 0x0f) * 4;
        *upper = (struct inner_upper){
            .protocol = packet.at[9],
            .offset = header,
            .is_later = (load_u16be(packet.at + IPV4_FLAGS) & IPV4_OFFSET_MASK) != 0,
            .unfragmentable = header,
        };
        return true;
    }
    *upper = (struct inner_upper){
        .protocol = packet.at[6], .offset = INNER_IPV6_HEADER, .unfragmentable = INNER_IPV6_HEADER};
    struct reader r = reader_of(packet.at + INNER_IPV6_HEADER, packet.length - INNER_IPV6_HEADER);
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        if (!is_extension(upper->protocol) || upper->is_later)
            return true;
        if (!pass_extension(&r, packet, upper))
            return false;
    }
    return false;
}
