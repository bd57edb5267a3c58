#include "check/pair_packet.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "esp/open.h"
#include "esp/seal.h"
#include "path/size.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40 };

/* ---- The inner packet -------------------------------------------------------------------------------- */

/* Finds selectors of both sides between which packets can go. */
static bool find_flow(const struct child_settings *sa, struct packet_flow *flow)
{
    for (size_t i = 0; i < sa->local_ts_count; i++) {
        for (size_t j = 0; j < sa->remote_ts_count; j++) {
            const struct traffic_selector *local = &sa->local_ts[i];
            const struct traffic_selector *remote = &sa->remote_ts[j];
            bool protocols_agree =
                local->protocol == 0 || remote->protocol == 0 || local->protocol == remote->protocol;
            if (local->first.family != remote->first.family || !protocols_agree)
                continue;
            *flow =
                (struct packet_flow){.source = local->last,
                                     .destination = remote->last,
                                     .protocol = local->protocol != 0 ? local->protocol : remote->protocol,
                                     .source_port = local->first_port,
                                     .destination_port = remote->first_port};
            return true;
        }
    }
    return false;
}

/* A packet of the flow; what it carries is zeros but for the ports. */
static void make_packet(const struct packet_flow *flow, uint8_t *at, size_t length)
{
    size_t size = ip_address_size(flow->source.family);
    bool v4 = flow->source.family == IP_V4;
    uint8_t protocol = flow->protocol != 0 ? flow->protocol : IPPROTO_UDP;
    memset(at, 0, length);
    at[0] = v4 ? 0x45 : 0x60;
    if (v4) {
        store_u16be(at + 2, (uint16_t)length);
        at[8] = 64;
        at[9] = protocol;
    } else {
        store_u16be(at + 4, (uint16_t)(length - IPV6_HEADER));
        at[6] = protocol;
        at[7] = 64;
    }
    memcpy(at + (v4 ? 12 : 8), flow->source.octets, size);
    memcpy(at + (v4 ? 12 : 8) + size, flow->destination.octets, size);
    uint8_t *ports = at + (v4 ? IPV4_HEADER : IPV6_HEADER);
    store_u16be(ports, flow->source_port);
    if (protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6)
        store_u16be(ports + 2, flow->destination_port);
}

/* ---- ESP --------------------------------------------------------------------------------------------- */

static struct esp_sa *make_sa(struct esp_worker *worker, const struct child_settings *child,
                              enum packet_direction direction, struct esp_live *live)
{
    const struct encryption_algorithm *encryption = encryption_by_id(child->encryption, child->key_bits);
    const struct integrity_algorithm *integrity =
        child->integrity != AUTH_NONE ? integrity_by_id(child->integrity) : NULL;
    const struct child_direction *keys = direction == PACKET_OUTBOUND ? &child->outbound : &child->inbound;
    const struct esp_sa_settings settings = {
        .direction = direction,
        .spi = keys->spi,
        .encryption = encryption,
        .integrity = integrity,
        .encryption_key = {keys->encryption_key, encryption->key_size + encryption->salt_size},
        .integrity_key = {keys->integrity_key, integrity != NULL ? integrity->key_size : 0},
        .anti_replay = child->anti_replay,
        .selectors = {child->local_ts, child->remote_ts, child->local_ts_count, child->remote_ts_count},
        .live = live,
    };
    return esp_sa_new(worker, &settings);
}

static const char *open_failure(enum esp_open_result result)
{
    if (result == ESP_OPEN_TS_UNACCEPTABLE)
        return "the packet lies outside of the receiver's selectors";
    return result == ESP_OPEN_INVALID_SA ? "the receiver has another SPI"
                                         : "the receiver can't open the packet";
}

static const char *carry(struct esp_worker *worker, struct esp_sa *out, struct esp_sa *in,
                         const uint8_t *packet, size_t length, uint8_t *room, size_t room_size,
                         size_t *sealed_length)
{
    struct esp_outbound sealed = {.sa = out, .body = {packet, length}, .to = room, .capacity = room_size};
    if (esp_seal(worker, &sealed, 1) != 1)
        return "the sender can't seal the packet";
    *sealed_length = sealed.length;
    struct esp_inbound opened = {.sa = in, .packet = room, .length = sealed.length};
    if (esp_open(worker, &opened, 1, 1) != 1)
        return open_failure(opened.result);
    return opened.inner_length == length && memcmp(opened.inner, packet, length) == 0
               ? NULL
               : "the packet does not arrive as it left";
}

static struct size_form form_of(const struct child_settings *sa)
{
    const struct encryption_algorithm *encryption = encryption_by_id(sa->encryption, sa->key_bits);
    return (struct size_form){.esp = esp_framing_of(encryption, encryption_is_aead(encryption)
                                                                    ? NULL
                                                                    : integrity_by_id(sa->integrity)),
                              .outer = sa->destination.remote.address.family,
                              .encapsulated = sa->destination.encapsulated};
}

size_t pair_packet_largest(const struct child_settings *sa, size_t mtu)
{
    const struct size_form form = form_of(sa);
    return size_largest_inner(&form, mtu);
}

const char *pair_packet_send(const struct child_settings *from, const struct child_settings *to, size_t inner,
                             size_t *outer)
{
    static const uint8_t seed[ESP_SEED_SIZE] = {1};
    const struct size_form form = form_of(from);
    struct esp_live *live = aligned_alloc(64, 2 * sizeof *live);
    struct esp_worker *worker = esp_worker_new(seed, ESP_ARITHMETIC_OPENSSL);
    size_t room_size = inner + 2 * (size_t)ESP_OVERHEAD_MAX;
    uint8_t *packet = malloc(inner);
    uint8_t *room = malloc(room_size);
    struct esp_sa *out = NULL;
    struct esp_sa *in = NULL;
    struct packet_flow flow;
    const char *why = "out of memory";
    if (live == NULL || worker == NULL || packet == NULL || room == NULL)
        goto out;
    memset(live, 0, 2 * sizeof *live);
    out = make_sa(worker, from, PACKET_OUTBOUND, &live[0]);
    in = make_sa(worker, to, PACKET_INBOUND, &live[1]);
    if (out == NULL || in == NULL)
        goto out;
    why = "the sender's selectors hold no packet";
    if (!find_flow(from, &flow))
        goto out;
    make_packet(&flow, packet, inner);
    size_t sealed = 0;
    why = carry(worker, out, in, packet, inner, room, room_size, &sealed);
    *outer = size_outer_header(&form) + sealed;
out:
    esp_sa_free(in);
    esp_sa_free(out);
    esp_worker_free(worker);
    free(room);
    free(packet);
    free(live);
    return why;
}
