/* R20 to R24, R30 to R51 and the S-rules beside them: from a config to the policy of a tunnel. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/gap.h"
#include "config/identity.h"
#include "crypto/key_exchange.h"

/* A complete tunnel, with more lines under it and before it. */
static struct resolution resolve_tunnel(const char *before, const char *lines)
{
    char text[4096];
    (void)snprintf(text, sizeof text,
                   "ikev2 authentication psk id keyid here key char secret1\n"
                   "ikev2 authentication psk id keyid there key char secret2\n"
                   "interface GigaEthernet0.0\n"
                   "%s"
                   "interface Tunnel0.0\n"
                   "  tunnel mode ipsec-ikev2\n"
                   "  ikev2 peer 10.0.0.2 authentication psk id keyid there\n"
                   "%s",
                   before, lines);
    return resolve_text(text);
}

static uint32_t row(size_t index)
{
    return UINT32_C(1) << index;
}

static void assert_incomplete(const char *text, const char *warning)
{
    struct resolution r = resolve_text(text);
    assert_contains(r.said, warning);
    assert_int_equal(r.policies.count, 1);
    assert_false(r.policies.items[0].complete);
    resolution_free(&r);
}

static void R20_everything_may_be_omitted(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "");
    assert_string_equal(r.said, "");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    struct tunnel_policy fresh = policy_default();
    assert_true(p->complete);
    assert_memory_equal(&p->ike, &fresh.ike, sizeof p->ike);
    assert_memory_equal(&p->child, &fresh.child, sizeof p->child);
    assert_int_equal(p->dpd_interval, 0);
    assert_int_equal(p->connect_type, CONNECT_TRIGGER);
    assert_int_equal(p->direction, NEGOTIATE_BOTH);
    assert_true(p->anti_replay);
    assert_int_equal(p->local_ts_count + p->remote_ts_count, 0);
    assert_int_equal(p->outgoing, OUTGOING_ROUTED);
    assert_int_equal(p->source_kind, SOURCE_ANY);
    assert_int_equal(p->sa_lifetime, 86400);
    assert_int_equal(p->child_lifetime, 28800);
    assert_false(p->mtu_ignore || p->pre_fragment || p->nat_traversal);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        uint32_t line = i == SETTING_PEER ? 6 : i == SETTING_REMOTE_KEY ? 2 : 0;
        assert_int_equal(p->line[i], line);
    }
    resolution_free(&r);
}

