/*
 * Validation of a peer's certificate: what is accepted, and what is refused with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "material.h"
#include "pki/validate.h"

/* A validation by the names of files; lists are separated by blanks. */
struct validation_case {
    const char *anchor, *peer, *crls;
    enum validation_fault fault;
    const char *text;
    bool weak_allowed;
    int64_t now; /* 0: MATERIAL_NOW */
};

#define DN(name) "C=JP, O=Example, CN=" name

enum { LIST_MAX = 16 };

/* True if the text is as expected, apart from the first serial number in it, which is another one each time.
 */
static bool text_fits(const char *expected, const char *text)
{
    const char *serial = strstr(text, ", serial ");
    const char *behind = serial == NULL ? NULL : strchr(serial + 1, ',');
    if (behind == NULL)
        return strcmp(expected, text) == 0;
    size_t before = (size_t)(serial - text);
    return strncmp(expected, text, before) == 0 && strcmp(expected + before, behind) == 0;
}

struct material {
    struct certificate *anchor;
    struct certificate *peer[LIST_MAX];
    struct crl *crls[LIST_MAX];
    struct validation validation;
};

static size_t read_list(const char *names, struct certificate **certificates, struct crl **crls)
{
    char copy[256];
    char *rest;
    size_t count = 0;
    (void)snprintf(copy, sizeof(copy), "%s", names != NULL ? names : "");
    for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        assert_true(count < LIST_MAX);
        if (certificates != NULL)
            certificates[count++] = material_certificate(name);
        else
            crls[count++] = material_crl(name);
    }
    return count;
}

static void material_open(const struct validation_case *c, struct material *m)
{
    *m = (struct material){.anchor = material_certificate(c->anchor)};
    m->validation = (struct validation){
        .anchor = m->anchor,
        .peer = m->peer,
        .peer_count = read_list(c->peer, m->peer, NULL),
        .crls = m->crls,
        .crl_count = read_list(c->crls, NULL, m->crls),
        .now = c->now != 0 ? c->now : MATERIAL_NOW,
        .weak_allowed = c->weak_allowed,
    };
}

static void material_close(struct material *m)
{
    certificate_release(m->anchor);
    for (size_t i = 0; i < m->validation.peer_count; i++)
        certificate_release(m->peer[i]);
    for (size_t i = 0; i < m->validation.crl_count; i++)
        crl_release(m->crls[i]);
}

static void run_cases(const struct validation_case *cases, size_t count)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct validation_case *c = &cases[i];
        struct material m;
        struct validation_verdict verdict;
        material_open(c, &m);
        bool valid = certificate_validate(&m.validation, &verdict);
        bool as_expected = valid == (c->fault == VALIDATION_OK) && verdict.fault == c->fault &&
                           text_fits(c->text != NULL ? c->text : "", verdict.reason.text);
        if (!as_expected)
            print_error("%s <- %s: fault %d, \"%s\"\n", c->anchor, c->peer, (int)verdict.fault,
                        verdict.reason.text);
        failed += !as_expected;
        material_close(&m);
    }
    assert_int_equal(failed, 0);
}

#define RUN(cases) run_cases(cases, sizeof(cases) / sizeof((cases)[0]))

static void S32_a_chain_to_the_configured_ca_is_valid(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "site1"},
        {"ca", "of-middle middle"},
        {"ca", "of-low middle low"},
        {"ca", "of-low low middle ca"},
        {"ca", "of-low site1 low otherca middle low"},
        {"middle", "of-low low"},
        {"low", "of-low"},
        {"selfsigned", "selfsigned"},
        {"site1", "site1"},
        {"shortca", "of-shortca"},
        {"ca", "unused"},
        {"ca", "repudiate"},
        {"ca", "uncritical"},
        {"ca", "permitted limited"},
        {"ca", "with-policy strict"},
        {"ca", "subjectless"},
    };
    (void)state;
    RUN(cases);
}

