/* Packets that find no SA: they wait, ask, are sent on or dropped (R13, S6, S38). */
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

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

static void packet_without_sa_asks_once_with_its_flow(void **state)
{
    (void)state;

    end_put_number(here, IP_V4, 100, 1);
    end_put_number(here, IP_V6, 100, 2);

    struct path_event event = end_expect_event(here, PATH_PACKET_WAITS);
    assert_int_equal(event.tunnel, STAND_TUNNEL);
    assert_int_equal(event.flow.protocol, 17);
    assert_int_equal(event.flow.source_port, 1000);
    assert_int_equal(event.flow.destination_port, 2000);
    assert_memory_equal(event.flow.source.octets, ((uint8_t[]){10, 0, 1, 1}), 4);
    assert_memory_equal(event.flow.destination.octets, ((uint8_t[]){10, 0, 2, 2}), 4);
    assert_false(end_has_event(here, PATH_PACKET_WAITS));
}

static void question_is_repeated_while_packets_wait(void **state)
{
    (void)state;
    end_put_number(here, IP_V4, 100, 1);
    (void)end_expect_event(here, PATH_PACKET_WAITS);
    int64_t asked = stand_clock();

    (void)end_expect_event(here, PATH_PACKET_WAITS);

    assert_true(stand_clock() - asked >= 900);
}

static void R13_waiting_packets_leave_in_order_when_the_sa_is_there(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < 50; number++)
        end_put_number(here, number % 3 ? IP_V4 : IP_V6, 100 + number, number);
    (void)end_expect_event(here, PATH_PACKET_WAITS);

    stand_install(&stand, &stand_gcm_udp, 1);
    end_put_number(here, IP_V4, 100, 50);

    for (uint32_t number = 0; number <= 50; number++)
        end_expect_number(there, number);
    end_expect_total(here, ESP_OUT_PACKETS, 51);
    end_expect_total(here, ESP_OUT_MISC_ERROR, 0);
}

/* A new packet that the tunnel lets no more wait is dropped, so the counter tells that all have been read. */
static void put_and_overflow(uint32_t count, uint32_t overflow)
{
    for (uint32_t number = 0; number < count + overflow; number++)
        end_put_number(here, IP_V4, 100, number);
    end_expect_total(here, ESP_OUT_MISC_ERROR, overflow);
}

static void S6_oldest_64_wait_and_the_others_are_counted(void **state)
{
    (void)state;
    put_and_overflow(PATH_WAITING_PACKETS, 7);

    stand_install(&stand, &stand_gcm_udp, 1);

    for (uint32_t number = 0; number < PATH_WAITING_PACKETS; number++)
        end_expect_number(there, number);
    end_expect_silence(there);
}

static void S6_large_packets_wait_up_to_256_kib(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < 6; number++)
        end_put_number(here, IP_V4, 60000, number);
    end_expect_total(here, ESP_OUT_MISC_ERROR, 2);

    stand_install(&stand, &stand_gcm_udp, 1);

    for (uint32_t number = 0; number < 4; number++)
        end_expect_number(there, number);
    end_expect_silence(there);
}

static void S6_failed_negotiation_drops_and_counts_what_waits(void **state)
{
    (void)state;
    put_and_overflow(PATH_WAITING_PACKETS, 1);

    assert_int_equal(path_tunnel_fail(here->path, ++here->requests, STAND_TUNNEL, &packet_pair_any), PATH_OK);
    path_settle(here->path);

    assert_int_equal(end_total(here, ESP_OUT_MISC_ERROR), PATH_WAITING_PACKETS + 1);
    stand_install(&stand, &stand_gcm_udp, 1);
    end_expect_silence(there);
}

static void sa_that_is_not_active_lets_packets_wait(void **state)
{
    (void)state;
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    child.active = false;
    end_install(here, &child);
    child = end_child(there, &stand_gcm_udp, 1);
    end_install(there, &child);
    end_put_number(here, IP_V4, 100, 1);
    (void)end_expect_event(here, PATH_PACKET_WAITS);

    assert_int_equal(child_change(here->path, ++here->requests, CHILD_ACTIVATE, end_spi(here, 1)), PATH_OK);

    end_expect_number(there, 1);
}

