#include "bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <uv.h>

#include "base/secret.h"
#include "bench/udp.h"
#include "ike/services/psk.h"
#include "ike/wire/numbers.h"

enum {
    PATIENCE = 60000, /* milliseconds for the last negotiations and deletions, once none begins any more */
    TICK = 100,       /* milliseconds between looks at the clock */
    PAUSE = 600,      /* milliseconds after a failure: the engine holds back for a while */
};

enum client_state { CLIENT_IDLE, CLIENT_NEGOTIATES, CLIENT_UP, CLIENT_DELETES };

struct client {
    STAILQ_ENTRY(client) link; /* in `todo` */
    bool queued;
    enum client_state state;
    uint64_t begun;      /* nanoseconds */
    msec_t begins_after; /* it has failed */
};

struct load {
    const struct load_settings *settings;
    struct load_result *result;
    uv_loop_t loop;
    uv_timer_t timer, tick;
    struct udp_host udp;
    struct ike_engine *engine;
    struct client *clients;        /* client i has tunnel i + 1 */
    uint32_t client_count, unused; /* with `keep`: the first client that has not negotiated yet */
    STAILQ_HEAD(, client) todo;    /* what their next event is, their state says */
    struct finished_job *finished; /* jobs whose answer the engine is to get */
    struct {
        bool made;
        struct key_exchange_result result;
    } own[KEY_EXCHANGE_METHOD_COUNT]; /* of each method, the one key pair of all clients */
    uint64_t start, last;             /* nanoseconds */
    uint32_t under_way;               /* clients that are not idle; of those that are kept, not up either */
    size_t latency_capacity;
    bool ending, ended;
};

static msec_t clock_now(void)
{
    return uv_hrtime() / 1000000;
}

/* ---- Jobs -------------------------------------------------------------------------------------------- */

struct finished_job {
    struct finished_job *next;
    uint32_t job;
    struct ike_job_result result;
};

struct threaded_job {
    uv_work_t work;
    struct load *load;
    struct key_exchange_job job;
    struct finished_job *finished;
};

static void run_todo(struct load *load);

static void finish_job(struct load *load, struct finished_job *f)
{
    f->next = load->finished;
    load->finished = f;
}

static void key_exchange_on_thread(uv_work_t *work)
{
    struct threaded_job *t = work->data;
    const struct key_exchange_method *method = key_exchange_by_id(t->job.method);
    t->finished->result.ok =
        method != NULL && key_exchange_perform(method, &t->job, &t->finished->result.key_exchange);
}

static void key_exchange_done(uv_work_t *work, int status)
{
    struct threaded_job *t = work->data;
    struct load *load = t->load;
    (void)status;
    finish_job(load, t->finished);
    secret_free(t, sizeof(*t));
    run_todo(load);
}

/* All clients send the same share (RFC 7296 2.12), so that this end does less arithmetic than the responder.
 */
static bool generate_once(struct load *load, const struct key_exchange_job *job,
                          struct key_exchange_result *out)
{
    const struct key_exchange_method *method = key_exchange_by_id(job->method);
    if (method == NULL)
        return false;
    size_t row = (size_t)(method - key_exchange_methods);
    if (!load->own[row].made)
        load->own[row].made = key_exchange_perform(method, job, &load->own[row].result);
    *out = load->own[row].result;
    return load->own[row].made;
}

static bool authenticate(const struct load *load, const struct ike_auth_job *job, struct ike_auth_result *out)
{
    const struct octets key = load->settings->key;
    uint8_t expected[PRF_SIZE_MAX];
    *out = (struct ike_auth_result){.fault = IKE_AUTH_OK};
    if (job->verify) {
        size_t length = psk_auth_value(job->prf, key, job->peer.signed_octets, expected);
        bool right = job->peer.method == AUTH_METHOD_PSK &&
                     octets_equal(job->peer.value, (struct octets){expected, length});
        out->fault = right ? IKE_AUTH_OK : IKE_AUTH_WRONG;
    }
    if (job->sign && out->fault == IKE_AUTH_OK) {
        out->method = AUTH_METHOD_PSK;
        out->value_length = (uint16_t)psk_auth_value(job->prf, key, job->own.signed_octets, out->value);
    }
    return true;
}

