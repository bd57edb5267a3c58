#include "path/segment.h"

#include <netinet/in.h>
#include <string.h>

#include "base/checksum.h"
#include "path/header_fields.h"

static const uint16_t no_zero = UINT16_MAX; /* a zero checksum is sent as its other form (RFC 768) */

/* A packet that is whole, of which Linux has left the checksum to the device: as skb_checksum_help does. */
static bool fill_in_checksum(const struct virtio_net_hdr *form, uint8_t *packet, size_t length)
{
    size_t start = form->csum_start;
    size_t field = start + form->csum_offset;
    if (start > length || field + 2 > length)
        return false;
    /* The field has the sum of the pseudo header already. */
    uint16_t checksum = checksum_of((struct octets){packet + start, length - start});
    store_u16be(packet + field, checksum != 0 ? checksum : no_zero);
    return true;
}

/* The protocol that a kind of super-packet is of, and its family (IP_NONE: either); 0: none that we take. */
static uint8_t protocol_of(uint8_t gso_type, enum ip_family *family)
{
    *family = IP_NONE;
    switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        *family = IP_V4;
        return IPPROTO_TCP;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        *family = IP_V6;
        return IPPROTO_TCP;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return IPPROTO_UDP;
    default:
        return 0;
    }
}

/* Finds the headers of a super-packet. */
static bool find_headers(struct segmenter *s, const struct virtio_net_hdr *form)
{
    struct inner_upper upper;
    enum ip_family family;
    const struct octets packet = {s->packet, s->length};
    s->protocol = protocol_of(form->gso_type, &family);
    s->family = inner_family(packet);
    s->size = form->gso_size;
    if (s->protocol == 0 || s->size == 0 || (form->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
        return false;
    if (s->family == IP_NONE || (family != IP_NONE && family != s->family))
        return false;
    if (!inner_find_upper(packet, &upper) || upper.is_later || upper.is_fragment ||
        upper.protocol != s->protocol)
        return false;
    s->upper = upper.offset;
    s->field = s->upper + (s->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
    if (form->csum_start != s->upper || (size_t)form->csum_start + form->csum_offset != s->field)
        return false;
    size_t least = s->protocol == IPPROTO_TCP ? TCP_HEADER : UDP_HEADER;
    if (s->length - s->upper < least)
        return false;
    size_t header = least;
    if (s->protocol == IPPROTO_TCP)
        header = (size_t)(s->packet[s->upper + TCP_OFFSET] >> 4) * 4;
    s->head = s->upper + header;
    return header >= least && s->head < s->length;
}

/* Sums up what all segments have alike. */
static void sum_up(struct segmenter *s)
{
    const uint8_t *ip = s->packet;
    s->pseudo = (uint32_t)load_u16be(ip + s->field) + (uint16_t) ~(s->length - s->upper);
    if (s->family == IP_V4) {
        s->ip_id = load_u16be(ip + IPV4_ID);
        s->ip_sum = checksum_sum((struct octets){ip, (size_t)(ip[0] & 0x0f) * 4}) +
                    (uint16_t)~load_u16be(ip + IPV4_LENGTH) + (uint16_t)~s->ip_id +
                    (uint16_t)~load_u16be(ip + IPV4_CHECKSUM);
    }
    if (s->protocol == IPPROTO_TCP) {
        s->sequence = load_u32be(ip + s->upper + TCP_SEQUENCE);
        s->flags = ip[s->upper + TCP_FLAGS];
    }
}

bool segmenter_begin(struct segmenter *s, const struct virtio_net_hdr *form, uint8_t *packet, size_t length)
{
    *s = (struct segmenter){.packet = packet, .length = length};
    if (form->gso_type == VIRTIO_NET_HDR_GSO_NONE)
        return (form->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 || fill_in_checksum(form, packet, length);
    if (!find_headers(s, form))
        return false;
    sum_up(s);
    return true;
}

size_t segmenter_largest(const struct segmenter *s)
{
    size_t left = s->length - s->head - s->at;
    return s->head + (s->head != 0 && left > s->size ? s->size : left);
}

size_t segmenter_left(const struct segmenter *s)
{
    if (s->is_done)
        return 0;
    return s->head == 0 ? 1 : (s->length - s->head - s->at + s->size - 1) / s->size;
}

static void finish_ip(const struct segmenter *s, uint8_t *head, size_t payload)
{
    if (s->family == IP_V6) {
        store_u16be(head + IPV6_LENGTH, (uint16_t)(s->head + payload - INNER_IPV6_HEADER));
        return;
    }
    uint16_t length = (uint16_t)(s->head + payload);
    uint16_t id = (uint16_t)(s->ip_id + s->index);
    store_u16be(head + IPV4_LENGTH, length);
    store_u16be(head + IPV4_ID, id);
    store_u16be(head + IPV4_CHECKSUM, checksum_of_sum(s->ip_sum + length + id));
}

static void finish_tcp(const struct segmenter *s, uint8_t *tcp, bool is_last)
{
    uint8_t flags = s->flags;
    if (!is_last)
        flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (s->at != 0)
        flags &= (uint8_t)~TCP_CWR;
    tcp[TCP_FLAGS] = flags;
    store_u32be(tcp + TCP_SEQUENCE, (uint32_t)(s->sequence + s->at));
}

/* Over pseudo header, the TCP or UDP header, and the payload. */
static void finish_checksum(const struct segmenter *s, uint8_t *head, struct octets body)
{
    const uint8_t *header = head + s->upper;
    size_t size = s->head - s->upper;
    store_u16be(head + s->field, 0);
    uint16_t checksum = checksum_of_sum(s->pseudo + (uint16_t)(size + body.length) +
                                        checksum_sum((struct octets){header, size}) + checksum_sum(body));
    if (checksum == 0 && s->protocol == IPPROTO_UDP)
        checksum = no_zero;
    store_u16be(head + s->field, checksum);
}

bool segmenter_next(struct segmenter *s, uint8_t *head, struct octets *body)
{
    if (s->is_done)
        return false;
    size_t left = s->length - s->head - s->at;
    bool is_last = s->head == 0 || left <= s->size;
    *body = (struct octets){s->packet + s->head + s->at, is_last ? left : s->size};
    s->is_done = is_last;
    if (s->head == 0)
        return true;
    memcpy(head, s->packet, s->head);
    finish_ip(s, head, body->length);
    if (s->protocol == IPPROTO_TCP)
        finish_tcp(s, head + s->upper, is_last);
    else
        store_u16be(head + s->upper + UDP_LENGTH, (uint16_t)(UDP_HEADER + body->length));
    finish_checksum(s, head, *body);
    s->at += body->length;
    s->index++;
    return true;
}
