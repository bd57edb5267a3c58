/*
 * A world of gateways on virtual time: real engines, a network between them that a test bends as it likes,
 * jobs answered on the spot, or when a test likes. Everything follows from the seed, so that a run can be
 * repeated exactly.
 */
#ifndef MUSUBI_SIM_WORLD_H
#define MUSUBI_SIM_WORLD_H

#include "ike/ike.h"

#include <stdio.h>

struct world;
struct gateway;

/* What the network does to datagrams, and how jobs are answered. */
struct network_conditions {
    msec_t delay_min, delay_max; /* of each datagram */
    unsigned loss_percent;
    unsigned duplicate_percent;
    unsigned corrupt_percent;
    bool real_arithmetic; /* real Diffie-Hellman, not the toy group */
    msec_t job_time;      /* that each job takes; 0: hardly any */
};

/* A Child SA that a gateway's packet path holds. */
struct installed_child {
    struct installed_child *next;
    struct child_settings sa;
    bool active;  /* packets may leave by it */
    bool stopped; /* no more */
    bool named;   /* by an engine that goes on with what another one left */
};

/* A datagram on its way, as a test's hook sees it. */
struct flying_datagram {
    struct ip_endpoint from, to;
    struct octets message;
};

/*
 * Looks on as things happen, and calls world_broken for what must never happen. Any of its functions may be
 * NULL.
 */
struct world_observer {
    /* After an event, before its actions: what is committed is all that the engine would need to go on. */
    void (*records)(struct gateway *g);
    /* A message leaves; a message arrives. */
    void (*departure)(struct gateway *g, struct octets message);
    void (*arrival)(struct gateway *g, struct octets message);
    /* A Child SA is installed. */
    void (*child)(struct gateway *g, const struct child_settings *install);
    /* gateway_check_end. */
    void (*end)(struct gateway *g);
};

/* A world without gateways. `observer` (not copied) may be NULL. */
struct world *world_new(uint64_t seed, const struct world_observer *observer);
void world_free(struct world *w);

/* Notes the first fault of a run. */
void world_broken(struct gateway *g, const char *what);

struct network_conditions *world_conditions(struct world *w);

/* Tells everything that happens to `trace`, line by line; NULL: then only warnings are made, which is
 * quicker. */
void world_set_trace(struct world *w, FILE *trace);

/* Whether records are looked at after every event, which takes half of the time. */
void world_check_records(struct world *w, bool wanted);
msec_t world_now(const struct world *w);

/* Called for each datagram that is sent; false drops it. NULL: none. */
void world_set_hook(struct world *w, bool (*hook)(void *context, const struct flying_datagram *d),
                    void *context);

/* A gateway at an address. Log lines are kept; `world_log_has` searches them. */
struct gateway *world_add_gateway(struct world *w, const char *name, const char *address);

/* A policy as R20 has it when nothing is configured, to the peer at `peer`: an address, "any", or a name. */
struct tunnel_policy world_default_policy(uint32_t tunnel, const char *peer, const char *local_keyid,
                                          const char *remote_keyid);

/* Gives a tunnel to a gateway, with the keys of both sides and a route to the peer. */
void gateway_set_tunnel(struct gateway *g, const struct tunnel_policy *policy, const char *local_key,
                        const char *remote_key);

/* Tells the engine a new route to a tunnel's peer. */
void gateway_set_route(struct gateway *g, uint32_t tunnel, const struct peer_route *route);

/*
 * Gives a gateway the tunnels of a running-config, each with a route to its peer; those that it had and that
 * are not in there any more are taken away (S4), those that changed get their new policies (R11). The numbers
 * of tunnels are those of tunnel_policy.
 */
void gateway_configure(struct gateway *g, const char *text);

/* Takes a tunnel out of what the gateway's next engine will be told; its present one keeps it. */
void gateway_drop_tunnel(struct gateway *g, uint32_t tunnel);

/*
 * Puts a NAT with a public address in front of a gateway, before it has tunnels; several gateways may share
 * the address. Then lets it forget its mappings: what the gateway sends comes from other ports from now on.
 */
void gateway_set_nat(struct gateway *g, const char *address);
void gateway_rebind_nat(struct gateway *g);

/* The same with one that passes ports 500 and 4500 on to the gateway, so that its peers can begin. */
void gateway_set_forwarding_nat(struct gateway *g, const char *address);

