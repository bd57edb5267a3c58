#include "ike/exchanges/additional_child.h"

#include "ike/exchanges/childless.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/rekey_schedule.h"

#include <string.h>

/* Milliseconds between two requests for the same; and after an answer that could not be taken (S44). */
enum { ASK_AGAIN = 10000, ASK_AGAIN_UNFIT = 60000, ASK_AGAIN_LATEST = 3600 * 1000 };

static enum task_readiness additional_prepare(struct ike_sa *sa, struct ike_task *task);

const struct ike_task_kind task_additional_child = {
    .number = TASK_ADDITIONAL_CHILD,
    .exchange = EXCHANGE_CREATE_CHILD_SA,
    .name = "negotiation of an additional Child SA",
    .write = ask_child_write,
    .response = ask_child_response,
    .prepare = additional_prepare,
};

/* ---- What is lacking --------------------------------------------------------------------------------- */

static bool is_proposed(const struct ike_sa *sa, const struct packet_flow *flow)
{
    const struct child_request all = additional_children_proposed(sa);
    return selectors_hold(&all.local_ts, &all.remote_ts, flow);
}

static bool may_ask(const struct ike_sa *sa)
{
    return sa->state == IKE_SA_ESTABLISHED && !sa->replaced && !sa->engine->stopping &&
           !sa->tunnel->policy.shut_down;
}

static bool is_needed(const struct ike_sa *sa)
{
    if (!may_ask(sa))
        return false;
    if (sa->additional.scope == SCOPE_PROPOSED)
        return additional_children_lacking(sa) != 0;
    return is_proposed(sa, &sa->additional.flow) && !additional_children_hold(sa, &sa->additional.flow);
}

/* A request is queued or under way, or its answer is being computed. */
static bool is_asking(const struct ike_sa *sa)
{
    const struct ike_task *task;
    STAILQ_FOREACH(task, &sa->tasks, link)
    {
        if (task->kind->number == TASK_ADDITIONAL_CHILD)
            return true;
    }
    return sa->own != NULL && sa->own->old_spi == 0 && sa->own->new_spi == 0;
}

/* ---- Answers ----------------------------------------------------------------------------------------- */

static const char *families_text(uint8_t families)
{
    static const char *const texts[] = {"", "IPv4", "IPv6", "IPv4 and IPv6"};
    return texts[families & (FAMILY_V4 | FAMILY_V6)];
}

static bool has_room(const struct ike_sa *sa)
{
    return tunnel_has_room(sa->tunnel, NULL) && child_sa_has_place(sa);
}

/* There will be no Child SA for these families: they are not asked for again. */
static void refuse_families(struct ike_sa *sa, uint8_t families, const char *reason)
{
    struct setting_lines lines = {0};
    char text[SETTING_LINES_TEXT_SIZE];
    setting_lines_add(&lines, &sa->tunnel->policy, SELECTOR_SETTINGS);
    ike_sa_log(sa, sa->additional.unfit_answers == 0 ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO, LOG_IKEV2,
               "no additional Child SA for %s (%s): its packets are dropped; local-ts and remote-ts: %s",
               families_text(families), reason, setting_lines_format(&lines, text));
    sa->additional.refused |= families;
    ike_sa_changed(sa);
    additional_children_complete(sa);
}

static bool is_same_flow(const struct packet_flow *a, const struct packet_flow *b, enum child_scope scope)
{
    bool same_pair =
        ip_address_equal(&a->source, &b->source) && ip_address_equal(&a->destination, &b->destination);
    bool same_ports = a->protocol == b->protocol && a->ports == b->ports &&
                      a->source_port == b->source_port && a->destination_port == b->destination_port;
    return same_pair && (scope == SCOPE_PAIR || same_ports);
}

/* Drops the packets that wait, of the same pair of addresses as one that gets no Child SA. */
static void fail_packet(struct ike_sa *sa)
{
    struct packet_flow *flow = &sa->additional.flow;
    const struct packet_pair pair = {flow->source, flow->destination};
    tunnel_packets_fail(sa->engine, sa->tunnel, &pair);
    *flow = (struct packet_flow){.source.family = IP_NONE};
}

