/* daemon/ipc/channel.h and daemon/ipc/messages.h */
#include "daemon/ipc/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool without_memory;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return without_memory ? NULL : __real_calloc(count, size);
}

struct pair {
    struct channel a, b;
    int raw; /* the socket of `b` */
};

static int pair_set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    int fds[2];
    assert_true(channel_pair(fds));
    channel_open(&pair->a, fds[0]);
    channel_open(&pair->b, fds[1]);
    pair->raw = fds[1];
    *state = pair;
    return 0;
}

static int pair_tear_down(void **state)
{
    struct pair *pair = *state;
    channel_close(&pair->a);
    channel_close(&pair->b);
    free(pair);
    return 0;
}

static void message_arrives_with_its_tail(void **state)
{
    struct pair *pair = *state;
    const struct message_log log = {.level = LOG_LEVEL_WARN, .tunnel = 7};

    assert_true(channel_send(&pair->a, MESSAGE_LOG, &log, sizeof(log), "text", 4, NULL, 0));

    assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
    assert_int_equal(pair->b.message.type, MESSAGE_LOG);
    assert_int_equal(((const struct message_log *)pair->b.message.body)->tunnel, 7);
    struct octets tail = message_tail(&pair->b.message, sizeof(log));
    assert_int_equal(tail.length, 4);
    assert_memory_equal(tail.at, "text", 4);
    assert_int_equal(channel_receive(&pair->b), CHANNEL_EMPTY);
}

static void no_message_is_longer_than_its_receiver_has_room_for(void **state)
{
    struct pair *pair = *state;
    static const uint8_t octets[CHANNEL_BODY_MAX + 1];

    assert_false(channel_send(&pair->a, MESSAGE_LOG, octets, CHANNEL_BODY_MAX + 1, NULL, 0, NULL, 0));
    assert_false(channel_send(&pair->a, MESSAGE_LOG, octets, CHANNEL_BODY_MAX, octets, 1, NULL, 0));
    assert_false(channel_send(&pair->a, MESSAGE_LOG, octets, 1, octets, SIZE_MAX, NULL, 0));
    assert_int_equal(channel_receive(&pair->b), CHANNEL_EMPTY);

    assert_true(channel_send(&pair->a, MESSAGE_LOG, octets, 1, octets, CHANNEL_BODY_MAX - 1, NULL, 0));
    assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
    assert_int_equal(pair->b.message.length, CHANNEL_BODY_MAX);
}

static void descriptors_that_nobody_takes_are_closed(void **state)
{
    struct pair *pair = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);

    assert_true(channel_send(&pair->a, 1, NULL, 0, NULL, 0, pipes, 2));
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
    assert_int_equal(pair->b.message.fd_count, 2);
    int reading = channel_take_fd(&pair->b, 0);
    int writing = pair->b.message.fds[1];
    assert_int_equal(channel_take_fd(&pair->b, 2), -1);
    assert_int_equal(channel_receive(&pair->b), CHANNEL_EMPTY);

    char octet;
    assert_int_equal(read(reading, &octet, 1), 0);
    assert_int_equal(fcntl(writing, F_GETFD), -1);
    assert_true((fcntl(reading, F_GETFD) & FD_CLOEXEC) != 0);
    close(reading);
}

static void messages_wait_in_order_for_a_slow_reader(void **state)
{
    enum { COUNT = 3000 };
    struct pair *pair = *state;
    static uint8_t body[8000];
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);

    for (uint32_t i = 0; i < COUNT; i++) {
        store_u32be(body, i);
        assert_true(channel_send(&pair->a, i, body, sizeof(body), NULL, 0, pipes, i % 2));
    }
    assert_true(channel_is_waiting(&pair->a));

    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(channel_flush(&pair->a));
        assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
        assert_int_equal(pair->b.message.type, i);
        assert_int_equal(load_u32be(pair->b.message.body), i);
        assert_int_equal(pair->b.message.fd_count, i % 2);
    }
    assert_false(channel_is_waiting(&pair->a));
    assert_int_equal(channel_receive(&pair->b), CHANNEL_EMPTY);
    close(pipes[0]);
    close(pipes[1]);
}

