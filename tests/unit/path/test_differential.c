/*
 * The fast path and the slow one give the same packets, octet for octet. Random traffic (random_traffic.h)
 * goes through a pair of paths twice. Fast: super-packets from and to the TUN devices, UDP_SEGMENT, UDP_GRO,
 * coalescing, and the ring of the link for plain ESP over IPv4. Slow: Linux segments in front of the first
 * device, and each packet goes by itself to the end, by the sockets.
 * What stands on the wire, sealed, must be the same then, in the same order, and so must what comes out of
 * the second device, in the same order within a flow, and all counters. And once more through several tunnels
 * at a time, whose packets leave in batches together: then the order is to be the same for each SA. And once
 * with so many packets at a time that they are read ahead of their turn (path/read_ahead.h), and flows pass
 * each other: then as many packets of each form have to be on the wire.
 *
 *     test_path_differential [WORKERS [SEED [ROUNDS]]]
 */
#include "random_traffic.h"
#include "stand.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "esp/selector.h"
#include "path/wire.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23 /* Linux 4.20 */
#endif

enum {
    LO = 1,
    SENTINEL = 0x5e471e1,
    BURSTS = 12,
    BURST_SEGMENTS = 200, /* the queue of a TUN device has room for 500 packets */
    QUEUE_SEGMENTS = 1500,
    QUEUE_BURSTS = 2,
    QUEUE_ROOM = 4 * QUEUE_SEGMENTS,
    QUEUE_SENTINELS = 80, /* more than it takes until all has left */
    RECORD_OCTETS = 32 << 20,
    RECORD_PACKETS = 1 << 15,
    WHOLE_MAX = 1400, /* octets of an inner packet whose outer one is in no fragments */
    BUFFER = 32 << 20,
};

static struct stand stand;
static unsigned workers;
static uint64_t seed = 1;
static unsigned rounds = 1;
static struct end *const here = &stand.ends[0];
static struct end *const there = &stand.ends[1];

/* ---- What was seen ----------------------------------------------------------------------------------- */

struct seen {
    uint64_t flow; /* of what is to stay in order */
    unsigned index;
    uint32_t length;
    const uint8_t *at;
};

struct record {
    uint8_t *octets;
    size_t used;
    struct seen packets[RECORD_PACKETS];
    unsigned count;
    bool stands;      /* the packets had been in a queue that stood */
    unsigned merged;  /* super-packets among what came */
    unsigned by_ring; /* packets that had left by the link's ring */
};

/* How packets are put into the tunnels. */
struct load {
    unsigned tunnels;
    bool stands; /* all of a burst is there before the first of it leaves */
};

struct run {
    struct record wire, out;
    uint64_t counters[STAND_TUNNELS_MAX][ESP_COUNTER_COUNT];
};

static struct run slow, fast;

static void record_clear(struct record *record)
{
    if (record->octets == NULL)
        record->octets = malloc(RECORD_OCTETS);
    assert_non_null(record->octets);
    record->used = record->count = record->merged = record->by_ring = 0;
}

static void record_add(struct record *record, uint64_t flow, struct octets head, struct octets body)
{
    uint8_t *at = record->octets + record->used;
    size_t length = head.length + body.length;
    assert_true(record->used + length <= RECORD_OCTETS && record->count < RECORD_PACKETS);
    memcpy(at, head.at, head.length);
    if (body.length > 0)
        memcpy(at + head.length, body.at, body.length);
    record->packets[record->count] = (struct seen){flow, record->count, (uint32_t)length, at};
    record->count++;
    record->used += length;
}

