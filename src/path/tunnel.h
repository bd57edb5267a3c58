/*
 * A tunnel as the worker that reads its TUN device has it: its outbound SAs, and the packets that wait for
 * one. The controller makes and frees it; between the command that adds it and the command that removes it,
 * it is the worker's.
 */
#ifndef MUSUBI_PATH_TUNNEL_H
#define MUSUBI_PATH_TUNNEL_H

#include "path/mss.h"
#include "path/outbound_sa.h"
#include "path/waiting.h"
#include "path/worker.h"

struct tunnel {
    struct source source; /* first; the TUN device */
    uint32_t number;
    uint32_t slot;                      /* of its totals */
    bool vnet_header, udp_segmentation; /* what its device does, see struct path_tunnel */
    struct path_tunnel settings;
    struct mss_limits mss;       /* of both directions */
    struct path_sizes *sizes;    /* in shared memory; NULL: nobody reads them */
    struct outbound_sa_list sas; /* newest first (S38) */
    bool is_sparse; /* it has few packets in the batch, which leave by messages with those of others */

    struct read_ahead *ahead; /* what was read ahead of it; NULL: nothing */
    unsigned full_batches;    /* that its device has yielded in a row */

    struct waiting waiting;
    size_t flush;  /* an SA came up: so many waiting packets go before any that are read now */
    msec_t asked;  /* when PATH_PACKET_WAITS was raised last */
    unsigned asks; /* since then, because what waited before was refused */
    struct timer ask_timer;
    msec_t outside_told; /* when PATH_PACKET_OUTSIDE was raised last; 0: not since an SA became active */
};

/* Sets up all of a zeroed tunnel that does not come from the controller's call. */
void tunnel_prepare(struct tunnel *tunnel, int tun);

/* The worker begins and ends to read the TUN device; the latter drops what waits, and ends the outbound SAs.
 */
enum path_result tunnel_open(struct worker *worker, struct tunnel *tunnel);
void tunnel_close(struct worker *worker, struct tunnel *tunnel);

/*
 * The SA that an outbound packet leaves by: the newest active one whose selectors hold it (S38), or, if the
 * packet is an ICMP error, the packet that it quotes. NULL if there is none; then `flow` says what the packet
 * is, unless it is no IP packet: then flow->source.family is IP_NONE.
 */
struct outbound_sa *tunnel_choose(const struct tunnel *tunnel, struct octets packet,
                                  struct packet_flow *flow);

enum { TUNNEL_READ_MAX = VNET_HEADER + ESP_INNER_MAX };

/* Reads the next packet from the device, with its virtio_net_hdr where it has one, to `at`, which has room
 * for TUNNEL_READ_MAX octets. Returns its length; 0 if there is none for now, or an error, which is counted.
 */
size_t tunnel_read(struct worker *worker, const struct tunnel *tunnel, uint8_t *at);

/* True for what Linux sends out of any interface by itself: router and neighbour discovery, MLD, IGMP (S6).
 */
bool tunnel_packet_is_of_the_link(struct octets packet);

/* Counts in the tunnel's totals: packets that leave or their octets, packets that are dropped. */
void tunnel_count(struct worker *worker, const struct tunnel *tunnel, enum esp_counter counter, uint64_t n);
void tunnel_count_drop(struct worker *worker, const struct tunnel *tunnel, enum path_drop drop, uint64_t n);

/* Takes a packet that has no SA to leave by: it waits, or is dropped and counted (R13, R71). */
void tunnel_hold(struct worker *worker, struct tunnel *tunnel, struct octets packet,
                 const struct packet_flow *flow);

/* What waits is sent, or goes on waiting, at the next turn. */
void tunnel_flush(struct worker *worker, struct tunnel *tunnel);

/* Drops and counts what waits of a pair. */
void tunnel_drop_waiting(struct worker *worker, struct tunnel *tunnel, const struct packet_pair *pair);

#endif