static void messages_that_are_gathered_come_in_order_in_one_packet(void **state)
{
    struct pair *pair = *state;
    static const uint8_t octets[CHANNEL_GATHERED_MAX] = {[0] = 1};
    const size_t lengths[] = {0, 1, 15, 16, 17, 1000};
    enum { COUNT = sizeof lengths / sizeof *lengths };
    channel_gather(&pair->a);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_true(
            channel_send(&pair->a, i, octets, lengths[i] / 2, octets, lengths[i] - lengths[i] / 2, NULL, 0));
    assert_false(channel_has_message(&pair->b));
    assert_false(channel_is_waiting(&pair->a));
    assert_true(channel_flush(&pair->a));
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(channel_has_message(&pair->b));
        assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
        assert_int_equal(pair->b.message.type, i);
        assert_int_equal(pair->b.message.length, lengths[i]);
        assert_int_equal((uintptr_t)pair->b.message.body % CHANNEL_ALIGNMENT, 0);
        assert_true(lengths[i] < 2 || *(const uint8_t *)pair->b.message.body == 1);
        assert_int_equal(channel_holds_message(&pair->b), i + 1 < COUNT);
    }
    assert_int_equal(channel_receive(&pair->b), CHANNEL_EMPTY);
}

static void messages_that_do_not_fit_what_is_gathered_stay_in_order(void **state)
{
    struct pair *pair = *state;
    static const uint8_t octets[CHANNEL_BODY_MAX] = {0};
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    channel_gather(&pair->a);
    enum { COUNT = 400 };
    for (uint32_t i = 0; i < COUNT; i++) {
        size_t length = i % 100 == 50 ? sizeof octets : i * 7 % 3000;
        assert_true(channel_send(&pair->a, i, octets, length, NULL, 0, pipes, i % 10 == 3));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(channel_flush(&pair->a));
        assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
        assert_int_equal(pair->b.message.type, i);
        assert_int_equal(pair->b.message.length, i % 100 == 50 ? sizeof octets : i * 7 % 3000);
        assert_int_equal(pair->b.message.fd_count, i % 10 == 3);
    }
    assert_int_equal(channel_receive(&pair->b), CHANNEL_EMPTY);
    close(pipes[0]);
    close(pipes[1]);
}

/* The socket is full, and there is no memory for the queue. */
static void what_is_gathered_waits_without_memory_until_the_socket_has_room(void **state)
{
    struct pair *pair = *state;
    const struct channel_header filler = {.type = 1};
    while (send(pair->a.fd, &filler, sizeof filler, 0) == sizeof filler)
        continue;
    channel_gather(&pair->a);
    assert_true(channel_send(&pair->a, 2, NULL, 0, NULL, 0, NULL, 0));

    without_memory = true;
    assert_true(channel_flush(&pair->a));
    without_memory = false;

    assert_true(channel_is_waiting(&pair->a));
    while (channel_receive(&pair->b) == CHANNEL_MESSAGE)
        assert_int_equal(pair->b.message.type, 1);
    assert_true(channel_flush(&pair->a));
    assert_false(channel_is_waiting(&pair->a));
    assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
    assert_int_equal(pair->b.message.type, 2);
}

static void what_is_gathered_is_sent_before_the_end(void **state)
{
    struct pair *pair = *state;
    channel_gather(&pair->a);
    assert_true(channel_send(&pair->a, 5, NULL, 0, NULL, 0, NULL, 0));
    channel_close(&pair->a);
    assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
    assert_int_equal(channel_receive(&pair->b), CHANNEL_CLOSED);
}

