/* Hostile and odd CREATE_CHILD_SA requests of a peer that is authenticated, and requests without end. */
#include "hostile_case.h"

#include "ike/wire/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

static void put_notify(struct message_writer *m, uint16_t notify)
{
    message_put_notify(m, PROTOCOL_NONE, nothing, notify, nothing);
}

static void put_ke(struct message_writer *m, uint16_t group, size_t length, uint8_t last)
{
    uint8_t value[KEY_EXCHANGE_SHARE_MAX] = {0};
    value[length - 1] = last;
    message_put_ke(m, group, (struct octets){value, length});
}

static void put_rekey_of(struct message_writer *m, struct octets spi)
{
    message_put_notify(m, PROTOCOL_ESP, spi, NOTIFY_REKEY_SA, nothing);
}

/* ---- Payloads that are not there --------------------------------------------------------------------------
 */

static void no_payloads(struct stage *s, struct message_writer *m)
{
    (void)s;
    (void)m;
}

static void no_sa(struct stage *s, struct message_writer *m)
{
    (void)s;
    put_nonce(m, HIGHEST);
    put_any_selectors(m);
}

static void no_nonce(struct stage *s, struct message_writer *m)
{
    put_esp_offer(s, m, SECOND_CHILD, NULL);
    put_any_selectors(m);
}

static void no_selectors(struct stage *s, struct message_writer *m)
{
    put_esp_offer(s, m, SECOND_CHILD, NULL);
    put_nonce(m, HIGHEST);
}

static void no_tsr(struct stage *s, struct message_writer *m)
{
    const struct selector_list any = selectors_of_policy(NULL, 0);
    put_esp_offer(s, m, SECOND_CHILD, NULL);
    put_nonce(m, HIGHEST);
    selectors_put(m, PAYLOAD_TSI, &any);
}

static void no_ke(struct stage *s, struct message_writer *m)
{
    put_esp_offer(s, m, SECOND_CHILD, "2048-bit");
    put_nonce(m, HIGHEST);
    put_any_selectors(m);
}

/* ---- Nonces and KE ----------------------------------------------------------------------------------------
 */

static void nonce_of(struct stage *s, struct message_writer *m, size_t length)
{
    put_esp_offer(s, m, SECOND_CHILD, NULL);
    message_put_nonce(m, (struct octets){some_octets, length});
    put_any_selectors(m);
}

static void nonce_empty(struct stage *s, struct message_writer *m)
{
    nonce_of(s, m, 0);
}

static void nonce_short(struct stage *s, struct message_writer *m)
{
    nonce_of(s, m, NONCE_SIZE_MIN - 1);
}

static void nonce_long(struct stage *s, struct message_writer *m)
{
    nonce_of(s, m, NONCE_SIZE_MAX + 1);
}

static void nonce_smallest(struct stage *s, struct message_writer *m)
{
    nonce_of(s, m, NONCE_SIZE_MIN);
}

static void nonce_largest(struct stage *s, struct message_writer *m)
{
    nonce_of(s, m, NONCE_SIZE_MAX);
}

static void child_with_ke(struct stage *s, struct message_writer *m, uint16_t group, size_t length,
                          uint8_t last)
{
    put_esp_offer(s, m, SECOND_CHILD, "2048-bit");
    put_nonce(m, HIGHEST);
    put_ke(m, group, length, last);
    put_any_selectors(m);
}

static void ke_of_another_group(struct stage *s, struct message_writer *m)
{
    child_with_ke(s, m, KE_MODP_1024, 128, 9);
}

static void ke_of_an_unknown_group(struct stage *s, struct message_writer *m)
{
    child_with_ke(s, m, 31, 32, 9);
}

static void ke_short(struct stage *s, struct message_writer *m)
{
    child_with_ke(s, m, KE_MODP_2048, 255, 9);
}

static void ke_long(struct stage *s, struct message_writer *m)
{
    child_with_ke(s, m, KE_MODP_2048, 257, 9);
}

