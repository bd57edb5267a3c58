/*
 * One Child SA: a pair of ESP SAs with their keys, selectors and lifetime (RFC 7296 2.9, 2.17).
 */
#ifndef MUSUBI_IKE_SA_CHILD_SA_H
#define MUSUBI_IKE_SA_CHILD_SA_H

#include "ike/sa/objects.h"
#include "ike/services/timer.h"
#include "ike/wire/child_exchange.h"

/* The selectors of both sides of a Child SA. */
struct child_selectors {
    struct selector_list local, remote;
};

struct child_sa {
    LIST_ENTRY(child_sa) link;
    struct ike_sa *ike_sa;
    struct ike_suite suite;
    struct child_direction inbound, outbound;
    struct traffic_selector *selectors; /* local, and behind them remote; see child_sa_selectors */
    uint8_t local_count, remote_count;
    uint32_t live_slot;
    bool initiator; /* we started the exchange that made it */
    bool installed;
    bool replaced;        /* another one carries the packets; the end that made that one deletes this one */
    bool deleting;        /* our DELETE is under way, or queued */
    bool lingering;       /* deleted at both ends, kept for packets that are still under way (S24) */
    bool stopped;         /* it sends no more packets */
    bool waits_for_use;   /* it sends packets once the peer has used it */
    bool numbers_unknown; /* saved without its sequence numbers: it is about to be replaced */
    unsigned rekey_refusals; /* by the peer, of our requests to rekey it */
    unsigned one_way;        /* how often packets only went out (reasons/one_way.h) */
    msec_t created, expires;
    struct ike_timer lifetime, rekey;
};

LIST_HEAD(child_sa_list, child_sa);

/* An unused inbound SPI for a Child SA of `tunnel`, which leads to the tunnel's worker (RFC 4303 2.1: above
 * 255).
 */
uint32_t child_sa_new_spi(struct ike_engine *engine, const struct ike_tunnel *tunnel);

/*
 * A Child SA of `sa` with that inbound SPI and nothing else, its timers not set: a new one and a saved one
 * begin so. NULL if there is no memory or the SPI is taken.
 */
struct child_sa *child_sa_with_spi(struct ike_sa *sa, uint32_t inbound_spi);

/* Gives a Child SA that has none its selectors, of which it keeps as many as there are. False if there is no
 * memory. */
bool child_sa_set_selectors(struct child_sa *child, const struct selector_list *local,
                            const struct selector_list *remote);

/* Its selectors, as lists. */
struct child_selectors child_sa_selectors(const struct child_sa *child);

/* True if its selectors lie within those of `other`. */
bool child_sa_is_within(const struct child_sa *child, const struct child_sa *other);

/* The families of the packets that its selectors hold. */
uint8_t child_sa_families(const struct child_sa *child);

/* A new Child SA of `sa` as agreed on, not yet installed; NULL without memory. */
struct child_sa *child_sa_new(struct ike_sa *sa, const struct child_agreement *agreement,
                              uint32_t inbound_spi, bool initiator);

/* When a new Child SA may send packets. */
enum child_activation {
    CHILD_ACTIVE,
    CHILD_ACTIVE_WHEN_USED, /* once the peer has used it, so that it certainly has it (RFC 7296 2.8) */
};

/*
 * Derives the keys, hands the Child SA to the packet path, starts its lifetime. False if the arithmetic
 * failed.
 */
bool child_sa_install(struct child_sa *child, enum child_activation activation, struct octets shared_secret,
                      struct octets nonce_i, struct octets nonce_r);

/* Hands a Child SA that has its keys to the packet path; again after a restart. */
void child_sa_hand_over(const struct child_sa *child);

/* The same for one that sends no more packets: says so. */
void child_sa_hand_over_stop(const struct child_sa *child);

/* From now on its packets go to where its IKE SA says that the peer is. */
void child_sa_redirect(const struct child_sa *child);

/* Takes it from the packet path and frees it. */
void child_sa_destroy(struct child_sa *child);

/* True if it carries packets and nothing has replaced it or is about to delete it. */
bool child_sa_is_current(const struct child_sa *child);

/* True if both ends have deleted it: it is NULL, or it lingers. */
bool child_sa_is_gone(const struct child_sa *child);

/* The peer certainly has it too: it may send packets (RFC 7296 2.8). */
void child_sa_activate(struct child_sa *child);

/* Other Child SAs may come for packets outside of its selectors. */
void child_sa_expect_more(struct child_sa *child);

/* No other Child SA will come for such packets. */
void child_sa_complete(struct child_sa *child);

/* It sends no more packets; it stays for what the peer still sends by it. */
void child_sa_stop(struct child_sa *child);

/* Ends it, with a DELETE unless none may be sent (R63). May free it at once. */
void child_sa_delete(struct child_sa *child);

/* Its DELETE is done: it lingers if another one takes its place, else it is freed at once. */
void child_sa_retire(struct child_sa *child);

/* Keeps it for 5 seconds, for packets that are still under way (S24). */
void child_sa_linger(struct child_sa *child);

/*
 * Whether the IKE SA may get one more. A peer may rekey Child SAs without end, or not delete those that it
 * has rekeyed: no more are made than the IKE SA's record has room for. One place is kept for a rekey of our
 * own.
 */
bool child_sa_has_place(const struct ike_sa *sa);

/* The Child SA of `sa` with an SPI; NULL if there is none. */
struct child_sa *child_sa_by_inbound(const struct ike_sa *sa, uint32_t spi);
struct child_sa *child_sa_by_outbound(const struct ike_sa *sa, uint32_t spi);

#endif