static void R21_for_each_setting_the_nearest_level_counts(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("ikev2 default-profile\n"
                                         "  dpd interval 1\n"
                                         "  sa-lifetime 1000\n"
                                         "  child-lifetime 1001\n"
                                         "ikev2 profile a\n"
                                         "  dpd interval 2\n"
                                         "  sa-lifetime 2000\n",
                                         "  ikev2 binding a\n"
                                         "  ikev2 dpd interval 3\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_int_equal(p->dpd_interval, 3);
    assert_int_equal(p->sa_lifetime, 2000);
    assert_int_equal(p->child_lifetime, 1001);
    assert_int_equal(p->line[SETTING_DPD], 15);
    assert_int_equal(p->line[SETTING_SA_LIFETIME], 10);
    assert_int_equal(p->line[SETTING_CHILD_LIFETIME], 7);
    resolution_free(&r);
}

static void R21_a_nearer_list_replaces_a_farther_one(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("ikev2 default-profile\n"
                                         "  sa-proposal enc aes-cbc-256 3des\n"
                                         "  local-ts 10.0.0.0/8\n"
                                         "  local-ts 11.0.0.0/8\n",
                                         "  ikev2 sa-proposal enc aes-cbc-128\n"
                                         "  ikev2 local-ts 12.0.0.0/8\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_int_equal(p->ike.encryption,
                     row((size_t)(encryption_by_word("aes-cbc-128") - encryption_algorithms)));
    assert_int_equal(p->local_ts_count, 1);
    resolution_free(&r);
}

static void R21_off_and_none_undo_a_farther_level(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("ikev2 default-profile\n"
                                         "  dpd interval 10\n"
                                         "  nat-traversal keepalive 20\n"
                                         "  suppress send-delete\n"
                                         "  suppress send-rekey\n"
                                         "  ipsec mtu ignore\n"
                                         "  ipsec pre-fragment\n"
                                         "  outgoing-interface GigaEthernet0.0 auto\n"
                                         "  source-address 10.0.0.1\n"
                                         "  local-ts 10.0.0.0/8\n"
                                         "  anti-replay off\n",
                                         "  ikev2 dpd off\n"
                                         "  ikev2 nat-traversal off\n"
                                         "  ikev2 suppress send-delete off\n"
                                         "  ikev2 suppress send-rekey off\n"
                                         "  ikev2 ipsec mtu ignore off\n"
                                         "  ikev2 ipsec pre-fragment off\n"
                                         "  ikev2 outgoing-interface none\n"
                                         "  ikev2 source-address none\n"
                                         "  ikev2 local-ts any\n"
                                         "  ikev2 anti-replay on\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_true(p->complete && p->anti_replay);
    assert_false(p->nat_traversal || p->suppress_delete || p->suppress_rekey || p->mtu_ignore ||
                 p->pre_fragment);
    assert_int_equal(p->dpd_interval, 0);
    assert_int_equal(p->outgoing, OUTGOING_ROUTED);
    assert_int_equal(p->source_kind, SOURCE_ANY);
    assert_int_equal(p->local_ts_count, 0);
    resolution_free(&r);
}

static void every_setting_reaches_the_policy(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 sa-proposal integrity sha2-256\n"
                                             "  ikev2 sa-proposal prf sha2-384 sha1\n"
                                             "  ikev2 sa-proposal dh 3072-bit\n"
                                             "  ikev2 child-proposal enc aes-gcm-256-16\n"
                                             "  ikev2 child-proposal integrity sha1\n"
                                             "  ikev2 child-pfs 1024-bit\n"
                                             "  ikev2 connect-type auto\n"
                                             "  ikev2 negotiation-direction responder\n"
                                             "  ikev2 anti-replay off\n"
                                             "  ikev2 nat-traversal keepalive 33 force\n"
                                             "  ikev2 suppress send-delete\n"
                                             "  ikev2 suppress send-rekey\n"
                                             "  ikev2 ipsec mtu ignore\n"
                                             "  ikev2 ipsec pre-fragment\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_string_equal(r.said, "");
    assert_int_equal(p->ike.integrity, row((size_t)(integrity_by_word("sha2-256") - integrity_algorithms)));
    assert_int_equal(p->ike.prf, row((size_t)(prf_by_word("sha2-384") - prf_algorithms)) |
                                     row((size_t)(prf_by_word("sha1") - prf_algorithms)));
    assert_int_equal(p->ike.dh, row((size_t)(key_exchange_by_word("3072-bit") - key_exchange_methods)));
    assert_int_equal(p->child.encryption,
                     row((size_t)(encryption_by_word("aes-gcm-256") - encryption_algorithms)));
    assert_int_equal(p->child.integrity, row((size_t)(integrity_by_word("sha1") - integrity_algorithms)));
    assert_int_equal(p->child.pfs, row((size_t)(key_exchange_by_word("1024-bit") - key_exchange_methods)));
    assert_false(p->child.pfs_none || p->anti_replay);
    assert_int_equal(p->connect_type, CONNECT_AUTO);
    assert_int_equal(p->direction, NEGOTIATE_RESPONDER);
    assert_true(p->nat_traversal && p->nat_force && p->suppress_delete && p->suppress_rekey);
    assert_true(p->mtu_ignore && p->pre_fragment);
    assert_int_equal(p->nat_keepalive, 33);
    resolution_free(&r);
}

static void S11_child_pfs_off_allows_only_no_pfs(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 child-pfs off\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_int_equal(p->child.pfs, 0);
    assert_true(p->child.pfs_none);
    resolution_free(&r);
}

static void R44_the_forms_of_outgoing_interface(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum outgoing_kind outgoing;
    } forms[] = {
        {"  ikev2 outgoing-interface GigaEthernet0.0\n", OUTGOING_INTERFACE},
        {"  ikev2 outgoing-interface GigaEthernet0.0 auto\n", OUTGOING_AUTO},
        {"  ikev2 outgoing-interface GigaEthernet0.0 10.0.0.254\n", OUTGOING_NEXT_HOP},
        {"  ikev2 outgoing-interface GigaEthernet0.0 2001:db8::1\n", OUTGOING_NEXT_HOP},
        {"  ikev2 outgoing-interface none\n", OUTGOING_ROUTED},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct resolution r = resolve_tunnel("", forms[i].line);
        const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
        assert_int_equal(p->outgoing, forms[i].outgoing);
        assert_string_equal(p->out_interface, i == 4 ? "" : "GigaEthernet0.0");
        resolution_free(&r);
    }
}

static void R45_source_by_address_or_interface(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 source-address GigaEthernet0.0\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_int_equal(p->source_kind, SOURCE_INTERFACE);
    assert_string_equal(p->source_interface, "GigaEthernet0.0");
    resolution_free(&r);
    r = resolve_tunnel("", "  ikev2 source-address 10.0.0.1\n");
    p = policy_of(&r, "Tunnel0.0");
    char text[IP_TEXT_SIZE];
    assert_int_equal(p->source_kind, SOURCE_ADDRESS);
    assert_string_equal(ip_address_format(&p->source_address, text), "10.0.0.1");
    resolution_free(&r);
}

static void R71_selectors_are_ranges(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 local-ts 10.1.2.3/16 protocol 6 port 80-90\n"
                                             "  ikev2 local-ts 2001:db8::1-2001:db8::9\n"
                                             "  ikev2 remote-ts any protocol 17 port 53\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    char text[IP_TEXT_SIZE];
    assert_int_equal(p->local_ts_count, 2);
    assert_string_equal(ip_address_format(&p->local_ts[0].first, text), "10.1.0.0");
    assert_string_equal(ip_address_format(&p->local_ts[0].last, text), "10.1.255.255");
    assert_int_equal(p->local_ts[0].protocol, 6);
    assert_int_equal(p->local_ts[0].first_port, 80);
    assert_int_equal(p->local_ts[0].last_port, 90);
    assert_string_equal(ip_address_format(&p->local_ts[1].last, text), "2001:db8::9");
    assert_int_equal(p->local_ts[1].protocol, 0);
    assert_int_equal(p->local_ts[1].first_port, 0);
    assert_int_equal(p->local_ts[1].last_port, 65535);
    assert_int_equal(p->remote_ts_count, 1);
    assert_int_equal(p->remote_ts[0].first.family, IP_NONE);
    assert_int_equal(p->remote_ts[0].first_port, 53);
    assert_int_equal(p->remote_ts[0].last_port, 53);
    resolution_free(&r);
}

static void too_many_selectors_leave_a_tunnel_down(void **state)
{
    (void)state;
    char lines[1024] = "";
    for (size_t i = 0; i <= POLICY_SELECTORS_MAX; i++)
        (void)snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
                       "  ikev2 local-ts 10.%zu.0.0/16\n", i);
    struct resolution r = resolve_tunnel("", lines);
    assert_contains(r.said, "more than 8 selectors");
    assert_false(policy_of(&r, "Tunnel0.0")->complete);
    resolution_free(&r);
}

