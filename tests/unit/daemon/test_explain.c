/* daemon/show/explain.h: what `show ikev2 explain` prints, to the letter. */
#include "daemon/show/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/ipc/clock.h"

enum { NOW = 1000000, WALL = 1293840040 /* 2011/01/01 09:00:40 */ };

static struct ip_address address(const char *text)
{
    struct ip_address a;
    assert_true(ip_address_parse(text, &a));
    return a;
}

/* A tunnel that has all it needs and no SA, with the objects that it points to. */
struct fixture {
    struct tunnel_policy policy;
    struct history history;
    struct path_totals totals;
    struct ike_record sa;
    struct explained_tunnel tunnel;
    struct text text;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    setenv("TZ", "JST-9", 1);
    tzset();
    f->policy = (struct tunnel_policy){
        .name = "Tunnel0.0",
        .peer_address = address("10.2.0.1"),
        .ike = {ALGORITHM_SET_ALL(ENCRYPTION_COUNT), ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                ALGORITHM_SET_ALL(PRF_COUNT), ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT)},
        .child = {.encryption = ALGORITHM_SET_ALL(ENCRYPTION_COUNT),
                  .pfs = ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT)},
        .line = {[SETTING_PEER] = 12, [SETTING_LOCAL_AUTHENTICATION] = 9, [SETTING_REMOTE_TS] = 14},
    };
    f->tunnel = (struct explained_tunnel){
        .policy = &f->policy,
        .configured = WALL - 40,
        .problem = {.step = EXPLAIN_STEP_COUNT},
        .link = "GigaEthernet0.0 (ge0)",
        .source = address("10.1.0.1"),
        .peer = address("10.2.0.1"),
        .next_hop = address("10.0.0.254"),
        .routed = WALL - 39,
        .now = NOW,
        .wall = (msec_t)WALL * 1000,
        .history = &f->history,
        .totals = &f->totals,
    };
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    text_free(&f->text);
    free(f);
    return 0;
}

/* Gives it an IKE SA as it is after IKE_SA_INIT. */
static void add_sa(struct fixture *f, enum ike_sa_state state)
{
    f->sa = (struct ike_record){
        .state = state,
        .initiator = true,
        .first_child_is_ours = true,
        .local = {address("10.1.0.1"), 500},
        .remote = {address("10.2.0.1"), 500},
        .suite = {encryption_by_id(ENCR_AES_CBC, 256), integrity_by_id(AUTH_HMAC_SHA1_96),
                  prf_by_id(PRF_HMAC_SHA1), key_exchange_by_id(KE_MODP_1536)},
        .local_id = {ID_KEY_ID, 5, "site1"},
        .remote_id = {ID_KEY_ID, 5, "site2"},
        .created = NOW - 20000,
    };
    f->tunnel.sa = &f->sa;
}

static void add_child(struct fixture *f)
{
    f->sa.child_count = 1;
    f->sa.children[0] = (struct ike_child_record){
        .installed = true,
        .suite = {encryption_by_id(ENCR_AES_GCM_16, 256), NULL, NULL, key_exchange_by_id(KE_MODP_2048)},
        .created = NOW - 10000,
        .inbound = {.spi = 0x1511ab8e},
        .outbound = {.spi = 0x571a182d},
        .local_ts = {.count = 1, .ts[0] = {0, 0, 65535, address("192.168.1.0"), address("192.168.1.255")}},
        .remote_ts = {.count = 1, .ts[0] = {0, 0, 65535, address("192.168.2.0"), address("192.168.2.255")}},
    };
}

static void assert_explains(struct fixture *f, const char *expected)
{
    text_free(&f->text);
    show_explanation(&f->tunnel, &f->text);
    assert_string_equal(text_get(&f->text), expected);
}

static void assert_says(struct fixture *f, const char *line)
{
    text_free(&f->text);
    show_explanation(&f->tunnel, &f->text);
    if (strstr(text_get(&f->text), line) == NULL)
        fail_msg("no %s in:\n%s", line, text_get(&f->text));
}

#define READY                                                                                                \
    "  ok     Config       complete, since 2011/01/01 09:00:00\n"                                            \
    "  ok     Device       Tunnel0.0 is there\n"                                                             \
    "  ok     Link         GigaEthernet0.0 (ge0) is up\n"                                                    \
    "  ok     Address      10.1.0.1\n"                                                                       \
    "  ok     Name         none: the peer is 10.2.0.1; line 12\n"                                            \
    "  ok     Route        by GigaEthernet0.0 (ge0) to 10.0.0.254, since 2011/01/01 09:00:01\n"

