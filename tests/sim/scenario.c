#include "scenario.h"
#include "invariants.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t below(struct scenario *s, uint64_t bound)
{
    return world_chance_below(s->w, bound);
}

/* True once in `bound` times. */
static bool one_in(struct scenario *s, uint64_t bound)
{
    return below(s, bound) == 0;
}

/* The number of a Tunnel interface, as the config gives it (config/policy.h). */
static uint32_t tunnel_of(const struct scenario_end *end)
{
    return (end->interface << 16) + 1;
}

/* ---- The network ------------------------------------------------------------------------------------- */

enum { ADDRESS_SIZE = 32 };

/* The address by which the peers of a gateway name it. */
static void public_address(size_t gateway, char out[ADDRESS_SIZE])
{
    (void)snprintf(out, ADDRESS_SIZE, "10.0.0.%zu", gateway + 1);
}

/* The address that a gateway has at first, and when the trouble is over; and another one. */
static void home_address(const struct scenario *s, size_t gateway, char out[ADDRESS_SIZE])
{
    public_address(gateway, out);
    if (s->nats[gateway] == SCENARIO_NAT_FORWARDS)
        (void)snprintf(out, ADDRESS_SIZE, "172.16.0.%zu", gateway + 1);
}

static void other_address(size_t gateway, uint64_t which, char out[ADDRESS_SIZE])
{
    (void)snprintf(out, ADDRESS_SIZE, "10.0.%u.%zu", 1 + (unsigned)which, gateway + 1);
}

/* Sets the addresses of the name of an end's peer: the right one, or `wrong`. */
static void tell_name(struct scenario *s, const struct scenario_link *link, const struct scenario_end *end,
                      const char *wrong)
{
    struct gateway *g = s->gateways[end->gateway];
    char address[ADDRESS_SIZE];
    public_address(link->ends[end == &link->ends[0]].gateway, address);
    gateway_set_name(g, tunnel_of(end), wrong != NULL ? wrong : address);
    gateway_look_up(g, tunnel_of(end));
}

static void configure(struct scenario *s, size_t gateway)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert(out != NULL);
    scenario_print_config(s, gateway, out);
    (void)fclose(out);
    gateway_configure(s->gateways[gateway], text);
    free(text);
    for (size_t i = 0; i < 2 * s->link_count; i++) {
        const struct scenario_link *link = &s->links[i / 2];
        const struct scenario_end *end = &link->ends[i % 2];
        if (end->gateway == gateway && end->by_name && !end->absent)
            tell_name(s, link, end, NULL);
    }
}

/* Puts a NAT in front of a gateway. */
static void add_nat(struct scenario *s, size_t gateway)
{
    char address[ADDRESS_SIZE];
    struct gateway *g = s->gateways[gateway];
    if (s->nats[gateway] == SCENARIO_NAT_FORWARDS) {
        public_address(gateway, address);
        gateway_set_forwarding_nat(g, address);
        return;
    }
    gateway_set_nat(g, "198.51.100.1"); /* one for all: several clients share it */
    /* Sooner or later than a keepalive comes; only later where no end may follow the other one. */
    msec_t shortest = s->nats[0] == SCENARIO_NAT_FORWARDS ? 25000 : 3000;
    if (s->nats_forget)
        gateway_set_nat_lifetime(g, shortest + below(s, 60000));
}

static void add_gateway(struct scenario *s, enum scenario_nat nat)
{
    char name[32];
    char address[ADDRESS_SIZE];
    size_t i = s->gateway_count++;
    (void)snprintf(name, sizeof name, "G%zu", i + 1);
    s->nats[i] = nat;
    home_address(s, i, address);
    s->gateways[i] = world_add_gateway(s->w, name, address);
    gateway_set_look_up_delay(s->gateways[i], below(s, 3000));
    if (nat != SCENARIO_NO_NAT)
        add_nat(s, i);
}

/* Chooses the settings that may change at any time, and may differ between the ends. */
static void choose_times(struct scenario *s, struct scenario_end *end)
{
    end->sa_lifetime = (uint32_t)(40 + below(s, 400));
    end->child_lifetime = (uint32_t)(20 + below(s, 300));
    end->dpd_interval = end->asks_for_life || one_in(s, 2) ? (uint32_t)(5 + below(s, 20)) : 0;
}

/* Chooses algorithms for both ends, which always have some in common. */
static void choose_algorithms(struct scenario *s, struct scenario_link *link)
{
    static const char *const proposals[] = {NULL, "child-proposal enc aes-gcm-256 aes-cbc-256",
                                            "child-proposal enc aes-cbc-256 aes-cbc-128"};
    static const char *const pfs[] = {"child-pfs off", "child-pfs 1024-bit"};
    const char *of_link = pfs[below(s, 2)];
    for (size_t i = 0; i < 2; i++) {
        link->ends[i].proposal = proposals[below(s, 3)];
        link->ends[i].pfs = one_in(s, 2) ? of_link : NULL;
    }
}

