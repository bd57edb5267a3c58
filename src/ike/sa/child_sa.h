/*
 * One Child SA: a pair of ESP SAs with their keys, selectors and lifetime (RFC 7296 2.9, 2.17).
 */
#ifndef MUSUBI_IKE_SA_CHILD_SA_H
#define MUSUBI_IKE_SA_CHILD_SA_H

#include "ike/sa/objects.h"
#include "ike/services/timer.h"
#include "ike/wire/child_exchange.h"

struct child_sa {
    LIST_ENTRY(child_sa) link;
    struct ike_sa *ike_sa;
    struct ike_suite suite;
    struct child_direction inbound, outbound;
    struct selector_list local_ts, remote_ts;
    uint32_t live_slot;
    bool initiator; /* we started the exchange that made it */
    bool installed;
    bool replaced;        /* another one carries the packets; the end that replaced it deletes it */
    bool deleting;        /* our DELETE is under way, or queued */
    bool lingering;       /* deleted at both ends, but for packets that are still under way (S24) */
    bool stopped;         /* packets leave by it no more */
    bool waits_for_use;   /* packets leave by it when the peer has used it */
    bool numbers_unknown; /* saved without its sequence numbers: it is about to be replaced */
    msec_t created, expires;
    struct ike_timer lifetime, rekey;
};

LIST_HEAD(child_sa_list, child_sa);

/* An unused inbound SPI for a Child SA of `tunnel`, owned by the tunnel's worker (RFC 4303 2.1: above 255).
 */
uint32_t child_sa_new_spi(struct ike_engine *engine, const struct ike_tunnel *tunnel);

/*
 * A Child SA of `sa` with that inbound SPI, and timers that are not set, but nothing else: the start of a new
 * one and of a saved one. NULL if there is no memory or the SPI is taken.
 */
struct child_sa *child_sa_with_spi(struct ike_sa *sa, uint32_t inbound_spi);

/* A new Child SA of `sa` as agreed on, not yet installed; NULL without memory. */
struct child_sa *child_sa_new(struct ike_sa *sa, const struct child_agreement *agreement,
                              uint32_t inbound_spi, bool initiator);

/* When packets may leave by a new Child SA. */
enum child_activation {
    CHILD_ACTIVE,
    CHILD_ACTIVE_WHEN_USED, /* when the peer has used it, and so has it too (RFC 7296 2.8) */
};

/*
 * Derives the keys, hands the Child SA to the packet path, starts its lifetime. False if the arithmetic
 * failed.
 */
bool child_sa_install(struct child_sa *child, enum child_activation activation, struct octets shared_secret,
                      struct octets nonce_i, struct octets nonce_r);

/* Hands a Child SA that has its keys to the packet path, once more after it was saved. */
void child_sa_hand_over(const struct child_sa *child);

/* The same for one that packets leave by no more. */
void child_sa_hand_over_stop(const struct child_sa *child);

/* Its packets go to where its IKE SA says that the peer is now. */
void child_sa_redirect(const struct child_sa *child);

/* Takes it from the packet path and frees it. */
void child_sa_destroy(struct child_sa *child);

/* True if it carries packets and nothing has replaced it or is about to delete it. */
bool child_sa_is_current(const struct child_sa *child);

/* True if both ends have deleted it: there is none (NULL), or it lingers. */
bool child_sa_is_gone(const struct child_sa *child);

/* The peer certainly has it too: packets may leave by it (RFC 7296 2.8). */
void child_sa_activate(struct child_sa *child);

/* No other Child SA is to come for the packets that it does not hold. */
void child_sa_complete(struct child_sa *child);

/* Packets leave by it no more; it is there for what the peer still sends by it. */
void child_sa_stop(struct child_sa *child);

/* Ends it: by DELETE, or, where none may be sent (R63), without a word. May delete the child at once. */
void child_sa_delete(struct child_sa *child);

/* Its DELETE is done: it lingers where another one carries on, else it goes at once. */
void child_sa_retire(struct child_sa *child);

/* Keeps it for the packets that are still under way, for 5 seconds (S24). */
void child_sa_linger(struct child_sa *child);

/*
 * Whether the IKE SA may get one more. A peer may leave Child SAs that it has rekeyed undeleted, or rekey
 * without end: no more are made than the IKE SA's record holds. One place is kept for a rekey of our own.
 */
bool child_sa_has_place(const struct ike_sa *sa);

/* The Child SA of `sa` with an SPI; NULL if there is none. */
struct child_sa *child_sa_by_inbound(const struct ike_sa *sa, uint32_t spi);
struct child_sa *child_sa_by_outbound(const struct ike_sa *sa, uint32_t spi);

#endif
