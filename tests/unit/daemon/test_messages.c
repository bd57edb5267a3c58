/*
 * daemon/ipc/messages.h: a message with a value that is out of its bounds is not taken, and one with the last
 * value within them is. A process that was taken over must not lead another one beyond an array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/ipc/messages.h"

/* A field of a message's body, the last value that it may have, and one that it may not. */
struct field {
    const char *name;
    enum message_type type;
    enum process from, to;
    size_t size, at, width;
    uint64_t good, bad;
};

#define FIELD(type, from, to, body, member, good, bad)                                                       \
    {                                                                                                        \
#body "." #member, type, from, to, sizeof(struct body), offsetof(struct body, member),               \
            sizeof(((struct body *)0)->member), good, bad                                                    \
    }
#define TO_ENGINE(type, ...) FIELD(type, PROCESS_KEEPER, PROCESS_ENGINE, __VA_ARGS__)
#define TO_PATH(type, ...)   FIELD(type, PROCESS_KEEPER, PROCESS_PATH, __VA_ARGS__)
#define OF_ENGINE(type, ...) FIELD(type, PROCESS_ENGINE, PROCESS_KEEPER, __VA_ARGS__)
#define OF_PATH(type, ...)   FIELD(type, PROCESS_PATH, PROCESS_KEEPER, __VA_ARGS__)
#define CHILD(member, ...)                                                                                   \
    FIELD(MESSAGE_CHILD, PROCESS_ENGINE, PROCESS_PATH, message_child, command.child.member, __VA_ARGS__)
#define EVENT(member, ...)                                                                                   \
    FIELD(MESSAGE_PATH_EVENT, PROCESS_PATH, PROCESS_ENGINE, path_event, member, __VA_ARGS__)
#define POLICY(member, ...) TO_ENGINE(MESSAGE_POLICY, message_policy, policy.member, __VA_ARGS__)
#define FAMILY_BOUNDS       IP_V6, IP_V6 + 1