static void end_of_the_other_side_is_told(void **state)
{
    struct pair *pair = *state;
    assert_true(channel_send(&pair->a, 5, NULL, 0, NULL, 0, NULL, 0));
    channel_close(&pair->a);

    assert_int_equal(channel_receive(&pair->b), CHANNEL_MESSAGE);
    assert_int_equal(channel_receive(&pair->b), CHANNEL_CLOSED);
    assert_false(channel_send(&pair->b, 5, NULL, 0, NULL, 0, NULL, 0));
}

static void what_is_no_message_closes_the_channel(void **state)
{
    struct pair *pair = *state;
    const struct channel_header lie = {.type = 1, .length = 100};

    assert_int_equal(send(pair->raw, "short", 5, 0), 5);
    assert_int_equal(channel_receive(&pair->a), CHANNEL_CLOSED);
    assert_int_equal(send(pair->raw, &lie, sizeof(lie), 0), sizeof(lie));
    assert_int_equal(channel_receive(&pair->a), CHANNEL_CLOSED);

    const struct channel_header behind_a_message[] = {{.type = 1}, lie};
    assert_int_equal(send(pair->raw, behind_a_message, sizeof(behind_a_message), 0),
                     sizeof(behind_a_message));
    assert_int_equal(channel_receive(&pair->a), CHANNEL_MESSAGE);
    assert_int_equal(channel_receive(&pair->a), CHANNEL_CLOSED);
    assert_int_equal(send(pair->raw, behind_a_message, sizeof(lie) + 1, 0), sizeof(lie) + 1);
    assert_int_equal(channel_receive(&pair->a), CHANNEL_MESSAGE);
    assert_int_equal(channel_receive(&pair->a), CHANNEL_CLOSED);
    assert_false(channel_holds_message(&pair->a));
}

/* ---- Messages ---------------------------------------------------------------------------------------- */

static bool is_sound(enum process from, enum process to, uint32_t type, const void *body, size_t length)
{
    struct channel_message message = {.type = type, .body = body, .length = length};
    return message_is_sound(from, to, &message);
}

static void messages_are_taken_from_whom_they_may_come(void **state)
{
    (void)state;
    const struct message_tunnel tunnel = {1};
    size_t size = sizeof(tunnel);

    assert_true(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_TUNNEL_GONE, &tunnel, size));
    assert_false(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_TUNNEL_GONE, &tunnel, size));
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_PATH, MESSAGE_TUNNEL_GONE, &tunnel, size));
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_TYPE_COUNT, &tunnel, size));
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_TUNNEL_GONE, &tunnel, size - 1));
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_TUNNEL_GONE, &tunnel, size + 1));
}

static void values_out_of_their_range_are_refused(void **state)
{
    (void)state;
    struct message_log log = {.level = LOG_LEVEL_DEBUG, .function = LOG_IPSEC};
    struct path_event event = {.kind = PATH_DONE};
    struct message_look_up look_up = {.seen.family = IP_V6};
    struct message_peer_addresses peer = {.count = IKE_PEER_ADDRESSES_MAX};

    assert_true(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_LOG, &log, sizeof(log)));
    log.level++;
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_LOG, &log, sizeof(log)));

    assert_true(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_LOOK_UP, &look_up, sizeof(look_up)));
    memset(&look_up.seen.family, 5, sizeof(look_up.seen.family));
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_LOOK_UP, &look_up, sizeof(look_up)));

    assert_true(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_PEER_ADDRESSES, &peer, sizeof(peer)));
    peer.count++;
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_PEER_ADDRESSES, &peer, sizeof(peer)));

    assert_true(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_PATH_EVENT, &event, sizeof(event)));
    memset(&event.encapsulated, 2, sizeof(event.encapsulated));
    assert_false(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_PATH_EVENT, &event, sizeof(event)));
}

