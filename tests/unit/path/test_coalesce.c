/* Packets of a flow become super-packets, of which the same packets can be made again (coalesce.h). */
#include "../esp/fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "path/inbound_sa.h"
#include "path/segment.h"
#include "super_packet.h"

enum {
    FLOWS = 200, /* more than are held at a time */
    FEW = 12,
    BATCH = 64, /* packets, also of one flow */
    MANY = 250, /* packets of many flows */
    PACKET_SIZE = 1600,
    FIN = 0x01,
    SYN = 0x02,
    PSH = 0x08,
    ACK = 0x10,
    ECE = 0x40,
    CWR = 0x80,
};

static struct worker worker;
static struct path_totals totals;
static struct esp_live live;
static struct inbound_sa sa;
static int linux_side; /* what is written to the device comes out here */
static uint64_t random_state = 99;

/* A packet and its flow, which the last octet of its source address says. */
struct packet {
    size_t length;
    uint8_t octets[PACKET_SIZE];
};

struct list {
    size_t count;
    struct packet packets[BATCH];
};

static struct list fed[FLOWS], written[FLOWS];

static int start(void **state)
{
    (void)state;
    int fds[2];
    const int size = 8 << 20;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    (void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    linux_side = fds[1];
    struct esp_worker *esp = new_worker(ESP_ARITHMETIC_OPENSSL);
    static const struct traffic_selector any[1] = {
        {.last_port = UINT16_MAX, .first.family = IP_V4, .last.family = IP_V4}};
    const uint8_t key[36] = {0};
    const struct esp_sa_settings settings = {
        .direction = PACKET_INBOUND,
        .spi = TEST_SPI,
        .encryption = encryption_by_id(ENCR_AES_GCM_16, 256),
        .encryption_key = {key, sizeof key},
        .selectors = {any, any, 1, 1},
        .live = &live,
    };
    memset(&totals, 0, sizeof totals);
    worker.totals = &totals;
    coalesce_prepare(&worker.inbound.coalescer);
    sa = (struct inbound_sa){.tun = fds[0], .vnet_header = true, .udp_segmentation = true};
    sa.sa = esp_sa_new(esp, &settings);
    assert_non_null(sa.sa);
    esp_worker_free(esp);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    esp_sa_free(sa.sa);
    (void)close(sa.tun);
    (void)close(linux_side);
    return 0;
}

/* ---- Flows ------------------------------------------------------------------------------------------- */

struct flow {
    struct super_shape shape;
    uint32_t sequence;
    uint16_t id;
    struct packet last;
};

static void finish_checksums(const struct super_shape *shape, uint8_t *at, size_t length)
{
    uint8_t *field = at + shape->ip + super_checksum_field(shape);
    store_u16be(field, 0);
    uint16_t checksum =
        slow_checksum(at + shape->ip, length - shape->ip, super_pseudo_sum(shape, at, length - shape->ip));
    store_u16be(field, checksum == 0 && shape->protocol == IPPROTO_UDP ? 0xffff : checksum);
    if (shape->family == IP_V4) {
        store_u16be(at + 10, 0);
        store_u16be(at + 10, slow_checksum(at, shape->ip, 0));
    }
}

/* The first packet's headers. */
static void flow_make(struct flow *flow, uint8_t number, enum ip_family family, uint8_t protocol, size_t size)
{
    struct packet *p = &flow->last;
    flow->shape = (struct super_shape){
        .family = family,
        .protocol = protocol,
        .ip = family == IP_V4 ? 20 : 40,
        .upper = protocol == IPPROTO_UDP ? 8
                 : number % 2            ? 32
                                         : 20,
        .size = size,
        .payload = size,
    };
    (void)super_packet_make(&flow->shape, &random_state, p->octets);
    p->octets[family == IP_V4 ? 15 : 23] = number;
    if (family == IP_V4)
        p->octets[6] &= 0x40;
    flow->sequence = (uint32_t)random_u64(&random_state);
    flow->id = (uint16_t)random_u64(&random_state);
    if (protocol == IPPROTO_TCP)
        p->octets[flow->shape.ip + 13] = ACK;
}

/* The flow's next packet with so many octets of payload; returns it in flow->last, checksums and all. */
static void flow_next(struct flow *flow, size_t payload, uint8_t flags)
{
    uint8_t *at = flow->last.octets;
    size_t head = flow->shape.ip + flow->shape.upper, length = head + payload;
    random_octets(&random_state, at + head, payload);
    if (flow->shape.family == IP_V4) {
        store_u16be(at + 2, (uint16_t)length);
        store_u16be(at + 4, flow->id++);
    } else {
        store_u16be(at + 4, (uint16_t)(length - 40));
    }
    if (flow->shape.protocol == IPPROTO_TCP) {
        store_u32be(at + flow->shape.ip + 4, flow->sequence);
        at[flow->shape.ip + 13] = flags;
        flow->sequence += (uint32_t)payload;
    } else {
        store_u16be(at + flow->shape.ip + 4, (uint16_t)(8 + payload));
    }
    flow->last.length = length;
    finish_checksums(&flow->shape, at, length);
}

/* ---- Feeding and reading ----------------------------------------------------------------------------- */

static uint8_t number_of(const uint8_t *packet)
{
    return packet[packet[0] >> 4 == 4 ? 15 : 23];
}

static void list_add(struct list *lists, const uint8_t *head, size_t head_size, struct octets rest)
{
    struct list *list = &lists[number_of(head_size > 0 ? head : rest.at)];
    assert_true(list->count < BATCH && head_size + rest.length <= PACKET_SIZE);
    struct packet *p = &list->packets[list->count++];
    if (head_size > 0)
        memcpy(p->octets, head, head_size);
    memcpy(p->octets + head_size, rest.at, rest.length);
    p->length = head_size + rest.length;
}

static void feed(struct packet *p)
{
    list_add(fed, NULL, 0, (struct octets){p->octets, p->length});
    coalesce_add(&worker, &sa, p->octets, p->length);
}

/* Reads all that was written, in segments; returns how many calls it took. */
static size_t read_written(void)
{
    static uint8_t frame[VNET_HEADER + SUPER_PACKET_MAX];
    uint8_t head[128];
    size_t frames = 0;
    ssize_t length;
    while ((length = recv(linux_side, frame, sizeof frame, 0)) > 0) {
        struct virtio_net_hdr form;
        struct segmenter s;
        struct octets body;
        memcpy(&form, frame, sizeof form);
        assert_true(segmenter_begin(&s, &form, frame + sizeof form, (size_t)length - sizeof form));
        while (segmenter_left(&s) > 0) {
            assert_true(segmenter_next(&s, head, &body));
            list_add(written, head, s.head, body);
        }
        frames++;
    }
    return frames;
}

/* Each flow has come out as it was fed. */
static void expect_all(void)
{
    for (size_t i = 0; i < FLOWS; i++) {
        assert_int_equal(written[i].count, fed[i].count);
        for (size_t j = 0; j < fed[i].count; j++) {
            assert_int_equal(written[i].packets[j].length, fed[i].packets[j].length);
            assert_memory_equal(written[i].packets[j].octets, fed[i].packets[j].octets,
                                fed[i].packets[j].length);
        }
        written[i].count = fed[i].count = 0;
    }
}

/* ---- Random packets ---------------------------------------------------------------------------------- */

/* Changes something of a packet, so that it is not what follows; some of it only with the checksums mended.
 */
static void disturb(struct flow *flow, struct packet *p)
{
    const struct super_shape *shape = &flow->shape;
    uint8_t *at = p->octets, *upper = at + shape->ip;
    bool v4 = shape->family == IP_V4;
    switch (random_below(&random_state, 14)) {
    case 0: /* TTL, hop limit */
        at[v4 ? 8 : 7]++;
        break;
    case 1: /* Type of Service, Traffic Class */
        at[1] ^= v4 ? 1 : 0x10;
        break;
    case 2: /* DF, flow label */
        at[v4 ? 6 : 3] ^= 0x40;
        break;
    case 3: /* identification, flow label */
        at[v4 ? 5 : 2]++;
        break;
    case 4: /* a fragment, or an extension header */
        at[6] = v4 ? 0x20 : IPPROTO_FRAGMENT;
        return;
    case 5: /* the payload, so that the checksum is wrong */
        at[p->length - 1] ^= 1;
        return;
    case 6: /* the IP header's checksum */
        at[v4 ? 10 : 4] ^= v4 ? 1 : 0;
        return;
    case 7:
        store_u16be(upper + super_checksum_field(shape), 0);
        return;
    case 8: /* sequence number, length of UDP */
        upper[shape->protocol == IPPROTO_TCP ? 7 : 5]++;
        break;
    case 9: /* acknowledgment */
        if (shape->protocol == IPPROTO_TCP)
            upper[11]++;
        break;
    case 10: /* window */
        if (shape->protocol == IPPROTO_TCP)
            upper[15]++;
        break;
    case 11: /* urgent pointer */
        if (shape->protocol == IPPROTO_TCP)
            upper[19]++;
        break;
    case 12: /* options, or payload */
        upper[shape->upper == 32 ? 31 : shape->upper]++;
        break;
    default: /* a header length that is wrong */
        if (shape->protocol == IPPROTO_TCP)
            upper[12] = (uint8_t)random_u64(&random_state);
        break;
    }
    finish_checksums(shape, at, p->length);
}

static uint8_t random_flags(void)
{
    static const uint8_t flags[] = {ACK | PSH, ACK | FIN, ACK | CWR,  ACK | ECE, SYN,
                                    SYN | ACK, 0x04,      0x20 | ACK, 0};
    return random_below(&random_state, 8) != 0 ? ACK : flags[random_below(&random_state, ARRAY_SIZE(flags))];
}

static void any_packets_come_out_as_they_came(void **state)
{
    (void)state;
    static struct flow flows[FLOWS];
    static struct packet packets[MANY];
    size_t packets_fed = 0, frames = 0;
    for (unsigned round = 0; round < 3000; round++) {
        if (round % 50 == 0) {
            for (uint8_t i = 0; i < FLOWS; i++)
                flow_make(&flows[i], i, i % 3 ? IP_V4 : IP_V6, i % 4 ? IPPROTO_TCP : IPPROTO_UDP,
                          1 + random_below(&random_state, 1400));
        }
        bool many = round % 8 == 0;
        size_t flows_now = many ? FLOWS : 1 + random_below(&random_state, FEW), now = 0;
        size_t count = many ? MANY : BATCH;
        sa.udp_segmentation = random_below(&random_state, 4) != 0;
        for (size_t i = 0; i < count; i++) {
            if (many || random_below(&random_state, 5) == 0)
                now = random_below(&random_state, flows_now);
            struct flow *flow = &flows[now];
            size_t size = flow->shape.size;
            size_t payload = random_below(&random_state, 12) ? size : random_below(&random_state, size + 10);
            flow_next(flow, payload, random_flags());
            packets[i] = flow->last;
            if (random_below(&random_state, 12) == 0)
                disturb(flow, &packets[i]);
            feed(&packets[i]);
        }
        coalesce_flush(&worker);
        size_t calls = read_written();
        packets_fed += many ? 0 : count;
        frames += many ? 0 : calls;
        expect_all();
    }
    assert_int_equal(totals.counters[ESP_IN_MISC_ERROR], 0);
    assert_true(frames * 3 < packets_fed * 2); /* much of it was coalesced */
}

/* ---- One by one -------------------------------------------------------------------------------------- */

/* Feeds `count` packets of a fresh flow, of which the last has `last` octets of payload and these flags;
 * returns how many calls wrote them. */
static size_t calls_for(uint8_t protocol, size_t count, size_t size, size_t last, uint8_t flags)
{
    static struct packet packets[BATCH];
    static struct flow flow;
    flow_make(&flow, 1, IP_V4, protocol, size);
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count;
        flow_next(&flow, is_last ? last : size, is_last ? flags : ACK);
        packets[i] = flow.last;
        feed(&packets[i]);
    }
    coalesce_flush(&worker);
    size_t calls = read_written();
    expect_all();
    return calls;
}