/* FNV-1a. */
static uint64_t hash_octets(uint64_t hash, const void *octets, size_t length)
{
    const uint8_t *at = octets;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static bool is_fragment(struct octets packet)
{
    struct inner_upper upper;
    if (inner_family(packet) == IP_V4)
        return (load_u16be(packet.at + 6) & 0x3fff) != 0;
    return inner_family(packet) == IP_V6 && inner_find_upper(packet, &upper) && upper.is_fragment;
}

/* Packets with the same addresses, protocol and ports, as far as these show; where a queue stands fragments
 * have none. */
static uint64_t flow_of(struct octets packet, bool stands)
{
    struct packet_flow flow;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (!packet_flow_read(packet.at, packet.length, &flow))
        return hash;
    hash = hash_octets(hash, flow.source.octets, ip_address_size(flow.source.family));
    hash = hash_octets(hash, flow.destination.octets, ip_address_size(flow.destination.family));
    hash = hash_octets(hash, &flow.protocol, sizeof flow.protocol);
    if (flow.ports != FLOW_PORTS_BOTH || (stands && is_fragment(packet)))
        return hash;
    hash = hash_octets(hash, &flow.source_port, sizeof flow.source_port);
    return hash_octets(hash, &flow.destination_port, sizeof flow.destination_port);
}

/* The SPI of ESP that is in no fragments, or is the first one. */
static uint32_t spi_of(struct octets outer)
{
    bool v4 = inner_family(outer) == IP_V4;
    size_t at = v4 ? 20 : 40;
    uint8_t protocol = outer.at[v4 ? 9 : 6];
    if (protocol == IPPROTO_UDP)
        at += 8;
    return outer.length >= at + 4 ? load_u32be(outer.at + at) : 0;
}

/* ---- Looking on -------------------------------------------------------------------------------------- */

static int watch_wire, watch_out[STAND_TUNNELS_MAX];

/* Sees all that the device delivers to this host, super-packets in one. */
static int watch_open(int ifindex)
{
    const int one = 1, size = BUFFER;
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one), 0);
    assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Takes what was seen next, without `link` octets of a link header; 0: nothing. */
static size_t watch_take(int fd, size_t link, struct virtio_net_hdr *form, uint8_t **packet, int patience)
{
    static uint8_t room[sizeof *form + ETH_HLEN + STAND_PACKET_MAX + 512];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, patience) != 1)
        return 0;
    ssize_t length = recv(fd, room, sizeof room, 0);
    assert_true(length > (ssize_t)(sizeof *form + link));
    memcpy(form, room, sizeof *form);
    if (form->csum_start >= link)
        form->csum_start = (uint16_t)(form->csum_start - link);
    if (form->hdr_len >= link)
        form->hdr_len = (uint16_t)(form->hdr_len - link);
    *packet = room + sizeof *form + link;
    return (size_t)length - sizeof *form - link;
}

