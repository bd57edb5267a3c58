/* A network that takes packets slower than the tunnels bring them. */
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"

enum {
    LENGTH = 300,
    PACKETS = 500,      /* as many as the queue of a TUN device holds */
    OUTER_RATE = 100000 /* octets a second: two seconds for all of them */
};

static struct stand stand;
static unsigned workers;
static struct end *const here = &stand.ends[0];
static struct end *const there = &stand.ends[1];

static int start(void **state)
{
    (void)state;
    const int smallest = 1;
    stand_start(&stand, workers);
    for (unsigned i = 0; i < workers; i++)
        assert_int_equal(setsockopt(here->udp_v4[i], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), 0);
    stand_install(&stand, &stand_gcm_udp, 1);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stand_stop(&stand);
    stand_drain();
    return 0;
}

static void put_all(void)
{
    for (uint32_t number = 0; number < PACKETS; number++)
        end_put_number(here, IP_V4, LENGTH, number);
}

/* Takes packets that follow one another from `first` on, until none comes for long; returns how many. */
static uint32_t take_all(uint32_t first)
{
    static uint8_t packet[STAND_PACKET_MAX];
    uint32_t number = first;
    while (end_take(there, packet, 10 * STAND_QUIET) != 0)
        assert_int_equal(packet_number(packet), number++);
    return number - first;
}

static void packets_wait_for_a_full_socket_and_none_is_lost_or_reordered(void **state)
{
    (void)state;
    put_all();

    assert_int_equal(take_all(0), PACKETS);

    end_expect_total(here, ESP_OUT_PACKETS, PACKETS);
    end_expect_total(here, ESP_OUT_MISC_ERROR, 0);
    end_expect_total(here, ESP_OUT_NO_MEMORY, 0);
    end_put_number(here, IP_V4, LENGTH, 4711);
    end_expect_number(there, 4711);
}

static void removed_sa_still_sends_what_it_had_sealed(void **state)
{
    (void)state;
    put_all();

    end_remove(here, 1);
    uint32_t sealed = (uint32_t)end_total(here, ESP_OUT_PACKETS);
    assert_int_equal(take_all(0), sealed);

    /* The first of what was still before the tunnel wait for the next SA. */
    uint32_t rest = PACKETS - sealed;
    uint32_t waiting = rest < PATH_WAITING_PACKETS ? rest : PATH_WAITING_PACKETS;
    stand_install(&stand, &stand_gcm_udp, 2);
    assert_int_equal(take_all(sealed), waiting);
    end_expect_total(here, ESP_OUT_MISC_ERROR, rest - waiting);
}

static void redirected_sa_sends_what_it_had_sealed_to_the_old_destination(void **state)
{
    (void)state;
    uint8_t datagram[2000];
    int middle = middle_open(3);
    struct child_destination other = end_child(here, &stand_gcm_udp, 1).destination;
    other.remote = middle_endpoint(3);
    put_all();

    assert_int_equal(child_redirect(here->path, 0, end_spi(here, 1), &other), PATH_OK);
    path_settle(here->path);

    uint32_t to_the_old = take_all(0);
    uint32_t to_the_new = 0;
    while (middle_take(middle, datagram, sizeof datagram, STAND_QUIET) != 0)
        assert_int_equal(load_u32be(datagram + 4), to_the_old + ++to_the_new);
    assert_int_equal(to_the_old + to_the_new, PACKETS);
    (void)close(middle);
}

static void inbound_packets_pass_while_outbound_ones_wait(void **state)
{
    (void)state;
    put_all();

    end_put_number(there, IP_V4, LENGTH, 5);

    end_expect_number(here, 5);
}

static void tunnel_can_be_removed_while_its_packets_wait(void **state)
{
    (void)state;
    put_all();

    assert_int_equal(path_tunnel_remove(here->path, 0, STAND_TUNNEL), PATH_OK);
    path_settle(here->path);

    assert_int_equal(take_all(0), end_total(here, ESP_OUT_PACKETS));
}

static void path_ends_while_packets_wait(void **state)
{
    (void)state;
    put_all();

    end_restart(here);

    (void)take_all(0);
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    end_install(here, &child);
    end_put_number(here, IP_V4, LENGTH, 4711);
    end_expect_number(there, 4711);
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STAND_TEST(packets_wait_for_a_full_socket_and_none_is_lost_or_reordered),
        STAND_TEST(removed_sa_still_sends_what_it_had_sealed),
        STAND_TEST(redirected_sa_sends_what_it_had_sealed_to_the_old_destination),
        STAND_TEST(inbound_packets_pass_while_outbound_ones_wait),
        STAND_TEST(tunnel_can_be_removed_while_its_packets_wait),
        STAND_TEST(path_ends_while_packets_wait),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace() || !stand_slow_down(OUTER_RATE))
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
