#include "ike/sa/record.h"

#include "ike/sa/record_stream.h"

#include <string.h>

/* ---- The byte form ----------------------------------------------------------------------------------- */

static void stream_direction(struct record_stream *s, struct child_direction *d)
{
    stream_u32(s, &d->spi);
    stream_u32(s, &d->serial);
    stream_octets(s, d->encryption_key, sizeof d->encryption_key);
    stream_octets(s, d->integrity_key, sizeof d->integrity_key);
}

static void stream_child(struct record_stream *s, struct ike_child_record *c)
{
    stream_suite(s, &c->suite);
    if (c->suite.encryption == NULL)
        stream_refuse(s);
    stream_bool(s, &c->initiator);
    stream_bool(s, &c->installed);
    stream_bool(s, &c->replaced);
    stream_bool(s, &c->deleting);
    stream_bool(s, &c->lingering);
    stream_bool(s, &c->stopped);
    stream_bool(s, &c->waits_for_use);
    stream_u32(s, &c->live_slot);
    if (c->live_slot >= IKE_RECORD_SLOTS_MAX)
        stream_refuse(s);
    stream_u64(s, &c->created);
    stream_u64(s, &c->expires);
    stream_u64(s, &c->lifetime_due);
    stream_u64(s, &c->rekey_due);
    stream_direction(s, &c->inbound);
    stream_direction(s, &c->outbound);
    stream_selectors(s, &c->local_ts);
    stream_selectors(s, &c->remote_ts);
}

static void stream_children(struct record_stream *s, struct ike_record *record)
{
    uint8_t count = (uint8_t)record->child_count;
    stream_count(s, &count, IKE_RECORD_CHILDREN_MAX);
    record->child_count = count;
    for (size_t i = 0; i < count; i++)
        stream_child(s, &record->children[i]);
}

static void stream_tasks(struct record_stream *s, struct ike_record *record)
{
    uint8_t count = (uint8_t)record->task_count;
    stream_count(s, &count, IKE_RECORD_TASKS_MAX);
    record->task_count = count;
    for (size_t i = 0; i < count; i++) {
        stream_u8(s, &record->tasks[i].number);
        stream_u32(s, &record->tasks[i].spi);
    }
}

static void stream_lowest_nonce(struct record_stream *s, struct lowest_nonce *nonce)
{
    stream_count(s, &nonce->length, sizeof nonce->octets);
    stream_octets(s, nonce->octets, nonce->length);
}

/* As initiator: what it takes to make the secret. */
static void stream_key_exchange(struct record_stream *s, struct key_exchange *x)
{
    stream_key_exchange_method(s, &x->method);
    stream_octets(s, x->private_state, sizeof x->private_state);
    stream_octets(s, x->own_share, sizeof x->own_share);
    stream_octets(s, x->peer_share, sizeof x->peer_share);
}

static void stream_own(struct record_stream *s, struct ike_record *record)
{
    struct negotiation *n = &record->own.negotiation;
    uint8_t phase = (uint8_t)n->phase;
    stream_bool(s, &record->has_own);
    if (!record->has_own)
        return;
    stream_count(s, &phase, NEGOTIATION_FINISHES);
    n->phase = (enum negotiation_phase)phase;
    stream_u32(s, &n->old_spi);
    stream_run(s, &record->own.nonce_i);
    stream_run(s, &record->own.nonce_r);
    stream_key_exchange(s, &n->key_exchange);
    stream_bool(s, &n->ke_retried);
    stream_proposal(s, &n->request.proposal);
    stream_u32(s, &n->request.inbound_spi);
    stream_selectors(s, &n->request.local_ts);
    stream_selectors(s, &n->request.remote_ts);
    stream_suite(s, &n->agreement.suite);
    stream_u8(s, &n->agreement.proposal_number);
    stream_u32(s, &n->agreement.outbound_spi);
    stream_selectors(s, &n->agreement.local_ts);
    stream_selectors(s, &n->agreement.remote_ts);
    stream_suite(s, &n->suite);
    stream_u8(s, &n->proposal_number);
    stream_u64(s, &n->new_spi);
    stream_u64(s, &n->peer_spi);
    stream_bool(s, &n->has_rival);
    stream_u32(s, &n->rival_child);
    stream_u64(s, &n->rival_ike_sa);
    stream_lowest_nonce(s, &n->rival_nonce);
}

