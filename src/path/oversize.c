#include "path/oversize.h"

#include "path/tunnel.h"

enum { IPV6_LEAST_MTU = 1280 };

/* What becomes of a packet that does not fit. */
enum oversize_fate {
    FATE_FRAGMENTS, /* fragmented before encryption */
    FATE_WHOLE,     /* sealed as it is; the outer packet is fragmented */
    FATE_ERROR,     /* dropped, and its sender is told */
};

/*
 * R74: own packets are always fragmented, before encryption. R73: with `mtu ignore` there is no error. No
 * router may fragment IPv6, and no host need send less than 1280 octets (RFC 2473 7.1).
 */
static enum oversize_fate fate_of(const struct worker *worker, const struct outbound_sa *sa,
                                  struct octets packet)
{
    const struct path_tunnel *settings = &sa->tunnel->settings;
    const struct ip_address source = inner_source(packet);
    bool is_v6 = inner_family(packet) == IP_V6;
    if (own_addresses_have(worker->own, &source))
        return FATE_FRAGMENTS;
    if (is_v6)
        return settings->mtu_ignore || packet.length <= IPV6_LEAST_MTU ? FATE_WHOLE : FATE_ERROR;
    if (inner_is_whole(packet) && !settings->mtu_ignore)
        return FATE_ERROR;
    return settings->pre_fragment || packet.length > sa->mtu.sealable ? FATE_FRAGMENTS : FATE_WHOLE;
}

/*
 * By an SA whose selectors name ports, only whole packets may leave, since fragments other than the first
 * show none (RFC 4301 7.3): the peer would have to drop them.
 */
static bool may_be_fragmented(const struct outbound_sa *sa, struct octets packet)
{
    struct packet_flow flow;
    return esp_sa_holds_all(sa->sa, inner_family(packet)) ||
           (packet_flow_read(packet.at, packet.length, &flow) && esp_sa_holds_fragments(sa->sa, &flow));
}

/* Tells the sender the largest size that fits. */
static void answer(struct worker *worker, const struct outbound_sa *sa, struct octets packet)
{
    uint32_t mtu = sa->mtu.fits;
    if (inner_family(packet) == IP_V6 && mtu < IPV6_LEAST_MTU)
        mtu = IPV6_LEAST_MTU;
    icmp_send_too_big(worker, packet, mtu);
}

/* Does with a packet that does not fit what has to be done; returns DROP_COUNT unless it is dropped. */
static enum path_drop sort_oversize(struct worker *worker, struct outbound_sa *sa, struct octets packet)
{
    struct pieces *pieces = &worker->outbound.pieces;
    if (inner_family(packet) == IP_NONE)
        return DROP_OUT_MALFORMED;
    enum oversize_fate fate = fate_of(worker, sa, packet);
    if (fate == FATE_FRAGMENTS && !may_be_fragmented(sa, packet))
        fate = FATE_WHOLE;
    switch (fate) {
    case FATE_FRAGMENTS:
        return pieces_add_fragments(pieces, sa, packet, sa->tunnel->settings.mtu_ignore,
                                    worker->fragment_id++)
                   ? DROP_COUNT
                   : DROP_UNFRAGMENTABLE;
    case FATE_WHOLE:
        if (packet.length > sa->mtu.sealable)
            return DROP_TOO_BIG;
        pieces_add(pieces, sa, packet, (struct octets){0}, true);
        counter_add(&worker->totals[sa->tunnel->slot].fragmented, 1);
        return DROP_COUNT;
    default:
        answer(worker, sa, packet);
        return DROP_TOO_BIG;
    }
}

void oversize_sort(struct worker *worker, const struct outbound_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outbound_sa *sa = packets[i].sa;
        const struct octets packet = {packets[i].at, packets[i].length};
        if (packet.length + packets[i].rest.length <= sa->mtu.fits) {
            pieces_add(&worker->outbound.pieces, sa, packet, packets[i].rest,
                       sa->tunnel->settings.mtu_ignore);
            continue;
        }
        enum path_drop drop = sort_oversize(worker, sa, packet);
        if (drop != DROP_COUNT)
            outbound_sa_count_drop(worker, sa, drop, 1);
    }
}
