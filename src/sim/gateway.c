/*
 * One gateway of the world: hands events to its engine and performs the effects.
 */
#include "ike/services/psk.h"
#include "ike/wire/numbers.h"
#include "sim/arithmetic.h"
#include "sim/inside.h"
#include "sim/real_path.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CERTIFICATES_MAX = 65535 }; /* octets of those that go with an AUTH */

static const struct octets no_octets = {NULL, 0};

struct sim_tunnel *gateway_tunnel(const struct gateway *g, uint32_t number)
{
    return map_find(&g->tunnels_by_number, number);
}

/* ---- Performing effects ------------------------------------------------------------------------------ */

static void grow_records(struct gateway *g)
{
    if (g->record_count < g->record_capacity)
        return;
    g->record_capacity = g->record_capacity == 0 ? 16 : 2 * g->record_capacity;
    g->records = realloc(g->records, g->record_capacity * sizeof *g->records);
    assert(g->records != NULL);
}

static void keep_record(struct gateway *g, const struct ike_record_effect *effect)
{
    size_t i = 0;
    while (i < g->record_count && g->records[i].serial != effect->serial)
        i++;
    if (effect->state.length == 0) {
        if (i < g->record_count) {
            free(g->records[i].octets);
            g->records[i] = g->records[--g->record_count];
        }
        return;
    }
    if (i == g->record_count) {
        grow_records(g);
        g->records[g->record_count++] = (struct kept_record){.serial = effect->serial};
    }
    g->records[i].tunnel = effect->tunnel;
    free(g->records[i].octets);
    g->records[i].octets = malloc(effect->state.length);
    assert(g->records[i].octets != NULL);
    memcpy(g->records[i].octets, effect->state.at, effect->state.length);
    g->records[i].length = effect->state.length;
}

/* An engine that goes on names what the packet path has already. */
static bool is_installed_already(struct gateway *g, const struct child_settings *install)
{
    for (struct installed_child *child = g->children; child != NULL; child = child->next) {
        if (child->sa.inbound.spi != install->inbound.spi)
            continue;
        if (!g->restoring || memcmp(&child->sa.inbound, &install->inbound, sizeof install->inbound) != 0 ||
            memcmp(&child->sa.outbound, &install->outbound, sizeof install->outbound) != 0)
            world_broken(g, "a Child SA was installed twice");
        child->active |= install->active; /* the earlier engine may have ended before it said so */
        child->named = true;
        return true;
    }
    return false;
}

static void install_child(struct gateway *g, const struct child_settings *install)
{
    if (is_installed_already(g, install))
        return;
    if (!g->restoring && g->world->observer->child != NULL)
        g->world->observer->child(g, install);
    struct installed_child *child = calloc(1, sizeof *child);
    assert(child != NULL);
    child->sa = *install;
    child->active = install->active;
    child->named = true;
    child->next = g->children;
    g->children = child;
}

static struct installed_child *find_child(struct gateway *g, uint32_t inbound_spi)
{
    struct installed_child *child = g->children;
    while (child->sa.inbound.spi != inbound_spi)
        child = child->next;
    return child;
}

static void remove_child(struct gateway *g, uint32_t inbound_spi)
{
    for (struct installed_child **at = &g->children; *at != NULL; at = &(*at)->next) {
        if ((*at)->sa.inbound.spi != inbound_spi)
            continue;
        struct installed_child *gone = *at;
        *at = gone->next;
        free(gone);
        return;
    }
    assert(!"a Child SA was removed that was not installed");
}

static void change_child(struct gateway *g, const struct child_command *command)
{
    const struct child_settings *child = &command->child;
    bool leaves = command->change == CHILD_REMOVE;
    if (g->real_path != NULL && leaves)
        real_path_change(g, command); /* while it is still known what its packets are sealed with */
    switch (command->change) {
    case CHILD_INSTALL:
        install_child(g, child);
        break;
    case CHILD_ACTIVATE:
        find_child(g, child->inbound.spi)->active = true;
        break;
    case CHILD_STOP:
        find_child(g, child->inbound.spi)->stopped = true;
        break;
    case CHILD_EXPECT_MORE:
        find_child(g, child->inbound.spi)->sa.more_to_come = true;
        break;
    case CHILD_COMPLETE:
        find_child(g, child->inbound.spi)->sa.more_to_come = false;
        break;
    case CHILD_REMOVE:
        remove_child(g, child->inbound.spi);
        break;
    case CHILD_REDIRECT:
        find_child(g, child->inbound.spi)->sa.destination = child->destination;
        break;
    case CHILD_CHANGE_COUNT:
        break;
    }
    if (g->real_path != NULL && !leaves)
        real_path_change(g, command);
}

static struct octets octets_of_key(const struct sim_key *key)
{
    return (struct octets){key->at, key->length};
}

