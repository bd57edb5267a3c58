#include "daemon/ipc/messages.h"

#include <stdio.h>
#include <string.h>

/* ---- What may stand in a message ------------------------------------------------------------------- */

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* A bool that is neither true nor false must not even be read as one. */
static bool is_bool(const bool *value)
{
    uint8_t octet;
    memcpy(&octet, value, sizeof(octet));
    return octet <= 1;
}

static bool is_address(const struct ip_address *a)
{
    return a->family == IP_NONE || a->family == IP_V4 || a->family == IP_V6;
}

static bool is_identity(const struct identity *id)
{
    return id->length <= IDENTITY_SIZE;
}

static bool is_route(const struct peer_route *route)
{
    return is_bool(&route->usable) && is_address(&route->local) && is_address(&route->remote);
}

static bool is_selector_list(const struct traffic_selector *list, uint8_t count)
{
    if (count > ESP_SELECTORS_MAX)
        return false;
    for (uint8_t i = 0; i < count; i++) {
        if (!is_address(&list[i].first) || !is_address(&list[i].last))
            return false;
    }
    return true;
}

static bool are_policy_selectors(const struct policy_selector *list, uint8_t count)
{
    if (count > POLICY_SELECTORS_MAX)
        return false;
    for (uint8_t i = 0; i < count; i++) {
        if (!is_address(&list[i].first) || !is_address(&list[i].last))
            return false;
    }
    return true;
}

/* ---- Each message's own rules ---------------------------------------------------------------------- */

static bool log_level_is_sound(const void *body)
{
    const struct message_log_level *m = body;
    return m->level <= LOG_LEVEL_DEBUG;
}

static bool engine_setup_is_sound(const void *body)
{
    const struct message_engine_setup *m = body;
    return m->esp_owners >= 1 && m->esp_owners <= PATH_WORKERS_MAX && m->log_level <= LOG_LEVEL_DEBUG;
}

static bool policy_is_sound(const void *body)
{
    const struct tunnel_policy *p = &((const struct message_policy *)body)->policy;
    const bool *const bools[] = {
        &p->shut_down,      &p->defined,       &p->complete,     &p->child.pfs_none,
        &p->anti_replay,    &p->nat_traversal, &p->nat_force,    &p->suppress_delete,
        &p->suppress_rekey, &p->mtu_ignore,    &p->pre_fragment, &p->weak_certificates,
    };
    for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
        if (!is_bool(bools[i]))
            return false;
    }
    return p->gap < GAP_COUNT && is_terminated(p->name, sizeof(p->name)) &&
           is_terminated(p->cacert, sizeof(p->cacert)) && is_terminated(p->mycert, sizeof(p->mycert)) &&
           is_terminated(p->peer_fqdn, sizeof(p->peer_fqdn)) &&
           is_terminated(p->out_interface, sizeof(p->out_interface)) &&
           is_terminated(p->source_interface, sizeof(p->source_interface)) && is_address(&p->peer_address) &&
           is_address(&p->out_next_hop) && is_address(&p->source_address) && is_identity(&p->local_id) &&
           is_identity(&p->remote_id) && are_policy_selectors(p->local_ts, p->local_ts_count) &&
           are_policy_selectors(p->remote_ts, p->remote_ts_count);
}

static bool peer_route_is_sound(const void *body)
{
    const struct message_peer_route *m = body;
    return is_route(&m->route);
}

static bool own_address_is_sound(const void *body)
{
    const struct message_own_address *m = body;
    return is_address(&m->address) && m->is_here <= 1;
}

static bool peer_addresses_are_sound(const void *body)
{
    const struct message_peer_addresses *m = body;
    if (m->count > IKE_PEER_ADDRESSES_MAX)
        return false;
    for (uint32_t i = 0; i < m->count; i++) {
        if (!is_address(&m->addresses[i]))
            return false;
    }
    return true;
}

static bool job_done_is_sound(const void *body)
{
    const struct message_job_done *m = body;
    return (m->kind == IKE_JOB_AUTH || m->kind == IKE_JOB_LOOK_UP) &&
           m->auth.fault <= IKE_AUTH_WRONG_SIGNATURE && m->auth.value_length <= IKE_AUTH_VALUE_MAX &&
           memchr(m->auth.own_text, '\0', sizeof(m->auth.own_text)) != NULL;
}

static uint64_t job_done_tail(const void *body)
{
    return ((const struct message_job_done *)body)->certificates_length;
}

static bool look_up_is_sound(const void *body)
{
    const struct message_look_up *m = body;
    return is_address(&m->seen);
}

static bool path_setup_is_sound(const void *body)
{
    const struct message_path_setup *m = body;
    return m->workers >= 1 && m->workers <= PATH_WORKERS_MAX;
}

