/*
 * One IKE SA: who talks to whom, its keys, message IDs, tasks and Child SAs (RFC 7296 2).
 */
#ifndef MUSUBI_IKE_SA_IKE_SA_H
#define MUSUBI_IKE_SA_IKE_SA_H

#include "ike/sa/additional_children.h"
#include "ike/sa/child_sa.h"
#include "ike/sa/key_exchange.h"
#include "ike/sa/keys.h"
#include "ike/sa/task.h"
#include "ike/sa/tunnel.h"
#include "ike/services/buffer.h"
#include "ike/wire/identity.h"

enum ike_sa_state {
    IKE_SA_INITIATING,     /* our IKE_SA_INIT is under way */
    IKE_SA_HALF_OPEN,      /* we answered, or are about to answer, an IKE_SA_INIT */
    IKE_SA_AUTHENTICATING, /* IKE_AUTH is under way */
    IKE_SA_ESTABLISHED,
    IKE_SA_DELETING, /* our DELETE is under way */
};

enum {
    SA_WAITING_MAX = 8,      /* datagrams that wait while a job is out */
    DELETE_REASON_SIZE = 80, /* at most, with its final NUL */
};

struct negotiation;
struct reassembly;

/* A datagram that waits while a job is out. */
struct waiting_datagram {
    STAILQ_ENTRY(waiting_datagram) link;
    struct ip_endpoint local, remote;
    uint32_t ifindex;
    struct ike_buffer octets;
};

/* What the peer's IKE_SA_INIT has shown of NATs, whether NAT traversal is done or not. */
struct nat_signs {
    bool peer_detects;       /* it has NAT detection */
    bool local, remote;      /* which tells of a NAT in front of us, of the peer */
    struct ip_endpoint peer; /* where it came from */
};

/* What is needed until the IKE SA is authenticated, and wiped then. */
struct ike_handshake {
    struct key_exchange key_exchange;              /* of IKE_SA_INIT */
    struct ike_buffer cookie;                      /* as initiator: to be sent along */
    struct ike_buffer init_request, init_response; /* RealMessage1 and 2, RFC 7296 2.15 */
    uint8_t init_proposal;                         /* as responder: number of the chosen proposal */
    struct ike_message *auth_message;   /* the peer's IKE_AUTH, from when its AUTH is verified; or NULL */
    enum ike_auth_fault own_fault;      /* as responder: why our AUTH could not be made */
    uint8_t own_method;                 /* of our AUTH, once it is made */
    struct ike_buffer own_auth;         /* its value */
    struct ike_buffer own_certificates; /* that go along with it: a list of pki/proof.h */
    /* As initiator: why an answer to IKE_SA_INIT, which is not authenticated, cannot be taken, or NULL. */
    char *failure;
    uint32_t failure_settings; /* settings of the config that it concerns */
    bool refused;              /* that answer was an error notify */
    unsigned restarts;         /* of IKE_SA_INIT, for COOKIE and INVALID_KE_PAYLOAD */
    struct nat_signs nat_signs;
    uint32_t child_spi; /* the inbound SPI that we proposed, or chose, for the first Child SA */
};

/* The failed rekey that was logged last (reasons/failure.h). */
struct logged_failure {
    uint8_t kind; /* enum failure_kind */
    uint16_t notify;
    uint32_t spi; /* of the Child SA; 0: the IKE SA */
};

struct ike_sa {
    LIST_ENTRY(ike_sa) tunnel_link; /* valid while `tunnel` is set */
    LIST_ENTRY(ike_sa) all_link;
    LIST_ENTRY(ike_sa) dirty_link; /* in engine->objects->dirty, or in engine->objects->destroyed */
    struct ike_engine *engine;
    struct ike_tunnel *tunnel; /* NULL: not known yet (responder before IKE_AUTH) */
    uint32_t serial;
    enum ike_sa_state state;
    bool initiator;       /* we are the original initiator */
    bool initial_contact; /* the peer sent INITIAL_CONTACT with it, or with the SA that it was rekeyed from */
    bool replaced;        /* by a successor that has its Child SAs (RFC 7296 2.18), or `address_lost` */
    bool unknown_to_peer; /* an unauthenticated INVALID_IKE_SPI says so: for the log alone */
    bool dirty;           /* its record is out of date: it is in engine->objects->dirty */
    bool destroyed;       /* unlinked; its memory goes when the event is done */
    /* Own SPI of a second SA, which is to go since both ends started at the same time; or 0. */
    uint64_t superfluous;
    /* Own SPI of the IKE SA that the peer rekeyed into this one, while our own rekey of it may win; or 0. */
    uint64_t predecessor;

