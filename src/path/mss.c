#include "path/mss.h"

#include <netinet/in.h>

#include "base/checksum.h"
#include "path/header_fields.h"
#include "path/inner.h"

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_MSS_LENGTH = 4,
};

/* Where the value of the MSS option stands in the TCP header of `length` octets; NULL if there is none, or
 * the options before it are not sound. */
static uint8_t *find_mss(uint8_t *tcp, size_t length)
{
    for (size_t at = TCP_HEADER; at < length;) {
        uint8_t kind = tcp[at];
        if (kind == OPTION_END)
            return NULL;
        if (kind == OPTION_NOP) {
            at++;
            continue;
        }
        if (at + 1 >= length || tcp[at + 1] < 2 || tcp[at + 1] > length - at)
            return NULL;
        if (kind == OPTION_MSS)
            return tcp[at + 1] == OPTION_MSS_LENGTH ? tcp + at + 2 : NULL;
        at += tcp[at + 1];
    }
    return NULL;
}

/* Replaces 16 bits at any offset of the header that the checksum covers. */
static void replace_u16(uint8_t *tcp, uint8_t *at, uint16_t to)
{
    uint16_t from = load_u16be(at);
    bool is_odd = (at - tcp) % 2 != 0;
    uint16_t checksum = load_u16be(tcp + TCP_CHECKSUM);
    store_u16be(at, to);
    /* At an odd offset the two octets count in two words, each in the other's place. */
    if (is_odd) {
        from = (uint16_t)(from << 8 | from >> 8);
        to = (uint16_t)(to << 8 | to >> 8);
    }
    store_u16be(tcp + TCP_CHECKSUM, checksum_change(checksum, from, to));
}

static bool clamp_header(uint8_t *tcp, size_t left, uint16_t most)
{
    if (left < TCP_HEADER || (tcp[TCP_FLAGS] & TCP_SYN) == 0)
        return false;
    size_t header = (size_t)(tcp[TCP_OFFSET] >> 4) * 4;
    if (header < TCP_HEADER || header > left)
        return false;
    uint8_t *mss = find_mss(tcp, header);
    if (mss == NULL || load_u16be(mss) <= most)
        return false;
    replace_u16(tcp, mss, most);
    return true;
}

bool mss_clamp(uint8_t *packet, size_t length, const struct mss_limits *limits)
{
    struct inner_upper upper;
    const struct octets octets = {packet, length};
    enum ip_family family = inner_family(octets);
    uint16_t most = 0;
    if (family != IP_NONE)
        most = atomic_load_explicit(family == IP_V4 ? &limits->v4 : &limits->v6, memory_order_relaxed);
    if (most == 0 || !inner_find_upper(octets, &upper) || upper.protocol != IPPROTO_TCP || upper.is_later)
        return false;
    return clamp_header(packet + upper.offset, length - upper.offset, most);
}
