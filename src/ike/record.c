#include "ike/record.h"

#include <string.h>

/*
 * Writing and reading go through the same list of fields, each function once for either way, so that the two
 * cannot differ.
 */
struct record_stream {
    struct writer *w; /* writing, or */
    struct reader *r; /* reading */
};

static void stream_octets(struct record_stream *s, void *at, size_t length)
{
    if (s->w != NULL)
        writer_put(s->w, at, length);
    else
        reader_copy(s->r, at, length);
}

static void stream_u64(struct record_stream *s, uint64_t *value)
{
    if (s->w != NULL)
        writer_put_u64be(s->w, *value);
    else
        *value = reader_u64be(s->r);
}

static void stream_u32(struct record_stream *s, uint32_t *value)
{
    if (s->w != NULL)
        writer_put_u32be(s->w, *value);
    else
        *value = reader_u32be(s->r);
}

static void stream_u16(struct record_stream *s, uint16_t *value)
{
    if (s->w != NULL)
        writer_put_u16be(s->w, *value);
    else
        *value = reader_u16be(s->r);
}

static void stream_u8(struct record_stream *s, uint8_t *value)
{
    if (s->w != NULL)
        writer_put_u8(s->w, *value);
    else
        *value = reader_u8(s->r);
}

/* A field that no whole record can have: what follows is not worth reading. */
static void refuse(struct record_stream *s)
{
    if (s->r != NULL)
        s->r->failed = true;
}

static void stream_bool(struct record_stream *s, bool *value)
{
    uint8_t octet = *value;
    stream_u8(s, &octet);
    if (octet > 1)
        refuse(s);
    *value = octet != 0;
}

static void stream_address(struct record_stream *s, struct ip_address *a)
{
    uint8_t family = (uint8_t)a->family;
    stream_u8(s, &family);
    if (family != IP_NONE && family != IP_V4 && family != IP_V6) {
        refuse(s);
        family = IP_NONE;
    }
    a->family = (enum ip_family)family;
    stream_octets(s, a->octets, sizeof a->octets);
}

static void stream_endpoint(struct record_stream *s, struct ip_endpoint *e)
{
    stream_address(s, &e->address);
    stream_u16(s, &e->port);
}

static void stream_identity(struct record_stream *s, struct identity *id)
{
    stream_u8(s, &id->type);
    stream_u16(s, &id->length);
    if (id->length > IDENTITY_SIZE) {
        refuse(s);
        id->length = 0;
    }
    stream_octets(s, id->value, id->length);
}

/* A run of octets with its length before it. */
static void stream_run(struct record_stream *s, struct octets *run)
{
    uint32_t length = (uint32_t)run->length;
    stream_u32(s, &length);
    if (s->w != NULL)
        writer_put(s->w, run->at, run->length);
    else
        *run = (struct octets){reader_octets(s->r, length), length};
}

static void stream_selectors(struct record_stream *s, struct selector_list *list)
{
    stream_u8(s, &list->count);
    if (list->count > ESP_SELECTORS_MAX) {
        refuse(s);
        list->count = 0;
    }
    for (uint8_t i = 0; i < list->count; i++) {
        struct traffic_selector *ts = &list->ts[i];
        stream_u8(s, &ts->protocol);
        stream_u16(s, &ts->first_port);
        stream_u16(s, &ts->last_port);
        stream_address(s, &ts->first);
        stream_address(s, &ts->last);
    }
}

static void stream_direction(struct record_stream *s, struct ike_child_direction *d)
{
    stream_u32(s, &d->spi);
    stream_u32(s, &d->serial);
    stream_octets(s, d->encryption_key, sizeof d->encryption_key);
    stream_octets(s, d->integrity_key, sizeof d->integrity_key);
}