static void R31_an_fqdn_peer_without_id_has_its_fqdn(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 authentication psk id fqdn GW.example.com key char s\n"
                                       "interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 peer-fqdn-ipv6 gw.example.com authentication psk\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    char id[IDENTITY_WORDS_SIZE];
    assert_int_equal(p->peer_kind, PEER_FQDN);
    assert_int_equal(p->peer_family, IP_V6);
    assert_string_equal(p->peer_fqdn, "gw.example.com");
    assert_string_equal(identity_words(&p->remote_id, id), "fqdn gw.example.com");
    assert_true(p->complete);
    resolution_free(&r);
}

static void S17_a_peer_by_address_without_id_has_its_address(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 authentication psk id ipv4 10.0.0.2 key char s\n"
                                       "interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 peer 10.0.0.2 authentication psk\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    char id[IDENTITY_WORDS_SIZE];
    assert_string_equal(identity_words(&p->remote_id, id), "ipv4 10.0.0.2");
    assert_true(p->complete && p->remote_key != 0);
    resolution_free(&r);
}

static void S17_without_local_authentication_the_source_address_is_the_id(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 authentication psk id keyid there key char theirs\n"
                                       "ikev2 authentication psk id ipv4 10.0.0.1 key char ours\n"
                                       "interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 peer 10.0.0.2 authentication psk id keyid there\n");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_int_equal(p->local_id.type, ID_NONE);
    assert_int_equal(p->local_key, 0);
    assert_true(p->complete);
    struct ip_address source;
    (void)ip_address_parse("10.0.0.1", &source);
    key_number own = key_table_local(r.keys, &source, p->remote_key);
    assert_memory_equal(key_table_secret(r.keys, own).at, "ours", 4);
    (void)ip_address_parse("10.0.0.9", &source);
    assert_int_equal(key_table_local(r.keys, &source, p->remote_key), p->remote_key);
    resolution_free(&r);
}

