/*
 * The inside of the engine: what all exchanges share. Outsiders include ike/ike.h.
 *
 * An engine has tunnels; a tunnel has IKE SAs; an IKE SA has Child SAs and a queue of tasks, its own
 * requests, one of which is under way at a time (RFC 7296 2.3, window of 1).
 */
#ifndef MUSUBI_IKE_SERVICES_ENGINE_H
#define MUSUBI_IKE_SERVICES_ENGINE_H

#include "base/map.h"
#include "ike/ike.h"
#include "ike/services/effects.h"
#include "ike/wire/message.h"

#include <sys/queue.h>

struct child_sa;
struct ike_sa;
struct ike_tunnel;

enum {
    SCRATCH_SIZE = IKE_DATAGRAM_MAX,
    HALF_OPEN_MAX = 1024,        /* IKE SAs that we answered and that are not authenticated */
    HALF_OPEN_TIMEOUT = 30000,   /* milliseconds; R15: the peer's retransmissions end by then */
    AUTO_CHECK_INTERVAL = 10000, /* milliseconds (R43) */
    CHILDREN_MAX = 16,           /* Child SAs of one tunnel (S38) */
    REFUSED_REQUESTS_MAX =
        64, /* that are remembered, so that retransmissions are not told in the log again */
};

/* Something that happens at a time. `deadline` stands first, so that the heap's entry is the timer. */
struct ike_timer {
    struct deadline deadline;
    void (*fire)(struct ike_engine *engine, void *owner);
    void *owner;
};

struct ike_tunnel {
    LIST_ENTRY(ike_tunnel) link;
    struct tunnel_policy policy;
    struct peer_route way;
    struct ip_address *peer_addresses; /* of its name (PEER_FQDN), peer_address_count of them */
    size_t peer_address_count;
    bool policy_is_newer; /* since it changed the name has had no addresses yet */
    bool up;              /* has an SA: the history's `Create` was told */
    msec_t deaf_until;    /* after a failure: the path may yet ask for the packets that have failed */
    LIST_HEAD(, ike_sa) sas;
    struct ike_timer auto_check;
};

/* The secrets of cookies: the current one, and the one before. */
struct cookie_secrets {
    uint8_t number; /* of the current one, counting round; its place is number & 1. 0 at first: none yet */
    msec_t changed;
    uint8_t secret[2][32];
};

/* IKE_SA_INIT requests that were refused last, round and round; without more state than that. */
struct refused_requests {
    struct {
        uint64_t key; /* as of `half_open` */
        msec_t time;
    } request[REFUSED_REQUESTS_MAX];
    size_t next;
};

/* How often something may still be done in the second that began at `since`. */
struct ike_budget {
    msec_t since;
    unsigned spent;
};

LIST_HEAD(ike_tunnel_list, ike_tunnel);
LIST_HEAD(ike_sa_list, ike_sa);

struct ike_engine {
    struct ike_options options;
    msec_t now;
    uint64_t event_number; /* of the event being handled: orders what happens in one millisecond */
    struct effects effects;
    struct deadline_heap deadlines;

    struct map tunnels; /* by number */
    struct ike_tunnel_list tunnel_list;
    struct map sas;           /* by our own SPI */
    struct map half_open;     /* half-open SAs by half_open_key */
    struct map jobs;          /* IKE SAs whose job is out, by the job's number */
    struct map child_spis;    /* Child SAs by inbound SPI */
    struct ike_sa_list dirty; /* IKE SAs whose records are out of date */
    struct ike_sa_list all_sas;
    struct ike_sa_list destroyed; /* to be freed when the event is done */
    size_t half_open_count;
    struct cookie_secrets cookie_secrets;
    struct refused_requests refused;

    uint32_t next_ike_serial, next_esp_serial, next_job;
    uint32_t *free_slots; /* of struct esp_live, given back */
    size_t free_slot_count, free_slot_capacity;
    uint32_t next_slot;

    uint8_t *received_scratch; /* SCRATCH_SIZE octets: a received message, decrypted */
    uint8_t *joined_scratch;   /* SCRATCH_SIZE octets: a received message, joined from fragments */
    uint8_t *inner_scratch;    /* SCRATCH_SIZE octets: payloads being put together */
    uint8_t *message_scratch;  /* SCRATCH_SIZE octets: the message that they go into */

    msec_t unknown_spi_told;        /* when ESP for no SA was looked into last */
    struct ike_budget invalid_spis; /* answers to IKE requests for no SA */
    bool stopping;
    uint64_t counters[IKE_COUNTER_COUNT];
};

/* ---- Services for all parts of the engine ----------------------------------------------------------- */

/* `length` random octets; a random 64-bit number that is not 0. */
void engine_random(struct ike_engine *engine, void *out, size_t length);
uint64_t engine_random_spi(struct ike_engine *engine);

/* Sets a timer `delay` milliseconds from now; MSEC_NEVER unsets it. */
void engine_set_timer(struct ike_engine *engine, struct ike_timer *timer, msec_t delay);
void engine_cancel_timer(struct ike_engine *engine, struct ike_timer *timer);

/* The same at a time, `due`, which may have passed. */
void engine_set_timer_at(struct ike_engine *engine, struct ike_timer *timer, msec_t due);

