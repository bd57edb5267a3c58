/*
 * The fields of records in their byte form. The same functions write and read, so that the two cannot differ:
 * what is streamed is written, or is set.
 */
#ifndef MUSUBI_IKE_SA_RECORD_STREAM_H
#define MUSUBI_IKE_SA_RECORD_STREAM_H

#include "base/deadline.h"
#include "ike/wire/proposal.h"
#include "ike/wire/selectors.h"

struct record_stream {
    struct writer *w; /* writing, or */
    struct reader *r; /* reading; fails at an invalid field */
    uint32_t version; /* of the form that is written or read */
    uint64_t epoch;   /* Unix time, in milliseconds, at which the clock was 0 that times are of */
    bool past_is_cut; /* reading: times before the epoch are of another clock, and become 0; else they are
                         invalid */
};

/* Reading: a field is invalid, and what follows is not to be read. */
void stream_refuse(struct record_stream *s);

/* Whether the record has what came with a version. What it does not have is not to be streamed: it stays as
 * it is, which is 0 when reading. */
bool stream_since(const struct record_stream *s, uint32_t version);

void stream_octets(struct record_stream *s, void *at, size_t length);
void stream_u64(struct record_stream *s, uint64_t *value);
void stream_u32(struct record_stream *s, uint32_t *value);
void stream_u16(struct record_stream *s, uint16_t *value);
void stream_u8(struct record_stream *s, uint8_t *value);
void stream_bool(struct record_stream *s, bool *value);

/* A bit each, the lowest one for flags[0]; `count` is 16 at most. Those of a newer version are skipped. */
void stream_flags(struct record_stream *s, bool *const *flags, size_t count);

/* The epoch itself: reading, times are of this clock from here on. */
void stream_epoch(struct record_stream *s);

/* A time of a clock in milliseconds, or MSEC_NEVER: as Unix time. */
void stream_time(struct record_stream *s, msec_t *time);

/* A number of elements, or of a choice, from 0 to `max`. */
void stream_count(struct record_stream *s, uint8_t *count, size_t max);

/* Octets with their number before them. Read, they point into the record. */
void stream_run(struct record_stream *s, struct octets *run);

/* A value of `size` octets with their number before it; what came before tells `size`. */
void stream_value(struct record_stream *s, void *at, size_t size);

void stream_address(struct record_stream *s, struct ip_address *a);
void stream_endpoint(struct record_stream *s, struct ip_endpoint *e);
void stream_identity(struct record_stream *s, struct identity *id);
void stream_selectors(struct record_stream *s, struct selector_list *list);

/* A row of crypto/algorithm.h by its IANA number, so that rows may be added and moved. NULL is a row too. */
void stream_key_exchange_method(struct record_stream *s, const struct key_exchange_method **group);
void stream_suite(struct record_stream *s, struct ike_suite *suite);

/* The algorithms of a policy. */
void stream_proposal(struct record_stream *s, struct proposal_policy *policy);

#endif
