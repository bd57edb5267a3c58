/* daemon/keeper/keys.h: the keeper's authentication jobs. */
#include "daemon/keeper/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/identity.h"
#include "crypto/prf.h"
#include "daemon/keeper/configuration.h"
#include "daemon/keeper/used_keys.h"
#include "ike/wire/numbers.h"

static const char site1[] = "ikev2 authentication psk id keyid site1 key char secret1\n"
                            "ikev2 authentication psk id keyid site2 key char secret2\n"
                            "ikev2 authentication psk id ipv4 10.1.0.1 key char address\n"
                            "ikev2 default-profile\n"
                            "  local-authentication psk id keyid site1\n"
                            "interface Tunnel1.0\n"
                            "  tunnel mode ipsec-ikev2\n"
                            "  ipv6 enable\n"
                            "  ikev2 peer 10.2.0.1 authentication psk id keyid site2\n"
                            "  no shutdown\n";

static const struct octets peer_octets = {(const uint8_t *)"the peer's octets", 17};
static const struct octets own_octets = {(const uint8_t *)"our octets", 10};

/* An AUTH value that the tests made. */
struct auth {
    uint8_t at[PRF_SIZE_MAX + 1];
    size_t length;
};

struct fixture {
    struct port_table ports;
    struct configuration configuration;
    struct diagnostics diagnostics;
    struct tunnel_policy policy; /* of Tunnel1.0; a test may change it */
    struct auth peer_auth;       /* the right one */
    struct ike_auth_job job;     /* both halves, of the right IDs */
    struct ike_auth_result result;
    struct own_credential credential;
};

/* RFC 7296 2.15, done here once more. */
static struct auth auth_by(const char *secret, struct octets signed_octets)
{
    const struct prf_algorithm *prf = prf_by_id(PRF_HMAC_SHA2_256);
    const struct octets pad = {(const uint8_t *)"Key Pad for IKEv2", 17};
    uint8_t key[PRF_SIZE_MAX];
    struct auth auth = {.length = prf->size};
    assert_true(prf_compute(prf, (struct octets){(const uint8_t *)secret, strlen(secret)}, &pad, 1, key));
    assert_true(prf_compute(prf, (struct octets){key, prf->size}, &signed_octets, 1, auth.at));
    return auth;
}

static struct identity identity_of(uint8_t type, const char *value)
{
    struct identity id = {.type = type, .length = (uint16_t)strlen(value)};
    memcpy(id.value, value, strlen(value));
    return id;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_true(
        configuration_read(&f->configuration, site1, strlen(site1), &f->ports, NULL, &f->diagnostics));
    f->policy = f->configuration.policies.items[0];
    f->peer_auth = auth_by("secret2", peer_octets);
    f->job = (struct ike_auth_job){.prf = PRF_HMAC_SHA2_256, .verify = true, .sign = true};
    f->job.peer.identity = identity_of(ID_KEY_ID, "site2");
    f->job.peer.method = AUTH_METHOD_PSK;
    f->job.peer.value = (struct octets){f->peer_auth.at, f->peer_auth.length};
    f->job.peer.signed_octets = peer_octets;
    f->job.own.identity = identity_of(ID_KEY_ID, "site1");
    f->job.own.signed_octets = own_octets;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    diagnostics_free(&f->diagnostics);
    configuration_free(&f->configuration);
    port_table_clear(&f->ports);
    free(f);
    return 0;
}

static enum ike_auth_fault authenticate(struct fixture *f)
{
    memset(&f->result, 0xff, sizeof(f->result));
    const struct own_keys keys = {f->configuration.keys, NULL};
    keys_authenticate(&keys, &f->policy, &f->job, &f->result, &f->credential);
    assert_null(f->credential.key);
    return f->result.fault;
}

static void assert_signed_by(const struct fixture *f, const char *secret)
{
    const struct auth expected = auth_by(secret, own_octets);
    assert_int_equal(f->result.fault, IKE_AUTH_OK);
    assert_int_equal(f->result.method, AUTH_METHOD_PSK);
    assert_int_equal(f->result.value_length, expected.length);
    assert_memory_equal(f->result.value, expected.at, expected.length);
}

static void assert_nothing_is_signed(const struct fixture *f)
{
    static const uint8_t nothing[IKE_AUTH_VALUE_MAX];
    assert_int_equal(f->result.value_length, 0);
    assert_memory_equal(f->result.value, nothing, sizeof(nothing));
}

static void R32_each_side_has_its_own_key(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(authenticate(f), IKE_AUTH_OK);

    assert_signed_by(f, "secret1");
}

