/*
 * A network of gateways and a time of trouble. The seed determines all of it: who has tunnels with whom, how
 * each gateway is configured, the conditions of the network, and what happens to which gateway.
 */
#ifndef MUSUBI_SIM_SCENARIO_H
#define MUSUBI_SIM_SCENARIO_H

#include "sim/world.h"

enum {
    SCENARIO_GATEWAYS_MAX = 50,
    SCENARIO_LINKS_MAX = SCENARIO_GATEWAYS_MAX,
    SCENARIO_HEAL_TIME = 90 * 1000, /* milliseconds until all tunnels that are kept up carry packets again */
};

/* What is in front of a gateway. */
enum scenario_nat {
    SCENARIO_NO_NAT,
    SCENARIO_NAT,
    SCENARIO_NAT_FORWARDS, /* the peers' IKE_SA_INIT too */
};

/* How one end of a tunnel is configured. */
struct scenario_end {
    size_t gateway;
    uint32_t interface; /* N of TunnelN.0 */
    bool any;           /* `peer any`: the other end's address is not configured */
    bool by_name;       /* `peer FQDN` */
    bool keeps_up;      /* connect-type auto */
    bool responder;     /* negotiation-direction responder */
    bool asks_for_life; /* DPD is always on, whatever an operator changes */
    uint32_t sa_lifetime, child_lifetime, dpd_interval;
    const char *proposal, *pfs; /* lines, or NULL */
    bool shut_down, absent;
};

struct scenario_link {
    struct scenario_end ends[2];
    size_t number;
};

struct scenario {
    struct world *w;
    struct gateway *gateways[SCENARIO_GATEWAYS_MAX];
    enum scenario_nat nats[SCENARIO_GATEWAYS_MAX];
    uint32_t next_interface[SCENARIO_GATEWAYS_MAX];
    size_t gateway_count;
    struct scenario_link links[SCENARIO_LINKS_MAX];
    size_t link_count;
    bool real_arithmetic;
    bool nats_forget; /* mappings of NATs time out */
    bool real_paths;  /* gateways seal and open ESP with path/, which starts anew by itself too */
};

/* Builds the network of a seed and configures its gateways. `trace` as in world_set_trace. */
void scenario_build(struct scenario *s, uint64_t seed, FILE *trace);
void scenario_free(struct scenario *s);

/* Makes the network's conditions bad; and then lets one thing happen to one gateway, at each call. */
void scenario_begin_trouble(struct scenario *s);
void scenario_trouble(struct scenario *s);

/* The network recovers, and all gateways have all their tunnels configured again. */
void scenario_heal(struct scenario *s);

/*
 * Runs for SCENARIO_HEAL_TIME and longer after scenario_heal. Returns what is wrong, as text that is valid
 * until the next call, unless each tunnel that both ends keep up, or one end with DPD, is up, carries
 * packets, and finally has one Child SA. NULL if nothing is wrong.
 */
const char *scenario_complaint(struct scenario *s);

/* The running-config of a gateway, as a router would print it. */
void scenario_print_config(const struct scenario *s, size_t gateway, FILE *out);

#endif