static void packets_that_follow_are_written_by_one_call(void **state)
{
    (void)state;
    assert_int_equal(calls_for(IPPROTO_TCP, 40, 1400, 1400, ACK), 1);
    assert_int_equal(calls_for(IPPROTO_TCP, 40, 1400, 3, ACK | PSH), 1);
    assert_int_equal(calls_for(IPPROTO_TCP, 40, 1400, 1400, ACK | FIN), 1);
    assert_int_equal(calls_for(IPPROTO_TCP, 47, 1400, 1400, ACK), 2);
    assert_int_equal(calls_for(IPPROTO_TCP, 5, 1400, 1401, ACK), 2);
    assert_int_equal(calls_for(IPPROTO_TCP, 5, 1400, 0, ACK), 2);
    assert_int_equal(calls_for(IPPROTO_TCP, 5, 1400, 1400, ACK | CWR), 2);
    assert_int_equal(calls_for(IPPROTO_UDP, 40, 1400, 10, 0), 1);
}

/* It does not wait for the end of the batch, whatever others there are. */
static void a_super_packet_is_written_when_it_is_full(void **state)
{
    (void)state;
    enum { BY_OCTETS = 46 /* of 1400 octets each */ };
    static struct packet packets[BY_OCTETS + COALESCE_PACKETS];
    static struct flow large, small;
    flow_make(&large, 1, IP_V4, IPPROTO_TCP, 1400);
    flow_make(&small, 2, IP_V6, IPPROTO_UDP, 100);
    for (size_t i = 0; i < BY_OCTETS + COALESCE_PACKETS; i++) {
        struct flow *flow = i < BY_OCTETS ? &large : &small;
        flow_next(flow, flow->shape.size, ACK);
        packets[i] = flow->last;
        assert_int_equal(read_written(), i == BY_OCTETS ? 1 : 0);
        feed(&packets[i]);
    }
    assert_false(coalesce_holds(&worker.inbound.coalescer));
    assert_int_equal(read_written(), 1);
    expect_all();
}