static void each_half_can_be_had_alone(void **state)
{
    struct fixture *f = *state;

    f->job.verify = false;
    f->job.peer.value.length = 0;
    assert_int_equal(authenticate(f), IKE_AUTH_OK);
    assert_signed_by(f, "secret1");

    f->job.verify = true;
    f->job.sign = false;
    assert_int_equal(authenticate(f), IKE_AUTH_WRONG);
    f->job.peer.value.length = f->peer_auth.length;
    assert_int_equal(authenticate(f), IKE_AUTH_OK);
    assert_nothing_is_signed(f);
}

static void R32_a_wrong_auth_of_the_peer_is_told_and_nothing_signed(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->peer_auth.length; i++) {
        f->peer_auth.at[i] ^= 1;
        assert_int_equal(authenticate(f), IKE_AUTH_WRONG);
        assert_nothing_is_signed(f);
        f->peer_auth.at[i] ^= 1;
    }
    f->peer_auth = auth_by("secret1", peer_octets); /* our own key is not the peer's */
    assert_int_equal(authenticate(f), IKE_AUTH_WRONG);
    f->peer_auth = auth_by("secret2", own_octets);
    assert_int_equal(authenticate(f), IKE_AUTH_WRONG);
    assert_nothing_is_signed(f);
}

static void an_auth_of_another_length_is_wrong(void **state)
{
    struct fixture *f = *state;

    for (size_t length = 0; length <= f->peer_auth.length + 1; length++) {
        f->job.peer.value.length = length;
        assert_int_equal(authenticate(f), length == f->peer_auth.length ? IKE_AUTH_OK : IKE_AUTH_WRONG);
    }
}

static void a_peer_without_a_key_is_told_and_nothing_signed(void **state)
{
    struct fixture *f = *state;

    f->policy.remote_key = 0;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);
    assert_nothing_is_signed(f);
    f->job.peer.value.length = 0; /* not even nothing is what no key makes */
    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);
    f->policy.remote_key = 12345; /* of no key */
    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);
}

static void an_end_without_a_key_is_told_once_the_peer_is_verified(void **state)
{
    struct fixture *f = *state;

    f->policy.local_key = 0;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_OWN_KEY);
    assert_nothing_is_signed(f);
    f->peer_auth.at[0] ^= 1;
    assert_int_equal(authenticate(f), IKE_AUTH_WRONG);
    f->job.verify = false;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_OWN_KEY);
}

static void jobs_for_ids_of_others_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct identity site1_id = f->job.own.identity;
    const struct identity site2_id = f->job.peer.identity;

    f->job.own.identity = site2_id;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_OWN_KEY);
    f->job.own.identity = site1_id;
    f->job.peer.identity = site1_id;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);
    f->job.peer.identity = site2_id;
    f->job.prf = 99;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);
    f->job.verify = false;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_OWN_KEY);
}

static void another_method_than_the_policys_has_no_key(void **state)
{
    struct fixture *f = *state;

    f->job.peer.method = AUTH_METHOD_RSA;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);
    f->job.peer.method = AUTH_METHOD_PSK;
    f->policy.remote_auth = AUTH_KIND_RSA;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);
    f->policy.remote_auth = AUTH_KIND_PSK;
    f->policy.local_auth = AUTH_KIND_RSA;
    assert_int_equal(authenticate(f), IKE_AUTH_NO_OWN_KEY);
    assert_nothing_is_signed(f);
}

static void S17_without_a_local_id_the_key_is_that_of_the_source_or_the_peers(void **state)
{
    struct fixture *f = *state;
    f->policy.local_id.type = ID_NONE;
    f->policy.local_key = 0;

    f->job.own.identity = identity_of(ID_IPV4_ADDR, "\x0a\x01\x63\x01");
    assert_int_equal(authenticate(f), IKE_AUTH_OK);
    assert_signed_by(f, "secret2");
    assert_int_equal(f->result.own_key_line, key_table_line(f->configuration.keys, f->policy.remote_key));
    assert_string_equal(f->result.own_text,
                        "the key of the peer's ID, which stands in since there is none for its own");

    memcpy(f->job.own.identity.value, "\x0a\x01\x00\x01", 4);
    assert_int_equal(authenticate(f), IKE_AUTH_OK);
    assert_signed_by(f, "address");
    assert_int_not_equal(f->result.own_key_line, key_table_line(f->configuration.keys, f->policy.remote_key));
    assert_string_equal(f->result.own_text, "");
}

