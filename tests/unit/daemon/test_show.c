/* daemon/show/ike_sa.h and daemon/show/child_sa.h: lists 2.25.17, 2.25.18 and 2.25.6 of the manual, to the
 * letter.
 */
#include "daemon/show/child_sa.h"
#include "daemon/show/ike_sa.h"
#include "daemon/show/key_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { NOW = 1000000 };

static struct ip_address address(const char *text)
{
    struct ip_address a;
    assert_true(ip_address_parse(text, &a));
    return a;
}

static struct identity identity(uint8_t type, const void *value, size_t length)
{
    struct identity id = {.type = type, .length = (uint16_t)length};
    memcpy(id.value, value, length);
    return id;
}

/* Keys whose digits tell which they are. */
static void key_fill(uint8_t *at, size_t length, uint8_t first)
{
    for (size_t i = 0; i < length; i++)
        at[i] = (uint8_t)(first + i);
}

/* The SA of lists 2.25.17 and 2.25.18, whose keys the manual cuts short. */
static struct ike_record *sample(void)
{
    struct ike_record *sa = calloc(1, sizeof(*sa));
    *sa = (struct ike_record){
        .serial = 11,
        .tunnel = 1,
        .has_tunnel = true,
        .state = IKE_SA_ESTABLISHED,
        .initiator = true,
        .spi_i = UINT64_C(0xf633bdfd0188a348),
        .spi_r = UINT64_C(0xc35d1aa6e0ce1c67),
        .local = {address("10.1.0.1"), 500},
        .remote = {address("10.2.0.1"), 500},
        .suite = {encryption_by_id(ENCR_AES_CBC, 256), integrity_by_id(AUTH_HMAC_SHA1_96),
                  prf_by_id(PRF_HMAC_SHA1), key_exchange_by_id(KE_MODP_1536)},
        .local_id = identity(ID_IPV4_ADDR, "\x0a\x01\x00\x01", 4),
        .remote_id = identity(ID_IPV4_ADDR, "\x0a\x02\x00\x01", 4),
        .request_id = 2,
        .expected_id = 0,
        .expires = NOW + 86381 * 1000 + 999,
        .child_count = 1,
    };
    key_fill(sa->keys.ei, sizeof(sa->keys.ei), 0xa0);
    key_fill(sa->keys.er, sizeof(sa->keys.er), 0x00);
    key_fill(sa->keys.ai, sizeof(sa->keys.ai), 0xf0);
    key_fill(sa->keys.ar, sizeof(sa->keys.ar), 0x60);
    struct ike_child_record *child = &sa->children[0];
    *child = (struct ike_child_record){
        .suite = {encryption_by_id(ENCR_AES_CBC, 256), integrity_by_id(AUTH_HMAC_SHA1_96)},
        .initiator = true,
        .installed = true,
        .expires = NOW + 28780 * 1000,
        .inbound = {.spi = 0x1511ab8e, .serial = 3},
        .outbound = {.spi = 0x571a182d, .serial = 4},
        .local_ts = {.count = 1, .ts[0] = {0, 0, 65535, address("0.0.0.0"), address("255.255.255.255")}},
        .remote_ts = {.count = 1, .ts[0] = {0, 0, 65535, address("0.0.0.0"), address("255.255.255.255")}},
    };
    key_fill(child->inbound.encryption_key, ENCRYPTION_KEY_MAX, 0xba);
    key_fill(child->inbound.integrity_key, INTEGRITY_KEY_MAX, 0x5c);
    key_fill(child->outbound.encryption_key, ENCRYPTION_KEY_MAX, 0xac);
    key_fill(child->outbound.integrity_key, INTEGRITY_KEY_MAX, 0x4d);
    return sa;
}

static struct tunnel_policy sample_policy(void)
{
    return (struct tunnel_policy){
        .name = "Tunnel0.0",
        .anti_replay = true,
        .child = {.pfs = UINT32_C(1) << (key_exchange_by_id(KE_MODP_2048) - key_exchange_methods)},
        .nat_keepalive = 20,
    };
}

static void assert_shows(const char *expected, struct text *text)
{
    assert_string_equal(text_get(text), expected);
    text_free(text);
}

