/*
 * The IKEv2 engine (RFC 7296). It has no hands: it is handed an event and the time, and answers with effects.
 * It calls no clock, no random source but the one it is given, no socket, thread or log. So a whole network
 * of gateways runs in one process on virtual time, and the same code runs in the daemon.
 *
 * The caller performs an answer's effects in this order: all records are committed to memory that outlives
 * the process, then the actions. Those for the packet path keep their order, whatever tunnels they are of.
 * A datagram of a tunnel waits until the installations and the IKE_ACTION_TUNNEL_UP of the same tunnel before
 * it are done, so that no peer can use a Child SA too early; other tunnels do not wait.
 *
 * Not thread-safe: one engine, one thread.
 */
#ifndef MUSUBI_IKE_IKE_H
#define MUSUBI_IKE_IKE_H

#include "base/address.h"
#include "base/bytes.h"
#include "base/deadline.h"
#include "config/log_level.h"
#include "config/policy.h"
#include "crypto/key_exchange.h"
#include "esp/child.h"
#include "pki/proof.h"

enum {
    IKE_PORT = 500,
    IKE_NAT_PORT = 4500,
    IKE_DATAGRAM_MAX = 65535,
    IKE_AUTH_VALUE_MAX = SIGNATURE_AUTH_MAX, /* octets of an AUTH value */
    IKE_PEER_ADDRESSES_MAX = 32,             /* of one name */
};

struct ike_engine;

/* What an engine is made with. */
struct ike_options {
    /* Fills `out` with `length` octets that nobody can predict; key exchanges are made of them too. */
    void (*random)(void *context, uint8_t *out, size_t length);
    void *random_context;
    /* Packet workers, at least 1: inbound SPIs are chosen to lead to the tunnel's, see esp/owner.h. */
    uint32_t esp_owners;
    /* The log level: texts of less important levels are not even made. */
    int log_level;
};

/* The route to a tunnel's peer, for IKE and ESP, as the host found it (R44, R45). */
struct peer_route {
    bool usable;
    struct ip_address local;
    struct ip_address remote;
    uint32_t ifindex; /* 0: the routing table decides */
    uint32_t mark;    /* of the routing table to use; 0: none */
};

/* ---- Events ---------------------------------------------------------------------------------------- */

enum ike_event_kind {
    IKE_EVENT_TIMER,          /* the deadline of ike_engine_deadline is reached */
    IKE_EVENT_DATAGRAM,       /* came from the network */
    IKE_EVENT_PACKET_WAITS,   /* a packet waits for an SA (R13) */
    IKE_EVENT_PACKET_OUTSIDE, /* a packet was dropped, since it is outside of the selectors of all Child SAs
                                 (R71) */
    IKE_EVENT_JOB_DONE,
    IKE_EVENT_CHILD_USED,       /* the peer has used a Child SA that was installed `active_when_used` */
    IKE_EVENT_SEQUENCE_LOW,     /* a Child SA has few sequence numbers left (S24) */
    IKE_EVENT_CHILD_UNANSWERED, /* packets have left by a Child SA for 20 s, and none has come (S47) */
    IKE_EVENT_PEER_MOVED,  /* the newest authenticated packet on a Child SA came from another address or port
                              (S28) */
    IKE_EVENT_SPI_UNKNOWN, /* ESP came for an SPI that is no Child SA's (S9) */
    IKE_EVENT_POLICY,      /* a tunnel is new or its policy changed; no SA is touched (R11) */
    IKE_EVENT_TUNNEL_GONE, /* its definition was taken away: its SAs are deleted (S4) */
    /*
     * Each tunnel of the config that the engine began with has been told. Before that nobody's IKE_SA_INIT is
     * answered: the tunnel that it is for may not be known yet, and its peer would be refused. Peers ask
     * again.
     */
    IKE_EVENT_TUNNELS_TOLD,
    /*
     * The route to a tunnel's peer is known, changed or gone. After each change of the policy it comes once
     * more: what the config changes moves no SA (R11).
     */
    IKE_EVENT_PEER_ROUTE,
    /*
     * This host has an address no more, or has it again (S40). Told at once; a new engine is told after
     * IKE_EVENT_SAVED_END of those that its SAs may have and the host has not.
     */
    IKE_EVENT_OWN_ADDRESS,
    IKE_EVENT_NOT_SENT, /* a datagram of an earlier answer could not leave */
    /*
     * The addresses that the name of a tunnel's peer has now (R41): none while they are not known, or if
     * there is no such name. IKE SAs with other addresses are deleted, unless there are no addresses at all,
     * or these are the first since the tunnel's policy changed (R11). So the event comes after each change of
     * the policy, and after the route to these addresses.
     */
    IKE_EVENT_PEER_ADDRESSES,
    IKE_EVENT_CLEAR,     /* a tunnel's SAs are to be deleted: `clear ikev2 sa` (R12) */
    IKE_EVENT_LOG_LEVEL, /* the log level has changed */
    IKE_EVENT_STOP,      /* the daemon stops: DELETE for every SA; nothing new is begun */
    /*
     * A new engine continues with what an earlier one had committed. After the tunnels' policies and before
     * anything else it gets IKE_EVENT_SAVED for each record, in any order, then IKE_EVENT_SAVED_END. The
     * answer to the latter names each Child SA and the state of each tunnel once more, since the earlier
     * engine may have been cut off anywhere in an answer. What the packet path already has stays as it is;
     * what it has besides is removed.
     */
    IKE_EVENT_SAVED,
    IKE_EVENT_SAVED_END,
    /* The packet path is new, or missed changes: the answer names each Child SA once more. */
    IKE_EVENT_PATH_NEW,
};

