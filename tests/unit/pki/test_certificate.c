/*
 * What certificates say: facts, names, identities; and distinguished names as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "material.h"
#include "pki/validate.h"

/* ID types (RFC 7296 3.5). */
enum { TYPE_IPV4 = 1, TYPE_FQDN = 2, TYPE_RFC822 = 3, TYPE_IPV6 = 5, TYPE_DN = 9, TYPE_KEY_ID = 11 };

static void R91_facts_of_a_certificate(void **state)
{
    (void)state;
    struct certificate *certificate = material_certificate("rsa2048");
    struct certificate *ca = material_certificate("ca");
    const struct certificate_facts *facts = certificate_facts(certificate);
    char time[CERTIFICATE_TIME_SIZE];
    char names[200];
    assert_string_equal(facts->subject, "C=JP, O=Example, CN=rsa2048");
    assert_string_equal(facts->issuer, "C=JP, O=Example, CN=ca");
    assert_string_equal(facts->key_text, "RSA 2048 bits");
    assert_string_equal(facts->signature_text, "ecdsa-with-SHA256");
    assert_string_equal(certificate_time_format(facts->not_before, time), "2026-01-01 00:00:00 UTC");
    assert_string_equal(certificate_time_format(facts->not_after, time), "2036-01-01 00:00:00 UTC");
    assert_int_equal(facts->key, KEY_RSA);
    assert_int_equal(facts->key_bits, 2048);
    assert_false(facts->is_ca);
    assert_false(facts->self_signed);
    assert_true(certificate_facts(ca)->is_ca);
    assert_true(certificate_facts(ca)->self_signed);
    assert_string_equal(certificate_facts(ca)->key_text, "ECDSA P-256");
    assert_string_equal(certificate_alternative_names(certificate, names, sizeof(names)),
                        "fqdn site1.example.com");
    assert_string_equal(certificate_alternative_names(ca, names, sizeof(names)), "");
    assert_true(certificate_is_issued_by(certificate, ca));
    assert_false(certificate_is_issued_by(ca, certificate));
    certificate_release(ca);
    certificate_release(certificate);
}

static void R91_what_is_no_certificate_is_refused(void **state)
{
    (void)state;
    struct pki_reason reason;
    struct octets der = material_read("site1.der");
    struct octets pem = material_read("site1.pem");
    struct octets crl = material_read("crl.der");
    uint8_t *longer = malloc(der.length + 1);
    memcpy(longer, der.at, der.length);
    longer[der.length] = 0;
    const struct octets wrong[] = {{der.at, der.length - 1}, {longer, der.length + 1}, pem, crl, {der.at, 0}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(certificate_parse(wrong[i], &reason));
        assert_string_equal(reason.text, "this is no X.509 certificate in DER");
    }
    assert_null(crl_parse(der, &reason));
    assert_string_equal(reason.text, "this is no certificate revocation list in DER");
    free(longer);
    free((void *)der.at);
    free((void *)pem.at);
    free((void *)crl.at);
}

static void R91_facts_of_a_crl(void **state)
{
    (void)state;
    struct crl *crl = material_crl("crl");
    struct certificate *ca = material_certificate("crlca");
    struct certificate *fake = material_certificate("crlfake");
    const struct crl_facts *facts = crl_facts(crl);
    char time[CERTIFICATE_TIME_SIZE];
    assert_string_equal(facts->issuer, "C=JP, O=Example, CN=crlca");
    assert_string_equal(facts->number, "02");
    assert_int_equal(facts->revoked, 1);
    assert_string_equal(certificate_time_format(facts->next_update, time), "2036-01-01 00:00:00 UTC");
    assert_true(crl_is_signed_by(crl, ca));
    assert_false(crl_is_signed_by(crl, fake));
    certificate_release(ca);
    certificate_release(fake);
    crl_release(crl);
}

/* ---- Identities ------------------------------------------------------------------------------------ */

static struct octets text_octets(const char *text)
{
    return (struct octets){(const uint8_t *)text, strlen(text)};
}

