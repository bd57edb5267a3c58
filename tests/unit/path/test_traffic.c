/* Packets of all kinds through a pair of paths. */
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct stand_sa sas[] = {
    {IP_V4, true, ENCR_AES_GCM_16, 256, AUTH_NONE},
    {IP_V4, false, ENCR_AES_GCM_16, 256, AUTH_NONE},
    {IP_V6, true, ENCR_AES_CBC, 256, AUTH_HMAC_SHA1_96},
    {IP_V6, false, ENCR_AES_CBC, 128, AUTH_HMAC_SHA2_256_128},
    {IP_V4, true, ENCR_3DES, 0, AUTH_HMAC_SHA2_384_192},
    {IP_V4, false, ENCR_AES_CBC, 192, AUTH_HMAC_SHA2_512_256},
    {IP_V6, false, ENCR_AES_GCM_16, 128, AUTH_NONE},
};

static unsigned workers;

/* One by one, so that an error names the packet. */
static void carry(struct end *from, struct end *to, enum ip_family family, size_t length, uint32_t number)
{
    end_put_number(from, family, length, number);
    end_expect_number(to, number);
}

static void R8_both_families_pass_in_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sas / sizeof sas[0]; i++) {
        struct stand stand;
        stand_start(&stand, workers);
        stand_install(&stand, &sas[i], 1);

        for (uint32_t number = 0; number < 20; number++) {
            size_t length = 60 + 70 * number;
            carry(&stand.ends[0], &stand.ends[1], IP_V4, length, number);
            carry(&stand.ends[1], &stand.ends[0], IP_V6, length, number);
        }

        for (unsigned end = 0; end < 2; end++) {
            end_expect_total(&stand.ends[end], ESP_OUT_PACKETS, 20);
            end_expect_total(&stand.ends[end], ESP_IN_PACKETS, 20);
            end_expect_total(&stand.ends[end], ESP_OUT_OCTETS, 20 * 60 + 70 * 190);
            end_expect_total(&stand.ends[end], ESP_IN_OCTETS, 20 * 60 + 70 * 190);
        }
        stand_stop(&stand);
    }
}

static void R72_R73_packets_larger_than_the_outer_mtu_pass_in_fragments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sas / sizeof sas[0]; i++) {
        struct stand stand;
        stand_start(&stand, workers);
        stand_install(&stand, &sas[i], 1);
        end_configure(&stand.ends[0], (struct path_tunnel){.mtu_ignore = true});

        const size_t lengths[] = {1400, 1450, 1500, 3000, 9000, 65000};
        for (uint32_t number = 0; number < sizeof lengths / sizeof lengths[0]; number++)
            carry(&stand.ends[0], &stand.ends[1], number % 2 ? IP_V6 : IP_V4, lengths[number], number);

        end_expect_total(&stand.ends[0], ESP_OUT_MISC_ERROR, 0);
        stand_stop(&stand);
    }
}

static void S34_packets_that_leave_in_fragments_are_counted(void **state)
{
    (void)state;
    struct stand stand;
    stand_start(&stand, workers);
    stand_install(&stand, &stand_gcm_udp, 1);
    end_configure(&stand.ends[0], (struct path_tunnel){.mtu_ignore = true});

    const size_t lengths[] = {100, 1400, 1500, 9000};
    for (uint32_t number = 0; number < sizeof lengths / sizeof lengths[0]; number++)
        carry(&stand.ends[0], &stand.ends[1], IP_V4, lengths[number], number);
    assert_int_equal(end_fragmented(&stand.ends[0]), 2);

    end_configure(&stand.ends[0], (struct path_tunnel){.mtu_ignore = true, .pre_fragment = true});
    end_put_number(&stand.ends[0], IP_V4, 1500, 9); /* its fragments are whole packets outside */
    end_expect_total(&stand.ends[0], ESP_OUT_PACKETS, 6);
    assert_int_equal(end_fragmented(&stand.ends[0]), 2);
    stand_stop(&stand);
}

static void packet_too_large_for_any_datagram_is_counted(void **state)
{
    (void)state;
    struct stand stand;
    stand_start(&stand, workers);
    stand_install(&stand, &stand_gcm_udp, 1);

    end_configure(&stand.ends[0], (struct path_tunnel){.mtu_ignore = true});

    end_put_number(&stand.ends[0], IP_V6, 65530, 1);
    carry(&stand.ends[0], &stand.ends[1], IP_V4, 100, 2);

    end_expect_total(&stand.ends[0], ESP_OUT_MISC_ERROR, 1);
    stand_stop(&stand);
}

/* In flight at a time; fewer than any queue in between holds. */
enum { WINDOW = 100 };

static void carry_many(struct end *from, struct end *to, size_t length, uint32_t count)
{
    uint32_t put = 0;
    for (uint32_t taken = 0; taken < count; taken++) {
        for (; put < count && put < taken + WINDOW; put++)
            end_put_number(from, IP_V4, length, put);
        end_expect_number(to, taken);
    }
}