struct ike_event {
    enum ike_event_kind kind;
    union {
        struct {
            struct ip_endpoint local, remote;
            uint32_t ifindex;      /* arrival interface */
            struct octets message; /* on port 4500 without the non-ESP marker */
        } datagram;
        struct {
            uint32_t tunnel;
            struct packet_flow flow; /* family IP_NONE: it is not known */
        } packet;
        struct {
            uint32_t job;
            const struct ike_job_result *result;
        } job;
        struct {
            uint32_t spi;              /* inbound */
            struct ip_endpoint remote; /* IKE_EVENT_PEER_MOVED, _SPI_UNKNOWN: where it came from; of the
                                          latter the port is 0 unless it is ESP in UDP */
            struct ip_address local;   /* IKE_EVENT_SPI_UNKNOWN: where it arrived, and by which interface */
            uint32_t ifindex;
            bool never_heard; /* IKE_EVENT_CHILD_UNANSWERED: no packet has ever come in by the Child SA */
        } esp;
        struct {
            const struct tunnel_policy *policy;
            uint32_t slot; /* the tunnel's, see esp/owner.h */
        };
        int log_level;
        struct {
            uint32_t serial;     /* of the record; 0: it is another machine's, and there is none here yet */
            struct octets state; /* as struct ike_record_effect had it */
        } saved;
        uint32_t tunnel_gone;
        struct {
            uint32_t tunnel;
            struct peer_route route;
        } route;
        struct {
            uint32_t tunnel;
            const struct ip_address *addresses;
            size_t count; /* at most IKE_PEER_ADDRESSES_MAX */
        } peer;
        struct {
            struct ip_address address;
            bool is_here;
        } own;
        struct {
            struct ip_endpoint remote;
            struct octets message; /* its IKE header (28 octets), or more of it */
            int error;             /* errno */
        } not_sent;
        struct {
            bool all;
            uint32_t tunnel;
            bool by_path; /* its packet path can't carry a Child SA; else an operator asks for it */
        } clear;
    };
};

/* ---- Effects --------------------------------------------------------------------------------------- */

/* The state of one IKE SA with its Child SAs, in the byte form of ike/sa/record.h. */
struct ike_record_effect {
    uint32_t serial;     /* of the IKE SA */
    uint32_t tunnel;     /* its number; 0 as long as it is not known */
    struct octets state; /* no octets: the SA is gone or can't be recorded; its record is to be removed */
};

enum ike_action_kind {
    IKE_ACTION_DATAGRAM,
    IKE_ACTION_CHILD,         /* a change of a Child SA, for the packet path */
    IKE_ACTION_TUNNEL_UP,     /* the tunnel has an SA after having had none: history `Create` */
    IKE_ACTION_TUNNEL_DOWN,   /* its last SA is gone: history `Delete : REASON` */
    IKE_ACTION_TUNNEL_FAILED, /* there will be no SA: packets that wait, of one pair or all, are dropped */
    IKE_ACTION_JOB,
    IKE_ACTION_LOG,
    IKE_ACTION_FAILURE, /* a negotiation that may have been meant for this tunnel has failed: no log line */
};

/* The steps of a negotiation, in their order. */
enum ike_step {
    IKE_STEP_NONE,
    IKE_STEP_SA_INIT,
    IKE_STEP_AUTH,
    IKE_STEP_CHILD_SA, /* with its proposals and selectors; also within IKE_AUTH */
    IKE_STEP_COUNT
};

/* Functions of the event log. */
enum log_function { LOG_IKEV2, LOG_IPSEC };