static void R90_peers_with_certificates_are_not_verified_by_the_keeper(void **state)
{
    struct fixture *f = *state;
    f->policy.remote_auth = AUTH_KIND_RSA;
    f->job.peer.method = AUTH_METHOD_RSA;

    assert_int_equal(authenticate(f), IKE_AUTH_NO_PEER_KEY);

    assert_nothing_is_signed(f);
}

static void R90_without_our_certificate_nothing_is_signed(void **state)
{
    struct fixture *f = *state;
    f->policy.local_auth = AUTH_KIND_RSA;

    assert_int_equal(authenticate(f), IKE_AUTH_NO_OWN_KEY);

    assert_nothing_is_signed(f);
    assert_int_equal(f->result.method, 0);
}

#define WITH_CONFIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* The keys of a config in which some are other ones than in site1. The caller frees them with the rest. */
static void change_keys(struct fixture *f, const char *text)
{
    configuration_free(&f->configuration);
    assert_true(configuration_read(&f->configuration, text, strlen(text), &f->ports, NULL, &f->diagnostics));
}

static struct old_keys compare_used(const struct fixture *f, const struct used_keys *used)
{
    return used_keys_compare(used, f->configuration.keys, &f->policy);
}

static void S34_a_key_that_was_changed_since_it_was_used_is_recognized_with_its_line(void **state)
{
    struct fixture *f = *state;
    struct used_keys used = {0};
    assert_false(compare_used(f, &used).own.is_old || compare_used(f, &used).peer.is_old);

    f->job.verify = false; /* as initiator the two halves come one after the other */
    used_keys_note(&used, f->configuration.keys, &f->policy, &f->job);
    assert_int_equal(used.own.number, 0);
    f->job.verify = true;
    f->job.sign = false;
    used_keys_note(&used, f->configuration.keys, &f->policy, &f->job);
    assert_false(compare_used(f, &used).own.is_old || compare_used(f, &used).peer.is_old);

    change_keys(f, "ikev2 authentication psk id keyid site1 key char secret1\n"
                   "ikev2 authentication psk id keyid site2 key char other\n");
    struct old_keys old = compare_used(f, &used);
    assert_false(old.own.is_old);
    assert_true(old.peer.is_old);
    assert_int_equal(old.peer.line, 2);

    change_keys(f, "!\nikev2 authentication psk id keyid site2 key char secret2\n"
                   "ikev2 authentication psk id keyid site1 key char other\n");
    old = compare_used(f, &used);
    assert_true(old.own.is_old);
    assert_int_equal(old.own.line, 1);
    assert_false(old.peer.is_old);

    change_keys(f, "!\n"); /* a key that is missing is told as such */
    old = compare_used(f, &used);
    assert_false(old.own.is_old || old.peer.is_old);
}

static void S34_S17_the_key_of_the_source_address_is_recognized_too(void **state)
{
    struct fixture *f = *state;
    struct used_keys used = {0};
    f->policy.local_id = (struct identity){.type = ID_NONE};
    f->policy.local_key = 0;
    f->job.own.identity = (struct identity){.type = ID_IPV4_ADDR, .length = 4, .value = {10, 1, 0, 1}};
    used_keys_note(&used, f->configuration.keys, &f->policy, &f->job);
    change_keys(f, "ikev2 authentication psk id ipv4 10.1.0.1 key char other\n"
                   "ikev2 authentication psk id keyid site2 key char secret2\n");
    const struct old_keys old = compare_used(f, &used);
    assert_true(old.own.is_old);
    assert_int_equal(old.own.line, 3);
    assert_false(old.peer.is_old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONFIG(R32_each_side_has_its_own_key),
        WITH_CONFIG(each_half_can_be_had_alone),
        WITH_CONFIG(R32_a_wrong_auth_of_the_peer_is_told_and_nothing_signed),
        WITH_CONFIG(an_auth_of_another_length_is_wrong),
        WITH_CONFIG(a_peer_without_a_key_is_told_and_nothing_signed),
        WITH_CONFIG(an_end_without_a_key_is_told_once_the_peer_is_verified),
        WITH_CONFIG(jobs_for_ids_of_others_are_refused),
        WITH_CONFIG(another_method_than_the_policys_has_no_key),
        WITH_CONFIG(R90_peers_with_certificates_are_not_verified_by_the_keeper),
        WITH_CONFIG(R90_without_our_certificate_nothing_is_signed),
        WITH_CONFIG(S17_without_a_local_id_the_key_is_that_of_the_source_or_the_peers),
        WITH_CONFIG(S34_a_key_that_was_changed_since_it_was_used_is_recognized_with_its_line),
        WITH_CONFIG(S34_S17_the_key_of_the_source_address_is_recognized_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
