/* Child SAs that come, change and go under traffic. */
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "path/counters.h"

static struct stand stand;
static unsigned workers;
static struct end *const here = &stand.ends[0];
static struct end *const there = &stand.ends[1];

static int start(void **state)
{
    (void)state;
    stand_start(&stand, workers);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stand_stop(&stand);
    return 0;
}

enum { LENGTH = 300, WINDOW = 100 /* packets in flight */ };

/* Keeps packets in flight until `count` have come since the start of the test; each must come, in order. */
static void carry_until(uint32_t *put, uint32_t *taken, uint32_t count)
{
    for (; *taken < count; ++*taken) {
        for (; *put < *taken + WINDOW; ++*put)
            end_put_number(here, IP_V4, LENGTH, *put);
        end_expect_number(there, *taken);
    }
}

/* As a rekey goes (RFC 7296 2.8): the responder's new SA first, inbound; the initiator uses it at once; the
 * responder when it sees that; then the old one goes. */
static void R60_rekeys_under_traffic_lose_nothing(void **state)
{
    (void)state;
    uint32_t put = 0;
    uint32_t taken = 0;
    stand_install(&stand, &stand_gcm_udp, 1);

    for (uint32_t number = 2; number <= 40; number++) {
        struct child_settings child = end_child(there, &stand_gcm_udp, number);
        child.active = false;
        child.active_when_used = true;
        assert_int_equal(child_install(there->path, 0, &child), PATH_OK);
        carry_until(&put, &taken, taken + 50);
        path_settle(there->path);
        child = end_child(here, &stand_gcm_udp, number);
        assert_int_equal(child_install(here->path, 0, &child), PATH_OK);
        path_settle(here->path);
        carry_until(&put, &taken, taken + 150);
        (void)end_expect_event(there, PATH_CHILD_USED);
        assert_int_equal(child_change(here->path, 0, CHILD_REMOVE, end_spi(here, number - 1)), PATH_OK);
        assert_int_equal(child_change(there->path, 0, CHILD_REMOVE, end_spi(there, number - 1)), PATH_OK);
    }
    carry_until(&put, &taken, put);

    end_expect_total(here, ESP_OUT_PACKETS, put);
    end_expect_total(there, ESP_IN_PACKETS, put);
    end_expect_worker_counter(there, PATH_UNKNOWN_SPI, 0);
}

static void newest_active_sa_that_holds_a_packet_is_taken(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);
    stand_install(&stand, &stand_gcm_udp, 2);
    for (unsigned i = 2; i-- > 0;) {
        struct child_settings child = end_child(&stand.ends[i], &stand_gcm_udp, 3);
        child.local_ts_count = child.remote_ts_count = 1; /* IPv4 alone */
        end_install(&stand.ends[i], &child);
    }
    struct child_settings inactive = end_child(here, &stand_gcm_udp, 4);
    inactive.active = false;
    end_install(here, &inactive);

    end_put_number(here, IP_V4, LENGTH, 1);
    end_expect_number(there, 1);
    end_put_number(here, IP_V6, LENGTH, 2);
    end_expect_number(there, 2);

    assert_int_equal(esp_live_counter(&here->live[1], ESP_OUT_PACKETS), 0);
    assert_int_equal(esp_live_counter(&here->live[2], ESP_OUT_PACKETS), 1);
    assert_int_equal(esp_live_counter(&here->live[3], ESP_OUT_PACKETS), 1);
    assert_int_equal(esp_live_counter(&here->live[4], ESP_OUT_PACKETS), 0);
}

static void stopped_sa_takes_packets_but_sends_none(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);
    stand_install(&stand, &stand_gcm_udp, 2);

    assert_int_equal(child_change(here->path, ++here->requests, CHILD_STOP, end_spi(here, 2)), PATH_OK);
    end_put_number(there, IP_V4, LENGTH, 1); /* by the newest, which is stopped at this end alone */
    end_expect_number(here, 1);
    end_put_number(here, IP_V4, LENGTH, 2);
    end_expect_number(there, 2);

    assert_int_equal(esp_live_counter(&here->live[2], ESP_IN_PACKETS), 1);
    assert_int_equal(esp_live_counter(&here->live[2], ESP_OUT_PACKETS), 0);
    assert_int_equal(esp_live_counter(&here->live[1], ESP_OUT_PACKETS), 1);
}