static void auth_jobs_hold_all_of_their_octets(void **state)
{
    (void)state;
    struct {
        struct message_auth_job m;
        char tail[14];
    } sent = {.m = {.verify = 1, .sign = 1, .method = 2, .prf = PRF_HMAC_SHA1}, .tail = "AABBBCCCCDDDDD"};
    enum { SIZE = sizeof(sent.m) + sizeof(sent.tail) };
    struct message_auth_job *m = &sent.m;
    m->value_length = 2;
    m->peer_octets_length = 3;
    m->own_octets_length = 4;
    m->authorities_length = 5;
    const struct channel_message message = {.type = MESSAGE_AUTH_JOB, .body = &sent, .length = SIZE};

    assert_true(message_is_sound(PROCESS_ENGINE, PROCESS_KEEPER, &message));
    const struct ike_auth_job job = message_auth_job(&message);
    assert_true(job.verify && job.sign && job.peer.method == 2 && job.prf == PRF_HMAC_SHA1);
    assert_true(octets_equal(job.peer.value, (struct octets){(const uint8_t *)"AA", 2}));
    assert_true(octets_equal(job.peer.signed_octets, (struct octets){(const uint8_t *)"BBB", 3}));
    assert_true(octets_equal(job.own.signed_octets, (struct octets){(const uint8_t *)"CCCC", 4}));
    assert_true(octets_equal(job.own.authorities, (struct octets){(const uint8_t *)"DDDDD", 5}));

    assert_false(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_AUTH_JOB, &sent, SIZE - 1));
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_AUTH_JOB, &sent, sizeof(sent.m) - 1));
    uint32_t *const lengths[] = {&m->value_length, &m->peer_octets_length, &m->own_octets_length,
                                 &m->authorities_length};
    for (size_t i = 0; i < 4; i++) {
        uint32_t right = *lengths[i];
        const uint32_t wrong[] = {right - 1, right + 1, UINT32_MAX};
        for (size_t j = 0; j < 3; j++) {
            *lengths[i] = wrong[j];
            assert_false(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_AUTH_JOB, &sent, SIZE));
        }
        *lengths[i] = right;
    }
    *lengths[0] = UINT32_MAX; /* with the others, 2^32 + 14 */
    *lengths[1] = 6;
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_AUTH_JOB, &sent, SIZE));
}

static void auth_jobs_out_of_their_range_are_refused(void **state)
{
    (void)state;
    const struct message_auth_job good = {.sign = 1, .method = 2, .prf = PRF_HMAC_SHA1};
    struct message_auth_job bad[] = {good, good, good, good, good, good, good};
    bad[0].peer.length = IDENTITY_SIZE + 1;
    bad[1].own.length = IDENTITY_SIZE + 1;
    bad[2].verify = 2;
    bad[3].sign = 2;
    bad[4].method = UINT8_MAX + 1;
    bad[5].prf = UINT16_MAX + 1;
    bad[6].peer_scheme = SIGNATURE_SCHEME_COUNT + 1;

    assert_true(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_AUTH_JOB, &good, sizeof(good)));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(is_sound(PROCESS_ENGINE, PROCESS_KEEPER, MESSAGE_AUTH_JOB, &bad[i], sizeof(bad[i])));
}

static void results_of_jobs_out_of_their_range_are_refused(void **state)
{
    (void)state;
    struct message_job_done done = {.kind = IKE_JOB_AUTH, .auth.value_length = IKE_AUTH_VALUE_MAX};

    assert_true(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_JOB_DONE, &done, sizeof(done)));
    done.auth.value_length++;
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_JOB_DONE, &done, sizeof(done)));
    done.auth.value_length = 0;
    done.kind = IKE_JOB_KEY_EXCHANGE;
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_JOB_DONE, &done, sizeof(done)));
    done.kind = IKE_JOB_LOOK_UP;
    assert_true(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_JOB_DONE, &done, sizeof(done)));
    done.certificates_length = 1; /* and no tail */
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_JOB_DONE, &done, sizeof(done)));
    done.certificates_length = 0;
    done.auth.fault = IKE_AUTH_WRONG_SIGNATURE + 1;
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_JOB_DONE, &done, sizeof(done)));
}