static void S32_a_chain_to_another_ca_is_refused(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "of-otherca", NULL, VALIDATION_NO_ISSUER,
         "the peer's certificate, " DN("of-otherca") ", was issued by " DN(
             "otherca") ", which is not the configured CA, " DN("ca") ", and whose certificate the peer did "
                                                                      "not "
                                                                      "send (RFC 5280 6.1)"},
        {"ca", "of-otherca otherca", NULL, VALIDATION_OTHER_CA,
         "the CA certificate, " DN("otherca") ", is where the peer's chain ends, and not the configured CA "
                                              "certificate (RFC 5280 6.1)"},
        {"ca", "of-middle", NULL, VALIDATION_NO_ISSUER,
         "the peer's certificate, " DN("of-middle") ", was issued by " DN(
             "middle") ", which is not the configured CA, " DN("ca") ", and whose certificate the peer did "
                                                                     "not "
                                                                     "send (RFC 5280 6.1)"},
        {"ca", "of-low low", NULL, VALIDATION_NO_ISSUER,
         "the CA certificate, " DN("low") ", was issued by " DN(
             "middle") ", which is not the configured CA, " DN("ca") ", and whose certificate the peer did "
                                                                     "not "
                                                                     "send (RFC 5280 6.1)"},
        {"middle", "site1 ca", NULL, VALIDATION_OTHER_CA,
         "the CA certificate, " DN("ca") ", is where the peer's chain ends, and not the configured CA "
                                         "certificate (RFC 5280 6.1)"},
        {"ca", "selfsigned", NULL, VALIDATION_SELF_SIGNED,
         "the peer's certificate, " DN("selfsigned") ", is self-signed, and not itself the configured CA "
                                                     "certificate (RFC 5280 6.1)"},
        {"ca", "of-fakeca", NULL, VALIDATION_NO_ISSUER,
         "the peer's certificate, " DN(
             "of-fakeca") ", was issued by another CA of the name of its issuer: the "
                          "authority key identifier differs (RFC 5280 4.2.1.1)"},
        {"ca", "of-fakeca-silent", NULL, VALIDATION_SIGNATURE,
         "the peer's certificate, " DN("of-fakeca-silent") ", has a signature that is not by the key of its "
                                                           "issuer (RFC 5280 6.1.3)"},
        {"ca", "of-rsa-fakeca", NULL, VALIDATION_NO_ISSUER,
         "the peer's certificate, " DN("of-rsa-fakeca") ", was issued by another CA of the name of its "
                                                        "issuer: it is signed by another kind of key"},
        {"ca", "of-deep deep0 deep1 deep2 deep3 deep4 deep5 deep6 deep7", NULL, VALIDATION_PATH_LENGTH,
         "the CA certificate, " DN("deep1") ", belongs to a chain that is too long"},
    };
    (void)state;
    RUN(cases);
}

static void S32_dates_are_told(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "expired", NULL, VALIDATION_EXPIRED,
         "the peer's certificate, " DN("expired") ", expired at 2026-02-01 00:00:00 UTC, and it is now "
                                                  "2026-06-01 00:00:00 UTC (RFC 5280 4.1.2.5)"},
        {"ca", "early", NULL, VALIDATION_NOT_YET_VALID,
         "the peer's certificate, " DN(
             "early") ", is not valid before 2027-01-01 00:00:00 UTC, and it is now "
                      "2026-06-01 00:00:00 UTC (RFC 5280 4.1.2.5)"},
        {"ca", "bad-start", NULL, VALIDATION_EXTENSION,
         "the peer's certificate, " DN("bad-start") ", has a notBefore that is no time"},
        {"ca", "bad-end", NULL, VALIDATION_EXTENSION,
         "the peer's certificate, " DN("bad-end") ", has a notAfter that is no time"},
        {"oldca", "of-oldca", NULL, VALIDATION_EXPIRED,
         "the configured CA certificate, " DN("oldca") ", expired at 2026-02-01 00:00:00 UTC, and it is now "
                                                       "2026-06-01 00:00:00 UTC (RFC 5280 4.1.2.5)"},
        {"ca", "site1", NULL, VALIDATION_NOT_YET_VALID,
         "the configured CA certificate, " DN(
             "ca") ", is not valid before 2026-01-01 00:00:00 UTC, and it is "
                   "now 1970-01-01 00:20:00 UTC: the clock of this machine "
                   "is plainly wrong (RFC 5280 4.1.2.5)",
         .now = 1200},
    };
    (void)state;
    RUN(cases);
}

