/* daemon/show/summary.h and daemon/show/ike_statistics.h: what `show ikev2 summary` and `show ikev2
 * statistics` print, to the letter.
 */
#include "daemon/show/ike_statistics.h"
#include "daemon/show/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct ip_address address(const char *text)
{
    struct ip_address a;
    assert_true(ip_address_parse(text, &a));
    return a;
}

static void assert_shows(const char *expected, struct text *text)
{
    assert_string_equal(text_get(text), expected);
    text_free(text);
}

static void each_tunnel_has_a_line_of_the_summary(void **state)
{
    (void)state;
    static const struct tunnel_policy fixed = {.name = "Tunnel0.0", .peer_kind = PEER_ADDRESS};
    static const struct tunnel_policy any = {.name = "Tunnel1.0", .peer_kind = PEER_ANY};
    static const struct tunnel_policy named = {
        .name = "Tunnel65535.4095", .peer_kind = PEER_FQDN, .peer_fqdn = "site2.example"};
    struct tunnel_policy other = {.name = "Tunnel2.0", .peer_address = address("2001:db8::2")};
    const struct summary_row rows[] = {
        {&fixed, SUMMARY_UP, 1293840040, {address("10.0.0.2"), 500}, 1234567890, 42},
        {&any, SUMMARY_NEGOTIATING, 1293840041, {address("2001:db8::9"), 4500}, 0, 0},
        {&named, SUMMARY_NO_ROUTE, 0, {.port = 0}, 1, 2},
        {&other, SUMMARY_FAILING, 1293840042, {.port = 0}, 0, 0},
        {&any, SUMMARY_IDLE, 0, {.port = 0}, 0, 0},
        {&fixed, SUMMARY_INCOMPLETE, 0, {.port = 0}, 0, 0},
        {&other, SUMMARY_SHUTDOWN, 0, {.port = 0}, 0, 0},
    };
    struct summary summary = {0};
    struct text text = {0};
    setenv("TZ", "JST-9", 1);
    tzset();

    show_summary_heading(&text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        show_summary_row(&summary, &rows[i], &text);
    show_summary_total(&summary, &text);

    assert_shows(
        "Interface        State       Since                Packets out   Packets in  Peer\n"
        "Tunnel0.0        up          2011/01/01 09:00:40   1234567890           42  10.0.0.2:500\n"
        "Tunnel1.0        negotiating 2011/01/01 09:00:41            0            0  [2001:db8::9]:4500\n"
        "Tunnel65535.4095 no route    -                              1            2  site2.example\n"
        "Tunnel2.0        failing     2011/01/01 09:00:42            0            0  2001:db8::2\n"
        "Tunnel1.0        idle        -                              0            0  any\n"
        "Tunnel0.0        incomplete  -                              0            0  -\n"
        "Tunnel2.0        shutdown    -                              0            0  2001:db8::2\n"
        "Total : 7, 1 up, 1 negotiating, 1 failing, 1 idle, 1 no route, 1 incomplete, 1 shutdown; "
        "1234567891 packets out, 44 in\n",
        &text);
}

static void the_total_names_only_states_that_there_are(void **state)
{
    (void)state;
    const struct summary summary = {.count[SUMMARY_IDLE] = 3};
    struct text text = {0};

    show_summary_total(&summary, &text);

    assert_shows("Total : 3, 0 up, 3 idle; 0 packets out, 0 in\n", &text);
}

static void S1_each_counter_has_a_line_of_the_statistics(void **state)
{
    (void)state;
    uint64_t counters[IKE_COUNTER_COUNT];
    const struct path_worker_counters path = {{101, 102, 103, 104, 105, 106, 107, 108}};
    struct text text = {0};
    for (size_t i = 0; i < IKE_COUNTER_COUNT; i++)
        counters[i] = 10 + i;

    show_ike_statistics(counters, &path, &text);

    assert_shows("IKE messages\n"
                 "  10 received\n"
                 "  11 sent\n"
                 "  23 requests sent again, since no answer came\n"
                 "  21 requests of peers that came again, and got the same answer\n"
                 "  24 fragments received\n"
                 "  19 IKE_SA_INIT answered with COOKIE\n"
                 "IKE messages of no use\n"
                 "  13 IKEv1\n"
                 "  14 of another major version\n"
                 "  17 IKE_SA_INIT that no tunnel may answer\n"
                 "  16 IKE_SA_INIT before all tunnels were there\n"
                 "  18 beyond the limits of half-open IKE SAs\n"
                 "  15 unknown SPI\n"
                 "  26 notifications in the clear, which prove nothing\n"
                 "  22 message ID outside of the window\n"
                 "  20 integrity failure\n"
                 "  12 malformed\n"
                 "  25 fragments that fit no message\n"
                 "ESP of no Tunnel\n"
                 "  Dropped inbound\n"
                 "    101 unknown spi, 102 packet truncated\n"
                 "Packet path\n"
                 "  103 NAT keepalives received\n"
                 "  104 ESP packets passed on to another worker\n"
                 "  105 IKE datagrams lost on their way to the engine\n"
                 "  106 ESP packets lost on their way to another worker\n"
                 "  107 reports to the engine that found no room\n"
                 "  108 errors of reading sockets and Tunnels\n",
                 &text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tunnel_has_a_line_of_the_summary),
        cmocka_unit_test(the_total_names_only_states_that_there_are),
        cmocka_unit_test(S1_each_counter_has_a_line_of_the_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
