#include "path/icmp_error.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "base/checksum.h"
#include "base/map.h"

enum {
    HEADER = 8,                                   /* octets of either message before the quote */
    QUOTE_V4 = 576 - INNER_IPV4_HEADER - HEADER,  /* RFC 1812 4.3.2.3 */
    QUOTE_V6 = 1280 - INNER_IPV6_HEADER - HEADER, /* RFC 4443 2.4 (c) */
    ICMPV6_INFORMATIONAL = 128,                   /* types below are errors */
};

_Static_assert(HEADER + QUOTE_V6 <= ICMP_ERROR_MAX && HEADER + QUOTE_V4 <= ICMP_ERROR_MAX, "a message fits");

static bool is_host(const struct ip_address *address)
{
    if (ip_address_is_unspecified(address) || ip_address_is_multicast(address))
        return false;
    if (address->family == IP_V6)
        return true;
    return address->octets[0] != 0 && address->octets[0] != 127 && address->octets[0] < 240;
}

/* The type of the ICMP or ICMPv6 message in the packet; false if that is none, or does not show. */
static bool find_icmp_type(struct octets packet, uint8_t protocol, uint8_t *type)
{
    struct inner_upper upper;
    if (!inner_find_upper(packet, &upper) || upper.protocol != protocol || upper.is_later ||
        upper.offset >= packet.length)
        return false;
    *type = packet.at[upper.offset];
    return true;
}

static bool may_answer_v4(struct octets packet)
{
    static const uint8_t errors[] = {ICMP_DEST_UNREACH, ICMP_SOURCE_QUENCH, ICMP_REDIRECT, ICMP_TIME_EXCEEDED,
                                     ICMP_PARAMETERPROB};
    uint8_t type;
    struct inner_upper upper;
    const struct ip_address to = inner_destination(packet);
    if (!is_host(&to) || !inner_find_upper(packet, &upper) || upper.is_later)
        return false;
    return !find_icmp_type(packet, IPPROTO_ICMP, &type) || memchr(errors, type, sizeof errors) == NULL;
}

/* A packet to a multicast group is answered all the same (RFC 4443 2.4 (e.3)). */
static bool may_answer_v6(struct octets packet)
{
    uint8_t type;
    return !find_icmp_type(packet, IPPROTO_ICMPV6, &type) ||
           (type >= ICMPV6_INFORMATIONAL && type != ND_REDIRECT);
}

size_t icmp_error_make(struct octets packet, uint32_t mtu, uint8_t message[ICMP_ERROR_MAX])
{
    bool v4 = inner_family(packet) == IP_V4;
    const struct ip_address from = inner_source(packet);
    if (!is_host(&from) || !(v4 ? may_answer_v4(packet) : may_answer_v6(packet)))
        return 0;
    size_t quote = v4 ? QUOTE_V4 : QUOTE_V6;
    if (quote > packet.length)
        quote = packet.length;
    memset(message, 0, HEADER);
    memcpy(message + HEADER, packet.at, quote);
    message[0] = v4 ? ICMP_DEST_UNREACH : ICMP6_PACKET_TOO_BIG;
    message[1] = v4 ? ICMP_FRAG_NEEDED : 0;
    store_u32be(message + 4, mtu); /* RFC 1191: in the low 16 bits, the high ones are 0 */
    if (v4)
        store_u16be(message + 2, checksum_of((struct octets){message, HEADER + quote}));
    return HEADER + quote;
}

static uint64_t hash_pair(uint64_t seed, struct octets packet)
{
    bool v4 = inner_family(packet) == IP_V4;
    struct reader r = reader_of(packet.at + (v4 ? 12 : 8), v4 ? 8 : 32);
    uint64_t hash = hash_number(HASH_START, seed);
    while (reader_left(&r) > 0)
        hash = hash_number(hash, reader_u64be(&r));
    return hash;
}

bool icmp_error_may_send(struct icmp_error_limit *limit, struct octets packet, msec_t now)
{
    uint64_t pair = hash_pair(limit->seed, packet);
    size_t place = (pair ^ pair >> 32) % ICMP_ERROR_TABLE;
    bool is_known = limit->entries[place].pair == pair && limit->entries[place].sent != 0;
    if (is_known && now - limit->entries[place].sent < ICMP_ERROR_SILENCE)
        return false;
    if (limit->second != now / 1000) {
        limit->second = now / 1000;
        limit->sent = 0;
    }
    if (limit->sent >= ICMP_ERROR_RATE)
        return false;
    limit->sent++;
    limit->entries[place].pair = pair;
    limit->entries[place].sent = now;
    return true;
}