static struct refused_packet *refusal_of(struct additional_children *f, const struct packet_flow *flow)
{
    for (unsigned i = 0; i < REFUSED_PACKETS_MAX; i++) {
        struct refused_packet *r = &f->refused_packets[i];
        if (r->until != 0 && is_same_flow(&r->flow, flow, f->scope))
            return r;
    }
    struct refused_packet *oldest = &f->refused_packets[f->next_refused];
    f->next_refused = (f->next_refused + 1) % REFUSED_PACKETS_MAX;
    *oldest = (struct refused_packet){.flow = *flow};
    return oldest;
}

/* Twice as long after each answer that could not be taken, an hour at most (S44). */
static msec_t delay_after_unfit(unsigned answers)
{
    enum { DOUBLINGS_MAX = 6 };
    msec_t delay = (msec_t)ASK_AGAIN_UNFIT << (answers < DOUBLINGS_MAX ? answers : DOUBLINGS_MAX);
    return delay < ASK_AGAIN_LATEST ? delay : ASK_AGAIN_LATEST;
}

static void refuse_packet(struct ike_sa *sa, const char *reason, bool unfit)
{
    struct additional_children *f = &sa->additional;
    char source[IP_TEXT_SIZE];
    char destination[IP_TEXT_SIZE];
    if (f->flow.source.family == IP_NONE)
        return; /* an earlier engine asked for it; the packet path will report the packet again */
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "no Child SA for packets from %s to %s (%s)",
               ip_address_format(&f->flow.source, source),
               ip_address_format(&f->flow.destination, destination), reason);
    struct refused_packet *r = refusal_of(f, &f->flow);
    r->until = sa->engine->now + (unfit ? delay_after_unfit(r->unfit_answers++) : ASK_AGAIN);
    fail_packet(sa);
}

static bool was_refused(const struct ike_sa *sa, const struct packet_flow *flow)
{
    const struct additional_children *f = &sa->additional;
    for (unsigned i = 0; i < REFUSED_PACKETS_MAX; i++) {
        const struct refused_packet *r = &f->refused_packets[i];
        if (sa->engine->now < r->until && is_same_flow(&r->flow, flow, f->scope))
            return true;
    }
    return false;
}

/*
 * The peer wants less in one Child SA (RFC 7296 2.9): asks again, for the packet that waits, if there is one.
 */
static void narrow_scope(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    const struct packet_flow flow = f->flow;
    f->scope++;
    ike_sa_changed(sa);
    engine_cancel_timer(sa->engine, &f->again);
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2,
               "the peer wants a Child SA for each %s (SINGLE_PAIR_REQUIRED)",
               f->scope == SCOPE_PAIR ? "pair of addresses" : "pair of addresses, protocol and ports");
    tunnel_update_state(sa->engine, sa->tunnel,
                        ""); /* packets can be taken, although there is no Child SA yet */
    additional_children_packet(sa, &flow);
}

static void additional_made(struct ike_sa *sa, const struct negotiation *n, struct child_sa *child)
{
    (void)n;
    (void)child;
    sa->additional.flow = (struct packet_flow){.source.family = IP_NONE};
    additional_children_check(sa);
}

/* It is no failure if a peer grants less than is asked for, or nothing for now (RFC 7296 2.9, 1.3). */
static bool is_failure(const struct ike_sa *sa, uint16_t notify)
{
    switch (notify) {
    case NOTIFY_TEMPORARY_FAILURE:
    case NOTIFY_TS_UNACCEPTABLE:
    case NOTIFY_NO_ADDITIONAL_SAS:
        return false;
    case NOTIFY_SINGLE_PAIR_REQUIRED:
        return sa->additional.scope == SCOPE_FLOW;
    default:
        return true;
    }
}

