#include "ike/sa/record_stream.h"

bool stream_since(const struct record_stream *s, uint32_t version)
{
    return s->version >= version;
}

void stream_refuse(struct record_stream *s)
{
    if (s->r != NULL)
        s->r->failed = true;
}

/* ---- Numbers and octets ------------------------------------------------------------------------------ */

void stream_octets(struct record_stream *s, void *at, size_t length)
{
    if (s->w != NULL)
        writer_put(s->w, at, length);
    else
        reader_copy(s->r, at, length);
}

void stream_u64(struct record_stream *s, uint64_t *value)
{
    if (s->w != NULL)
        writer_put_u64be(s->w, *value);
    else
        *value = reader_u64be(s->r);
}

void stream_u32(struct record_stream *s, uint32_t *value)
{
    if (s->w != NULL)
        writer_put_u32be(s->w, *value);
    else
        *value = reader_u32be(s->r);
}

void stream_u16(struct record_stream *s, uint16_t *value)
{
    if (s->w != NULL)
        writer_put_u16be(s->w, *value);
    else
        *value = reader_u16be(s->r);
}

void stream_u8(struct record_stream *s, uint8_t *value)
{
    if (s->w != NULL)
        writer_put_u8(s->w, *value);
    else
        *value = reader_u8(s->r);
}

void stream_count(struct record_stream *s, uint8_t *count, size_t max)
{
    stream_u8(s, count);
    if (*count <= max)
        return;
    stream_refuse(s);
    *count = 0;
}

void stream_bool(struct record_stream *s, bool *value)
{
    uint8_t octet = *value;
    stream_count(s, &octet, 1);
    *value = octet != 0;
}

void stream_flags(struct record_stream *s, bool *const *flags, size_t count)
{
    uint16_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (uint16_t)(*flags[i] << i);
    stream_u16(s, &bits);
    for (size_t i = 0; i < count; i++)
        *flags[i] = (bits >> i & 1) != 0;
}

enum { UNIX_TIME_BITS = 48 }; /* that a time in milliseconds takes, until the year 10889 */

void stream_epoch(struct record_stream *s)
{
    stream_u64(s, &s->epoch);
    if (s->epoch >> UNIX_TIME_BITS != 0)
        stream_refuse(s);
    s->past_is_cut = false;
}

void stream_time(struct record_stream *s, msec_t *time)
{
    uint64_t unix_time = *time == MSEC_NEVER ? MSEC_NEVER : *time + s->epoch;
    stream_u64(s, &unix_time);
    if (s->w != NULL)
        return;
    *time = MSEC_NEVER;
    if (unix_time == MSEC_NEVER)
        return;
    if (unix_time >> UNIX_TIME_BITS != 0 || (unix_time < s->epoch && !s->past_is_cut))
        stream_refuse(s);
    else
        *time = unix_time > s->epoch ? unix_time - s->epoch : 0;
}

void stream_value(struct record_stream *s, void *at, size_t size)
{
    uint16_t length = (uint16_t)size;
    stream_u16(s, &length);
    if (length != size)
        stream_refuse(s);
    stream_octets(s, at, size);
}

void stream_run(struct record_stream *s, struct octets *run)
{
    uint32_t length = (uint32_t)run->length;
    stream_u32(s, &length);
    if (s->w != NULL) {
        writer_put(s->w, run->at, run->length);
        return;
    }
    const uint8_t *at = reader_octets(s->r, length);
    *run = (struct octets){at, at != NULL ? length : 0};
}

/* ---- Addresses, IDs, selectors ----------------------------------------------------------------------- */

void stream_address(struct record_stream *s, struct ip_address *a)
{
    uint8_t family = (uint8_t)a->family;
    stream_u8(s, &family);
    if (family != IP_NONE && family != IP_V4 && family != IP_V6) {
        stream_refuse(s);
        family = IP_NONE;
    }
    a->family = (enum ip_family)family;
    stream_octets(s, a->octets, sizeof a->octets);
    /* Comparisons take in the octets that an address of its family does not use: they have to be 0. */
    if (s->r != NULL)
        *a = a->family != IP_NONE ? ip_address_of(a->family, a->octets) : (struct ip_address){0};
}

void stream_endpoint(struct record_stream *s, struct ip_endpoint *e)
{
    stream_address(s, &e->address);
    stream_u16(s, &e->port);
}

