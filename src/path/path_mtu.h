/*
 * The MTU of the path to a peer, and what follows of it: the largest inner packets of an outbound SA, and the
 * MSS of its tunnel (R72, R75, S39). It is the MTU of the outgoing link or route, or less if a router says
 * so.
 */
#ifndef MUSUBI_PATH_PATH_MTU_H
#define MUSUBI_PATH_PATH_MTU_H

#include "path/size.h"
#include "path/worker.h"

struct outbound_sa;
struct tunnel;

enum { PATH_MTU_AGE = 600000 /* milliseconds for which a learnt one counts (S39, RFC 1191 6.3) */ };

/* Part of an outbound SA. */
struct path_mtu {
    uint32_t link;          /* MTU of the link or route, octets */
    uint32_t learnt;        /* what a router said; 0: none did */
    struct ip_address peer; /* where the path leads */
    struct timer age;
    /* Octets of the largest inner packet whose outer packet takes the path whole, and of the largest that can
     * be sent at all. */
    uint32_t fits;
    uint32_t sealable;
    uint32_t outer; /* the MTU that counts: of the link, or learnt */
};

/* The link's MTU is `mtu` (0: not known), or the destination has changed. What was learnt for the peer by
 * this SA or another one of its tunnel goes on to count; for another peer it does not. */
void path_mtu_set_link(struct worker *worker, struct outbound_sa *sa, uint32_t mtu);

/* A router, which has quoted a packet of this SA, says that its next link takes `mtu` octets. Holds for all
 * SAs of the tunnel with the same peer. Less than the family's least MTU counts as that (S39); what is not
 * less than before is ignored. */
void path_mtu_learn(struct worker *worker, struct outbound_sa *sa, uint32_t mtu);

/* The SA goes. */
void path_mtu_stop(struct worker *worker, struct outbound_sa *sa);

/* Sets the MSS of the tunnel, and the sizes that are shown of it, anew: its settings or its SAs have changed.
 */
void path_mtu_follow(struct tunnel *tunnel);

#endif