static void S32_basic_constraints_and_key_usage_hold(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "of-noca noca", NULL, VALIDATION_NO_CA,
         "the CA certificate, " DN(
             "noca") ", is not that of a CA, but was used to issue a certificate: basic "
                     "constraints (RFC 5280 4.2.1.9)"},
        {"ca", "of-nosign nosign", NULL, VALIDATION_KEY_USAGE,
         "the CA certificate, " DN("nosign") ", may not issue certificates: its key usage has no keyCertSign "
                                             "(RFC 5280 4.2.1.3)"},
        {"nosign", "of-nosign", NULL, VALIDATION_KEY_USAGE,
         "the configured CA certificate, " DN("nosign") ", may not issue certificates: its key usage has no "
                                                        "keyCertSign (RFC 5280 4.2.1.3)"},
        {"shortca", "of-below-short below-short", NULL, VALIDATION_PATH_LENGTH,
         "the configured CA certificate, " DN("shortca") ", has more CA certificates below it than its path "
                                                         "length constraint allows (RFC 5280 4.2.1.9)"},
        {"ca", "encipher", NULL, VALIDATION_KEY_USAGE,
         "the peer's certificate, " DN(
             "encipher") ", may not sign: its key usage has neither digitalSignature "
                         "nor nonRepudiation (RFC 4945 5.1.3.2)"},
        {"ca", "ca", NULL, VALIDATION_KEY_USAGE,
         "the configured CA certificate, " DN(
             "ca") ", may not sign: its key usage has neither digitalSignature "
                   "nor nonRepudiation (RFC 4945 5.1.3.2)"},
    };
    (void)state;
    RUN(cases);
}

static void S32_keys_of_odd_sizes_and_kinds_are_not_used(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "exponent", NULL, VALIDATION_ALGORITHM,
         "the peer's certificate, " DN("exponent") ", has an RSA key with an exponent of more than 64 bits, "
                                                   "which is not supported here"},
        {"ca", "rsa16384", NULL, VALIDATION_ALGORITHM,
         "the peer's certificate, " DN("rsa16384") ", has an RSA key of more than 8192 bits, which is not "
                                                   "supported here"},
        {"ca", "curve", NULL, VALIDATION_ALGORITHM,
         "the peer's certificate, " DN("curve") ", has a key whose curve is written out, and not named (RFC "
                                                "5480 2.1.1)"},
        {"ca", "of-exponentca exponentca", NULL, VALIDATION_ALGORITHM,
         "the CA certificate, " DN("exponentca") ", has an RSA key with an exponent of more than 64 bits, "
                                                 "which is not supported here"},
        {"ca", "of-ed448ca ed448ca", NULL, VALIDATION_ALGORITHM,
         "the CA certificate, " DN("ed448ca") ", has a key that is not supported here"},
        {"ed448ca", "of-ed448ca", NULL, VALIDATION_ALGORITHM,
         "the configured CA certificate, " DN("ed448ca") ", has a key that is not supported here"},
        {"ca", "site1 rsa16384 exponentca ed448ca"}, /* what is not in the chain does not matter */
    };
    (void)state;
    RUN(cases);
}

static void S32_extended_key_usage_suits_ike(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "for-server"},
        {"ca", "for-client"},
        {"ca", "for-ike"},
        {"ca", "for-intermediate"},
        {"ca", "for-any"},
        {"ca", "for-several"},
        {"ca", "for-mail", NULL, VALIDATION_EXTENDED_KEY_USAGE,
         "the peer's certificate, " DN(
             "for-mail") ", is for other purposes than IKE: its extended key usage has "
                         "neither ipsecIKE nor anyExtendedKeyUsage, serverAuth or "
                         "clientAuth (RFC 4945 5.1.3.12)"},
        {"ca", "for-code", NULL, VALIDATION_EXTENDED_KEY_USAGE,
         "the peer's certificate, " DN(
             "for-code") ", is for other purposes than IKE: its extended key usage has "
                         "neither ipsecIKE nor anyExtendedKeyUsage, serverAuth or "
                         "clientAuth (RFC 4945 5.1.3.12)"},
        {"ca", "of-mailca mailca", NULL, VALIDATION_EXTENDED_KEY_USAGE,
         "the CA certificate, " DN("mailca") ", is for other purposes than IKE: its extended key usage has "
                                             "neither ipsecIKE nor anyExtendedKeyUsage, serverAuth or "
                                             "clientAuth (RFC 4945 5.1.3.12)"},
    };
    (void)state;
    RUN(cases);
}

