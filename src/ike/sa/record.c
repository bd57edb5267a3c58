#include "ike/sa/record.h"

#include "base/secret.h"
#include "ike/sa/record_stream.h"

#include <string.h>

/* ---- The byte form of sections ------------------------------------------------------------------------- */

/* Streams a section; `child` is the Child SA of a SECTION_CHILD_SA. */
typedef void stream_section_function(struct record_stream *s, struct ike_record *record,
                                     struct ike_child_record *child);

static size_t integrity_key_octets(const struct integrity_algorithm *a)
{
    return a != NULL ? a->key_size : 0;
}

static size_t suite_encryption_key_octets(const struct ike_suite *suite)
{
    return suite->encryption != NULL ? encryption_key_octets(suite->encryption) : 0;
}

static void stream_machine(struct record_stream *s, struct ike_record *record, struct ike_child_record *child)
{
    uint8_t count = (uint8_t)record->child_count;
    (void)child;
    stream_epoch(s);
    stream_u32(s, &record->serial);
    stream_bool(s, &record->route_unknown);
    stream_u32(s, &record->ifindex);
    stream_u32(s, &record->mark);
    stream_u32(s, &record->arrival_ifindex);
    stream_u64(s, &record->started_event);
    stream_u64(s, &record->established_event);
    stream_count(s, &count, IKE_RECORD_CHILDREN_MAX);
    for (size_t i = 0; i < count; i++) {
        struct ike_child_record *c = &record->children[i];
        stream_u32(s, &c->live_slot);
        if (c->live_slot >= IKE_RECORD_SLOTS_MAX)
            stream_refuse(s);
        stream_u32(s, &c->inbound.serial);
        stream_u32(s, &c->outbound.serial);
    }
    record->of_this_machine = true;
    record->machine_child_count = count;
}

/* Its flags: bits of a record are never moved. */
static void stream_ike_sa_flags(struct record_stream *s, struct ike_record *record)
{
    bool *const flags[] = {
        &record->initiator,           &record->initial_contact, &record->replaced,      &record->nat_local,
        &record->nat_remote,          &record->encapsulate,     &record->fragmentation, &record->begun_here,
        &record->first_child_is_ours, &record->source_moved,    &record->address_lost,
    };
    stream_flags(s, flags, sizeof flags / sizeof *flags);
}

static void stream_ike_sa(struct record_stream *s, struct ike_record *record, struct ike_child_record *child)
{
    uint8_t state = (uint8_t)record->state;
    uint8_t child_scope = (uint8_t)record->child_scope;
    (void)child;
    stream_count(s, &state, IKE_SA_DELETING);
    record->state = (enum ike_sa_state)state;
    stream_ike_sa_flags(s, record);
    stream_u64(s, &record->spi_i);
    stream_u64(s, &record->spi_r);
    stream_u64(s, &record->superfluous);
    stream_u64(s, &record->predecessor);
    stream_endpoint(s, &record->local);
    stream_endpoint(s, &record->remote);
    stream_address(s, &record->peer_address);
    stream_identity(s, &record->local_id);
    stream_identity(s, &record->remote_id);
    stream_u32(s, &record->request_id);
    stream_u32(s, &record->expected_id);
    stream_time(s, &record->created);
    stream_time(s, &record->expires);
    stream_time(s, &record->lifetime_due);
    stream_time(s, &record->rekey_due);
    stream_count(s, &child_scope, SCOPE_FLOW);
    record->child_scope = (enum child_scope)child_scope;
    stream_count(s, &record->families_refused, FAMILY_V4 | FAMILY_V6);
    stream_run(s, &record->delete_reason);
    if (stream_since(s, 5))
        stream_u16(s, &record->delete_notify);
}

static void stream_keys(struct record_stream *s, struct ike_record *record, struct ike_child_record *child)
{
    const struct ike_suite *suite = &record->suite;
    struct ike_keys *k = &record->keys;
    (void)child;
    stream_suite(s, &record->suite);
    size_t prf = suite->prf != NULL ? suite->prf->size : 0;
    stream_value(s, k->d, prf);
    stream_value(s, k->ai, integrity_key_octets(suite->integrity));
    stream_value(s, k->ar, integrity_key_octets(suite->integrity));
    stream_value(s, k->ei, suite_encryption_key_octets(suite));
    stream_value(s, k->er, suite_encryption_key_octets(suite));
    stream_value(s, k->pi, prf);
    stream_value(s, k->pr, prf);
    stream_run(s, &record->nonce_i);
    stream_run(s, &record->nonce_r);
    stream_u64(s, &record->gcm_iv);
}