static void the_step_that_fails_is_marked_and_the_others_wait(void **state)
{
    struct fixture *f = *state;
    f->tunnel.failure = (struct explained_failure){
        IKE_STEP_AUTH, "negotiation failed: the peer's AUTH is wrong; line 12", WALL - 1, WALL - 30, 3};
    assert_explains(f, "Tunnel0.0 is stopped at: IKE_AUTH\n" READY "  ok     IKE_SA_INIT  was answered\n"
                       "> FAILS  IKE_AUTH     3 times since 2011/01/01 09:00:10, at 2011/01/01 09:00:39: "
                       "negotiation failed: the peer's AUTH is wrong; line 12\n"
                       "  waits  Child SA     for IKE_AUTH\n"
                       "  waits  Selectors    for IKE_AUTH\n"
                       "  waits  Packets out  for IKE_AUTH\n"
                       "  waits  Packets in   for IKE_AUTH\n");
}

static void a_problem_before_ike_stops_it_there(void **state)
{
    struct fixture *f = *state;
    f->tunnel.problem = (struct explained_problem){
        EXPLAIN_ADDRESS, "source address not on this host: 10.1.0.77; line 4", WALL - 5};
    assert_explains(f, "Tunnel0.0 is stopped at: Address\n"
                       "  ok     Config       complete, since 2011/01/01 09:00:00\n"
                       "  ok     Device       Tunnel0.0 is there\n"
                       "  ok     Link         GigaEthernet0.0 (ge0) is up\n"
                       "> FAILS  Address      since 2011/01/01 09:00:35: source address not on this host: "
                       "10.1.0.77; line 4\n"
                       "  waits  Name         for Address\n"
                       "  waits  Route        for Address\n"
                       "  waits  IKE_SA_INIT  for Address\n"
                       "  waits  IKE_AUTH     for Address\n"
                       "  waits  Child SA     for Address\n"
                       "  waits  Selectors    for Address\n"
                       "  waits  Packets out  for Address\n"
                       "  waits  Packets in   for Address\n");
}

static void a_tunnel_that_carries_packets_has_all_steps_done(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->tunnel.heard = NOW - 1000;
    f->tunnel.routes = "192.168.2.0/24 of line 35";
    f->totals.counters[ESP_OUT_PACKETS] = f->totals.counters[ESP_IN_PACKETS] = 9;
    f->totals.counters[ESP_OUT_OCTETS] = f->totals.counters[ESP_IN_OCTETS] = 756;
    f->totals.drops[DROP_TOO_BIG] = 2;
    f->totals.drops[DROP_REPLAY] = 1;
    assert_explains(f,
                    "Tunnel0.0 carries packets\n" READY
                    "  ok     IKE_SA_INIT  done with 10.2.0.1:500, as initiator, since 2011/01/01 09:00:20: "
                    "AES-CBC-256, HMAC-SHA1-96, HMAC-SHA1, MODP-1536\n"
                    "  ok     IKE_AUTH     done: this end is KEY-ID site1 by pre-shared key, the peer KEY-ID "
                    "site2 by pre-shared key; lines 9, 12\n"
                    "  ok     Child SA     SPI 0x1511ab8e in, 0x571a182d out, since 2011/01/01 09:00:30: "
                    "AES-GCM-256, MODP-2048\n"
                    "  ok     Selectors    here 192.168.1.0-192.168.1.255, there 192.168.2.0-192.168.2.255; "
                    "line 14\n"
                    "  ok     Packets out  9 packets, 756 octets; dropped: 2 too big; routed into it: "
                    "192.168.2.0/24 of line 35\n"
                    "  ok     Packets in   9 packets, 756 octets, the last one at 2011/01/01 09:00:39; "
                    "dropped: 1 replay detected\n");
}

static void S34_a_next_hop_that_does_not_answer_is_why_it_stops(void **state)
{
    struct fixture *f = *state;
    f->tunnel.dead_next_hop = "the next hop 10.0.0.254 (line 17) does not answer ARP";
    assert_says(f, "Tunnel0.0 is stopped at: Route\n");
    assert_says(f, "> FAILS  Route        by GigaEthernet0.0 (ge0) to 10.0.0.254, since 2011/01/01 09:00:01: "
                   "the next hop 10.0.0.254 (line 17) does not answer ARP\n");

    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    assert_says(f, "Tunnel0.0 is up, with a doubt: Route\n");
}