static void start_job(struct load *load, const struct ike_job *job)
{
    struct finished_job *f = calloc(1, sizeof(*f));
    if (f == NULL)
        abort();
    f->job = job->job;
    f->result.kind = job->kind;
    if (job->kind == IKE_JOB_AUTH) {
        f->result.ok = authenticate(load, &job->auth, &f->result.auth);
    } else if (job->kind == IKE_JOB_KEY_EXCHANGE && job->key_exchange.operation == KEY_EXCHANGE_GENERATE) {
        f->result.ok = generate_once(load, &job->key_exchange, &f->result.key_exchange);
    } else if (job->kind == IKE_JOB_KEY_EXCHANGE) {
        struct threaded_job *t = calloc(1, sizeof(*t));
        if (t == NULL)
            abort();
        *t = (struct threaded_job){.load = load, .job = job->key_exchange, .finished = f};
        t->work.data = t;
        if (uv_queue_work(&load->loop, &t->work, key_exchange_on_thread, key_exchange_done) != 0)
            abort();
        return;
    }
    finish_job(load, f);
}

/* ---- Effects ----------------------------------------------------------------------------------------- */

static void queue_client(struct load *load, struct client *c)
{
    if (c->queued)
        return;
    c->queued = true;
    STAILQ_INSERT_TAIL(&load->todo, c, link);
}

static void keep_latency(struct load *load, double milliseconds)
{
    struct load_result *r = load->result;
    if (r->established == load->latency_capacity) {
        load->latency_capacity = load->latency_capacity == 0 ? 1024 : 2 * load->latency_capacity;
        r->latencies = reallocarray(r->latencies, load->latency_capacity, sizeof(*r->latencies));
        if (r->latencies == NULL)
            abort();
    }
    r->latencies[r->established++] = milliseconds;
}

static void client_is_up(struct load *load, struct client *c)
{
    if (c->state != CLIENT_NEGOTIATES)
        return;
    load->last = uv_hrtime();
    keep_latency(load, (double)(load->last - c->begun) / 1e6);
    c->state = CLIENT_UP;
    if (load->settings->keep)
        load->under_way--;
    queue_client(load, c);
}

static void client_is_down(struct load *load, struct client *c)
{
    if (c->state == CLIENT_NEGOTIATES) {
        load->last = uv_hrtime();
        load->result->failed++;
        c->begins_after = clock_now() + PAUSE;
    }
    if (c->state != CLIENT_IDLE && !(c->state == CLIENT_UP && load->settings->keep))
        load->under_way--;
    c->state = CLIENT_IDLE;
    queue_client(load, c);
}

static void perform(struct load *load, const struct ike_action *action)
{
    switch (action->kind) {
    case IKE_ACTION_DATAGRAM:
        udp_send(&load->udp, action->datagram.local.port, &action->datagram.remote, action->datagram.message);
        break;
    case IKE_ACTION_TUNNEL_UP:
        client_is_up(load, &load->clients[action->state.tunnel - 1]);
        break;
    case IKE_ACTION_TUNNEL_DOWN:
        client_is_down(load, &load->clients[action->state.tunnel - 1]);
        break;
    case IKE_ACTION_TUNNEL_FAILED:
        if (load->clients[action->failed.tunnel - 1].state == CLIENT_NEGOTIATES)
            client_is_down(load, &load->clients[action->failed.tunnel - 1]);
        break;
    case IKE_ACTION_JOB:
        start_job(load, action->job);
        break;
    case IKE_ACTION_LOG:
        if (action->log.level <= LOG_LEVEL_WARN && load->result->first_failure[0] == '\0')
            (void)snprintf(load->result->first_failure, sizeof(load->result->first_failure), "%s",
                           action->log.text);
        break;
    case IKE_ACTION_FAILURE: /* a client answers no negotiation */
    case IKE_ACTION_CHILD:
        break; /* nothing is to pass through the tunnel */
    }
}

static void handle(struct load *load, const struct ike_event *event)
{
    const struct ike_effects *effects = ike_engine_handle(load->engine, clock_now(), event);
    for (size_t i = 0; i < effects->action_count; i++)
        perform(load, &effects->actions[i]);
}

/* ---- Clients ----------------------------------------------------------------------------------------- */

static bool may_begin(const struct load *load)
{
    const struct load_settings *s = load->settings;
    return !load->ending && (s->count == 0 || load->result->begun < s->count);
}

