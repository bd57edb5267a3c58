/*
 * One IKE SA: who talks to whom, its keys, message IDs, tasks and Child SAs (RFC 7296 2).
 */
#ifndef MUSUBI_IKE_SA_IKE_SA_H
#define MUSUBI_IKE_SA_IKE_SA_H

#include "ike/exchanges/additional_child.h"
#include "ike/sa/child_sa.h"
#include "ike/sa/key_exchange.h"
#include "ike/sa/keys.h"
#include "ike/services/engine.h"
#include "ike/wire/message.h"
#include "ike/wire/protect.h"

enum ike_sa_state {
    IKE_SA_INITIATING,     /* our IKE_SA_INIT is under way */
    IKE_SA_HALF_OPEN,      /* we answered, or are about to answer, an IKE_SA_INIT */
    IKE_SA_AUTHENTICATING, /* IKE_AUTH is under way */
    IKE_SA_ESTABLISHED,
    IKE_SA_DELETING, /* our DELETE is under way */
};

enum {
    SA_WAITING_MAX = 8,       /* datagrams that wait while a job is out */
    REQUEST_SENDINGS_MAX = 4, /* first and three retransmissions (R15) */
    REQUEST_PATIENCE = 30,    /* seconds from the first one to the timeout (R15) */
    DELETE_REASON_SIZE = 80,  /* with its final NUL */
};

struct ike_task;
struct negotiation;
struct reassembly;

/* Whether a task's request can be written now. */
enum task_readiness {
    TASK_READY,
    TASK_WAITS,   /* a job is out for it */
    TASK_DROPPED, /* there is no need for it any more */
};

/* Kinds of tasks as records have them: a number never comes to mean another kind. */
enum ike_task_number {
    TASK_IKE_SA_INIT = 0,
    TASK_IKE_AUTH = 1,
    TASK_DELETE_IKE_SA = 2,
    TASK_DELETE_CHILD_SA = 3,
    TASK_LIVENESS = 4,
    TASK_CONFIRM = 5,
    TASK_REKEY_CHILD = 6,
    TASK_REKEY_IKE_SA = 7,
    TASK_ADDITIONAL_CHILD = 8,
    TASK_INVALID_SPI = 9,
};

/* What we are about to ask the peer: one kind for each exchange of ours. */
struct ike_task_kind {
    enum ike_task_number number;
    enum exchange_type exchange;
    const char *name; /* for the log */
    /* Writes the request's payloads. `m` is inside of an SK payload, but for IKE_SA_INIT. */
    void (*write)(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);
    /* Takes in the response. May destroy the SA. NULL for IKE_SA_INIT, whose response comes in the clear. */
    void (*response)(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message);
    /* Asked before the request is written, again after each job. NULL: it is always ready. */
    enum task_readiness (*prepare)(struct ike_sa *sa, struct ike_task *task);
};

struct ike_task {
    STAILQ_ENTRY(ike_task) link;
    const struct ike_task_kind *kind;
    uint32_t spi; /* inbound SPI of the Child SA that it is about, or 0 */
};

/* Octets in a buffer of their own. */
struct ike_buffer {
    uint8_t *at;
    size_t length;
};

/* A datagram that waits while a job is out. */
struct waiting_datagram {
    struct ip_endpoint local, remote;
    uint32_t ifindex;
    struct ike_buffer octets;
};