static void additional_refused(struct ike_sa *sa, const struct ike_payload *error)
{
    struct additional_children *f = &sa->additional;
    const struct child_request *request = &sa->own->request;
    const struct refused asked = {task_additional_child.name, &request->proposal, request};
    uint8_t families = selectors_families(&request->local_ts, &request->remote_ts);
    uint16_t notify = error->notify;
    const char *name = notify_type_name(notify);
    const char *reason = name != NULL ? name : "an error that is not known";
    if (is_failure(sa, notify))
        refusal_warn(sa, FAILED_CHILD, &asked, error);
    negotiation_end_own(sa);
    if (sa->state != IKE_SA_ESTABLISHED)
        return;
    if (notify == NOTIFY_TEMPORARY_FAILURE) /* RFC 7296 2.25 */
        engine_set_timer(sa->engine, &f->again, rekey_retry_delay(sa->engine, sa->expires));
    else if (notify == NOTIFY_SINGLE_PAIR_REQUIRED && f->scope != SCOPE_FLOW)
        narrow_scope(sa);
    else if (f->scope == SCOPE_PROPOSED)
        refuse_families(sa, families, reason);
    else
        refuse_packet(sa, reason, false);
}

/* For now there is none; the others stay (RFC 7296 1.3.1). */
static void additional_unfit(struct ike_sa *sa, const struct negotiation *n, const char *fault)
{
    struct additional_children *f = &sa->additional;
    uint8_t families = selectors_families(&n->request.local_ts, &n->request.remote_ts);
    if (sa->state != IKE_SA_ESTABLISHED)
        return;
    if (f->scope != SCOPE_PROPOSED) {
        refuse_packet(sa, fault, true);
        return;
    }
    refuse_families(sa, families, fault);
    f->unfit |= families;
    engine_set_timer(sa->engine, &f->again, delay_after_unfit(f->unfit_answers++));
}

const struct child_purpose child_purpose_additional = {additional_made, additional_refused, additional_unfit};

/* ---- Asking ------------------------------------------------------------------------------------------ */

/* The first selector of a list that holds the packet, narrowed to the packet's protocol and ports. */
static struct selector_list flow_selector(const struct selector_list *list, const struct packet_flow *flow,
                                          const struct ip_address *address, uint16_t port)
{
    struct selector_list part = selectors_of_address(list, address);
    bool shows_port = flow->ports == FLOW_PORTS_BOTH;
    for (uint8_t i = 0; i < part.count; i++) {
        struct traffic_selector ts = part.ts[i];
        if (ts.protocol != 0 && ts.protocol != flow->protocol)
            continue;
        if (shows_port && (port < ts.first_port || port > ts.last_port))
            continue;
        ts.protocol = flow->protocol;
        if (shows_port)
            ts.first_port = ts.last_port = port;
        return (struct selector_list){.count = 1, .ts = {ts}};
    }
    return (struct selector_list){0};
}

static enum task_readiness start(struct ike_sa *sa)
{
    const struct packet_flow *flow = &sa->additional.flow;
    const struct child_request all = additional_children_proposed(sa);
    uint8_t families = additional_children_lacking(sa);
    struct selector_list local, remote;
    switch (sa->additional.scope) {
    case SCOPE_PROPOSED:
        local = selectors_of_families(&all.local_ts, families);
        remote = selectors_of_families(&all.remote_ts, families);
        break;
    case SCOPE_PAIR:
        local = selectors_of_address(&all.local_ts, &flow->source);
        remote = selectors_of_address(&all.remote_ts, &flow->destination);
        break;
    case SCOPE_FLOW:
        local = flow_selector(&all.local_ts, flow, &flow->source, flow->source_port);
        remote = flow_selector(&all.remote_ts, flow, &flow->destination, flow->destination_port);
        break;
    }
    return ask_child_start(sa, &child_purpose_additional, &local, &remote, 0);
}

static enum task_readiness additional_prepare(struct ike_sa *sa, struct ike_task *task)
{
    (void)task;
    enum task_readiness readiness = TASK_DROPPED;
    bool needed = is_needed(sa);
    if (sa->own != NULL)
        readiness = ask_child_go_on(sa, needed);
    else if (needed)
        readiness = start(sa);
    if (!additional_children_are_due(sa))
        additional_children_complete(sa);
    return readiness;
}