static void changes_of_child_sas_are_taken_within_their_ranges_alone(void **state)
{
    (void)state;
    const struct message_child good = {.command = {.change = CHILD_REDIRECT}};
    const size_t size = sizeof(good);
    struct message_child m = good;

    assert_true(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    m.command.change = CHILD_CHANGE_COUNT;
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    m = good;
    m.command.child.local_ts_count = ESP_SELECTORS_MAX + 1;
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    m = good;
    m.command.child.remote_ts_count = ESP_SELECTORS_MAX + 1;
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    m.command.child.remote_ts_count = ESP_SELECTORS_MAX;
    assert_true(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    m = good;
    memset(&m.command.child.destination.encapsulated, 2, sizeof(bool));
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    m = good;
    memset(&m.command.child.more_to_come, 2, sizeof(bool));
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
    m = good;
    memset(&m.command.child.destination.remote.address.family, 5, sizeof(enum ip_family));
    assert_false(is_sound(PROCESS_ENGINE, PROCESS_PATH, MESSAGE_CHILD, &m, size));
}

static void list_of_child_sas_has_as_many_as_it_says(void **state)
{
    (void)state;
    struct {
        struct message_children m;
        struct path_child list[3];
    } body = {.m = {.count = 2}};
    const size_t two = sizeof(body) - sizeof(struct path_child);

    assert_true(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_CHILDREN, &body, two));
    assert_false(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_CHILDREN, &body, two - 1));
    assert_false(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_CHILDREN, &body, sizeof(body)));
    body.m.more = 2;
    assert_false(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_CHILDREN, &body, two));
    body.m = (struct message_children){.count = MESSAGE_CHILDREN_MAX + 1};
    assert_false(is_sound(PROCESS_PATH, PROCESS_ENGINE, MESSAGE_CHILDREN, &body, two));
}

static void policies_with_more_selectors_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    struct message_policy *m = calloc(1, sizeof(*m));

    m->policy.local_ts_count = m->policy.remote_ts_count = POLICY_SELECTORS_MAX;
    assert_true(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_POLICY, m, sizeof(*m)));
    m->policy.local_ts_count = POLICY_SELECTORS_MAX + 1;
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_POLICY, m, sizeof(*m)));
    m->policy.local_ts_count = 0;
    m->policy.remote_ts_count = POLICY_SELECTORS_MAX + 1;
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_POLICY, m, sizeof(*m)));

    free(m);
}

static void policies_with_unterminated_names_are_refused(void **state)
{
    (void)state;
    struct message_policy *m = calloc(1, sizeof(*m));

    assert_true(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_POLICY, m, sizeof(*m)));
    memset(m->policy.name, 'x', sizeof(m->policy.name));
    assert_false(is_sound(PROCESS_KEEPER, PROCESS_ENGINE, MESSAGE_POLICY, m, sizeof(*m)));

    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(message_arrives_with_its_tail, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(no_message_is_longer_than_its_receiver_has_room_for, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(descriptors_that_nobody_takes_are_closed, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(messages_wait_in_order_for_a_slow_reader, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(messages_that_are_gathered_come_in_order_in_one_packet, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(messages_that_do_not_fit_what_is_gathered_stay_in_order, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(what_is_gathered_waits_without_memory_until_the_socket_has_room,
                                        pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(what_is_gathered_is_sent_before_the_end, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(end_of_the_other_side_is_told, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_message_closes_the_channel, pair_set_up, pair_tear_down),
        cmocka_unit_test(messages_are_taken_from_whom_they_may_come),
        cmocka_unit_test(values_out_of_their_range_are_refused),
        cmocka_unit_test(auth_jobs_hold_all_of_their_octets),
        cmocka_unit_test(auth_jobs_out_of_their_range_are_refused),
        cmocka_unit_test(results_of_jobs_out_of_their_range_are_refused),
        cmocka_unit_test(changes_of_child_sas_are_taken_within_their_ranges_alone),
        cmocka_unit_test(list_of_child_sas_has_as_many_as_it_says),
        cmocka_unit_test(policies_with_more_selectors_than_there_is_room_for_are_refused),
        cmocka_unit_test(policies_with_unterminated_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