static const struct field fields[] = {
    TO_ENGINE(MESSAGE_ENGINE_SETUP, message_engine_setup, esp_owners, PATH_WORKERS_MAX, PATH_WORKERS_MAX + 1),
    TO_ENGINE(MESSAGE_ENGINE_SETUP, message_engine_setup, esp_owners, 1, 0),
    TO_ENGINE(MESSAGE_ENGINE_SETUP, message_engine_setup, log_level, LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG + 1),
    TO_ENGINE(MESSAGE_LOG_LEVEL, message_log_level, level, LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG + 1),
    TO_ENGINE(MESSAGE_PEER_ROUTE, message_peer_route, route.usable, 1, 2),
    TO_ENGINE(MESSAGE_PEER_ROUTE, message_peer_route, route.local.family, FAMILY_BOUNDS),
    TO_ENGINE(MESSAGE_PEER_ROUTE, message_peer_route, route.remote.family, FAMILY_BOUNDS),
    TO_ENGINE(MESSAGE_PEER_ADDRESSES, message_peer_addresses, count, IKE_PEER_ADDRESSES_MAX,
              IKE_PEER_ADDRESSES_MAX + 1),
    TO_ENGINE(MESSAGE_JOB_DONE, message_job_done, kind, IKE_JOB_LOOK_UP, IKE_JOB_KEY_EXCHANGE),
    TO_ENGINE(MESSAGE_JOB_DONE, message_job_done, kind, IKE_JOB_AUTH, IKE_JOB_LOOK_UP + 1),
    TO_ENGINE(MESSAGE_JOB_DONE, message_job_done, auth.fault, IKE_AUTH_WRONG_SIGNATURE,
              IKE_AUTH_WRONG_SIGNATURE + 1),
    TO_ENGINE(MESSAGE_JOB_DONE, message_job_done, auth.value_length, IKE_AUTH_VALUE_MAX,
              IKE_AUTH_VALUE_MAX + 1),
    POLICY(shut_down, 1, 2),
    POLICY(defined, 1, 2),
    POLICY(complete, 1, 2),
    POLICY(child.pfs_none, 1, 2),
    POLICY(anti_replay, 1, 2),
    POLICY(nat_traversal, 1, 2),
    POLICY(nat_force, 1, 2),
    POLICY(suppress_delete, 1, 2),
    POLICY(suppress_rekey, 1, 2),
    POLICY(mtu_ignore, 1, 2),
    POLICY(pre_fragment, 1, 2),
    POLICY(peer_address.family, FAMILY_BOUNDS),
    POLICY(out_next_hop.family, FAMILY_BOUNDS),
    POLICY(source_address.family, FAMILY_BOUNDS),
    POLICY(local_id.length, IDENTITY_SIZE, IDENTITY_SIZE + 1),
    POLICY(remote_id.length, IDENTITY_SIZE, IDENTITY_SIZE + 1),
    POLICY(local_ts_count, POLICY_SELECTORS_MAX, POLICY_SELECTORS_MAX + 1),
    POLICY(remote_ts_count, POLICY_SELECTORS_MAX, POLICY_SELECTORS_MAX + 1),
    TO_PATH(MESSAGE_PATH_SETUP, message_path_setup, workers, PATH_WORKERS_MAX, PATH_WORKERS_MAX + 1),
    TO_PATH(MESSAGE_PATH_SETUP, message_path_setup, workers, 1, 0),
    TO_PATH(MESSAGE_PATH_WORKER, message_path_worker, worker, PATH_WORKERS_MAX - 1, PATH_WORKERS_MAX),
    OF_ENGINE(MESSAGE_AUTH_JOB, message_auth_job, prf, UINT16_MAX, UINT16_MAX + 1),
    OF_ENGINE(MESSAGE_AUTH_JOB, message_auth_job, verify, 1, 2),
    OF_ENGINE(MESSAGE_AUTH_JOB, message_auth_job, sign, 1, 2),
    OF_ENGINE(MESSAGE_AUTH_JOB, message_auth_job, method, UINT8_MAX, UINT8_MAX + 1),
    OF_ENGINE(MESSAGE_AUTH_JOB, message_auth_job, peer.length, IDENTITY_SIZE, IDENTITY_SIZE + 1),
    OF_ENGINE(MESSAGE_AUTH_JOB, message_auth_job, own.length, IDENTITY_SIZE, IDENTITY_SIZE + 1),
    OF_ENGINE(MESSAGE_LOOK_UP, message_look_up, seen.family, FAMILY_BOUNDS),
    OF_ENGINE(MESSAGE_LOG, message_log, level, LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG + 1),
    OF_ENGINE(MESSAGE_LOG, message_log, function, LOG_IPSEC, LOG_IPSEC + 1),
    OF_PATH(MESSAGE_TUNNEL_DONE, message_tunnel_done, result, PATH_RESULT_COUNT - 1, PATH_RESULT_COUNT),
    FIELD(MESSAGE_CHILD, PROCESS_ENGINE, PROCESS_PATH, message_child, command.change, CHILD_CHANGE_COUNT - 1,
          CHILD_CHANGE_COUNT),
    CHILD(anti_replay, 1, 2),
    CHILD(active, 1, 2),
    CHILD(unknown_to_peer, 1, 2),
    CHILD(active_when_used, 1, 2),
    CHILD(more_to_come, 1, 2),
    CHILD(destination.encapsulated, 1, 2),
    CHILD(destination.local.address.family, FAMILY_BOUNDS),
    CHILD(destination.remote.address.family, FAMILY_BOUNDS),
    CHILD(local_ts_count, ESP_SELECTORS_MAX, ESP_SELECTORS_MAX + 1),
    CHILD(remote_ts_count, ESP_SELECTORS_MAX, ESP_SELECTORS_MAX + 1),
    FIELD(MESSAGE_TUNNEL_FAIL, PROCESS_ENGINE, PROCESS_PATH, message_tunnel_fail, pair.source.family, IP_V6,
          IP_V6 + 1),
    FIELD(MESSAGE_TUNNEL_FAIL, PROCESS_ENGINE, PROCESS_PATH, message_tunnel_fail, pair.destination.family,
          IP_V6, IP_V6 + 1),
    FIELD(MESSAGE_CHILDREN, PROCESS_PATH, PROCESS_ENGINE, message_children, more, 1, 2),
    EVENT(kind, PATH_SPI_UNKNOWN, PATH_SPI_UNKNOWN + 1),
    EVENT(result, PATH_RESULT_COUNT - 1, PATH_RESULT_COUNT),
    EVENT(encapsulated, 1, 2),
    EVENT(remote.address.family, FAMILY_BOUNDS),
    EVENT(local.family, FAMILY_BOUNDS),
    EVENT(flow.source.family, FAMILY_BOUNDS),
    EVENT(flow.destination.family, FAMILY_BOUNDS),
    EVENT(flow.ports, FLOW_PORTS_TYPE, FLOW_PORTS_TYPE + 1),
};