static void RFC7296_2_8_responder_uses_its_new_sa_once_the_peer_does(void **state)
{
    (void)state;
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    child.active = false;
    child.active_when_used = true;
    end_install(there, &child);
    child = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &child);
    end_put_number(there, IP_V4, LENGTH, 1);
    (void)end_expect_event(there, PATH_PACKET_WAITS);

    end_put_number(here, IP_V4, LENGTH, 2);

    end_expect_number(there, 2);
    end_expect_number(here, 1);
    struct path_event event = end_expect_event(there, PATH_CHILD_USED);
    assert_int_equal(event.spi, end_spi(there, 1));
    assert_int_equal(event.tunnel, STAND_TUNNEL);
}

static void removal_under_traffic_leaves_the_others_alone(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);

    for (uint32_t number = 2; number < 30; number++) {
        stand_install(&stand, &stand_gcm_udp, number);
        for (uint32_t i = 0; i < 100; i++)
            end_put_number(here, IP_V4, LENGTH, i);
        end_remove(here, number);
        end_remove(there, number);
        /* The queue of a TUN device has no room for what all rounds put there. */
        end_expect_total(here, ESP_OUT_PACKETS, (uint64_t)(number - 1) * 100);
    }

    /* What was in flight on a removed SA is lost; nothing else is. */
    static uint8_t packet[STAND_PACKET_MAX];
    while (end_take(there, packet, STAND_QUIET) != 0)
        continue;
    end_put_number(here, IP_V4, LENGTH, 4711);
    end_expect_number(there, 4711);
    end_expect_total(here, ESP_OUT_PACKETS, 28 * 100 + 1);
}

static void restart_under_traffic_leaves_a_working_path(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 10; round++) {
        stand_install(&stand, &stand_gcm_udp, 1);
        for (uint32_t i = 0; i < 100; i++)
            end_put_number(here, IP_V4, LENGTH, i);
        end_restart(there);
        struct child_settings child = end_child(there, &stand_gcm_udp, 1);
        end_install(there, &child);

        end_put_number(here, IP_V4, LENGTH, 1000 + round);
        static uint8_t packet[STAND_PACKET_MAX];
        do
            assert_int_not_equal(end_take(there, packet, STAND_PATIENCE), 0);
        while (packet_number(packet) != 1000 + round);
        end_remove(here, 1);
        end_remove(there, 1);
    }
}

static void restarted_path_goes_on_from_the_live_state(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);
    for (uint32_t number = 0; number < 10; number++) {
        end_put_number(here, IP_V4, LENGTH, number);
        end_expect_number(there, number);
    }

    end_restart(here);
    end_restart(there);
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    end_install(there, &child);
    child = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &child);
    end_put_number(here, IP_V4, LENGTH, 10);

    end_expect_number(there, 10);
    end_expect_total(there, ESP_IN_REPLAY, 0);
    end_expect_total(there, ESP_IN_PACKETS, 11);
    assert_int_equal(esp_live_counter(&there->live[1], ESP_IN_PACKETS), 11);
}

static void R101_counters_of_a_tunnel_outlive_its_sas(void **state)
{
    (void)state;
    for (uint32_t number = 1; number <= 3; number++) {
        stand_install(&stand, &stand_gcm_udp, number);
        end_put_number(here, IP_V4, LENGTH, number);
        end_expect_number(there, number);
        end_remove(here, number);
        end_remove(there, number);
    }

    assert_int_equal(end_total(here, ESP_OUT_PACKETS), 3);
    assert_int_equal(end_total(there, ESP_IN_OCTETS), 3 * LENGTH);
}