/* What is needed until the IKE SA is authenticated, and wiped then. */
struct ike_handshake {
    struct key_exchange key_exchange;              /* of IKE_SA_INIT */
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
    LIST_ENTRY(ike_sa) dirty_link; /* in engine->dirty, or in engine->destroyed */
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
    uint64_t half_open_key; /* in engine->half_open; 0: not there */
    struct ip_endpoint local, remote;
    struct ip_endpoint reply_local, reply_remote; /* of the peer's request: its answer goes there */
    struct ip_address peer_address; /* of the peer when the SA was made, whatever a NAT makes of it: has the
                                       peer's name another one now (R41)? IP_NONE: that is not asked */
    uint32_t ifindex, mark;         /* of the way out, see struct peer_route */
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
    ike_job_done *job_done;
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

/* The level `debug` line on a message that was sent or received. */
void ike_sa_log_message(struct ike_sa *sa, const char *direction, const struct ike_message *message);

/* ---- Protected messages (sealed.c) ------------------------------------------------------------------ */

/*
 * Seals a chain of payloads. Returns the message, or the messages of all its fragments one after the other,
 * in the engine's scratch; no octets if that cannot be done.
 */
struct octets ike_sa_seal(struct ike_sa *sa, enum exchange_type exchange, bool response, uint32_t message_id,
                          const struct message_writer *inner);

/*
 * Decrypts a datagram and parses what is inside. False if it is not the peer's, or not yet all of a message.
 * Else
 * `*fault` and `*payload_type` are as of ike_payloads_parse, and `message` points into the engine's scratch.
 */
bool ike_sa_open(struct ike_sa *sa, const struct ike_header *header, struct octets datagram,
                 struct ike_message *message, enum message_fault *fault, uint8_t *payload_type);

/*
 * Whether a datagram with a request that was answered before is the peer's, and asks for the answer again:
 * one whole message does, and of its fragments the first one alone (RFC 7383 2.6.1), lest each of them bring
 * all of the answer.
 */
bool ike_sa_asks_again(struct ike_sa *sa, const struct ike_header *header, struct octets datagram);

/* ---- Requests and responses (exchange.c) ------------------------------------------------------------ */

/* The retransmission timer of an SA is due (R15). */
void ike_sa_retransmit_fire(struct ike_engine *engine, void *owner);

/* Puts a task at the end of the queue of an SA that was saved; false if there is no memory. */
bool ike_sa_restore_task(struct ike_sa *sa, const struct ike_task_kind *kind, uint32_t spi);

/* Queues a request; it is sent when those before it are answered. */
void ike_sa_add_task(struct ike_sa *sa, const struct ike_task_kind *kind, uint32_t spi);

/* Puts a task that was answered at the head of the queue again, before anything else of ours. */
void ike_sa_retry_task(struct ike_sa *sa, const struct ike_task *answered);

/* Sends the first task's request if none is under way and nothing of the peer's is being worked on. */
void ike_sa_start_task(struct ike_sa *sa);

/* Sends the request that was under way when the SA was saved, octet for octet, and waits for its answer. */
void ike_sa_resume_request(struct ike_sa *sa);

/* Ends the request under way, keeping or dropping the other tasks. */
void ike_sa_end_task(struct ike_sa *sa);
void ike_sa_drop_tasks(struct ike_sa *sa);

/* Drops the tasks that are not under way. */
void ike_sa_drop_queued_tasks(struct ike_sa *sa);

/* Gives tasks that concern Child SAs and are not under way to the SA's successor. */
void ike_sa_hand_over_tasks(struct ike_sa *sa, struct ike_sa *successor);

/* Takes in a datagram that is addressed to this SA; waits if a job is out. */
void ike_sa_receive(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                    uint32_t ifindex, const struct ike_header *header, struct octets datagram);

/* Starts writing the answer to the peer's request, and sends it: sealed, kept for retransmission. */
struct message_writer ike_sa_begin_response(struct ike_sa *sa);
void ike_sa_send_response(struct ike_sa *sa, enum exchange_type exchange, struct message_writer *m);

/*
 * Answers a request with a single error notify. INVALID_SYNTAX ends the IKE SA at both ends, without DELETE
 * (RFC 7296 2.21.3).
 */
void ike_sa_send_error(struct ike_sa *sa, enum exchange_type exchange, uint16_t notify,
                       struct octets content);

/* Answers with octets that are already a whole message (IKE_SA_INIT). */
void ike_sa_send_plain_response(struct ike_sa *sa, struct octets message);

/* Hands out a job; `done` is called with its result. One job at a time. An SA whose job never ends, ends. */
void ike_sa_start_job(struct ike_sa *sa, const struct ike_job *job, ike_job_done *done);
void ike_sa_end_job(struct ike_sa *sa, const struct ike_job_result *result);

/* Replaces the content of a buffer by a copy; false if there is no memory. */
bool ike_buffer_set(struct ike_buffer *buffer, struct octets from);
void ike_buffer_clear(struct ike_buffer *buffer);
struct octets ike_buffer_octets(const struct ike_buffer *buffer);

/* ---- The exchanges, one file each ------------------------------------------------------------------- */

/* ike_sa_init.c: starts as initiator; answers as responder (called by receive.c). */
void ike_sa_init_start(struct ike_engine *engine, struct ike_tunnel *tunnel);
void ike_sa_init_response(struct ike_sa *sa, const struct ike_message *message, struct octets datagram);
void ike_sa_init_request(struct ike_engine *engine, const struct ip_endpoint *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram,
                         const struct ike_message *message);

/* A request that has a critical payload of a type that is not known (RFC 7296 2.5). */
void ike_sa_init_critical(struct ike_engine *engine, const struct ip_endpoint *local,
                          const struct ip_endpoint *remote, uint32_t ifindex,
                          const struct ike_header *request, uint8_t payload_type);

/* ike_auth.c: goes on as initiator once the keys are there; answers as responder. */
void ike_auth_start(struct ike_sa *sa);
void ike_auth_request(struct ike_sa *sa, const struct ike_message *message);

/* initial_contact.c: the tunnel of `sa`, not established yet, has got an IKE SA from the peer meanwhile. */
bool initial_contact_peer_was_first(const struct ike_sa *sa);

/* The peer began `sa` before it began another one with INITIAL_CONTACT: it has forgotten `sa`. */
bool initial_contact_is_stale(const struct ike_sa *sa);

/* True if we have no other IKE SA with the peer of `sa`, so that INITIAL_CONTACT may be said. */
bool initial_contact_is_true(const struct ike_sa *sa);

/* INITIAL_CONTACT of `sa` takes `old` away: it was there before, with the same peer. */
bool initial_contact_takes_away(const struct ike_sa *sa, const struct ike_sa *old);

/* The peer of `sa`, just established, sent INITIAL_CONTACT; both ends may have started. */
void initial_contact_received(struct ike_sa *sa);
void initial_contact_settle(struct ike_sa *sa);

/* True while `sa` is about to be closed since both ends started at once: no rekey of it is started. */
bool initial_contact_is_superfluous(const struct ike_sa *sa);

/* `old` was rekeyed: what was said of it, and what it was to confirm, holds for its successor. */
void initial_contact_rekeyed(struct ike_sa *old, struct ike_sa *successor);

/* create_child_sa.c */
void create_child_sa_request(struct ike_sa *sa, const struct ike_message *message);

/* informational.c */
void informational_request(struct ike_sa *sa, const struct ike_message *message);
extern const struct ike_task_kind task_delete_ike_sa;
extern const struct ike_task_kind task_delete_child_sa;

/* liveness.c: starts dead peer detection; its timer is due. */
void liveness_start(struct ike_sa *sa);
void liveness_fire(struct ike_engine *engine, void *owner);
extern const struct ike_task_kind task_liveness;

/*
 * path_reports.c: an authenticated packet came from `remote`. Where the peer is behind a NAT, and we are not,
 * IKE and ESP go there from now on (RFC 7296 2.23, S28).
 */
void ike_sa_follow_peer(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote);

/* The peer does not know a Child SA of the tunnel (INVALID_SPI, authenticated by `sa`): deletes it. */
void ike_sa_forget_child_of_peer(struct ike_sa *sa, uint32_t outbound_spi);
extern const struct ike_task_kind task_invalid_spi;

/* initial_contact.c: True if both IKE SAs have the same pair of IDs. */
bool ike_sa_is_with_same_peer(const struct ike_sa *a, const struct ike_sa *b);

/* Asks for life before the other one of two SAs is closed. */
extern const struct ike_task_kind task_confirm;

/* The `write` of a request without payloads, which only asks whether the peer answers. */
void task_write_nothing(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);

#endif