/* Takes and gives back a slot for a struct esp_live. */
uint32_t engine_take_slot(struct ike_engine *engine);
void engine_give_back_slot(struct ike_engine *engine, uint32_t slot);

void engine_count(struct ike_engine *engine, enum ike_counter counter);

/* The tunnel with a number; NULL if there is none. */
struct ike_tunnel *engine_tunnel(const struct ike_engine *engine, uint32_t number);

/* Adds a line to the event log. `tunnel` may be NULL. Costs nothing if the level is not wanted. */
__attribute__((format(printf, 5, 6))) void engine_log(struct ike_engine *engine, enum log_level level,
                                                      enum log_function function,
                                                      const struct ike_tunnel *tunnel, const char *format,
                                                      ...);

/* True if lines of this level are wanted: to save the work of making them. */
bool engine_logs(const struct ike_engine *engine, enum log_level level);

/*
 * Sends octets from `local` to `remote`, by the interface and with the mark given (0: none). `tunnel` is the
 * one that they belong to; NULL if that is not known.
 */
void engine_send(struct ike_engine *engine, const struct ike_tunnel *tunnel, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark, struct octets message);

/*
 * Hands out a job for an IKE SA; the SA's messages wait until `ike_sa_job_done` (ike/ike_sa.h). The job's
 * octets are copied.
 */
void engine_start_job(struct ike_engine *engine, struct ike_sa *sa, const struct ike_job *job);

/* ---- Tunnels (tunnel.c) ----------------------------------------------------------------------------- */

/* The events that concern a tunnel. */
void tunnel_set_policy(struct ike_engine *engine, const struct tunnel_policy *policy);
void tunnel_remove(struct ike_engine *engine, uint32_t number);
void tunnel_set_route(struct ike_engine *engine, uint32_t number, const struct peer_route *way);
void tunnel_set_peer_addresses(struct ike_engine *engine, uint32_t number, const struct ip_address *addresses,
                               size_t count);
void tunnel_packet_waits(struct ike_engine *engine, uint32_t number, const struct packet_flow *flow);
void tunnel_clear(struct ike_tunnel *tunnel, const char *reason);
void tunnel_free(struct ike_engine *engine, struct ike_tunnel *tunnel);

/*
 * Whether a peer may make one more Child SA (S38); those that were replaced or are being deleted do not
 * count, nor those of IKE SAs that INITIAL_CONTACT of `newcomer` takes away. NULL: there is no
 * INITIAL_CONTACT.
 */
bool tunnel_has_room(const struct ike_tunnel *tunnel, const struct ike_sa *newcomer);

/* A tunnel's Child SAs changed: tells the caller when it came up or went down (R64). */
void tunnel_update_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason);

/* Tells the caller in any case. */
void tunnel_tell_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason);

/* A negotiation that the tunnel started or answered failed: waiting packets are dropped. */
void tunnel_negotiation_failed(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* The same for the packets of a pair alone. */
void tunnel_packets_fail(struct ike_engine *engine, const struct ike_tunnel *tunnel,
                         const struct packet_pair *pair);

/* Starts a negotiation if the tunnel may and none is under way. */
void tunnel_connect(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* True if the name of the tunnel's peer has the address. */
bool tunnel_peer_has(const struct ike_tunnel *tunnel, const struct ip_address *address);

/* ---- Saved states (restore.c) ------------------------------------------------------------------------ */

/* Takes in one saved IKE SA with its Child SAs; what can't go on is forgotten. */
void engine_restore(struct ike_engine *engine, struct octets state);

/* All are there: hands their Child SAs to the packet path, sends requests again, goes on with the rest. */
void engine_restore_end(struct ike_engine *engine);

/* Hands all Child SAs to the packet path once more, with what has become of them since. */
void engine_hand_over_children(struct ike_engine *engine);

/* ---- What the packet path reports (path_reports.c) ---------------------------------------------------- */

void engine_child_used(struct ike_engine *engine, uint32_t inbound_spi);
void engine_sequence_low(struct ike_engine *engine, uint32_t inbound_spi);
void engine_peer_moved(struct ike_engine *engine, uint32_t inbound_spi, const struct ip_endpoint *remote);

/*
 * The peer is told in the tunnel's IKE SA, so that it sends by another Child SA (RFC 7296 1.5); where there
 * is none, and the address is the configured peer's, one is made (S9).
 */
void engine_spi_unknown(struct ike_engine *engine, uint32_t spi, const struct ip_address *remote);

/* ---- Datagrams (receive.c) -------------------------------------------------------------------------- */

/*
 * Answers a request that belongs to no IKE SA with one notify, in the clear, and keeps no state (RFC
 * 7296 1.5, 2.5, 2.6). `ifindex` and `mark` as in engine_send.
 */
void engine_answer_in_clear(struct ike_engine *engine, const struct ip_endpoint *local,
                            const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                            const struct ike_header *request, uint16_t notify, struct octets content);

/* Takes in a datagram: finds its IKE SA, or starts one. */
void engine_receive(struct ike_engine *engine, const struct ip_endpoint *local,
                    const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram);

#endif
