/*
 * What one more IKE SA costs an engine that has many: CPU time of its part of a negotiation and of a rekey of
 * a Child SA, without Diffie-Hellman, and memory. Two engines back to back; the responder's is measured. Not
 * a test.
 *
 *     many_sas [MOST]
 *
 * Prints a line for 100, 1,000 and so on up to MOST: SAs, microseconds for a negotiation, for a rekey, octets
 * for an SA.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "config/resolve.h"
#include "ike/ike.h"
#include "ike/services/psk.h"
#include "ike/wire/numbers.h"
#include "sim/arithmetic.h"

enum {
    REKEYS = 200,
    NEGOTIATIONS = 100, /* the last ones before a line are measured */
    STEP = 20,          /* milliseconds of the engines' time between two negotiations */
};

/* Something on its way to an engine: a datagram, or the result of a job. */
struct delivery {
    STAILQ_ENTRY(delivery) link;
    struct end *to;
    struct ike_event event;
    struct ike_job_result result;
    uint8_t octets[];
};

struct end {
    struct ike_engine *engine;
    struct ip_address address;
    struct end *peer;
    double spent; /* microseconds of CPU time */
    uint32_t last_spi;
};

static STAILQ_HEAD(deliveries, delivery) queue = STAILQ_HEAD_INITIALIZER(queue);
static msec_t clock_now = 1000;

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fill_random(void *context, uint8_t *out, size_t length)
{
    (void)context;
    static uint64_t state = 1;
    for (size_t i = 0; i < length; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(state >> 56);
    }
}

static struct delivery *delivery_new(struct end *to, struct octets octets)
{
    struct delivery *d = calloc(1, sizeof *d + octets.length);
    if (d == NULL)
        abort();
    d->to = to;
    if (octets.length > 0)
        memcpy(d->octets, octets.at, octets.length);
    STAILQ_INSERT_TAIL(&queue, d, link);
    return d;
}

static void authenticate(const struct ike_auth_job *job, struct ike_auth_result *out)
{
    static const struct octets key = {(const uint8_t *)"secret", 6};
    *out = (struct ike_auth_result){.fault = IKE_AUTH_OK, .method = AUTH_METHOD_PSK};
    if (job->sign)
        out->value_length = (uint16_t)psk_auth_value(job->prf, key, job->own.signed_octets, out->value);
}

static void do_job(struct end *end, const struct ike_job *job)
{
    struct delivery *d = delivery_new(end, (struct octets){NULL, 0});
    d->result.kind = job->kind;
    d->result.ok = true;
    if (job->kind == IKE_JOB_AUTH)
        authenticate(&job->auth, &d->result.auth);
    else
        d->result.ok = arithmetic_answer(&job->key_exchange, false, &d->result.key_exchange);
    d->event = (struct ike_event){.kind = IKE_EVENT_JOB_DONE, .job = {job->job, &d->result}};
}

static void perform(struct end *end, const struct ike_action *action)
{
    if (action->kind == IKE_ACTION_DATAGRAM) {
        struct delivery *d = delivery_new(end->peer, action->datagram.message);
        d->event.kind = IKE_EVENT_DATAGRAM;
        d->event.datagram.local = action->datagram.remote;
        d->event.datagram.remote = action->datagram.local;
        d->event.datagram.ifindex = 1;
        d->event.datagram.message = (struct octets){d->octets, action->datagram.message.length};
    } else if (action->kind == IKE_ACTION_JOB) {
        do_job(end, action->job);
    } else if (action->kind == IKE_ACTION_CHILD && action->child->change == CHILD_INSTALL) {
        end->last_spi = action->child->child.inbound.spi;
    } else if (action->kind == IKE_ACTION_TUNNEL_FAILED) {
        (void)fputs("many_sas: a negotiation failed\n", stderr);
        exit(EXIT_FAILURE);
    }
}

static void handle(struct end *end, const struct ike_event *event)
{
    double start = cpu_now();
    const struct ike_effects *effects = ike_engine_handle(end->engine, clock_now, event);
    end->spent += cpu_now() - start;
    for (size_t i = 0; i < effects->action_count; i++)
        perform(end, &effects->actions[i]);
}

/* Delivers all that is on its way, and what follows from it. */
static void settle(void)
{
    struct delivery *d;
    while ((d = STAILQ_FIRST(&queue)) != NULL) {
        STAILQ_REMOVE_HEAD(&queue, link);
        handle(d->to, &d->event);
        free(d);
    }
}

