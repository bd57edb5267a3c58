#include "path/fragment.h"

#include <netinet/in.h>
#include <string.h>

#include "base/checksum.h"
#include "path/header_fields.h"

enum {
    UNIT = 8, /* offsets count in units of so many octets */
    LENGTH_MAX =
        65535, /* of what fragments are put together to, without the header (RFC 791, RFC 8200 4.5) */
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_COPIED = 0x80,
};

/* ---- IPv4 ------------------------------------------------------------------------------------------ */

/* The header of later fragments has only the options that are to be copied (RFC 791 3.1). */
static void copy_options(struct fragmenter *f)
{
    f->later_size = INNER_IPV4_HEADER;
    for (size_t at = INNER_IPV4_HEADER; at < f->first_size;) {
        uint8_t kind = f->first[at];
        if (kind == OPTION_END)
            break;
        size_t length = kind == OPTION_NOP || at + 1 >= f->first_size ? 1 : f->first[at + 1];
        if (length < 1 || length > f->first_size - at)
            break;
        if ((kind & OPTION_COPIED) != 0) {
            memcpy(f->later + f->later_size, f->first + at, length);
            f->later_size += length;
        }
        at += length;
    }
    while (f->later_size % 4 != 0)
        f->later[f->later_size++] = OPTION_END;
    f->later[0] = (uint8_t)(0x40 | f->later_size / 4);
}

static bool begin_v4(struct fragmenter *f, uint32_t id)
{
    uint16_t flags = load_u16be(f->packet.at + IPV4_FLAGS);
    size_t length = load_u16be(f->packet.at + IPV4_LENGTH);
    f->first_size = (size_t)(f->packet.at[0] & 0x0f) * 4;
    if (length < f->first_size || length > f->packet.length)
        return false;
    f->packet.length = length;
    f->start = f->first_size;
    f->offset = (size_t)(flags & IPV4_OFFSET_MASK) * UNIT;
    f->more = (flags & IPV4_MF) != 0;
    memcpy(f->first, f->packet.at, f->first_size);
    /* The identification of what nobody may fragment means nothing (RFC 6864 4.1). */
    if ((flags & IPV4_DF) != 0 && f->offset == 0 && !f->more)
        store_u16be(f->first + IPV4_ID, (uint16_t)id);
    memcpy(f->later, f->first, INNER_IPV4_HEADER);
    copy_options(f);
    return true;
}

static void finish_v4(uint8_t *head, size_t head_size, size_t part, size_t offset, bool more)
{
    store_u16be(head + IPV4_LENGTH, (uint16_t)(head_size + part));
    store_u16be(head + IPV4_FLAGS, (uint16_t)(offset / UNIT | (more ? IPV4_MF : 0)));
    store_u16be(head + IPV4_CHECKSUM, 0);
    store_u16be(head + IPV4_CHECKSUM, checksum_of((struct octets){head, head_size}));
}

/* ---- IPv6 ------------------------------------------------------------------------------------------ */

/* Where the Next Header field is that says what stands at `offset`, which is the end of a header. */
static size_t next_field_of(struct octets packet, size_t offset)
{
    size_t field = IPV6_NEXT;
    for (size_t at = INNER_IPV6_HEADER; at < offset;) {
        field = at;
        at += ((size_t)packet.at[at + 1] + 1) * UNIT;
    }
    return field;
}

static bool begin_v6(struct fragmenter *f, uint32_t id)
{
    struct inner_upper upper;
    size_t length = (size_t)load_u16be(f->packet.at + IPV6_LENGTH) + INNER_IPV6_HEADER;
    if (length > f->packet.length)
        return false;
    f->packet.length = length;
    if (!inner_find_upper(f->packet, &upper) || upper.unfragmentable + IPV6_FRAGMENT > FRAGMENT_HEAD_MAX)
        return false;
    size_t at = upper.unfragmentable;
    size_t field = next_field_of(f->packet, at);
    uint8_t *fragment = f->first + at;
    memcpy(f->first, f->packet.at, at);
    f->start = at;
    if (upper.is_fragment) {
        memcpy(fragment, f->packet.at + at, IPV6_FRAGMENT);
        f->start += IPV6_FRAGMENT;
        f->offset = load_u16be(fragment + 2) & ~(size_t)(UNIT - 1);
        f->more = (fragment[3] & IPV6_MORE) != 0;
    } else {
        memset(fragment, 0, IPV6_FRAGMENT);
        fragment[0] = f->packet.at[field];
        store_u32be(fragment + 4, id);
        f->first[field] = IPPROTO_FRAGMENT;
    }
    f->first_size = f->later_size = at + IPV6_FRAGMENT;
    memcpy(f->later, f->first, f->first_size);
    return true;
}

static void finish_v6(uint8_t *head, size_t head_size, size_t part, size_t offset, bool more)
{
    store_u16be(head + IPV6_LENGTH, (uint16_t)(head_size - INNER_IPV6_HEADER + part));
    store_u16be(head + head_size - IPV6_FRAGMENT + 2, (uint16_t)(offset | (more ? IPV6_MORE : 0)));
}

/* ---- Both ------------------------------------------------------------------------------------------ */

/*
 * True if the fragments can be put together. The offsets of others would wrap: what came as a later fragment,
 * and passed filters as that, would leave as a first one.
 */
static bool offsets_can_be_told(const struct fragmenter *f)
{
    return f->offset + (f->packet.length - f->start) <= LENGTH_MAX;
}

bool fragmenter_begin(struct fragmenter *f, struct octets packet, size_t most, uint32_t id)
{
    f->packet = packet;
    f->family = inner_family(packet);
    f->most = most;
    f->at = 0;
    f->offset = 0;
    f->more = f->is_done = false;
    bool begun = f->family == IP_V4 ? begin_v4(f, id) : begin_v6(f, id);
    return begun && offsets_can_be_told(f) && most >= f->first_size + UNIT && most >= f->later_size + UNIT;
}

bool fragmenter_next(struct fragmenter *f, uint8_t head[FRAGMENT_HEAD_MAX], size_t *head_size,
                     struct octets *part)
{
    size_t left = f->packet.length - f->start - f->at;
    if (f->is_done)
        return false;
    *head_size = f->at == 0 ? f->first_size : f->later_size;
    memcpy(head, f->at == 0 ? f->first : f->later, *head_size);
    size_t room = f->most - *head_size;
    bool is_last = left <= room;
    part->at = f->packet.at + f->start + f->at;
    part->length = is_last ? left : room & ~(size_t)(UNIT - 1);
    bool more = !is_last || f->more;
    if (f->family == IP_V4)
        finish_v4(head, *head_size, part->length, f->offset + f->at, more);
    else
        finish_v6(head, *head_size, part->length, f->offset + f->at, more);
    f->at += part->length;
    f->is_done = is_last;
    return true;
}

size_t fragment_count_max(size_t length, size_t most)
{
    return length / ((most - FRAGMENT_HEAD_MAX) & ~(size_t)(UNIT - 1)) + 1;
}