static bool path_tunnel_is_sound(const void *body)
{
    const struct path_tunnel *t = body;
    return is_bool(&t->mtu_ignore) && is_bool(&t->pre_fragment) && is_bool(&t->mss_v4.automatic) &&
           is_bool(&t->mss_v6.automatic) && is_bool(&t->vnet_header) && is_bool(&t->udp_segmentation);
}

static bool path_worker_is_sound(const void *body)
{
    const struct message_path_worker *m = body;
    return m->worker < PATH_WORKERS_MAX;
}

_Static_assert((size_t)PATH_SOCKET_COUNT <= CHANNEL_FDS_MAX, "the sockets of a worker fit a message");

static bool auth_job_is_sound(const void *body)
{
    const struct message_auth_job *m = body;
    return m->prf <= UINT16_MAX && m->verify <= 1 && m->sign <= 1 && m->method <= UINT8_MAX &&
           m->peer_scheme <= SIGNATURE_SCHEME_COUNT && m->pkcs1 <= 1 && is_identity(&m->peer) &&
           is_identity(&m->own);
}

static uint64_t auth_job_tail(const void *body)
{
    const struct message_auth_job *m = body;
    return (uint64_t)m->value_length + m->peer_octets_length + m->own_octets_length + m->authorities_length;
}

static bool tunnel_done_is_sound(const void *body)
{
    const struct message_tunnel_done *m = body;
    return m->result < PATH_RESULT_COUNT;
}

static bool log_is_sound(const void *body)
{
    const struct message_log *m = body;
    return m->level <= LOG_LEVEL_DEBUG && m->function <= LOG_IPSEC && m->failed < IKE_STEP_COUNT &&
           m->unlogged <= 1;
}

static bool child_is_sound(const void *body)
{
    const struct child_command *command = &((const struct message_child *)body)->command;
    const struct child_settings *c = &command->child;
    return command->change < CHILD_CHANGE_COUNT && is_bool(&c->anti_replay) && is_bool(&c->active) &&
           is_bool(&c->unknown_to_peer) && is_bool(&c->active_when_used) && is_bool(&c->more_to_come) &&
           is_bool(&c->destination.encapsulated) && is_address(&c->destination.local.address) &&
           is_address(&c->destination.remote.address) && is_selector_list(c->local_ts, c->local_ts_count) &&
           is_selector_list(c->remote_ts, c->remote_ts_count);
}

static bool children_are_sound(const void *body)
{
    const struct message_children *m = body;
    return m->count <= MESSAGE_CHILDREN_MAX && m->more <= 1;
}

static bool tunnel_fail_is_sound(const void *body)
{
    const struct message_tunnel_fail *m = body;
    return is_address(&m->pair.source) && is_address(&m->pair.destination);
}

static bool path_event_is_sound(const void *body)
{
    const struct path_event *e = body;
    return e->kind <= PATH_SPI_UNKNOWN && e->result < PATH_RESULT_COUNT && is_bool(&e->encapsulated) &&
           is_bool(&e->never_heard) && is_bool(&e->flow.overlaps_header) && is_address(&e->remote.address) &&
           is_address(&e->local) && is_address(&e->flow.source) && is_address(&e->flow.destination) &&
           e->flow.ports <= FLOW_PORTS_TYPE;
}

static bool stray_is_sound(const void *body)
{
    const struct message_stray *m = body;
    return m->remote.address.family != IP_NONE && is_address(&m->remote.address) && is_address(&m->local);
}

/* ---- All messages ---------------------------------------------------------------------------------- */

#define FROM(process) (1U << (process))

struct message_rule {
    const char *name;
    unsigned from;   /* set of processes */
    enum process to; /* for what goes to one */
    size_t size;
    size_t tail_max;
    size_t fds_max;
    bool (*is_sound)(const void *body);        /* NULL: nothing to doubt */
    uint64_t (*tail_length)(const void *body); /* as the struct has it; NULL: it has none */
};

#define KEEPER         FROM(PROCESS_KEEPER), PROCESS_ENGINE
#define KEEPER_TO_PATH FROM(PROCESS_KEEPER), PROCESS_PATH
#define ENGINE         FROM(PROCESS_ENGINE), PROCESS_KEEPER
#define PATH           FROM(PROCESS_PATH), PROCESS_KEEPER
#define BOTH           FROM(PROCESS_ENGINE) | FROM(PROCESS_PATH), PROCESS_KEEPER
#define ENGINE_TO_PATH FROM(PROCESS_ENGINE), PROCESS_PATH
#define PATH_TO_ENGINE FROM(PROCESS_PATH), PROCESS_ENGINE