static struct identity key_id(const char *side, uint32_t number)
{
    struct identity id = {.type = ID_KEY_ID};
    id.length = (uint16_t)snprintf((char *)id.value, sizeof id.value, "%s%u", side, number);
    return id;
}

static void add_tunnel(struct end *end, uint32_t number, const char *own, const char *peers)
{
    struct tunnel_policy policy = policy_default();
    struct ike_event event = {.kind = IKE_EVENT_POLICY, .policy = &policy, .slot = number};
    policy.tunnel = number + 1;
    (void)snprintf(policy.name, sizeof policy.name, "Tunnel%u.0", number);
    policy.defined = policy.complete = true;
    policy.shut_down = false;
    policy.peer_kind = PEER_ADDRESS;
    policy.peer_address = end->peer->address;
    policy.local_id = key_id(own, number);
    policy.remote_id = key_id(peers, number);
    policy.local_key = policy.remote_key = 1;
    handle(end, &event);
    event = (struct ike_event){.kind = IKE_EVENT_PEER_ROUTE};
    event.route.tunnel = number + 1;
    event.route.route =
        (struct peer_route){.usable = true, .local = end->address, .remote = end->peer->address};
    handle(end, &event);
}

static void start(struct end *end, const char *address)
{
    const struct ike_options options = {.random = fill_random, .esp_owners = 2, .log_level = LOG_LEVEL_WARN};
    end->engine = ike_engine_new(&options);
    if (end->engine == NULL || !ip_address_parse(address, &end->address))
        abort();
    ike_engine_set_epoch(end->engine, 0);
    handle(end, &(struct ike_event){.kind = IKE_EVENT_TUNNELS_TOLD});
}

/* Negotiates the tunnel with that number; returns the responder's SPI of the Child SA. */
static uint32_t negotiate(struct end *initiator, uint32_t number)
{
    struct ike_event event = {.kind = IKE_EVENT_PACKET_WAITS};
    event.packet.tunnel = number + 1;
    clock_now += STEP;
    initiator->peer->last_spi = 0;
    handle(initiator, &event);
    settle();
    if (initiator->peer->last_spi == 0) {
        (void)fputs("many_sas: a tunnel did not come up\n", stderr);
        exit(EXIT_FAILURE);
    }
    return initiator->peer->last_spi;
}

static double rekey_some(struct end *responder, uint32_t *spis, uint32_t count)
{
    responder->spent = 0;
    for (uint32_t i = 0; i < REKEYS; i++) {
        uint32_t which = (uint32_t)((uint64_t)i * 7919 % count);
        struct ike_event event = {.kind = IKE_EVENT_SEQUENCE_LOW};
        event.esp.spi = spis[which];
        handle(responder, &event);
        settle();
        spis[which] = responder->last_spi;
    }
    return responder->spent / REKEYS;
}

int main(int argc, char **argv)
{
    uint32_t most = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    struct end initiator = {.peer = NULL};
    struct end responder = {.peer = &initiator};
    initiator.peer = &responder;
    start(&initiator, "10.0.0.1");
    start(&responder, "10.0.0.2");
    uint32_t *spis = calloc(most, sizeof *spis);
    if (spis == NULL)
        return EXIT_FAILURE;
    for (uint32_t i = 0; i < most; i++) {
        add_tunnel(&responder, i, "b", "a");
        add_tunnel(&initiator, i, "a", "b");
    }
    const size_t before = mallinfo2().uordblks;
    for (uint32_t count = 1, line = 100; count <= most; count++) {
        if (count + NEGOTIATIONS == line + 1)
            responder.spent = 0;
        spis[count - 1] = negotiate(&initiator, count - 1);
        if (count != line && count != most)
            continue;
        double negotiation = responder.spent / NEGOTIATIONS;
        /* Of the two engines, which hold about the same. */
        double memory = (double)(mallinfo2().uordblks - before) / 2 / count;
        printf("%u %.2f %.2f %.0f\n", count, negotiation, rekey_some(&responder, spis, count), memory);
        (void)fflush(stdout);
        line *= 10;
    }
    ike_engine_free(initiator.engine);
    ike_engine_free(responder.engine);
    free(spis);
    return EXIT_SUCCESS;
}
