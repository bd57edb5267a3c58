/*
 * What it costs an engine with many tunnels to find the ones that a peer may mean (S22): CPU time of what
 * peers who are not authenticated can ask for, and of a whole negotiation. Not a test: it prints a table, and
 * always succeeds.
 *
 *     finding [MOST-TUNNELS]
 *
 * Linked with --wrap, so that the simulator's calls of the engine and of the arithmetic are measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ike/wire/numbers.h"
#include "sim/arithmetic.h"
#include "sim/world.h"

enum {
    ROUNDS_MIN = 5,
    ROUNDS_MAX = 100, /* within SECONDS */
    SECONDS = 3,
    BATCH = 24, /* IKE_SA_INITs of a round: fewer than bring about cookies */
    COOKIE_BATCH = 200,
    HALF_OPEN = 40, /* enough for cookies */
    HANDSHAKES = 15,
    MESSAGE_MAX = 2048,
    LIFE = 31000, /* milliseconds, after which half-open SAs are gone */
};

enum kind { BY_ADDRESS, ONE_ADDRESS, ANY, BY_NAME, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = {"an address each", "one address", "any", "a name each"};

/* What is measured, in microseconds. */
enum figure {
    ANSWERED,   /* an IKE_SA_INIT that is answered, without Diffie-Hellman */
    FORGOTTEN,  /* its half-open IKE SA times out */
    REFUSED,    /* an IKE_SA_INIT without a proposal that is accepted */
    BY_COOKIE,  /* an IKE_SA_INIT that is answered with COOKIE */
    NEGOTIATED, /* a whole negotiation, the engine's part */
    ALL_REAL,   /* the same, and Diffie-Hellman */
    FIGURE_COUNT
};

static const char *const figure_names[FIGURE_COUNT] = {
    "IKE_SA_INIT answered",          "half-open SA timed out", "IKE_SA_INIT refused",
    "IKE_SA_INIT refused by cookie", "negotiation, engine",    "negotiation with DH"};

/* ---- Measuring --------------------------------------------------------------------------------------- */

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The least of several measurements: what else the machine does can only add to it. */
static double least(const double *values, size_t count)
{
    double found = values[0];
    for (size_t i = 1; i < count; i++)
        found = values[i] < found ? values[i] : found;
    return found;
}

/* What reading the clock twice adds to what lies between. */
static double clock_cost(void)
{
    double values[1001];
    for (size_t i = 0; i < 1001; i++) {
        double start = cpu_now();
        values[i] = cpu_now() - start;
    }
    return least(values, 1001);
}

/* The responder's engine, and what was spent in it and in its jobs of arithmetic. */
static struct {
    struct ike_engine *engine;
    double clock_cost, in_engine, in_arithmetic;
    bool was_last; /* of all engines: the job that is answered is its own */
} meter;

const struct ike_effects *__real_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event);
const struct ike_effects *__wrap_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event);
bool __real_arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out);
bool __wrap_arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out);

const struct ike_effects *__wrap_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event)
{
    double start = cpu_now();
    const struct ike_effects *effects = __real_ike_engine_handle(engine, now, event);
    meter.was_last = engine == meter.engine;
    if (meter.was_last)
        meter.in_engine += cpu_now() - start - meter.clock_cost;
    return effects;
}

bool __wrap_arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out)
{
    double start = cpu_now();
    bool done = __real_arithmetic_answer(job, real, out);
    if (meter.was_last)
        meter.in_arithmetic += cpu_now() - start - meter.clock_cost;
    return done;
}

/* ---- The responder and its tunnels ------------------------------------------------------------------- */

#define CENTRE "192.0.2.1"

enum { TEXT_SIZE = 32 };

static const char *site_address(uint32_t site, char out[TEXT_SIZE])
{
    (void)snprintf(out, TEXT_SIZE, "10.%u.%u.%u", (site >> 16) + 1, site >> 8 & 255, site & 255);
    return out;
}

static const char *site_id(uint32_t site, char out[TEXT_SIZE])
{
    (void)snprintf(out, TEXT_SIZE, "site%u", site);
    return out;
}

/* Where a site is as the tunnels of this kind have it. */
static const char *peer_address(enum kind kind, uint32_t site, char out[TEXT_SIZE])
{
    return site_address(kind == ONE_ADDRESS ? 0 : site, out);
}

static void add_tunnel(struct gateway *centre, enum kind kind, uint32_t site)
{
    char address[TEXT_SIZE];
    char id[TEXT_SIZE];
    char name[TEXT_SIZE];
    const char *peer = peer_address(kind, site, address);
    if (kind == ANY)
        peer = "any";
    if (kind == BY_NAME) {
        (void)snprintf(name, sizeof name, "site%u.example.net", site);
        peer = name;
    }
    struct tunnel_policy policy = world_default_policy(site, peer, "centre", site_id(site, id));
    policy.ike.encryption &= ~ALGORITHM_SET_OF(encryption_by_word("3des"), encryption_algorithms);
    gateway_set_tunnel(centre, &policy, "secret", "secret");
    if (kind == BY_NAME) {
        gateway_set_name(centre, site, address);
        gateway_look_up(centre, site);
    }
}

