/*
 * The engine process and the packet path, each as it is in the daemon, end and begin anew apart from each
 * other: the other one goes on, and both agree on the Child SAs that there are.
 *
 * The SAs are negotiated by two gateways of the simulator; the engine here goes on with the records of one.
 */
#include "daemon/engine/process.h"
#include "daemon/path/engine_link.h"
#include "sim/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TUNNEL = 1, WORKERS = 2, SLOTS = 16, MARK = 70000, STRAY_SLOT = 9 };

struct machine {
    struct world *world;
    struct gateway *gateway; /* whose SAs they are */
    struct engine_process engine;
    struct channel keeper; /* the other end of the engine's */
    struct path *path;
    struct channel path_end; /* the other end of the engine's */
    int records;
    struct esp_live live[SLOTS];
    struct path_totals totals;
    struct path_worker_counters counters[WORKERS];
};

/* ---- The path ---------------------------------------------------------------------------------------- */

/* A new path, which has the tunnel, with a device that nobody writes to. */
static void start_path(struct machine *m)
{
    struct path_options options = {
        .worker_count = WORKERS,
        .live = m->live,
        .live_count = SLOTS,
        .totals = &m->totals,
        .totals_count = 1,
    };
    int device[2];
    int ends[2];
    for (unsigned i = 0; i < WORKERS; i++)
        options.workers[i] =
            (struct path_worker){-1, -1, -1, -1, -1, -1, -1, -1, -1, {0}, 1, &m->counters[i]};
    m->path = path_new(&options);
    assert_non_null(m->path);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, device), 0);
    const struct path_tunnel tunnel = {.number = TUNNEL, .mtu = 1400};
    assert_int_equal(path_tunnel_add(m->path, PATH_KEEPER_REQUEST, &tunnel, device[0]), PATH_OK);
    path_settle(m->path);
    close(device[1]);
    assert_true(channel_pair(ends));
    channel_open(&m->engine.path, ends[0]);
    channel_open(&m->path_end, ends[1]);
}

static void end_path(struct machine *m)
{
    path_free(m->path);
    channel_close(&m->path_end);
    channel_close(&m->engine.path);
    engine_actions_release(&m->engine);
}

/* ---- The engine -------------------------------------------------------------------------------------- */

static void hand_over(struct machine *m, const struct ike_event *event)
{
    engine_process_event(&m->engine, event);
}

/* A new engine that goes on with what is recorded. */
static void start_engine(struct machine *m)
{
    const struct ike_options options = {
        .random = world_fill_random, .random_context = m->world, .esp_owners = WORKERS, .log_level = -1};
    struct state_record record = {0};
    m->engine.engine = ike_engine_new(&options);
    m->engine.statistics = calloc(1, sizeof(*m->engine.statistics));
    m->engine.timer = -1;
    m->engine.keeper_watch = (struct channel_watch){.channel = &m->engine.keeper, .stopped = true};
    m->engine.path_watch = (struct channel_watch){.channel = &m->engine.path, .stopped = true};
    m->engine.records.map = state_map_open(m->records, STATE_MAP_WRITE);
    assert_non_null(m->engine.records.map);
    hand_over(m, &(struct ike_event){.kind = IKE_EVENT_POLICY,
                                     .policy = &gateway_tunnel(m->gateway, TUNNEL)->policy});
    for (uint32_t place = 0; place < state_map_places(m->engine.records.map); place++) {
        if (state_map_read(m->engine.records.map, place, &record))
            hand_over(m, &(struct ike_event){.kind = IKE_EVENT_SAVED,
                                             .saved = {record.serial, {record.octets, record.length}}});
    }
    state_record_free(&record);
    hand_over(m, &(struct ike_event){.kind = IKE_EVENT_SAVED_END});
    engine_agreement_begin(&m->engine);
}

static void end_engine(struct machine *m)
{
    ike_engine_free(m->engine.engine);
    free(m->engine.statistics);
    state_map_close(m->engine.records.map);
    map_free(&m->engine.records.unrecorded);
    tunnel_queues_clear(&m->engine.queues);
    requests_clear(&m->engine.of_keeper);
    requests_clear(&m->engine.of_path);
    known_children_clear(&m->engine.children);
}