    uint64_t spi_i, spi_r;
    uint64_t half_open_key;            /* in engine->objects->half_open; 0: not there */
    LIST_ENTRY(ike_sa) half_open_link; /* valid while it is half-open (sa/half_open.h) */
    size_t kept_octets;                /* of the peer's messages; while it is half-open */
    struct ip_endpoint local, remote;
    struct ip_endpoint reply_local,
        reply_remote; /* endpoints of the peer's request: the response goes there */
    /*
     * The peer's address when the SA was made, before any NAT: when the peer's name does not have it any
     * more, the SA ends (R41). IP_NONE: the name does not matter.
     */
    struct ip_address peer_address;
    uint32_t ifindex, mark;     /* of the route, see struct peer_route */
    uint32_t arrival_ifindex;   /* as responder: where the peer's request came in */
    bool route_unknown;         /* saved on another machine: it takes the tunnel's route when that is known */
    bool nat_local, nat_remote; /* a NAT is in front of us, of the peer (RFC 7296 2.23) */
    bool encapsulate;           /* ESP goes in UDP */
    /* Of the address of `local` (S40, exchanges/own_address.h). */
    bool address_gone;            /* the host does not have it any more */
    bool source_moved;            /* the route to the peer has another source now */
    bool address_lost;            /* the SA was given up with it, and sends nothing any more */
    msec_t address_away;          /* since when one of the first two is so */
    struct ike_timer own_address; /* `address_away` lasts too long, or the time of a lost SA ends */

    struct ike_suite suite;
    struct ike_keys keys;
    struct ike_buffer nonce_i, nonce_r;
    struct kept_identity local_id, remote_id;
    struct ike_handshake *handshake;

    uint32_t request_id;  /* message ID of our next request, or of the one under way */
    uint32_t expected_id; /* message ID of the peer's next request */
    bool request_out;     /* the first task's request is under way */
    bool answering;       /* a request of the peer is being worked on */
    bool fragmentation;   /* both ends support RFC 7383 */
    bool looks_up;        /* its job is counted in engine->objects->look_ups */
    unsigned sendings;
    unsigned unsent;            /* of them, those that could not leave */
    int send_error;             /* errno of the last sending, 0 if it left; while half-open, of our answer */
    struct ike_buffer request;  /* its octets, to be sent again */
    struct ike_buffer response; /* our answer to request expected_id - 1 */
    uint64_t gcm_iv;            /* the next IV of a GCM key of ours */
    STAILQ_HEAD(, ike_task) tasks;

    struct reassembly *requests,
        *responses;             /* messages of the peer of which fragments are missing; or NULL */
    struct negotiation *own;    /* CREATE_CHILD_SA of ours under way, or NULL */
    struct negotiation *theirs; /* the peer's, being answered */
    struct logged_failure logged_failure;

    ike_job_done *job_done;
    uint32_t job;           /* that is out; 0: none */
    uint32_t waiting_count; /* datagrams in `waiting` */
    STAILQ_HEAD(, waiting_datagram) waiting;