static void ke_zero(struct stage *s, struct message_writer *m)
{
    child_with_ke(s, m, KE_MODP_2048, 256, 0);
}

static void ke_one(struct stage *s, struct message_writer *m)
{
    child_with_ke(s, m, KE_MODP_2048, 256, 1);
}

static void ke_without_group_offered(struct stage *s, struct message_writer *m)
{
    put_esp_offer(s, m, SECOND_CHILD, NULL);
    put_nonce(m, HIGHEST);
    put_ke(m, KE_MODP_2048, 256, 9);
    put_any_selectors(m);
}

/* ---- REKEY_SA ---------------------------------------------------------------------------------------------
 */

static void rekey_of(struct stage *s, struct message_writer *m, struct octets spi)
{
    put_rekey_of(m, spi);
    put_child(s, m, SECOND_CHILD, HIGHEST);
}

static void rekey_of_an_unknown_spi(struct stage *s, struct message_writer *m)
{
    rekey_of(s, m, (struct octets){some_octets, 4});
}

static void rekey_of_our_own_spi(struct stage *s, struct message_writer *m)
{
    uint8_t spi[4];
    store_u32be(spi, s->p->child_spi);
    rekey_of(s, m, (struct octets){spi, sizeof spi});
}

static void rekey_without_spi(struct stage *s, struct message_writer *m)
{
    rekey_of(s, m, nothing);
}

static void rekey_with_an_spi_of_8(struct stage *s, struct message_writer *m)
{
    static const uint8_t spi[8] = {0xc0, 0, 0, 1};
    rekey_of(s, m, (struct octets){spi, sizeof spi});
}

/* ---- What we do not do (R17, S8)
 * ---------------------------------------------------------------------------- */

static void transport_mode(struct stage *s, struct message_writer *m)
{
    put_notify(m, NOTIFY_USE_TRANSPORT_MODE);
    put_child(s, m, SECOND_CHILD, HIGHEST);
}

static void ipcomp(struct stage *s, struct message_writer *m)
{
    static const uint8_t cpi_and_deflate[] = {0x12, 0x34, 2};
    message_put_notify(m, PROTOCOL_NONE, nothing, NOTIFY_IPCOMP_SUPPORTED,
                       (struct octets){cpi_and_deflate, sizeof cpi_and_deflate});
    put_child(s, m, SECOND_CHILD, HIGHEST);
}

static void configuration_payload(struct stage *s, struct message_writer *m)
{
    static const uint8_t request_of_an_address[] = {1, 0, 0, 0, 0, 1, 0, 0};
    put_raw(m, PAYLOAD_CP, request_of_an_address, sizeof request_of_an_address);
    put_child(s, m, SECOND_CHILD, HIGHEST);
}

/* ---- Rekeys of the IKE SA
 * ---------------------------------------------------------------------------------- */

static void ike_of_spi(struct stage *s, struct message_writer *m, struct octets spi)
{
    put_offer_with_spi(s, m, PROTOCOL_IKE, spi);
    put_nonce(m, HIGHEST);
    put_ke(m, KE_MODP_2048, 256, 9);
}

static void ike_spi_zero(struct stage *s, struct message_writer *m)
{
    static const uint8_t spi[8];
    ike_of_spi(s, m, (struct octets){spi, sizeof spi});
}

static void ike_spi_of_4(struct stage *s, struct message_writer *m)
{
    ike_of_spi(s, m, (struct octets){some_octets, 4});
}

static void ike_without_spi(struct stage *s, struct message_writer *m)
{
    ike_of_spi(s, m, nothing);
}

static void ike_with_ke(struct stage *s, struct message_writer *m, uint16_t group, size_t length,
                        uint8_t last)
{
    put_offer_with_spi(s, m, PROTOCOL_IKE, (struct octets){some_octets, 8});
    put_nonce(m, HIGHEST);
    put_ke(m, group, length, last);
}

static void ike_ke_of_another_group(struct stage *s, struct message_writer *m)
{
    ike_with_ke(s, m, KE_MODP_1536, 192, 9);
}