/* Adds a tunnel that at least its first end keeps up. If only that one does, it uses DPD. */
static void add_link(struct scenario *s, size_t first, size_t second, bool second_knows_no_address)
{
    struct scenario_link *link = &s->links[s->link_count];
    *link = (struct scenario_link){.number = s->link_count};
    link->ends[0] = (struct scenario_end){.gateway = first, .interface = s->next_interface[first]++};
    link->ends[1] = (struct scenario_end){.gateway = second, .interface = s->next_interface[second]++};
    link->ends[0].keeps_up = true;
    link->ends[1].any = second_knows_no_address;
    link->ends[0].by_name = one_in(s, 3);
    link->ends[1].by_name = !second_knows_no_address && one_in(s, 3);
    link->ends[1].keeps_up = !second_knows_no_address && one_in(s, 2);
    link->ends[1].responder = !link->ends[1].keeps_up && one_in(s, 4);
    link->ends[0].asks_for_life = !link->ends[1].keeps_up;
    choose_times(s, &link->ends[0]);
    choose_times(s, &link->ends[1]);
    choose_algorithms(s, link);
    if (second_knows_no_address) { /* R49: the dynamic side's lifetimes must not be longer */
        link->ends[1].sa_lifetime = 500;
        link->ends[1].child_lifetime = 400;
    }
    s->link_count++;
}

/* Builds a network in which every gateway has a tunnel with an earlier one. */
static void build_tree(struct scenario *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_gateway(s, SCENARIO_NO_NAT);
        if (i > 0)
            add_link(s, i, below(s, i), false);
    }
}

/* A NAT, or none. */
static enum scenario_nat some_nat(struct scenario *s)
{
    return one_in(s, 2) ? SCENARIO_NAT : SCENARIO_NO_NAT;
}

/* Builds a centre that knows its sites only by their IDs; some sites are behind a NAT, and perhaps the
 * centre. */
static void build_star(struct scenario *s, size_t count)
{
    add_gateway(s, s->nats_forget && one_in(s, 2) ? SCENARIO_NAT_FORWARDS : SCENARIO_NO_NAT);
    for (size_t i = 1; i < count; i++) {
        add_gateway(s, some_nat(s));
        add_link(s, i, 0, true);
    }
}

/* Builds several tunnels between two gateways (R47). */
static void build_bundle(struct scenario *s, size_t count)
{
    add_gateway(s, some_nat(s));
    add_gateway(s, SCENARIO_NO_NAT);
    for (size_t i = 0; i < count; i++)
        add_link(s, 0, 1, true);
}

void scenario_build(struct scenario *s, uint64_t seed, FILE *trace)
{
    enum {
        LARGE = 20,
        REAL_PATHS_IN = 16, /* scenarios one has real packet paths */
        NATS_FORGET_IN = 3, /* and in one the mappings of NATs time out */
    };
    *s = (struct scenario){.w = world_new(seed, &invariants), .real_arithmetic = seed % 100 == 99};
    world_set_trace(s->w, trace);
    world_check_records(s->w, seed % 4 == 0);
    bool large = one_in(s, 100);
    s->real_paths = seed % REAL_PATHS_IN == REAL_PATHS_IN / 2 && !large;
    if (s->real_paths)
        world_use_real_paths(s->w);
    s->nats_forget = seed % NATS_FORGET_IN == 0;
    size_t count = large ? LARGE + below(s, SCENARIO_GATEWAYS_MAX - LARGE + 1) : 2 + below(s, 5);
    switch (below(s, 8)) {
    case 0:
        build_bundle(s, 2 + below(s, 2));
        break;
    case 1:
    case 2:
        build_star(s, count);
        break;
    default:
        build_tree(s, count);
        break;
    }
    for (size_t i = 0; i < s->gateway_count; i++)
        configure(s, i);
}

void scenario_free(struct scenario *s)
{
    world_free(s->w);
}

/* ---- Trouble ----------------------------------------------------------------------------------------- */

static void change_conditions(struct scenario *s)
{
    *world_conditions(s->w) = (struct network_conditions){
        .delay_min = 1,
        .delay_max = 1 + below(s, 5000),
        .loss_percent = (unsigned)below(s, 41),
        .duplicate_percent = (unsigned)below(s, 30),
        .corrupt_percent = (unsigned)below(s, 5),
        .real_arithmetic = s->real_arithmetic,
        .job_time = one_in(s, 3) ? below(s, 3000) : 0,
    };
}