/* Adds the packets that a network would carry. `flow` is theirs; 0: that of their ESP's SPI. */
static void record_segments(struct record *record, const struct virtio_net_hdr *form, uint8_t *packet,
                            size_t length, uint64_t flow, void (*neutralize)(uint8_t *packet))
{
    static uint8_t head[STAND_PACKET_MAX];
    struct segmenter s;
    struct octets body;
    if ((form->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 && form->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
        neutralize(packet);
        record_add(record, flow != 0 ? flow : spi_of((struct octets){packet, length}),
                   (struct octets){packet, length}, (struct octets){0});
        return;
    }
    assert_true(segmenter_begin(&s, form, packet, length));
    record->merged += s.head > 0;
    if (s.head == 0) {
        neutralize(packet);
        record_add(record, flow != 0 ? flow : spi_of((struct octets){packet, length}),
                   (struct octets){packet, length}, (struct octets){0});
        return;
    }
    while (segmenter_next(&s, head, &body)) {
        neutralize(head);
        record_add(record, flow != 0 ? flow : load_u32be(body.at), (struct octets){head, s.head}, body);
    }
}

static void keep_all(uint8_t *packet)
{
    (void)packet;
}

/* Linux chooses an identification and a flow label for an outer header. */
static void forget_choices_of_linux(uint8_t *packet)
{
    if (packet[0] >> 4 == 4) {
        memset(packet + 4, 0, 2);
        memset(packet + 10, 0, 2);
        return;
    }
    packet[1] &= 0xf0;
    packet[2] = packet[3] = 0;
    if (packet[6] == IPPROTO_FRAGMENT)
        memset(packet + 44, 0, 4);
}

/* With one tunnel all is one flow, also the fragments of what does not fit. */
static void record_wire(struct run *run, enum ip_family outer, unsigned tunnels)
{
    const struct ip_address source = end_address(0, outer), destination = end_address(1, outer);
    struct virtio_net_hdr form;
    uint8_t *packet;
    size_t length;
    while ((length = watch_take(watch_wire, ETH_HLEN, &form, &packet, 0)) > 0) {
        const struct octets all = {packet, length};
        if (inner_family(all) != outer)
            continue;
        const struct ip_address from = inner_source(all), to = inner_destination(all);
        if (!ip_address_equal(&from, &source) || !ip_address_equal(&to, &destination))
            continue;
        run->wire.by_ring += packet[-ETH_HLEN + ETH_ALEN] == STAND_RING_ADDRESS;
        record_segments(&run->wire, &form, packet, length, tunnels == 1, forget_choices_of_linux);
    }
}

/* Takes what came out of the tunnel until the sentinel does. */
static void record_out(struct run *run, unsigned tunnel)
{
    struct virtio_net_hdr form;
    uint8_t *packet;
    here->tunnel = tunnel;
    end_put_number(here, IP_V4, 100, SENTINEL);
    for (;;) {
        size_t length = watch_take(watch_out[tunnel], 0, &form, &packet, STAND_PATIENCE);
        if (length == 0)
            fail_msg("seed %lu: the last packet of a burst did not come", (unsigned long)seed);
        if (length == 100 && form.gso_type == VIRTIO_NET_HDR_GSO_NONE && packet[0] == 0x45 &&
            packet_number(packet) == SENTINEL)
            return;
        record_segments(
            &run->out, &form, packet, length,
            hash_octets(flow_of((struct octets){packet, length}, run->out.stands), &tunnel, sizeof tunnel),
            keep_all);
    }
}

/* ---- Two runs ---------------------------------------------------------------------------------------- */

static bool has_room_on_the_wire(const struct traffic_packet *packet)
{
    size_t head = packet->form.hdr_len;
    return packet->segments > 1 ? head + packet->form.gso_size <= WHOLE_MAX : packet->length <= WHOLE_MAX;
}

/* Puts packets into the tunnels at random. Where their order is not the same in both runs they all fit, since
 * identifications of fragments are given out for all together. */
static void put_burst(struct traffic *traffic, const struct load *load)
{
    static struct traffic_packet packet;
    unsigned segments = 0;
    while (segments < (load->stands ? QUEUE_SEGMENTS : BURST_SEGMENTS)) {
        traffic_next(traffic, &packet);
        here->tunnel = load->tunnels > 1 ? (unsigned)random_below(&traffic->random, load->tunnels) : 0;
        if ((load->tunnels > 1 || load->stands) && !has_room_on_the_wire(&packet))
            continue;
        segments += packet.segments;
        if (packet.has_form)
            end_put_super(here, &packet.form, packet.octets, packet.length);
        else
            end_put(here, packet.octets, packet.length);
    }
}

/* Has the worker of tunnel number `i` write what it holds: it takes a command only when it has done that. */
static void write_what_is_held(const struct stand_sa *sa, unsigned i)
{
    there->tunnel = i;
    const struct child_settings child = end_child(there, sa, 1 + i);
    assert_int_equal(child_redirect(there->path, ++there->requests, child.inbound.spi, &child.destination),
                     PATH_OK);
    path_settle(there->path);
}

/* Packets of other flows than the sentinel's may come behind it, while they are held. */
static void record_burst(const struct stand_sa *sa, unsigned i, struct run *run)
{
    record_out(run, i);
    write_what_is_held(sa, i);
    record_out(run, i);
}

/*
 * A sentinel passes the others, but not those that leave in one batch with it. They come out before the next
 * sentinel does, or are held then, and come out before the one after it. So if nothing comes between three of
 * them, all has come.
 */
static void record_queue(const struct stand_sa *sa, unsigned i, struct run *run)
{
    unsigned sentinels = 0, idle = 0;
    for (; sentinels < QUEUE_SENTINELS; sentinels++) {
        unsigned before = run->out.count;
        record_out(run, i);
        write_what_is_held(sa, i);
        idle = run->out.count > before ? 0 : idle + 1;
    }
    if (idle < 2)
        fail_msg("seed %lu: packets come after so many sentinels", (unsigned long)seed);
}

/* Nobody else gets the CPU meanwhile. */
static void put_burst_at_once(struct traffic *traffic, const struct load *load)
{
    const struct sched_param first = {.sched_priority = 1}, normal = {0};
    assert_int_equal(sched_setscheduler(0, SCHED_FIFO, &first), 0);
    put_burst(traffic, load);
    assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &normal), 0);
}

static void carry_bursts(const struct stand_sa *sa, const struct load *load, struct run *run)
{
    struct traffic traffic;
    traffic_begin(&traffic, seed);
    for (unsigned burst = 0; burst < (load->stands ? QUEUE_BURSTS : BURSTS); burst++) {
        if (load->stands) {
            put_burst_at_once(&traffic, load);
            record_queue(sa, 0, run);
        } else {
            put_burst(&traffic, load);
            for (unsigned i = 0; i < load->tunnels; i++)
                record_burst(sa, i, run);
        }
        record_wire(run, sa->outer, load->tunnels);
    }
}