/*
 * Public jobs are arithmetic: they need what is in the job, and CA certificates. Secret jobs need a key that
 * the engine does not have and go to the keeper, and so does the lookup of a name.
 */
enum ike_job_kind {
    IKE_JOB_KEY_EXCHANGE, /* public: one operation of a key exchange (crypto/key_exchange.h) */
    /*
     * Verifies the peer's AUTH, makes ours, or both (RFC 7296 2.15). Public is the verification of a
     * certificate and of a signature by it; all else is secret.
     */
    IKE_JOB_AUTH,
    /*
     * The name of a tunnel's peer is looked up now. If the result is new, IKE_EVENT_PEER_ROUTE and
     * IKE_EVENT_PEER_ADDRESSES come before the job is done. No output.
     */
    IKE_JOB_LOOK_UP,
};

/*
 * If both are asked for, our AUTH is made only if the peer's is right. The job has the octets that an end
 * signs, but no key of ours: the tunnel and the ID tell which one is used.
 */
struct ike_auth_job {
    uint32_t tunnel;
    uint16_t prf; /* enum prf_id: of the IKE SA, used with pre-shared keys */
    bool verify, sign;
    struct {
        struct identity identity;
        uint8_t method; /* enum auth_method, of its AUTH payload */
        struct octets value;
        struct octets signed_octets;
        /* Set if it is to be verified by certificate; the rest is then set too. */
        bool by_certificate;
        char cacert[CERTIFICATE_NAME_SIZE]; /* the CA's name, as in the policy */
        bool weak_allowed;
        struct octets certificates; /* that the peer sent: a list of pki/proof.h */
    } peer;
    struct {
        struct identity identity;
        struct octets signed_octets;
        /* For signatures. */
        signature_hash_set peer_hashes; /* of the peer's SIGNATURE_HASH_ALGORITHMS; none: it sent none */
        uint8_t peer_scheme;            /* see struct ike_auth_result; 0 too if it is not known yet */
        bool pkcs1;                     /* see struct own_proof_request */
        struct octets authorities;      /* of the peer's CERTREQ, AUTHORITY_SIZE octets each */
    } own;
};

/* What is wrong with an IKE_JOB_AUTH. */
enum ike_auth_fault {
    IKE_AUTH_OK,
    IKE_AUTH_NO_PEER_KEY, /* there is no key for the peer's ID */
    IKE_AUTH_WRONG,       /* the peer's AUTH does not fit its key */
    IKE_AUTH_NO_OWN_KEY,  /* there is no key for our ID; the peer's AUTH is right, if that was asked */
    IKE_AUTH_NO_SCHEME,   /* the same, but our key can't sign in a way that the peer knows (RFC 7427) */
    IKE_AUTH_NOT_DONE,    /* it could not be computed: no memory, too much to do, or the tunnel is gone */
    /* By certificate: the reason says more. */
    IKE_AUTH_NO_CERTIFICATE,  /* the peer sends none */
    IKE_AUTH_OTHER_IDENTITY,  /* the peer's certificate is not that of its ID */
    IKE_AUTH_INVALID,         /* the peer's certificate is not valid under the CA */
    IKE_AUTH_WEAK,            /* the same, but `cert weak-allowed` may allow it */
    IKE_AUTH_WRONG_SIGNATURE, /* the peer's AUTH is not by the key of its certificate */
};

struct ike_auth_result {
    enum ike_auth_fault fault;
    uint8_t method;        /* enum auth_method, of our AUTH */
    uint16_t value_length; /* of our AUTH; 0: it was not asked for, or there is a fault */
    uint8_t value[IKE_AUTH_VALUE_MAX];
    struct octets certificates; /* to be sent with our AUTH: a list of pki/proof.h */
    uint8_t peer_scheme;        /* 1 + the row of signature_schemes by which the peer signed; 0: none */
    uint8_t own_padding;        /* of our AUTH by signature (struct own_proof) */
    /* By what we have proved our ID, for the log: as struct own_proof has it; or that the peer's key stood in
     * (S17). "": by the key of the policy. */
    char own_text[PROOF_TEXT_SIZE];
    uint32_t own_key_line; /* of our key, where the policy does not know which it is (S17); else 0 */
    const char *reason;    /* for the log: what is wrong; NULL: the fault says it all */
};

struct ike_job {
    uint32_t job; /* comes back with IKE_EVENT_JOB_DONE */
    enum ike_job_kind kind;
    union {
        struct key_exchange_job key_exchange;
        struct ike_auth_job auth;
        struct {
            uint32_t tunnel;
            struct ip_address
                seen; /* where the peer is: the route leads there if the name has that address */
        } look_up;
    };
};

