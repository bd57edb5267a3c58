#include "ike/exchanges/additional_child.h"

#include "ike/exchanges/childless.h"
#include "ike/reasons/narrowing.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/refused_packets.h"
#include "ike/sa/rekey_schedule.h"

#include <stdlib.h>

enum {
    ASK_AGAIN = 10000, /* milliseconds between two requests for families */
    POSTPONED_MAX = 3, /* as often the peer may put off a request before that counts as a refusal */
};

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
    if (!sa->additional.for_packet)
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

/* The first refusal is told at warn, so that it is seen (S42). */
static enum log_level level_of_refusal(struct ike_sa *sa)
{
    bool told = sa->additional.refusal_told;
    sa->additional.refusal_told = true;
    return told ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
}

static const char *selector_lines(const struct ike_sa *sa, char out[SETTING_LINES_TEXT_SIZE])
{
    struct setting_lines lines = {0};
    setting_lines_add(&lines, &sa->tunnel->policy, SELECTOR_SETTINGS);
    return setting_lines_format(&lines, out);
}

/* There is no Child SA for these families, as far as they are lacking, until they are asked for again. */
static void refuse_families(struct ike_sa *sa, uint8_t families, const char *reason)
{
    struct additional_children *f = &sa->additional;
    char lines[SETTING_LINES_TEXT_SIZE];
    families &= additional_children_lacking(sa);
    if (families == 0)
        return; /* an earlier engine asked for a packet */
    ike_sa_log(sa, level_of_refusal(sa), LOG_IKEV2,
               "no additional Child SA for %s (%s): its packets are dropped; local-ts and remote-ts: %s",
               families_text(families), reason, selector_lines(sa, lines));
    f->refused |= families;
    engine_set_timer(sa->engine, &f->again, refusal_delay(f->refusals++));
    ike_sa_changed(sa);
    additional_children_tell(sa);
}

/* Drops the packets that wait, of the same pair of addresses as one that gets no Child SA. */
static void fail_packet(struct ike_sa *sa)
{
    struct packet_flow *flow = &sa->additional.flow;
    const struct packet_pair pair = {flow->source, flow->destination};
    tunnel_packets_fail(sa->engine, sa->tunnel, &pair);
    *flow = (struct packet_flow){.source.family = IP_NONE};
}

/* One more Child SA was refused, or deleted soon. Without memory it does not count. */
static void note_in_vain(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    if (f->damping == NULL)
        f->damping = calloc(1, sizeof *f->damping);
    if (f->damping != NULL)
        damping_note_begun(f->damping, sa->engine->now);
}

static void refuse_packet(struct ike_sa *sa, const char *reason)
{
    struct additional_children *f = &sa->additional;
    char source[IP_TEXT_SIZE];
    char destination[IP_TEXT_SIZE];
    char lines[SETTING_LINES_TEXT_SIZE];
    if (f->flow.source.family == IP_NONE)
        return; /* an earlier engine asked for it; the packet path will report the packet again */
    ike_sa_log(sa, level_of_refusal(sa), LOG_IKEV2,
               "no Child SA for packets from %s to %s (%s): they are dropped; local-ts and remote-ts: %s",
               ip_address_format(&f->flow.source, source),
               ip_address_format(&f->flow.destination, destination), reason, selector_lines(sa, lines));
    refused_packets_add(f, &f->flow, sa->engine->now);
    note_in_vain(sa);
    fail_packet(sa);
}

/* What was asked for is refused. */
static void refuse(struct ike_sa *sa, uint8_t families, const char *reason)
{
    if (sa->additional.for_packet)
        refuse_packet(sa, reason);
    else
        refuse_families(sa, families, reason);
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
    f->packets_after = 0;
    tunnel_update_state(sa->engine, sa->tunnel,
                        ""); /* packets can be taken, although there is no Child SA yet */
    additional_children_packet(sa, &flow);
}

/* True if other Child SAs carry all that this one does. */
static bool is_superfluous(const struct ike_sa *sa, const struct child_sa *child)
{
    const struct child_sa *other;
    LIST_FOREACH(other, &sa->children, link)
    {
        if (other != child && child_sa_is_current(other) && child_sa_is_within(child, other))
            return true;
    }
    return false;
}