/* An operator changes the config of one end of a link. */
static void edit_config(struct scenario *s, struct scenario_end *end)
{
    switch (below(s, 4)) {
    case 0:
        end->shut_down = !end->shut_down;
        break;
    case 1:
        end->absent = !end->absent;
        break;
    default:
        if (!end->any)
            choose_times(s, end);
        break;
    }
    configure(s, end->gateway);
}

/* Changes the name of the peer: to the right address, to none, to another one, or to one more. */
static void change_name(struct scenario *s, const struct scenario_link *link, const struct scenario_end *end)
{
    static const char *const wrong[] = {NULL, "", "10.0.7.7", "10.0.7.7 10.0.0.1"};
    if (end->by_name && !end->absent)
        tell_name(s, link, end, wrong[below(s, 4)]);
}

static void change_traffic(struct scenario *s)
{
    world_set_traffic(s->w, one_in(s, 3) ? 0 : 300 + below(s, 3000));
}

/*
 * An own address is lost, or another one takes its place; or the route to the peers has the other one as
 * source while both are there; or the first one is there again.
 */
static void change_own_address(struct scenario *s, size_t gateway)
{
    enum { OTHERS = 3 };
    struct gateway *g = s->gateways[gateway];
    char home[ADDRESS_SIZE];
    char other[ADDRESS_SIZE];
    if (s->nats[gateway] == SCENARIO_NAT_FORWARDS) /* it forwards to one address */
        return;
    home_address(s, gateway, home);
    other_address(gateway, below(s, OTHERS), other);
    switch (below(s, 5)) {
    case 0:
        gateway_remove_address(g, one_in(s, 2) ? home : other);
        break;
    case 1:
    case 2:
        gateway_set_address(g, other);
        break;
    case 3:
        gateway_add_address(g, other);
        gateway_set_source(g, other);
        break;
    default:
        gateway_add_address(g, home);
        gateway_set_source(g, home);
        break;
    }
}

static void change_partition(struct scenario *s, const struct scenario_link *link)
{
    world_set_partition(s->w, s->gateways[link->ends[0].gateway], s->gateways[link->ends[1].gateway],
                        one_in(s, 2));
}

void scenario_begin_trouble(struct scenario *s)
{
    change_conditions(s);
}

void scenario_trouble(struct scenario *s)
{
    struct scenario_link *link = &s->links[below(s, s->link_count)];
    struct scenario_end *end = &link->ends[below(s, 2)];
    struct gateway *g = s->gateways[end->gateway];
    if (s->real_paths && one_in(s, 5)) {
        gateway_renew_path(g);
        return;
    }
    switch (below(s, 17)) {
    case 0:
        gateway_restart(g);
        break;
    case 1:
    case 2:
        gateway_resume_after(g, (unsigned)below(s, 12), one_in(s, 2));
        break;
    case 3:
        gateway_clear(g, tunnel_of(end));
        break;
    case 4:
        gateway_packet_waits(g, tunnel_of(end));
        break;
    case 5:
    case 6:
        change_partition(s, link);
        break;
    case 7:
        edit_config(s, end);
        break;
    case 8:
        if (!end->any) /* its lifetimes would end before those of the other end, which alone may rekey (R49)
                        */
            gateway_jump_clock(g, below(s, one_in(s, 4) ? 600000 : 20000));
        break;
    case 9:
        if (s->nats[end->gateway] == SCENARIO_NAT)
            gateway_rebind_nat(g);
        break;
    case 10:
        change_traffic(s);
        break;
    case 11:
    case 12:
        change_name(s, link, end);
        break;
    case 13:
    case 14:
    case 15:
        change_own_address(s, end->gateway);
        break;
    default:
        change_conditions(s);
        break;
    }
}

/* True if the peers of a gateway know it by its IDs alone: it may stay where it is. */
static bool may_be_anywhere(const struct scenario *s, size_t gateway)
{
    for (size_t i = 0; i < s->link_count; i++) {
        const struct scenario_end *ends = s->links[i].ends;
        for (size_t end = 0; end < 2; end++) {
            if (ends[end].gateway == gateway && !ends[1 - end].any)
                return false;
        }
    }
    return gateway_address(s->gateways[gateway]).family != IP_NONE;
}

void scenario_heal(struct scenario *s)
{
    world_set_traffic(s->w, 0);
    *world_conditions(s->w) =
        (struct network_conditions){.delay_min = 1, .delay_max = 20, .real_arithmetic = s->real_arithmetic};
    for (size_t i = 0; i < s->link_count; i++) {
        struct scenario_end *ends = s->links[i].ends;
        world_set_partition(s->w, s->gateways[ends[0].gateway], s->gateways[ends[1].gateway], false);
        ends[0].shut_down = ends[0].absent = ends[1].shut_down = ends[1].absent = false;
    }
    for (size_t i = 0; i < s->gateway_count; i++) {
        char home[ADDRESS_SIZE];
        home_address(s, i, home);
        gateway_cancel_resume(s->gateways[i]);
        if (!may_be_anywhere(s, i))
            gateway_set_address(s->gateways[i], home);
        configure(s, i);
    }
}

