#include "check/pair_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/pair_explain.h"
#include "check/pair_packet.h"
#include "check/pair_traffic.h"
#include "config/identity.h"
#include "ike/sa/record.h"
#include "sim/world.h"

enum {
    STEP = 500,              /* milliseconds of the world's time */
    NEGOTIATION_MAX = 10000, /* in which two that connect have done so */
    FAILURE_MAX = 90000,     /* after which both ends have said all about a failure */
    SETTLED = 3000,          /* after which nothing of a negotiation is under way any more */
    /* Lifetimes, in seconds, of the side that is to rekey, so that it does so soon; and of the other. */
    SHORT_CHILD_LIFETIME = 120, /* the rekey comes a minute before its end, */
    SHORT_SA_LIFETIME = 130,    /* and half a minute before its end */
    LONG_LIFETIME = 28800,
    REKEYED = 115000,  /* after which both SAs have been rekeyed once */
    PACKET_SIZE = 100, /* octets */
};

static const uint8_t stand_in_key[] = "stands in for certificates";

/* One negotiation: which side begins, which rekeys. */
struct trial {
    const struct pair *pair;
    unsigned beginner, rekeyer;
    bool rekeys;  /* else nobody may */
    bool is_lean; /* without the tunnels that make no difference if it goes well */
    struct world *world;
    struct gateway *gateway[2];
    size_t read[2]; /* octets of the gateway's warnings that have been looked at */
    struct pair_findings *findings;
};

/* Whether it has an address of the family of its peer's. */
static bool reaches_peer(const struct pair_side *side)
{
    const struct ip_address *peer = pair_tunnel_peer(side->tunnel);
    return peer == NULL || peer->family == side->address.address.family;
}

bool pair_may_begin(const struct pair_side *side)
{
    const struct tunnel_policy *policy = &side->tunnel->policy;
    return policy->complete && !policy->shut_down && policy->peer_kind != PEER_ANY &&
           policy->direction != NEGOTIATE_RESPONDER && side->tunnel->down_interface == NULL &&
           reaches_peer(side);
}

static bool may_rekey(const struct pair_side *side)
{
    const struct tunnel_policy *policy = &side->tunnel->policy;
    return policy->peer_kind != PEER_ANY && !policy->suppress_rekey;
}

static uint32_t number(const struct trial *t, unsigned side)
{
    return t->pair->side[side].tunnel->policy.tunnel;
}

/* ---- The two gateways -------------------------------------------------------------------------------- */

/* A key stands in for certificates where both sides have them. */
static void replace_certificates(const struct trial *t, unsigned side, struct tunnel_policy *policy,
                                 struct octets *local, struct octets *remote)
{
    const struct octets stand_in = {stand_in_key, sizeof stand_in_key};
    const struct tunnel_policy *own = &t->pair->side[side].tunnel->policy;
    const struct tunnel_policy *other = &t->pair->side[1 - side].tunnel->policy;
    if (own->local_auth == AUTH_KIND_RSA && other->remote_auth == AUTH_KIND_RSA) {
        policy->local_auth = AUTH_KIND_PSK;
        *local = stand_in;
    }
    if (own->remote_auth == AUTH_KIND_RSA && other->local_auth == AUTH_KIND_RSA) {
        policy->remote_auth = AUTH_KIND_PSK;
        *remote = stand_in;
    }
}

/* The tunnel that is looked at: nothing begins by itself, and SAs live as the trial wants it. */
static void bend_policy(const struct trial *t, unsigned side, struct tunnel_policy *policy)
{
    bool rekeys = t->rekeys && side == t->rekeyer;
    policy->child_lifetime = rekeys ? SHORT_CHILD_LIFETIME : LONG_LIFETIME;
    policy->sa_lifetime = rekeys ? SHORT_SA_LIFETIME : LONG_LIFETIME;
}