/* A rekeyed Child SA goes in the same moment in which another one comes (R60). */
static void R60_slot_of_a_child_that_is_being_removed_can_be_had_at_once(void **state)
{
    (void)state;
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &child);
    struct child_settings next = end_child(here, &stand_gcm_udp, 2);
    next.live_slot = child.live_slot;

    assert_int_equal(child_change(here->path, 0, CHILD_REMOVE, child.inbound.spi), PATH_OK);
    assert_int_equal(child_install(here->path, 0, &next), PATH_OK);
    path_settle(here->path);
    child = end_child(there, &stand_gcm_udp, 2);
    end_install(there, &child);
    end_put_number(here, IP_V4, LENGTH, 1);

    end_expect_number(there, 1);
    assert_int_equal(here->live[next.live_slot].inbound_spi, next.inbound.spi);
}

/* Engine and path ended between the removal of one Child SA and the installation of the next. */
static void a_slot_that_a_child_sa_of_an_earlier_path_left_is_taken(void **state)
{
    (void)state;
    const struct child_settings left = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &left);
    end_restart(here);
    assert_int_equal(here->live[left.live_slot].inbound_spi, left.inbound.spi);
    struct child_settings next = end_child(here, &stand_gcm_udp, 2);
    next.live_slot = left.live_slot;

    assert_int_equal(child_install(here->path, 0, &next), PATH_OK);

    path_settle(here->path);
    assert_int_equal(here->live[next.live_slot].inbound_spi, next.inbound.spi);
    assert_int_equal(here->live[next.live_slot].sequence_mark, 0);
    assert_int_equal(child_install(here->path, 0, &left), PATH_SLOT_TAKEN);
}

static void what_cannot_be_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct path *path = here->path;
    const struct child_settings good = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &good);

    struct child_settings child = good;
    child.outbound.encryption_key[5] ^= 1;
    assert_int_equal(child_install(path, 0, &child), PATH_EXISTS);
    child = end_child(here, &stand_gcm_udp, 2);
    child.live_slot = 1;
    assert_int_equal(child_install(path, 0, &child), PATH_SLOT_TAKEN);
    child.live_slot = STAND_SLOTS;
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    child.live_slot = 2;
    child.tunnel = 17;
    assert_int_equal(child_install(path, 0, &child), PATH_NO_TUNNEL);
    child.tunnel = STAND_TUNNEL;
    child.key_bits = 192;
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    child.key_bits = 256;
    child.outbound.spi = 255;
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    child.outbound.spi = 256;
    child.local_ts_count = 0;
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    child.local_ts_count = ESP_SELECTORS_MAX + 1;
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    child.local_ts_count = 1;
    child.remote_ts_count = 0;
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    child.remote_ts_count = ESP_SELECTORS_MAX + 1;
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    child.remote_ts_count = 1;
    child.destination.local.address = end_address(0, IP_V6);
    assert_int_equal(child_install(path, 0, &child), PATH_INVALID);
    assert_int_equal(here->live[2].version, 0);

    assert_int_equal(child_change(path, 0, CHILD_REMOVE, 4711), PATH_NO_CHILD);
    assert_int_equal(child_change(path, 0, CHILD_ACTIVATE, 4711), PATH_NO_CHILD);
    assert_int_equal(child_redirect(path, 0, 4711, &good.destination), PATH_NO_CHILD);
    assert_int_equal(path_tunnel_remove(path, 0, 17), PATH_NO_TUNNEL);
    assert_int_equal(path_tunnel_fail(path, 0, 17, &packet_pair_any), PATH_NO_TUNNEL);
    assert_int_equal(
        path_tunnel_add(path, 0, &(struct path_tunnel){.number = 17, .slot = STAND_TUNNELS_MAX}, -1),
        PATH_INVALID);
}

/* The answer tells what a worker could not do, whatever the others say. */
static void tunnel_whose_device_cannot_be_read_is_told(void **state)
{
    (void)state;
    struct path_event event;
    FILE *file = tmpfile(); /* epoll takes no file */
    assert_non_null(file);
    const struct path_tunnel settings = {.number = 17, .slot = STAND_TUNNELS_MAX - 1, .mtu = LENGTH};

    assert_int_equal(path_tunnel_add(here->path, 4711, &settings, dup(fileno(file))), PATH_OK);
    path_settle(here->path);
    do
        assert_true(path_next_event(here->path, &event));
    while (event.kind != PATH_DONE || event.request != 4711);

    assert_int_not_equal(event.result, PATH_OK);
    (void)fclose(file);
}

