/*
 * What every part of the engine works with: the time of the event that is being handled, random octets, the
 * answer that is being put together, counters, and buffers to work in. Beside this header: timer.h, log.h,
 * send.h. They know no IKE SA; what the engine keeps from one event to the next is in sa/objects.h.
 */
#ifndef MUSUBI_IKE_SERVICES_ENGINE_H
#define MUSUBI_IKE_SERVICES_ENGINE_H

#include "ike/ike.h"
#include "ike/services/effects.h"

struct ike_objects;

enum { SCRATCH_SIZE = IKE_DATAGRAM_MAX };

struct ike_engine {
    struct ike_options options;
    msec_t now;
    uint64_t epoch;        /* Unix time, in milliseconds, when `now` was 0 */
    uint64_t event_number; /* of the event being handled: orders what happens in one millisecond */
    bool tunnels_told;     /* IKE_EVENT_TUNNELS_TOLD has come: peers may begin */
    bool stopping;         /* IKE_EVENT_STOP has come: nothing new is begun */
    struct effects effects;
    struct deadline_heap deadlines;
    uint64_t counters[IKE_COUNTER_COUNT];

    uint8_t *received_scratch; /* SCRATCH_SIZE octets: a received message, decrypted */
    uint8_t *joined_scratch;   /* SCRATCH_SIZE octets: a received message, joined from fragments */
    uint8_t *inner_scratch;    /* SCRATCH_SIZE octets: payloads being put together */
    uint8_t *message_scratch;  /* SCRATCH_SIZE octets: the message that they go into */

    struct ike_objects *objects; /* tunnels and SAs (sa/objects.h) */
};

/* Prepares a zeroed engine. False if there is no memory. */
bool engine_begin_services(struct ike_engine *engine, const struct ike_options *options);

/* Wipes and frees what engine_begin_services made, and the effects. The engine itself is the caller's. */
void engine_end_services(struct ike_engine *engine);

/* `length` random octets; a random 64-bit number that is not 0. */
void engine_random(struct ike_engine *engine, void *out, size_t length);
uint64_t engine_random_spi(struct ike_engine *engine);

/* A random number of `low` to `high`. */
msec_t engine_random_between(struct ike_engine *engine, msec_t low, msec_t high);

void engine_count(struct ike_engine *engine, enum ike_counter counter);

#endif