static void S34_packets_that_left_in_fragments_are_a_hint_with_the_mend(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->totals.counters[ESP_OUT_PACKETS] = f->totals.counters[ESP_IN_PACKETS] = 90;
    f->tunnel.heard = NOW;
    f->totals.fragmented = 12;
    assert_says(f, "Tunnel0.0 carries packets\n");
    assert_says(
        f, "  ok     Packets out  90 packets, 0 octets; no route of the config leads into it; 12 left in "
           "fragments: if large transfers hang, fragments may be dropped on the way: set `ip tcp "
           "adjust-mss auto` and `ikev2 ipsec pre-fragment` in Tunnel0.0\n");
    f->policy.pre_fragment = true;
    assert_says(f, "dropped on the way: set `ip tcp adjust-mss auto` in Tunnel0.0\n");
}

static void what_is_odd_of_a_tunnel_that_is_up_is_a_doubt(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->totals.counters[ESP_OUT_PACKETS] = 9;
    f->tunnel.silent = NOW - 30000;
    assert_says(f, "Tunnel0.0 is up, with a doubt: Packets in\n");
    assert_says(
        f,
        "  ok     Packets out  9 packets, 0 octets; no route of the config leads into it\n"
        "> doubt  Packets in   0 packets, 0 octets; packets have left since 2011/01/01 09:00:10, and none "
        "has come since: perhaps ESP is dropped on the way, there or back, or the peer has no route into its "
        "tunnel for the answers; if the packets are not meant to be answered, all is well\n");
    f->totals.counters[ESP_IN_PACKETS] = 1;
    f->tunnel.heard = NOW - 40000;
    assert_says(
        f, "> doubt  Packets in   1 packets, 0 octets, the last one at 2011/01/01 09:00:00; packets have "
           "left since 2011/01/01 09:00:10, and none has come since: ");

    f->totals.drops[DROP_OUT_SELECTORS] = 3;
    assert_says(f, "Tunnel0.0 is up, with a doubt: Selectors\n");
    assert_says(f,
                "> doubt  Selectors    here 192.168.1.0-192.168.1.255, there 192.168.2.0-192.168.2.255; line "
                "14; 3 packets out and 0 in were outside of them\n");

    f->sa.address_lost = true;
    assert_says(f, "> doubt  Address      10.1.0.1, which this host has no more: the SA is given up\n");
}

static void packets_of_earlier_child_sas_do_not_count_for_the_present_one(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->totals.counters[ESP_OUT_PACKETS] = f->totals.counters[ESP_IN_PACKETS] = 9;
    assert_says(f, "Tunnel0.0 is up, and idle: Packets in\n");
    assert_says(f, "> idle   Packets in   9 packets, 0 octets, all of them before this Child SA\n");
    f->tunnel.heard = NOW;
    assert_says(f, "Tunnel0.0 carries packets\n");
}

static void R71_selectors_that_the_peer_asked_for_are_told_as_such(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->sa.first_child_is_ours = false;
    f->policy.local_ts_count = 1;
    f->policy.local_ts[0] =
        (struct policy_selector){address("192.168.1.0"), address("192.168.1.255"), 0, 0, 65535};
    f->sa.children[0].local_ts.ts[0].last = address("192.168.3.255");
    assert_says(f, "Tunnel0.0 is up, with a doubt: Selectors\n");
    assert_says(
        f, "> doubt  Selectors    here 192.168.1.0-192.168.3.255, there 192.168.2.0-192.168.2.255, which the "
           "peer has asked for, and which are not within those configured here; line 14\n");
    f->totals.drops[DROP_IN_SELECTORS] = 3;
    assert_says(f, "configured here; line 14; 0 packets out and 3 in were outside of them\n");
}

static void napt_in_the_tunnel_is_told(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->totals.counters[ESP_OUT_PACKETS] = f->totals.counters[ESP_IN_PACKETS] = 2;
    f->tunnel.heard = NOW - 40000;
    f->tunnel.napt = true;
    assert_says(f, "  ok     Packets in   2 packets, 0 octets, the last one at 2011/01/01 09:00:00; `ip napt "
                   "enable` then "
                   "drops those that no host here has asked for: `show ip napt` counts them\n");
}