/* Its SPI is nobody's any more. */
static void packet_of_a_removed_child_is_one_of_an_unknown_spi(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);
    end_put_number(here, IP_V4, LENGTH, 1);
    end_expect_number(there, 1);
    end_remove(there, 1);

    end_put_number(here, IP_V4, LENGTH, 2);

    assert_int_equal(end_expect_event(there, PATH_SPI_UNKNOWN).spi, end_spi(there, 1));
    end_expect_worker_counter(there, PATH_UNKNOWN_SPI, 1);
}

/* What only a first installation and what a second one may change: nothing that has been counted. */
static void child_that_is_installed_again_is_adopted(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);
    for (uint32_t number = 0; number < 10; number++) {
        end_put_number(here, IP_V4, LENGTH, number);
        end_expect_number(there, number);
    }
    uint64_t mark = counter_read(&here->live[1].sequence_mark);

    for (int i = 0; i < 3; i++)
        stand_install(&stand, &stand_gcm_udp, 1);
    for (uint32_t number = 10; number < 20; number++) {
        end_put_number(here, IP_V4, LENGTH, number);
        end_expect_number(there, number);
    }

    assert_int_equal(counter_read(&here->live[1].sequence_mark), mark);
    assert_int_equal(counter_read(&there->live[1].replay_top), 20);
    end_expect_total(there, ESP_IN_REPLAY, 0);
    assert_int_equal(esp_live_counter(&here->live[1], ESP_OUT_PACKETS), 20);
    assert_int_equal(esp_live_counter(&there->live[1], ESP_IN_PACKETS), 20);
    struct path_child list[2];
    size_t position = 0;
    assert_int_equal(path_list_children(here->path, &position, list, 2), 1);
    end_remove(here, 1);
    end_remove(there, 1);
    assert_int_equal(here->live[1].version, 0);
}

static void adoption_brings_another_destination_and_other_flags(void **state)
{
    (void)state;
    uint8_t datagram[2000];
    int middle = middle_open(3);
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    child.active = false;
    child.active_when_used = true;
    end_install(here, &child);
    end_put_number(here, IP_V4, LENGTH, 1);
    (void)end_expect_event(here, PATH_PACKET_WAITS);

    child.destination.remote = middle_endpoint(3);
    child.nat_keepalive = 1;
    child.active = true;
    child.active_when_used = false;
    end_install(here, &child);

    size_t length = middle_take(middle, datagram, sizeof datagram, STAND_PATIENCE);
    assert_true(length > LENGTH);
    assert_int_equal(load_u32be(datagram), child.outbound.spi);
    assert_int_equal(middle_take(middle, datagram, sizeof datagram, STAND_PATIENCE), 1); /* a keepalive */
    (void)close(middle);
}

/* The engine that hears of the use may be another one than the engine that was told of it before. */
static void adopted_child_tells_once_more_of_its_use_and_stays_active(void **state)
{
    (void)state;
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    child.active = false;
    child.active_when_used = true;
    end_install(there, &child);
    const struct child_settings other = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &other);
    end_put_number(here, IP_V4, LENGTH, 1);
    end_expect_number(there, 1);
    (void)end_expect_event(there, PATH_CHILD_USED);

    end_install(there, &child);
    end_put_number(there, IP_V4, LENGTH, 2);
    end_expect_number(here, 2);
    end_put_number(here, IP_V4, LENGTH, 3);

    end_expect_number(there, 3);
    (void)end_expect_event(there, PATH_CHILD_USED);
}

static void stopped_child_stays_stopped_when_it_is_adopted(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);
    assert_int_equal(child_change(here->path, 0, CHILD_STOP, end_spi(here, 1)), PATH_OK);

    const struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &child);
    end_put_number(here, IP_V4, LENGTH, 1);

    (void)end_expect_event(here, PATH_PACKET_WAITS);
    assert_int_equal(esp_live_counter(&here->live[1], ESP_OUT_PACKETS), 0);
}

