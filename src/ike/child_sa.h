/*
 * One Child SA: a pair of ESP SAs with their keys, selectors and lifetime (RFC 7296 2.9, 2.17).
 */
#ifndef MUSUBI_IKE_CHILD_SA_H
#define MUSUBI_IKE_CHILD_SA_H

#include "ike/engine.h"
#include "ike/proposal.h"
#include "ike/selectors.h"

struct child_agreement;

struct child_sa {
    LIST_ENTRY(child_sa) link;
    struct ike_sa *ike_sa;
    struct ike_suite suite;
    struct ike_child_direction inbound, outbound;
    struct selector_list local_ts, remote_ts;
    uint32_t live_slot;
    bool initiator; /* we started the exchange that made it */
    bool installed;
    bool deleting; /* our DELETE is under way */
    msec_t created, expires;
    struct ike_timer lifetime;
};

LIST_HEAD(child_sa_list, child_sa);

/* An unused inbound SPI for a Child SA of `tunnel`, owned by the tunnel's worker (RFC 4303 2.1: above 255).
 */
uint32_t child_sa_new_spi(struct ike_engine *engine, const struct ike_tunnel *tunnel);

/* A new Child SA of `sa` as agreed on, not yet installed; NULL without memory. */
struct child_sa *child_sa_new(struct ike_sa *sa, const struct child_agreement *agreement,
                              uint32_t inbound_spi, bool initiator);

/* Derives the keys and hands the Child SA to the packet path. False if the arithmetic failed. */
bool child_sa_install(struct child_sa *child, struct octets shared_secret, struct octets nonce_i,
                      struct octets nonce_r);

/* Takes it from the packet path and frees it. */
void child_sa_destroy(struct child_sa *child);

/* The Child SA of `sa` with an SPI; NULL if there is none. */
struct child_sa *child_sa_by_inbound(const struct ike_sa *sa, uint32_t spi);
struct child_sa *child_sa_by_outbound(const struct ike_sa *sa, uint32_t spi);

#endif