/* Router solicitation, MLDv2 report behind its hop-by-hop header, neighbour solicitation, IGMPv3 report. */
static void S6_linux_own_multicast_neither_asks_nor_waits(void **state)
{
    (void)state;
    uint8_t rs[48] = {0x60, [5] = 8, [6] = 58, [7] = 255, [8] = 0xfe, 0x80, [24] = 0xff, 2, [39] = 2, 133};
    uint8_t mld[76] = {0x60, [5] = 36, [7] = 1, [8] = 0xfe, 0x80, [24] = 0xff, 2, [39] = 22, 58,
                       0,    5,        2,       0,          0,    1,           0, 143};
    uint8_t ns[64] = {0x60, [5] = 24, [6] = 58, [7] = 255, [24] = 0xff, 2, [39] = 1, 135};
    uint8_t igmp[40] = {0x46, [3] = 40, [8] = 1, [9] = 2, [16] = 224, 0, 0, 22, [24] = 0x22};

    end_put(here, rs, sizeof rs);
    end_put(here, mld, sizeof mld);
    end_put(here, ns, sizeof ns);
    end_put(here, igmp, sizeof igmp);

    assert_false(end_has_event(here, PATH_PACKET_WAITS));
    end_put_number(here, IP_V6, 100, 1);
    struct path_event event = end_expect_event(here, PATH_PACKET_WAITS);
    assert_int_equal(event.flow.protocol, 17);
    stand_install(&stand, &stand_gcm_udp, 1);
    end_expect_number(there, 1);
    end_expect_silence(there);
}

/* The packet comes out at the other end. */
static void expect_packet(const uint8_t *packet, size_t length)
{
    uint8_t taken[STAND_PACKET_MAX];
    assert_int_equal(end_take(there, taken, 1000), length);
    assert_memory_equal(taken, packet, length);
}

/* OSPFv2 to 224.0.0.5, OSPFv3 to ff02::5, an echo request to ff02::1, RIPng to ff02::9. */
static void S14_multicast_that_a_program_sends_asks_waits_and_passes(void **state)
{
    (void)state;
    const uint8_t ospf2[44] = {0x45, [3] = 44, [8] = 1, [9] = 89, [12] = 10, 0, 0, 1, 224, 0, 0, 5, 2, 1};
    const uint8_t ospf3[56] = {
        0x60, [5] = 16, [6] = 89, [7] = 1, [8] = 0xfe, 0x80, [23] = 1, [24] = 0xff, 2, [39] = 5, 3, 1};
    const uint8_t echo[48] = {
        0x60, [5] = 8, [6] = 58, [7] = 1, [8] = 0xfe, 0x80, [23] = 1, [24] = 0xff, 2, [39] = 1, 128};
    const uint8_t ripng[64] = {0x60, [5] = 24, [6] = 17, [7] = 255, [8] = 0xfe, 0x80, [23] = 1, [24] = 0xff,
                               2,    [39] = 9, 2,        9,         2,          9,    0,        24};

    end_put(here, ospf3, sizeof ospf3);
    struct path_event event = end_expect_event(here, PATH_PACKET_WAITS);
    assert_int_equal(event.flow.protocol, 89);
    end_put(here, ospf2, sizeof ospf2);
    end_put(here, echo, sizeof echo);
    stand_install(&stand, &stand_gcm_udp, 1);
    expect_packet(ospf3, sizeof ospf3);
    expect_packet(ospf2, sizeof ospf2);
    expect_packet(echo, sizeof echo);
    end_put(here, ripng, sizeof ripng);
    expect_packet(ripng, sizeof ripng);
    end_put(here, ospf2, sizeof ospf2);
    expect_packet(ospf2, sizeof ospf2);
    end_expect_silence(there);
}

static void what_is_no_ip_packet_is_counted(void **state)
{
    (void)state;
    const uint8_t nonsense[30] = {0x70, 1, 2, 3};
    const uint8_t short_header[12] = {0x45, 0, 0, 12};

    end_put(here, nonsense, sizeof nonsense);
    end_put(here, short_header, sizeof short_header);
    end_expect_total(here, ESP_OUT_MISC_ERROR, 2);
    stand_install(&stand, &stand_gcm_udp, 1);
    end_put(here, nonsense, sizeof nonsense);

    end_expect_total(here, ESP_OUT_MISC_ERROR, 3);
    end_expect_silence(there);
}

/* Both ends' Child SA `number`, for the ports that packet_make gives, or for one other port. */
static void install_for_port(uint32_t number, uint16_t port, bool more_to_come)
{
    for (unsigned i = 2; i-- > 0;) {
        struct child_settings child = end_child(&stand.ends[i], &stand_gcm_udp, number);
        struct traffic_selector *there_side = i == 0 ? child.remote_ts : child.local_ts;
        there_side[0].protocol = there_side[1].protocol = 17;
        there_side[0].first_port = there_side[0].last_port = port;
        there_side[1].first_port = there_side[1].last_port = port;
        child.more_to_come = more_to_come;
        end_install(&stand.ends[i], &child);
    }
}