/* The channels stay, as the keeper would have kept them. */
static void restart_engine(struct machine *m)
{
    int keeper = dup(m->engine.keeper.fd);
    int path = dup(m->engine.path.fd);
    end_engine(m);
    channel_close(&m->engine.keeper);
    channel_close(&m->engine.path);
    memset(&m->engine, 0, sizeof(m->engine));
    channel_open(&m->engine.keeper, keeper);
    channel_open(&m->engine.path, path);
    start_engine(m);
}

/* Each takes what the other has sent, until neither has anything left. */
static void let_them_talk(struct machine *m)
{
    bool talked = true;
    while (talked) {
        struct path_event event;
        talked = false;
        while (channel_receive(&m->path_end) == CHANNEL_MESSAGE) {
            assert_true(message_is_sound(PROCESS_ENGINE, PROCESS_PATH, &m->path_end.message));
            engine_link_take(m->path, &m->path_end);
            talked = true;
        }
        path_settle(m->path);
        while (path_next_event(m->path, &event)) {
            if ((event.request & PATH_KEEPER_REQUEST) == 0)
                engine_link_tell(&m->path_end, &event);
        }
        while (channel_receive(&m->engine.path) == CHANNEL_MESSAGE) {
            const struct channel_message *message = &m->engine.path.message;
            assert_true(message_is_sound(PROCESS_PATH, PROCESS_ENGINE, message));
            talked = true;
            if (message->type == MESSAGE_CHILDREN)
                engine_agreement_take(&m->engine, message);
            else
                engine_actions_done(&m->engine, message->body);
        }
    }
}

/* ---- The machine ------------------------------------------------------------------------------------- */

static void record(struct machine *m)
{
    m->records = state_map_create(&(struct state_map_size){.places = 16, .blocks = 256});
    struct state_map *map = state_map_open(m->records, STATE_MAP_WRITE);
    assert_non_null(map);
    for (size_t i = 0; i < m->gateway->record_count; i++) {
        const struct kept_record *kept = &m->gateway->records[i];
        assert_true(state_map_put(map, kept->serial, 0, (struct octets){kept->octets, kept->length}));
    }
    state_map_commit(map);
    state_map_close(map);
}

/* An engine and a path that both have a Child SA. */
static int set_up(void **state)
{
    struct machine *m = aligned_alloc(64, (sizeof(*m) + 63) / 64 * 64);
    assert_non_null(m);
    memset(m, 0, sizeof(*m));
    const struct tunnel_policy here = world_default_policy(TUNNEL, "10.2.0.1", "site1", "site2");
    const struct tunnel_policy there = world_default_policy(TUNNEL, "10.1.0.1", "site2", "site1");
    int ends[2];
    m->world = world_new(1, NULL);
    m->gateway = world_add_gateway(m->world, "here", "10.1.0.1");
    struct gateway *other = world_add_gateway(m->world, "there", "10.2.0.1");
    gateway_set_tunnel(m->gateway, &here, "one", "two");
    gateway_set_tunnel(other, &there, "two", "one");
    gateway_packet_waits(m->gateway, TUNNEL);
    world_run(m->world, 5000);
    assert_int_equal(gateway_child_count(m->gateway, TUNNEL), 1);
    record(m);
    assert_true(channel_pair(ends));
    channel_open(&m->engine.keeper, ends[0]);
    channel_open(&m->keeper, ends[1]);
    start_path(m);
    start_engine(m);
    let_them_talk(m);
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    struct machine *m = *state;
    end_engine(m);
    end_path(m);
    channel_close(&m->engine.keeper);
    channel_close(&m->keeper);
    close(m->records);
    world_free(m->world);
    free(m);
    return 0;
}

static const struct child_settings *child_of(const struct machine *m)
{
    return &gateway_children(m->gateway)->sa;
}