static void stream_keys(struct record_stream *s, struct ike_keys *k)
{
    stream_octets(s, k->d, sizeof k->d);
    stream_octets(s, k->ai, sizeof k->ai);
    stream_octets(s, k->ar, sizeof k->ar);
    stream_octets(s, k->ei, sizeof k->ei);
    stream_octets(s, k->er, sizeof k->er);
    stream_octets(s, k->pi, sizeof k->pi);
    stream_octets(s, k->pr, sizeof k->pr);
}

static void stream_record(struct record_stream *s, struct ike_record *record)
{
    uint8_t state = (uint8_t)record->state;
    uint8_t child_scope = (uint8_t)record->child_scope;
    stream_u32(s, &record->serial);
    stream_u32(s, &record->tunnel);
    stream_bool(s, &record->has_tunnel);
    stream_count(s, &state, IKE_SA_DELETING);
    record->state = (enum ike_sa_state)state;
    stream_bool(s, &record->initiator);
    stream_bool(s, &record->initial_contact);
    stream_bool(s, &record->replaced);
    stream_bool(s, &record->nat_local);
    stream_bool(s, &record->nat_remote);
    stream_bool(s, &record->encapsulate);
    stream_bool(s, &record->fragmentation);
    stream_u64(s, &record->superfluous);
    stream_u64(s, &record->predecessor);
    stream_u64(s, &record->spi_i);
    stream_u64(s, &record->spi_r);
    stream_endpoint(s, &record->local);
    stream_endpoint(s, &record->remote);
    stream_address(s, &record->peer_address);
    stream_u32(s, &record->ifindex);
    stream_u32(s, &record->mark);
    stream_u32(s, &record->arrival_ifindex);
    stream_suite(s, &record->suite);
    stream_keys(s, &record->keys);
    stream_run(s, &record->nonce_i);
    stream_run(s, &record->nonce_r);
    stream_identity(s, &record->local_id);
    stream_identity(s, &record->remote_id);
    stream_u32(s, &record->request_id);
    stream_u32(s, &record->expected_id);
    stream_u64(s, &record->gcm_iv);
    stream_u64(s, &record->created);
    stream_u64(s, &record->expires);
    stream_u64(s, &record->lifetime_due);
    stream_u64(s, &record->rekey_due);
    stream_u64(s, &record->started_event);
    stream_u64(s, &record->established_event);
    stream_bool(s, &record->begun_here);
    stream_count(s, &child_scope, SCOPE_FLOW);
    record->child_scope = (enum child_scope)child_scope;
    stream_bool(s, &record->first_child_is_ours);
    stream_count(s, &record->families_refused, FAMILY_V4 | FAMILY_V6);
    stream_run(s, &record->delete_reason);
    stream_run(s, &record->request);
    stream_run(s, &record->response);
    stream_tasks(s, record);
    stream_own(s, record);
    stream_children(s, record);
}

/* ---- What is recorded of an IKE SA ------------------------------------------------------------------- */

static msec_t due_of(const struct ike_timer *timer)
{
    return deadline_is_set(&timer->deadline) ? timer->deadline.due : MSEC_NEVER;
}

static struct ike_child_record child_record_of(const struct child_sa *child)
{
    return (struct ike_child_record){
        .suite = child->suite,
        .initiator = child->initiator,
        .installed = child->installed,
        .replaced = child->replaced,
        .deleting = child->deleting,
        .lingering = child->lingering,
        .stopped = child->stopped,
        .waits_for_use = child->waits_for_use,
        .live_slot = child->live_slot,
        .created = child->created,
        .expires = child->expires,
        .lifetime_due = due_of(&child->lifetime),
        .rekey_due = due_of(&child->rekey),
        .inbound = child->inbound,
        .outbound = child->outbound,
        .local_ts = child->local_ts,
        .remote_ts = child->remote_ts,
    };
}

