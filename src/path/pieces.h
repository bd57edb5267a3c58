/*
 * What is to be sealed of a batch: each inner packet as it is, or in fragments (R72, R74), and what its outer
 * header is to be like (S29, S39).
 */
#ifndef MUSUBI_PATH_PIECES_H
#define MUSUBI_PATH_PIECES_H

#include "esp/seal.h"
#include "path/fragment.h"

struct outbound_sa;

enum {
    /* A packet becomes no more fragments than this: enough for any length over 576 octets. */
    PIECES_OF_PACKET_MAX = 192,
    PIECES_MAX = PIECES_OF_PACKET_MAX + 64,
};

/* What comes from the inner header. */
struct outer_form {
    uint8_t traffic_class; /* Type of Service or Traffic Class: DSCP and ECN */
    bool dont_fragment;    /* IPv4's DF */
};

struct pieces {
    size_t count;
    struct esp_outbound packets[PIECES_MAX];
    struct outbound_sa *sas[PIECES_MAX];
    struct outer_form outer[PIECES_MAX];
    uint8_t heads[PIECES_MAX][FRAGMENT_HEAD_MAX]; /* headers of fragments */
    uint8_t *sealed;                              /* room for ESP packets, one behind the other */
    size_t sealed_used;
};

/* Adds a packet, which stays where it is until it is sealed: all of it, or its headers and then `rest`. The
 * outer packet may be fragmented if the inner one may be, and in any case with `fragmentable`. The caller has
 * left room. */
void pieces_add(struct pieces *pieces, struct outbound_sa *sa, struct octets packet, struct octets rest,
                bool fragmentable);

/* Adds a packet in fragments with the identification `id`, each of which fits the SA's path. The fragments
 * have no DF, but their outer packets do if the packet had it, so that the path's MTU can be learnt; not with
 * `fragmentable`. False if it can't be fragmented, or would be too many; then nothing is added. */
bool pieces_add_fragments(struct pieces *pieces, struct outbound_sa *sa, struct octets packet,
                          bool fragmentable, uint32_t id);

/* How many pieces a packet may become at most, however it is sent. */
size_t pieces_expected(const struct outbound_sa *sa, size_t length);

#endif
