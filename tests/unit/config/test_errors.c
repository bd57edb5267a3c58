/* S15: errors with file, line, column, caret and the keyword that was probably meant. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void assert_says(const char *text, const char *expected)
{
    struct reading r = read_text(text);
    assert_null(r.config);
    assert_string_equal(r.said, expected);
    reading_free(&r);
}

static void S15_an_error_shows_the_line_and_a_caret_under_the_word(void **state)
{
    (void)state;
    assert_says("ikev2 default-profile\n"
                "  sa-proposal enq aes-cbc-256\n",
                "FILE:2:15: error: `enq` is not known here; did you mean `enc`?\n"
                "  sa-proposal enq aes-cbc-256\n"
                "              ^~~\n");
}

static void S15_a_caret_behind_the_line_marks_a_missing_word(void **state)
{
    (void)state;
    assert_says("interface Tunnel0.0\n"
                "  ikev2 peer any authentication psk\n",
                "FILE:2:36: error: the line ends too early; expected id\n"
                "  ikev2 peer any authentication psk\n"
                "                                   ^\n");
}

static void S15_a_word_unlike_any_keyword_gets_the_list_of_keywords(void **state)
{
    (void)state;
    assert_says("ikev2 default-profile\n"
                "  connect-type whenever\n",
                "FILE:2:16: error: `whenever` is not known here; expected auto or trigger\n"
                "  connect-type whenever\n"
                "               ^~~~~~~~\n");
}

static void S15_a_caret_marks_a_superfluous_word(void **state)
{
    (void)state;
    assert_says("ikev2 default-profile\n"
                "  dpd off now\n",
                "FILE:2:11: error: the line should end before `now`\n"
                "  dpd off now\n"
                "          ^~~\n");
}

static void S3_a_dn_with_blanks_and_without_quotes_gets_a_hint(void **state)
{
    (void)state;
    assert_says("ikev2 default-profile\n"
                "  local-authentication rsa id dn CN=gw site\n",
                "FILE:2:40: error: the line should end before `site`; a name with blanks in it stands in "
                "quotes, as in \"C=JP, O=Example, CN=site1\"\n"
                "  local-authentication rsa id dn CN=gw site\n"
                "                                       ^~~~\n");
    assert_says("ikev2 default-profile\n"
                "  local-authentication rsa id fqdn gw.example.com site\n",
                "FILE:2:51: error: the line should end before `site`\n"
                "  local-authentication rsa id fqdn gw.example.com site\n"
                "                                                  ^~~~\n");
}

static void a_question_mark_is_no_name(void **state)
{
    (void)state;
    assert_says("ikev2 default-profile\n"
                "  cert cacert name ?\n",
                "FILE:2:20: error: `?` is wrong: it asks for help, and is no name; docs/commands.md has all "
                "commands\n"
                "  cert cacert name ?\n"
                "                   ^\n");
    struct reading r = read_text("ikev2 default-profile\n  cert cacert name a?\n");
    assert_string_equal(r.said, "");
    reading_free(&r);
}

static void R30_a_second_key_of_an_id_is_reported(void **state)
{
    (void)state;
    struct reading r = read_text("ikev2 authentication psk id fqdn gw.example.com key char one\n"
                                 "ikev2 authentication psk id keyid gw.example.com key char two\n"
                                 "ikev2 authentication psk id fqdn gw.example.com key char one\n"
                                 "ikev2 authentication psk id fqdn GW.example.com key char two\n");
    assert_string_equal(r.said, "FILE:4:1: warning: this key replaces that of line 3: an ID has one key, the "
                                "last one\n");
    reading_free(&r);
}

static void S15_all_errors_are_reported_at_once(void **state)
{
    (void)state;
    struct reading r = read_text("ikev2 default-profile\n  dpd interval x\n  sa-lifetime 0\nikev2 peer\n");
    assert_int_equal(r.diagnostics.errors, 3);
    assert_null(r.config);
    reading_free(&r);
}

static void S15_lines_under_a_wrong_header_cause_no_errors(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "interface Tunnel0.x\n  ikev2 peer nonsense\n  ip address 1/2\nhostname a\n",
        "interface Tunnel0.x\nikev2 peer nonsense\nip address 1/2\nhostname a\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct reading r = read_text(texts[i]);
        assert_int_equal(r.diagnostics.errors, 1);
        assert_int_equal(r.diagnostics.warnings, 0);
        reading_free(&r);
    }
}

static void S15_columns_and_carets_count_characters_not_octets(void **state)
{
    (void)state;
    assert_says("interface Tunnel0.0\n"
                "  ikev2 peer any authentication psk id keyid 拠点 extra\n",
                "FILE:2:49: error: the line should end before `extra`\n"
                "  ikev2 peer any authentication psk id keyid 拠点 extra\n"
                "                                                  ^~~~~\n");
}

static void S15_a_long_line_is_shown_around_its_error(void **state)
{
    (void)state;
    char text[2000] = "ikev2 default-profile\n  sa-proposal enc";
    for (size_t i = 0; i < 60; i++)
        (void)strcat(text, " aes-cbc-256");
    (void)strcat(text, " des");
    for (size_t i = 0; i < 20; i++)
        (void)strcat(text, " aes-cbc-256");
    struct reading r = read_text(text);
    assert_contains(r.said, "did you mean `3des`?");
    assert_true(strlen(r.said) < 500);
    reading_free(&r);
}

static void S18_no_error_quotes_a_secret(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ikev2 authentication psk id keyid a key chr verysecret\n",
        "ikev2 authentication psk id keyid a key verysecret\n",
        "ikev2 authentication psk id keyid a key char verysecret verysecret\n",
        "ikev2 authentication id keyid a key char verysecret\n",
        "ikev2 authentication psk id keyid key char verysecret\n",
        "ikev2 authentication psk id ipv4 10.0.0.256 key char verysecret\n",
        "ikev2 authentication psk id keyid a key hex verysecret\n",
        "no ikev2 authentication psk id keyid a key char verysecret verysecret\n",
        "ikev2 authentication psk id keyid a key char \"verysecret\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct reading r = read_text(texts[i]);
        assert_null(r.config);
        assert_lacks(r.said, "verysecret");
        reading_free(&r);
    }
}

static void S3_what_is_no_distinguished_name_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *name, *error;
    } cases[] = {
        {"site1.example.com", "`site1.example.com` is not ATTRIBUTE=VALUE"},
        {"C=JP, O=Example", "it ends too early; a name with blanks in it stands in quotes"},
        {"\"C=JP, XY=a\"", "`XY` is no attribute of a distinguished name"},
        {"C=Japan", "`Japan` is no value that C can have"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        (void)snprintf(text, sizeof text,
                       "interface Tunnel0.0\n  ikev2 peer any authentication rsa id dn %s\n", cases[i].name);
        assert_refused(text, cases[i].error);
    }
}

static void R40_any_without_an_id_is_an_error(void **state)
{
    (void)state;
    assert_refused("interface Tunnel0.0\n  ikev2 peer any authentication rsa\n", "expected id");
    config_free(accepted("interface Tunnel0.0\n  ikev2 peer any authentication rsa id keyid a\n"));
}

static void R3_values_of_ids_are_checked_by_their_type(void **state)
{
    (void)state;
    assert_refused("ikev2 default-profile\n  local-authentication id ipv4 2001:db8::1\n", "an IPv4 address");
    assert_refused("ikev2 default-profile\n  local-authentication id ipv6 10.0.0.1\n", "an IPv6 address");
    assert_refused("ikev2 default-profile\n  local-authentication id fqdn -a.example\n", "a domain name");
    assert_refused("ikev2 default-profile\n  local-authentication id rfc822 nobody\n", "a mail address");
}

static void R71_selectors_are_checked(void **state)
{
    (void)state;
    static const char *const wrong[] = {"10.0.0.9-10.0.0.1",   "10.0.0.1-2001:db8::1",  "10.0.0.1",
                                        "10.0.0.0/8 port 5-4", "10.0.0.0/8 port 65536", "any protocol 256"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "ikev2 default-profile\n  local-ts %s\n", wrong[i]);
        assert_refused(text, "is wrong");
    }
}

static void a_device_needs_a_name_that_linux_takes(void **state)
{
    (void)state;
    assert_refused("device GigaEthernet0\n  linux-interface much-too-long-a-name\n", "up to 15 characters");
    assert_refused("device GigaEthernet0\n  linux-interface a/b\n", "up to 15 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S15_an_error_shows_the_line_and_a_caret_under_the_word),
        cmocka_unit_test(S15_a_caret_behind_the_line_marks_a_missing_word),
        cmocka_unit_test(S15_a_word_unlike_any_keyword_gets_the_list_of_keywords),
        cmocka_unit_test(S15_a_caret_marks_a_superfluous_word),
        cmocka_unit_test(S15_all_errors_are_reported_at_once),
        cmocka_unit_test(S3_a_dn_with_blanks_and_without_quotes_gets_a_hint),
        cmocka_unit_test(a_question_mark_is_no_name),
        cmocka_unit_test(R30_a_second_key_of_an_id_is_reported),
        cmocka_unit_test(S15_lines_under_a_wrong_header_cause_no_errors),
        cmocka_unit_test(S15_columns_and_carets_count_characters_not_octets),
        cmocka_unit_test(S15_a_long_line_is_shown_around_its_error),
        cmocka_unit_test(S18_no_error_quotes_a_secret),
        cmocka_unit_test(S3_what_is_no_distinguished_name_is_an_error),
        cmocka_unit_test(R40_any_without_an_id_is_an_error),
        cmocka_unit_test(R3_values_of_ids_are_checked_by_their_type),
        cmocka_unit_test(R71_selectors_are_checked),
        cmocka_unit_test(a_device_needs_a_name_that_linux_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
