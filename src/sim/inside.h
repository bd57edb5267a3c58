/*
 * Shared by the files of the simulator and by checks of its inside. Others include sim/world.h.
 */
#ifndef MUSUBI_SIM_INSIDE_H
#define MUSUBI_SIM_INSIDE_H

#include "base/map.h"
#include "ike/sa/objects.h"
#include "path/unknown_spi.h"
#include "pki/reason.h"
#include "sim/world.h"

#include <stdio.h>

enum {
    PARTITIONS_MAX = 64,
    NAME_ADDRESSES_MAX = 4,
    OWN_ADDRESSES_MAX = 64,
};

/* A state record as the keeper would keep it. */
struct kept_record {
    uint32_t serial;
    uint32_t tunnel; /* as the engine named it */
    uint8_t *octets;
    size_t length;
};

struct name_addresses {
    struct ip_address at[NAME_ADDRESSES_MAX];
    size_t count;
};

/* A pre-shared key, from malloc. */
struct sim_key {
    uint8_t *at; /* NULL: none */
    size_t length;
};

struct sim_tunnel {
    struct sim_tunnel *next;
    bool present; /* in the gateway's config */
    bool up;
    uint32_t slot; /* of the tunnel: its place in the list */
    struct tunnel_policy policy;
    struct sim_key local_key, remote_key;
    uint32_t own_key_line;    /* of local_key, if our ID is our address (S17); else 0 */
    bool peers_key_is_own;    /* local_key is that of the peer's ID, for want of one of our own */
    struct ip_address source; /* of its route; IP_NONE: the gateway's address */
    uint32_t ifindex;         /* of its route */
    size_t failures;
    size_t
        noted_failures; /* of negotiations of the peer that may have been meant for other tunnels as well */
    /* Of a peer by FQDN: the addresses at the name servers, those of the last lookup, the one in use. */
    struct name_addresses said, heard;
    struct ip_address chosen;                /* IP_NONE: none */
    size_t look_ups;                         /* jobs of the engine */
    uint64_t packets_sent, packets_received; /* of the traffic, by a real path */
    size_t auth_jobs;                        /* jobs of the engine */
};

/* Text of log lines, each with its line end. */
struct log_text {
    char *at; /* NULL: none yet */
    size_t length;
};

/* The public port of one of a gateway's ports. */
struct nat_mapping {
    uint16_t port;
    msec_t used; /* when a packet left by it last */
};

/* A NAT with one public address, and a mapping for each of the gateway's two ports. */
struct nat {
    bool present;
    struct ip_address address;
    struct nat_mapping ike, esp; /* of 500 and 4500 */
    msec_t lifetime;             /* of a mapping by which no packet leaves; 0: it lasts */
};

/* An address that a gateway has or had. */
struct own_address {
    struct ip_address address;
    bool is_here;
};

struct gateway {
    struct gateway *next;
    struct world *world;
    char name[16];
    struct ip_address address; /* the source of its routes; IP_NONE: it has no routes */
    struct own_address own_addresses[OWN_ADDRESSES_MAX];
    size_t own_address_count;
    struct nat nat;      /* in front of it, if `nat.present` */
    int64_t clock_ahead; /* milliseconds that its clock is ahead of the world's */
    uint64_t epoch;      /* Unix time in milliseconds when the gateway's clock was 0 */
    struct ike_engine *engine;
    const struct sim_store *store;             /* of certificates, or NULL */
    struct sim_tunnel *tunnels, **tunnels_end; /* in the order in which they were added */
    struct map tunnels_by_number;
    struct installed_child *children; /* in the order of the engine's commands, newest first */
    struct real_path *real_path;      /* that has them too, or NULL (sim/real_path.h) */
    struct kept_record *records;
    size_t record_count, record_capacity;
    struct log_text log, warnings;
    char down_reason[128];
    bool stopped;   /* by gateway_stop; a new engine is stopped too */
    bool ends;      /* the engine will end after `actions_left` more actions */
    bool path_ends; /* and the packet path with it */
    bool restoring; /* a new engine reads the records */
    unsigned actions_left;
    size_t sent;
    msec_t look_up_delay;
    struct unknown_spi_table unknown_spis;
    size_t packets_received, packets_lost;
};

enum coming_kind {
    COMING_DATAGRAM,
    COMING_JOB,
    COMING_LOOK_UP,
    COMING_PACKET,
    COMING_TRAFFIC,
    COMING_ESP,
    COMING_REPORT,
    COMING_NOT_SENT,
};

/* Something that will happen: a datagram or a packet arrives, a job or the lookup of one is done, traffic is
 * due, ESP of a real path arrives, a report of such a path reaches its engine, or that a message did not
 * leave. */
struct coming {
    struct coming *next;
    msec_t time;
    uint64_t order; /* of scheduling, which decides between two at the same time */
    struct gateway *gateway;
    enum coming_kind kind;
    uint32_t job;
    int error;
    struct ip_endpoint from, to;
    bool encapsulated; /* ESP: in UDP */
    bool is_first;     /* ESP: no copy, and not damaged */
    size_t length;
    uint8_t octets[];
};