static void child_that_is_not_quite_the_same_is_no_child_to_adopt(void **state)
{
    (void)state;
    const struct child_settings good = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &good);

    struct child_settings child = good;
    child.inbound.encryption_key[0] ^= 1;
    assert_int_equal(child_install(here->path, 0, &child), PATH_EXISTS);
    child = good;
    child.outbound.spi++;
    assert_int_equal(child_install(here->path, 0, &child), PATH_EXISTS);
    child = good;
    child.key_bits = 128;
    assert_int_equal(child_install(here->path, 0, &child), PATH_EXISTS);
    child = good;
    child.live_slot = 2;
    assert_int_equal(child_install(here->path, 0, &child), PATH_EXISTS);
    child = good;
    child.remote_ts_count = 1;
    assert_int_equal(child_install(here->path, 0, &child), PATH_EXISTS);
    child = good;
    assert_int_equal(child_install(here->path, 0, &child), PATH_OK);
}

static void path_lists_the_children_that_it_has(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    struct path_child list[STAND_SLOTS];
    for (uint32_t number = 1; number <= COUNT; number++) {
        struct child_settings child = end_child(here, &stand_gcm_udp, number);
        end_install(here, &child);
    }
    end_remove(here, 3);
    assert_int_equal(child_change(here->path, 0, CHILD_REMOVE, end_spi(here, 5)), PATH_OK); /* not settled */

    size_t position = 0;
    size_t count = 0;
    size_t some;
    while ((some = path_list_children(here->path, &position, list + count, 7)) != 0) {
        assert_true(some <= 7);
        count += some;
    }

    bool seen[COUNT + 1] = {false};
    assert_int_equal(count, COUNT - 2);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = list[i].live_slot;
        assert_true(number <= COUNT && !seen[number] && number != 3 && number != 5);
        seen[number] = true;
        assert_int_equal(list[i].tunnel, STAND_TUNNEL);
        assert_int_equal(list[i].inbound_spi, end_spi(here, number));
        assert_int_equal(list[i].outbound_spi, end_spi(there, number));
    }
}

static void each_command_is_answered_in_order(void **state)
{
    (void)state;
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    struct path_event event;
    while (path_next_event(here->path, &event))
        continue;

    /* More than a mailbox holds. */
    for (uint64_t i = 0; i < 1000; i += 2) {
        assert_int_equal(child_install(here->path, i, &child), PATH_OK);
        assert_int_equal(child_change(here->path, i + 1, CHILD_REMOVE, child.inbound.spi), PATH_OK);
        path_settle(here->path);
    }
    for (uint64_t i = 1000; i < 3000; i++)
        assert_int_equal(path_tunnel_fail(here->path, i, STAND_TUNNEL, &packet_pair_any), PATH_OK);
    path_settle(here->path);

    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(path_next_event(here->path, &event));
        assert_int_equal(event.kind, PATH_DONE);
        assert_int_equal(event.result, PATH_OK);
        assert_int_equal(event.request, i);
        assert_int_equal(event.tunnel, STAND_TUNNEL);
    }
    assert_false(path_next_event(here->path, &event));
}

static void redirected_sa_sends_to_the_new_endpoint(void **state)
{
    (void)state;
    uint8_t datagram[2000];
    int middle = middle_open(3);
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &child);

    child.destination.remote = middle_endpoint(3);
    assert_int_equal(child_redirect(here->path, 0, child.inbound.spi, &child.destination), PATH_OK);
    path_settle(here->path);
    end_put_number(here, IP_V4, LENGTH, 1);

    assert_int_not_equal(middle_take(middle, datagram, sizeof datagram, STAND_PATIENCE), 0);
    assert_int_equal(load_u32be(datagram), child.outbound.spi);
    (void)close(middle);
}

/* Takes datagrams at the middle until a keepalive comes; returns how many others came before. */
static unsigned middle_await_keepalive(int middle)
{
    uint8_t datagram[2000];
    for (unsigned others = 0;; others++) {
        size_t length = middle_take(middle, datagram, sizeof datagram, STAND_PATIENCE);
        assert_int_not_equal(length, 0);
        if (length == 1 && datagram[0] == 0xff)
            return others;
    }
}