/* The keys of a tunnel. Its policy gets the lines of secrets, which those of a swanctl.conf lack. */
static struct pair_keys take_keys(const struct trial *t, unsigned side, const struct pair_tunnel *tunnel,
                                  struct tunnel_policy *policy)
{
    const struct pair_side *own = &t->pair->side[side];
    const struct pair_side *other = &t->pair->side[1 - side];
    bool is_played = tunnel == own->tunnel;
    const struct ip_address *source = is_played ? &own->address.address : &tunnel->source.address;
    struct octets proof = {NULL, 0};
    if (is_played && own->end->is_swanctl) {
        const struct identity id = pair_local_id(own);
        proof = pair_end_keys(other->end, other->tunnel, &other->address.address, &id, proof).local;
    }
    struct pair_keys keys = pair_end_keys(own->end, tunnel, source, &policy->remote_id, proof);
    if (keys.local_secret_line != 0)
        policy->line[SETTING_LOCAL_KEY] = keys.local_secret_line;
    if (keys.remote_secret_line != 0)
        policy->line[SETTING_REMOTE_KEY] = keys.remote_secret_line;
    return keys;
}

static void add_tunnel(const struct trial *t, unsigned side, const struct pair_tunnel *tunnel)
{
    const struct pair_side *own = &t->pair->side[side];
    const struct pair_side *other = &t->pair->side[1 - side];
    struct gateway *g = t->gateway[side];
    struct tunnel_policy policy = tunnel->policy;
    bool is_played = tunnel == own->tunnel;
    const struct ip_address *source = is_played ? &own->address.address : &tunnel->source.address;
    if (policy.remote_id.type == ID_NONE) /* strongSwan takes any that has a key */
        policy.remote_id = pair_local_id(other);
    struct pair_keys keys = take_keys(t, side, tunnel, &policy);
    char text[IP_TEXT_SIZE];
    policy.connect_type = CONNECT_TRIGGER;
    if (is_played) {
        bend_policy(t, side, &policy);
        replace_certificates(t, side, &policy, &keys.local, &keys.remote);
    }
    gateway_set_tunnel_with_keys(g, &policy, keys.local, keys.remote);
    gateway_set_own_key(g, policy.tunnel, keys.local_line, keys.peers_is_own);
    gateway_set_tunnel_route(g, policy.tunnel, source, policy.outgoing == OUTGOING_ROUTED ? 0 : 1);
    if (!is_played || policy.peer_kind != PEER_FQDN || !pair_name_fits(own, other))
        return;
    gateway_set_name(g, policy.tunnel, ip_address_format(&other->address.address, text));
    gateway_look_up(g, policy.tunnel);
}

/* Whether two tunnels of one end do the same with a first message, which does not tell IDs. */
static bool answer_alike(const struct pair_tunnel *a, const struct pair_tunnel *b)
{
    const struct tunnel_policy *p = &a->policy;
    const struct tunnel_policy *q = &b->policy;
    return memcmp(&p->ike, &q->ike, sizeof p->ike) == 0 && p->direction == q->direction &&
           p->peer_kind == q->peer_kind && ip_address_equal(&p->peer_address, &q->peer_address) &&
           p->nat_traversal == q->nat_traversal && p->nat_force == q->nat_force &&
           p->outgoing == q->outgoing && strcmp(p->out_interface, q->out_interface) == 0 &&
           p->source_kind == q->source_kind && ip_address_equal(&p->source_address, &q->source_address) &&
           strcmp(p->source_interface, q->source_interface) == 0 && p->remote_auth == q->remote_auth &&
           strcmp(p->cacert, q->cacert) == 0 && ip_address_equal(&a->source.address, &b->source.address);
}

/*
 * Whether a tunnel can have a part in a trial. If the played one names the other side, tunnels with another
 * peer have none. Those that expect another ID, and answer as the played one, have none if the trial goes
 * well: else the logs may name them, see run_trial. So a pair that connects costs the same, however many
 * tunnels its files have.
 */
static bool has_a_part(const struct trial *t, unsigned side, const struct pair_tunnel *tunnel,
                       const struct identity *other_id)
{
    const struct pair_tunnel *played = t->pair->side[side].tunnel;
    const struct ip_address *place = &t->pair->side[1 - side].address.address;
    const struct ip_address *expected = pair_tunnel_peer(played);
    const struct ip_address *peer = pair_tunnel_peer(tunnel);
    bool is_named =
        expected != NULL ? ip_address_equal(expected, place) : played->policy.peer_kind != PEER_ADDRESS;
    if (tunnel != played && tunnel->hindrance != NULL) /* the engine can't say why it does not answer */
        return false;
    if (!is_named || tunnel == played)
        return true;
    if (peer != NULL && !ip_address_equal(peer, place))
        return false;
    return !t->is_lean || tunnel->policy.remote_id.type == ID_NONE ||
           identity_equal(&tunnel->policy.remote_id, other_id) || !answer_alike(tunnel, played);
}