/* Feeds packets of so many UDP flows in turn, `each` of a flow; returns how many calls wrote them. */
static size_t calls_for_turns(size_t flow_count, size_t each)
{
    static struct packet packets[FLOWS * 4];
    static struct flow flows[FLOWS];
    for (size_t i = 0; i < flow_count; i++)
        flow_make(&flows[i], (uint8_t)i, i % 2 ? IP_V4 : IP_V6, IPPROTO_UDP, 100);
    for (size_t i = 0; i < flow_count * each; i++) {
        struct flow *flow = &flows[i % flow_count];
        flow_next(flow, 100, 0);
        packets[i] = flow->last;
        feed(&packets[i]);
    }
    coalesce_flush(&worker);
    size_t calls = read_written();
    expect_all();
    return calls;
}

static void packets_of_many_flows_in_turn_are_coalesced(void **state)
{
    (void)state;
    assert_int_equal(calls_for_turns(COALESCE_FLOWS, 4), COALESCE_FLOWS);
    assert_int_equal(calls_for_turns(FLOWS, 4), 4 * FLOWS); /* too many: the oldest make room */
}

static void udp_is_coalesced_only_where_the_device_segments_it(void **state)
{
    (void)state;
    sa.udp_segmentation = false;
    assert_int_equal(calls_for(IPPROTO_UDP, 10, 1000, 1000, 0), 10);
}