static void ike_ke_one(struct stage *s, struct message_writer *m)
{
    ike_with_ke(s, m, KE_MODP_2048, 256, 1);
}

static void ike_without_ke(struct stage *s, struct message_writer *m)
{
    put_offer_with_spi(s, m, PROTOCOL_IKE, (struct octets){some_octets, 8});
    put_nonce(m, HIGHEST);
}

static void ike_nonce_short(struct stage *s, struct message_writer *m)
{
    put_offer_with_spi(s, m, PROTOCOL_IKE, (struct octets){some_octets, 8});
    message_put_nonce(m, (struct octets){some_octets, 15});
    put_ke(m, KE_MODP_2048, 256, 9);
}

static void ike_without_prf(struct stage *s, struct message_writer *m)
{
    struct ike_suite suite = s->p->suite;
    suite.prf = NULL;
    proposal_put_choice(m, PROTOCOL_IKE, 1, (struct octets){some_octets, 8}, &suite);
    put_nonce(m, HIGHEST);
    put_ke(m, KE_MODP_2048, 256, 9);
}

static const struct create_case create_cases[] = {
    {"no payloads", "1.3", no_payloads, NOTIFY_INVALID_SYNTAX, false},
    {"no SA payload", "1.3.1", no_sa, NOTIFY_INVALID_SYNTAX, false},
    {"no nonce", "1.3.1", no_nonce, NOTIFY_INVALID_SYNTAX, false},
    {"no selectors", "1.3.1", no_selectors, NOTIFY_INVALID_SYNTAX, false},
    {"no TSr", "1.3.1", no_tsr, NOTIFY_INVALID_SYNTAX, false},
    {"a group and no KE", "1.3.1", no_ke, NOTIFY_INVALID_KE_PAYLOAD, true},
    {"an empty nonce", "3.9", nonce_empty, NOTIFY_INVALID_SYNTAX, false},
    {"a nonce of 15 octets", "3.9", nonce_short, NOTIFY_INVALID_SYNTAX, false},
    {"a nonce of 257 octets", "3.9", nonce_long, NOTIFY_INVALID_SYNTAX, false},
    {"a nonce of 16 octets", "3.9", nonce_smallest, MADE, true},
    {"a nonce of 256 octets", "3.9", nonce_largest, MADE, true},
    {"a KE of another group than the chosen one", "1.3", ke_of_another_group, NOTIFY_INVALID_KE_PAYLOAD,
     true},
    {"a KE of a group that nobody here knows", "1.3", ke_of_an_unknown_group, NOTIFY_INVALID_KE_PAYLOAD,
     true},
    {"a KE one octet short", "3.4", ke_short, NOTIFY_INVALID_SYNTAX, false},
    {"a KE one octet long", "3.4", ke_long, NOTIFY_INVALID_SYNTAX, false},
    {"a public value of 0", "RFC 6989 2.1", ke_zero, NOTIFY_INVALID_SYNTAX, false},
    {"a public value of 1", "RFC 6989 2.1", ke_one, NOTIFY_INVALID_SYNTAX, false},
    {"a KE where no group is offered", "1.3.1", ke_without_group_offered, MADE, true},
    {"REKEY_SA with an unknown SPI", "2.25", rekey_of_an_unknown_spi, NOTIFY_CHILD_SA_NOT_FOUND, true},
    {"REKEY_SA with the SPI of the wrong direction", "1.3.3", rekey_of_our_own_spi, NOTIFY_CHILD_SA_NOT_FOUND,
     true},
    {"REKEY_SA without an SPI", "3.10", rekey_without_spi, NOTIFY_CHILD_SA_NOT_FOUND, true},
    {"REKEY_SA with an SPI of 8 octets", "3.10", rekey_with_an_spi_of_8, NOTIFY_CHILD_SA_NOT_FOUND, true},
    {"USE_TRANSPORT_MODE: tunnel mode results", "R17", transport_mode, MADE, true},
    {"IPCOMP_SUPPORTED: no compression results", "2.22", ipcomp, MADE, true},
    {"a configuration payload: ignored", "R17", configuration_payload, MADE, true},
    {"a new IKE SPI of 0", "3.3.1", ike_spi_zero, NOTIFY_INVALID_SYNTAX, false},
    {"a new IKE SPI of 4 octets", "3.3.1", ike_spi_of_4, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"an IKE rekey without SPI", "3.3.1", ike_without_spi, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"an IKE rekey with a KE of another group", "1.3", ike_ke_of_another_group, NOTIFY_INVALID_KE_PAYLOAD,
     true},
    {"an IKE rekey with a public value of 1", "RFC 6989 2.1", ike_ke_one, NOTIFY_INVALID_SYNTAX, false},
    {"an IKE rekey without KE", "1.3.2", ike_without_ke, NOTIFY_INVALID_KE_PAYLOAD, true},
    {"an IKE rekey with a nonce of 15 octets", "3.9", ike_nonce_short, NOTIFY_INVALID_SYNTAX, false},
    {"an IKE rekey without PRF", "3.3.3", ike_without_prf, NOTIFY_NO_PROPOSAL_CHOSEN, true},
};