static void add_gateway(struct trial *t, unsigned side)
{
    const struct pair_side *own = &t->pair->side[side];
    const struct pair_side *other = &t->pair->side[1 - side];
    const struct ip_address *expected = pair_tunnel_peer(other->tunnel);
    const struct identity other_id = pair_local_id(other);
    char text[IP_TEXT_SIZE];
    t->gateway[side] = world_add_gateway(t->world, side == 0 ? "first" : "second",
                                         ip_address_format(&own->address.address, text));
    if (expected != NULL && pair_end_address(own->end, expected) != NULL)
        gateway_add_address(t->gateway[side], ip_address_format(expected, text));
    for (size_t i = 0; i < own->end->tunnel_count; i++) {
        if (has_a_part(t, side, &own->end->tunnels[i], &other_id))
            add_tunnel(t, side, &own->end->tunnels[i]);
    }
}

/* ---- What the engines say ---------------------------------------------------------------------------- */

/* Takes over the warnings that have come since the last time. */
static void take_warnings(struct trial *t, enum finding_kind kind)
{
    for (unsigned side = 0; side < 2; side++) {
        const char *all = gateway_warnings(t->gateway[side]);
        const char *at = all + t->read[side];
        const char *end;
        for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
            if (!warning_is_of_life(at, (size_t)(end - at)))
                pair_findings_add_log(t->findings, kind, side, at, (size_t)(end - at));
        }
        t->read[side] = (size_t)(at - all);
    }
}

/* ---- The SAs ----------------------------------------------------------------------------------------- */

/* The newest Child SA of the played tunnel, of those that it sends by; NULL if there is none. */
static const struct child_settings *child_of(const struct trial *t, unsigned side)
{
    const struct installed_child *child = gateway_children(t->gateway[side]);
    while (child != NULL && (child->sa.tunnel != number(t, side) || child->stopped))
        child = child->next;
    return child != NULL ? &child->sa : NULL;
}

/* The IKE SA of the played tunnel, as the state records have it. */
static bool ike_sa_of(const struct trial *t, unsigned side, struct ike_record *out)
{
    const struct gateway *g = t->gateway[side];
    for (size_t i = 0; i < gateway_record_count(g); i++) {
        if (ike_record_read(gateway_record(g, i), SIM_EPOCH, out) == IKE_RECORD_READ && out->has_tunnel &&
            out->tunnel == number(t, side) && out->state == IKE_SA_ESTABLISHED && !out->replaced)
            return true;
    }
    return false;
}

/* True if both ends have the same newest Child SA. */
static bool is_up(const struct trial *t)
{
    const struct child_settings *a = child_of(t, 0);
    const struct child_settings *b = child_of(t, 1);
    return a != NULL && b != NULL && a->outbound.spi == b->inbound.spi && b->outbound.spi == a->inbound.spi;
}

/* A packet each way. A reason why one did not arrive is a finding. */
static bool carries(const struct trial *t, const char *when)
{
    bool good = true;
    for (unsigned side = 0; side < 2; side++) {
        size_t outer;
        const char *why = "there is no Child SA that both ends have";
        if (is_up(t))
            why = pair_packet_send(child_of(t, side), child_of(t, 1 - side), PACKET_SIZE, &outer);
        if (why != NULL)
            pair_findings_add(t->findings, FINDING_FAILURE, side, NULL, 0,
                              "%s no packet goes to the other end: %s", when, why);
        good = good && why == NULL;
    }
    return good;
}

/* ---- What the config wants carried ------------------------------------------------------------------- */

static bool overlap(const struct traffic_selector *a, const struct traffic_selector *b)
{
    return a->first.family == b->first.family && ip_address_compare(&a->first, &b->last) <= 0 &&
           ip_address_compare(&b->first, &a->last) <= 0 &&
           (a->protocol == 0 || b->protocol == 0 || a->protocol == b->protocol);
}

