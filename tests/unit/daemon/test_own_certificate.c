/* daemon/keeper/own_certificate.h: what is known against the device's own certificate. */
#include "daemon/keeper/own_certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pki/material.h"

enum { FQDN = 2 }; /* ID type (RFC 7296 3.5) */

static void S34_what_peers_will_refuse_is_told_beforehand(void **state)
{
    static const struct {
        const char *name, *id, *text; /* NULL: nothing is known against it */
    } cases[] = {
        {"west", "west.example.com", NULL},
        {"west-ec", "WEST.example.com", NULL},
        {"west", "other.example.com",
         "the certificate of C=JP, O=Example, CN=west, serial #, is for fqdn west.example.com, rfc822 "
         "admin@west.example.com, ipv4 10.1.0.1, ipv6 2001:db8::1, not for the ID fqdn other.example.com: "
         "import "
         "another one, or change the ID of `local-authentication`"},
        {"nameless", "west.example.com",
         "the certificate of C=JP, O=Example, CN=nameless, serial #, has no subjectAltName, so it is not "
         "that of "
         "the ID fqdn west.example.com: import another one, or change the ID of `local-authentication`"},
        {"west-expired", "west.example.com",
         "the certificate of C=JP, O=Example, CN=west-expired, serial #, expired at 2026-02-01 00:00:00 UTC: "
         "import "
         "another one"},
        {"west-early", "west.example.com",
         "the certificate of C=JP, O=Example, CN=west-early, serial #, is not valid before 2027-01-01 "
         "00:00:00 UTC: "
         "import another one"},
        {"west-weak", "west.example.com",
         "the certificate of C=JP, O=Example, CN=west-weak, serial #, has a weak key, RSA 1024 bits: import "
         "one with "
         "2048 bits"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pki_entry entry = {
            .content = {.chain = {material_certificate(cases[i].name)}, .chain_length = 1}};
        struct identity id = {.type = FQDN, .length = (uint16_t)strlen(cases[i].id)};
        struct pki_reason trouble = {""};
        char text[PKI_REASON_SIZE];
        memcpy(id.value, cases[i].id, id.length);

        bool told = own_certificate_trouble(&entry, &id, MATERIAL_NOW, &trouble);

        assert_int_equal(told, cases[i].text != NULL);
        if (told)
            assert_string_equal(trouble.text, material_text(cases[i].text, entry.content.chain[0], text));
        certificate_release(entry.content.chain[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(S34_what_peers_will_refuse_is_told_beforehand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