/* A body of zeros but for what may not be zero. */
static void fill(const struct field *f, uint8_t *body)
{
    memset(body, 0, f->size);
    const uint32_t one = 1;
    const uint32_t auth = IKE_JOB_AUTH;
    if (f->type == MESSAGE_ENGINE_SETUP)
        memcpy(body + offsetof(struct message_engine_setup, esp_owners), &one, sizeof one);
    if (f->type == MESSAGE_JOB_DONE)
        memcpy(body + offsetof(struct message_job_done, kind), &auth, sizeof auth);
}

static bool is_taken_with(const struct field *f, uint64_t value)
{
    uint8_t *body = malloc(f->size);
    assert_non_null(body);
    fill(f, body);
    memcpy(body + f->at, &value, f->width); /* little-endian: the low octets come first */
    const struct channel_message message = {.type = f->type, .body = body, .length = f->size};
    bool taken = message_is_sound(f->from, f->to, &message);
    free(body);
    return taken;
}

static void each_value_of_a_message_is_checked_against_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *f = &fields[i];
        assert_in_range(f->width, 1, sizeof(uint64_t));
        if (!is_taken_with(f, f->good))
            fail_msg("%s may be %llu", f->name, (unsigned long long)f->good);
        if (is_taken_with(f, f->bad))
            fail_msg("%s may not be %llu", f->name, (unsigned long long)f->bad);
    }
}

/* Each element of a list counts, up to the last one that the message says it has. */
static void each_address_of_a_list_is_checked(void **state)
{
    (void)state;
    struct message_peer_addresses addresses = {.count = IKE_PEER_ADDRESSES_MAX};
    const struct channel_message message = {MESSAGE_PEER_ADDRESSES, &addresses, sizeof addresses};
    for (size_t i = 0; i < IKE_PEER_ADDRESSES_MAX; i++) {
        addresses.addresses[i].family = 77;
        assert_false(message_is_sound(PROCESS_KEEPER, PROCESS_ENGINE, &message));
        addresses.addresses[i].family = IP_V4;
        assert_true(message_is_sound(PROCESS_KEEPER, PROCESS_ENGINE, &message));
    }

    static struct message_child child;
    struct child_settings *c = &child.command.child;
    const struct channel_message of_child = {MESSAGE_CHILD, &child, sizeof child};
    c->local_ts_count = c->remote_ts_count = ESP_SELECTORS_MAX;
    struct ip_address *const last[] = {
        &c->local_ts[ESP_SELECTORS_MAX - 1].first, &c->local_ts[ESP_SELECTORS_MAX - 1].last,
        &c->remote_ts[ESP_SELECTORS_MAX - 1].first, &c->remote_ts[ESP_SELECTORS_MAX - 1].last};
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        last[i]->family = 77;
        assert_false(message_is_sound(PROCESS_ENGINE, PROCESS_PATH, &of_child));
        last[i]->family = IP_V6;
        assert_true(message_is_sound(PROCESS_ENGINE, PROCESS_PATH, &of_child));
    }
}

/* Names come with a NUL, or would be read on and on. */
static void names_of_a_policy_end(void **state)
{
    (void)state;
    static struct message_policy m;
    struct tunnel_policy *p = &m.policy;
    const struct channel_message message = {MESSAGE_POLICY, &m, sizeof m};
    const struct {
        char *at;
        size_t size;
    } names[] = {{p->name, sizeof p->name},
                 {p->peer_fqdn, sizeof p->peer_fqdn},
                 {p->out_interface, sizeof p->out_interface},
                 {p->source_interface, sizeof p->source_interface}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        memset(names[i].at, 'x', names[i].size);
        assert_false(message_is_sound(PROCESS_KEEPER, PROCESS_ENGINE, &message));
        names[i].at[names[i].size - 1] = '\0';
        assert_true(message_is_sound(PROCESS_KEEPER, PROCESS_ENGINE, &message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_of_a_message_is_checked_against_its_bounds),
        cmocka_unit_test(each_address_of_a_list_is_checked),
        cmocka_unit_test(names_of_a_policy_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
