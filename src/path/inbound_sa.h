/*
 * The inbound SA of a Child SA, as the worker that its SPI names has it: replay window, selectors, the peer's
 * address. The outbound SA is another worker's (outbound_sa.h). The controller makes and frees it; between
 * its installation and its removal it is the worker's.
 */
#ifndef MUSUBI_PATH_INBOUND_SA_H
#define MUSUBI_PATH_INBOUND_SA_H

#include "esp/open.h"
#include "path/mss.h"
#include "path/worker.h"

struct inbound_sa {
    struct inbound_sa *next; /* the controller's, for COMMAND_TUNNEL_REMOVE */
    uint32_t spi;
    uint32_t tunnel;                    /* number */
    uint32_t slot;                      /* the tunnel's, for its totals */
    int tun;                            /* the tunnel's device: open until this SA is gone */
    bool vnet_header, udp_segmentation; /* what it does, see struct path_tunnel */
    struct esp_sa *sa;
    const struct mss_limits *mss; /* the tunnel's */

    bool installed;
    bool active_when_used; /* the first packet is to be told of */
    bool use_noted;        /* told to the worker of the outbound SA */
    bool use_told;         /* PATH_CHILD_USED */

    struct ip_endpoint peer; /* where packets come from; port 0 unless encapsulated */
    bool encapsulated;
    msec_t moved_told; /* when PATH_PEER_MOVED was raised last */
};

/* From here on packets are taken on it. One that is there takes over what is new in the settings. */
enum path_result inbound_sa_install(struct worker *worker, struct inbound_sa *sa,
                                    const struct inbound_settings *settings);

/* Ends what the worker has to do with it. It may not have been installed. */
void inbound_sa_remove(struct worker *worker, struct inbound_sa *sa);

/* The peer is expected elsewhere. */
void inbound_sa_redirect(struct inbound_sa *sa, const struct inbound_settings *settings);

/* Takes note of an authenticated packet, which came in `outer`: that the peer uses the Child SA, and where it
 * comes from. */
void inbound_sa_note_packet(struct worker *worker, struct inbound_sa *sa, const struct esp_inbound *packet,
                            const struct datagram *outer, enum wire_kind kind);

/* Counts packets that are dropped, in the Child SA and in its tunnel. */
void inbound_sa_count_drop(struct worker *worker, struct inbound_sa *sa, enum path_drop drop, uint64_t n);

#endif