static void client_begin(struct load *load, struct client *c)
{
    struct ike_event event = {.kind = IKE_EVENT_PACKET_WAITS};
    event.packet.tunnel = (uint32_t)(c - load->clients) + 1;
    event.packet.flow.source.family = IP_NONE;
    c->state = CLIENT_NEGOTIATES;
    c->begun = uv_hrtime();
    load->under_way++;
    load->result->begun++;
    handle(load, &event);
}

/* Deletes its SAs. The engine also forgets that the tunnel has begun so often. */
static void client_clear(struct load *load, struct client *c)
{
    struct ike_event event = {.kind = IKE_EVENT_CLEAR};
    event.clear.tunnel = (uint32_t)(c - load->clients) + 1;
    handle(load, &event);
}

static void client_step(struct load *load, struct client *c)
{
    bool keeps = load->settings->keep;
    if (c->state == CLIENT_UP && !keeps) {
        c->state = CLIENT_DELETES;
        client_clear(load, c);
    } else if (keeps && load->unused < load->client_count && may_begin(load)) {
        client_begin(load, &load->clients[load->unused++]);
    } else if (!keeps && c->state == CLIENT_IDLE && may_begin(load) && clock_now() >= c->begins_after) {
        client_clear(load, c);
        client_begin(load, c);
    }
}

static void set_timer(struct load *load);

/* Gives the engine all that has become due by its own answers, one event after the other. */
static void run_todo(struct load *load)
{
    for (;;) {
        struct finished_job *f = load->finished;
        struct client *c = STAILQ_FIRST(&load->todo);
        if (f != NULL) {
            load->finished = f->next;
            const struct ike_event event = {.kind = IKE_EVENT_JOB_DONE, .job = {f->job, &f->result}};
            handle(load, &event);
            secret_free(f, sizeof(*f));
        } else if (c != NULL) {
            STAILQ_REMOVE_HEAD(&load->todo, link);
            c->queued = false;
            client_step(load, c);
        } else {
            break;
        }
    }
    set_timer(load);
}

static void received(void *context, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                     struct octets message)
{
    struct load *load = context;
    const struct ike_event event = {.kind = IKE_EVENT_DATAGRAM, .datagram = {*local, *remote, 0, message}};
    handle(load, &event);
    run_todo(load);
}

/* ---- Time -------------------------------------------------------------------------------------------- */

static void timer_due(uv_timer_t *timer)
{
    struct load *load = timer->data;
    handle(load, &(struct ike_event){.kind = IKE_EVENT_TIMER});
    run_todo(load);
}

static void set_timer(struct load *load)
{
    msec_t due = ike_engine_deadline(load->engine), now = clock_now();
    if (load->ended || due == MSEC_NEVER)
        uv_timer_stop(&load->timer);
    else
        uv_timer_start(&load->timer, timer_due, due > now ? due - now : 0, 0);
}

static void end(struct load *load)
{
    load->ended = true;
    uv_timer_stop(&load->timer);
    uv_timer_stop(&load->tick);
    udp_close(&load->udp);
    uv_close((uv_handle_t *)&load->timer, NULL);
    uv_close((uv_handle_t *)&load->tick, NULL);
}

/* Those that failed begin again. */
static void retry_failed(struct load *load)
{
    for (uint32_t i = 0; i < load->client_count; i++) {
        struct client *c = &load->clients[i];
        if (c->begins_after != 0 && c->state == CLIENT_IDLE && clock_now() >= c->begins_after) {
            c->begins_after = 0;
            queue_client(load, c);
        }
    }
    run_todo(load);
}

static void tick(uv_timer_t *timer)
{
    struct load *load = timer->data;
    uint64_t passed = (uv_hrtime() - load->start) / 1000000, duration = load->settings->duration;
    load->ending |= duration != 0 && passed >= duration;
    bool is_over = !may_begin(load) && load->under_way == 0;
    bool is_hopeless = load->ending && passed >= duration + PATIENCE;
    if (is_over || is_hopeless)
        end(load);
    else
        retry_failed(load);
}

/* ---- Beginning --------------------------------------------------------------------------------------- */

static void fill_random(void *context, uint8_t *out, size_t length)
{
    (void)context;
    while (length > 0) {
        ssize_t got = getrandom(out, length, 0);
        if (got < 0)
            continue;
        out += got;
        length -= (size_t)got;
    }
}