static void S32_constraints_and_critical_extensions_hold(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "not-permitted limited", NULL, VALIDATION_NAME_CONSTRAINTS,
         "the peer's certificate, " DN(
             "not-permitted") ", has a name that a CA above it does not permit: name "
                              "constraints (RFC 5280 4.2.1.10)"},
        {"ca", "excluded limited", NULL, VALIDATION_NAME_CONSTRAINTS,
         "the peer's certificate, " DN(
             "excluded") ", has a name that a CA above it excludes: name constraints "
                         "(RFC 5280 4.2.1.10)"},
        {"ca", "critical", NULL, VALIDATION_CRITICAL_EXTENSION,
         "the peer's certificate, " DN("critical") ", has a critical extension that is unknown here, "
                                                   "1.3.6.1.4.1.99999.1 (RFC 5280 4.2)"},
        {"ca", "of-oddly-limited oddly-limited", NULL, VALIDATION_NAME_CONSTRAINTS,
         "the peer's certificate, " DN(
             "of-oddly-limited") ", is below a CA with name constraints of an unknown "
                                 "kind (RFC 5280 4.2.1.10)"},
        {"ca", "of-minimum minimum", NULL, VALIDATION_NAME_CONSTRAINTS,
         "the peer's certificate, " DN("of-minimum") ", is below a CA with name constraints that have a "
                                                     "minimum or maximum (RFC 5280 4.2.1.10)"},
        {"ca", "of-odd-range odd-range", NULL, VALIDATION_NAME_CONSTRAINTS,
         "the peer's certificate, " DN("of-odd-range") ", has a malformed name, or is below a CA with "
                                                       "malformed name constraints (RFC 5280 4.2.1.10)"},
        {"ca", "of-mail-range mail-range", NULL, VALIDATION_NAME_CONSTRAINTS,
         "the peer's certificate, " DN("of-mail-range") ", has a malformed name, or is below a CA with "
                                                        "malformed name constraints (RFC 5280 4.2.1.10)"},
        {"ca", "bad-policy", NULL, VALIDATION_POLICY,
         "the peer's certificate, " DN(
             "bad-policy") ", has a malformed or contradictory policy extension (RFC "
                           "5280 4.2.1.4)"},
        {"ca", "malformed", NULL, VALIDATION_EXTENSION,
         "the peer's certificate, " DN("malformed") ", has a malformed extension (RFC 5280 4.2)"},
        {"ca", "without-policy strict", NULL, VALIDATION_POLICY,
         "the peer's certificate, " DN("without-policy") ", has no certificate policy that its CAs require "
                                                         "(RFC 5280 4.2.1.11)"},
    };
    (void)state;
    RUN(cases);
}

static void S32_weak_keys_and_signatures_need_a_word(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "rsa2048"},
        {"ca", "p384"},
        {"ca", "p521"},
        {"ca", "ed25519"},
        {"ca", "sha384"},
        {"rsaca", "of-rsaca"}, /* its own signature is by SHA-1, which does not matter */
        {"rsaca", "pss"},
        {"ca", "rsa1024", NULL, VALIDATION_WEAK_KEY,
         "the peer's certificate, " DN("rsa1024") ", has a weak key, RSA 1024 bits; it must have 2048 bits, "
                                                  "unless `cert weak-allowed` is set"},
        {"ca", "rsa1024", .weak_allowed = true},
        {"ca", "rsa512", NULL, VALIDATION_WEAK_KEY,
         "the peer's certificate, " DN("rsa512") ", has a weak key, RSA 512 bits; it must have 2048 bits"},
        {"ca", "rsa512", NULL, VALIDATION_WEAK_KEY,
         "the peer's certificate, " DN("rsa512") ", has a weak key, RSA 512 bits; it must have 2048 bits",
         .weak_allowed = true},
        {"ca", "p192", NULL, VALIDATION_WEAK_KEY,
         "the peer's certificate, " DN("p192") ", has a weak key, ECDSA P-192; it must have 224 bits",
         .weak_allowed = true},
        {"ca", "ed448", NULL, VALIDATION_ALGORITHM,
         "the peer's certificate, " DN("ed448") ", has a key that is not supported here"},
        {"ca", "sha1", NULL, VALIDATION_WEAK_SIGNATURE,
         "the peer's certificate, " DN(
             "sha1") ", has a weak signature, ecdsa-with-SHA1; it must be by SHA-2, "
                     "unless `cert weak-allowed` is set"},
        {"ca", "sha1", .weak_allowed = true},
        {"weakca", "of-weakca", NULL, VALIDATION_WEAK_KEY,
         "the configured CA certificate, " DN("weakca") ", has a weak key, RSA 1024 bits; it must have 2048 "
                                                        "bits, unless `cert weak-allowed` is set"},
        {"weakca", "of-weakca", .weak_allowed = true},
        {"rsaca", "md5", NULL, VALIDATION_WEAK_SIGNATURE,
         "the peer's certificate, " DN("md5") ", has a signature by a broken algorithm, RSA-MD5",
         .weak_allowed = true},
    };
    (void)state;
    RUN(cases);
}