static void R30_keys_are_found_by_type_and_value(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 authentication psk id keyid 10.0.0.1 key char one\n"
                                       "ikev2 authentication psk id ipv4 10.0.0.1 key hex 0xDEADbeef\n"
                                       "ikev2 authentication psk id fqdn a.example key secret xyz\n");
    struct ip_address address;
    (void)ip_address_parse("10.0.0.1", &address);
    struct identity id = identity_of_address(&address);
    struct octets key = key_table_secret(r.keys, key_table_find(r.keys, &id));
    assert_int_equal(key.length, 4);
    assert_memory_equal(key.at, "\xde\xad\xbe\xef", 4);
    id = identity_of_fqdn("a.example");
    assert_int_equal(key_table_find(r.keys, &id), 0);
    assert_int_equal(key_table_secret(r.keys, 12345).length, 0);
    resolution_free(&r);
}

static void S12_the_later_key_wins_for_names_that_differ_in_case(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 authentication psk id fqdn GW.example.com key char one\n"
                                       "ikev2 authentication psk id keyid gw.example.com key char other\n"
                                       "ikev2 authentication psk id keyid GW.example.com key char else\n"
                                       "ikev2 authentication psk id rfc822 a@example.com key char three\n"
                                       "ikev2 authentication psk id rfc822 A@Example.com key char four\n"
                                       "ikev2 authentication psk id fqdn gw.example.com key char two\n"
                                       "ikev2 authentication psk id fqdn x.example.com key char five\n"
                                       "no ikev2 authentication psk id fqdn X.example.com\n");
    struct identity id = identity_of_fqdn("gw.EXAMPLE.com");
    assert_memory_equal(key_table_secret(r.keys, key_table_find(r.keys, &id)).at, "two", 3);
    id = identity_of_fqdn("x.example.com");
    assert_int_equal(key_table_find(r.keys, &id), 0);
    char *running = printed(r.config);
    assert_string_equal(running, "ikev2 authentication psk id fqdn gw.example.com key char two\n"
                                 "ikev2 authentication psk id keyid gw.example.com key char other\n"
                                 "ikev2 authentication psk id keyid GW.example.com key char else\n"
                                 "ikev2 authentication psk id rfc822 A@Example.com key char four\n");
    free(running);
    resolution_free(&r);
}

static void key_numbers_survive_edits(void **state)
{
    (void)state;
    struct resolution a = resolve_text("ikev2 authentication psk id keyid x key char one\n");
    struct resolution b = resolve_text("ikev2 authentication psk id keyid w key char zero\n"
                                       "ikev2 authentication psk id keyid x key char other\n");
    struct identity id = {.type = ID_KEY_ID, .length = 1, .value = "x"};
    assert_int_equal(key_table_find(a.keys, &id), key_table_find(b.keys, &id));
    assert_int_not_equal(key_table_find(a.keys, &id), 0);
    resolution_free(&a);
    resolution_free(&b);
}

static void R51_both_mode_and_peer_are_needed(void **state)
{
    (void)state;
    assert_incomplete("interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n",
                      "FILE:1:1: warning: Tunnel0.0 has no `ikev2 peer`: it stays down");
    assert_incomplete("ikev2 authentication psk id keyid a key char b\n"
                      "interface Tunnel0.0\n  ikev2 peer any authentication psk id keyid a\n",
                      "FILE:2:1: warning: Tunnel0.0 has no `tunnel mode ipsec-ikev2`: it stays down");
    assert_incomplete("interface Tunnel0.0\n", "neither");
}

/* Other things that are missing keep a tunnel down, but it is defined, so its SAs stay (R11). */
static void S4_without_mode_or_peer_a_tunnel_is_not_defined(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool defined;
    } cases[] = {
        {"  tunnel mode ipsec-ikev2\n", false},
        {"  ikev2 peer 10.0.0.1 authentication psk\n", false},
        {"  tunnel mode gre ip\n  ikev2 peer 10.0.0.1 authentication psk\n", false},
        {"  tunnel mode ipsec-ikev2\n  ikev2 peer 10.0.0.1 authentication psk\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "interface Tunnel0.0\n%s", cases[i].lines);
        struct resolution r = resolve_text(text);
        if (policy_of(&r, "Tunnel0.0")->defined != cases[i].defined)
            fail_msg("%s is %s", text, cases[i].defined ? "not defined" : "defined");
        assert_false(policy_of(&r, "Tunnel0.0")->complete); /* there is no key */
        resolution_free(&r);
    }
}