/* The ID with the client's number in place of `#`. */
static struct identity numbered(const struct identity *id, uint32_t number)
{
    struct identity out = {.type = id->type};
    struct writer w = writer_to(out.value, sizeof(out.value));
    for (uint16_t i = 0; i < id->length; i++) {
        char digits[16];
        bool is_text = id->type == ID_KEY_ID || id->type == ID_FQDN || id->type == ID_RFC822_ADDR;
        if (is_text && id->value[i] == '#')
            writer_put(&w, digits, (size_t)snprintf(digits, sizeof(digits), "%u", number));
        else
            writer_put_u8(&w, id->value[i]);
    }
    out.length = (uint16_t)writer_length(&w);
    return out;
}

static struct ip_address address_after(struct ip_address address, uint32_t steps)
{
    uint8_t *last = address.octets + ip_address_size(address.family) - 4;
    store_u32be(last, load_u32be(last) + steps);
    return address;
}

static void add_client(struct load *load, uint32_t number)
{
    const struct load_settings *s = load->settings;
    struct tunnel_policy policy = s->policy;
    struct ike_event event = {.kind = IKE_EVENT_POLICY, .policy = &policy, .slot = number};
    policy.tunnel = number + 1;
    (void)snprintf(policy.name, sizeof(policy.name), "client %u", number);
    policy.local_id = numbered(&s->policy.local_id, s->first_number + number);
    policy.remote_id = numbered(&s->policy.remote_id, s->first_number + number);
    if (s->first_local_ts.family != IP_NONE) {
        policy.local_ts_count = 1;
        policy.local_ts[0] = (struct policy_selector){.last_port = UINT16_MAX};
        policy.local_ts[0].first = policy.local_ts[0].last =
            address_after(s->first_local_ts, s->first_number + number);
    }
    handle(load, &event);
    event = (struct ike_event){.kind = IKE_EVENT_PEER_ROUTE};
    event.route.tunnel = number + 1;
    event.route.route =
        (struct peer_route){.usable = true, .local = s->local, .remote = s->policy.peer_address};
    handle(load, &event);
}

static bool start(struct load *load)
{
    const struct load_settings *s = load->settings;
    const struct ike_options options = {.random = fill_random, .esp_owners = 1, .log_level = LOG_LEVEL_WARN};
    load->client_count = s->keep ? s->count : s->at_once;
    load->clients = calloc(load->client_count, sizeof(*load->clients));
    load->engine = ike_engine_new(&options);
    if (load->clients == NULL || load->engine == NULL) {
        (void)fprintf(stderr, "musubi-bench: there is no memory for %u clients\n", load->client_count);
        return false;
    }
    STAILQ_INIT(&load->todo);
    (void)uv_loop_init(&load->loop);
    (void)uv_timer_init(&load->loop, &load->timer);
    (void)uv_timer_init(&load->loop, &load->tick);
    load->timer.data = load->tick.data = load;
    if (!udp_open(&load->udp, &load->loop, &s->local, received, load)) {
        char text[IP_TEXT_SIZE];
        (void)fprintf(stderr, "musubi-bench: UDP ports 500 and 4500 of %s: %s\n",
                      ip_address_format(&s->local, text), strerror(errno));
        return false;
    }
    ike_engine_set_epoch(load->engine, 0);
    for (uint32_t i = 0; i < load->client_count; i++)
        add_client(load, i);
    handle(load, &(struct ike_event){.kind = IKE_EVENT_TUNNELS_TOLD});
    return true;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool load_run(const struct load_settings *settings, struct load_result *out)
{
    struct load load = {.settings = settings, .result = out};
    *out = (struct load_result){0};
    bool started = start(&load);
    if (started) {
        load.start = load.last = uv_hrtime();
        (void)uv_timer_start(&load.tick, tick, TICK, TICK);
        for (uint32_t i = 0; i < settings->at_once && i < load.client_count; i++)
            queue_client(&load, &load.clients[i]);
        run_todo(&load);
        (void)uv_run(&load.loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&load.loop);
        out->seconds = (double)(load.last - load.start) / 1e9;
        out->retransmitted = ike_engine_counters(load.engine)[IKE_COUNT_RETRANSMITTED];
        if (out->established > 0)
            qsort(out->latencies, out->established, sizeof(*out->latencies), by_size);
    }
    ike_engine_free(load.engine);
    free(load.clients);
    secret_wipe(load.own, sizeof(load.own));
    return started;
}