/* Reading: messages one after the other (fragments of one) must have the lengths in their headers. */
static void check_messages(struct record_stream *s, struct octets messages)
{
    enum { LENGTH_AT = 24 };
    struct reader r = reader_of(messages.at, messages.length);
    while (reader_left(&r) > 0) {
        size_t length = reader_left(&r) >= IKE_HEADER_SIZE ? load_u32be(r.at + LENGTH_AT) : 0;
        if (length < IKE_HEADER_SIZE || reader_octets(&r, length) == NULL) {
            stream_refuse(s);
            return;
        }
    }
}

static void stream_messages(struct record_stream *s, struct ike_record *record,
                            struct ike_child_record *child)
{
    uint8_t count = (uint8_t)record->task_count;
    (void)child;
    stream_run(s, &record->request);
    stream_run(s, &record->response);
    check_messages(s, record->request);
    check_messages(s, record->response);
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

static void stream_agreement(struct record_stream *s, struct child_agreement *agreement)
{
    stream_suite(s, &agreement->suite);
    stream_u8(s, &agreement->proposal_number);
    stream_u32(s, &agreement->outbound_spi);
    stream_selectors(s, &agreement->local_ts);
    stream_selectors(s, &agreement->remote_ts);
}

/* As initiator: what is needed to make the secret. */
static void stream_key_exchange(struct record_stream *s, struct key_exchange *x)
{
    static const struct key_exchange_method none = {0};
    stream_key_exchange_method(s, &x->method);
    const struct key_exchange_method *m = x->method != NULL ? x->method : &none;
    stream_value(s, x->private_state, m->private_size);
    stream_value(s, x->own_share, m->initiator_share_size);
    stream_value(s, x->peer_share, m->responder_share_size);
}

static void stream_negotiation(struct record_stream *s, struct ike_record *record,
                               struct ike_child_record *child)
{
    struct negotiation *n = &record->own.negotiation;
    uint8_t phase = (uint8_t)n->phase;
    (void)child;
    record->has_own = true;
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
    stream_agreement(s, &n->agreement);
    stream_suite(s, &n->suite);
    stream_u8(s, &n->proposal_number);
    stream_u64(s, &n->new_spi);
    stream_u64(s, &n->peer_spi);
    stream_bool(s, &n->has_rival);
    stream_u32(s, &n->rival_child);
    stream_u64(s, &n->rival_ike_sa);
    stream_lowest_nonce(s, &n->rival_nonce);
}

static void stream_direction(struct record_stream *s, const struct ike_suite *suite,
                             struct child_direction *d)
{
    stream_u32(s, &d->spi);
    stream_value(s, d->encryption_key, suite_encryption_key_octets(suite));
    stream_value(s, d->integrity_key, integrity_key_octets(suite->integrity));
}

static void stream_child(struct record_stream *s, struct ike_record *record, struct ike_child_record *c)
{
    bool *const flags[] = {&c->initiator, &c->installed, &c->replaced,     &c->deleting,
                           &c->lingering, &c->stopped,   &c->waits_for_use};
    (void)record;
    stream_suite(s, &c->suite);
    if (c->suite.encryption == NULL)
        stream_refuse(s);
    stream_flags(s, flags, sizeof flags / sizeof *flags);
    stream_time(s, &c->created);
    stream_time(s, &c->expires);
    stream_time(s, &c->lifetime_due);
    stream_time(s, &c->rekey_due);
    stream_direction(s, &c->suite, &c->inbound);
    stream_direction(s, &c->suite, &c->outbound);
    stream_selectors(s, &c->local_ts);
    stream_selectors(s, &c->remote_ts);
}

/* ---- Sections ---------------------------------------------------------------------------------------- */

static stream_section_function *const section_functions[] = {
    [SECTION_MACHINE] = stream_machine,
    [SECTION_IKE_SA] = stream_ike_sa,
    [SECTION_KEYS] = stream_keys,
    [SECTION_MESSAGES] = stream_messages,
    [SECTION_NEGOTIATION] = stream_negotiation,
    [SECTION_CHILD_SA] = stream_child,
};

enum { SECTIONS_KNOWN = sizeof section_functions / sizeof *section_functions };

static void write_section(struct record_stream *s, enum ike_record_section section, struct ike_record *record,
                          struct ike_child_record *child)
{
    writer_put_u8(s->w, (uint8_t)section);
    size_t length_at = writer_length(s->w);
    writer_put_u32be(s->w, 0);
    section_functions[section](s, record, child);
    writer_patch_u32be(s->w, length_at, (uint32_t)(writer_length(s->w) - length_at - 4));
}

static void write_sections(struct record_stream *s, struct ike_record *record)
{
    write_section(s, SECTION_MACHINE, record, NULL);
    write_section(s, SECTION_IKE_SA, record, NULL);
    write_section(s, SECTION_KEYS, record, NULL);
    write_section(s, SECTION_MESSAGES, record, NULL);
    if (record->has_own)
        write_section(s, SECTION_NEGOTIATION, record, NULL);
    for (size_t i = 0; i < record->child_count; i++)
        write_section(s, SECTION_CHILD_SA, record, &record->children[i]);
}

/* The Child SA that the next section of one holds; NULL if there is no place for more. */
static struct ike_child_record *next_child(struct ike_record *record)
{
    return record->child_count < IKE_RECORD_CHILDREN_MAX ? &record->children[record->child_count++] : NULL;
}

/* Reads one section, and skips what a newer version has after the known fields. */
static bool read_section(struct record_stream *s, uint8_t section, struct ike_record *record)
{
    struct ike_child_record *child = section == SECTION_CHILD_SA ? next_child(record) : NULL;
    if (section == SECTION_CHILD_SA && child == NULL)
        return false;
    section_functions[section](s, record, child);
    return !s->r->failed && (reader_left(s->r) == 0 || s->version > IKE_RECORD_VERSION);
}

static bool read_sections(struct record_stream *s, struct reader *r, struct ike_record *record)
{
    uint32_t seen = 0;
    uint8_t last = 0;
    while (reader_left(r) > 0) {
        uint8_t section = reader_u8(r);
        struct reader fields = reader_part(r, reader_u32be(r));
        if (r->failed || section < last || (section == last && section != SECTION_CHILD_SA))
            return false;
        last = section;
        if (section == 0 || (section >= SECTIONS_KNOWN && s->version <= IKE_RECORD_VERSION))
            return false;
        if (section >= SECTIONS_KNOWN)
            continue;
        s->r = &fields;
        if (!read_section(s, section, record))
            return false;
        seen |= UINT32_C(1) << section;
    }
    const uint32_t needed = 1U << SECTION_IKE_SA | 1U << SECTION_KEYS | 1U << SECTION_MESSAGES;
    return !r->failed && (seen & needed) == needed &&
           (!record->of_this_machine || record->machine_child_count == record->child_count);
}

/* ---- What is recorded of an IKE SA ------------------------------------------------------------------- */

static msec_t due_of(const struct ike_timer *timer)
{
    return deadline_is_set(&timer->deadline) ? timer->deadline.due : MSEC_NEVER;
}

static struct ike_child_record child_record_of(const struct child_sa *child)
{
    const struct child_selectors ts = child_sa_selectors(child);
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
        .local_ts = ts.local,
        .remote_ts = ts.remote,
    };
}