    struct child_sa_list children;
    struct additional_children additional;
    char *delete_reason;    /* while IKE_SA_DELETING, else NULL: for the history and the log */
    char *own_proof;        /* by what we have proved our ID, for the log (struct ike_auth_result); or NULL */
    uint32_t own_key_line;  /* likewise */
    uint8_t own_padding;    /* enum proof_padding, of that */
    uint16_t delete_notify; /* an error notify that goes along with DELETE; 0: none */
    char *unmet_request;    /* what the peer asked for and did not get (reasons/auth_failure.h), or NULL */
    uint32_t unmet_settings; /* settings of the config that are why */
    unsigned rekey_refusals; /* by the peer, of our requests to rekey it */
    msec_t created, expires; /* expires: end of sa-lifetime; MSEC_NEVER before it is established */
    /*
     * engine->event_number when this SA, or the one that it was rekeyed from, was begun and established; and
     * who began it (S7).
     */
    uint64_t started_event, established_event;
    bool begun_here;
    bool refused;           /* it ends since one of the two ends does not want it (sa/life_log.h) */
    bool asked_for_traffic; /* the peer is being asked because traffic only goes out (S47) */
    unsigned moves_told;    /* of the peer's moves since `moves_since` */
    msec_t last_message;  /* when a message of this SA was last sent or received, repeated responses aside */
    msec_t traffic_pause; /* how long its last answer is enough; 0: it has not been asked */
    msec_t traffic_pause_until;
    msec_t doubted_since; /* it sends from elsewhere, and no IKE has come from `remote` since; 0: not so */
    msec_t moves_since;   /* when the first of the peer's moves of the last minute was told; 0: none was */
    msec_t next_hint;     /* from when on something that may be forged may have the peer asked again */
    struct ike_timer retransmit, lifetime, rekey, liveness;
    msec_t childless_until; /* the peer has deleted its last Child SA: when the IKE SA ends; 0: it has not */
    struct ike_timer childless;
    struct ike_timer stays;    /* the log tells then that it was made */
    struct ike_timer job_lost; /* the job that is out takes too long */
};

/* ---- Life ------------------------------------------------------------------------------------------- */

/* An unused SPI for this end. */
uint64_t ike_sa_unused_spi(struct ike_engine *engine);

/* A new IKE SA with that SPI of this end and a serial number. NULL if there is no memory. */
struct ike_sa *ike_sa_new(struct ike_engine *engine, bool initiator, uint64_t own_spi);

/* Makes it ready for IKE_SA_INIT: IKE_SA_INITIATING or IKE_SA_HALF_OPEN. False if there is no memory. */
bool ike_sa_begin_handshake(struct ike_sa *sa);

/*
 * Takes the result of the handshake's key exchange and derives the keys of the IKE SA from its secret, which
 * is wiped. False if the arithmetic failed.
 */
bool ike_sa_take_secret(struct ike_sa *sa, const struct ike_job_result *result);

/* Binds the SA to its tunnel. */
void ike_sa_set_tunnel(struct ike_sa *sa, struct ike_tunnel *tunnel);

/*
 * Removes an SA and its Child SAs without telling the peer. `reason` is for the history and the log. Its
 * memory stays valid until the event has been handled, with `destroyed` set.
 */
void ike_sa_destroy(struct ike_sa *sa, const char *reason);

/* Takes the first of the datagrams that wait while a job is out; NULL if none does. The caller frees it. */
struct waiting_datagram *ike_sa_take_waiting(struct ike_sa *sa);
void waiting_datagram_free(struct waiting_datagram *waiting);

/* Wipes and frees; for the engine only. */
void ike_sa_free(struct ike_sa *sa);

/* The peer is authenticated and the SA up: starts its timers, forgets the handshake. */
void ike_sa_establish(struct ike_sa *sa);

/* Deletes an SA: by a DELETE, whose answer is awaited (R12), or at once where none can be sent. */
void ike_sa_delete(struct ike_sa *sa, const char *reason);

/* Why an SA is being deleted, "" if that is not known; valid as long as the SA is. */
const char *ike_sa_delete_reason(const struct ike_sa *sa);

/* Ends an SA for a reason that lies in this gateway, with a warning if it was still being negotiated. */
void ike_sa_fail(struct ike_sa *sa, const char *reason);

/* Forgets and wipes what was only needed until authentication. */
void ike_sa_end_handshake(struct ike_sa *sa);

/* Another SA has its Child SAs, or will have them. */
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
 * True if INITIAL_CONTACT of `newcomer` ends `old`, which was there before, with the same peer (RFC 7296
 * 2.4).
 */
bool ike_sa_supersedes(const struct ike_sa *newcomer, const struct ike_sa *old);

/* True once in 10 seconds at most: then the peer may be asked because of what a forger may have sent. */
bool ike_sa_may_take_hint(struct ike_sa *sa);

/*
 * An authenticated packet came from `remote` to `local`. If the peer is behind a NAT, and this end is not,
 * IKE and ESP go to `remote` from now on (RFC 7296 2.23, S28). If both are, the peer is asked whether it is
 * still where it was. May end the SA.
 */
void ike_sa_follow_peer(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote);

#endif
