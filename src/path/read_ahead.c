#include "path/read_ahead.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "path/header_fields.h"
#include "path/tunnel.h"

enum {
    /* Not a power of two apart, lest the heads of all packets fall into the same few cache lines. */
    STRIDE = 65536 + 33 * 64,
    LARGE_OCTETS = READ_AHEAD_LARGE * STRIDE,
    SMALL_OCTETS = READ_AHEAD_SMALL * READ_AHEAD_SMALL_MAX,
};

_Static_assert((int)TUNNEL_READ_MAX <= (int)STRIDE && STRIDE % 64 == 0, "the largest packet has room");

/* It may be used again. */
static void ahead_put_back(struct read_ahead_pool *pool, struct ahead_packet *packet)
{
    if (packet->is_large)
        STAILQ_INSERT_HEAD(&pool->large, packet, link);
    else
        STAILQ_INSERT_HEAD(&pool->small, packet, link);
}

bool read_ahead_allocate(struct read_ahead_pool *pool, uint64_t seed)
{
    pool->seed = seed;
    STAILQ_INIT(&pool->large);
    STAILQ_INIT(&pool->small);
    STAILQ_INIT(&pool->spent);
    pool->octets = aligned_alloc(64, LARGE_OCTETS + SMALL_OCTETS);
    if (pool->octets == NULL)
        return false;
    uint8_t *at = pool->octets;
    for (size_t i = 0; i < READ_AHEAD_LARGE + READ_AHEAD_SMALL; i++) {
        struct ahead_packet *packet = &pool->packets[i];
        packet->is_large = i < READ_AHEAD_LARGE;
        packet->at = at;
        at += packet->is_large ? STRIDE : READ_AHEAD_SMALL_MAX;
        ahead_put_back(pool, packet);
    }
    return true;
}

void read_ahead_free(struct read_ahead_pool *pool)
{
    free(pool->octets);
    pool->octets = NULL;
}

struct read_ahead *read_ahead_begin(struct read_ahead_pool *pool, struct tunnel *tunnel)
{
    for (size_t i = 0; i < READ_AHEAD_QUEUES; i++) {
        struct read_ahead *ahead = &pool->queues[i];
        if (ahead->tunnel != NULL)
            continue;
        ahead->tunnel = tunnel;
        TAILQ_INIT(&ahead->fresh);
        TAILQ_INIT(&ahead->old);
        for (size_t flow = 0; flow < READ_AHEAD_FLOWS; flow++)
            STAILQ_INIT(&ahead->flows[flow].packets);
        return ahead;
    }
    return NULL;
}

void read_ahead_end(struct read_ahead *ahead)
{
    ahead->tunnel = NULL;
}

/* ---- Flows ------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, const uint8_t *octets)
{
    uint64_t word;
    memcpy(&word, octets, sizeof word);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Packets of one flow have one hash: by addresses, protocol, and the ports of TCP and UDP. Fragments stay
 * together, since only the first one shows ports. */
static uint64_t flow_hash(uint64_t seed, struct octets packet)
{
    const uint8_t *ip = packet.at;
    enum ip_family family = inner_family(packet);
    struct inner_upper upper;
    uint8_t key[8] = {0};
    if (family == IP_NONE)
        return seed;
    bool v4 = family == IP_V4;
    if (inner_find_upper(packet, &upper)) {
        bool whole =
            v4 ? (load_u16be(ip + IPV4_FLAGS) & (IPV4_MF | IPV4_OFFSET_MASK)) == 0 : !upper.is_fragment;
        key[0] = upper.protocol;
        if (whole && (key[0] == IPPROTO_TCP || key[0] == IPPROTO_UDP) && packet.length >= upper.offset + 4)
            memcpy(key + 4, ip + upper.offset, 4);
    }
    uint64_t hash = mix(seed, key);
    size_t end = v4 ? INNER_IPV4_HEADER : INNER_IPV6_HEADER;
    for (size_t at = v4 ? IPV4_ADDRESSES : IPV6_ADDRESSES; at < end; at += 8)
        hash = mix(hash, ip + at);
    return hash;
}

/* Puts a packet behind those of its flow. */
static void ahead_put(struct read_ahead_pool *pool, struct read_ahead *ahead, struct ahead_packet *packet)
{
    size_t head = ahead->tunnel->vnet_header ? VNET_HEADER : 0;
    struct octets inner = {packet->at + head, packet->length > head ? packet->length - head : 0};
    struct ahead_flow *flow = &ahead->flows[flow_hash(pool->seed, inner) % READ_AHEAD_FLOWS];
    STAILQ_INSERT_TAIL(&flow->packets, packet, link);
    if (flow->listed)
        return;
    flow->listed = true;
    flow->deficit = READ_AHEAD_QUANTUM;
    TAILQ_INSERT_TAIL(&ahead->fresh, flow, link);
}

/* The first large one has a packet of `length` octets: takes it, or a small one with a copy. */
static struct ahead_packet *ahead_keep(struct read_ahead_pool *pool, size_t length)
{
    struct ahead_packet *packet = STAILQ_FIRST(&pool->small);
    if (length <= READ_AHEAD_SMALL_MAX && packet != NULL) {
        STAILQ_REMOVE_HEAD(&pool->small, link);
        memcpy(packet->at, STAILQ_FIRST(&pool->large)->at, length);
    } else {
        packet = STAILQ_FIRST(&pool->large);
        STAILQ_REMOVE_HEAD(&pool->large, link);
    }
    packet->length = length;
    return packet;
}

bool read_ahead_fill(struct worker *worker, struct read_ahead *ahead)
{
    struct read_ahead_pool *pool = &worker->read_ahead;
    while (!STAILQ_EMPTY(&pool->large)) {
        size_t length = tunnel_read(worker, ahead->tunnel, STAILQ_FIRST(&pool->large)->at);
        if (length == 0)
            return false;
        ahead_put(pool, ahead, ahead_keep(pool, length));
    }
    return true;
}

struct ahead_packet *read_ahead_take(struct read_ahead_pool *pool, struct read_ahead *ahead)
{
    for (;;) {
        struct ahead_flows *list = TAILQ_EMPTY(&ahead->fresh) ? &ahead->old : &ahead->fresh;
        struct ahead_flow *flow = TAILQ_FIRST(list);
        if (flow == NULL)
            return NULL;
        struct ahead_packet *packet = STAILQ_FIRST(&flow->packets);
        if (flow->deficit > 0 && packet != NULL) {
            STAILQ_REMOVE_HEAD(&flow->packets, link);
            STAILQ_INSERT_HEAD(&pool->spent, packet, link);
            flow->deficit -= (int64_t)packet->length;
            return packet;
        }
        TAILQ_REMOVE(list, flow, link);
        /* A fresh flow that is empty gets its turn among the others, lest it goes first again at once. */
        if (packet == NULL && (list == &ahead->old || TAILQ_EMPTY(&ahead->old))) {
            flow->listed = false;
            continue;
        }
        if (packet != NULL)
            flow->deficit += READ_AHEAD_QUANTUM;
        TAILQ_INSERT_TAIL(&ahead->old, flow, link);
    }
}

void read_ahead_recycle(struct read_ahead_pool *pool)
{
    struct ahead_packet *packet;
    while ((packet = STAILQ_FIRST(&pool->spent)) != NULL) {
        STAILQ_REMOVE_HEAD(&pool->spent, link);
        ahead_put_back(pool, packet);
    }
}