static void S9_unusual_create_child_sa_requests_get_the_right_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof create_cases / sizeof *create_cases; i++)
        check_create_case(&create_cases[i]);
}

static void S25_a_child_without_pfs_is_refused_where_pfs_is_configured(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.child.pfs_none = false;
    struct stage s = stage_established_with(&policy);

    send_child(&s, FIRST_ID, SECOND_CHILD, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_NO_PROPOSAL_CHOSEN);
    stage_free(&s);
}

static void S38_a_peer_gets_16_child_sas_in_a_tunnel(void **state)
{
    (void)state;
    struct stage s = stage_established();
    for (uint32_t i = 0; i < 16; i++) {
        send_child(&s, FIRST_ID + i, SECOND_CHILD + i, HIGHEST);
        if (i == 15)
            assert_int_equal(puppet_reply_notify(s.p), NOTIFY_NO_ADDITIONAL_SAS);
    }

    assert_int_equal(gateway_child_count(s.b, 0), 16);
    send_child_rekey(&s, FIRST_ID + 16, PUPPET_CHILD, 0xd0000000,
                     HIGHEST); /* one of them can still be rekeyed */
    assert_int_equal(gateway_child_count(s.b, 0), 17);
    stage_free(&s);
}

static void a_peer_that_rekeys_and_never_deletes_is_refused_by_temporary_failure(void **state)
{
    (void)state;
    struct stage s = stage_established();
    uint32_t id = FIRST_ID;
    for (uint32_t i = 0; i < 100; i++)
        send_child_rekey(&s, id++, PUPPET_CHILD + i, PUPPET_CHILD + i + 1, HIGHEST);

    assert_true(gateway_child_count(s.b, 0) <= 32);
    assert_int_equal(gateway_record_count(s.b), 1);
    stage_free(&s);
}

/* The peer's IKE_AUTH is right, but its Child SA can't be had. */
static void RFC7296_1_2_an_ike_sa_without_child_sa_is_deleted(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.child.encryption = 1U << 0;
    struct stage s = stage_new_with(&policy);
    assert_true(puppet_do_init(s.p));
    s.p->reply_count = 0;
    (void)puppet_do_auth(s.p, "site1", "site2", "secret1");

    assert_int_equal(s.p->reply_count, 2); /* the answer, then DELETE */
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
    struct message_writer m = inner();
    puppet_answer(s.p, &m);
    assert_int_equal(gateway_record_count(s.b), 0);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_unusual_create_child_sa_requests_get_the_right_answer),
        cmocka_unit_test(S25_a_child_without_pfs_is_refused_where_pfs_is_configured),
        cmocka_unit_test(S38_a_peer_gets_16_child_sas_in_a_tunnel),
        cmocka_unit_test(a_peer_that_rekeys_and_never_deletes_is_refused_by_temporary_failure),
        cmocka_unit_test(RFC7296_1_2_an_ike_sa_without_child_sa_is_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