static void S32_an_id_stands_in_subject_alt_name(void **state)
{
    static const uint8_t address[] = {10, 0, 0, 1};
    static const uint8_t other[] = {10, 0, 0, 2};
    static const uint8_t address6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const struct {
        uint8_t type;
        struct octets value;
        bool has;
    } cases[] = {
        {TYPE_FQDN, text_octets("site1.example.com"), true},
        {TYPE_FQDN, text_octets("SITE1.EXAMPLE.COM"), true},
        {TYPE_FQDN, text_octets("site1.example.co"), false},
        {TYPE_FQDN, text_octets("a.wild.example.com"), false},
        {TYPE_FQDN, text_octets("*.wild.example.com"), true}, /* an ID that is the same octets */
        {TYPE_FQDN, text_octets("admin@example.com"), false},
        {TYPE_FQDN, text_octets(""), false},
        {TYPE_RFC822, text_octets("admin@example.com"), true},
        {TYPE_RFC822, text_octets("site1.example.com"), false},
        {TYPE_IPV4, {address, 4}, true},
        {TYPE_IPV4, {other, 4}, false},
        {TYPE_IPV6, {address6, 16}, true},
        {TYPE_IPV6, {address, 4}, false},
        {TYPE_KEY_ID, text_octets("site1.example.com"), false},
    };
    (void)state;
    struct certificate *certificate = material_certificate("names");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool has = certificate_has_identity(certificate, cases[i].type, cases[i].value, NULL);
        if (has != cases[i].has)
            fail_msg("case %zu", i);
    }
    certificate_release(certificate);
}

static bool has_dn(const char *name, const char *dn)
{
    uint8_t der[256];
    struct certificate *certificate = material_certificate(name);
    struct octets value = {der, dn_parse(dn, der, sizeof(der), NULL)};
    assert_true(value.length > 0);
    bool has = certificate_has_identity(certificate, TYPE_DN, value, NULL);
    certificate_release(certificate);
    return has;
}

static void S3_a_dn_is_the_subject(void **state)
{
    (void)state;
    assert_true(has_dn("names", "C=JP, O=Example, CN=names"));
    assert_true(has_dn("names", "c=jp,o=example,cn=NAMES"));
    assert_true(has_dn("names", "/C=JP/O=Example/CN=names"));
    assert_true(has_dn("names", "C=JP, O=Example, CN=alternative"));
    assert_false(has_dn("names", "O=Example, C=JP, CN=names"));
    assert_false(has_dn("names", "C=JP, O=Example"));
    assert_false(has_dn("names", "C=JP, O=Example, CN=names, OU=more"));
    assert_false(has_dn("subjectless", "CN=site2.example.com"));
}

static void S32_a_key_id_is_the_subject_key_identifier(void **state)
{
    (void)state;
    struct certificate *certificate = material_certificate("keyid");
    assert_true(certificate_has_identity(certificate, TYPE_KEY_ID, text_octets("site"), NULL));
    assert_false(certificate_has_identity(certificate, TYPE_KEY_ID, text_octets("sites"), NULL));
    certificate_release(certificate);
}

static void S32_what_a_certificate_is_for_is_told(void **state)
{
    static const uint8_t address[] = {10, 0, 0, 2};
    (void)state;
    struct certificate *names = material_certificate("rsa2048");
    struct certificate *nameless = material_certificate("nameless");
    uint8_t der[256];
    struct octets dn = {der, dn_parse("C=JP, CN=a", der, sizeof(der), NULL)};
    const struct {
        struct certificate *certificate;
        uint8_t type;
        struct octets value;
        const char *text;
    } cases[] = {
        {names, TYPE_FQDN, text_octets("a.example.com"),
         "the certificate of C=JP, O=Example, CN=rsa2048, serial #, is for fqdn site1.example.com, not for "
         "the ID fqdn "
         "a.example.com"},
        {names,
         TYPE_IPV4,
         {address, 4},
         "the certificate of C=JP, O=Example, CN=rsa2048, serial #, is for fqdn site1.example.com, not for "
         "the ID ipv4 "
         "10.0.0.2"},
        {names, TYPE_FQDN, text_octets("a\n%s"),
         "the certificate of C=JP, O=Example, CN=rsa2048, serial #, is for fqdn site1.example.com, not for "
         "the ID fqdn "
         "a?%s"},
        {nameless, TYPE_RFC822, text_octets("a@example.com"),
         "the certificate of C=JP, O=Example, CN=nameless, serial #, has no subjectAltName, so it is not "
         "that of the ID "
         "rfc822 a@example.com"},
        {names, TYPE_DN, dn,
         "the certificate's subject is C=JP, O=Example, CN=rsa2048 (serial #), not the ID dn C=JP, CN=a"},
        {names, TYPE_KEY_ID, text_octets("site"),
         "the certificate of C=JP, O=Example, CN=rsa2048, serial #, has no subjectKeyIdentifier that is the "
         "ID keyid "
         "site"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pki_reason reason;
        char text[PKI_REASON_SIZE];
        assert_false(certificate_has_identity(cases[i].certificate, cases[i].type, cases[i].value, &reason));
        assert_string_equal(reason.text, material_text(cases[i].text, cases[i].certificate, text));
    }
    certificate_release(names);
    certificate_release(nameless);
}

/* ---- Distinguished names --------------------------------------------------------------------------- */

static void S3_distinguished_names_as_text(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"C=JP, O=Example, CN=site1", "C=JP, O=Example, CN=site1"},
        {"  c = JP ,O=Example Corp.,cn=a b ", "C=JP, O=Example Corp., CN=a b"},
        {"/C=JP/O=Example/CN=a", "C=JP, O=Example, CN=a"},
        {"DC=com, DC=example, CN=a+UID=7", "DC=com, DC=example, CN=a + UID=7"},
        {"E=a@example.com", "emailAddress=a@example.com"},
        {"CN=a\\, b", "CN=a\\, b"},
        {"CN=\xe6\x9d\xb1\xe4\xba\xac", "CN=\xe6\x9d\xb1\xe4\xba\xac"},
        {"2.5.4.3=a", "CN=a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t der[256];
        char text[DN_TEXT_SIZE];
        struct pki_reason reason = {""};
        struct octets name = {der, dn_parse(cases[i].text, der, sizeof(der), &reason)};
        assert_string_equal(reason.text, "");
        assert_string_equal(dn_format(name, text), cases[i].shown);
        uint8_t again[256];
        assert_true(dn_equal(name, (struct octets){again, dn_parse(text, again, sizeof(again), NULL)}));
    }
}