static void S12_undefined_references_are_reported_with_their_line(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 binding nobody\n"
                                             "  ikev2 outgoing-interface GigaEthernet7.0 auto\n"
                                             "  ikev2 source-address Loopback3.0\n"
                                             "  ip unnumbered GigaEthernet9.0\n");
    assert_contains(r.said, "FILE:7:3: warning: profile `nobody` is not defined: Tunnel0.0 stays down");
    assert_contains(r.said,
                    "FILE:8:3: warning: GigaEthernet7.0 is not defined: tunnels that use it stay down");
    assert_contains(r.said, "FILE:9:3: warning: Loopback3.0 is not defined");
    assert_contains(r.said, "FILE:10:3: warning: GigaEthernet9.0 is not defined: Tunnel0.0 stays down");
    assert_false(policy_of(&r, "Tunnel0.0")->complete);
    resolution_free(&r);
}

static void S16_a_device_defines_its_interface(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("device GigaEthernet7\n  linux-interface eth0\n",
                                         "  ikev2 outgoing-interface GigaEthernet7.0 auto\n");
    assert_string_equal(r.said, "");
    assert_true(policy_of(&r, "Tunnel0.0")->complete);
    resolution_free(&r);
}

static void S12_an_id_without_a_key_is_reported(void **state)
{
    (void)state;
    assert_incomplete(
        "ikev2 default-profile\n"
        "  local-authentication id keyid here\n"
        "interface Tunnel0.0\n"
        "  tunnel mode ipsec-ikev2\n"
        "  ikev2 peer any authentication psk id keyid there\n",
        "FILE:2:3: warning: there is no key for this device's ID, keyid here: Tunnel0.0 stays down\n");
    assert_incomplete(
        "interface Tunnel0.0\n"
        "  tunnel mode ipsec-ikev2\n"
        "  ikev2 peer any authentication psk id keyid there\n",
        "FILE:3:3: warning: there is no key for the peer's ID, keyid there: Tunnel0.0 stays down\n");
}

/* The line of the key that is probably meant is named. */
static void S34_a_key_that_only_the_router_can_read_or_of_another_type_of_id_is_pointed_at(void **state)
{
    (void)state;
    assert_incomplete("ikev2 authentication psk id fqdn there key char secret\n"
                      "interface Tunnel0.0\n"
                      "  tunnel mode ipsec-ikev2\n"
                      "  ikev2 peer any authentication psk id keyid there\n",
                      "FILE:4:3: warning: there is no key for the peer's ID, keyid there; that of line 1 is "
                      "for the type fqdn: "
                      "Tunnel0.0 stays down\n");
    assert_incomplete(
        "ikev2 authentication psk id keyid 10.2.0.1 key char secret\n"
        "interface Tunnel0.0\n"
        "  tunnel mode ipsec-ikev2\n"
        "  ikev2 peer 10.2.0.1 authentication psk\n",
        "FILE:4:3: warning: there is no key for the peer's ID, ipv4 10.2.0.1; that of line 1 is for the type "
        "keyid: Tunnel0.0 stays down\n");
    struct resolution r = resolve_text("ikev2 authentication psk id keyid there key secret 0123456789abcdef\n"
                                       "interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 peer any authentication psk id keyid there\n");
    char gap[POLICY_GAP_TEXT_SIZE];
    assert_string_equal(
        policy_gap_text(policy_of(&r, "Tunnel0.0"), gap),
        "no key for the peer's ID, keyid there; that of line 1 is `key secret`, which only the "
        "router can read");
    resolution_free(&r);
}

static void S14_a_tunnel_with_a_foreign_mode_stays_down(void **state)
{
    (void)state;
    assert_incomplete("interface Tunnel0.0\n  tunnel mode ether-ip ipsec-ikev2\n",
                      "FILE:2:3: warning: this tunnel mode is not supported: Tunnel0.0 stays down");
    struct resolution r = resolve_tunnel("ikev2 default-profile\n  ipsec-mode transport\n", "");
    const char *once =
        "FILE:5:3: warning: transport mode is not supported yet: tunnels that use it stay down";
    assert_contains(r.said, once);
    assert_null(strstr(strstr(r.said, once) + strlen(once), "transport"));
    assert_false(policy_of(&r, "Tunnel0.0")->complete);
    resolution_free(&r);
}

static void S24_lifetimes_not_longer_than_the_rekey_margin_are_reported(void **state)
{
    (void)state;
    struct resolution r =
        resolve_tunnel("ikev2 default-profile\n  sa-lifetime 30\n  child-lifetime 60\n", "");
    assert_contains(r.said, "FILE:5:3: warning: SAs are rekeyed 30 s before the end of their lifetime");
    assert_contains(r.said, "FILE:6:3: warning: SAs are rekeyed 60 s before the end of their lifetime");
    resolution_free(&r);
    r = resolve_tunnel("ikev2 default-profile\n  sa-lifetime 31\n  child-lifetime 61\n", "");
    assert_string_equal(r.said, "");
    resolution_free(&r);
}