/* Before 6.2, a packet socket can't show a UDP super-packet. So lo is to be a link that does not segment. */
static void show_segments_on_wire(void)
{
    assert_int_equal(system("ethtool -K lo tx-udp-segmentation off"), 0);
}

/* Makes room for more packets in front of a tunnel. */
static void set_queue_room(int ifindex)
{
    struct ifreq request = {.ifr_qlen = QUEUE_ROOM};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_non_null(if_indextoname((unsigned)ifindex, request.ifr_name));
    assert_int_equal(ioctl(fd, SIOCSIFTXQLEN, &request), 0);
    (void)close(fd);
}

static void carry_all(const struct stand_sa *sa, const struct path_tunnel *settings, const struct load *load,
                      bool offload, struct run *run)
{
    const unsigned tunnels = load->tunnels;
    struct wire_io one_by_one = wire_sockets;
    one_by_one.segments = false;
    record_clear(&run->wire);
    record_clear(&run->out);
    run->out.stands = load->stands;
    stand_set_offload(offload, offload);
    stand_set_ring(offload);
    stand_set_io(offload ? NULL : &one_by_one);
    stand_start_tunnels(&stand, workers, tunnels);
    if (offload && !here->udp_segmentation)
        show_segments_on_wire();
    watch_wire = watch_open(LO);
    for (unsigned i = 0; i < tunnels; i++) {
        here->tunnel = there->tunnel = i;
        watch_out[i] = watch_open(there->devices[i].ifindex);
        if (load->stands)
            set_queue_room(here->devices[i].ifindex);
        stand_install(&stand, sa, 1 + i);
        end_configure(here, *settings);
        end_configure(there, *settings);
    }
    carry_bursts(sa, load, run);
    for (unsigned i = 0; i < tunnels; i++) {
        here->tunnel = there->tunnel = i;
        for (enum esp_counter c = 0; c < ESP_COUNTER_COUNT; c++)
            run->counters[i][c] = end_total(c < ESP_IN_PACKETS ? here : there, c);
        (void)close(watch_out[i]);
    }
    (void)close(watch_wire);
    stand_stop(&stand);
}

/* ---- Comparing --------------------------------------------------------------------------------------- */

