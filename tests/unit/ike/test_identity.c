/* Identities (R3, S33, RFC 7296 3.5): from the wire, compared, as text. */
#include "ike/wire/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct octets text(const char *value)
{
    return (struct octets){(const uint8_t *)value, strlen(value)};
}

static struct identity id_of(uint8_t type, const char *value)
{
    struct identity id;
    assert_true(identity_parse(type, text(value), &id));
    return id;
}

static void R3_all_types_are_read_and_no_others(void **state)
{
    (void)state;
    static const uint8_t zeros[16];
    for (unsigned type = 0; type < 256; type++) {
        struct identity id;
        bool known = type == ID_FQDN || type == ID_RFC822_ADDR || type == ID_KEY_ID || type == ID_DER_ASN1_DN;
        for (size_t length = 0; length <= 16; length++) {
            bool fits = type == ID_IPV4_ADDR   ? length == 4
                        : type == ID_IPV6_ADDR ? length == 16
                                               : known && length > 0;
            bool well_formed = fits || (!known && type != ID_IPV4_ADDR && type != ID_IPV6_ADDR);
            const struct octets value = {zeros, length};
            assert_int_equal(identity_parse((uint8_t)type, value, &id), fits);
            assert_int_equal(identity_is_well_formed((uint8_t)type, value), well_formed);
        }
    }
}

static void an_id_has_256_octets_at_most(void **state)
{
    (void)state;
    static const uint8_t long_value[IDENTITY_SIZE + 1];
    struct identity id;
    assert_true(identity_parse(ID_KEY_ID, (struct octets){long_value, IDENTITY_SIZE}, &id));
    assert_int_equal(identity_value(&id).length, IDENTITY_SIZE);
    assert_false(identity_parse(ID_KEY_ID, (struct octets){long_value, IDENTITY_SIZE + 1}, &id));
}

static void names_know_no_case_and_key_ids_do(void **state)
{
    (void)state;
    const struct identity fqdn[] = {id_of(ID_FQDN, "Site1.Example.COM"), id_of(ID_FQDN, "site1.example.com")};
    const struct identity mail[] = {id_of(ID_RFC822_ADDR, "A@b.example"),
                                    id_of(ID_RFC822_ADDR, "a@B.example")};
    const struct identity key_id[] = {id_of(ID_KEY_ID, "Site1"), id_of(ID_KEY_ID, "site1")};
    const struct identity other_type = id_of(ID_KEY_ID, "site1.example.com");
    const struct identity longer = id_of(ID_FQDN, "site1.example.com.");
    assert_true(identity_equal(&fqdn[0], &fqdn[1]));
    assert_true(identity_equal(&mail[0], &mail[1]));
    assert_false(identity_equal(&key_id[0], &key_id[1]));
    assert_false(identity_equal(&fqdn[1], &other_type));
    assert_false(identity_equal(&fqdn[1], &longer));
    /* '@' and '`' differ in the bit that makes a letter small, and are no letters. */
    const struct identity at_sign = id_of(ID_FQDN, "a@b");
    const struct identity backquote = id_of(ID_FQDN, "a`b");
    assert_false(identity_equal(&at_sign, &backquote));
}

static void S17_an_address_is_an_id(void **state)
{
    (void)state;
    struct ip_address address;
    assert_true(ip_address_parse("10.1.0.1", &address));
    const struct identity v4 = identity_of_address(&address);
    assert_int_equal(v4.type, ID_IPV4_ADDR);
    assert_int_equal(v4.length, 4);
    assert_true(ip_address_parse("2001:db8::1", &address));
    const struct identity v6 = identity_of_address(&address);
    assert_int_equal(v6.type, ID_IPV6_ADDR);
    assert_int_equal(v6.length, 16);
}

static void S33_ids_print_with_their_type(void **state)
{
    (void)state;
    char out[IDENTITY_TEXT_SIZE];
    static const uint8_t v4[] = {10, 1, 0, 1};
    struct identity id;
    assert_true(identity_parse(ID_IPV4_ADDR, (struct octets){v4, sizeof v4}, &id));
    assert_string_equal(identity_format(&id, out), "IPv4-ADDR 10.1.0.1");
    id = id_of(ID_KEY_ID, "site1");
    assert_string_equal(identity_format(&id, out), "KEY-ID site1");
    id = id_of(ID_FQDN, "a.example");
    assert_string_equal(identity_format(&id, out), "FQDN a.example");
    id = id_of(ID_RFC822_ADDR, "a@b.example");
    assert_string_equal(identity_format(&id, out), "RFC822-ADDR a@b.example");
}

static void octets_that_could_forge_a_log_line_are_escaped(void **state)
{
    (void)state;
    char out[IDENTITY_TEXT_SIZE];
    struct identity id = id_of(ID_KEY_ID, "a b\n\\\x1b\x80");
    assert_string_equal(identity_format(&id, out), "KEY-ID a\\x20b\\x0a\\x5c\\x1b\\x80");
    static uint8_t worst[IDENTITY_SIZE];
    assert_true(identity_parse(ID_DER_ASN1_DN, (struct octets){worst, sizeof worst}, &id));
    assert_int_equal(strlen(identity_format(&id, out)), strlen("DER-ASN1-DN ") + 4 * IDENTITY_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R3_all_types_are_read_and_no_others),
        cmocka_unit_test(an_id_has_256_octets_at_most),
        cmocka_unit_test(names_know_no_case_and_key_ids_do),
        cmocka_unit_test(S17_an_address_is_an_id),
        cmocka_unit_test(S33_ids_print_with_their_type),
        cmocka_unit_test(octets_that_could_forge_a_log_line_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
