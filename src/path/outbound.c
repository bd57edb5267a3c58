#include "path/outbound.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "path/mss.h"
#include "path/oversize.h"
#include "path/tunnel.h"

enum {
    PACKET_MAX = ESP_INNER_MAX,
    IKE_PORT = 500,
    NAT_TRAVERSAL_PORT = 4500,
    /* All that may wait in a tunnel; or a batch of packets of common size and one of the largest. */
    PLAIN_SIZE = PATH_WAITING_OCTETS,
    SEGMENT_HEAD_MAX = 4096, /* octets: a super-packet with longer headers is dropped */
    HEADS_SIZE = PIECES_MAX * 128,
    JOINED_SIZE = 2 * (PACKET_MAX + 1),
    SEALED_SIZE = PLAIN_SIZE + HEADS_SIZE + JOINED_SIZE + PIECES_MAX * (ESP_OVERHEAD_MAX + FRAGMENT_HEAD_MAX),
};

_Static_assert(PLAIN_SIZE % 64 == 0 && SEALED_SIZE % 64 == 0 && HEADS_SIZE % 64 == 0 && JOINED_SIZE % 64 == 0,
               "whole cache lines, as aligned_alloc wants");

bool outbound_allocate(struct outbound *outbound, bool touched)
{
    outbound->plain = aligned_alloc(64, PLAIN_SIZE);
    outbound->heads = aligned_alloc(64, HEADS_SIZE);
    outbound->joined = aligned_alloc(64, JOINED_SIZE);
    outbound->pieces.sealed = aligned_alloc(64, SEALED_SIZE);
    if (outbound->plain == NULL || outbound->heads == NULL || outbound->joined == NULL ||
        outbound->pieces.sealed == NULL)
        return false;
    if (touched) {
        memset(outbound->plain, 0, PLAIN_SIZE);
        memset(outbound->heads, 0, HEADS_SIZE);
        memset(outbound->pieces.sealed, 0, SEALED_SIZE);
    }
    return true;
}

void outbound_free(struct outbound *outbound)
{
    free(outbound->plain);
    free(outbound->heads);
    free(outbound->joined);
    free(outbound->pieces.sealed);
    outbound->plain = outbound->heads = outbound->joined = outbound->pieces.sealed = NULL;
}

/* True if the batch has room for one more packet, whatever its length. */
static bool outbound_has_room(const struct outbound *outbound)
{
    return outbound->packet_count < PIECES_MAX &&
           outbound->pieces_expected + PIECES_OF_PACKET_MAX <= PIECES_MAX;
}

static void outbound_put(struct outbound *outbound, struct outbound_sa *sa, uint8_t *at, size_t length,
                         struct octets rest)
{
    size_t i = outbound->packet_count++;
    if (i == 0 || outbound->packets[i - 1].sa->tunnel != sa->tunnel)
        outbound->runs[outbound->run_count++] = (struct outbound_run){.first = i};
    outbound->runs[outbound->run_count - 1].count++;
    outbound->packets[i] = (struct outbound_packet){sa, at, length, rest};
    if (!sa->may_be_answered)
        sa->may_be_answered = rest.length > 0 || !tunnel_packet_is_of_the_link((struct octets){at, length});
    outbound->pieces_expected += pieces_expected(sa, length + rest.length);
}

/*
 * True for ESP or IKE from this host to the SA's peer: Linux routes what the SA sends into its own
 * tunnel, where each packet would be sealed again and again (S37). The keeper holds a tunnel down whose route
 * does that, but routes change before it hears of it, and to a peer that may have any address it knows no
 * route.
 */
static bool is_recursive(const struct worker *worker, const struct outbound_sa *sa, struct octets packet)
{
    const struct ip_address *remote = &sa->destination.remote.address;
    if (inner_family(packet) != remote->family)
        return false;
    const struct ip_address destination = inner_destination(packet);
    if (!ip_address_equal(&destination, remote))
        return false;
    const struct ip_address source = inner_source(packet);
    struct packet_flow flow;
    if (worker->own == NULL || !own_addresses_have(worker->own, &source) ||
        !packet_flow_read(packet.at, packet.length, &flow))
        return false;
    bool ike = flow.protocol == IPPROTO_UDP && flow.ports == FLOW_PORTS_BOTH &&
               (flow.source_port == IKE_PORT || flow.source_port == NAT_TRAVERSAL_PORT);
    return flow.protocol == IPPROTO_ESP || ike;
}

