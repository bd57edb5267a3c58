#include "random_traffic.h"

#include <netinet/in.h>

enum {
    FIN = 0x01,
    SYN = 0x02,
    RST = 0x04,
    PSH = 0x08,
    ACK = 0x10,
    URG = 0x20,
    ECE = 0x40,
    CWR = 0x80,
    MSS = 2, /* the TCP option */
    SEGMENTS_MAX = 60,
};

/* True once in `times`. */
static bool seldom(struct traffic *t, size_t times)
{
    return random_below(&t->random, times) == 0;
}

static void flow_begin(struct traffic *t, struct traffic_flow *flow, unsigned number)
{
    const uint8_t v4[8] = {10, 0, 1, (uint8_t)(100 + number), 10, 0, 2, 2};
    bool is_v4 = number % 3 != 2, is_tcp = number % 2 == 0;
    random_octets(&t->random, (uint8_t *)flow, sizeof *flow);
    flow->shape = (struct super_shape){
        .family = is_v4 ? IP_V4 : IP_V6,
        .protocol = is_tcp ? IPPROTO_TCP : IPPROTO_UDP,
        .ip = is_v4 ? 20 : 40,
        .upper = is_tcp ? 20 + TRAFFIC_OPTIONS : 8,
    };
    if (is_v4) {
        memcpy(flow->addresses, v4, sizeof v4);
    } else {
        flow->addresses[0] = flow->addresses[16] = 0xfd;
        flow->addresses[15] = (uint8_t)(100 + number);
    }
    flow->dont_fragment = seldom(t, 2);
    flow->traffic_class = seldom(t, 2) ? 0 : (uint8_t)random_below(&t->random, 256);
}

void traffic_begin(struct traffic *traffic, uint64_t seed)
{
    *traffic = (struct traffic){.random = seed};
    for (unsigned i = 0; i < TRAFFIC_FLOWS; i++)
        flow_begin(traffic, &traffic->flows[i], i);
}

/* A flow that has changed in one thing for one packet. */
static void flow_vary(struct traffic *t, struct traffic_flow *flow)
{
    uint16_t value = (uint16_t)random_u64(&t->random);
    switch (random_below(&t->random, 9)) {
    case 0:
        flow->traffic_class = (uint8_t)value;
        break;
    case 1:
        flow->ttl = (uint8_t)value;
        break;
    case 2:
        flow->id = value;
        break;
    case 3:
        flow->dont_fragment = !flow->dont_fragment;
        break;
    case 4:
        flow->sequence += value;
        break;
    case 5:
        flow->window = value;
        break;
    case 6:
        flow->acknowledgment += value;
        break;
    case 7:
        flow->tcp_options[value % TRAFFIC_OPTIONS] ^= 1;
        break;
    default: /* IP options, or IPv6 extension headers */
        flow->shape.ip += flow->shape.family == IP_V4 ? 4 : 8;
        break;
    }
}

static uint8_t tcp_flags(struct traffic *t)
{
    static const uint8_t common[] = {ACK | PSH, ACK | FIN, ACK | ECE, ACK | CWR, ACK | URG, ACK | RST, SYN};
    return seldom(t, 5) ? common[random_below(&t->random, ARRAY_SIZE(common))] : ACK;
}

static void put_ip(const struct traffic_flow *flow, uint8_t *ip)
{
    if (flow->shape.family == IP_V6) {
        ip[0] = (uint8_t)(0x60 | flow->traffic_class >> 4);
        ip[1] = (uint8_t)(flow->traffic_class << 4);
        ip[2] = ip[3] = 7;
        ip[7] = flow->ttl;
        memcpy(ip + 8, flow->addresses, 32);
        return;
    }
    ip[1] = flow->traffic_class;
    store_u16be(ip + 4, flow->id);
    store_u16be(ip + 6, flow->dont_fragment ? 0x4000 : 0);
    ip[8] = flow->ttl;
    memcpy(ip + 12, flow->addresses, 8);
}

static void put_tcp(struct traffic *t, const struct traffic_flow *flow, uint8_t *tcp)
{
    store_u32be(tcp + 4, flow->sequence);
    store_u32be(tcp + 8, flow->acknowledgment);
    tcp[13] = tcp_flags(t);
    store_u16be(tcp + 14, flow->window);
    store_u16be(tcp + 18, 0);
    memcpy(tcp + 20, flow->tcp_options, TRAFFIC_OPTIONS);
    if ((tcp[13] & SYN) != 0) {
        tcp[20] = MSS;
        tcp[21] = 4;
    }
}

static void put_ip_checksum(const struct super_shape *shape, uint8_t *ip)
{
    if (shape->family == IP_V6)
        return;
    store_u16be(ip + 10, 0);
    store_u16be(ip + 10, slow_checksum(ip, shape->ip, 0));
}