/* ---- Afterwards -------------------------------------------------------------------------------------- */

static char complaint[256];

static const char *complain_of(const struct scenario_link *link, const char *what)
{
    (void)snprintf(complaint, sizeof complaint, "the tunnel G%zu-G%zu (Tunnel%u.0, Tunnel%u.0) %s",
                   link->ends[0].gateway + 1, link->ends[1].gateway + 1, link->ends[0].interface,
                   link->ends[1].interface, what);
    return complaint;
}

static const struct scenario_link *link_that_is_down(const struct scenario *s)
{
    for (size_t i = 0; i < s->link_count; i++) {
        const struct scenario_end *ends = s->links[i].ends;
        if (!gateway_tunnel_is_up(s->gateways[ends[0].gateway], tunnel_of(&ends[0])) ||
            !gateway_tunnel_is_up(s->gateways[ends[1].gateway], tunnel_of(&ends[1])))
            return &s->links[i];
    }
    return NULL;
}

static size_t packets_lost(const struct scenario *s)
{
    size_t lost = 0;
    for (size_t i = 0; i < s->gateway_count; i++)
        lost += gateway_packets_lost(s->gateways[i]);
    return lost;
}

static bool has_one_child(const struct scenario *s, const struct scenario_link *link)
{
    const struct scenario_end *ends = link->ends;
    return world_tunnel_carries_by_one(s->gateways[ends[0].gateway], tunnel_of(&ends[0]),
                                       s->gateways[ends[1].gateway], tunnel_of(&ends[1]));
}

/* A link that keeps several Child SAs; they are allowed only while one replaces another. */
static const struct scenario_link *link_with_too_many(struct scenario *s)
{
    enum { PATIENCE = 120 }; /* seconds */
    bool settled[SCENARIO_LINKS_MAX] = {false};
    size_t left = s->link_count;
    for (unsigned second = 0; second < PATIENCE && left > 0; second++) {
        for (size_t i = 0; i < s->link_count; i++) {
            if (settled[i] || !has_one_child(s, &s->links[i]))
                continue;
            settled[i] = true;
            left--;
        }
        if (left > 0)
            world_run(s->w, 1000);
    }
    for (size_t i = 0; i < s->link_count; i++) {
        if (!settled[i])
            return &s->links[i];
    }
    return NULL;
}

/* What came out of the tunnels of all links' ends so far; in each place of an end its own. */
static void count_received(const struct scenario *s, uint64_t received[2 * SCENARIO_LINKS_MAX])
{
    for (size_t i = 0; i < 2 * s->link_count; i++) {
        const struct scenario_end *end = &s->links[i / 2].ends[i % 2];
        received[i] = gateway_tunnel_received(s->gateways[end->gateway], tunnel_of(end));
    }
}

/* A link by which no packet has come to one of its ends since they were counted. */
static const struct scenario_link *link_without_packets(const struct scenario *s,
                                                        const uint64_t before[2 * SCENARIO_LINKS_MAX])
{
    uint64_t now[2 * SCENARIO_LINKS_MAX];
    count_received(s, now);
    for (size_t i = 0; i < 2 * s->link_count; i++) {
        if (now[i] == before[i])
            return &s->links[i / 2];
    }
    return NULL;
}

const char *scenario_complaint(struct scenario *s)
{
    enum { STREAM = 5 * 1000 };
    /* Without DPD, only traffic shows that the two ends have different SAs. */
    world_set_traffic(s->w, 1000);
    world_run(s->w, SCENARIO_HEAL_TIME);
    const struct scenario_link *down = link_that_is_down(s);
    if (down != NULL)
        return complain_of(down, "is not up 90 s after the network recovered");
    size_t lost = packets_lost(s);
    uint64_t received[2 * SCENARIO_LINKS_MAX];
    count_received(s, received);
    world_set_traffic(s->w, 200);
    world_run(s->w, STREAM);
    world_set_traffic(s->w, 0);
    world_run(s->w, 1000);
    if (packets_lost(s) != lost) {
        (void)snprintf(complaint, sizeof complaint, "%zu packets were lost after the network recovered",
                       packets_lost(s) - lost);
        return complaint;
    }
    const struct scenario_link *dead = s->real_paths ? link_without_packets(s, received) : NULL;
    if (dead != NULL)
        return complain_of(dead, "does not carry packets after the network recovered");
    const struct scenario_link *many = link_with_too_many(s);
    return many == NULL ? NULL : complain_of(many, "does not come to have one Child SA");
}