/* What Linux itself sends out of each interface is answered by nobody. */
static void packets_that_nobody_answers_are_no_doubt(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->totals.counters[ESP_OUT_PACKETS] = 2;
    assert_says(f, "Tunnel0.0 is up, and idle: Packets in\n");
    assert_says(f, "  ok     Packets out  2 packets, 0 octets; no route of the config leads into it\n"
                   "> idle   Packets in   0 packets, 0 octets\n");
}

static void a_tunnel_that_nothing_has_begun_says_who_has_to(void **state)
{
    struct fixture *f = *state;
    history_add_delete(&f->history, WALL - 3, "Delete IKE SA by command");
    assert_says(f, "Tunnel0.0 is idle: IKE_SA_INIT\n");
    assert_says(f, "> idle   IKE_SA_INIT  begins with the first packet into Tunnel0.0; last event: "
                   "2011/01/01 09:00:37 Delete : Delete IKE SA by command\n");
    f->history = (struct history){0};

    f->policy.connect_type = CONNECT_AUTO;
    f->policy.line[SETTING_CONNECT_TYPE] = 15;
    assert_says(f, "> idle   IKE_SA_INIT  begins soon, since `ikev2 connect-type` is auto; line 15\n");

    f->policy.direction = NEGOTIATE_RESPONDER;
    f->policy.line[SETTING_DIRECTION] = 16;
    assert_says(f, "> idle   IKE_SA_INIT  the peer has to begin, since `ikev2 negotiation-direction` is "
                   "responder; line 16\n");

    f->policy.peer_kind = PEER_ANY;
    assert_says(f, "  ok     Name         none: the peer may have any address; line 12\n"
                   "  ok     Route        back to where the peer comes from\n"
                   "> idle   IKE_SA_INIT  the peer has to begin, since `ikev2 peer` is any; line 12\n");
}

static void what_is_under_way_is_told_with_what_failed_before(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_AUTHENTICATING);
    f->policy.peer_kind = PEER_FQDN;
    (void)strcpy(f->policy.peer_fqdn, "site2.example");
    assert_says(f, "Tunnel0.0 is negotiating: IKE_AUTH\n");
    assert_says(f, "  ok     Name         site2.example is 10.2.0.1; line 12\n");
    assert_says(f,
                "  ok     IKE_SA_INIT  answered with 10.2.0.1:500, as initiator, since 2011/01/01 09:00:20: "
                "AES-CBC-256, HMAC-SHA1-96, HMAC-SHA1, MODP-1536\n"
                "> now    IKE_AUTH     waits for the answer of 10.2.0.1:500, since 2011/01/01 09:00:20\n"
                "  waits  Child SA     for IKE_AUTH\n");

    f->sa.suite = (struct ike_suite){0};
    f->tunnel.failure = (struct explained_failure){IKE_STEP_SA_INIT, "no answer", WALL - 10, WALL - 10, 1};
    assert_says(f,
                "> now    IKE_SA_INIT  waits for the answer of 10.2.0.1:500, since 2011/01/01 09:00:20; the "
                "negotiation before, 2011/01/01 09:00:30: no answer\n");
}