/* A peer chooses its name, and logs and answers of commands are shown in terminals. */
static void S34_names_do_not_command_a_terminal(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"CN=a\x1b[31m\r\n\x7f%", "CN=a\\1B[31m\\0D\\0A\\7F%"},
        {"CN=a\xc2\x9b"
         "31m\xc2\x80\xc2\xa0",
         "CN=a??31m??\xc2\xa0"}, /* CSI as one character */
        {"CN=a\xe2\x80\xae"
         "b\xe2\x81\xa9\xe2\x80\xa8\xd8\x9c",
         "CN=a???b????????"},
    };
    char text[DN_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t der[256];
        struct octets name = {der, dn_parse(cases[i].text, der, sizeof(der), NULL)};
        assert_true(name.length > 0);
        assert_string_equal(dn_format(name, text), cases[i].shown);
    }
    char long_name[1100] = "";
    uint8_t der[2048];
    for (size_t i = 0; i < 8; i++) /* characters of three octets */
        (void)snprintf(long_name + strlen(long_name), sizeof(long_name) - strlen(long_name), "%s%s%s",
                       i == 0 ? "" : ",", "O=東東東東東東東東東東東東東東東東東東東東東東東東",
                       "東東東東東東東東東");
    struct octets name = {der, dn_parse(long_name, der, sizeof(der), NULL)};
    assert_true(name.length > DN_TEXT_SIZE);
    size_t length = strlen(dn_format(name, text));
    assert_true(length >= DN_TEXT_SIZE - 3 && length < DN_TEXT_SIZE);
    assert_string_equal(text + length - 6, "東...");
}

static void S3_what_is_no_distinguished_name_is_told(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "it is empty"},
        {"site1.example.com", "`site1.example.com` is not ATTRIBUTE=VALUE"},
        {"C=JP, site1", "`site1` is not ATTRIBUTE=VALUE"},
        {"C=JP,", "it ends too early; a name with blanks in it stands in quotes"},
        {"C=JP,,CN=a", "`` is not ATTRIBUTE=VALUE"},
        {"XY=a", "`XY` is no attribute of a distinguished name"},
        {"CN=", "`CN` has no value"},
        {"C=Japan", "`Japan` is no value that C can have"},
        {"CN=\xff", "`\xff` is no value that CN can have"},
        {"CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, O=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
         "it has 114 octets in DER, and 100 are possible"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t der[100];
        struct pki_reason reason = {""};
        assert_int_equal(dn_parse(cases[i].text, der, sizeof(der), &reason), 0);
        assert_string_equal(reason.text, cases[i].reason);
    }
    char text[DN_TEXT_SIZE];
    assert_string_equal(dn_format(text_octets("abc"), text), "(no distinguished name)");
    assert_false(dn_is_well_formed(text_octets("abc")));
    assert_false(dn_equal(text_octets("abc"), text_octets("abc")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R91_facts_of_a_certificate),
        cmocka_unit_test(R91_what_is_no_certificate_is_refused),
        cmocka_unit_test(R91_facts_of_a_crl),
        cmocka_unit_test(S32_an_id_stands_in_subject_alt_name),
        cmocka_unit_test(S3_a_dn_is_the_subject),
        cmocka_unit_test(S32_a_key_id_is_the_subject_key_identifier),
        cmocka_unit_test(S32_what_a_certificate_is_for_is_told),
        cmocka_unit_test(S3_distinguished_names_as_text),
        cmocka_unit_test(S34_names_do_not_command_a_terminal),
        cmocka_unit_test(S3_what_is_no_distinguished_name_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