static void many_packets_keep_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct stand stand;
        stand_start(&stand, workers);
        stand_install(&stand, &sas[i], 1);

        carry_many(&stand.ends[0], &stand.ends[1], 1200, 5000);

        end_expect_total(&stand.ends[1], ESP_IN_PACKETS, 5000);
        stand_stop(&stand);
    }
}

static void both_directions_at_once_starve_neither(void **state)
{
    (void)state;
    struct stand stand;
    stand_start(&stand, 2);
    stand_install(&stand, &stand_gcm_udp, 1);

    enum { COUNT = 10000 };
    uint32_t put = 0;
    for (uint32_t taken = 0; taken < COUNT; taken++) {
        for (; put < COUNT && put < taken + WINDOW; put++) {
            end_put_number(&stand.ends[0], IP_V4, 1000, put);
            end_put_number(&stand.ends[1], IP_V6, 200, put);
        }
        end_expect_number(&stand.ends[1], taken);
        end_expect_number(&stand.ends[0], taken);
    }

    stand_stop(&stand);
}

static void steered_packets_reach_the_owner_among_several_workers(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct stand stand;
        stand_start(&stand, 2);
        stand_install(&stand, &sas[i], 1);

        carry_many(&stand.ends[0], &stand.ends[1], 500, 1000);
        carry_many(&stand.ends[1], &stand.ends[0], 500, 1000);

        /* Raw sockets are not steered here: each worker gets a copy, and one of them leaves it alone. */
        end_expect_worker_counter(&stand.ends[1], PATH_MISDIRECTED, sas[i].encapsulated ? 0 : 1000);
        end_expect_worker_counter(&stand.ends[1], PATH_UNKNOWN_SPI, 0);
        stand_stop(&stand);
    }
}

static void R44_mark_and_interface_of_a_destination_are_taken(void **state)
{
    (void)state;
    struct stand stand;
    stand_start(&stand, workers);
    for (unsigned i = 0; i < 2; i++) {
        struct child_settings child = end_child(&stand.ends[i], &sas[i], 1);
        child.destination.mark = 0x4d;
        child.destination.ifindex = 1;
        child.destination.encapsulated = true;
        end_install(&stand.ends[i], &child);
    }

    carry(&stand.ends[0], &stand.ends[1], IP_V4, 100, 1);
    carry(&stand.ends[1], &stand.ends[0], IP_V6, 100, 2);

    stand_stop(&stand);
}

static void destination_that_does_not_exist_is_counted(void **state)
{
    (void)state;
    struct stand stand;
    stand_start(&stand, workers);
    struct child_settings child = end_child(&stand.ends[0], &stand_gcm_udp, 1);
    child.destination.ifindex = 4711;
    end_install(&stand.ends[0], &child);

    end_put_number(&stand.ends[0], IP_V4, 100, 1);

    end_expect_total(&stand.ends[0], ESP_OUT_MISC_ERROR, 1);
    stand_stop(&stand);
}

/* Its address is not on this host any more. */
static void S40_a_packet_that_did_not_leave_does_not_count_as_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sas / sizeof sas[0]; i++) {
        struct stand stand;
        stand_start(&stand, workers);
        struct end *here = &stand.ends[0];
        struct child_settings child = end_child(here, &sas[i], 1);
        bool v4 = child.destination.local.address.family == IP_V4;
        assert_true(ip_address_parse(v4 ? "192.0.2.1" : "2001:db8::1", &child.destination.local.address));
        end_install(here, &child);

        end_put_number(here, IP_V4, 100, 1);
        end_put_number(here, IP_V4, 100, 2);

        end_expect_total(here, ESP_OUT_MISC_ERROR, 2);
        end_expect_total(here, ESP_OUT_PACKETS, 0);
        end_expect_total(here, ESP_OUT_OCTETS, 0);
        assert_int_equal(esp_live_counter(&here->live[1], ESP_OUT_PACKETS), 0);
        assert_int_equal(esp_live_counter(&here->live[1], ESP_OUT_OCTETS), 0);
        stand_stop(&stand);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R8_both_families_pass_in_every_form),
        cmocka_unit_test(R72_R73_packets_larger_than_the_outer_mtu_pass_in_fragments),
        cmocka_unit_test(S34_packets_that_leave_in_fragments_are_counted),
        cmocka_unit_test(packet_too_large_for_any_datagram_is_counted),
        cmocka_unit_test(many_packets_keep_their_order),
        cmocka_unit_test(both_directions_at_once_starve_neither),
        cmocka_unit_test(steered_packets_reach_the_owner_among_several_workers),
        cmocka_unit_test(R44_mark_and_interface_of_a_destination_are_taken),
        cmocka_unit_test(destination_that_does_not_exist_is_counted),
        cmocka_unit_test(S40_a_packet_that_did_not_leave_does_not_count_as_sent),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
