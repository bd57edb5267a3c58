/* Which worker does what: tunnels spread over all of them, and the two directions of one over two. */
#include "stand.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "esp/owner.h"
#include "path/controller.h"

enum { LENGTH = 300, PACKETS = 50 };

static struct stand stand;
static struct end *const here = &stand.ends[0];
static struct end *const there = &stand.ends[1];
static unsigned workers;

static int start_one(void **state)
{
    (void)state;
    stand_start(&stand, workers);
    return 0;
}

static int start_several(void **state)
{
    (void)state;
    stand_start_tunnels(&stand, workers, STAND_TUNNELS_MAX);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stand_stop(&stand);
    return 0;
}

static void choose_tunnel(unsigned tunnel)
{
    here->tunnel = there->tunnel = tunnel;
}

static void carry(struct end *from, struct end *to)
{
    for (uint32_t number = 0; number < PACKETS; number++)
        end_put_number(from, IP_V4, LENGTH, number);
    for (uint32_t number = 0; number < PACKETS; number++)
        end_expect_number(to, number);
}

static void all_workers_get_work_of_several_tunnels_in_both_directions(void **state)
{
    (void)state;
    for (unsigned tunnel = 0; tunnel < STAND_TUNNELS_MAX; tunnel++) {
        choose_tunnel(tunnel);
        stand_install(&stand, &stand_gcm_udp, 1 + tunnel);
    }

    for (unsigned tunnel = 0; tunnel < STAND_TUNNELS_MAX; tunnel++) {
        choose_tunnel(tunnel);
        carry(here, there);
        carry(there, here);
        end_expect_total(here, ESP_OUT_PACKETS, PACKETS);
        end_expect_total(here, ESP_IN_PACKETS, PACKETS);
    }

    const uint64_t share = (uint64_t)PACKETS * STAND_TUNNELS_MAX / workers;
    for (unsigned worker = 0; worker < workers; worker++) {
        for (unsigned end = 0; end < 2; end++) {
            assert_int_equal(end_worker_total(&stand.ends[end], worker, ESP_OUT_PACKETS), share);
            assert_int_equal(end_worker_total(&stand.ends[end], worker, ESP_IN_PACKETS), share);
        }
    }
    end_expect_worker_counter(here, PATH_UNKNOWN_SPI, 0);
    end_expect_worker_counter(there, PATH_MISDIRECTED, 0);
}

static void one_tunnel_keeps_two_workers_busy(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);

    carry(here, there);
    carry(there, here);

    end_expect_total(here, ESP_IN_PACKETS, PACKETS);
    for (unsigned worker = 0; worker < workers; worker++) {
        assert_int_equal(end_worker_total(here, worker, ESP_OUT_PACKETS), worker == 0 ? PACKETS : 0);
        assert_int_equal(end_worker_total(here, worker, ESP_IN_PACKETS), worker == 1 % workers ? PACKETS : 0);
    }
}

/* Tasks that have been posted to all workers of an end. */
static uint32_t posted_tasks(const struct end *end)
{
    uint32_t posted = 0;
    for (unsigned i = 0; i < workers; i++)
        posted += atomic_load(&end->path->workers[i].mailbox.posted);
    return posted;
}

/* The inbound SA comes before the outbound one if the peer may use the Child SA, and with it if not. */
static void child_sa_that_the_peer_does_not_know_is_installed_by_both_workers_at_once(void **state)
{
    (void)state;
    for (uint32_t number = 1; number <= 2; number++) {
        bool unknown_to_peer = number == 2;
        struct child_settings child = end_child(there, &stand_gcm_udp, number);
        child.unknown_to_peer = unknown_to_peer;
        uint32_t before = posted_tasks(there);
        assert_int_equal(child_install(there->path, 0, &child), PATH_OK);
        assert_int_equal(posted_tasks(there) - before, unknown_to_peer ? 2 : 1);
        path_settle(there->path);
        assert_int_equal(posted_tasks(there) - before, 2);
        child = end_child(here, &stand_gcm_udp, number);
        end_install(here, &child);

        carry(here, there);
        carry(there, here);
    }
}

/* Tasks of the worker that it, or the controller in its place, has carried out. */
static uint32_t tasks_done(struct worker *worker)
{
    return atomic_load(&worker->mailbox.done);
}

/* While the test holds what a worker holds that is awake, that one is neither asleep nor able to go on. */
static void controller_leaves_a_task_to_a_worker_that_is_awake(void **state)
{
    (void)state;
    struct worker *owner = &there->path->workers[0];
    path_settle(there->path);
    uint32_t before = tasks_done(owner);
    (void)pthread_mutex_lock(&owner->awake);
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    child.unknown_to_peer = true; /* so that both workers have their task at once */
    assert_int_equal(child_install(there->path, 0, &child), PATH_OK);
    assert_true(tasks_done(owner) == before);
    assert_true(atomic_load(&owner->mailbox.is_woken));
    (void)pthread_mutex_unlock(&owner->awake);
    path_settle(there->path);
    assert_true(tasks_done(owner) > before);
    child = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &child);

    carry(here, there);
    carry(there, here);
}

/* How often the threads of workers have waited, at both ends. */
static unsigned long waits_of_workers(void)
{
    unsigned long waits = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    const struct dirent *entry;
    while ((entry = readdir(tasks)) != NULL) {
        char path[300], line[256];
        bool is_worker = false;
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
        FILE *status = entry->d_name[0] != '.' ? fopen(path, "re") : NULL;
        while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
            is_worker |= strncmp(line, "Name:\tpath/", 11) == 0;
            if (is_worker && strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
                waits += strtoul(line + 24, NULL, 10);
        }
        if (status != NULL)
            (void)fclose(status);
    }
    (void)closedir(tasks);
    return waits;
}