/* A negotiation whose request is not written yet is left out: its task begins anew. */
static void record_own(const struct ike_sa *sa, struct ike_record *record)
{
    record->has_own = sa->own != NULL && sa->own->phase != NEGOTIATION_GENERATES;
    if (!record->has_own)
        return;
    record->own.negotiation = *sa->own;
    record->own.nonce_i = ike_buffer_octets(&sa->own->nonce_i);
    record->own.nonce_r = ike_buffer_octets(&sa->own->nonce_r);
}

static void record_tasks(const struct ike_sa *sa, struct ike_record *record)
{
    const struct ike_task *task;
    STAILQ_FOREACH(task, &sa->tasks, link)
    {
        if (record->task_count < IKE_RECORD_TASKS_MAX)
            record->tasks[record->task_count++] =
                (struct ike_task_record){(uint8_t)task->kind->number, task->spi};
    }
}

static struct ike_record record_of(const struct ike_sa *sa)
{
    struct ike_record record = {
        .serial = sa->serial,
        .tunnel = sa->tunnel != NULL ? sa->tunnel->policy.tunnel : 0,
        .has_tunnel = sa->tunnel != NULL,
        .state = sa->state,
        .initiator = sa->initiator,
        .initial_contact = sa->initial_contact,
        .replaced = sa->replaced,
        .nat_local = sa->nat_local,
        .nat_remote = sa->nat_remote,
        .encapsulate = sa->encapsulate,
        .fragmentation = sa->fragmentation,
        .superfluous = sa->superfluous,
        .predecessor = sa->predecessor,
        .spi_i = sa->spi_i,
        .spi_r = sa->spi_r,
        .local = sa->local,
        .remote = sa->remote,
        .peer_address = sa->peer_address,
        .ifindex = sa->ifindex,
        .mark = sa->mark,
        .arrival_ifindex = sa->arrival_ifindex,
        .suite = sa->suite,
        .keys = sa->keys,
        .nonce_i = ike_buffer_octets(&sa->nonce_i),
        .nonce_r = ike_buffer_octets(&sa->nonce_r),
        .local_id = sa->local_id,
        .remote_id = sa->remote_id,
        .request_id = sa->request_id,
        .expected_id = sa->expected_id,
        .gcm_iv = sa->gcm_iv,
        .created = sa->created,
        .expires = sa->expires,
        .lifetime_due = due_of(&sa->lifetime),
        .rekey_due = due_of(&sa->rekey),
        .started_event = sa->started_event,
        .established_event = sa->established_event,
        .begun_here = sa->begun_here,
        .child_scope = sa->additional.scope,
        .first_child_is_ours = sa->additional.ours,
        .families_refused = sa->additional.refused,
        .delete_reason = {(const uint8_t *)sa->delete_reason, strlen(sa->delete_reason)},
        .request = sa->request_out ? ike_buffer_octets(&sa->request) : (struct octets){NULL, 0},
        .response = ike_buffer_octets(&sa->response),
    };
    record_tasks(sa, &record);
    record_own(sa, &record);
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (record.child_count < IKE_RECORD_CHILDREN_MAX)
            record.children[record.child_count++] = child_record_of(child);
    }
    return record;
}

void ike_record_write(const struct ike_sa *sa, struct writer *w)
{
    struct ike_record record = record_of(sa);
    struct record_stream stream = {.w = w};
    writer_put_u32be(w, IKE_RECORD_VERSION);
    stream_record(&stream, &record);
    explicit_bzero(&record, sizeof record);
}

bool ike_record_read(struct octets state, struct ike_record *out)
{
    struct reader r = reader_of(state.at, state.length);
    *out = (struct ike_record){0};
    if (reader_u32be(&r) != IKE_RECORD_VERSION)
        return false;
    struct record_stream stream = {.r = &r};
    stream_record(&stream, out);
    return !r.failed && reader_left(&r) == 0;
}