static void S32_imported_crls_are_looked_at(void **state)
{
    static const struct validation_case cases[] = {
        {"crlca", "unrevoked", "crl"},
        {"crlca", "revoked"},
        {"crlca", "revoked", "crl-empty"},
        {"crlca", "revoked", "crl-of-ca"},    /* the CRL of another CA */
        {"crlmiddle", "of-crlmiddle", "crl"}, /* the CRL of one above the configured CA */
        {"crlmiddle", "of-crlmiddle", "crl-expired"},
        {"crlca", "unrevoked", "crl-bad-this", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked by the CRL of " DN(
             "crlca") ": format error in CRL's lastUpdate field (RFC 5280 6.3)"},
        {"crlca", "unrevoked", "crl-bad-next", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked by the CRL of " DN(
             "crlca") ": format error in CRL's nextUpdate field (RFC 5280 6.3)"},
        {"crlca", "of-crlmiddle crlmiddle", "crl"},
        {"crlca", "of-crlmiddle crlmiddle", "crl crl-of-middle"},
        {"crlca", "of-crlmiddle crlmiddle", "crl-middle", VALIDATION_REVOKED,
         "the CA certificate, " DN("crlmiddle") ", is revoked by the CRL of " DN("crlca") " (RFC 5280 6.3)"},
        {"crlca", "revoked", "crl", VALIDATION_REVOKED,
         "the peer's certificate, " DN("revoked") ", is revoked by the CRL of " DN(
             "crlca") " (RFC 5280 6.3)"},
        {"crlca", "revoked", "crl-expired", VALIDATION_REVOKED,
         "the peer's certificate, " DN("revoked") ", is revoked by the CRL of " DN(
             "crlca") " (RFC 5280 6.3)"},
        {"crlca", "unrevoked", "crl-expired", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked: the CRL of " DN(
             "crlca") " expired at 2026-02-01 00:00:00 UTC; import a newer one (RFC 5280 5.1.2.5)"},
        {"crlca", "unrevoked", "crl-expired crl"}, /* a newer one is there */
        {"crlca", "unrevoked", "crl-early", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked: the CRL of " DN(
             "crlca") " is not valid before 2027-01-01 00:00:00 UTC (RFC 5280 5.1.2.4)"},
        {"silentca", "of-silentca", "crl-of-silentca", VALIDATION_CRL,
         "the peer's certificate, " DN("of-silentca") ", can't be checked by the CRL of " DN(
             "silentca") ": key usage does not include CRL signing (RFC 5280 6.3)"},
        {"crlca", "unrevoked", "crl-critical", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked by the CRL of " DN(
             "crlca") ": unhandled critical CRL extension (RFC 5280 6.3)"},
        {"crlca", "unrevoked", "crl-for-cas", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked by the CRL of " DN(
             "crlca") ": different CRL scope (RFC 5280 6.3)"},
        {"crlca", "unrevoked", "crl-fake", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked: a CRL of " DN(
             "crlca") " was imported, but it is not for this certificate (RFC 5280 6.3)"},
        {"crlca", "unrevoked", "crl-fake-silent", VALIDATION_CRL,
         "the peer's certificate, " DN("unrevoked") ", can't be checked by the CRL of " DN(
             "crlca") ": CRL signature failure (RFC 5280 6.3)"},
    };
    (void)state;
    RUN(cases);
}

