/*
 * The inside of the world: what its files share. Tests include world.h.
 */
#ifndef MUSUBI_SIM_WORLD_INSIDE_H
#define MUSUBI_SIM_WORLD_INSIDE_H

#include "base/map.h"
#include "ike/engine.h"
#include "world.h"

enum { TUNNELS_MAX = 16, RECORDS_MAX = 4096, KEY_MAX = 64, PARTITIONS_MAX = 64, STRANGERS_MAX = 64 };

struct kept_record {
    uint32_t serial;
    uint8_t *octets;
    size_t length;
};

struct sim_tunnel {
    bool present, up;
    struct tunnel_policy policy;
    char local_key[KEY_MAX], remote_key[KEY_MAX];
    size_t failures;
};

/* Somebody who sends ESP for no SA, and when the engine was told of it. */
struct stranger {
    struct ip_address address;
    msec_t told;
};

struct gateway {
    struct gateway *next;
    struct world *world;
    char name[16];
    struct ip_address address;
    struct ike_engine *engine;
    struct sim_tunnel tunnels[TUNNELS_MAX];
    struct installed_child *children;
    struct kept_record records[RECORDS_MAX];
    size_t record_count;
    char *log;
    size_t log_length;
    char down_reason[128];
    bool stopped;   /* told to stop, and so is an engine that goes on */
    bool ends;      /* the engine is to end, after `actions_left` more actions */
    bool path_ends; /* and the packet path with it */
    bool restoring; /* what is installed already stays as it is */
    unsigned actions_left;
    size_t sent;
    struct stranger strangers[STRANGERS_MAX];
    size_t stranger_count;
    size_t packets_received, packets_lost;
};

enum coming_kind { COMING_DATAGRAM, COMING_JOB, COMING_PACKET, COMING_TRAFFIC };

/* Something that happens later: a datagram or a packet arrives, a job is done, traffic is due. */
struct coming {
    struct coming *next;
    msec_t time;
    uint64_t order; /* of two at the same time the one that was sent first comes first */
    struct gateway *gateway;
    enum coming_kind kind;
    uint32_t job;
    bool job_ok;
    struct ip_endpoint from, to;
    size_t length;
    uint8_t octets[];
};

struct world {
    uint64_t random_state;
    msec_t now;
    uint64_t next_order;
    struct weather weather;
    msec_t traffic_interval;
    bool (*hook)(void *context, const struct flying_datagram *d);
    void *hook_context;
    struct {
        struct ip_address a, b;
    } partitions[PARTITIONS_MAX];
    size_t partition_count;
    struct map seen; /* what must not come again (invariants.c), by hashes */
    char fault[256];
    struct gateway *gateways;
    struct coming *coming; /* in order of time */
};

/* ---- world.c: chance, time, the network -------------------------------------------------------------- */

/* The next number of the world's chance; `length` octets of it, as an engine asks for them. */
uint64_t world_random(struct world *w);
void world_fill_random(void *context, uint8_t *out, size_t length);

/* Something that is to happen, with a copy of octets; then when. */
struct coming *coming_new(struct gateway *g, struct octets octets);
void world_schedule(struct world *w, struct coming *c, msec_t delay);

/* The gateway at an address; NULL if there is none. */
struct gateway *world_gateway_at(struct world *w, const struct ip_address *address);

/* Sends a datagram, as the weather and the test's hook allow. */
void world_send(struct world *w, const struct ip_endpoint *from, const struct ip_endpoint *to,
                struct octets message);

/* ---- gateway.c --------------------------------------------------------------------------------------- */

/* Hands an event to the engine and performs its answer. An engine that is to end may end in the middle. */
void gateway_handle(struct gateway *g, const struct ike_event *event);

void gateway_add_log_line(struct gateway *g, const char *text);
void gateway_free(struct gateway *g);

/* ---- traffic.c --------------------------------------------------------------------------------------- */

/* Each gateway sends its packets, and traffic is due again. */
void world_traffic_due(struct world *w);

/* A packet of the traffic arrives. */
void gateway_take_packet(struct gateway *g, const struct coming *c);

#endif