/* The path has that Child SA and no other, with the state that it left in its slot. */
static void assert_path_has_it_alone(const struct machine *m)
{
    const struct child_settings *child = child_of(m);
    struct path_child list[SLOTS];
    size_t position = 0;
    assert_int_equal(path_list_children(m->path, &position, list, SLOTS), 1);
    assert_int_equal(list[0].inbound_spi, child->inbound.spi);
    assert_int_equal(list[0].outbound_spi, child->outbound.spi);
    assert_int_equal(list[0].tunnel, TUNNEL);
    assert_int_equal(m->live[child->live_slot].inbound_spi, child->inbound.spi);
}

/* Nothing failed: the engine deletes no SA, and waits for nothing. */
static void assert_engine_is_content(const struct machine *m)
{
    assert_int_equal(requests_next(&m->engine.of_path), MSEC_NEVER);
    assert_int_equal(m->engine.children.by_spi.count, 1);
    assert_int_equal(ike_engine_counters(m->engine.engine)[IKE_COUNT_SENT], 0);
}

/* ---- Tests ------------------------------------------------------------------------------------------- */

static void R60_new_path_gets_the_child_sa_again_and_resumes_its_numbers(void **state)
{
    struct machine *m = *state;
    struct esp_live *live = &m->live[child_of(m)->live_slot];
    live->counters[ESP_OUT_PACKETS] = 5;

    end_path(m);
    live->sequence_mark = MARK;
    start_path(m);
    engine_agreement_begin(&m->engine);
    let_them_talk(m);

    assert_path_has_it_alone(m);
    assert_engine_is_content(m);
    assert_true(live->sequence_mark >= MARK);
    assert_int_equal(live->counters[ESP_OUT_PACKETS], 5);
}

static void R60_path_adopts_what_a_new_engine_hands_it_and_drops_the_rest(void **state)
{
    struct machine *m = *state;
    struct esp_live *live = &m->live[child_of(m)->live_slot];
    struct child_command stray = {CHILD_INSTALL, *child_of(m)};
    stray.child.inbound.spi += 4 * WORKERS;
    stray.child.live_slot = STRAY_SLOT;
    assert_int_equal(path_child_change(m->path, 0, &stray), PATH_OK);
    live->counters[ESP_OUT_PACKETS] = 5;

    restart_engine(m);
    let_them_talk(m);

    assert_path_has_it_alone(m);
    assert_engine_is_content(m);
    assert_int_equal(live->counters[ESP_OUT_PACKETS], 5);
    assert_int_equal(m->live[STRAY_SLOT].version, 0);
}

static void R60_engine_and_path_that_are_both_new_go_on_with_what_is_kept(void **state)
{
    struct machine *m = *state;
    struct esp_live *live = &m->live[child_of(m)->live_slot];
    live->counters[ESP_OUT_PACKETS] = 5;

    end_path(m);
    start_path(m);
    restart_engine(m);
    let_them_talk(m);

    assert_path_has_it_alone(m);
    assert_engine_is_content(m);
    assert_int_equal(live->counters[ESP_OUT_PACKETS], 5);
}

/* The record says that the Child SA has other keys than those that the path works with. */
static void child_sa_with_other_keys_is_no_more_trusted(void **state)
{
    struct machine *m = *state;
    struct child_command other = {CHILD_REMOVE, *child_of(m)};
    assert_int_equal(path_child_change(m->path, 0, &other), PATH_OK);
    other.change = CHILD_INSTALL;
    other.child.inbound.encryption_key[0] ^= 1;
    assert_int_equal(path_child_change(m->path, 0, &other), PATH_OK);

    restart_engine(m);
    let_them_talk(m);

    /* DELETE for the IKE SA is on its way. */
    assert_int_equal(ike_engine_counters(m->engine.engine)[IKE_COUNT_SENT], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(R60_new_path_gets_the_child_sa_again_and_resumes_its_numbers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(R60_path_adopts_what_a_new_engine_hands_it_and_drops_the_rest, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(R60_engine_and_path_that_are_both_new_go_on_with_what_is_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(child_sa_with_other_keys_is_no_more_trusted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