/* A CRL may be long, and its signature is verified anew each time: not for those who know but the CA's name.
 */
static void S32_the_chain_is_verified_before_any_crl(void **state)
{
    static const struct validation_case cases[] = {
        {"ca", "of-fakeca-silent", "crl-of-fakeca", VALIDATION_SIGNATURE,
         "the peer's certificate, " DN("of-fakeca-silent") ", has a signature that is not by the key of its "
                                                           "issuer (RFC 5280 6.1.3)"},
        {"ca", "expired", "crl-of-fakeca", VALIDATION_EXPIRED,
         "the peer's certificate, " DN("expired") ", expired at 2026-02-01 00:00:00 UTC, and it is now "
                                                  "2026-06-01 00:00:00 UTC (RFC 5280 4.1.2.5)"},
        {"ca", "site1", "crl-of-fakeca", VALIDATION_CRL,
         "the peer's certificate, " DN("site1") ", can't be checked by the CRL of " DN(
             "ca") ": CRL signature failure (RFC 5280 6.3)"},
    };
    (void)state;
    RUN(cases);
}

static void S32_the_serial_of_the_certificate_is_told(void **state)
{
    static const struct validation_case expired = {"ca", "expired", NULL, VALIDATION_EXPIRED};
    struct material m;
    struct validation_verdict verdict;
    char expected[256];
    (void)state;
    material_open(&expired, &m);
    (void)snprintf(expected, sizeof(expected), DN("expired") ", serial %s, expired at",
                   certificate_facts(m.peer[0])->serial);

    assert_false(certificate_validate(&m.validation, &verdict));

    assert_non_null(strstr(verdict.reason.text, expected));
    material_close(&m);
}

/* Validates changed octets; true if they are accepted. */
static bool accepts(const struct certificate *anchor, struct octets der)
{
    struct certificate *peer = certificate_parse(der, NULL);
    struct validation_verdict verdict;
    const struct validation validation = {
        .anchor = anchor, .peer = &peer, .peer_count = 1, .now = MATERIAL_NOW};
    bool accepted = peer != NULL && certificate_validate(&validation, &verdict);
    certificate_release(peer);
    return accepted;
}

static void S32_a_certificate_with_a_changed_bit_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"site1", "permitted", "ed25519", "names"};
    struct certificate *anchor = material_certificate("ca");
    struct certificate *limited = material_certificate("limited");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char file[64];
        (void)snprintf(file, sizeof(file), "%s.der", names[i]);
        struct octets der = material_read(file);
        uint8_t *octets = (uint8_t *)der.at;
        const struct certificate *above = strcmp(names[i], "permitted") == 0 ? limited : anchor;
        assert_true(accepts(above, der));
        for (size_t at = 0; at < der.length; at++) {
            uint8_t bit = (uint8_t)(1U << at % 8);
            octets[at] ^= bit;
            if (accepts(above, der))
                fail_msg("%s is accepted with octet %zu changed", names[i], at);
            octets[at] ^= bit;
        }
        free(octets);
    }
    certificate_release(limited);
    certificate_release(anchor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S32_a_chain_to_the_configured_ca_is_valid),
        cmocka_unit_test(S32_a_chain_to_another_ca_is_refused),
        cmocka_unit_test(S32_dates_are_told),
        cmocka_unit_test(S32_basic_constraints_and_key_usage_hold),
        cmocka_unit_test(S32_keys_of_odd_sizes_and_kinds_are_not_used),
        cmocka_unit_test(S32_the_chain_is_verified_before_any_crl),
        cmocka_unit_test(S32_the_serial_of_the_certificate_is_told),
        cmocka_unit_test(S32_extended_key_usage_suits_ike),
        cmocka_unit_test(S32_constraints_and_critical_extensions_hold),
        cmocka_unit_test(S32_weak_keys_and_signatures_need_a_word),
        cmocka_unit_test(S32_imported_crls_are_looked_at),
        cmocka_unit_test(S32_a_certificate_with_a_changed_bit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
