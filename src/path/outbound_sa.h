/*
 * The outbound SA of a Child SA, as the worker that reads its tunnel's TUN device has it: the one that
 * packets leave by. The inbound SA is another worker's (inbound_sa.h); it tells this one that the peer uses
 * the Child SA. The controller makes and frees it; between its installation and its removal it is the
 * worker's.
 */
#ifndef MUSUBI_PATH_OUTBOUND_SA_H
#define MUSUBI_PATH_OUTBOUND_SA_H

#include <sys/queue.h>

#include "esp/sa.h"
#include "path/path_mtu.h"
#include "path/worker.h"

struct tunnel;

struct outbound_sa {
    TAILQ_ENTRY(outbound_sa) link; /* in its tunnel's list */
    struct tunnel *tunnel;
    uint32_t child_spi; /* the inbound SPI, which names the Child SA */
    struct esp_sa *sa;

    bool installed;
    bool active;          /* packets may leave by it */
    bool stopped;         /* no packet may leave by it any more */
    bool more_to_come;    /* as in struct child_settings */
    bool low_told;        /* PATH_SEQUENCE_LOW */
    bool singly;          /* the kernel does not take several datagrams at once towards its destination */
    bool may_be_answered; /* a packet in the batch, or since it was last looked, that may have an answer */

    struct wire_destination destination;
    uint64_t group; /* its datagrams may leave by one message with those of SAs of the same group */
    struct path_next_hop next_hop; /* towards it, on whose link packets may go */
    msec_t routed;                 /* when one was last left to Linux's IP output all the same */
    struct path_mtu mtu;
    msec_t keepalive;        /* interval; 0: never */
    msec_t sent;             /* when the last packet, or keepalive, left; see keepalive.h */
    msec_t unanswered_since; /* when the first packet left after the last one that came; 0: none yet */
    msec_t answer_sought;    /* when it was last looked whether one has come */
    msec_t silence_told;     /* when PATH_UNANSWERED was raised last */
    struct timer keepalive_timer;
};

TAILQ_HEAD(outbound_sa_list, outbound_sa);

/*
 * Installs it, as the newest of its tunnel; packets that wait leave by it if it is active. One that is there
 * stays where it is and takes over what is new in the settings; it does not become inactive, since only the
 * worker knows whether the peer has used it.
 */
enum path_result outbound_sa_install(struct worker *worker, struct outbound_sa *sa,
                                     const struct outbound_settings *settings);

/* Ends what the worker has to do with it. It may not have been installed. */
void outbound_sa_remove(struct worker *worker, struct outbound_sa *sa);

/* From here on packets leave by it; those that wait in its tunnel do so at the next turn. */
void outbound_sa_activate(struct worker *worker, struct outbound_sa *sa);

/* Packets leave by it no more. */
void outbound_sa_stop(struct outbound_sa *sa);

/* No other Child SA is to come for what this one does not hold; what waited for one is looked at again. */
void outbound_sa_complete(struct worker *worker, struct outbound_sa *sa);

/* From here on its packets go to the destination of the settings. Those that are sealed already go where they
 * were to go. */
void outbound_sa_redirect(struct worker *worker, struct outbound_sa *sa,
                          const struct outbound_settings *settings);

/* From here on its packets go by that route. */
void outbound_sa_reroute(struct worker *worker, struct outbound_sa *sa, const struct path_route *route);

/* Tells the controller in time that its sequence numbers will be used up (S24). */
void outbound_sa_watch_sequence(struct worker *worker, struct outbound_sa *sa);

/*
 * A packet has left: tells the controller if packets only go out (S47). Those count that may be answered: not
 * what Linux sends out of each interface by itself, such as MLD reports, which a peer has no answer for.
 */
void outbound_sa_watch_answers(struct worker *worker, struct outbound_sa *sa);

/* Counts in the Child SA and in its tunnel: packets that leave or their octets, packets that are dropped. */
void outbound_sa_count(struct worker *worker, struct outbound_sa *sa, enum esp_counter counter, uint64_t n);
void outbound_sa_count_drop(struct worker *worker, struct outbound_sa *sa, enum path_drop drop, uint64_t n);

#endif