static struct gateway *add_site(struct world *w, enum kind kind, uint32_t site)
{
    char address[TEXT_SIZE];
    return world_add_gateway(w, "site", peer_address(kind, site, address));
}

static struct tunnel_policy site_policy(uint32_t site)
{
    char id[TEXT_SIZE];
    return world_default_policy(0, CENTRE, site_id(site, id), "centre");
}

/* ---- IKE_SA_INIT alone ------------------------------------------------------------------------------- */

struct request {
    uint8_t octets[MESSAGE_MAX];
    size_t length;
};

static bool catch_request(void *context, const struct flying_datagram *d)
{
    struct request *request = context;
    request->length = d->message.length;
    memcpy(request->octets, d->message.at, d->message.length);
    return false;
}

/* An IKE_SA_INIT with these algorithms for encryption. */
static struct request make_request(algorithm_set encryption)
{
    struct request request = {.length = 0};
    struct world *w = world_new(7, NULL);
    world_set_trace(w, NULL);
    struct gateway *site = world_add_gateway(w, "site", "10.0.0.1");
    struct tunnel_policy policy = site_policy(0);
    policy.ike.encryption = encryption;
    world_set_hook(w, catch_request, &request);
    gateway_set_tunnel(site, &policy, "secret", "secret");
    gateway_packet_waits(site, 0);
    world_run(w, 100);
    world_free(w);
    return request;
}

/* One that is measured: an engine beside the simulator's time. */
struct subject {
    struct ike_engine *engine;
    enum kind kind;
    uint32_t tunnels;
    msec_t now;
    uint64_t next_spi;
    struct request good, bad;
    struct ike_job jobs[HALF_OPEN];
    size_t job_count;
};

/* An event with a request of a new initiator, one of the sites. */
static struct ike_event arrival(struct subject *s, struct request *request)
{
    struct ike_event event = {.kind = IKE_EVENT_DATAGRAM};
    char address[TEXT_SIZE];
    uint32_t site = (uint32_t)(s->next_spi * 7919 % s->tunnels);
    store_u64be(request->octets, s->next_spi++);
    (void)ip_address_parse(CENTRE, &event.datagram.local.address);
    (void)ip_address_parse(peer_address(s->kind, site, address), &event.datagram.remote.address);
    event.datagram.local.port = event.datagram.remote.port = IKE_PORT;
    event.datagram.ifindex = 1;
    event.datagram.message = (struct octets){request->octets, request->length};
    return event;
}

static void keep_jobs(struct subject *s, const struct ike_effects *effects)
{
    for (size_t i = 0; i < effects->action_count; i++) {
        if (effects->actions[i].kind == IKE_ACTION_JOB && s->job_count < HALF_OPEN)
            s->jobs[s->job_count++] = *effects->actions[i].job;
    }
}

/* Microseconds that the engine spends with an event. */
static double spend(struct subject *s, const struct ike_event *event)
{
    double before = meter.in_engine;
    keep_jobs(s, __wrap_ike_engine_handle(s->engine, s->now, event));
    return meter.in_engine - before;
}

static double spend_on_jobs(struct subject *s)
{
    double spent = 0;
    for (size_t i = 0; i < s->job_count; i++) {
        struct ike_job_result result = {.kind = IKE_JOB_KEY_EXCHANGE};
        struct ike_event event = {.kind = IKE_EVENT_JOB_DONE};
        result.ok = __real_arithmetic_answer(&s->jobs[i].key_exchange, false, &result.key_exchange);
        event.job.job = s->jobs[i].job;
        event.job.result = &result;
        spent += spend(s, &event);
    }
    s->job_count = 0;
    return spent;
}

/* All half-open SAs time out. */
static double spend_on_timeouts(struct subject *s)
{
    s->now += LIFE;
    return spend(s, &(struct ike_event){.kind = IKE_EVENT_TIMER});
}

static void open_many(struct subject *s, size_t count, double *answered, double *forgotten)
{
    double spent = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ike_event event = arrival(s, &s->good);
        spent += spend(s, &event);
    }
    spent += spend_on_jobs(s);
    *answered = spent / (double)count;
    if (forgotten != NULL)
        *forgotten = spend_on_timeouts(s) / (double)count;
}

static double refuse_many(struct subject *s)
{
    double spent = 0;
    for (size_t i = 0; i < BATCH; i++) {
        const struct ike_event event = arrival(s, &s->bad);
        spent += spend(s, &event);
    }
    return spent / BATCH;
}