static void nothing_is_coalesced_without_a_vnet_header(void **state)
{
    (void)state;
    static struct packet packets[3];
    static struct flow flow;
    sa.vnet_header = false;
    flow_make(&flow, 1, IP_V4, IPPROTO_TCP, 1000);
    for (size_t i = 0; i < 3; i++) {
        uint8_t taken[PACKET_SIZE];
        flow_next(&flow, 1000, ACK);
        packets[i] = flow.last;
        coalesce_add(&worker, &sa, packets[i].octets, packets[i].length);
        assert_int_equal(recv(linux_side, taken, sizeof taken, 0), (ssize_t)packets[i].length);
        assert_memory_equal(taken, flow.last.octets, flow.last.length);
    }
}

static void each_packet_is_counted_that_linux_does_not_take(void **state)
{
    (void)state;
    static struct packet packets[10];
    static struct flow flow;
    (void)close(linux_side); /* ECONNREFUSED from now on */
    flow_make(&flow, 1, IP_V4, IPPROTO_TCP, 1000);
    for (size_t i = 0; i < 10; i++) {
        flow_next(&flow, 1000, ACK);
        packets[i] = flow.last;
        coalesce_add(&worker, &sa, packets[i].octets, packets[i].length);
    }
    coalesce_flush(&worker);
    assert_int_equal(totals.counters[ESP_IN_MISC_ERROR], 10);
    for (size_t i = 0; i < 10; i++) /* the super-packet's headers are gone */
        assert_int_equal(load_u16be(packets[i].octets + 2), packets[i].length);
}

#define COALESCE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COALESCE_TEST(any_packets_come_out_as_they_came),
        COALESCE_TEST(packets_that_follow_are_written_by_one_call),
        COALESCE_TEST(a_super_packet_is_written_when_it_is_full),
        COALESCE_TEST(packets_of_many_flows_in_turn_are_coalesced),
        COALESCE_TEST(udp_is_coalesced_only_where_the_device_segments_it),
        COALESCE_TEST(nothing_is_coalesced_without_a_vnet_header),
        COALESCE_TEST(each_packet_is_counted_that_linux_does_not_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
