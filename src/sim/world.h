/*
 * A network of gateways on virtual time, the world: real engines, a network between them whose conditions the
 * caller sets, and jobs that are done at once or after a while. The seed determines the whole run, so it can
 * be repeated exactly.
 */
#ifndef MUSUBI_SIM_WORLD_H
#define MUSUBI_SIM_WORLD_H

#include "ike/ike.h"

#include <stdio.h>

struct world;
struct gateway;

/* Unix time in milliseconds at which the world's clock was 0. */
#define SIM_EPOCH UINT64_C(1790000000000)

/* What the network does to datagrams, and how jobs are answered. */
struct network_conditions {
    msec_t delay_min, delay_max; /* of each datagram */
    unsigned loss_percent;
    unsigned duplicate_percent;
    unsigned corrupt_percent;
    bool real_arithmetic;             /* real key exchanges, not the toy group */
    msec_t job_time;                  /* what each job takes beyond 1 ms */
    const struct gateway *overloaded; /* its jobs of authentication can't be done; NULL: none */
};

/* A Child SA in a gateway's packet path. */
struct installed_child {
    struct installed_child *next;
    struct child_settings sa;
    bool active;             /* packets may leave by it */
    bool stopped;            /* packets no longer leave by it */
    bool named;              /* by a new engine, which installs again what it has records of */
    msec_t heard;            /* when a packet came last */
    msec_t unanswered_since; /* when the first one left after that; 0: none yet */
};

/* A datagram that is sent, as the hook sees it. */
struct flying_datagram {
    struct ip_endpoint from, to;
    struct octets message;
};

/*
 * Functions that are called as things happen. They call world_broken if something must not happen. Each may
 * be NULL.
 */
struct world_observer {
    /* After an event and before its actions, when the records are committed. */
    void (*records)(struct gateway *g);
    /* The same, with what the engine wants done. */
    void (*actions)(struct gateway *g, const struct ike_effects *effects);
    /* A message is sent; a message arrives. */
    void (*departure)(struct gateway *g, struct octets message);
    void (*arrival)(struct gateway *g, struct octets message);
    /* ESP of a real path is sent. */
    void (*esp)(struct gateway *g, struct octets datagram);
    /* A Child SA is installed. */
    void (*child)(struct gateway *g, const struct child_settings *install);
    /* By gateway_check_end. */
    void (*end)(struct gateway *g);
};

/* A world without gateways. `observer` is not copied; it may be NULL. */
struct world *world_new(uint64_t seed, const struct world_observer *observer);

/* Frees a world with its gateways. */
void world_free(struct world *w);

/* Records a fault of a gateway, unless the run has one already. */
void world_broken(struct gateway *g, const char *what);

/* The conditions, for the caller to change. At first each datagram takes 10 ms, and none is lost. */
struct network_conditions *world_conditions(struct world *w);

/* Writes all that happens to `trace`, line by line. With NULL, engines make only warnings, which is
 * faster. */
void world_set_trace(struct world *w, FILE *trace);

/*
 * Gives all gateways real packet paths (sim/real_path.h), before there is one. Packets of the traffic are
 * sealed and opened then, and the network does to them what it does to all datagrams.
 */
void world_use_real_paths(struct world *w);

/* Sets whether the observer's `records` is called, which takes half of the time. At first it is. */
void world_check_records(struct world *w, bool wanted);

/* The world's time. */
msec_t world_now(const struct world *w);

/* Sets a function that is called for each datagram that is sent; false drops the datagram. NULL: none. */
void world_set_hook(struct world *w, bool (*hook)(void *context, const struct flying_datagram *d),
                    void *context);

/* Adds a gateway at an address. It keeps its log lines; gateway_log_has searches them. The world frees it. */
struct gateway *world_add_gateway(struct world *w, const char *name, const char *address);

/* The default policy (R20) with key IDs and a peer, which is an address, "any", or a domain name. */
struct tunnel_policy world_default_policy(uint32_t tunnel, const char *peer, const char *local_keyid,
                                          const char *remote_keyid);

/* Gives a tunnel to a gateway, with the keys of both sides and a route to the peer. */
void gateway_set_tunnel(struct gateway *g, const struct tunnel_policy *policy, const char *local_key,
                        const char *remote_key);

/* The same with keys of any octets. */
void gateway_set_tunnel_with_keys(struct gateway *g, const struct tunnel_policy *policy,
                                  struct octets local_key, struct octets remote_key);

/*
 * Our ID in a tunnel is our address (S17): the line of the key by which we prove it, 0 if it has none; and
 * whether that is the key of the peer's ID.
 */
void gateway_set_own_key(struct gateway *g, uint32_t tunnel, uint32_t line, bool is_peers);

