/*
 * A network of gateways and a time of trouble, all of which follow from a seed: who has tunnels with whom,
 * how each is configured, what the weather is, and what happens to whom.
 */
#ifndef MUSUBI_SIM_SCENARIO_H
#define MUSUBI_SIM_SCENARIO_H

#include "sim/world.h"

enum {
    SCENARIO_GATEWAYS_MAX = 50,
    SCENARIO_LINKS_MAX = SCENARIO_GATEWAYS_MAX,
    SCENARIO_HEAL_TIME = 90 * 1000, /* milliseconds after which every tunnel that somebody keeps up carries */
};

/* How one end of a tunnel is configured. */
struct scenario_end {
    size_t gateway;
    uint32_t interface; /* N of TunnelN.0 */
    bool any;           /* `peer any`: the other end's address is not known */
    bool by_name;       /* `peer FQDN`: it is asked of name servers */
    bool keeps_up;      /* connect-type auto */
    bool responder;     /* negotiation-direction responder */
    bool asks_for_life; /* DPD is on, whatever an operator changes */
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
    bool behind_nat[SCENARIO_GATEWAYS_MAX];
    uint32_t next_interface[SCENARIO_GATEWAYS_MAX];
    size_t gateway_count;
    struct scenario_link links[SCENARIO_LINKS_MAX];
    size_t link_count;
    bool real_arithmetic;
};

/* Builds the network of a seed and configures its gateways. `trace` as in world_set_trace. */
void scenario_build(struct scenario *s, uint64_t seed, FILE *trace);
void scenario_free(struct scenario *s);

/* Bad weather begins; then one thing happens to somebody. */
void scenario_begin_trouble(struct scenario *s);
void scenario_trouble(struct scenario *s);

/* The weather clears, the network is whole, and everybody is configured as at first, more or less. */
void scenario_heal(struct scenario *s);

/*
 * Asks, SCENARIO_HEAL_TIME after it, whether every tunnel that is kept up by both ends, or by one that asks
 * for life (DPD), is up and carries packets, and has one Child SA in the end. Returns what is wrong, to be
 * used before the next call; NULL if nothing is.
 */
const char *scenario_complaint(struct scenario *s);

/* The running-config of a gateway, as a router would print it. */
void scenario_print_config(const struct scenario *s, size_t gateway, FILE *out);

#endif
