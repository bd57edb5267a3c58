#include "path/outbound.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path/mss.h"
#include "path/oversize.h"
#include "path/tunnel.h"

enum {
    PACKET_MAX = ESP_INNER_MAX,
    READ_MAX = VNET_HEADER + PACKET_MAX,
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
    sa->may_be_answered |= rest.length > 0 || !tunnel_packet_is_of_the_link((struct octets){at, length});
    outbound->packets[outbound->packet_count++] = (struct outbound_packet){sa, at, length, rest};
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

void outbound_drop_segments(struct worker *worker, const struct tunnel *tunnel)
{
    struct outbound *outbound = &worker->outbound;
    if (outbound->segmented != tunnel)
        return;
    tunnel_count_drop(worker, tunnel, DROP_NO_SA, segmenter_left(&outbound->segmenter));
    outbound->segmented = NULL;
    outbound->plain_used = 0;
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

/*
 * Reads one batch from the TUN device, also of packets that wait or are dropped: whoever floods a tunnel that
 * has no SA must leave the worker to its other tunnels. False if it has no more for now.
 */
static bool outbound_read(struct worker *worker, struct tunnel *tunnel)
{
    struct outbound *outbound = &worker->outbound;
    for (unsigned count = 0; count < PATH_BATCH && PLAIN_SIZE - outbound->plain_used >= READ_MAX &&
                             outbound_has_room(outbound) && outbound->segmented == NULL;
         count++) {
        uint8_t *at = outbound->plain + outbound->plain_used;
        ssize_t length = read(tunnel->source.fd, at, tunnel->vnet_header ? READ_MAX : PACKET_MAX);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0) {
            if (length < 0 && errno != EAGAIN)
                worker_count(worker, PATH_READ_ERRORS, 1);
            return false;
        }
        if (tunnel->vnet_header)
            outbound_take_offloaded(worker, tunnel, at, (size_t)length);
        else if (outbound_add(worker, tunnel, at, (size_t)length))
            outbound->plain_used += (size_t)length;
    }
    return true;
}

/* Lowers the MSS of the SYNs in the batch. */
static void outbound_clamp(struct outbound *outbound, const struct tunnel *tunnel)
{
    if (!mss_limits_are_set(&tunnel->mss))
        return;
    for (size_t i = 0; i < outbound->packet_count; i++)
        (void)mss_clamp(outbound->packets[i].at, outbound->packets[i].length, &tunnel->mss);
}

/* Takes the batch through its stages. */
static void outbound_process(struct worker *worker, const struct tunnel *tunnel)
{
    struct outbound *outbound = &worker->outbound;
    outbound_clamp(outbound, tunnel);
    oversize_sort(worker, outbound->packets, outbound->packet_count);
    outbound_send(worker);
    outbound->packet_count = 0;
    outbound->pieces_expected = 0;
    outbound->heads_used = outbound->joined_used = 0;
    if (outbound->segmented == NULL)
        outbound->plain_used = 0;
}

/* Goes on with a super-packet that has more segments than a batch takes. */
static void outbound_finish_segments(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    while (outbound->segmented != NULL && !outbound_is_stuck(outbound)) {
        const struct tunnel *tunnel = outbound->segmented;
        outbound_add_segments(worker);
        outbound_process(worker, tunnel);
    }
}

void outbound_resume(struct worker *worker)
{
    outbound_flush(worker);
    outbound_finish_segments(worker);
}

/* Sends packets that waited, in their order, as many as a batch takes. Those that still have no SA are
 * treated like new ones. */
static void outbound_send_waiting(struct worker *worker, struct tunnel *tunnel)
{
    struct waiting_packet *packets[PATH_BATCH];
    size_t count = 0;
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
    outbound_process(worker, tunnel);
    for (size_t i = 0; i < count; i++)
        free(packets[i]);
}

bool outbound_run(struct worker *worker, struct source *source)
{
    struct tunnel *tunnel = (struct tunnel *)source;
    if (tunnel->flush > 0) {
        outbound_send_waiting(worker, tunnel);
        return true;
    }
    bool more = outbound_read(worker, tunnel);
    outbound_process(worker, tunnel);
    outbound_finish_segments(worker);
    return more;
}