static void R71_packets_outside_of_the_selectors_are_dropped_when_the_sa_comes(void **state)
{
    (void)state;
    end_put_number(here, IP_V4, 100, 1);
    (void)end_expect_event(here, PATH_PACKET_WAITS);

    install_for_port(1, 53, false);

    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 1);
    end_put_number(here, IP_V4, 100, 2);
    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 2);
    end_expect_silence(there);
}

static void S38_packets_outside_of_an_sa_beside_which_others_are_to_come_ask_for_one(void **state)
{
    (void)state;
    install_for_port(1, 53, true);

    end_put_number(here, IP_V4, 100, 1);
    struct path_event event = end_expect_event(here, PATH_PACKET_WAITS);
    assert_int_equal(event.flow.destination_port, 2000);
    install_for_port(2, 2000, true);

    end_expect_number(there, 1);
    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 0);
}

static void S38_packets_that_waited_are_dropped_as_outside_when_nothing_more_comes(void **state)
{
    (void)state;
    install_for_port(1, 53, true);
    end_put_number(here, IP_V4, 100, 1);
    (void)end_expect_event(here, PATH_PACKET_WAITS);

    assert_int_equal(child_change(here->path, ++here->requests, CHILD_COMPLETE, end_spi(here, 1)), PATH_OK);

    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 1);
    end_put_number(here, IP_V4, 100, 2);
    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 2);
    end_expect_total(here, ESP_OUT_MISC_ERROR, 0);
    assert_false(end_has_event(here, PATH_PACKET_WAITS));
}

static void S42_packets_outside_wait_once_others_are_to_come_beside_an_sa_that_was_whole(void **state)
{
    (void)state;
    install_for_port(1, 53, false);
    end_put_number(here, IP_V4, 100, 1);
    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 1);

    assert_int_equal(child_change(here->path, ++here->requests, CHILD_EXPECT_MORE, end_spi(here, 1)),
                     PATH_OK);
    path_settle(here->path);

    end_put_number(here, IP_V4, 100, 2);
    (void)end_expect_event(here, PATH_PACKET_WAITS);
    install_for_port(2, 2000, true);
    end_expect_number(there, 2);
    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 1);
}

static void S38_a_pair_that_gets_no_sa_takes_no_other_packet_along(void **state)
{
    (void)state;
    install_for_port(1, 53, true);
    end_put_number(here, IP_V4, 100, 1);
    struct path_event event = end_expect_event(here, PATH_PACKET_WAITS);
    end_put_number(here, IP_V6, 100, 1000);
    put_and_overflow(PATH_WAITING_PACKETS - 2, 1);
    const struct packet_pair refused = {event.flow.source, event.flow.destination};

    assert_int_equal(path_tunnel_fail(here->path, ++here->requests, STAND_TUNNEL, &refused), PATH_OK);

    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, PATH_WAITING_PACKETS - 1);
    event = end_expect_event(here, PATH_PACKET_WAITS); /* the one that is left asks for itself */
    assert_int_equal(event.flow.source.family, IP_V6);
    install_for_port(2, 2000, true);
    end_expect_number(there, 1000);
    end_expect_silence(there);
}

static void removed_tunnel_lets_go_of_what_waits(void **state)
{
    (void)state;
    put_and_overflow(PATH_WAITING_PACKETS, 1);

    assert_int_equal(path_tunnel_remove(here->path, ++here->requests, STAND_TUNNEL), PATH_OK);
    path_settle(here->path);

    assert_int_equal(end_total(here, ESP_OUT_MISC_ERROR), PATH_WAITING_PACKETS + 1);
}

static void S42_a_packet_outside_of_all_sas_is_told_of_once_in_a_second(void **state)
{
    (void)state;
    const uint8_t mld[76] = {0x60, [5] = 36, [7] = 1, [8] = 0xfe, 0x80, [24] = 0xff, 2, [39] = 22, 58,
                             0,    5,        2,       0,          0,    1,           0, 143};
    install_for_port(1, 53, false);
    end_put(here, mld, sizeof mld); /* Linux's own */
    assert_false(end_has_event(here, PATH_PACKET_OUTSIDE));

    end_put_number(here, IP_V4, 100, 1);
    end_put_number(here, IP_V4, 100, 2);

    struct path_event event = end_expect_event(here, PATH_PACKET_OUTSIDE);
    assert_int_equal(event.tunnel, STAND_TUNNEL);
    assert_int_equal(event.flow.destination_port, 2000);
    assert_false(end_has_event(here, PATH_PACKET_OUTSIDE));
    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 3);
    int64_t told = stand_clock();
    while (stand_clock() - told < 1000)
        end_expect_silence(there);
    end_put_number(here, IP_V4, 100, 3);
    (void)end_expect_event(here, PATH_PACKET_OUTSIDE);
}