/* A negotiation whose request is not written yet is left out: its task begins again. */
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

/*
 * There is room for many more Child SAs than most IKE SAs have: the places of those that there are not are
 * neither set nor wiped, since that would take longer than all the rest.
 */
static void record_begin(struct ike_record *record)
{
    memset(record, 0, offsetof(struct ike_record, children));
}

static void record_wipe(struct ike_record *record)
{
    size_t unused = IKE_RECORD_CHILDREN_MAX - record->child_count;
    secret_wipe(record, sizeof *record - unused * sizeof record->children[0]);
}

static void record_of(const struct ike_sa *sa, struct ike_record *record)
{
    record_begin(record);
    record->serial = sa->serial;
    record->tunnel = sa->tunnel != NULL ? sa->tunnel->policy.tunnel : 0;
    record->has_tunnel = sa->tunnel != NULL;
    record->state = sa->state;
    record->initiator = sa->initiator;
    record->initial_contact = sa->initial_contact;
    record->replaced = sa->replaced;
    record->source_moved = sa->source_moved;
    record->address_lost = sa->address_lost;
    record->nat_local = sa->nat_local;
    record->nat_remote = sa->nat_remote;
    record->encapsulate = sa->encapsulate;
    record->fragmentation = sa->fragmentation;
    record->superfluous = sa->superfluous;
    record->predecessor = sa->predecessor;
    record->spi_i = sa->spi_i;
    record->spi_r = sa->spi_r;
    record->local = sa->local;
    record->remote = sa->remote;
    record->peer_address = sa->peer_address;
    record->ifindex = sa->ifindex;
    record->mark = sa->mark;
    record->arrival_ifindex = sa->arrival_ifindex;
    record->route_unknown = sa->route_unknown;
    record->suite = sa->suite;
    record->keys = sa->keys;
    record->nonce_i = ike_buffer_octets(&sa->nonce_i);
    record->nonce_r = ike_buffer_octets(&sa->nonce_r);
    record->local_id = identity_kept(&sa->local_id);
    record->remote_id = identity_kept(&sa->remote_id);
    record->request_id = sa->request_id;
    record->expected_id = sa->expected_id;
    record->gcm_iv = sa->gcm_iv;
    record->created = sa->created;
    record->expires = sa->expires;
    record->lifetime_due = due_of(&sa->lifetime);
    record->rekey_due = due_of(&sa->rekey);
    record->started_event = sa->started_event;
    record->established_event = sa->established_event;
    record->begun_here = sa->begun_here;
    record->child_scope = sa->additional.scope;
    record->first_child_is_ours = sa->additional.ours;
    record->families_refused = sa->additional.refused;
    record->delete_notify = sa->delete_notify;
    const char *reason = ike_sa_delete_reason(sa);
    record->delete_reason = (struct octets){(const uint8_t *)reason, strlen(reason)};
    record->request = sa->request_out ? ike_buffer_octets(&sa->request) : (struct octets){NULL, 0};
    record->response = ike_buffer_octets(&sa->response);
    record_tasks(sa, record);
    record_own(sa, record);
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (record->child_count < IKE_RECORD_CHILDREN_MAX)
            record->children[record->child_count++] = child_record_of(child);
    }
}