/* The route to the tunnel's peer gets another source address than the gateway's (family IP_NONE: the same),
 * and an outgoing interface. What arrives does so on interface 1. */
void gateway_set_tunnel_route(struct gateway *g, uint32_t tunnel, const struct ip_address *source,
                              uint32_t ifindex);

/* What a gateway's certificate store has under a name (R91): a certificate, its chain and perhaps its key. */
struct sim_certificate {
    const char *name;
    struct certificate *const *chain;
    size_t chain_length;
    const struct private_key *key; /* NULL: none */
};

struct sim_store {
    const struct sim_certificate *certificates;
    size_t count;
    struct crl *const *crls;
    size_t crl_count;
};

/* Gives a gateway a store, before its tunnels. It is not copied. */
void gateway_set_store(struct gateway *g, const struct sim_store *store);

/* Tells the engine a new route to a tunnel's peer. */
void gateway_set_route(struct gateway *g, uint32_t tunnel, const struct peer_route *route);

/*
 * Gives a gateway the tunnels of a running-config, each with a route to its peer. Tunnels that it no longer
 * has are removed (S4), and changed ones get their new policies (R11). Tunnels have the numbers of struct
 * tunnel_policy.
 */
void gateway_configure(struct gateway *g, const char *text);

/* Removes a tunnel from the config for the gateway's next engine; the present one keeps it. */
void gateway_drop_tunnel(struct gateway *g, uint32_t tunnel);

/*
 * Puts a NAT with a public address in front of a gateway, which must not have tunnels yet. Several gateways
 * may share the address.
 */
void gateway_set_nat(struct gateway *g, const char *address);

/* The NAT loses its mappings: the gateway's packets come from other ports from now on. */
void gateway_rebind_nat(struct gateway *g);

/*
 * Mappings of the gateway's NAT time out when nothing has left by them for `lifetime` ms: nothing comes in by
 * them any more, and what leaves next comes from another port. 0: they last, as at first.
 */
void gateway_set_nat_lifetime(struct gateway *g, msec_t lifetime);

/* A NAT that passes ports 500 and 4500 on to the gateway, so that peers can begin; otherwise gateway_set_nat.
 */
void gateway_set_forwarding_nat(struct gateway *g, const char *address);

/* The gateway's clock jumps ahead, as after a machine has slept. */
void gateway_jump_clock(struct gateway *g, msec_t by);

/* Separates two gateways, or joins them again. */
void world_set_partition(struct world *w, const struct gateway *a, const struct gateway *b, bool cut);

/* Removes all of a gateway's state, as a power cut does, and starts it again with its tunnels. */
void gateway_restart(struct gateway *g);

/* The first half of a restart: its engine knows no tunnel yet. */
void gateway_begin_again(struct gateway *g);

/*
 * The gateway's engine ends after `actions` more actions (0: at once), perhaps in the middle of those of one
 * event, and a new engine continues from the records (IKE_EVENT_SAVED). With `path_too` the packet path is
 * new as well, and has only the Child SAs that the new engine installs.
 */
void gateway_resume_after(struct gateway *g, unsigned actions, bool path_too);

/*
 * Another machine goes on with the gateway's IKE SAs, under its address: it gets the records without what
 * means something on the old machine alone. Its clock has just begun, and its packet path has no Child SA.
 */
void gateway_take_over(struct gateway *g);

/* A record without what means something on one machine alone. Its octets are moved in place. */
struct octets record_without_machine(uint8_t *at, size_t length);

/* The gateway gets a new packet path, without Child SAs, in which its engine installs all of them. */
void gateway_renew_path(struct gateway *g);

/* The same with real paths, whose Child SAs have only `left` sequence numbers left. */
void gateway_renew_path_with_few_numbers(struct gateway *g, uint32_t left);

/* Cancels gateway_resume_after if the engine has not ended yet. */
void gateway_cancel_resume(struct gateway *g);

/* From now on the gateway has another address in the place of the one that its routes have as source. */
void gateway_set_address(struct gateway *g, const char *address);

/*
 * The gateway gets one more address, or loses one. Its routes have another one as source (NULL: there are no
 * routes); they are gone when that is lost. What it sends from an address that it has not does not leave.
 */
void gateway_add_address(struct gateway *g, const char *address);
void gateway_remove_address(struct gateway *g, const char *address);
void gateway_set_source(struct gateway *g, const char *address);

/*
 * Sets the addresses of the domain name of a tunnel's peer, separated by blanks; "" is none. The gateway
 * learns them when it looks the name up: by gateway_look_up, or when its engine asks.
 */
void gateway_set_name(struct gateway *g, uint32_t tunnel, const char *addresses);
void gateway_look_up(struct gateway *g, uint32_t tunnel);