static void R100_show_ikev2_sa_is_list_2_25_17(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct tunnel_policy policy = sample_policy();
    struct text text = {0};

    show_ike_sa(sa, &policy, NOW, &text);

    assert_shows("  SPI (I)0xf633bdfd0188a348  (R)0xc35d1aa6e0ce1c67\n"
                 "    Remain lifetime[sec] : 86381\n"
                 "    Serial : 11\n"
                 "    Direction : initiator\n"
                 "    Local Addr  : 10.1.0.1:500\n"
                 "    Remote Addr : 10.2.0.1:500\n"
                 "    Local ID : IPv4-ADDR 10.1.0.1\n"
                 "    Peer ID  : IPv4-ADDR 10.2.0.1\n"
                 "    Status : establish\n"
                 "    Local message ID : 2\n"
                 "    Peer message ID  : 0\n"
                 "    Encryption alg : AES-CBC-256\n"
                 "      initiator key : 0xa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf\n"
                 "      responder key : 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
                 "    Integrity alg : HMAC-SHA1-96\n"
                 "      initiator key : 0xf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00010203\n"
                 "      responder key : 0x606162636465666768696a6b6c6d6e6f70717273\n"
                 "    PRF alg  : HMAC-SHA1\n"
                 "    DH group : MODP-1536\n"
                 "    PFS : MODP-2048\n"
                 "    DPD : disable\n"
                 "    Child\n"
                 "      Prot SPI(IN)    SPI(OUT)   Lifetime[sec]\n"
                 "      ESP  0x1511ab8e 0x571a182d 28780\n",
                 &text);
    free(sa);
}

static void S33_aead_has_no_integrity_keys_and_shows_its_salt(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct tunnel_policy policy = sample_policy();
    struct text text = {0};
    sa->suite.encryption = encryption_by_id(ENCR_AES_GCM_16, 128);
    sa->suite.integrity = NULL;

    show_ike_sa(sa, &policy, NOW, &text);

    assert_non_null(strstr(text_get(&text),
                           "    Encryption alg : AES-GCM-128\n"
                           "      initiator key : 0xa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3\n"
                           "      responder key : 0x000102030405060708090a0b0c0d0e0f10111213\n"
                           "    Integrity alg : none\n"
                           "    PRF alg  : HMAC-SHA1\n"));
    text_free(&text);
    free(sa);
}

static void R76_nat_traversal_follows_dpd(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct tunnel_policy policy = sample_policy();
    struct text text = {0};
    policy.dpd_interval = 10;
    policy.child.pfs = 0;
    sa->encapsulate = true;
    sa->nat_local = true;
    sa->remote = (struct ip_endpoint){address("2001:db8::2"), 4500};
    sa->remote_id = identity(ID_KEY_ID, "site2", 5);

    show_ike_sa(sa, &policy, NOW, &text);

    assert_non_null(strstr(text_get(&text), "    PFS : off\n"
                                            "    DPD : 10 sec\n"
                                            "    NAT detection : local side\n"
                                            "    NAT-T keepalive interval[sec] : 20\n"
                                            "    Child\n"));
    assert_non_null(strstr(text_get(&text), "    Remote Addr : [2001:db8::2]:4500\n"));
    assert_non_null(strstr(text_get(&text), "    Peer ID  : KEY-ID site2\n"));
    text_free(&text);
    free(sa);
}

static void sa_under_negotiation_has_no_keys_to_show(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct tunnel_policy policy = sample_policy();
    struct text text = {0};
    sa->state = IKE_SA_INITIATING;
    sa->suite = (struct ike_suite){0};
    sa->expires = MSEC_NEVER;
    sa->child_count = 0;

    show_ike_sa(sa, &policy, NOW, &text);

    assert_non_null(strstr(text_get(&text), "    Status : negotiating\n"));
    assert_null(strstr(text_get(&text), "key"));
    text_free(&text);
    free(sa);
}