static const struct message_rule rules[MESSAGE_TYPE_COUNT] = {
    [MESSAGE_ENGINE_SETUP] = {"ENGINE_SETUP", KEEPER, sizeof(struct message_engine_setup), 0, 2,
                              engine_setup_is_sound},
    [MESSAGE_ENGINE_SOCKETS] = {"ENGINE_SOCKETS", KEEPER, sizeof(struct message_engine_sockets), 0,
                                ENGINE_SOCKET_COUNT, NULL},
    [MESSAGE_POLICY] = {"POLICY", KEEPER, sizeof(struct message_policy), 0, 0, policy_is_sound},
    [MESSAGE_TUNNEL_GONE] = {"TUNNEL_GONE", KEEPER, sizeof(struct message_tunnel), 0, 0, NULL},
    [MESSAGE_POLICIES_TOLD] = {"POLICIES_TOLD", KEEPER, 0, 0, 0, NULL},
    [MESSAGE_TUNNELS_TOLD] = {"TUNNELS_TOLD", KEEPER, 0, 0, 0, NULL},
    [MESSAGE_PEER_ROUTE] = {"PEER_ROUTE", KEEPER, sizeof(struct message_peer_route), 0, 0,
                            peer_route_is_sound},
    [MESSAGE_OWN_ADDRESS] = {"OWN_ADDRESS", KEEPER, sizeof(struct message_own_address), 0, 0,
                             own_address_is_sound},
    [MESSAGE_PEER_ADDRESSES] = {"PEER_ADDRESSES", KEEPER, sizeof(struct message_peer_addresses), 0, 0,
                                peer_addresses_are_sound},
    [MESSAGE_CLEAR] = {"CLEAR", KEEPER, sizeof(struct message_clear), 0, 0, NULL},
    [MESSAGE_LOG_LEVEL] = {"LOG_LEVEL", KEEPER, sizeof(struct message_log_level), 0, 0, log_level_is_sound},
    [MESSAGE_TUNNEL_STATE_DONE] = {"TUNNEL_STATE_DONE", KEEPER, sizeof(struct message_tunnel_state_done), 0,
                                   0, NULL},
    [MESSAGE_STOP] = {"STOP", KEEPER, 0, 0, 0, NULL},
    [MESSAGE_JOB_DONE] = {"JOB_DONE", KEEPER, sizeof(struct message_job_done), MESSAGE_CERTIFICATES_MAX, 0,
                          job_done_is_sound, job_done_tail},
    [MESSAGE_TRUST] = {"TRUST", KEEPER, sizeof(struct message_trust), 0, 1, NULL},

    [MESSAGE_PATH_SETUP] = {"PATH_SETUP", KEEPER_TO_PATH, sizeof(struct message_path_setup), 0, 1,
                            path_setup_is_sound},
    [MESSAGE_PATH_WORKER] = {"PATH_WORKER", KEEPER_TO_PATH, sizeof(struct message_path_worker), 0,
                             PATH_SOCKET_COUNT, path_worker_is_sound},
    [MESSAGE_TUNNEL_ADD] = {"TUNNEL_ADD", KEEPER_TO_PATH, sizeof(struct path_tunnel), 0, 1,
                            path_tunnel_is_sound},
    [MESSAGE_TUNNEL_UPDATE] = {"TUNNEL_UPDATE", KEEPER_TO_PATH, sizeof(struct path_tunnel), 0, 0,
                               path_tunnel_is_sound},
    [MESSAGE_TUNNEL_REMOVE] = {"TUNNEL_REMOVE", KEEPER_TO_PATH, sizeof(struct message_tunnel), 0, 0, NULL},

    [MESSAGE_AUTH_JOB] = {"AUTH_JOB", ENGINE, sizeof(struct message_auth_job), MESSAGE_AUTH_TAIL_MAX, 0,
                          auth_job_is_sound, auth_job_tail},
    [MESSAGE_LOOK_UP] = {"LOOK_UP", ENGINE, sizeof(struct message_look_up), 0, 0, look_up_is_sound},
    [MESSAGE_TUNNEL_STATE] = {"TUNNEL_STATE", ENGINE, sizeof(struct message_tunnel_state), MESSAGE_TEXT_MAX,
                              0, NULL},
    [MESSAGE_IDLE] = {"IDLE", ENGINE, 0, 0, 0, NULL},
    [MESSAGE_POLICIES_KNOWN] = {"POLICIES_KNOWN", ENGINE, 0, 0, 0, NULL},

    [MESSAGE_TUNNEL_DONE] = {"TUNNEL_DONE", PATH, sizeof(struct message_tunnel_done), 0, 0,
                             tunnel_done_is_sound},

    [MESSAGE_READY] = {"READY", BOTH, 0, 0, 0, NULL},
    [MESSAGE_LOG] = {"LOG", BOTH, sizeof(struct message_log), MESSAGE_TEXT_MAX, 0, log_is_sound},

    [MESSAGE_CHILD] = {"CHILD", ENGINE_TO_PATH, sizeof(struct message_child), 0, 0, child_is_sound},
    [MESSAGE_LIST_CHILDREN] = {"LIST_CHILDREN", ENGINE_TO_PATH, sizeof(struct message_list_children), 0, 0,
                               NULL},
    [MESSAGE_CHILDREN] = {"CHILDREN", PATH_TO_ENGINE, sizeof(struct message_children),
                          MESSAGE_CHILDREN_MAX * sizeof(struct path_child), 0, children_are_sound},
    [MESSAGE_TUNNEL_FAIL] = {"TUNNEL_FAIL", ENGINE_TO_PATH, sizeof(struct message_tunnel_fail), 0, 0,
                             tunnel_fail_is_sound},
    [MESSAGE_PATH_EVENT] = {"PATH_EVENT", PATH_TO_ENGINE, sizeof(struct path_event), 0, 0,
                            path_event_is_sound},
    [MESSAGE_STRAY_IKE] = {"STRAY_IKE", PATH_TO_ENGINE, sizeof(struct message_stray), MESSAGE_STRAY_MAX, 0,
                           stray_is_sound},
    [MESSAGE_STRAY_ESP] = {"STRAY_ESP", ENGINE_TO_PATH, sizeof(struct message_stray), MESSAGE_STRAY_MAX, 0,
                           stray_is_sound},
};

