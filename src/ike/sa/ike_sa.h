/*
 * One IKE SA: who talks to whom, its keys, message IDs, tasks and Child SAs (RFC 7296 2).
 */
#ifndef MUSUBI_IKE_SA_IKE_SA_H
#define MUSUBI_IKE_SA_IKE_SA_H

#include "ike/sa/additional_children.h"
#include "ike/sa/child_sa.h"
#include "ike/sa/keys.h"
#include "ike/sa/task.h"
#include "ike/sa/tunnel.h"
#include "ike/services/buffer.h"

enum ike_sa_state {
    IKE_SA_INITIATING,     /* our IKE_SA_INIT is under way */
    IKE_SA_HALF_OPEN,      /* we answered, or are about to answer, an IKE_SA_INIT */
    IKE_SA_AUTHENTICATING, /* IKE_AUTH is under way */
    IKE_SA_ESTABLISHED,
    IKE_SA_DELETING, /* our DELETE is under way */
};

enum {
    SA_WAITING_MAX = 8,        /* datagrams that wait while a job is out */
    DELETE_REASON_SIZE = 80,   /* with its final NUL */
    HALF_OPEN_MAX = 1024,      /* IKE SAs that we answered and that are not authenticated */
    HALF_OPEN_TIMEOUT = 30000, /* milliseconds; R15: the peer's retransmissions end by then */
};

struct negotiation;
struct reassembly;

/* A datagram that waits while a job is out. */
struct waiting_datagram {
    struct ip_endpoint local, remote;
    uint32_t ifindex;
    struct ike_buffer octets;
};

/* What is needed until the IKE SA is authenticated, and wiped then. */
struct ike_handshake {
    uint8_t dh_private[DH_PRIVATE_MAX];
    uint8_t dh_public[DH_PUBLIC_MAX];
    const struct dh_group *dh;                     /* as initiator: of our KE */
    struct ike_buffer cookie;                      /* as initiator: to be sent along */
    struct ike_buffer init_request, init_response; /* RealMessage1 and 2, RFC 7296 2.15 */
    uint8_t init_proposal;                         /* as responder: number of the chosen proposal */
    struct ike_header auth_header;                 /* of the IKE_AUTH message whose AUTH is being checked */
    struct ike_buffer auth_message;                /* its decrypted payloads */
    uint8_t auth_first_payload;
    uint8_t auth[PRF_SIZE_MAX]; /* as initiator: our own AUTH value */
    char *failure; /* as initiator: what an answer to IKE_SA_INIT, which is not authenticated, gives
                      as reason to fail (ike/failure.h); or NULL */
    uint32_t failure_settings; /* of the config, that it concerns */
    bool refused;              /* that answer was an error notify */
    unsigned restarts;         /* of IKE_SA_INIT, for COOKIE and INVALID_KE_PAYLOAD */
    uint32_t child_spi;        /* the inbound SPI that we proposed, or chose, for the first Child SA */
};

/* The failed rekey that the log has told last (ike/failure.h). */
struct told_failure {
    uint8_t kind; /* enum failure_kind */
    uint16_t notify;
    uint32_t spi; /* of the Child SA; 0: the IKE SA */
};

struct ike_sa {
    LIST_ENTRY(ike_sa) tunnel_link; /* valid while `tunnel` is set */
    LIST_ENTRY(ike_sa) all_link;
    LIST_ENTRY(ike_sa) dirty_link; /* in engine->objects->dirty, or in engine->objects->destroyed */
    bool dirty;
    struct ike_engine *engine;
    struct ike_tunnel *tunnel; /* NULL: not known yet (responder before IKE_AUTH) */
    uint32_t serial;
    enum ike_sa_state state;
    bool initiator;       /* we are the original initiator */
    bool initial_contact; /* the peer sent INITIAL_CONTACT with it, or with the first of its line of rekeys */
    uint64_t
        superfluous; /* own SPI of an SA that both ends' starting at once has made besides this one, or 0 */
    uint64_t predecessor; /* own SPI of the IKE SA that the peer rekeyed into this one, as long as our own
                             rekey of it is under way and may win; else 0 */
    bool replaced;        /* by a successor that has its Child SAs (RFC 7296 2.18) */
    bool unknown_to_peer; /* says somebody at the peer's address (INVALID_IKE_SPI): for the log alone */
    bool destroyed;       /* unlinked; its memory goes when the event is done */

    uint64_t spi_i, spi_r;
    uint64_t half_open_key; /* in engine->objects->half_open; 0: not there */
    struct ip_endpoint local, remote;
    struct ip_endpoint reply_local, reply_remote; /* of the peer's request: its answer goes there */
    struct ip_address peer_address; /* of the peer when the SA was made, whatever a NAT makes of it: has the
                                       peer's name another one now (R41)? IP_NONE: that is not asked */
    uint32_t ifindex, mark;         /* of the way out, see struct peer_route */
    bool route_unknown;             /* saved on another machine: it takes the tunnel's route when it comes */
    uint32_t arrival_ifindex;       /* as responder: where the peer's request came in */
    bool nat_local, nat_remote;     /* NAT detected in front of us, of the peer (RFC 7296 2.23) */
    bool encapsulate;               /* ESP goes in UDP */