/* The result of a job. */
struct ike_job_result {
    enum ike_job_kind kind;
    bool ok; /* it could be done; only then the rest is set */
    union {
        struct key_exchange_result key_exchange;
        struct ike_auth_result auth;
    };
};

struct ike_action {
    enum ike_action_kind kind;
    union {
        struct {
            uint32_t tunnel; /* that it belongs to; 0: not known yet (a responder's answer to IKE_SA_INIT) */
            struct ip_endpoint local, remote;
            uint32_t ifindex, mark;
            struct octets message; /* for port 4500 the sender adds the non-ESP marker */
        } datagram;
        const struct child_command *child;
        struct {
            uint32_t tunnel;
            const char *reason;
        } state; /* up, down */
        struct {
            uint32_t tunnel;
            struct packet_pair pair;
        } failed;
        struct ike_job *job;
        struct {
            enum log_level level;
            enum log_function function;
            uint32_t tunnel; /* 0 with `has_tunnel` false */
            bool has_tunnel;
            /* The step at which the negotiation of a tunnel without an SA has failed. Such lines are made
             * whatever the log level is: the shows tell of them. */
            enum ike_step failed;
            const char *text; /* one line, without its end */
        } log;                /* IKE_ACTION_FAILURE too */
    };
};

/* An answer. Everything that it points to belongs to it and lasts until the next event. */
struct ike_effects {
    const struct ike_record_effect *records;
    size_t record_count;
    const struct ike_action *actions;
    size_t action_count;
};

/* ---- The engine ------------------------------------------------------------------------------------ */

/* A new engine without tunnels; NULL if there is no memory. */
struct ike_engine *ike_engine_new(const struct ike_options *options);

/* Wipes all keys and frees the engine. Sends nothing: see IKE_EVENT_STOP. `engine` may be NULL. */
void ike_engine_free(struct ike_engine *engine);

/*
 * Unix time, in milliseconds, at which the caller's clock was 0, whose time ike_engine_handle is given. Told
 * before the first event, and whenever the wall clock has made a step: another machine that goes on with a
 * record knows no other time.
 */
void ike_engine_set_epoch(struct ike_engine *engine, uint64_t epoch);

/* Takes in one event that happened at `now` (never earlier than that of the call before). */
const struct ike_effects *ike_engine_handle(struct ike_engine *engine, msec_t now,
                                            const struct ike_event *event);

/* When the engine wants IKE_EVENT_TIMER next; MSEC_NEVER if it waits for nothing. */
msec_t ike_engine_deadline(const struct ike_engine *engine);

/* True after IKE_EVENT_STOP when no SA is left. */
bool ike_engine_is_idle(const struct ike_engine *engine);

/* What `clear ikev2 statistics` resets and the shows print: datagrams that were dropped, by reason. */
enum ike_counter {
    IKE_COUNT_RECEIVED,
    IKE_COUNT_SENT,
    IKE_COUNT_MALFORMED,        /* lengths or structure wrong */
    IKE_COUNT_IKEV1,            /* IKEv1 messages, ignored (S1) */
    IKE_COUNT_WRONG_VERSION,    /* another major version, answered with INVALID_MAJOR_VERSION */
    IKE_COUNT_UNKNOWN_SPI,      /* no IKE SA has these SPIs; a request is answered with INVALID_IKE_SPI */
    IKE_COUNT_TOO_EARLY,        /* IKE_SA_INIT before IKE_EVENT_TUNNELS_TOLD */
    IKE_COUNT_NO_TUNNEL,        /* IKE_SA_INIT that no tunnel may answer */
    IKE_COUNT_HALF_OPEN_LIMIT,  /* messages and half-open IKE SAs beyond the limits of the latter */
    IKE_COUNT_COOKIES,          /* IKE_SA_INIT answered with COOKIE */
    IKE_COUNT_INTEGRITY,        /* ICV wrong */
    IKE_COUNT_REPLAYED,         /* requests answered from the cache again */
    IKE_COUNT_OUT_OF_WINDOW,    /* message ID outside of the window */
    IKE_COUNT_RETRANSMITTED,    /* our own requests, sent again */
    IKE_COUNT_FRAGMENTS,        /* fragments of messages (RFC 7383) that are the peer's */
    IKE_COUNT_FRAGMENTS_UNUSED, /* those that fit no message: repeated, beyond the total, not negotiated */
    IKE_COUNT_IN_CLEAR,         /* notifications that are not encrypted: anybody can send them */
    IKE_COUNTER_COUNT
};

/* The counters, IKE_COUNTER_COUNT of them; valid as long as the engine. */
const uint64_t *ike_engine_counters(const struct ike_engine *engine);

#endif
