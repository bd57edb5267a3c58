/* Datagrams that Linux has merged (UDP_GRO): each goes where it belongs. */
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"

enum { LENGTH = 300, DATAGRAM_MAX = 2000, TUNNELS = 4 };

static struct stand stand;
static unsigned workers;
static struct end *const here = &stand.ends[0];
static struct end *const there = &stand.ends[1];
static int middle;
static uint8_t merged[16 * DATAGRAM_MAX];
static size_t merged_length;

static void choose_tunnel(unsigned tunnel)
{
    here->tunnel = there->tunnel = tunnel;
}

/* What `here` sends goes to the middle, which sends it on as it likes. */
static int start(void **state)
{
    (void)state;
    stand_set_offload(false, true);
    stand_start_tunnels(&stand, workers, TUNNELS);
    middle = middle_open(3);
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++) {
        choose_tunnel(tunnel);
        struct child_settings child = end_child(here, &stand_gcm_udp, 1 + tunnel);
        child.destination.remote = middle_endpoint(3);
        end_install(here, &child);
        child = end_child(there, &stand_gcm_udp, 1 + tunnel);
        end_install(there, &child);
    }
    merged_length = 0;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)close(middle);
    stand_stop(&stand);
    return 0;
}

/* Adds ESP of a tunnel with a packet of that length and number. */
static size_t add_esp(unsigned tunnel, size_t length, uint32_t number)
{
    choose_tunnel(tunnel);
    end_put_number(here, IP_V4, length, number);
    size_t size = middle_take(middle, merged + merged_length, DATAGRAM_MAX, STAND_PATIENCE);
    assert_true(size > length);
    merged_length += size;
    return size;
}

/* Adds IKE of that size behind its marker. */
static void add_ike(size_t size, uint8_t fill)
{
    memset(merged + merged_length, fill, size);
    store_u32be(merged + merged_length, 0);
    merged_length += size;
}

static void put_merged(size_t segment)
{
    middle_put_merged(middle, there, merged, merged_length, (uint16_t)segment);
}

static void expect_ike(size_t size, uint8_t fill)
{
    struct path_stray *stray;
    int64_t until = stand_clock() + STAND_PATIENCE;
    while ((stray = path_next_stray(there->path)) == NULL && stand_clock() < until)
        (void)usleep(1000);
    assert_non_null(stray);
    struct ip_endpoint from = middle_endpoint(3);
    struct ip_address to = end_address(1, IP_V4);
    assert_true(ip_endpoint_equal(&stray->remote, &from));
    assert_true(ip_address_equal(&stray->local, &to));
    assert_int_equal(stray->ifindex, 1);
    assert_int_equal(stray->length, size);
    assert_int_equal(load_u32be(stray->octets), 0);
    for (size_t i = 4; i < size; i++)
        assert_int_equal(stray->octets[i], fill);
    free(stray);
}

static void merged_datagrams_of_one_sa_are_opened_in_their_order(void **state)
{
    (void)state;
    size_t size = 0;
    for (uint32_t number = 0; number < 10; number++)
        size = add_esp(0, LENGTH, number);
    (void)add_esp(0, LENGTH - 100, 10);

    put_merged(size);

    for (uint32_t number = 0; number <= 10; number++)
        end_expect_number(there, number);
    end_expect_total(there, ESP_IN_PACKETS, 11);
    end_expect_total(there, ESP_IN_OCTETS, 11 * LENGTH - 100);
}

static void ike_among_them_goes_to_the_controller(void **state)
{
    (void)state;
    size_t size = add_esp(0, LENGTH, 1);
    add_ike(size, 0x11);
    (void)add_esp(0, LENGTH, 2);
    add_ike(size - 50, 0x22);

    put_merged(size);

    end_expect_number(there, 1);
    end_expect_number(there, 2);
    expect_ike(size, 0x11);
    expect_ike(size - 50, 0x22);
    assert_null(path_next_stray(there->path));
    end_expect_worker_counter(there, PATH_IKE_DATAGRAMS, 0);
}

static void ike_among_them_makes_the_event_descriptor_readable(void **state)
{
    (void)state;
    struct path_event event;
    size_t size = add_esp(0, LENGTH, 1);
    add_ike(size, 0x11);
    while (path_next_event(there->path, &event))
        continue;
    put_merged(size);
    assert_true(end_await_events(there));
    expect_ike(size, 0x11);
}

static void esp_of_other_workers_goes_to_them(void **state)
{
    (void)state;
    size_t size = 0;
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++)
        size = add_esp(tunnel, LENGTH, tunnel);

    put_merged(size);

    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++) {
        choose_tunnel(tunnel);
        end_expect_number(there, tunnel);
        end_expect_total(there, ESP_IN_PACKETS, 1);
    }
    end_expect_worker_counter(there, PATH_MISDIRECTED, 0);
    /* The tunnels take turns at the workers. */
    end_expect_worker_counter(there, PATH_PASSED_ON, TUNNELS - TUNNELS / workers);
}

static void esp_from_the_engine_goes_to_its_worker(void **state)
{
    (void)state;
    struct ip_endpoint from = middle_endpoint(3);
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++) {
        merged_length = 0;
        (void)add_esp(tunnel, LENGTH, tunnel);
        assert_true(path_put_stray(there->path, &from, (struct octets){merged, merged_length}));
        end_expect_number(there, tunnel);
    }
    assert_false(path_put_stray(there->path, &from, (struct octets){merged, 3}));
}

static void strays_that_nobody_took_are_freed(void **state)
{
    (void)state;
    size_t size = add_esp(0, LENGTH, 1);
    for (unsigned i = 0; i < 5; i++)
        add_ike(size, 0x11);
    put_merged(size);
    assert_true(end_await_events(there));
}

static void keepalives_and_fragments_of_headers_among_them_are_counted(void **state)
{
    (void)state;
    merged[0] = 0xff;
    middle_put_merged(middle, there, merged, 1, 1000);
    end_expect_worker_counter(there, PATH_KEEPALIVES, 1);

    size_t size = add_esp(0, LENGTH, 1);
    merged_length += 5;
    put_merged(size);
    end_expect_number(there, 1);
    end_expect_worker_counter(there, PATH_TRUNCATED, 1);
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STAND_TEST(merged_datagrams_of_one_sa_are_opened_in_their_order),
        STAND_TEST(ike_among_them_goes_to_the_controller),
        STAND_TEST(ike_among_them_makes_the_event_descriptor_readable),
        STAND_TEST(esp_of_other_workers_goes_to_them),
        STAND_TEST(esp_from_the_engine_goes_to_its_worker),
        STAND_TEST(strays_that_nobody_took_are_freed),
        STAND_TEST(keepalives_and_fragments_of_headers_among_them_are_counted),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