static bool lists_overlap(const struct selector_list *wanted, const struct traffic_selector *agreed,
                          size_t count)
{
    for (size_t i = 0; i < wanted->count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (overlap(&wanted->ts[i], &agreed[j]))
                return true;
        }
    }
    return false;
}

/*
 * The end that answers takes the selectors that it is asked for, whatever it is configured with (R71). So
 * that it tells what its config wants beyond them, it sends such a packet. False if nothing of what its
 * config wants can be carried.
 */
static bool carries_what_it_wants(const struct trial *t, unsigned side)
{
    const struct pair_side *own = &t->pair->side[side];
    const struct tunnel_policy *policy = &own->tunnel->policy;
    const struct child_settings *sa = child_of(t, side);
    const struct selector_list local = selectors_of_policy(policy->local_ts, policy->local_ts_count);
    const struct selector_list remote = selectors_of_policy(policy->remote_ts, policy->remote_ts_count);
    const struct traffic_selectors agreed = {sa->local_ts, sa->remote_ts, sa->local_ts_count,
                                             sa->remote_ts_count};
    struct packet_flow flow;
    if (!pair_traffic_of(own->end, own->tunnel, &flow) ||
        traffic_selectors_hold(&agreed, &flow, PACKET_OUTBOUND))
        return true;
    gateway_packet_is_outside(t->gateway[side], number(t, side), &flow);
    return lists_overlap(&local, sa->local_ts, sa->local_ts_count) &&
           lists_overlap(&remote, sa->remote_ts, sa->remote_ts_count);
}

/* The same for both ends. */
static bool carry_what_they_want(struct trial *t)
{
    bool first = carries_what_it_wants(t, 0);
    bool good = carries_what_it_wants(t, 1) && first;
    take_warnings(t, good ? FINDING_NOTE : FINDING_FAILURE);
    return good;
}

static void note_agreement(const struct trial *t, struct pair_agreement *agreed)
{
    struct ike_record *record = calloc(1, sizeof *record);
    const struct child_settings *a = child_of(t, 0);
    const struct pair_tunnel *tunnels[] = {t->pair->side[0].tunnel, t->pair->side[1].tunnel};
    if (record != NULL && ike_sa_of(t, 0, record)) {
        agreed->ike = record->suite;
        agreed->id[0] = record->local_id;
        agreed->id[1] = record->remote_id;
        if (record->child_count > 0) {
            agreed->child = record->children[0].suite;
            agreed->selectors[0] = record->children[0].local_ts;
            agreed->selectors[1] = record->children[0].remote_ts;
        }
        agreed->encapsulated = a->destination.encapsulated;
        agreed->outer_mtu = tunnels[0]->mtu < tunnels[1]->mtu ? tunnels[0]->mtu : tunnels[1]->mtu;
        agreed->largest_inner = pair_packet_largest(a, agreed->outer_mtu);
    }
    free(record);
}

/* The negotiation has made SAs of another tunnel of an end. */
static void tell_of_other_tunnel(const struct trial *t)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct pair_end *end = t->pair->side[side].end;
        const struct installed_child *child = gateway_children(t->gateway[side]);
        for (size_t i = 0; child != NULL && i < end->tunnel_count; i++) {
            const struct pair_tunnel *tunnel = &end->tunnels[i];
            uint32_t lines[] = {t->pair->side[side].tunnel->policy.line[SETTING_PEER],
                                tunnel->policy.line[SETTING_PEER]};
            if (tunnel->policy.tunnel == child->sa.tunnel && child->sa.tunnel != number(t, side))
                pair_findings_add(
                    t->findings, FINDING_FAILURE, side, lines, 2,
                    "the SAs become those of %s and not of %s: for the other end both are the same",
                    tunnel->policy.name, t->pair->side[side].tunnel->policy.name);
        }
    }
}

/* ---- A trial ----------------------------------------------------------------------------------------- */

/* Lets the beginner begin. True if both ends are up. */
static bool negotiate(struct trial *t)
{
    gateway_packet_waits(t->gateway[t->beginner], number(t, t->beginner));
    for (msec_t passed = 0; passed < NEGOTIATION_MAX && !is_up(t); passed += STEP)
        world_run(t->world, STEP);
    if (is_up(t))
        world_run(t->world, SETTLED);
    if (!is_up(t))
        world_run(t->world, FAILURE_MAX);
    bool up = is_up(t);
    take_warnings(t, up ? FINDING_NOTE : FINDING_FAILURE);
    if (!up)
        tell_of_other_tunnel(t);
    return up;
}