/* Other things may wake a worker now and then; each of some installations would. */
static void worker_that_sleeps_sleeps_on_while_child_sas_come_and_go(void **state)
{
    (void)state;
    enum { CHILDREN = 10, ATTEMPTS = 10000 };
    bool slept = false;
    for (unsigned attempt = 0; attempt < ATTEMPTS && !slept; attempt++) {
        unsigned long before = waits_of_workers();
        for (uint32_t number = 1; number <= CHILDREN; number++) {
            struct child_settings child = end_child(there, &stand_gcm_udp, number);
            end_install(there, &child);
        }
        for (uint32_t number = 1; number <= CHILDREN; number++)
            end_remove(there, number);
        slept = waits_of_workers() == before;
    }
    assert_true(slept);
}

/* As when the keeper has been restarted and has given other slots to the tunnels. */
static void child_sa_whose_spi_leads_to_any_worker_works(void **state)
{
    (void)state;
    for (uint32_t owner = 0; owner < workers; owner++) {
        struct child_settings child = end_child(there, &stand_gcm_udp, 1 + owner);
        child.inbound.spi = esp_spi_of_owner(child.inbound.spi, owner);
        end_install(there, &child);
        uint32_t spi = child.inbound.spi;
        child = end_child(here, &stand_gcm_udp, 1 + owner);
        child.outbound.spi = spi;
        end_install(here, &child);
        uint64_t before = end_worker_total(there, owner, ESP_IN_PACKETS);

        carry(here, there);

        end_expect_total(there, ESP_IN_PACKETS, (uint64_t)PACKETS * (owner + 1));
        assert_int_equal(end_worker_total(there, owner, ESP_IN_PACKETS) - before, PACKETS);
    }
}

static void tunnel_is_removed_with_child_sas_of_all_workers_under_traffic(void **state)
{
    (void)state;
    static uint8_t packet[STAND_PACKET_MAX];
    for (unsigned tunnel = 0; tunnel < STAND_TUNNELS_MAX; tunnel++) {
        choose_tunnel(tunnel);
        for (uint32_t i = 0; i < 4; i++) {
            for (unsigned end = 0; end < 2; end++) {
                struct child_settings child = end_child(&stand.ends[end], &stand_gcm_udp, 1 + 4 * tunnel + i);
                child.inbound.spi += i; /* another worker's, and the two ends agree */
                child.outbound.spi += i;
                assert_int_equal(child_install(stand.ends[end].path, 0, &child), PATH_OK);
            }
        }
        path_settle(here->path);
        path_settle(there->path);
        for (uint32_t number = 0; number < PACKETS; number++) {
            end_put_number(here, IP_V4, LENGTH, number);
            end_put_number(there, IP_V4, LENGTH, number);
        }
        assert_int_equal(path_tunnel_remove(there->path, 1, stand_tunnel(tunnel)), PATH_OK);
        path_settle(there->path);

        /* The device is closed once both directions have let go of it. */
        for (uint32_t i = 0; i < 4; i++)
            assert_int_equal(there->live[1 + 4 * tunnel + i].version, 0);
        while (end_take(here, packet, 0) != 0)
            continue;
    }

    size_t position = 0;
    struct path_child child;
    assert_int_equal(path_list_children(there->path, &position, &child, 1), 0);
    assert_int_equal(path_tunnel_remove(there->path, 0, stand_tunnel(0)), PATH_NO_TUNNEL);
}

/* Install, use and remove at once, so that the two halves of one and the other meet in every order. */
static void halves_that_come_and_go_quickly_lose_nothing_that_is_told(void **state)
{
    (void)state;
    for (uint32_t number = 1; number < 30; number++) {
        struct child_settings child = end_child(there, &stand_gcm_udp, number);
        child.active = false;
        child.active_when_used = true;
        end_install(there, &child);
        child = end_child(here, &stand_gcm_udp, number);
        end_install(here, &child);
        end_put_number(there, IP_V4, LENGTH, 2 * number); /* waits for the peer's first packet */
        end_put_number(here, IP_V4, LENGTH, 2 * number + 1);

        end_expect_number(there, 2 * number + 1);
        end_expect_number(here, 2 * number);
        struct path_event event = end_expect_event(there, PATH_CHILD_USED);
        assert_int_equal(event.spi, end_spi(there, number));
        for (unsigned end = 0; end < 2; end++) {
            assert_int_equal(
                child_change(stand.ends[end].path, 0, CHILD_REMOVE, end_spi(&stand.ends[end], number)),
                PATH_OK);
            path_settle(stand.ends[end].path);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_workers_get_work_of_several_tunnels_in_both_directions,
                                        start_several, stop),
        cmocka_unit_test_setup_teardown(one_tunnel_keeps_two_workers_busy, start_one, stop),
        cmocka_unit_test_setup_teardown(
            child_sa_that_the_peer_does_not_know_is_installed_by_both_workers_at_once, start_one, stop),
        cmocka_unit_test_setup_teardown(controller_leaves_a_task_to_a_worker_that_is_awake, start_one, stop),
        cmocka_unit_test_setup_teardown(worker_that_sleeps_sleeps_on_while_child_sas_come_and_go, start_one,
                                        stop),
        cmocka_unit_test_setup_teardown(child_sa_whose_spi_leads_to_any_worker_works, start_one, stop),
        cmocka_unit_test_setup_teardown(tunnel_is_removed_with_child_sas_of_all_workers_under_traffic,
                                        start_several, stop),
        cmocka_unit_test_setup_teardown(halves_that_come_and_go_quickly_lose_nothing_that_is_told, start_one,
                                        stop),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