/* A change of the config holds from the next negotiation: until then both are told. */
static void S34_what_the_config_says_otherwise_by_now_is_told_beside_what_was_negotiated(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    add_child(f);
    f->sa.expires = f->sa.created + 28800 * 1000;
    f->sa.children[0].initiator = true;
    f->sa.children[0].expires = f->sa.children[0].created + 3600 * 1000 + 200;
    f->policy.sa_lifetime = 28800;
    f->policy.child_lifetime = 3600;
    f->policy.local_id = f->sa.local_id;
    f->policy.remote_id = f->sa.remote_id;
    show_explanation(&f->tunnel, &f->text);
    assert_null(strstr(text_get(&f->text), "from the next negotiation"));

    f->policy.ike.encryption = ALGORITHM_SET_OF(encryption_by_id(ENCR_AES_CBC, 128), encryption_algorithms);
    f->policy.line[SETTING_IKE_ENCRYPTION] = 5;
    f->policy.ike.dh = ALGORITHM_SET_OF(key_exchange_by_id(KE_MODP_3072), key_exchange_methods) |
                       ALGORITHM_SET_OF(key_exchange_by_id(KE_MODP_2048), key_exchange_methods);
    f->policy.sa_lifetime = 7200;
    f->policy.line[SETTING_SA_LIFETIME] = POLICY_LINE_TYPED;
    assert_says(f,
                "AES-CBC-256, HMAC-SHA1-96, HMAC-SHA1, MODP-1536; established with enc aes-cbc-256; line 5 "
                "says aes-cbc-128 from the next negotiation; established with dh 1536-bit; the default is "
                "3072-bit 2048-bit from the next negotiation; established with sa-lifetime 28800; what was "
                "typed at the prompt says 7200 from the next negotiation\n");

    f->tunnel.old_keys = (struct old_keys){.own = {true, 7}, .peer = {true, 8}};
    f->policy.local_id.value[4] = '7';
    f->policy.remote_id.value[4] = '8';
    assert_says(f,
                "by pre-shared key; lines 9, 12; established with the old key of line 7; the new one holds "
                "from the next negotiation; established with the old key of line 8; the new one holds from "
                "the next negotiation; established with this end as KEY-ID site1; line 9 says KEY-ID site7 "
                "from the next negotiation; established with the peer as KEY-ID site2; line 12 says KEY-ID "
                "site8 from the next negotiation\n");
    f->tunnel.old_keys =
        (struct old_keys){.own = {true, POLICY_LINE_TYPED}, .peer = {true, POLICY_LINE_TYPED}};
    f->policy.local_id = f->sa.local_id;
    f->policy.remote_id = f->sa.remote_id;
    assert_says(f,
                "lines 9, 12; established with the old key, typed at the prompt; the new one holds from the "
                "next negotiation\n");

    f->policy.child.encryption =
        ALGORITHM_SET_OF(encryption_by_id(ENCR_AES_GCM_16, 128), encryption_algorithms);
    f->policy.line[SETTING_CHILD_ENCRYPTION] = 6;
    f->policy.child.pfs = 0;
    f->policy.line[SETTING_CHILD_PFS] = 10;
    f->policy.child_lifetime = 1800;
    f->policy.line[SETTING_CHILD_LIFETIME] = 11;
    f->policy.remote_ts_count = 1;
    f->policy.remote_ts[0] =
        (struct policy_selector){address("192.168.3.0"), address("192.168.3.255"), 0, 0, 65535};
    assert_says(f,
                "AES-GCM-256, MODP-2048; established with enc aes-gcm-256; line 6 says aes-gcm-128 from the "
                "next negotiation; established with child-pfs 2048-bit; line 10 says off from the next "
                "negotiation; established with child-lifetime 3600; line 11 says 1800 from the next "
                "negotiation\n");
    assert_says(f, "; line 14; established with remote-ts 192.168.2.0-192.168.2.255; line 14 says "
                   "192.168.3.0-192.168.3.255 from the next negotiation\n");

    f->sa.children[0].initiator = false;
    text_free(&f->text);
    show_explanation(&f->tunnel, &f->text);
    assert_null(strstr(text_get(&f->text), "established with remote-ts"));
}

static void an_ike_sa_without_a_child_sa_says_why(void **state)
{
    struct fixture *f = *state;
    add_sa(f, IKE_SA_ESTABLISHED);
    assert_says(f, "> idle   Child SA     the IKE SA has none\n"
                   "  waits  Selectors    for Child SA\n");

    f->tunnel.failure = (struct explained_failure){IKE_STEP_CHILD_SA, "refused; line 7", WALL, WALL, 1};
    assert_says(f, "> FAILS  Child SA     at 2011/01/01 09:00:40: refused; line 7\n");
}

static void a_time_is_the_same_whenever_it_is_worked_out(void **state)
{
    (void)state;
    for (msec_t later = 0; later < 3000; later += 7)
        assert_int_equal(clock_wall_time_of(5400, 9000 + later, 100900 + later), 97);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_step_that_fails_is_marked_and_the_others_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_problem_before_ike_stops_it_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tunnel_that_carries_packets_has_all_steps_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S34_a_next_hop_that_does_not_answer_is_why_it_stops, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(S34_packets_that_left_in_fragments_are_a_hint_with_the_mend, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_odd_of_a_tunnel_that_is_up_is_a_doubt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packets_of_earlier_child_sas_do_not_count_for_the_present_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(R71_selectors_that_the_peer_asked_for_are_told_as_such, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(napt_in_the_tunnel_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packets_that_nobody_answers_are_no_doubt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tunnel_that_nothing_has_begun_says_who_has_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_under_way_is_told_with_what_failed_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            S34_what_the_config_says_otherwise_by_now_is_told_beside_what_was_negotiated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ike_sa_without_a_child_sa_says_why, set_up, tear_down),
        cmocka_unit_test(a_time_is_the_same_whenever_it_is_worked_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