static void verify_by_key(const struct sim_tunnel *t, const struct ike_auth_job *job,
                          struct ike_auth_result *out)
{
    uint8_t expected[PRF_SIZE_MAX];
    size_t length =
        psk_auth_value(job->prf, octets_of_key(&t->remote_key), job->peer.signed_octets, expected);
    bool right = octets_equal(job->peer.value, (struct octets){expected, length});
    out->fault = right ? IKE_AUTH_OK : IKE_AUTH_WRONG;
    if (length == 0)
        out->fault = IKE_AUTH_NO_PEER_KEY;
}

/* As the keeper does, and of certificates the thread pool. What `out` points to is in the other two. */
static void authenticate(struct gateway *g, const struct ike_auth_job *job, struct ike_auth_result *out,
                         struct pki_reason *reason, struct writer *certificates)
{
    struct sim_tunnel *t = gateway_tunnel(g, job->tunnel);
    t->auth_jobs++;
    if (job->verify && job->peer.by_certificate)
        certificates_verify(g, job, out, reason);
    else if (job->verify)
        verify_by_key(t, job, out);
    if (!job->sign || out->fault != IKE_AUTH_OK)
        return;
    if (t->policy.local_auth == AUTH_KIND_RSA) {
        certificates_sign(g, &t->policy, job, out, certificates);
        return;
    }
    out->method = AUTH_METHOD_PSK;
    out->own_key_line = t->own_key_line;
    if (t->peers_key_is_own)
        (void)snprintf(out->own_text, sizeof out->own_text, PSK_STANDS_IN);
    out->value_length =
        (uint16_t)psk_auth_value(job->prf, octets_of_key(&t->local_key), job->own.signed_octets, out->value);
    out->fault = out->value_length > 0 ? IKE_AUTH_OK : IKE_AUTH_NO_OWN_KEY;
}

/* The result, the certificates, and the reason with its NUL. */
static void schedule_result(struct gateway *g, uint32_t job, const struct ike_job_result *result)
{
    static uint8_t at[sizeof *result + CERTIFICATES_MAX + PKI_REASON_SIZE];
    const struct octets certificates = result->kind == IKE_JOB_AUTH ? result->auth.certificates : no_octets;
    const char *reason = result->kind == IKE_JOB_AUTH ? result->auth.reason : NULL;
    struct writer w = writer_to(at, sizeof at);
    writer_put(&w, result, sizeof *result);
    writer_put(&w, certificates.at, certificates.length);
    writer_put(&w, reason, reason != NULL ? strlen(reason) + 1 : 0);
    assert(!w.failed);
    struct coming *c = coming_new(g, writer_octets(&w));
    c->kind = COMING_JOB;
    c->job = job;
    world_schedule(g->world, c, 1 + g->world->conditions.job_time);
}

struct ike_job_result gateway_job_result(const struct coming *c)
{
    struct ike_job_result result;
    const uint8_t *tail = c->octets + sizeof result;
    memcpy(&result, c->octets, sizeof result);
    if (result.kind != IKE_JOB_AUTH)
        return result;
    result.auth.certificates.at = tail;
    if (result.auth.reason != NULL)
        result.auth.reason = (const char *)tail + result.auth.certificates.length;
    return result;
}

static void answer_job(struct gateway *g, const struct ike_job *job)
{
    if (job->kind == IKE_JOB_LOOK_UP) {
        names_start_job(g, job);
        return;
    }
    static uint8_t certificates_at[CERTIFICATES_MAX];
    struct ike_job_result result = {.kind = job->kind};
    bool real = g->world->conditions.real_arithmetic;
    struct pki_reason reason;
    struct writer certificates = writer_to(certificates_at, sizeof certificates_at);
    result.ok = true;
    if (job->kind == IKE_JOB_AUTH && g == g->world->conditions.overloaded)
        result.ok = false;
    else if (job->kind == IKE_JOB_AUTH)
        authenticate(g, &job->auth, &result.auth, &reason, &certificates);
    else
        result.ok = arithmetic_answer(&job->key_exchange, real, &result.key_exchange);
    schedule_result(g, job->job, &result);
}

static void add_line(struct log_text *log, const char *name, const char *text)
{
    size_t length = strlen(name) + strlen(text) + sizeof ": \n";
    log->at = realloc(log->at, log->length + length);
    assert(log->at != NULL);
    log->length +=
        (size_t)snprintf(log->at + log->length, length, "%s%s%s\n", name, name[0] != '\0' ? ": " : "", text);
}

void gateway_add_log_line(struct gateway *g, const char *text)
{
    add_line(&g->log, "", text);
    if (g->world->trace != NULL)
        fprintf(g->world->trace, "%8lu %s: %s\n", (unsigned long)g->world->now, g->name, text);
}

static void take_log_line(struct gateway *g, const struct ike_action *action)
{
    gateway_add_log_line(g, action->log.text);
    if (strstr(action->log.text, "its record cannot be used") != NULL)
        world_broken(g, "an engine does not take the record that another one wrote");
    if (action->log.level <= LOG_LEVEL_WARN)
        add_line(&g->warnings,
                 action->log.has_tunnel ? gateway_tunnel(g, action->log.tunnel)->policy.name : "",
                 action->log.text);
}