static void S28_nat_traversal_without_keepalive_uses_20_seconds(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 nat-traversal\n");
    assert_contains(r.said,
                    "FILE:7:3: warning: nat-traversal without keepalive: a keepalive is sent every 20 s");
    assert_int_equal(policy_of(&r, "Tunnel0.0")->nat_keepalive, 20);
    resolution_free(&r);
}

static void a_selector_by_ports_of_a_protocol_without_ports_is_reported(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 local-ts 10.0.0.0/8 protocol 50 port 7\n"
                                             "  ikev2 local-ts 10.0.0.0/8 protocol 50\n"
                                             "  ikev2 local-ts 10.0.0.0/8 protocol 17 port 7\n"
                                             "  ikev2 remote-ts 10.0.0.0/8 protocol 1 port 2048\n"
                                             "  ikev2 remote-ts 10.0.0.0/8 port 7\n");
    static const char once[] = "warning: this protocol has no ports: the selector holds no packet";
    assert_contains(r.said, "FILE:7:3: warning: this protocol has no ports");
    assert_null(strstr(strstr(r.said, once) + 1, once));
    resolution_free(&r);
}

static void R63_suppressing_send_delete_alone_is_reported(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 suppress send-delete\n");
    assert_contains(r.said, "FILE:7:3: warning: `suppress send-delete` without `suppress send-rekey`");
    assert_true(policy_of(&r, "Tunnel0.0")->complete);
    resolution_free(&r);
}

static void S20_any_that_only_initiates_never_comes_up(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 authentication psk id keyid a key char b\n"
                                       "interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 peer any authentication psk id keyid a\n"
                                       "  ikev2 negotiation-direction initiator\n");
    assert_contains(r.said, "FILE:5:3: warning: Tunnel0.0 never comes up");
    resolution_free(&r);
}

static void R45_addresses_of_another_family_than_the_peer_are_reported(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  ikev2 source-address 2001:db8::1\n"
                                             "  ikev2 outgoing-interface GigaEthernet0.0 2001:db8::fe\n");
    assert_contains(r.said,
                    "FILE:7:3: warning: this address can't be used with the peer of Tunnel0.0, whose address "
                    "is IPv4");
    assert_contains(r.said, "FILE:8:3: warning: this address can't be used");
    resolution_free(&r);
}

static void S3_ids_of_type_dn_come_with_certificates(void **state)
{
    (void)state;
    assert_incomplete("ikev2 authentication psk id dn CN=a key char b\n"
                      "interface Tunnel0.0\n"
                      "  tunnel mode ipsec-ikev2\n"
                      "  ikev2 peer any authentication psk id dn CN=a\n",
                      "FILE:4:3: warning: an ID of type dn is for certificates: Tunnel0.0 stays down");
    struct resolution r = resolve_text("interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 cert cacert name ca\n"
                                       "  ikev2 cert mycert name my\n"
                                       "  ikev2 local-authentication rsa id dn CN=b\n"
                                       "  ikev2 peer any authentication rsa id dn \"C=JP, CN=a\"\n");
    char id[IDENTITY_WORDS_SIZE];
    assert_true(policy_of(&r, "Tunnel0.0")->complete);
    assert_string_equal(identity_words(&policy_of(&r, "Tunnel0.0")->remote_id, id), "dn \"C=JP, CN=a\"");
    resolution_free(&r);
}

static void S3_distinguished_names_are_one_id_however_they_are_written(void **state)
{
    (void)state;
    static const char *const written[] = {"\"C=JP, CN=site 1\"", "\"c=jp,cn=SITE  1\"",
                                          "\"/C=JP/CN=site 1\""};
    struct identity ids[3];
    for (size_t i = 0; i < 3; i++) {
        char text[300];
        (void)snprintf(text, sizeof text,
                       "interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n  ikev2 cert cacert name ca\n"
                       "  ikev2 peer any authentication rsa id dn %s\n",
                       written[i]);
        struct resolution r = resolve_text(text);
        ids[i] = policy_of(&r, "Tunnel0.0")->remote_id;
        resolution_free(&r);
    }
    assert_true(identity_equal(&ids[0], &ids[1]));
    assert_true(identity_equal(&ids[0], &ids[2]));
    assert_int_equal(identity_hash(&ids[0]), identity_hash(&ids[1]));
    ids[1].value[ids[1].length - 1] ^= 1;
    assert_false(identity_equal(&ids[0], &ids[1]));
}