/* Makes a packet of the flow, whose checksum is left to the device. */
static void put_packet(struct traffic *t, const struct traffic_flow *flow, struct traffic_packet *p)
{
    const struct super_shape *shape = &flow->shape;
    uint8_t *upper = p->octets + shape->ip;
    p->form = super_packet_make(shape, &t->random, p->octets);
    p->length = shape->ip + shape->upper + shape->payload;
    p->has_form = true;
    p->segments = (unsigned)((shape->payload + shape->size - 1) / shape->size);
    put_ip(flow, p->octets);
    put_ip_checksum(shape, p->octets);
    memcpy(upper, flow->ports, sizeof flow->ports);
    if (shape->protocol == IPPROTO_TCP)
        put_tcp(t, flow, upper);
    store_u16be(upper + super_checksum_field(shape),
                (uint16_t)~slow_checksum(NULL, 0, super_pseudo_sum(shape, p->octets, p->length - shape->ip)));
    if (p->segments > 1)
        return;
    p->segments = 1;
    p->form.gso_type = VIRTIO_NET_HDR_GSO_NONE;
    p->form.gso_size = 0;
}

/* Fills in the checksum, rightly or not. */
static void complete(struct traffic *t, const struct super_shape *shape, struct traffic_packet *p)
{
    uint8_t *upper = p->octets + shape->ip;
    uint8_t *field = upper + super_checksum_field(shape);
    size_t length = p->length - shape->ip;
    p->has_form = false;
    store_u16be(field, 0);
    uint16_t checksum = slow_checksum(upper, length, super_pseudo_sum(shape, p->octets, length));
    if (shape->protocol == IPPROTO_UDP && checksum == 0)
        checksum = 0xffff;
    if (shape->protocol == IPPROTO_UDP && seldom(t, 10))
        checksum = 0; /* none */
    if (seldom(t, 10))
        checksum ^= (uint16_t)(1 << random_below(&t->random, 16));
    store_u16be(field, checksum);
}

static void make_fragment(struct traffic *t, const struct super_shape *shape, struct traffic_packet *p)
{
    uint16_t offset = (uint16_t)random_below(&t->random, 4);
    bool more = seldom(t, 2);
    if (shape->family == IP_V4) {
        store_u16be(p->octets + 6, (uint16_t)((more ? 0x2000 : 0) | offset));
        put_ip_checksum(shape, p->octets);
        return;
    }
    p->octets[6] = IPPROTO_FRAGMENT;
    p->octets[40] = shape->protocol;
    p->octets[41] = 0;
    store_u16be(p->octets + 42, (uint16_t)(offset << 3 | more));
}

/* Makes of a whole packet one that is less common. */
static void make_odd(struct traffic *t, const struct super_shape *shape, struct traffic_packet *p)
{
    size_t protocol = shape->family == IP_V4 ? 9 : 6;
    switch (random_below(&t->random, 5)) {
    case 0:
        make_fragment(t, shape, p);
        break;
    case 1:
        p->octets[protocol] = (uint8_t)random_below(&t->random, 256);
        put_ip_checksum(shape, p->octets);
        break;
    case 2: /* shorter or longer than it says */
        memset(p->octets + p->length, 0x77, 3);
        p->length =
            seldom(t, 2) ? p->length + 3 : shape->ip + random_below(&t->random, p->length - shape->ip);
        break;
    case 3:
        if (shape->family == IP_V4)
            p->octets[10] ^= 1; /* the checksum */
        break;
    default:
        for (size_t i = 1 + random_below(&t->random, 3); i > 0; i--)
            p->octets[random_below(&t->random, 48)] = (uint8_t)random_u64(&t->random);
        break;
    }
}

static void choose_size(struct traffic *t, struct super_shape *shape)
{
    shape->size = 1 + random_below(&t->random, seldom(t, 12) ? 9000 : 1360);
    if (seldom(t, 3))
        shape->size = 1000;
    size_t count = seldom(t, 3) ? 1 + random_below(&t->random, SEGMENTS_MAX) : 1;
    size_t most = shape->size * count;
    size_t room = SUPER_PACKET_MAX - shape->ip - shape->upper;
    shape->payload = seldom(t, 2) ? most : 1 + random_below(&t->random, most);
    if (shape->payload > room)
        shape->payload = room;
}

void traffic_next(struct traffic *t, struct traffic_packet *packet)
{
    /* Packets of one flow mostly come one after the other, lest none can be merged. */
    struct traffic_flow *flow = &t->flows[seldom(t, 4) ? random_below(&t->random, TRAFFIC_FLOWS) : 0];
    struct traffic_flow now;
    if (flow == &t->flows[0] && seldom(t, 3)) {
        struct traffic_flow *other = &t->flows[1 + random_below(&t->random, TRAFFIC_FLOWS - 1)];
        now = *flow;
        *flow = *other;
        *other = now;
    }
    choose_size(t, &flow->shape);
    now = *flow;
    if (seldom(t, 6))
        flow_vary(t, &now);
    put_packet(t, &now, packet);
    flow->sequence = now.sequence + (uint32_t)now.shape.payload;
    flow->id = (uint16_t)(now.id + packet->segments);
    if (packet->segments > 1 || seldom(t, 3))
        return;
    complete(t, &now.shape, packet);
    if (seldom(t, 8))
        make_odd(t, &now.shape, packet);
}
