/* Lists 2.25.1 and 2.25.2 of the manual, from text to policy. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "config/host_settings.h"
#include "config/identity.h"
#include "crypto/key_exchange.h"

static struct resolution resolve_file(const char *name)
{
    char *text = read_file(name);
    struct resolution r = resolve_text(text);
    free(text);
    return r;
}

static algorithm_set only_encryption(const char *word)
{
    return UINT32_C(1) << (encryption_by_word(word) - encryption_algorithms);
}

static void assert_key_is(const struct resolution *r, key_number number, const char *secret)
{
    struct octets key = key_table_secret(r->keys, number);
    assert_int_equal(key.length, strlen(secret));
    assert_memory_equal(key.at, secret, key.length);
}

static void R24_site_1_pins_its_proposals(void **state)
{
    (void)state;
    struct resolution r = resolve_file("manual/list-2.25.1.cfg");
    assert_string_equal(r.said, "");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel1.0");
    assert_true(p->complete);
    assert_false(p->shut_down);
    assert_int_equal(p->ike.encryption, only_encryption("aes-cbc-256"));
    assert_int_equal(p->child.encryption, only_encryption("aes-cbc-256"));
    assert_int_equal(p->ike.integrity, 1 << (integrity_by_word("sha1") - integrity_algorithms));
    assert_int_equal(p->ike.prf, 1 << (prf_by_word("sha1") - prf_algorithms));
    assert_int_equal(p->ike.dh, ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT));
    assert_int_equal(p->child.pfs, 1 << (key_exchange_by_word("2048-bit") - key_exchange_methods));
    assert_false(p->child.pfs_none);
    assert_int_equal(p->dpd_interval, 10);
    assert_int_equal(p->line[SETTING_DPD], 14);
    assert_int_equal(p->line[SETTING_SA_LIFETIME], 0);
    resolution_free(&r);
}

static void site_1_has_its_outgoing_interface_and_its_peer(void **state)
{
    (void)state;
    struct resolution r = resolve_file("manual/list-2.25.1.cfg");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel1.0");
    char text[IDENTITY_WORDS_SIZE];
    assert_int_equal(p->peer_kind, PEER_ADDRESS);
    assert_string_equal(ip_address_format(&p->peer_address, text), "10.2.0.1");
    assert_string_equal(identity_words(&p->remote_id, text), "keyid site2");
    assert_string_equal(identity_words(&p->local_id, text), "keyid site1");
    assert_key_is(&r, p->local_key, "secret1");
    assert_key_is(&r, p->remote_key, "secret2");
    assert_int_equal(p->outgoing, OUTGOING_NEXT_HOP);
    assert_string_equal(p->out_interface, "GigaEthernet0.0");
    assert_string_equal(ip_address_format(&p->out_next_hop, text), "10.0.0.254");
    resolution_free(&r);
}

static void R20_site_2_has_the_defaults_except_for_dpd(void **state)
{
    (void)state;
    struct resolution r = resolve_file("manual/list-2.25.2.cfg");
    assert_string_equal(r.said, "");
    const struct tunnel_policy *p = policy_of(&r, "Tunnel0.0");
    assert_true(p->complete);
    assert_int_equal(p->ike.encryption, ALGORITHM_SET_ALL(ENCRYPTION_COUNT));
    assert_int_equal(p->child.pfs, ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT));
    assert_true(p->child.pfs_none);
    assert_int_equal(p->sa_lifetime, 86400);
    assert_int_equal(p->child_lifetime, 28800);
    assert_true(p->anti_replay);
    assert_int_equal(p->connect_type, CONNECT_TRIGGER);
    assert_int_equal(p->direction, NEGOTIATE_BOTH);
    assert_int_equal(p->local_ts_count, 0);
    assert_false(p->nat_traversal);
    assert_int_equal(p->dpd_interval, 10);
    resolution_free(&r);
}

static void host_settings_have_interfaces_and_routes(void **state)
{
    (void)state;
    struct resolution r = resolve_file("manual/list-2.25.1.cfg");
    struct host_settings host;
    assert_true(host_settings_of(r.config, &host));
    assert_string_equal(host.host_name, "site1");
    assert_int_equal(host.interface_count, 3);
    assert_int_equal(host.route_count, 2);

    const struct configured_interface *lan = host_settings_interface(&host, "GigaEthernet1.0");
    char text[IP_TEXT_SIZE];
    assert_int_equal(lan->parts.kind, INTERFACE_GIGA_ETHERNET);
    assert_int_equal(lan->admin, ADMIN_UP);
    assert_string_equal(ip_prefix_format(&lan->ipv4_lines.addresses[0], text), "192.168.1.254/24");
    assert_string_equal(ip_prefix_format(&lan->ipv6_lines.addresses[0], text), "2001:db8:1::1/64");

    const struct configured_interface *tunnel = host_settings_interface(&host, "Tunnel1.0");
    assert_true(tunnel->tunnel_ikev2);
    assert_string_equal(tunnel->ipv4_lines.unnumbered, "GigaEthernet1.0");
    assert_true(tunnel->ipv6);
    assert_string_equal(tunnel->ipv6_lines.unnumbered, "GigaEthernet1.0");

    assert_int_equal(host.routes[0].target, ROUTE_INTERFACE);
    assert_int_equal(host.routes[1].prefix.address.family, IP_V6);
    assert_string_equal(host.routes[1].interface, "Tunnel1.0");
    host_settings_free(&host);
    resolution_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R24_site_1_pins_its_proposals),
        cmocka_unit_test(site_1_has_its_outgoing_interface_and_its_peer),
        cmocka_unit_test(R20_site_2_has_the_defaults_except_for_dpd),
        cmocka_unit_test(host_settings_have_interfaces_and_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