static double refuse_by_cookie(struct subject *s)
{
    double unused;
    double spent = 0;
    open_many(s, HALF_OPEN, &unused, NULL);
    for (size_t i = 0; i < COOKIE_BATCH; i++) {
        const struct ike_event event = arrival(s, &s->good);
        spent += spend(s, &event);
    }
    (void)spend_on_timeouts(s);
    return spent / COOKIE_BATCH;
}

static void measure_requests(struct gateway *centre, enum kind kind, uint32_t tunnels, double *figures)
{
    double rounds[FIGURE_COUNT][ROUNDS_MAX];
    struct subject s = {.engine = gateway_engine(centre), .kind = kind, .tunnels = tunnels, .next_spi = 1};
    s.good = make_request(ALGORITHM_SET_ALL(ENCRYPTION_COUNT));
    s.bad = make_request(ALGORITHM_SET_OF(encryption_by_word("3des"), encryption_algorithms));
    s.now = (msec_t)1 << 40; /* beyond what the simulator's clock comes to */
    (void)refuse_by_cookie(&s);
    size_t count = 0;
    double start = cpu_now();
    for (; count < ROUNDS_MIN || (count < ROUNDS_MAX && cpu_now() - start < SECONDS * 1e6); count++) {
        open_many(&s, BATCH, &rounds[ANSWERED][count], &rounds[FORGOTTEN][count]);
        rounds[REFUSED][count] = refuse_many(&s);
        rounds[BY_COOKIE][count] = refuse_by_cookie(&s);
    }
    for (enum figure f = ANSWERED; f <= BY_COOKIE; f++)
        figures[f] = least(rounds[f], count);
}

/* ---- Whole negotiations ------------------------------------------------------------------------------ */

/* Sites call the centre, one after the other; the tunnels come up there. */
static void negotiate(struct world *w, struct gateway *centre, enum kind kind, uint32_t tunnels, bool real,
                      double *spent)
{
    double each[HANDSHAKES];
    world_conditions(w)->real_arithmetic = real;
    for (size_t i = 0; i < HANDSHAKES; i++) {
        uint32_t site = (uint32_t)((i + (real ? HANDSHAKES : 0)) * 7919 % tunnels);
        struct gateway *g = add_site(w, kind, site);
        const struct tunnel_policy policy = site_policy(site);
        gateway_set_tunnel(g, &policy, "secret", "secret");
        world_run(w, 100);
        meter.in_engine = meter.in_arithmetic = 0;
        gateway_packet_waits(g, 0);
        world_run(w, 500);
        each[i] = meter.in_engine + (real ? meter.in_arithmetic : 0);
        if (!gateway_tunnel_is_up(centre, site))
            fprintf(stderr, "%s: the tunnel to site %u did not come up\n", kind_names[kind], site);
    }
    *spent = least(each, HANDSHAKES);
}

/* ---- The table --------------------------------------------------------------------------------------- */

static struct world *world_with(enum kind kind, uint32_t tunnels, struct gateway **centre)
{
    struct world *w = world_new(1, NULL);
    world_set_trace(w, NULL);
    world_check_records(w, false);
    *centre = world_add_gateway(w, "centre", CENTRE);
    meter.engine = gateway_engine(*centre);
    for (uint32_t i = 0; i < tunnels; i++)
        add_tunnel(*centre, kind, i);
    return w;
}

static void measure(enum kind kind, uint32_t tunnels, double *figures)
{
    struct gateway *centre;
    struct world *w = world_with(kind, tunnels, &centre);
    measure_requests(centre, kind, tunnels, figures);
    world_free(w);
    w = world_with(kind, tunnels, &centre);
    negotiate(w, centre, kind, tunnels, false, &figures[NEGOTIATED]);
    negotiate(w, centre, kind, tunnels, true, &figures[ALL_REAL]);
    world_free(w);
}

int main(int argc, char **argv)
{
    unsigned long most = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    meter.clock_cost = clock_cost();
    printf("CPU time in microseconds, by the peers that the tunnels name and by the number of tunnels\n\n");
    printf("| peers | tunnels |");
    for (size_t f = 0; f < FIGURE_COUNT; f++)
        printf(" %s |", figure_names[f]);
    printf("\n| --- | ---: |");
    for (size_t f = 0; f < FIGURE_COUNT; f++)
        printf(" ---: |");
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        for (uint32_t tunnels = 1; tunnels <= most; tunnels *= tunnels == 1 ? 100 : 10) {
            double figures[FIGURE_COUNT];
            measure(kind, tunnels, figures);
            printf("\n| %s | %u |", kind_names[kind], tunnels);
            for (size_t f = 0; f < FIGURE_COUNT; f++)
                printf(" %.1f |", figures[f]);
            fflush(stdout);
        }
    }
    printf("\n");
    return EXIT_SUCCESS;
}
