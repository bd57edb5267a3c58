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
    IKE_PORT = 500,
    NAT_TRAVERSAL_PORT = 4500,
    /* All that may wait in a tunnel; or a batch of packets of common size and one of the largest. */
    PLAIN_SIZE = PATH_WAITING_OCTETS,
    SEALED_SIZE = PLAIN_SIZE + PIECES_MAX * (ESP_OVERHEAD_MAX + FRAGMENT_HEAD_MAX),
};

_Static_assert(PLAIN_SIZE % 64 == 0 && SEALED_SIZE % 64 == 0, "whole cache lines, as aligned_alloc wants");

bool outbound_allocate(struct outbound *outbound, bool touched)
{
    outbound->plain = aligned_alloc(64, PLAIN_SIZE);
    outbound->pieces.sealed = aligned_alloc(64, SEALED_SIZE);
    if (outbound->plain == NULL || outbound->pieces.sealed == NULL)
        return false;
    if (touched) {
        memset(outbound->plain, 0, PLAIN_SIZE);
        memset(outbound->pieces.sealed, 0, SEALED_SIZE);
    }
    return true;
}

void outbound_free(struct outbound *outbound)
{
    free(outbound->plain);
    free(outbound->pieces.sealed);
    outbound->plain = outbound->pieces.sealed = NULL;
}

/* True if the batch has room for one more packet, whatever its length. */
static bool outbound_has_room(const struct outbound *outbound)
{
    return outbound->packet_count < PATH_BATCH &&
           outbound->pieces_expected + PIECES_OF_PACKET_MAX <= PIECES_MAX;
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
    struct outbound *outbound = &worker->outbound;
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
    outbound->packets[outbound->packet_count++] = (struct outbound_packet){sa, at, length};
    outbound->pieces_expected += pieces_expected(sa, length);
    return true;
}

/*
 * Reads one batch from the TUN device, also of packets that wait or are dropped: whoever floods a tunnel that
 * has no SA must leave the worker to its other tunnels. False if it has no more for now. A reader of
 * super-packets (IFF_VNET_HDR) takes the place of this function: it fills the batch with segments, their
 * headers apart.
 */
static bool outbound_read(struct worker *worker, struct tunnel *tunnel)
{
    struct outbound *outbound = &worker->outbound;
    for (unsigned count = 0;
         count < PATH_BATCH && PLAIN_SIZE - outbound->plain_used >= PACKET_MAX && outbound_has_room(outbound);
         count++) {
        uint8_t *at = outbound->plain + outbound->plain_used;
        ssize_t length = read(tunnel->source.fd, at, PACKET_MAX);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0) {
            if (length < 0 && errno != EAGAIN)
                worker_count(worker, PATH_READ_ERRORS, 1);
            return false;
        }
        if (outbound_add(worker, tunnel, at, (size_t)length))
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
    outbound->plain_used = 0;
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
    return more;
}