static void R101_show_ikev2_child_sa_is_list_2_25_18(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct tunnel_policy policy = sample_policy();
    struct path_totals totals = {{0}};
    struct history history = {0};
    struct text text = {0};
    setenv("TZ", "JST-9", 1);
    tzset();
    totals.counters[ESP_OUT_PACKETS] = totals.counters[ESP_IN_PACKETS] = 9;
    totals.counters[ESP_OUT_OCTETS] = totals.counters[ESP_IN_OCTETS] = 756;
    totals.counters[ESP_OUT_MISC_ERROR] = 122;
    history_add_create(&history, 1293840040);
    history_add_delete(&history, 1293877323, "Delete IKE SA by command");
    history_add_create(&history, 1293877349);

    show_child_sas(sa, &policy, NOW + 4000, &text);
    show_child_statistics(&totals, &history, &text);

    assert_shows("  IKE Peer ID : IPv4-ADDR 10.2.0.1\n"
                 "    IKE SPI (I)0xf633bdfd0188a348  (R)0xc35d1aa6e0ce1c67\n"
                 "    IKE SA serial : 11\n"
                 "    Child SA\n"
                 "      Protocol : ESP\n"
                 "      Local Addr : 10.1.0.1\n"
                 "      Peer Addr  : 10.2.0.1\n"
                 "      Enc alg  : AES-CBC-256\n"
                 "      Hash alg : HMAC-SHA1-96\n"
                 "      Remain lifetime[sec] : 28776\n"
                 "      Anti-replay : on\n"
                 "      Direction is outbound\n"
                 "        SPI : 0x571a182d\n"
                 "        Serial : 4\n"
                 "        Authkey : 0x4d4e4f505152535455565758595a5b5c5d5e5f60\n"
                 "        Enckey  : 0xacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacb\n"
                 "      Direction is inbound\n"
                 "        SPI : 0x1511ab8e\n"
                 "        Serial : 3\n"
                 "        Authkey : 0x5c5d5e5f606162636465666768696a6b6c6d6e6f\n"
                 "        Enckey  : 0xbabbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9\n"
                 "      Local TS:\n"
                 "      TS type : IPV4-ADDR-RANGE\n"
                 "        Protocol 0\n"
                 "        Address Range 0.0.0.0 to 255.255.255.255\n"
                 "        Port Range 0 to 65535\n"
                 "      Peer TS:\n"
                 "      TS type : IPV4-ADDR-RANGE\n"
                 "        Protocol 0\n"
                 "        Address Range 0.0.0.0 to 255.255.255.255\n"
                 "        Port Range 0 to 65535\n"
                 "    Statistics\n"
                 "      Outbound\n"
                 "        9 packets, 756 octets\n"
                 "        0 cipher failure,  0 out of memory, 0 ts unacceptable\n"
                 "        122 misc error\n"
                 "      Inbound\n"
                 "        9 packets, 756 octets\n"
                 "        0 invalid sa, 0 replay detected, 0 integrity failure\n"
                 "        0 cipher failure, 0 packet truncated, 0 invalid padding,\n"
                 "        0 unknown protocol, 0 out of memory, 0 ts unacceptable\n"
                 "        0 misc error\n"
                 "    History\n"
                 "      Time                Event\n"
                 "      2011/01/01 09:00:40 Create\n"
                 "      2011/01/01 19:22:03 Delete : Delete IKE SA by command\n"
                 "      2011/01/01 19:22:29 Create\n",
                 &text);
    free(sa);
}

static void S33_several_child_sas_stand_newest_first(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct tunnel_policy policy = sample_policy();
    struct text of_ike = {0};
    struct text of_children = {0};
    sa->children[1] = sa->children[0]; /* a record has the newest first */
    sa->children[0].inbound.spi = 0x22222222;
    sa->child_count = 2;

    show_ike_sa(sa, &policy, NOW, &of_ike);
    show_child_sas(sa, &policy, NOW, &of_children);

    const char *newest = strstr(text_get(&of_ike), "0x22222222");
    assert_non_null(newest);
    assert_non_null(strstr(newest, "0x1511ab8e"));
    newest = strstr(text_get(&of_children), "0x22222222");
    assert_non_null(newest);
    assert_non_null(strstr(newest, "0x1511ab8e"));
    text_free(&of_ike);
    text_free(&of_children);
    free(sa);
}