void additional_children_check(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    if (sa->destroyed || f->scope != SCOPE_PROPOSED || !may_ask(sa) || is_asking(sa))
        return;
    uint8_t families = additional_children_lacking(sa);
    if (families == 0)
        additional_children_complete(sa);
    else if (!has_room(sa))
        refuse_families(sa, families, "there are as many as there may be");
    else if (!deadline_is_set(&f->again.deadline)) {
        engine_set_timer(sa->engine, &f->again, ASK_AGAIN);
        ike_sa_add_task(sa, TASK_ADDITIONAL_CHILD, 0);
    }
}

void additional_children_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    (void)engine;
    sa->additional.refused &= (uint8_t)~sa->additional.unfit;
    sa->additional.unfit = 0;
    ike_sa_changed(sa);
    additional_children_check(sa);
}

void additional_children_packet(struct ike_sa *sa, const struct packet_flow *flow)
{
    struct additional_children *f = &sa->additional;
    if (flow->source.family == IP_NONE || (f->scope != SCOPE_PROPOSED && is_asking(sa)))
        return;
    f->flow = *flow;
    if (f->scope == SCOPE_PROPOSED || !may_ask(sa) || additional_children_hold(sa, flow) ||
        deadline_is_set(&f->again.deadline))
        return;
    if (!is_proposed(sa, flow) || was_refused(sa, flow))
        fail_packet(sa);
    else if (!has_room(sa))
        refuse_packet(sa, "there are as many as there may be", false);
    else
        ike_sa_add_task(sa, TASK_ADDITIONAL_CHILD, 0);
}

/* ---- A Child SA is lost ------------------------------------------------------------------------------ */

/*
 * True if our rekey of a Child SA waits for its answer: it may bring a new one although the old one is gone.
 */
static bool awaits_child(const struct ike_sa *sa)
{
    const struct negotiation *n = sa->own;
    return n != NULL && n->old_spi != 0 && (sa->request_out || n->phase == NEGOTIATION_FINISHES);
}

static void take_loss(struct ike_sa *sa, const char *reason, bool by_peer)
{
    if (awaits_child(sa))
        return;
    if (childless_has_child(sa) || additional_children_come_with_packets(sa))
        additional_children_check(sa);
    else if (sa->state != IKE_SA_ESTABLISHED || sa->replaced)
        return;
    else if (by_peer)
        childless_begin(sa, reason);
    else
        ike_sa_delete(sa, reason);
}

void additional_children_lost(struct ike_sa *sa, const char *reason)
{
    take_loss(sa, reason, false);
}

void additional_children_deleted_by_peer(struct ike_sa *sa)
{
    take_loss(sa, "Delete Child SA by peer", true);
}

void additional_children_ask_again(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    memset(f->refused_packets, 0, sizeof f->refused_packets);
    f->unfit_answers = 0;
    if (f->unfit == 0)
        return;
    f->refused &= (uint8_t)~f->unfit;
    f->unfit = 0;
    ike_sa_changed(sa);
    engine_set_timer(sa->engine, &f->again, 0);
}

bool additional_children_begin_again(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    if (is_asking(sa))
        return true;
    f->ours = true;
    f->refused = 0;
    f->unfit = 0;
    ike_sa_changed(sa);
    engine_cancel_timer(sa->engine, &f->again);
    additional_children_check(sa);
    return is_asking(sa);
}

/* ---- Life -------------------------------------------------------------------------------------------- */

void additional_children_begin(struct ike_sa *sa)
{
    sa->additional.ours = true;
}

void additional_children_begin_by_pair(struct ike_sa *sa)
{
    narrow_scope(sa);
}

void additional_children_inherit(struct ike_sa *old, struct ike_sa *successor)
{
    struct additional_children *f = &successor->additional;
    const struct ike_timer again = f->again;
    const struct packet_flow flow = old->additional.flow;
    bool asking = is_asking(old);
    *f = old->additional;
    f->again = again;
    engine_cancel_timer(old->engine, &old->additional.again);
    childless_inherit(old, successor);
    additional_children_check(successor);
    if (asking)
        additional_children_packet(successor, &flow);
}