void stream_identity(struct record_stream *s, struct identity *id)
{
    stream_u8(s, &id->type);
    stream_u16(s, &id->length);
    if (id->length > IDENTITY_SIZE) {
        stream_refuse(s);
        id->length = 0;
    }
    stream_octets(s, id->value, id->length);
}

void stream_selectors(struct record_stream *s, struct selector_list *list)
{
    stream_count(s, &list->count, ESP_SELECTORS_MAX);
    for (uint8_t i = 0; i < list->count; i++) {
        struct traffic_selector *ts = &list->ts[i];
        stream_u8(s, &ts->protocol);
        stream_u16(s, &ts->first_port);
        stream_u16(s, &ts->last_port);
        stream_address(s, &ts->first);
        stream_address(s, &ts->last);
        if (ts->first.family == IP_NONE || ts->last.family != ts->first.family ||
            ip_address_compare(&ts->first, &ts->last) > 0)
            stream_refuse(s);
    }
}

/* ---- Algorithms -------------------------------------------------------------------------------------- */

enum {
    NO_ROW = 0xffff
}; /* in the place of an IANA number; it is reserved for private use in each registry */

/* Refuses a number that no row has. */
static void refuse_unknown(struct record_stream *s, const void *row, uint16_t id)
{
    if (row == NULL && id != NO_ROW)
        stream_refuse(s);
}

static void stream_encryption(struct record_stream *s, const struct encryption_algorithm **row)
{
    uint16_t id = *row != NULL ? (*row)->id : (uint16_t)NO_ROW;
    uint16_t key_bits = *row != NULL ? (*row)->key_bits : 0;
    stream_u16(s, &id);
    stream_u16(s, &key_bits);
    *row = encryption_by_id(id, key_bits);
    refuse_unknown(s, *row, id);
}

#define STREAM_ROW(s, row, by_id)                                                                            \
    do {                                                                                                     \
        uint16_t id = *(row) != NULL ? (*(row))->id : (uint16_t)NO_ROW;                                      \
        stream_u16(s, &id);                                                                                  \
        *(row) = by_id(id);                                                                                  \
        refuse_unknown(s, *(row), id);                                                                       \
    } while (0)

static void stream_integrity(struct record_stream *s, const struct integrity_algorithm **row)
{
    STREAM_ROW(s, row, integrity_by_id);
}

static void stream_prf(struct record_stream *s, const struct prf_algorithm **row)
{
    STREAM_ROW(s, row, prf_by_id);
}

void stream_key_exchange_method(struct record_stream *s, const struct key_exchange_method **group)
{
    STREAM_ROW(s, group, key_exchange_by_id);
}

void stream_suite(struct record_stream *s, struct ike_suite *suite)
{
    stream_encryption(s, &suite->encryption);
    stream_integrity(s, &suite->integrity);
    stream_prf(s, &suite->prf);
    stream_key_exchange_method(s, &suite->dh);
}

/* A set of rows: their number, then each of them by `stream_row`. */
#define STREAM_SET(s, set, table, size, type, stream_row)                                                    \
    do {                                                                                                     \
        uint8_t count = (uint8_t)__builtin_popcount(*(set));                                                 \
        algorithm_set left = *(set);                                                                         \
        *(set) = (s)->w != NULL ? *(set) : 0;                                                                \
        stream_count(s, &count, size);                                                                       \
        for (uint8_t i = 0; i < count; i++) {                                                                \
            const type *row = left != 0 ? &(table)[__builtin_ctz(left)] : NULL;                              \
            left &= left - 1;                                                                                \
            stream_row(s, &row);                                                                             \
            if (row != NULL)                                                                                 \
                *(set) |= UINT32_C(1) << (row - (table));                                                    \
        }                                                                                                    \
    } while (0)

void stream_proposal(struct record_stream *s, struct proposal_policy *policy)
{
    stream_u8(s, &policy->protocol);
    STREAM_SET(s, &policy->encryption, encryption_algorithms, ENCRYPTION_COUNT, struct encryption_algorithm,
               stream_encryption);
    STREAM_SET(s, &policy->integrity, integrity_algorithms, INTEGRITY_COUNT, struct integrity_algorithm,
               stream_integrity);
    STREAM_SET(s, &policy->prf, prf_algorithms, PRF_COUNT, struct prf_algorithm, stream_prf);
    STREAM_SET(s, &policy->dh, key_exchange_methods, KEY_EXCHANGE_COUNT, struct key_exchange_method,
               stream_key_exchange_method);
    stream_bool(s, &policy->dh_none);
    stream_bool(s, &policy->dh_ignore);
}