static void R76_idle_sa_in_udp_sends_keepalives(void **state)
{
    (void)state;
    int middle = middle_open(3);
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    child.destination.remote = middle_endpoint(3);
    child.nat_keepalive = 1;
    int64_t start_time = stand_clock();
    end_install(here, &child);

    assert_int_equal(middle_await_keepalive(middle), 0);
    assert_int_equal(middle_await_keepalive(middle), 0);

    assert_true(stand_clock() - start_time >= 1900);
    (void)close(middle);
}

static void sas_that_share_an_endpoint_share_its_keepalives(void **state)
{
    (void)state;
    int middle = middle_open(3);
    for (uint32_t number = 1; number <= 5; number++) {
        struct child_settings child = end_child(here, &stand_gcm_udp, number);
        child.destination.remote = middle_endpoint(3);
        child.nat_keepalive = 1;
        end_install(here, &child);
    }
    int64_t start_time = stand_clock();

    for (int i = 0; i < 3; i++)
        assert_int_equal(middle_await_keepalive(middle), 0);

    assert_true(stand_clock() - start_time >= 2900);
    (void)close(middle);
}

static void S9_busy_sa_sends_no_keepalive(void **state)
{
    (void)state;
    int middle = middle_open(3);
    uint8_t datagram[2000];
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    child.destination.remote = middle_endpoint(3);
    child.nat_keepalive = 2;
    end_install(here, &child);

    /* Packets as often as a loaded machine lets us; only where it did not is a keepalive in place. */
    int64_t longest_pause = 0;
    unsigned keepalives = 0;
    for (int64_t begin = stand_clock(), last = begin; last - begin < 5000;) {
        end_put_number(here, IP_V4, LENGTH, 1);
        size_t length = middle_take(middle, datagram, sizeof datagram, STAND_PATIENCE);
        keepalives += length == 1;
        while (middle_take(middle, datagram, sizeof datagram, 50) != 0)
            continue;
        int64_t now = stand_clock();
        longest_pause = now - last > longest_pause ? now - last : longest_pause;
        last = now;
    }

    assert_true(keepalives == 0 || longest_pause > 1000);
    (void)close(middle);
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STAND_TEST(R60_rekeys_under_traffic_lose_nothing),
        STAND_TEST(newest_active_sa_that_holds_a_packet_is_taken),
        STAND_TEST(stopped_sa_takes_packets_but_sends_none),
        STAND_TEST(RFC7296_2_8_responder_uses_its_new_sa_once_the_peer_does),
        STAND_TEST(removal_under_traffic_leaves_the_others_alone),
        STAND_TEST(restart_under_traffic_leaves_a_working_path),
        STAND_TEST(restarted_path_goes_on_from_the_live_state),
        STAND_TEST(R101_counters_of_a_tunnel_outlive_its_sas),
        STAND_TEST(R60_slot_of_a_child_that_is_being_removed_can_be_had_at_once),
        STAND_TEST(a_slot_that_a_child_sa_of_an_earlier_path_left_is_taken),
        STAND_TEST(what_cannot_be_is_refused_and_changes_nothing),
        STAND_TEST(tunnel_whose_device_cannot_be_read_is_told),
        STAND_TEST(packet_of_a_removed_child_is_one_of_an_unknown_spi),
        STAND_TEST(child_that_is_installed_again_is_adopted),
        STAND_TEST(adoption_brings_another_destination_and_other_flags),
        STAND_TEST(adopted_child_tells_once_more_of_its_use_and_stays_active),
        STAND_TEST(stopped_child_stays_stopped_when_it_is_adopted),
        STAND_TEST(child_that_is_not_quite_the_same_is_no_child_to_adopt),
        STAND_TEST(path_lists_the_children_that_it_has),
        STAND_TEST(each_command_is_answered_in_order),
        STAND_TEST(redirected_sa_sends_to_the_new_endpoint),
        STAND_TEST(R76_idle_sa_in_udp_sends_keepalives),
        STAND_TEST(sas_that_share_an_endpoint_share_its_keepalives),
        STAND_TEST(S9_busy_sa_sends_no_keepalive),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