static void perform(struct gateway *g, const struct ike_action *action)
{
    int error = 0;
    switch (action->kind) {
    case IKE_ACTION_DATAGRAM:
        error = gateway_send_error(g, &action->datagram.local.address);
        if (error != 0) {
            gateway_schedule_not_sent(g, &action->datagram.remote, action->datagram.message, error);
            break;
        }
        g->sent++;
        if (g->world->observer->departure != NULL)
            g->world->observer->departure(g, action->datagram.message);
        network_send(g, &action->datagram.local, &action->datagram.remote, action->datagram.message);
        break;
    case IKE_ACTION_CHILD:
        change_child(g, action->child);
        break;
    case IKE_ACTION_TUNNEL_UP:
        gateway_tunnel(g, action->state.tunnel)->up = true;
        break;
    case IKE_ACTION_TUNNEL_DOWN:
        gateway_tunnel(g, action->state.tunnel)->up = false;
        (void)snprintf(g->down_reason, sizeof g->down_reason, "%s", action->state.reason);
        break;
    case IKE_ACTION_TUNNEL_FAILED:
        gateway_tunnel(g, action->failed.tunnel)->failures++;
        break;
    case IKE_ACTION_JOB:
        answer_job(g, action->job);
        break;
    case IKE_ACTION_LOG:
        take_log_line(g, action);
        break;
    }
}

void gateway_handle(struct gateway *g, const struct ike_event *event)
{
    const struct ike_effects *effects = ike_engine_handle(g->engine, gateway_now(g), event);
    for (size_t i = 0; i < effects->record_count; i++)
        keep_record(g, &effects->records[i]);
    if (!g->restoring && g->world->checks_records && g->world->observer->records != NULL)
        g->world->observer->records(g);
    if (!g->restoring && g->world->observer->actions != NULL)
        g->world->observer->actions(g, effects);
    if (g->real_path != NULL && (event->kind == IKE_EVENT_SAVED_END || event->kind == IKE_EVENT_PATH_NEW))
        real_path_agree(g, effects);
    for (size_t i = 0; i < effects->action_count; i++) {
        /* Log lines do not count, so that a run is the same at each log level. */
        bool counts = effects->actions[i].kind != IKE_ACTION_LOG;
        if (g->ends && counts && g->actions_left-- == 0) {
            gateway_resume(g);
            return;
        }
        perform(g, &effects->actions[i]);
    }
}

/* ---- Events ------------------------------------------------------------------------------------------ */

void gateway_packet_waits(struct gateway *g, uint32_t tunnel)
{
    gateway_packet_of_flow_waits(g, tunnel, &(struct packet_flow){.source.family = IP_NONE});
}

void gateway_packet_of_flow_waits(struct gateway *g, uint32_t tunnel, const struct packet_flow *flow)
{
    struct ike_event event = {.kind = IKE_EVENT_PACKET_WAITS};
    event.packet.tunnel = tunnel;
    event.packet.flow = *flow;
    gateway_handle(g, &event);
}

void gateway_packet_is_outside(struct gateway *g, uint32_t tunnel, const struct packet_flow *flow)
{
    struct ike_event event = {.kind = IKE_EVENT_PACKET_OUTSIDE};
    event.packet.tunnel = tunnel;
    event.packet.flow = *flow;
    gateway_handle(g, &event);
}

void gateway_clear(struct gateway *g, uint32_t tunnel)
{
    struct ike_event event = {.kind = IKE_EVENT_CLEAR};
    event.clear.tunnel = tunnel;
    gateway_handle(g, &event);
}

void gateway_report_esp(struct gateway *g, enum ike_event_kind kind, uint32_t spi,
                        const struct ip_endpoint *remote)
{
    struct ike_event event = {.kind = kind};
    event.esp.spi = spi;
    event.esp.local = g->address;
    if (remote != NULL)
        event.esp.remote = *remote;
    gateway_handle(g, &event);
}

void gateway_report_unanswered(struct gateway *g, uint32_t spi, bool never_heard)
{
    struct ike_event event = {.kind = IKE_EVENT_CHILD_UNANSWERED};
    event.esp.spi = spi;
    event.esp.never_heard = never_heard;
    gateway_handle(g, &event);
}

void gateway_stop(struct gateway *g)
{
    g->stopped = true;
    gateway_handle(g, &(struct ike_event){.kind = IKE_EVENT_STOP});
}

void gateway_receive_at(struct gateway *g, const struct ip_address *local, uint32_t ifindex,
                        const struct ip_endpoint *from, struct octets message)
{
    struct ike_event event = {.kind = IKE_EVENT_DATAGRAM};
    event.datagram.local = (struct ip_endpoint){*local, IKE_PORT};
    event.datagram.remote = *from;
    event.datagram.ifindex = ifindex;
    event.datagram.message = message;
    if (g->world->observer->arrival != NULL)
        g->world->observer->arrival(g, message);
    gateway_handle(g, &event);
}

void gateway_receive(struct gateway *g, const struct ip_endpoint *from, struct octets message)
{
    gateway_receive_at(g, &g->address, 1, from, message);
}