/* Adds a packet, which stays where it is, to the batch, if it has an SA to leave by; false if it has none. */
static bool outbound_add(struct worker *worker, struct tunnel *tunnel, uint8_t *at, size_t length)
{
    struct octets packet = {at, length};
    struct packet_flow flow;
    struct outbound_sa *sa = tunnel_choose(tunnel, packet, &flow);
    if (sa == NULL) {
        tunnel_hold(worker, tunnel, packet, &flow);
        return false;
    }
    if (is_recursive(worker, sa, packet)) {
        outbound_sa_count_drop(worker, sa, DROP_RECURSIVE, 1);
        return false;
    }
    outbound_put(&worker->outbound, sa, at, length, (struct octets){0});
    return true;
}

/* ---- Super-packets ---------------------------------------------------------------------------------- */

/* True if the batch has room for the next segment. An empty one has. */
static bool outbound_has_room_for_segment(const struct outbound *outbound, const struct outbound_sa *sa)
{
    size_t largest = segmenter_largest(&outbound->segmenter);
    size_t pieces = sa != NULL ? pieces_expected(sa, largest) : 0;
    return outbound->packet_count < PIECES_MAX && outbound->pieces_expected + pieces <= PIECES_MAX &&
           HEADS_SIZE - outbound->heads_used >= outbound->segmenter.head &&
           JOINED_SIZE - outbound->joined_used >= largest;
}

/* Copies a segment into one piece. */
static struct octets outbound_join(struct outbound *outbound, const uint8_t *head, struct octets body)
{
    size_t head_size = outbound->segmenter.head;
    uint8_t *to = outbound->joined + outbound->joined_used;
    memcpy(to, head, head_size);
    memcpy(to + head_size, body.at, body.length);
    return (struct octets){to, head_size + body.length};
}

/* Adds the next segment, which has room. */
static void outbound_add_segment(struct worker *worker, struct outbound_sa *sa,
                                 const struct packet_flow *flow)
{
    struct outbound *outbound = &worker->outbound;
    struct octets body;
    uint8_t *head = outbound->heads + outbound->heads_used;
    size_t head_size = outbound->segmenter.head;
    (void)segmenter_next(&outbound->segmenter, head, &body);
    if (sa != NULL && head_size + body.length <= sa->mtu.fits) {
        outbound_put(outbound, sa, head, head_size, body);
        outbound->heads_used += head_size;
        return;
    }
    struct octets packet = outbound_join(outbound, head, body);
    if (sa == NULL) {
        tunnel_hold(worker, outbound->segmented, packet, flow);
        return;
    }
    outbound_put(outbound, sa, outbound->joined + outbound->joined_used, packet.length, (struct octets){0});
    outbound->joined_used += packet.length;
}

/* Adds segments of the super-packet to the batch, as many as it has room for. They are of one flow, so of one
 * SA. */
static void outbound_add_segments(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    struct segmenter *s = &outbound->segmenter;
    struct packet_flow flow;
    const struct octets packet = {s->packet, s->length};
    struct outbound_sa *sa = tunnel_choose(outbound->segmented, packet, &flow);
    if (sa != NULL && is_recursive(worker, sa, packet)) {
        outbound_sa_count_drop(worker, sa, DROP_RECURSIVE, segmenter_left(s));
        outbound->segmented = NULL;
        return;
    }
    while (segmenter_left(s) > 0) {
        if (!outbound_has_room_for_segment(outbound, sa))
            return;
        outbound_add_segment(worker, sa, &flow);
    }
    outbound->segmented = NULL;
}

/* All that was read ahead has left. */
static void outbound_end_ahead(struct tunnel *tunnel)
{
    read_ahead_end(tunnel->ahead);
    tunnel->ahead = NULL;
    tunnel->full_batches = 0;
}

/* How many packets a packet that was read ahead is on a network. */
static size_t outbound_count_ahead(const struct tunnel *tunnel, const struct ahead_packet *packet)
{
    struct virtio_net_hdr form;
    struct segmenter s;
    if (!tunnel->vnet_header || packet->length < sizeof form)
        return 1;
    memcpy(&form, packet->at, sizeof form);
    return segmenter_begin(&s, &form, packet->at + sizeof form, packet->length - sizeof form)
               ? segmenter_left(&s)
               : 1;
}