/* ---- Records ----------------------------------------------------------------------------------------- */

/* What comes before the sections. */
struct record_header {
    uint32_t version, readable_from;
    bool has_tunnel;
    uint32_t tunnel;
    uint32_t length; /* of all sections together */
};

static void stream_header(struct record_stream *s, struct record_header *h)
{
    stream_u32(s, &h->version);
    stream_u32(s, &h->readable_from);
    stream_bool(s, &h->has_tunnel);
    stream_u32(s, &h->tunnel);
    stream_u32(s, &h->length);
}

/* Reads the header and leaves `r` at the first section. */
static enum ike_record_result read_header(struct reader *r, struct record_header *h)
{
    struct record_stream s = {.r = r};
    stream_header(&s, h);
    if (h->version != 0 && h->version < IKE_RECORD_OLDEST_VERSION)
        return IKE_RECORD_TOO_OLD;
    if (r->failed || h->version == 0 || h->readable_from > h->version || h->length != reader_left(r))
        return IKE_RECORD_DAMAGED;
    return h->readable_from > IKE_RECORD_VERSION ? IKE_RECORD_TOO_NEW : IKE_RECORD_READ;
}

void ike_record_write(const struct ike_sa *sa, uint64_t epoch, struct writer *w)
{
    struct ike_record record;
    record_of(sa, &record);
    struct record_header header = {IKE_RECORD_VERSION, IKE_RECORD_READABLE_FROM, record.has_tunnel,
                                   record.tunnel, 0};
    struct record_stream stream = {.w = w, .version = IKE_RECORD_VERSION, .epoch = epoch};
    stream_header(&stream, &header);
    size_t sections_at = writer_length(w);
    write_sections(&stream, &record);
    writer_patch_u32be(w, sections_at - 4, (uint32_t)(writer_length(w) - sections_at));
    record_wipe(&record);
}

enum ike_record_result ike_record_read(struct octets state, uint64_t epoch, struct ike_record *out)
{
    struct reader r = reader_of(state.at, state.length);
    struct record_header header = {0};
    enum ike_record_result result = read_header(&r, &header);
    *out = (struct ike_record){
        .version = header.version, .has_tunnel = header.has_tunnel, .tunnel = header.tunnel};
    if (result != IKE_RECORD_READ)
        return result;
    struct record_stream stream = {.version = header.version, .epoch = epoch, .past_is_cut = true};
    return read_sections(&stream, &r, out) ? IKE_RECORD_READ : IKE_RECORD_DAMAGED;
}

bool ike_record_tunnel(struct octets state, uint32_t *tunnel)
{
    struct reader r = reader_of(state.at, state.length);
    struct record_header header = {0};
    enum ike_record_result result = read_header(&r, &header);
    *tunnel = header.tunnel;
    return result == IKE_RECORD_READ && header.has_tunnel;
}