static void S33_each_selector_has_a_block(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct tunnel_policy policy = sample_policy();
    struct text text = {0};
    struct selector_list *local = &sa->children[0].local_ts;
    local->count = 2;
    local->ts[1] = (struct traffic_selector){6, 80, 80, address("2001:db8::"), address("2001:db8::ffff")};
    sa->children[0].suite = (struct ike_suite){.encryption = encryption_by_id(ENCR_AES_GCM_16, 256)};

    show_child_sas(sa, &policy, NOW, &text);

    assert_non_null(strstr(text_get(&text), "      TS type : IPV4-ADDR-RANGE\n"
                                            "        Protocol 0\n"
                                            "        Address Range 0.0.0.0 to 255.255.255.255\n"
                                            "        Port Range 0 to 65535\n"
                                            "      TS type : IPV6-ADDR-RANGE\n"
                                            "        Protocol 6\n"
                                            "        Address Range 2001:db8:: to 2001:db8::ffff\n"
                                            "        Port Range 80 to 80\n"
                                            "      Peer TS:\n"));
    assert_non_null(strstr(text_get(&text), "      Hash alg : none\n"));
    assert_null(strstr(text_get(&text), "Authkey"));
    text_free(&text);
    free(sa);
}

static void identities_that_cannot_be_printed_are_hexadecimal(void **state)
{
    (void)state;
    struct text text = {0};
    const struct identity key = identity(ID_KEY_ID, "a\033b", 3);
    const struct identity name = identity(ID_DER_ASN1_DN, "\x30\x00", 2);

    show_identity(&key, &text);
    assert_shows("KEY-ID 0x611b62", &text);
    show_identity(&name, &text);
    assert_shows("DER-ASN1-DN 0x3000", &text);
}

static void S33_key_tables_are_as_wireshark_wants_them(void **state)
{
    (void)state;
    struct ike_record *sa = sample();
    struct text text = {0};

    show_ike_key_row(sa, &text);
    show_esp_key_rows(sa, &text);
    assert_shows(
        "ikev2_decryption_table:f633bdfd0188a348,c35d1aa6e0ce1c67,"
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf,"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f,\"AES-CBC-256 [RFC3602]\","
        "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00010203,606162636465666768696a6b6c6d6e6f70717273,"
        "\"HMAC_SHA1_96 [RFC2404]\"\n"
        "esp_sa:\"IPv4\",\"10.1.0.1\",\"10.2.0.1\",\"0x571a182d\",\"AES-CBC [RFC3602]\","
        "\"0xacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacb\",\"HMAC-SHA-1-96 [RFC2404]\","
        "\"0x4d4e4f505152535455565758595a5b5c5d5e5f60\"\n"
        "esp_sa:\"IPv4\",\"10.2.0.1\",\"10.1.0.1\",\"0x1511ab8e\",\"AES-CBC [RFC3602]\","
        "\"0xbabbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9\",\"HMAC-SHA-1-96 [RFC2404]\","
        "\"0x5c5d5e5f606162636465666768696a6b6c6d6e6f\"\n",
        &text);

    sa->suite.encryption = encryption_by_id(ENCR_AES_GCM_16, 128);
    sa->suite.integrity = NULL;
    sa->child_count = 0;
    show_ike_key_row(sa, &text);
    show_esp_key_rows(sa, &text);
    assert_shows("ikev2_decryption_table:f633bdfd0188a348,c35d1aa6e0ce1c67,"
                 "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3,000102030405060708090a0b0c0d0e0f10111213,"
                 "\"AES-GCM-128 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"\n",
                 &text);

    sa->suite = (struct ike_suite){0};
    show_ike_key_row(sa, &text);
    assert_shows("", &text);
    free(sa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R100_show_ikev2_sa_is_list_2_25_17),
        cmocka_unit_test(S33_aead_has_no_integrity_keys_and_shows_its_salt),
        cmocka_unit_test(R76_nat_traversal_follows_dpd),
        cmocka_unit_test(sa_under_negotiation_has_no_keys_to_show),
        cmocka_unit_test(S33_key_tables_are_as_wireshark_wants_them),
        cmocka_unit_test(R101_show_ikev2_child_sa_is_list_2_25_18),
        cmocka_unit_test(S33_several_child_sas_stand_newest_first),
        cmocka_unit_test(S33_each_selector_has_a_block),
        cmocka_unit_test(identities_that_cannot_be_printed_are_hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