static void stream_child(struct record_stream *s, struct ike_child_record *c)
{
    stream_u16(s, &c->encryption);
    stream_u16(s, &c->key_bits);
    stream_u16(s, &c->integrity);
    stream_u16(s, &c->dh);
    stream_bool(s, &c->initiator);
    stream_bool(s, &c->installed);
    stream_bool(s, &c->replaced);
    stream_bool(s, &c->deleting);
    stream_bool(s, &c->lingering);
    stream_u32(s, &c->live_slot);
    stream_u64(s, &c->created);
    stream_u64(s, &c->expires);
    stream_direction(s, &c->inbound);
    stream_direction(s, &c->outbound);
    stream_selectors(s, &c->local_ts);
    stream_selectors(s, &c->remote_ts);
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
    uint8_t child_count = (uint8_t)record->child_count;
    stream_u32(s, &record->serial);
    stream_u32(s, &record->tunnel);
    stream_bool(s, &record->has_tunnel);
    stream_u8(s, &state);
    stream_bool(s, &record->initiator);
    stream_bool(s, &record->replaced);
    stream_bool(s, &record->nat_local);
    stream_bool(s, &record->nat_remote);
    stream_bool(s, &record->encapsulate);
    stream_bool(s, &record->fragmentation);
    stream_u64(s, &record->spi_i);
    stream_u64(s, &record->spi_r);
    stream_endpoint(s, &record->local);
    stream_endpoint(s, &record->remote);
    stream_u32(s, &record->ifindex);
    stream_u32(s, &record->mark);
    stream_u16(s, &record->encryption);
    stream_u16(s, &record->key_bits);
    stream_u16(s, &record->integrity);
    stream_u16(s, &record->prf);
    stream_u16(s, &record->dh);
    stream_keys(s, &record->keys);
    stream_identity(s, &record->local_id);
    stream_identity(s, &record->remote_id);
    stream_u32(s, &record->request_id);
    stream_u32(s, &record->expected_id);
    stream_u64(s, &record->gcm_iv);
    stream_u64(s, &record->created);
    stream_u64(s, &record->expires);
    stream_run(s, &record->request);
    stream_run(s, &record->response);
    stream_u8(s, &child_count);
    if (child_count > IKE_RECORD_CHILDREN_MAX) {
        refuse(s);
        child_count = 0;
    }
    if (state > IKE_SA_DELETING) {
        refuse(s);
        state = 0;
    }
    record->state = (enum ike_sa_state)state;
    record->child_count = child_count;
    for (size_t i = 0; i < child_count; i++)
        stream_child(s, &record->children[i]);
}

static struct ike_child_record child_record_of(const struct child_sa *child)
{
    return (struct ike_child_record){
        .encryption = child->suite.encryption->id,
        .key_bits = child->suite.encryption->key_bits,
        .integrity = child->suite.integrity != NULL ? child->suite.integrity->id : (uint16_t)AUTH_NONE,
        .dh = child->suite.dh != NULL ? child->suite.dh->id : (uint16_t)DH_NONE,
        .initiator = child->initiator,
        .installed = child->installed,
        .replaced = child->replaced,
        .deleting = child->deleting,
        .lingering = child->lingering,
        .live_slot = child->live_slot,
        .created = child->created,
        .expires = child->expires,
        .inbound = child->inbound,
        .outbound = child->outbound,
        .local_ts = child->local_ts,
        .remote_ts = child->remote_ts,
    };
}

static struct ike_record record_of(const struct ike_sa *sa)
{
    struct ike_record record = {
        .serial = sa->serial,
        .tunnel = sa->tunnel != NULL ? sa->tunnel->policy.tunnel : 0,
        .has_tunnel = sa->tunnel != NULL,
        .state = sa->state,
        .initiator = sa->initiator,
        .replaced = sa->replaced,
        .nat_local = sa->nat_local,
        .nat_remote = sa->nat_remote,
        .encapsulate = sa->encapsulate,
        .fragmentation = sa->fragmentation,
        .spi_i = sa->spi_i,
        .spi_r = sa->spi_r,
        .local = sa->local,
        .remote = sa->remote,
        .ifindex = sa->ifindex,
        .mark = sa->mark,
        .keys = sa->keys,
        .local_id = sa->local_id,
        .remote_id = sa->remote_id,
        .request_id = sa->request_id,
        .expected_id = sa->expected_id,
        .gcm_iv = sa->gcm_iv,
        .created = sa->created,
        .expires = sa->expires,
        .request = sa->request_out ? ike_buffer_octets(&sa->request) : (struct octets){NULL, 0},
        .response = ike_buffer_octets(&sa->response),
    };
    const struct ike_suite *suite = &sa->suite;
    if (suite->encryption != NULL) {
        record.encryption = suite->encryption->id;
        record.key_bits = suite->encryption->key_bits;
        record.integrity = suite->integrity != NULL ? suite->integrity->id : (uint16_t)AUTH_NONE;
        record.prf = suite->prf->id;
        record.dh = suite->dh->id;
    }
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