    struct ike_suite suite;
    struct ike_keys keys;
    struct ike_buffer nonce_i, nonce_r;
    struct identity local_id, remote_id;
    struct ike_handshake *handshake;

    uint32_t request_id;  /* message ID of our next request, or of the one under way */
    uint32_t expected_id; /* message ID of the peer's next request */
    bool request_out;     /* the first task's request is under way */
    unsigned sendings;
    struct ike_buffer request;  /* its octets, to be sent again */
    struct ike_buffer response; /* our answer to request expected_id - 1 */
    bool answering;             /* a request of the peer is being worked on */
    uint64_t gcm_iv;            /* the next IV of a GCM key of ours */
    STAILQ_HEAD(, ike_task) tasks;

    bool fragmentation;                      /* both ends do RFC 7383 */
    struct reassembly *requests, *responses; /* the peer's, of which fragments are missing; or NULL */
    struct negotiation *own;                 /* CREATE_CHILD_SA of ours under way, or NULL */
    struct negotiation *theirs;              /* the peer's, being answered */
    struct told_failure told_failure;

    uint32_t job; /* that is out; 0: none */
    void (*job_done)(struct ike_sa *sa, bool ok, struct octets output);
    struct waiting_datagram waiting[SA_WAITING_MAX];
    size_t waiting_count;

    struct child_sa_list children;
    struct additional_children additional;
    char delete_reason[DELETE_REASON_SIZE]; /* while IKE_SA_DELETING: for the history and the log */
    uint16_t delete_notify;                 /* an error notify that goes along with DELETE; 0: none */
    char *unmet_wish;        /* what the peer asked for and did not get (ike/auth_failure.h), or NULL */
    uint32_t unmet_settings; /* of the config, that are in the way */
    msec_t created, expires; /* expires: end of sa-lifetime; MSEC_NEVER before it is established */
    /* Of the first IKE SA of a line of rekeys, engine->event_number then, and who began it: what S7 asks. */
    uint64_t started_event, established_event;
    bool begun_here;
    msec_t last_message; /* when a message of this SA last went or came, but for repeated answers */
    struct ike_timer retransmit, lifetime, rekey, liveness;
    struct ike_timer job_lost; /* the patience with the job that is out */
};

/* ---- Life ------------------------------------------------------------------------------------------- */

/* An SPI of our own that is not in use. */
uint64_t ike_sa_unused_spi(struct ike_engine *engine);

/* A new IKE SA with that SPI of ours and a serial number. NULL if there is no memory. */
struct ike_sa *ike_sa_new(struct ike_engine *engine, bool initiator, uint64_t own_spi);

/* Makes it ready for IKE_SA_INIT: IKE_SA_INITIATING or IKE_SA_HALF_OPEN. False if there is no memory. */
bool ike_sa_begin_handshake(struct ike_sa *sa);

/* Binds the SA to its tunnel. */
void ike_sa_set_tunnel(struct ike_sa *sa, struct ike_tunnel *tunnel);

/*
 * Removes an SA and its Child SAs, without a word to the peer. `reason` is what the history and the log say.
 * Its memory stays valid until the event has been handled; `destroyed` tells.
 */
void ike_sa_destroy(struct ike_sa *sa, const char *reason);

/* Wipes and frees; for the engine only. */
void ike_sa_free(struct ike_sa *sa);

/* The peer is authenticated and the SA up: starts its timers, forgets the handshake. */
void ike_sa_establish(struct ike_sa *sa);

/* Deletes an SA: DELETE and the wait for its answer (R12), or at once where none can be sent. */
void ike_sa_delete(struct ike_sa *sa, const char *reason);

/*
 * A Child SA is gone, or could not be made. If there is none left the IKE SA is deleted, lest packets wait in
 * vain: the next one makes a new IKE SA. Else a family that is lacking now is asked for (S38).
 */
void ike_sa_lost_child(struct ike_sa *sa, const char *reason);

/* Forgets and wipes what was only needed until authentication. */
void ike_sa_end_handshake(struct ike_sa *sa);

/* Another SA has its Child SAs, or is to have them. */
void ike_sa_set_replaced(struct ike_sa *sa);

/* The SA's record is out of date: it is written before the answer to this event is performed. */
void ike_sa_changed(struct ike_sa *sa);

/* Our own SPI, by which the peer addresses us. */
uint64_t ike_sa_own_spi(const struct ike_sa *sa);

/* "10.1.0.1:500-10.2.0.1:500" for log lines. */
const char *ike_sa_endpoints(const struct ike_sa *sa, char out[2 * IP_TEXT_SIZE]);

/* Adds a line about the SA to the event log. Costs nothing if the level is not wanted. */
__attribute__((format(printf, 4, 5))) void ike_sa_log(const struct ike_sa *sa, enum log_level level,
                                                      enum log_function function, const char *format, ...);

/* True if both IKE SAs have the same pair of IDs. */
bool ike_sa_is_with_same_peer(const struct ike_sa *a, const struct ike_sa *b);

/*
 * An authenticated packet came from `remote` to `local`. Where the peer is behind a NAT, and we are not, IKE
 * and ESP go there from now on (RFC 7296 2.23, S28).
 */
void ike_sa_follow_peer(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote);

#endif