/* A certificate store for the test: `ca` and `my`, and `keyless` without a key. */
static enum certificate_state some_certificates(const void *store, const char *name)
{
    (void)store;
    if (strcmp(name, "keyless") == 0)
        return CERTIFICATE_WITHOUT_KEY;
    return strcmp(name, "ca") == 0 || strcmp(name, "my") == 0 ? CERTIFICATE_THERE : CERTIFICATE_MISSING;
}

static bool some_trouble(const void *store, const char *name, const struct identity *id,
                         struct pki_reason *trouble)
{
    (void)store;
    assert_string_equal(name, "my");
    if (id->length == strlen("a.example"))
        return false;
    (void)pki_refuse(trouble, "it is that of another");
    return true;
}

static void S34_a_certificate_that_peers_will_refuse_is_told_with_the_lines(void **state)
{
    static const struct {
        const char *id, *warning;
    } cases[] = {
        {"a.example", ""},
        {"other.example",
         "FILE:3:3: warning: peers will refuse `my` as the certificate of Tunnel0.0: it is that of "
         "another; the ID is in line 5"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[500];
        (void)snprintf(text, sizeof text,
                       "interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n  ikev2 cert mycert name my\n"
                       "  ikev2 cert cacert name ca\n  ikev2 local-authentication rsa id fqdn %s\n"
                       "  ikev2 peer any authentication rsa id fqdn b.example\n",
                       cases[i].id);
        const struct resolve_surroundings surroundings = {.certificate = some_certificates,
                                                          .own_certificate_trouble = some_trouble};
        struct resolution r = resolve_with(text, &surroundings);
        assert_contains(r.said, cases[i].warning);
        assert_int_equal(strstr(r.said, "peers will refuse") != NULL, cases[i].warning[0] != '\0');
        assert_true(policy_of(&r, "Tunnel0.0")->complete);
        resolution_free(&r);
    }
}

static void R92_certificates_are_wanted_where_an_end_uses_them(void **state)
{
    static const struct {
        const char *lines, *warning;
    } cases[] = {
        {"  ikev2 cert cacert name ca\n  ikev2 cert mycert name my\n", ""},
        {"  ikev2 cert mycert name my\n",
         "FILE:5:3: warning: the peer authenticates itself by certificate, and there is no `cert cacert`: "
         "Tunnel0.0 stays down"},
        {"  ikev2 cert cacert name ca\n",
         "FILE:4:3: warning: this device authenticates itself by certificate, and there is no `cert mycert`: "
         "Tunnel0.0 stays down"},
        {"  ikev2 cert cacert name other\n  ikev2 cert mycert name my\n",
         "FILE:3:3: warning: no certificate `other` has been imported: Tunnel0.0 stays down"},
        {"  ikev2 cert cacert name ca\n  ikev2 cert mycert name other\n",
         "FILE:4:3: warning: no certificate `other` has been imported: Tunnel0.0 stays down"},
        {"  ikev2 cert cacert name keyless\n  ikev2 cert mycert name keyless\n",
         "FILE:4:3: warning: the certificate `keyless` has no private key: Tunnel0.0 stays down"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[500];
        (void)snprintf(text, sizeof text,
                       "interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n%s"
                       "  ikev2 local-authentication rsa id fqdn a.example\n"
                       "  ikev2 peer any authentication rsa id fqdn b.example\n",
                       cases[i].lines);
        const struct resolve_surroundings surroundings = {.certificate = some_certificates};
        struct resolution r = resolve_with(text, &surroundings);
        const struct tunnel_policy *policy = policy_of(&r, "Tunnel0.0");
        assert_contains(r.said, cases[i].warning);
        assert_int_equal(policy->complete, cases[i].warning[0] == '\0');
        resolution_free(&r);
    }
}

static void R92_a_policy_names_its_certificates_and_their_lines(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 default-profile\n"
                                       "  cert cacert name far\n"
                                       "  cert mycert name my\n"
                                       "  cert weak-allowed\n"
                                       "interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 cert cacert name near\n"
                                       "  ikev2 peer any authentication rsa id fqdn b.example\n"
                                       "interface Tunnel1.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 cert weak-allowed off\n"
                                       "  ikev2 peer any authentication rsa id fqdn c.example\n");
    const struct tunnel_policy *policy = policy_of(&r, "Tunnel0.0");
    assert_string_equal(policy->cacert, "near");
    assert_string_equal(policy->mycert, "my");
    assert_true(policy->weak_certificates);
    assert_int_equal(policy->line[SETTING_CERT_CACERT], 7);
    assert_int_equal(policy->line[SETTING_CERT_MYCERT], 3);
    assert_int_equal(policy->line[SETTING_CERT_WEAK], 4);
    policy = policy_of(&r, "Tunnel1.0");
    assert_string_equal(policy->cacert, "far");
    assert_false(policy->weak_certificates);
    assert_int_equal(policy->line[SETTING_CERT_WEAK], 11);
    resolution_free(&r);
}

static void a_policy_records_shutdown(void **state)
{
    (void)state;
    struct resolution r = resolve_tunnel("", "  shutdown\n");
    assert_true(policy_of(&r, "Tunnel0.0")->shut_down);
    assert_true(policy_of(&r, "Tunnel0.0")->complete);
    resolution_free(&r);
}

static void S14_tunnel_mode_ipsec_is_told_as_ikev1(void **state)
{
    (void)state;
    struct resolution r = resolve_text("interface Tunnel0.0\n  tunnel mode ipsec\n"
                                       "interface Tunnel1.0\n  tunnel mode ether-ip ipsec\n");
    assert_contains(r.said,
                    "FILE:2:3: warning: `tunnel mode ipsec` is IKEv1, which Musubi does not speak: Tunnel0.0 "
                    "stays down; IKEv2 is `tunnel mode ipsec-ikev2`\n");
    assert_contains(r.said, "FILE:4:3: warning: this tunnel mode is not supported: Tunnel1.0 stays down\n");
    assert_false(policy_of(&r, "Tunnel0.0")->complete);
    resolution_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R20_everything_may_be_omitted),
        cmocka_unit_test(R21_for_each_setting_the_nearest_level_counts),
        cmocka_unit_test(R21_a_nearer_list_replaces_a_farther_one),
        cmocka_unit_test(R21_off_and_none_undo_a_farther_level),
        cmocka_unit_test(every_setting_reaches_the_policy),
        cmocka_unit_test(S11_child_pfs_off_allows_only_no_pfs),
        cmocka_unit_test(R44_the_forms_of_outgoing_interface),
        cmocka_unit_test(R45_source_by_address_or_interface),
        cmocka_unit_test(R71_selectors_are_ranges),
        cmocka_unit_test(too_many_selectors_leave_a_tunnel_down),
        cmocka_unit_test(R31_an_fqdn_peer_without_id_has_its_fqdn),
        cmocka_unit_test(S17_a_peer_by_address_without_id_has_its_address),
        cmocka_unit_test(S17_without_local_authentication_the_source_address_is_the_id),
        cmocka_unit_test(R30_keys_are_found_by_type_and_value),
        cmocka_unit_test(S12_the_later_key_wins_for_names_that_differ_in_case),
        cmocka_unit_test(key_numbers_survive_edits),
        cmocka_unit_test(R51_both_mode_and_peer_are_needed),
        cmocka_unit_test(S4_without_mode_or_peer_a_tunnel_is_not_defined),
        cmocka_unit_test(S12_undefined_references_are_reported_with_their_line),
        cmocka_unit_test(S16_a_device_defines_its_interface),
        cmocka_unit_test(S12_an_id_without_a_key_is_reported),
        cmocka_unit_test(S34_a_key_that_only_the_router_can_read_or_of_another_type_of_id_is_pointed_at),
        cmocka_unit_test(S14_a_tunnel_with_a_foreign_mode_stays_down),
        cmocka_unit_test(S24_lifetimes_not_longer_than_the_rekey_margin_are_reported),
        cmocka_unit_test(S28_nat_traversal_without_keepalive_uses_20_seconds),
        cmocka_unit_test(a_selector_by_ports_of_a_protocol_without_ports_is_reported),
        cmocka_unit_test(R63_suppressing_send_delete_alone_is_reported),
        cmocka_unit_test(S20_any_that_only_initiates_never_comes_up),
        cmocka_unit_test(R45_addresses_of_another_family_than_the_peer_are_reported),
        cmocka_unit_test(S3_ids_of_type_dn_come_with_certificates),
        cmocka_unit_test(S3_distinguished_names_are_one_id_however_they_are_written),
        cmocka_unit_test(S34_a_certificate_that_peers_will_refuse_is_told_with_the_lines),
        cmocka_unit_test(R92_certificates_are_wanted_where_an_end_uses_them),
        cmocka_unit_test(R92_a_policy_names_its_certificates_and_their_lines),
        cmocka_unit_test(a_policy_records_shutdown),
        cmocka_unit_test(S14_tunnel_mode_ipsec_is_told_as_ikev1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