/* RFC 4301 7.3: fragments without ports must not be sent on an SA of ports. */
static void RFC4301_7_3_by_an_sa_of_ports_packets_leave_whole_though_pre_fragment_is_set(void **state)
{
    (void)state;
    static const enum ip_family families[] = {IP_V4, IP_V6};
    end_configure(here, (struct path_tunnel){.pre_fragment = true, .mtu_ignore = true});
    install_for_port(1, 2000, false);
    uint32_t number = 0;
    for (size_t i = 0; i < 2; i++) {
        for (size_t length = 3000; length < 66000; length += 20000) {
            end_put_number(here, families[i], length, ++number);
            end_expect_number(there, number);
        }
    }
    end_expect_total(here, ESP_OUT_PACKETS, number);
    end_expect_total(there, ESP_IN_TS_UNACCEPTABLE, 0);
}

/* An ICMP error from a router on the way, of which the selectors know nothing. */
static void RFC4301_6_2_an_icmp_error_passes_with_the_packet_that_it_quotes_and_no_other_does(void **state)
{
    (void)state;
    uint8_t error[56] = {0x45, [3] = 56, [8] = 64, 1, [12] = 192, 0, 2, 9, 10, 0, 2, 2, 3, 4, [26] = 5};
    uint8_t quoted[STAND_PACKET_MAX];
    uint8_t *quote = error + 28;
    (void)packet_make(quoted, IP_V4, 100, 1);
    memcpy(quote, quoted, 28);
    install_for_port(1, 1000, false);
    /* The packet went from there to here, from port 1000. */
    memcpy(quote + 12, quoted + 16, 4);
    memcpy(quote + 16, quoted + 12, 4);

    end_put(here, error, sizeof error);
    uint8_t taken[STAND_PACKET_MAX];
    assert_int_equal(end_take(there, taken, 1000), sizeof error);
    assert_memory_equal(taken, error, sizeof error);

    store_u16be(quote + 20, 1001);
    end_put(here, error, sizeof error);
    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 1);
    end_expect_total(there, ESP_IN_PACKETS, 1);
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STAND_TEST(packet_without_sa_asks_once_with_its_flow),
        STAND_TEST(question_is_repeated_while_packets_wait),
        STAND_TEST(R13_waiting_packets_leave_in_order_when_the_sa_is_there),
        STAND_TEST(S6_oldest_64_wait_and_the_others_are_counted),
        STAND_TEST(S6_large_packets_wait_up_to_256_kib),
        STAND_TEST(S6_failed_negotiation_drops_and_counts_what_waits),
        STAND_TEST(sa_that_is_not_active_lets_packets_wait),
        STAND_TEST(S6_linux_own_multicast_neither_asks_nor_waits),
        STAND_TEST(S14_multicast_that_a_program_sends_asks_waits_and_passes),
        STAND_TEST(what_is_no_ip_packet_is_counted),
        STAND_TEST(R71_packets_outside_of_the_selectors_are_dropped_when_the_sa_comes),
        STAND_TEST(S38_packets_outside_of_an_sa_beside_which_others_are_to_come_ask_for_one),
        STAND_TEST(S38_packets_that_waited_are_dropped_as_outside_when_nothing_more_comes),
        STAND_TEST(S42_packets_outside_wait_once_others_are_to_come_beside_an_sa_that_was_whole),
        STAND_TEST(S38_a_pair_that_gets_no_sa_takes_no_other_packet_along),
        STAND_TEST(S42_a_packet_outside_of_all_sas_is_told_of_once_in_a_second),
        STAND_TEST(RFC4301_7_3_by_an_sa_of_ports_packets_leave_whole_though_pre_fragment_is_set),
        STAND_TEST(RFC4301_6_2_an_icmp_error_passes_with_the_packet_that_it_quotes_and_no_other_does),
        STAND_TEST(removed_tunnel_lets_go_of_what_waits),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