static bool tail_has_all_children(const struct channel_message *message)
{
    const struct message_children *m = message->body;
    return message->length == sizeof(*m) + (size_t)m->count * sizeof(struct path_child);
}

bool message_is_sound(enum process from, enum process to, const struct channel_message *message)
{
    if (message->type >= MESSAGE_TYPE_COUNT)
        return false;
    const struct message_rule *rule = &rules[message->type];
    if ((rule->from & FROM(from)) == 0 || rule->to != to)
        return false;
    if (message->length < rule->size || message->length - rule->size > rule->tail_max)
        return false;
    if (message->fd_count > rule->fds_max)
        return false;
    if (message->type == MESSAGE_CHILDREN && !tail_has_all_children(message))
        return false;
    if (rule->tail_length != NULL && rule->tail_length(message->body) != message->length - rule->size)
        return false;
    return rule->is_sound == NULL || rule->is_sound(message->body);
}

_Static_assert(sizeof(struct message_job_done) + MESSAGE_CERTIFICATES_MAX <= CHANNEL_BODY_MAX,
               "the largest result fits a message");
_Static_assert(sizeof(struct message_stray) + MESSAGE_STRAY_MAX <= CHANNEL_BODY_MAX,
               "the largest datagram fits a message");
_Static_assert(sizeof(struct message_auth_job) + MESSAGE_AUTH_TAIL_MAX <= CHANNEL_BODY_MAX,
               "the largest job fits a message");

struct ike_auth_job message_auth_job(const struct channel_message *message)
{
    const struct message_auth_job *m = message->body;
    struct octets tail = message_tail(message, sizeof(*m));
    struct reader r = reader_of(tail.at, tail.length);
    struct ike_auth_job job = {
        .tunnel = m->tunnel, .prf = (uint16_t)m->prf, .verify = m->verify != 0, .sign = m->sign != 0};
    job.peer.identity = m->peer;
    job.peer.method = (uint8_t)m->method;
    job.peer.value = (struct octets){reader_octets(&r, m->value_length), m->value_length};
    job.peer.signed_octets = (struct octets){reader_octets(&r, m->peer_octets_length), m->peer_octets_length};
    job.own.identity = m->own;
    job.own.signed_octets = (struct octets){reader_octets(&r, m->own_octets_length), m->own_octets_length};
    job.own.authorities = (struct octets){reader_octets(&r, m->authorities_length), m->authorities_length};
    job.own.peer_hashes = m->peer_hashes;
    job.own.peer_scheme = (uint8_t)m->peer_scheme;
    job.own.pkcs1 = m->pkcs1 != 0;
    return job;
}

const char *message_name(uint32_t type)
{
    return type < MESSAGE_TYPE_COUNT ? rules[type].name : "?";
}

void message_send_log(struct channel *keeper, const struct message_log *line, const char *text)
{
    const struct message_log warning = {.level = LOG_LEVEL_WARN, .function = line->function};
    const size_t lost = keeper->lost;
    char told[80];
    (void)snprintf(told, sizeof(told), "%zu lines of the log were lost: the keeper did not take them", lost);
    if (lost > 0) /* the line that says so is not one of them */
        keeper->lost =
            channel_offer(keeper, MESSAGE_LOG, &warning, sizeof(warning), told, strlen(told)) ? 0 : lost;
    (void)channel_offer(keeper, MESSAGE_LOG, line, sizeof(*line), text, strnlen(text, MESSAGE_TEXT_MAX));
}

struct octets message_tail(const struct channel_message *message, size_t size)
{
    return (struct octets){(const uint8_t *)message->body + size, message->length - size};
}