void outbound_drop_read(struct worker *worker, struct tunnel *tunnel)
{
    struct outbound *outbound = &worker->outbound;
    struct ahead_packet *packet;
    size_t dropped = 0;
    if (outbound->segmented == tunnel) {
        dropped = segmenter_left(&outbound->segmenter);
        outbound->segmented = NULL;
        outbound->plain_used = 0;
    }
    if (tunnel->ahead != NULL) {
        while ((packet = read_ahead_take(&worker->read_ahead, tunnel->ahead)) != NULL)
            dropped += outbound_count_ahead(tunnel, packet);
        outbound_end_ahead(tunnel);
    }
    tunnel_count_drop(worker, tunnel, DROP_NO_SA, dropped);
    if (outbound->segmented == NULL)
        read_ahead_recycle(&worker->read_ahead);
}

/* Takes what a TUN device with IFF_VNET_HDR has yielded. */
static void outbound_take_offloaded(struct worker *worker, struct tunnel *tunnel, uint8_t *at, size_t length)
{
    struct outbound *outbound = &worker->outbound;
    struct segmenter *s = &outbound->segmenter;
    struct virtio_net_hdr form;
    if (length < sizeof form) {
        worker_count(worker, PATH_READ_ERRORS, 1);
        return;
    }
    memcpy(&form, at, sizeof form);
    if (!segmenter_begin(s, &form, at + sizeof form, length - sizeof form) || s->head > SEGMENT_HEAD_MAX) {
        tunnel_count_drop(worker, tunnel, DROP_OUT_MALFORMED, 1);
        return;
    }
    if (s->head == 0) {
        if (outbound_add(worker, tunnel, s->packet, s->length))
            outbound->plain_used += length;
        return;
    }
    outbound->plain_used += length;
    outbound->segmented = tunnel;
    outbound_add_segments(worker);
}

/* ---- Batches ---------------------------------------------------------------------------------------- */

/* Lowers the MSS of the SYNs in the batch. */
static void outbound_clamp(struct outbound *outbound)
{
    for (size_t i = 0; i < outbound->packet_count; i++) {
        const struct outbound_packet *packet = &outbound->packets[i];
        const struct mss_limits *limits = &packet->sa->tunnel->mss;
        if (mss_limits_are_set(limits))
            (void)mss_clamp(packet->at, packet->length, limits);
    }
}

static uint64_t run_group(const struct outbound *outbound, size_t run)
{
    return outbound->packets[outbound->runs[run].first].sa->group;
}

/*
 * Makes pieces of the batch, tunnel by tunnel, and those tunnels after one another whose datagrams may leave
 * by one message. The order of packets of one tunnel stays.
 */
static void outbound_make_pieces(struct worker *worker)
{
    enum { LISTS = 64, NONE = UINT16_MAX, SPARSE = 8 /* packets, that fill no message by themselves */ };
    struct outbound *outbound = &worker->outbound;
    uint16_t first[LISTS], last[LISTS], next[PIECES_MAX];
    memset(first, 0xff, sizeof first);
    for (uint16_t run = 0; run < outbound->run_count; run++) {
        outbound->packets[outbound->runs[run].first].sa->tunnel->is_sparse =
            outbound->runs[run].count < SPARSE;
        uint64_t list = run_group(outbound, run) % LISTS;
        if (first[list] == NONE)
            first[list] = run;
        else
            next[last[list]] = run;
        last[list] = run;
        next[run] = NONE;
    }
    for (size_t list = 0; list < LISTS; list++) {
        for (uint16_t run = first[list]; run != NONE; run = next[run])
            oversize_sort(worker, outbound->packets + outbound->runs[run].first, outbound->runs[run].count);
    }
}

/* Takes the batch through its stages. */
static void outbound_process(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    outbound_clamp(outbound);
    outbound_make_pieces(worker);
    outbound_send(worker);
    outbound->packet_count = outbound->run_count = 0;
    outbound->pieces_expected = 0;
    outbound->heads_used = outbound->joined_used = 0;
    if (outbound->segmented != NULL)
        return;
    outbound->plain_used = 0;
    read_ahead_recycle(&worker->read_ahead);
}

/* Goes on with a super-packet that has more segments than a batch takes. */
static void outbound_finish_segments(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    while (outbound->segmented != NULL && !outbound_is_stuck(outbound)) {
        outbound_add_segments(worker);
        outbound_process(worker);
    }
}