/* The peer has granted something, but not for the packet that it was asked for (RFC 7296 2.9). */
static void leave_packet_out(struct ike_sa *sa, struct child_sa *made)
{
    refuse_packet(sa, "the selectors that the peer grants leave them out");
    if (!is_superfluous(sa, made))
        return;
    child_sa_stop(made);
    child_sa_delete(made);
}

static void additional_made(struct ike_sa *sa, const struct negotiation *n, struct child_sa *child)
{
    struct additional_children *f = &sa->additional;
    const struct child_selectors ts = child_sa_selectors(child);
    f->postponed = 0;
    if (!f->for_packet)
        narrowing_warn(sa, &n->request, child);
    if (!f->for_packet || f->flow.source.family == IP_NONE) {
        f->refusals = 0;
    } else if (!selectors_hold(&ts.local, &ts.remote, &f->flow)) {
        leave_packet_out(sa, child);
    } else {
        refused_packets_forget(f, &f->flow);
        f->flow = (struct packet_flow){.source.family = IP_NONE};
    }
    additional_children_check(sa);
}

/* The peer will grant it soon, or so it says (RFC 7296 2.25). */
static void postpone(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    msec_t delay = rekey_retry_delay(sa->engine, sa->expires);
    f->postponed++;
    if (f->for_packet)
        f->packets_after = sa->engine->now + delay;
    else
        engine_set_timer(sa->engine, &f->again, delay);
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

/* True if the failure is to be logged; what follows from it is then no news. */
static bool tell_failure(struct ike_sa *sa)
{
    bool told = sa->additional.failure_told;
    sa->additional.failure_told = sa->additional.refusal_told = true;
    return !told;
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
    if (is_failure(sa, notify) && tell_failure(sa))
        refusal_warn(sa, FAILED_CHILD, &asked, error);
    negotiation_end_own(sa);
    if (sa->state != IKE_SA_ESTABLISHED)
        return;
    if (notify == NOTIFY_TEMPORARY_FAILURE && f->postponed < POSTPONED_MAX)
        postpone(sa);
    else if (notify == NOTIFY_SINGLE_PAIR_REQUIRED && f->scope != SCOPE_FLOW)
        narrow_scope(sa);
    else
        refuse(sa, families, reason);
}

/* For now there is none; the others stay (RFC 7296 1.3.1). */
static void additional_unfit(struct ike_sa *sa, const struct negotiation *n, const char *fault)
{
    (void)tell_failure(sa); /* it is in the log */
    if (sa->state == IKE_SA_ESTABLISHED)
        refuse(sa, selectors_families(&n->request.local_ts, &n->request.remote_ts), fault);
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

/* The packet's own selector, and behind it those of the policy, of the packet's family (RFC 7296 2.9, S42).
 */
static struct selector_list packet_first(const struct selector_list *list, const struct packet_flow *flow,
                                         const struct ip_address *address, uint16_t port)
{
    const struct selector_list own = flow_selector(list, flow, address, port);
    const struct selector_list others =
        selectors_of_families(list, address->family == IP_V4 ? FAMILY_V4 : FAMILY_V6);
    return selectors_joined(&own, &others);
}

static enum task_readiness start(struct ike_sa *sa)
{
    const struct packet_flow *flow = &sa->additional.flow;
    const struct child_request all = additional_children_proposed(sa);
    uint8_t families = additional_children_lacking(sa);
    struct selector_list local, remote;
    switch (sa->additional.scope) {
    case SCOPE_PROPOSED:
        if (sa->additional.for_packet) {
            local = packet_first(&all.local_ts, flow, &flow->source, flow->source_port);
            remote = packet_first(&all.remote_ts, flow, &flow->destination, flow->destination_port);
            break;
        }
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
    additional_children_tell(sa);
    return readiness;
}

/* True if one more Child SA may be asked for; else the log says once that the peer ends too many (S44). */
static bool is_allowed(struct ike_sa *sa)
{
    struct damping *d = sa->additional.damping;
    if (d == NULL || damping_allows(d, sa->engine->now, true))
        return true;
    if (damping_tells(d))
        ike_sa_log(
            sa, LOG_LEVEL_WARN, LOG_IKEV2,
            "the peer refuses or deletes too many additional Child SAs: after %d in %d seconds, or %d in "
            "%d seconds, no more are asked for, and packets without a Child SA are dropped",
            DAMPING_SHORT_MAX, DAMPING_SHORT / 1000, DAMPING_LONG_MAX, DAMPING_LONG / 1000);
    return false;
}

static void ask(struct ike_sa *sa, bool for_packet)
{
    sa->additional.for_packet = for_packet;
    ike_sa_add_task(sa, TASK_ADDITIONAL_CHILD, 0);
}

void additional_children_check(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    if (sa->destroyed)
        return;
    additional_children_tell(sa);
    if (f->scope != SCOPE_PROPOSED || !may_ask(sa) || is_asking(sa))
        return;
    uint8_t families = additional_children_lacking(sa);
    if (families == 0 || deadline_is_set(&f->again.deadline))
        return;
    if (!has_room(sa)) {
        refuse_families(sa, families, "there are as many as there may be");
        return;
    }
    engine_set_timer(sa->engine, &f->again, ASK_AGAIN);
    if (is_allowed(sa))
        ask(sa, false);
}

void additional_children_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    (void)engine;
    sa->additional.refused = 0;
    ike_sa_changed(sa);
    additional_children_check(sa);
}

/* True if the packet waits for what is asked for without it: the first Child SA, or its family. */
static bool comes_anyway(const struct ike_sa *sa, uint8_t family)
{
    return sa->additional.scope == SCOPE_PROPOSED && (!sa->additional.ours || !childless_has_child(sa) ||
                                                      (additional_children_lacking(sa) & family) != 0);
}

void additional_children_packet(struct ike_sa *sa, const struct packet_flow *flow)
{
    struct additional_children *f = &sa->additional;
    bool asking = is_asking(sa);
    if (flow->source.family == IP_NONE || (asking && f->for_packet))
        return;
    f->flow = *flow;
    uint8_t family = flow->source.family == IP_V4 ? FAMILY_V4 : FAMILY_V6;
    if (asking || !may_ask(sa) || additional_children_hold(sa, flow) || comes_anyway(sa, family) ||
        sa->engine->now < f->packets_after)
        return;
    if (!is_proposed(sa, flow))
        narrowing_warn_outside(sa, flow);
    if (!is_proposed(sa, flow) || (f->refused & family) != 0 ||
        refused_packets_hold(f, flow, sa->engine->now) || !is_allowed(sa))
        fail_packet(sa);
    else if (!has_room(sa))
        refuse_packet(sa, "there are as many as there may be");
    else
        ask(sa, true);
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

void additional_children_note_deletion(struct ike_sa *sa, const struct child_sa *child)
{
    enum { SOON = 60000 }; /* milliseconds */
    msec_t now = sa->engine->now;
    if (child->initiator && !child->replaced && now - child->created < SOON)
        note_in_vain(sa);
}

/* What was refused counts no more. */
static void forget_refusals(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    additional_children_forget(f);
    f->refusal_told = f->failure_told = false;
    f->refusals = 0;
    f->postponed = 0;
    f->packets_after = 0;
    if (f->refused != 0)
        ike_sa_changed(sa);
    f->refused = 0;
}

void additional_children_ask_again(struct ike_sa *sa)
{
    bool refused = sa->additional.refused != 0;
    forget_refusals(sa);
    if (refused)
        engine_set_timer(sa->engine, &sa->additional.again, 0);
    if (!sa->destroyed && sa->state == IKE_SA_ESTABLISHED)
        additional_children_tell(sa);
}

bool additional_children_begin_again(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    if (is_asking(sa))
        return true;
    f->ours = true;
    f->refused = 0;
    ike_sa_changed(sa);
    engine_cancel_timer(sa->engine, &f->again);
    additional_children_check(sa);
    return is_asking(sa);
}

void additional_children_resume(struct ike_sa *sa)
{
    struct additional_children *f = &sa->additional;
    if (f->refused != 0)
        engine_set_timer(sa->engine, &f->again, refusal_delay(f->refusals++));
    additional_children_check(sa);
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
    additional_children_forget(f); /* a rival that was made by the peer's rekey may have some already */
    *f = old->additional;
    f->again = again;
    old->additional.refused_packets = NULL;
    old->additional.damping = NULL;
    if (deadline_is_set(&old->additional.again.deadline) && f->refused != 0)
        engine_set_timer(successor->engine, &f->again, refusal_delay(f->refusals));
    engine_cancel_timer(old->engine, &old->additional.again);
    childless_inherit(old, successor);
    additional_children_check(successor);
    if (asking)
        additional_children_packet(successor, &flow);
}