static int compare_seen(const void *first, const void *second)
{
    const struct seen *a = first, *b = second;
    if (a->flow != b->flow)
        return a->flow < b->flow ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void print_packet(const char *name, const struct seen *seen)
{
    (void)printf("# %s: packet %u, %u octets:", name, seen->index, seen->length);
    for (uint32_t i = 0; i < seen->length && i < 320; i++)
        (void)printf("%s%02x", i % 4 == 0 ? " " : "", seen->at[i]);
    (void)printf("\n");
}

static void expect_same_packets(const char *what, struct record *a, struct record *b)
{
    unsigned count = a->count < b->count ? a->count : b->count;
    for (unsigned i = 0; i < count; i++) {
        const struct seen *x = &a->packets[i], *y = &b->packets[i];
        if (x->flow == y->flow && x->length == y->length && memcmp(x->at, y->at, x->length) == 0)
            continue;
        size_t at = 0;
        while (at < x->length && at < y->length && x->at[at] == y->at[at])
            at++;
        (void)printf("# first difference at octet %zu\n", at);
        print_packet("slow", x);
        print_packet("fast", y);
        fail_msg("seed %lu: %s: packet %u differs", (unsigned long)seed, what, i);
    }
    if (a->count != b->count)
        fail_msg("seed %lu: %s: %u packets, not %u", (unsigned long)seed, what, b->count, a->count);
}

static void sort_by_flow(struct record *record)
{
    qsort(record->packets, record->count, sizeof *record->packets, compare_seen);
}

/* Sequence numbers are given out in the order of sending, so what is sealed differs where that differs: what
 * stays are headers and lengths. */
static void forget_order(struct record *record, enum ip_family outer)
{
    const size_t head = outer == IP_V4 ? INNER_IPV4_HEADER : INNER_IPV6_HEADER;
    for (unsigned i = 0; i < record->count; i++) {
        struct seen *seen = &record->packets[i];
        memset(record->octets + (seen->at - record->octets) + head, 0, seen->length - head);
        seen->flow = hash_octets(seen->length, seen->at, head);
    }
}

static void expect_the_same(const struct stand_sa *sa, const struct path_tunnel *settings,
                            const struct load *load)
{
    carry_all(sa, settings, load, false, &slow);
    carry_all(sa, settings, load, true, &fast);
    bool ring = !sa->encapsulated && sa->outer == IP_V4;
    (void)printf("# %u sealed, %u out; merged: %u on the wire, %u out; by the ring: %u\n", slow.wire.count,
                 slow.out.count, fast.wire.merged, fast.out.merged, fast.wire.by_ring);
    assert_int_equal(slow.wire.by_ring, 0);
    assert_true((fast.wire.by_ring > 0) == ring);
    assert_int_equal(slow.wire.merged, 0);
    assert_int_equal(slow.out.merged, 0);
    assert_true(fast.out.merged > 0);
    assert_true(slow.out.count > 100);
    if (load->stands) {
        forget_order(&slow.wire, sa->outer);
        forget_order(&fast.wire, sa->outer);
    }
    sort_by_flow(&slow.wire);
    sort_by_flow(&fast.wire);
    expect_same_packets("on the wire", &slow.wire, &fast.wire);
    sort_by_flow(&slow.out);
    sort_by_flow(&fast.out);
    expect_same_packets("out of the tunnel", &slow.out, &fast.out);
    for (unsigned i = 0; i < load->tunnels; i++) {
        for (enum esp_counter c = 0; c < ESP_COUNTER_COUNT; c++) {
            if (slow.counters[i][c] != fast.counters[i][c])
                fail_msg("seed %lu: counter %d of tunnel %u: %lu, not %lu", (unsigned long)seed, (int)c, i,
                         (unsigned long)fast.counters[i][c], (unsigned long)slow.counters[i][c]);
        }
    }
}

static const struct stand_sa sas[] = {
    {IP_V4, true, ENCR_AES_GCM_16, 256, AUTH_NONE},
    {IP_V4, false, ENCR_AES_GCM_16, 128, AUTH_NONE},
    {IP_V4, true, ENCR_AES_CBC, 256, AUTH_HMAC_SHA1_96},
    {IP_V6, true, ENCR_AES_CBC, 128, AUTH_HMAC_SHA2_256_128},
    {IP_V6, true, ENCR_AES_GCM_16, 256, AUTH_NONE},
    {IP_V6, false, ENCR_AES_CBC, 256, AUTH_HMAC_SHA2_512_256},
};

static const struct path_tunnel settings_of_tunnels[] = {
    {0},
    {.mtu_ignore = true},
    {.pre_fragment = true},
    {.mtu_ignore = true, .pre_fragment = true, .mss_v4 = {.octets = 500}, .mss_v6 = {.automatic = true}},
    {.mss_v4 = {.automatic = true}, .mss_v6 = {.octets = 700}},
};

static void fast_and_slow_path_give_the_same_packets(void **state)
{
    (void)state;
    const struct load load = {.tunnels = 1};
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(sas); i++, seed++)
            expect_the_same(&sas[i], &settings_of_tunnels[seed % ARRAY_SIZE(settings_of_tunnels)], &load);
    }
}

/* With AES-GCM, whose IVs come of the SA alone. */
static void so_they_do_with_packets_of_several_tunnels_in_a_batch(void **state)
{
    (void)state;
    const struct load load = {.tunnels = STAND_TUNNELS_MAX};
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(sas); i++, seed++) {
            if (sas[i].encryption == ENCR_AES_GCM_16)
                expect_the_same(&sas[i], &settings_of_tunnels[seed % ARRAY_SIZE(settings_of_tunnels)], &load);
        }
    }
}

static void so_they_do_where_a_queue_stands_in_front_of_the_tunnel(void **state)
{
    (void)state;
    const struct load load = {.tunnels = 1, .stands = true};
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(sas); i++, seed++) {
            if (sas[i].encryption == ENCR_AES_GCM_16)
                expect_the_same(&sas[i], &settings_of_tunnels[seed % ARRAY_SIZE(settings_of_tunnels)], &load);
        }
    }
}

/* One CPU, whose queue of lo keeps packets in order. */
static void stay_on_one_cpu(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof one, &one);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_and_slow_path_give_the_same_packets),
        cmocka_unit_test(so_they_do_with_packets_of_several_tunnels_in_a_batch),
        cmocka_unit_test(so_they_do_where_a_queue_stands_in_front_of_the_tunnel),
    };
    workers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    if (argc > 2)
        seed = strtoul(argv[2], NULL, 10);
    if (argc > 3)
        rounds = (unsigned)strtoul(argv[3], NULL, 10);
    if (!stand_enter_namespace())
        return 0;
    stay_on_one_cpu();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