void outbound_end_batch(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    if (outbound_is_stuck(outbound))
        return;
    if (outbound->plain_used == 0) {
        read_ahead_recycle(&worker->read_ahead);
        return;
    }
    outbound_process(worker);
    outbound_finish_segments(worker);
}

void outbound_resume(struct worker *worker)
{
    outbound_flush(worker);
    outbound_finish_segments(worker);
}

/* Makes room for what a device may yield; false if the batch is stuck. */
static bool outbound_make_room(struct worker *worker)
{
    const struct outbound *outbound = &worker->outbound;
    if (PLAIN_SIZE - outbound->plain_used >= TUNNEL_READ_MAX && outbound_has_room(outbound))
        return true;
    outbound_end_batch(worker);
    return !outbound_is_stuck(outbound);
}

/* Takes what the TUN device has yielded into the batch; returns how many pieces it may become, at least 1. */
static size_t outbound_take(struct worker *worker, struct tunnel *tunnel, uint8_t *at, size_t length)
{
    struct outbound *outbound = &worker->outbound;
    size_t before = outbound->pieces_expected;
    if (tunnel->vnet_header)
        outbound_take_offloaded(worker, tunnel, at, length);
    else if (outbound_add(worker, tunnel, at, length))
        outbound->plain_used += length;
    return outbound->pieces_expected > before ? outbound->pieces_expected - before : 1;
}

/* As outbound_read, for a tunnel with a queue of what was read ahead; it gives the queue back once all has
 * left. */
static bool outbound_read_ahead(struct worker *worker, struct tunnel *tunnel)
{
    bool more = read_ahead_fill(worker, tunnel->ahead);
    for (size_t taken = 0; taken < PATH_BATCH && outbound_make_room(worker);) {
        struct ahead_packet *packet = read_ahead_take(&worker->read_ahead, tunnel->ahead);
        if (packet == NULL) {
            outbound_end_ahead(tunnel);
            return more;
        }
        taken += outbound_take(worker, tunnel, packet->at, packet->length);
        if (worker->outbound.segmented != NULL) {
            outbound_end_batch(worker);
            return true;
        }
    }
    return true;
}

/*
 * Reads from the TUN device what would be a batch by itself, also of packets that wait or are dropped:
 * whoever floods a tunnel must leave the worker to its other tunnels. False if it has no more for now.
 */
static bool outbound_read(struct worker *worker, struct tunnel *tunnel)
{
    if (tunnel->ahead == NULL && tunnel->full_batches >= READ_AHEAD_AFTER)
        tunnel->ahead = read_ahead_begin(&worker->read_ahead, tunnel);
    if (tunnel->ahead != NULL)
        return outbound_read_ahead(worker, tunnel);
    struct outbound *outbound = &worker->outbound;
    for (size_t taken = 0; taken < PATH_BATCH && outbound_make_room(worker);) {
        uint8_t *at = outbound->plain + outbound->plain_used;
        size_t length = tunnel_read(worker, tunnel, at);
        if (length == 0) {
            tunnel->full_batches = 0;
            return false;
        }
        taken += outbound_take(worker, tunnel, at, length);
        if (outbound->segmented != NULL) {
            outbound_end_batch(worker);
            return true;
        }
    }
    tunnel->full_batches++;
    return true;
}

/* Sends packets that waited, in their order, as many as a batch takes, behind what is in the batch. Those
 * that still have no SA are treated like new ones. */
static void outbound_send_waiting(struct worker *worker, struct tunnel *tunnel)
{
    struct waiting_packet *packets[PATH_BATCH];
    size_t count = 0;
    if (!outbound_make_room(worker))
        return;
    while (tunnel->flush > 0 && count < PATH_BATCH && outbound_has_room(&worker->outbound)) {
        struct waiting_packet *packet = waiting_take(&tunnel->waiting, &worker->waiting_octets);
        if (packet == NULL) {
            tunnel->flush = 0;
            break;
        }
        tunnel->flush--;
        packets[count++] = packet;
        (void)outbound_add(worker, tunnel, packet->octets, packet->length);
    }
    outbound_process(worker);
    for (size_t i = 0; i < count; i++)
        free(packets[i]);
}

bool outbound_run(struct worker *worker, struct source *source)
{
    struct tunnel *tunnel = (struct tunnel *)source;
    if (tunnel->flush == 0)
        return outbound_read(worker, tunnel);
    outbound_send_waiting(worker, tunnel);
    return true;
}