/* The gateway's clock jumps ahead, as when a machine has slept. */
void gateway_jump_clock(struct gateway *g, msec_t by);

/* Cuts two gateways off from each other, or joins them again. */
void world_set_partition(struct world *w, const struct gateway *a, const struct gateway *b, bool cut);

/* Takes away all that a gateway knows, its SAs too, as a power cut does, and starts it again with its
 * tunnels. */
void gateway_restart(struct gateway *g);

/*
 * The gateway's engine ends after it has performed so many more actions of its answers (0: at once), in the
 * middle of an answer maybe, and a new one goes on with the records that are kept (IKE_EVENT_SAVED). With
 * `path_too` the packet path starts anew as well, and has nothing but what the new engine tells it.
 */
void gateway_resume_after(struct gateway *g, unsigned actions, bool path_too);

/* The gateway's packet path starts anew, with nothing, and its engine hands it all Child SAs. */
void gateway_renew_path(struct gateway *g);

/* If the engine is still to end, it does not. */
void gateway_cancel_resume(struct gateway *g);

/* From now on the gateway has another address. */
void gateway_set_address(struct gateway *g, const char *address);

/*
 * What name servers say of the name of a tunnel's peer from now on: addresses with blanks between; "": none.
 * The gateway hears of it when it looks the name up: by itself, or when its engine asks.
 */
void gateway_set_name(struct gateway *g, uint32_t tunnel, const char *addresses);
void gateway_look_up(struct gateway *g, uint32_t tunnel);

/* How often the engine asked, and how long it has to wait each time (0 at first). */
size_t gateway_look_ups(const struct gateway *g, uint32_t tunnel);
void gateway_set_look_up_delay(struct gateway *g, msec_t delay);

/* Events. A datagram arrives at the gateway's address and interface 1, or elsewhere. */
void gateway_packet_waits(struct gateway *g, uint32_t tunnel);
void gateway_packet_of_flow_waits(struct gateway *g, uint32_t tunnel, const struct packet_flow *flow);
void gateway_clear(struct gateway *g, uint32_t tunnel);
void gateway_stop(struct gateway *g);

/* The packet path reports something of ESP; `remote` may be NULL where it does not matter. */
void gateway_report_esp(struct gateway *g, enum ike_event_kind kind, uint32_t spi,
                        const struct ip_endpoint *remote);
void gateway_receive(struct gateway *g, const struct ip_endpoint *from, struct octets message);
void gateway_receive_at(struct gateway *g, const struct ip_address *local, uint32_t ifindex,
                        const struct ip_endpoint *from, struct octets message);

/*
 * From now on each gateway sends a packet by each of its tunnels every `interval` milliseconds (0: none), by
 * the newest active Child SA; the network delays it, but loses none.
 */
void world_set_traffic(struct world *w, msec_t interval);

/* Packets that a gateway got by a Child SA that it has, and those for which it had none. */
size_t gateway_packets_received(const struct gateway *g);
size_t gateway_packets_lost(const struct gateway *g);

/* Lets `duration` milliseconds pass. */
void world_run(struct world *w, msec_t duration);

/* A number from the world's chance, below `bound`. */
uint64_t world_chance_below(struct world *w, uint64_t bound);

/* What no run may ever show; NULL while all is well, else what was seen. */
const char *world_fault(const struct world *w);

/* After gateway_stop and time enough: a fault if the gateway has anything left. */
void gateway_check_end(struct gateway *g);

/* What can be seen of a gateway. */
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

/* What the event log holds at level warn, a line each: "Tunnel0.0: TEXT", or without a tunnel "TEXT". */
const char *gateway_warnings(const struct gateway *g);
const char *gateway_last_down_reason(const struct gateway *g);
struct ike_engine *gateway_engine(const struct gateway *g);
struct ip_address gateway_address(const struct gateway *g);
size_t gateway_sent(const struct gateway *g);

/*
 * True if each of the two gateways has one Child SA for its tunnel, and what one sends the other can open:
 * SPIs, algorithms, keys and selectors fit.
 */
bool world_tunnel_carries(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                          uint32_t tunnel_b);

/* The same of the Child SAs by which packets may leave: others may linger. */
bool world_tunnel_carries_by_one(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                                 uint32_t tunnel_b);

#endif