/* Waits until the rekeyer has rekeyed both SAs. */
static bool rekey(struct trial *t)
{
    struct ike_record *before = calloc(2, sizeof *before);
    uint32_t spi = child_of(t, 0)->inbound.spi;
    bool known = before != NULL && ike_sa_of(t, 0, &before[0]);
    world_run(t->world, REKEYED);
    bool good = known && is_up(t) && ike_sa_of(t, 0, &before[1]) && before[1].spi_i != before[0].spi_i &&
                child_of(t, 0)->inbound.spi != spi;
    free(before);
    take_warnings(t, good ? FINDING_NOTE : FINDING_FAILURE);
    if (!good && !pair_findings_have(t->findings, FINDING_FAILURE, 2))
        pair_findings_add(t->findings, FINDING_FAILURE, t->rekeyer, NULL, 0,
                          "the SAs come up, but not both of them are rekeyed");
    return good;
}

static bool play(struct trial *t, struct pair_result *result)
{
    bool good = negotiate(t) && carries(t, "after the negotiation") && carry_what_they_want(t);
    if (good)
        note_agreement(t, &result->agreed);
    if (good && t->rekeys) {
        good = rekey(t) && carries(t, "after the rekeys");
        result->rekeys[t->rekeyer] = good;
    }
    if (good)
        note_agreement(t, &result->agreed);
    return good;
}

static bool run_once(struct trial *t, struct pair_result *result)
{
    const struct pair_side *side = t->pair->side;
    t->world = world_new(1, NULL);
    t->read[0] = t->read[1] = 0;
    world_set_trace(t->world, NULL);
    add_gateway(t, 0);
    add_gateway(t, 1);
    bool is_cut = side[0].tunnel->down_interface != NULL || side[1].tunnel->down_interface != NULL;
    world_set_partition(t->world, t->gateway[0], t->gateway[1], is_cut);
    bool good = play(t, result);
    world_free(t->world);
    return good;
}

/* A trial that goes wrong without the tunnels that make no difference to one that goes well is made again
 * with them, since the logs name them. */
static bool run_trial(const struct pair *pair, unsigned beginner, unsigned rekeyer, bool rekeys,
                      struct pair_result *result)
{
    struct trial t = {.pair = pair,
                      .beginner = beginner,
                      .rekeyer = rekeyer,
                      .rekeys = rekeys,
                      .is_lean = true,
                      .findings = &result->findings};
    size_t told = result->findings.count;
    if (run_once(&t, result))
        return true;
    if (pair->side[0].end->tunnel_count == 1 && pair->side[1].end->tunnel_count == 1)
        return false;
    pair_findings_cut(&result->findings, told);
    t.is_lean = false;
    return run_once(&t, result);
}

bool pair_play(const struct pair *pair, struct pair_result *out)
{
    *out = (struct pair_result){0};
    bool failed = false;
    for (unsigned beginner = 0; beginner < 2; beginner++) {
        if (!pair_may_begin(&pair->side[beginner]) || pair_proofs_differ(pair))
            continue;
        bool good = !pair_is_hindered(pair);
        bool rekeyed = false;
        for (unsigned rekeyer = 0; good && rekeyer < 2; rekeyer++) {
            if (!may_rekey(&pair->side[rekeyer]))
                continue;
            good = run_trial(pair, beginner, rekeyer, true, out);
            rekeyed = true;
        }
        if (good && !rekeyed)
            good = run_trial(pair, beginner, 0, false, out);
        out->begin[beginner] = good ? BEGIN_CONNECTS : BEGIN_FAILS;
        failed = failed || !good;
    }
    bool tried = out->begin[0] != BEGIN_NOT_TRIED || out->begin[1] != BEGIN_NOT_TRIED;
    out->connects = tried && !failed;
    pair_explain(pair, out);
    bool complete = !out->findings.failed;
    if (!complete)
        pair_result_free(out);
    return complete;
}

void pair_result_free(struct pair_result *result)
{
    pair_findings_free(&result->findings);
    *result = (struct pair_result){0};
}
