#include "path/coalesce.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/checksum.h"
#include "path/header_fields.h"
#include "path/inbound_sa.h"
#include "path/segment.h"

enum {
    SUPER_MAX = 65535, /* octets */
    HEAD_MAX = INNER_IPV6_HEADER + 60,
};

/* ---- Reading packets -------------------------------------------------------------------------------- */

static size_t addresses_offset(enum ip_family family)
{
    return family == IP_V4 ? IPV4_ADDRESSES : IPV6_ADDRESSES;
}

static size_t addresses_size(enum ip_family family)
{
    return family == IP_V4 ? 8 : 32;
}

static size_t checksum_field(const struct coalesce_packet *p)
{
    return p->upper + (p->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
}

/* Sum of the pseudo header for all that stands behind the IP header of a packet of `length` octets. */
static uint32_t pseudo_sum(const struct coalesce_packet *p, size_t length)
{
    return checksum_sum((struct octets){p->at + addresses_offset(p->family), addresses_size(p->family)}) +
           p->protocol + (uint32_t)(length - p->upper);
}

static bool checksums_are_right(const struct coalesce_packet *p)
{
    if (p->family == IP_V4 && checksum_of((struct octets){p->at, p->upper}) != 0)
        return false;
    return checksum_of_sum(pseudo_sum(p, p->length) +
                           checksum_sum((struct octets){p->at + p->upper, p->length - p->upper})) == 0;
}

/* Finds the header behind the IP header, of which only the plainest form can be in a super-packet: no options
 * or extension headers, no fragment. */
static bool find_upper(struct coalesce_packet *p)
{
    const uint8_t *ip = p->at;
    p->family = inner_family((struct octets){p->at, p->length});
    if (p->family == IP_V4) {
        p->upper = INNER_IPV4_HEADER;
        p->protocol = ip[IPV4_PROTOCOL];
        return ip[0] == 0x45 && load_u16be(ip + IPV4_LENGTH) == p->length &&
               (load_u16be(ip + IPV4_FLAGS) & (IPV4_MF | IPV4_OFFSET_MASK)) == 0;
    }
    if (p->family == IP_NONE)
        return false;
    p->upper = INNER_IPV6_HEADER;
    p->protocol = ip[IPV6_NEXT];
    return (size_t)load_u16be(ip + IPV6_LENGTH) + INNER_IPV6_HEADER == p->length;
}

/* SYN, RST, URG and CWR stand for themselves, and what carries no payload; after FIN and PSH Linux shall not
 * wait for more. */
static bool read_tcp(struct coalesce_packet *p)
{
    const uint8_t *tcp = p->at + p->upper;
    if (p->length - p->upper < TCP_HEADER)
        return false;
    size_t header = (size_t)(tcp[TCP_OFFSET] >> 4) * 4;
    if (header < TCP_HEADER || header > p->length - p->upper)
        return false;
    uint8_t flags = tcp[TCP_FLAGS];
    p->head = p->upper + header;
    p->may_follow = (flags & ~(TCP_ACK | TCP_ECE | TCP_PSH | TCP_FIN)) == 0 && (flags & TCP_ACK) != 0 &&
                    p->length > p->head;
    p->may_lead = p->may_follow && (flags & (TCP_PSH | TCP_FIN)) == 0;
    return true;
}

/* A datagram without a checksum stays by itself: a super-packet can have none. */
static bool read_udp(struct coalesce_packet *p)
{
    const uint8_t *udp = p->at + p->upper;
    if (p->length - p->upper < UDP_HEADER)
        return false;
    p->head = p->upper + UDP_HEADER;
    p->may_follow = load_u16be(udp + UDP_LENGTH) == p->length - p->upper && p->length > p->head &&
                    load_u16be(udp + UDP_CHECKSUM) != 0;
    p->may_lead = p->may_follow;
    return true;
}

/* Whether packets of a protocol are coalesced. */
static bool is_coalesced(uint8_t protocol, const struct inbound_sa *sa)
{
    return protocol == IPPROTO_TCP || (protocol == IPPROTO_UDP && sa->udp_segmentation);
}

/* True if the packet is of a flow that is coalesced. If it is not, but might be in a form that is not looked
 * into, `hides` says so. */
static bool read_packet(struct coalesce_packet *p, const struct inbound_sa *sa, uint8_t *inner, size_t length,
                        bool *hides)
{
    *p = (struct coalesce_packet){.at = inner, .length = length};
    *hides = true;
    if (!find_upper(p))
        return false;
    if (is_coalesced(p->protocol, sa))
        return p->protocol == IPPROTO_TCP ? read_tcp(p) : read_udp(p);
    *hides = p->protocol == IPPROTO_HOPOPTS || p->protocol == IPPROTO_ROUTING ||
             p->protocol == IPPROTO_FRAGMENT || p->protocol == IPPROTO_DSTOPTS;
    return false;
}

/* ---- Comparing -------------------------------------------------------------------------------------- */

static bool octets_same(const struct coalesce_packet *a, const struct coalesce_packet *b, size_t from,
                        size_t to)
{
    return memcmp(a->at + from, b->at + from, to - from) == 0;
}

/* Both have a TCP or UDP header. */
static bool is_same_flow(const struct coalesce_packet *a, const struct coalesce_packet *b)
{
    if (a->family != b->family || a->protocol != b->protocol)
        return false;
    size_t addresses = addresses_offset(a->family);
    return octets_same(a, b, a->upper, a->upper + 4) &&
           octets_same(a, b, addresses, addresses + addresses_size(a->family));
}

static bool ip_follows(const struct coalesce_flow *flow, const struct coalesce_packet *p)
{
    const struct coalesce_packet *first = &flow->first;
    if (p->family == IP_V6) /* class and label, next header and hop limit */
        return octets_same(first, p, 0, IPV6_LENGTH) && octets_same(first, p, IPV6_NEXT, IPV6_ADDRESSES);
    /* TOS, DF, TTL */
    return octets_same(first, p, 0, IPV4_LENGTH) && octets_same(first, p, IPV4_FLAGS, IPV4_CHECKSUM) &&
           load_u16be(p->at + IPV4_ID) == flow->next_id;
}

static bool tcp_follows(const struct coalesce_flow *flow, const struct coalesce_packet *p)
{
    const struct coalesce_packet *first = &flow->first;
    const uint8_t *tcp = p->at + p->upper;
    size_t at = p->upper;
    uint8_t differing = (uint8_t)(first->at[at + TCP_FLAGS] ^ tcp[TCP_FLAGS]);
    return load_u32be(tcp + TCP_SEQUENCE) == flow->next_sequence && (differing & ~(TCP_FIN | TCP_PSH)) == 0 &&
           octets_same(first, p, at + TCP_ACKNOWLEDGMENT, at + TCP_FLAGS) &&
           octets_same(first, p, at + TCP_WINDOW, at + TCP_CHECKSUM) &&
           octets_same(first, p, at + TCP_URGENT, p->head);
}

/* True if the packet, which is of the flow and may follow, is its next one. */
static bool follows(const struct coalesce_flow *flow, const struct inbound_sa *sa,
                    const struct coalesce_packet *p)
{
    size_t payload = p->length - p->head;
    return flow->sa == sa && flow->count < COALESCE_PACKETS && p->head == flow->first.head &&
           payload <= flow->size && flow->length + payload <= SUPER_MAX && ip_follows(flow, p) &&
           (p->protocol == IPPROTO_UDP || tcp_follows(flow, p));
}

/* ---- Writing ---------------------------------------------------------------------------------------- */

static bool write_vectors(const struct inbound_sa *sa, const struct iovec *vectors, int count)
{
    ssize_t written;
    do
        written = writev(sa->tun, vectors, count);
    while (written < 0 && errno == EINTR);
    return written >= 0;
}

static struct iovec vector_of(struct octets octets)
{
    return (struct iovec){(void *)(uintptr_t)octets.at, octets.length};
}

/* Hands one packet to Linux as it is. */
static void write_packet(struct worker *worker, struct inbound_sa *sa, struct octets packet)
{
    static const struct virtio_net_hdr whole; /* no super-packet, and a checksum that Linux has to look at */
    const struct iovec vectors[] = {vector_of((struct octets){(const uint8_t *)&whole, sizeof whole}),
                                    vector_of(packet)};
    if (!write_vectors(sa, sa->vnet_header ? vectors : vectors + 1, sa->vnet_header ? 2 : 1))
        inbound_sa_count_drop(worker, sa,
                              errno == ENOMEM || errno == ENOBUFS ? DROP_IN_NO_MEMORY : DROP_UNDELIVERED, 1);
}

/* Has the first packet's headers be those of the super-packet, with a checksum that Linux is to complete. */
static void make_super_head(const struct coalesce_flow *flow)
{
    const struct coalesce_packet *first = &flow->first;
    uint8_t *upper = first->at + first->upper;
    if (first->family == IP_V4) {
        store_u16be(first->at + IPV4_LENGTH, (uint16_t)flow->length);
        store_u16be(first->at + IPV4_CHECKSUM, 0);
        store_u16be(first->at + IPV4_CHECKSUM, checksum_of((struct octets){first->at, first->upper}));
    } else {
        store_u16be(first->at + IPV6_LENGTH, (uint16_t)(flow->length - INNER_IPV6_HEADER));
    }
    if (first->protocol == IPPROTO_TCP)
        upper[TCP_FLAGS] = flow->flags;
    else
        store_u16be(upper + UDP_LENGTH, (uint16_t)(flow->length - first->upper));
    store_u16be(first->at + checksum_field(first),
                (uint16_t)~checksum_of_sum(pseudo_sum(first, flow->length)));
}

static struct virtio_net_hdr super_form(const struct coalesce_flow *flow)
{
    const struct coalesce_packet *first = &flow->first;
    const uint8_t tcp = first->family == IP_V4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    return (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = first->protocol == IPPROTO_TCP ? tcp : VIRTIO_NET_HDR_GSO_UDP_L4,
        .hdr_len = (uint16_t)first->head,
        .gso_size = (uint16_t)flow->size,
        .csum_start = (uint16_t)first->upper,
        .csum_offset = (uint16_t)(checksum_field(first) - first->upper),
    };
}

static bool write_super(const struct coalesce_flow *flow)
{
    const struct virtio_net_hdr form = super_form(flow);
    struct iovec vectors[1 + COALESCE_PACKETS];
    vectors[0] = vector_of((struct octets){(const uint8_t *)&form, sizeof form});
    vectors[1] = vector_of(flow->packets[0]);
    for (unsigned i = 1; i < flow->count; i++) {
        const struct octets *packet = &flow->packets[i];
        vectors[1 + i] =
            vector_of((struct octets){packet->at + flow->first.head, packet->length - flow->first.head});
    }
    return write_vectors(flow->sa, vectors, 1 + (int)flow->count);
}

/* Ends a super-packet: writes what is held of a flow; one by one if Linux does not take it together. */
static void flow_flush(struct worker *worker, struct coalesce_flow *flow)
{
    struct coalescer *c = &worker->inbound.coalescer;
    uint8_t head[HEAD_MAX];
    if (flow->count > 1) {
        memcpy(head, flow->first.at, flow->first.head);
        make_super_head(flow);
    }
    if (flow->count == 1 || !write_super(flow)) {
        if (flow->count > 1)
            memcpy(flow->first.at, head, flow->first.head);
        for (unsigned i = 0; i < flow->count; i++)
            write_packet(worker, flow->sa, flow->packets[i]);
    }
    TAILQ_REMOVE(&c->held, flow, age);
    LIST_REMOVE(flow, bucket);
    LIST_INSERT_HEAD(&c->free, flow, bucket);
}

/* ---- Flows ------------------------------------------------------------------------------------------ */

void coalesce_prepare(struct coalescer *coalescer)
{
    TAILQ_INIT(&coalescer->held);
}

/* Where the flows with such addresses and ports are. */
static struct coalesce_bucket *bucket_of(struct coalescer *c, const struct coalesce_packet *p)
{
    enum { WORD = 4, ODD = 0x9e3779b1 /* 2^32 by the golden ratio */ };
    const uint8_t *addresses = p->at + addresses_offset(p->family);
    uint32_t hash = load_u32be(p->at + p->upper); /* the ports */
    for (size_t i = 0; i < addresses_size(p->family); i += WORD)
        hash = hash * (uint32_t)ODD + load_u32be(addresses + i);
    hash *= (uint32_t)ODD;
    return &c->buckets[hash >> 24 & (COALESCE_BUCKETS - 1)];
}

static struct coalesce_flow *flow_find(const struct coalesce_bucket *bucket, const struct inbound_sa *sa,
                                       const struct coalesce_packet *p)
{
    struct coalesce_flow *flow;
    LIST_FOREACH(flow, bucket, bucket)
    {
        if (flow->sa->tun == sa->tun && is_same_flow(&flow->first, p))
            return flow;
    }
    return NULL;
}

static void flow_append(struct coalesce_flow *flow, const struct coalesce_packet *p)
{
    size_t payload = p->length - p->head;
    flow->packets[flow->count++] = (struct octets){p->at, p->length};
    flow->length += payload;
    if (p->family == IP_V4)
        flow->next_id = (uint16_t)(load_u16be(p->at + IPV4_ID) + 1);
    if (p->protocol == IPPROTO_TCP) {
        flow->next_sequence = load_u32be(p->at + p->upper + TCP_SEQUENCE) + (uint32_t)payload;
        flow->flags = p->at[p->upper + TCP_FLAGS];
    }
}

/* True if another packet of the same size does not fit. What is full need not wait for those of other flows,
 * and is still in the cache. */
static bool flow_is_full(const struct coalesce_flow *flow)
{
    return flow->count == COALESCE_PACKETS || flow->length + flow->size > SUPER_MAX;
}

/* Memory for one more super-packet; if there is none, the oldest one is ended. */
static struct coalesce_flow *flow_allocate(struct worker *worker)
{
    struct coalescer *c = &worker->inbound.coalescer;
    if (LIST_EMPTY(&c->free) && c->fresh < COALESCE_FLOWS)
        return &c->flows[c->fresh++];
    if (LIST_EMPTY(&c->free))
        flow_flush(worker, TAILQ_FIRST(&c->held));
    struct coalesce_flow *flow = LIST_FIRST(&c->free);
    LIST_REMOVE(flow, bucket);
    return flow;
}

/* Begins a super-packet. */
static void flow_begin(struct worker *worker, struct coalesce_bucket *bucket, struct inbound_sa *sa,
                       const struct coalesce_packet *p)
{
    struct coalesce_flow *flow = flow_allocate(worker);
    TAILQ_INSERT_TAIL(&worker->inbound.coalescer.held, flow, age);
    LIST_INSERT_HEAD(bucket, flow, bucket);
    flow->sa = sa;
    flow->first = *p;
    flow->count = 0;
    flow->size = p->length - p->head;
    flow->length = p->head;
    flow_append(flow, p);
}

void coalesce_add(struct worker *worker, struct inbound_sa *sa, uint8_t *inner, size_t length)
{
    struct coalesce_packet p;
    const struct octets packet = {inner, length};
    if (!sa->vnet_header) {
        write_packet(worker, sa, packet);
        return;
    }
    bool hides;
    if (!read_packet(&p, sa, inner, length, &hides)) {
        if (hides)
            coalesce_flush(worker);
        write_packet(worker, sa, packet);
        return;
    }
    struct coalesce_bucket *bucket = bucket_of(&worker->inbound.coalescer, &p);
    struct coalesce_flow *flow = flow_find(bucket, sa, &p);
    if (flow != NULL && p.may_follow && follows(flow, sa, &p) && checksums_are_right(&p)) {
        flow_append(flow, &p);
        if (!p.may_lead || p.length - p.head < flow->size || flow_is_full(flow))
            flow_flush(worker, flow);
        return;
    }
    if (flow != NULL)
        flow_flush(worker, flow);
    if (p.may_lead && checksums_are_right(&p))
        flow_begin(worker, bucket, sa, &p);
    else
        write_packet(worker, sa, packet);
}

void coalesce_flush(struct worker *worker)
{
    struct coalesce_flow *flow;
    while ((flow = TAILQ_FIRST(&worker->inbound.coalescer.held)) != NULL)
        flow_flush(worker, flow);
}