/* How often the engine has asked for lookups, and how long each takes (at first 0). */
size_t gateway_look_ups(const struct gateway *g, uint32_t tunnel);
void gateway_set_look_up_delay(struct gateway *g, msec_t delay);

/* Events for the engine: a packet waits for a tunnel, or a packet of a flow, or was dropped; `clear` of a
 * tunnel; a stop. */
void gateway_packet_waits(struct gateway *g, uint32_t tunnel);
void gateway_packet_of_flow_waits(struct gateway *g, uint32_t tunnel, const struct packet_flow *flow);
void gateway_packet_is_outside(struct gateway *g, uint32_t tunnel, const struct packet_flow *flow);
void gateway_clear(struct gateway *g, uint32_t tunnel);
void gateway_stop(struct gateway *g);

/* The packet path reports an event about ESP. `remote` may be NULL if the event has none. */
void gateway_report_esp(struct gateway *g, enum ike_event_kind kind, uint32_t spi,
                        const struct ip_endpoint *remote);

/* The same of packets that only go out; `never_heard`: none has ever come in. */
void gateway_report_unanswered(struct gateway *g, uint32_t spi, bool never_heard);

/* A datagram arrives at the gateway's address and interface 1; or at another address and interface. */
void gateway_receive(struct gateway *g, const struct ip_endpoint *from, struct octets message);
void gateway_receive_at(struct gateway *g, const struct ip_address *local, uint32_t ifindex,
                        const struct ip_endpoint *from, struct octets message);

/*
 * From now on each gateway sends a packet through each of its tunnels every `interval` milliseconds (0:
 * none), by the newest active Child SA. The network delays packets, but loses none.
 */
void world_set_traffic(struct world *w, msec_t interval);

/* How many packets came to a gateway for which it had the Child SA, and for which it had none. */
size_t gateway_packets_received(const struct gateway *g);
size_t gateway_packets_lost(const struct gateway *g);

/* A packet of the traffic enters a tunnel of a gateway with a real path, whether or not it has a Child SA. */
void gateway_put_packet(struct gateway *g, uint32_t tunnel);

/* Packets that came out of a tunnel of a gateway with a real path, and those that were sent into it. */
uint64_t gateway_tunnel_received(const struct gateway *g, uint32_t tunnel);
uint64_t gateway_tunnel_sent(const struct gateway *g, uint32_t tunnel);

/* Lets `duration` milliseconds pass. */
void world_run(struct world *w, msec_t duration);

/* A random number below `bound`, from the world's seed. */
uint64_t world_chance_below(struct world *w, uint64_t bound);

/* The first fault of the run, as text; NULL if there is none. */
const char *world_fault(const struct world *w);

/* Some time after gateway_stop: lets the observer check that the gateway has nothing left. */
void gateway_check_end(struct gateway *g);

/* The state of a gateway: whether a tunnel is up, how many Child SAs it has, and all Child SAs, the newest
 * first. */
bool gateway_tunnel_is_up(const struct gateway *g, uint32_t tunnel);
size_t gateway_child_count(const struct gateway *g, uint32_t tunnel);
const struct installed_child *gateway_children(const struct gateway *g);
size_t gateway_failures(const struct gateway *g,
                        uint32_t tunnel); /* times that waiting packets were dropped */
size_t gateway_auth_jobs(const struct gateway *g,
                         uint32_t tunnel);            /* IKE_JOB_AUTH that the engine has handed out */
size_t gateway_record_count(const struct gateway *g); /* records that are kept */
struct octets gateway_record(const struct gateway *g, size_t index);
bool gateway_log_has(const struct gateway *g, const char *text);
size_t gateway_log_count(const struct gateway *g, const char *text); /* times that it stands there */

/* The log's lines of level warn or above: "Tunnel0.0: TEXT", or "TEXT" without a tunnel. */
const char *gateway_warnings(const struct gateway *g);

/* True for such a line about an SA that is made or deleted, which is logged at level warn too (R102). */
bool warning_is_of_life(const char *line, size_t length);

/* Why a tunnel went down last; the engine, until it ends; the address; the number of datagrams sent. */
const char *gateway_last_down_reason(const struct gateway *g);
struct ike_engine *gateway_engine(const struct gateway *g);
struct ip_address gateway_address(const struct gateway *g);
size_t gateway_sent(const struct gateway *g);

/*
 * True if each of the two gateways has exactly one Child SA for its tunnel, and each can open what the other
 * sends: SPIs, algorithms, keys, selectors and addresses match.
 */
bool world_tunnel_carries(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                          uint32_t tunnel_b);

/* The same, except that stopped Child SAs do not count. */
bool world_tunnel_carries_by_one(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                                 uint32_t tunnel_b);

#endif