struct world {
    uint64_t random_state;
    msec_t now;
    uint64_t next_order;
    struct network_conditions conditions;
    bool real_paths;
    FILE *trace; /* or NULL */
    const struct world_observer *observer;
    bool checks_records; /* the observer is called for records */
    int log_level;
    msec_t traffic_interval;
    bool (*hook)(void *context, const struct flying_datagram *d);
    void *hook_context;
    struct {
        const struct gateway *a, *b;
    } partitions[PARTITIONS_MAX];
    size_t partition_count;
    struct map seen; /* for the observer: hashes of what must not occur again */
    char fault[256];
    struct gateway *gateways;
    struct coming *coming; /* in order of time */
};

/* ---- world.c: chance, time, the network -------------------------------------------------------------- */

/* The next random number; `length` random octets, as the engine's random source. */
uint64_t world_random(struct world *w);
void world_fill_random(void *context, uint8_t *out, size_t length);

/* Makes something that will happen, with a copy of octets; and schedules it in `delay` ms, which takes it
 * over. */
struct coming *coming_new(struct gateway *g, struct octets octets);
void world_schedule(struct world *w, struct coming *c, msec_t delay);

/* Remembers octets; true if they were remembered before. */
bool world_remember(struct world *w, const void *octets, size_t length);

/* ---- network.c --------------------------------------------------------------------------------------- */

/*
 * The gateway that a datagram to `*to` reaches; NULL if there is none. Behind a NAT, `*to` becomes the
 * endpoint there.
 */
struct gateway *network_find(struct world *w, struct ip_endpoint *to);

/* The endpoint from which a gateway's datagrams from `from` came last, as others see it. */
struct ip_endpoint network_outside(const struct gateway *g, const struct ip_endpoint *from);

/* The same for a datagram that leaves now: a mapping that has timed out is made anew, with another port. */
struct ip_endpoint network_leave(struct gateway *g, const struct ip_endpoint *from);

/* Sends a datagram of a gateway, as the conditions and the hook allow. */
void network_send(struct gateway *g, const struct ip_endpoint *from, const struct ip_endpoint *to,
                  struct octets message);

/* The same for a datagram of ESP, which arrives as COMING_ESP. */
void network_send_esp(struct gateway *g, const struct ip_endpoint *from, const struct ip_endpoint *to,
                      bool encapsulated, struct octets datagram);

/* How long a datagram takes, by chance within the conditions. */
msec_t network_delay(struct world *w);

/* True with a probability of `percent` in a hundred. */
bool world_chance(struct world *w, unsigned percent);

/* ---- gateway.c --------------------------------------------------------------------------------------- */

/* Hands an event to the engine and performs its effects. The engine may end in the middle
 * (gateway_resume_after). */
void gateway_handle(struct gateway *g, const struct ike_event *event);

/* The result in a COMING_JOB, into which it points. */
struct ike_job_result gateway_job_result(const struct coming *c);

/* The tunnel with a number; NULL if the gateway never had one. */
struct sim_tunnel *gateway_tunnel(const struct gateway *g, uint32_t number);

/* ---- gateway_life.c ---------------------------------------------------------------------------------- */

/* Ends the gateway's engine now; a new one continues from its records. */
void gateway_resume(struct gateway *g);

/* Forgets the Child SAs of the packet path. */
void gateway_forget_children(struct gateway *g);

/* The gateway's own time. */
msec_t gateway_now(const struct gateway *g);

/* Adds a line to the log, and to the trace. */
void gateway_add_log_line(struct gateway *g, const char *text);
void gateway_free(struct gateway *g);

/* Tells the engine the route to a tunnel's peer, and the addresses of its name. */
void gateway_tell_route(struct gateway *g, const struct sim_tunnel *t);

/* Tells the engine the routes of all tunnels. */
void gateway_tell_routes(struct gateway *g);

/* ---- own_addresses.c --------------------------------------------------------------------------------- */

bool gateway_has_address(const struct gateway *g, const struct ip_address *address);

/* Tells an engine that is new which addresses the gateway has lost. */
void gateway_tell_gone_addresses(struct gateway *g);

/* Why nothing can be sent from an address: an errno; or 0. */
int gateway_send_error(const struct gateway *g, const struct ip_address *from);

/* The engine hears a moment later that a message could not leave. */
void gateway_schedule_not_sent(struct gateway *g, const struct ip_endpoint *to, struct octets message,
                               int error);
void gateway_take_not_sent(struct gateway *g, const struct coming *c);

/* ---- certificates.c ---------------------------------------------------------------------------------- */

/* Fills in what a policy has of the gateway's store. */
void certificates_complete_policy(const struct gateway *g, struct tunnel_policy *policy);

/* Verifies a peer by certificate, as the engine's thread pool does; `reason` is the memory of `out->reason`.
 */
void certificates_verify(const struct gateway *g, const struct ike_auth_job *job, struct ike_auth_result *out,
                         struct pki_reason *reason);

/* Signs, as the keeper does; the certificates that go along are written to `certificates`. */
void certificates_sign(const struct gateway *g, const struct tunnel_policy *policy,
                       const struct ike_auth_job *job, struct ike_auth_result *out,
                       struct writer *certificates);

/* ---- names.c ----------------------------------------------------------------------------------------- */

/* Starts a lookup for the engine; and ends it, with its result. */
void names_start_job(struct gateway *g, const struct ike_job *job);
void names_finish_job(struct gateway *g, const struct coming *c);

/* ---- traffic.c --------------------------------------------------------------------------------------- */

/* Each gateway sends its packets, and the next traffic is scheduled. */
void world_traffic_due(struct world *w);

/* A packet of the traffic arrives. */
void gateway_take_packet(struct gateway *g, const struct coming *c);

#endif
