/* `musubi check --effective`, and the arguments of `musubi check`. */
#include "support.h"

#include <unistd.h>

#include "check/command.h"
#include "check/effective.h"

static const char config_text[] = "ikev2 authentication psk id keyid a key char hunter2hunter2\n"
                                  "ikev2 authentication psk id keyid b key hex 68756e74657232\n"
                                  "ikev2 default-profile\n"
                                  "  dpd interval 20\n"
                                  "  sa-lifetime 7200\n"
                                  "ikev2 profile p\n"
                                  "  dpd interval 10\n"
                                  "  local-ts 192.168.1.0/24\n"
                                  "  local-ts 192.168.3.0/24\n"
                                  "interface Tunnel0.0\n"
                                  "  tunnel mode ipsec-ikev2\n"
                                  "  ip unnumbered GigaEthernet1.0\n"
                                  "  ip tcp adjust-mss auto\n"
                                  "  ikev2 binding p\n"
                                  "  ikev2 child-pfs 2048-bit\n"
                                  "  ikev2 local-authentication psk id keyid b\n"
                                  "  ikev2 peer 10.2.0.1 authentication psk id keyid a\n"
                                  "  no shutdown\n"
                                  "interface Tunnel1.0\n"
                                  "  tunnel mode ipsec-ikev2\n"
                                  "  ikev2 peer 10.3.0.1 authentication psk\n"
                                  "interface GigaEthernet1.0\n"
                                  "  ip address 192.168.1.254/24\n";

/* Every algorithm, strongest first. */
#define ENCRYPTION "aes-gcm-256 aes-gcm-128 aes-cbc-256 aes-cbc-192 aes-cbc-128 3des"
#define HASHES     "sha2-512 sha2-384 sha2-256 sha1"

static const char expected[] =
    "FILE:10: Tunnel0.0\n"
    "  line 11                  tunnel mode ipsec-ikev2\n"
    "  line 12                  ip unnumbered GigaEthernet1.0\n"
    "  default                  ip mtu 1500\n"
    "  line 13                  ip tcp adjust-mss auto\n"
    "  line 14                  ikev2 binding p\n"
    "  default                  ikev2 anti-replay on\n"
    "  default                  ikev2 cert weak-allowed off\n"
    "  default                  ikev2 child-lifetime 28800\n"
    "  line 15                  ikev2 child-pfs 2048-bit\n"
    "  default                  ikev2 child-proposal enc " ENCRYPTION "\n"
    "  default                  ikev2 child-proposal integrity " HASHES "\n"
    "  default                  ikev2 connect-type trigger\n"
    "  line 7, profile p        ikev2 dpd interval 10\n"
    "  default                  ikev2 ipsec mtu ignore off\n"
    "  default                  ikev2 ipsec pre-fragment off\n"
    "  default                  ikev2 ipsec-mode tunnel\n"
    "  line 16                  ikev2 local-authentication psk id keyid b\n"
    "  line 8, profile p        ikev2 local-ts 192.168.1.0/24\n"
    "  line 9, profile p        ikev2 local-ts 192.168.3.0/24\n"
    "  default                  ikev2 nat-traversal off\n"
    "  default                  ikev2 negotiation-direction both\n"
    "  default                  ikev2 outgoing-interface none\n"
    "  default                  ikev2 remote-ts any\n"
    "  line 5, default-profile  ikev2 sa-lifetime 7200\n"
    "  default                  ikev2 sa-proposal enc " ENCRYPTION "\n"
    "  default                  ikev2 sa-proposal integrity " HASHES "\n"
    "  default                  ikev2 sa-proposal prf " HASHES "\n"
    "  default                  ikev2 sa-proposal dh 3072-bit 2048-bit 1536-bit 1024-bit 768-bit\n"
    "  default                  ikev2 source-address none\n"
    "  default                  ikev2 suppress send-delete off\n"
    "  default                  ikev2 suppress send-rekey off\n"
    "  line 17                  ikev2 peer 10.2.0.1 authentication psk id keyid a\n"
    "  line 18                  no shutdown\n"
    "  line 1, config mode      ikev2 authentication psk id keyid a key char ********\n"
    "  line 2, config mode      ikev2 authentication psk id keyid b key hex ********\n"
    "FILE:19: Tunnel1.0 stays down: no key for the peer's ID, ipv4 10.3.0.1 (line 21)\n"
    "  line 20                  tunnel mode ipsec-ikev2\n"
    "  default                  ! ip unnumbered: none\n"
    "  default                  ip mtu 1500\n"
    "  default                  ! ip tcp adjust-mss: the MSS stays as it is\n"
    "  default                  ! ikev2 binding: no profile\n"
    "  default                  ikev2 anti-replay on\n"
    "  default                  ikev2 cert weak-allowed off\n"
    "  default                  ikev2 child-lifetime 28800\n"
    "  default                  ! child-pfs: all groups, or a rekey without PFS\n"
    "  default                  ikev2 child-proposal enc " ENCRYPTION "\n"
    "  default                  ikev2 child-proposal integrity " HASHES "\n"
    "  default                  ikev2 connect-type trigger\n"
    "  line 4, default-profile  ikev2 dpd interval 20\n"
    "  default                  ikev2 ipsec mtu ignore off\n"
    "  default                  ikev2 ipsec pre-fragment off\n"
    "  default                  ikev2 ipsec-mode tunnel\n"
    "  default                  ! local-authentication: psk, with the address from which this end sends as "
    "ID, "
    "and its key or else the peer's\n"
    "  default                  ikev2 local-ts any\n"
    "  default                  ikev2 nat-traversal off\n"
    "  default                  ikev2 negotiation-direction both\n"
    "  default                  ikev2 outgoing-interface none\n"
    "  default                  ikev2 remote-ts any\n"
    "  line 5, default-profile  ikev2 sa-lifetime 7200\n"
    "  default                  ikev2 sa-proposal enc " ENCRYPTION "\n"
    "  default                  ikev2 sa-proposal integrity " HASHES "\n"
    "  default                  ikev2 sa-proposal prf " HASHES "\n"
    "  default                  ikev2 sa-proposal dh 3072-bit 2048-bit 1536-bit 1024-bit 768-bit\n"
    "  default                  ikev2 source-address none\n"
    "  default                  ikev2 suppress send-delete off\n"
    "  default                  ikev2 suppress send-rekey off\n"
    "  line 21                  ikev2 peer 10.3.0.1 authentication psk\n"
    "  default                  no shutdown\n";

static void configuration_of(const char *text, struct configuration *out)
{
    struct diagnostics diagnostics = {0};
    struct port_table ports = {0};
    assert_true(configuration_read(out, text, strlen(text), &ports, NULL, &diagnostics));
    diagnostics_free(&diagnostics);
    port_table_clear(&ports);
}

/* The effective policies of a config; the caller frees them. */
static char *effective_of(const char *text)
{
    struct configuration configuration;
    char *said = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&said, &length);
    configuration_of(text, &configuration);
    effective_print(&configuration, "FILE", out);
    (void)fclose(out);
    configuration_free(&configuration);
    return said;
}

static void R21_each_value_has_the_line_that_it_comes_from(void **state)
{
    (void)state;
    char *said = effective_of(config_text);
    assert_string_equal(said, expected);
    free(said);
}

/* Then it holds for IPv4 too, and no default does. */
static void an_mtu_of_ipv6_alone_has_no_default_beside_it(void **state)
{
    (void)state;
    char *said = effective_of("interface Tunnel0.0\n  ipv6 mtu 1400\n");
    assert_non_null(strstr(said, "FILE:1: Tunnel0.0 stays down: neither `tunnel mode ipsec-ikev2` nor"));
    assert_non_null(strstr(said, "  default  ! tunnel mode: none, so the Tunnel stays down\n"));
    assert_non_null(strstr(said, "  line 2   ipv6 mtu 1400\n"));
    assert_non_null(strstr(said, "  default  ! ikev2 peer: none, so the Tunnel stays down\n"));
    assert_null(strstr(said, "1500"));
    free(said);
}

static void secrets_are_not_printed(void **state)
{
    (void)state;
    char *said = effective_of(config_text);
    assert_null(strstr(said, "hunter2"));
    assert_null(strstr(said, "68756e74657232"));
    free(said);
}

/* Appends the lines that are printed as defaults, without their place. */
static void append_defaults(char *text, size_t size, const char *said)
{
    static const char mark[] = "  default  ";
    for (const char *at = said; *at != '\0'; at = strchr(at, '\n') + 1) {
        size_t length = strcspn(at, "\n") + 1;
        if (strncmp(at, mark, strlen(mark)) != 0)
            continue;
        size_t used = strlen(text);
        (void)snprintf(text + used, size - used, "  %.*s", (int)(length - strlen(mark)), at + strlen(mark));
    }
}

static void R20_the_defaults_written_out_change_nothing(void **state)
{
    (void)state;
    enum { TEXT_SIZE = 8192 };
    char text[TEXT_SIZE] = "ikev2 authentication psk id keyid a key char b\n"
                           "interface Tunnel0.0\n"
                           "  tunnel mode ipsec-ikev2\n"
                           "  ikev2 peer 10.2.0.1 authentication psk id keyid a\n";
    struct configuration before, after;
    configuration_of(text, &before);
    char *said = effective_of(text);
    append_defaults(text, sizeof text, said);
    configuration_of(text, &after);
    struct tunnel_policy policy = after.policies.items[0];
    assert_int_not_equal(policy.line[SETTING_DPD], 0);
    memcpy(policy.line, before.policies.items[0].line, sizeof policy.line);
    assert_memory_equal(&policy, &before.policies.items[0], sizeof policy);
    free(said);
    configuration_free(&before);
    configuration_free(&after);
}

/* ---- Arguments ------------------------------------------------------------------------------------- */

/* Runs `musubi check` with arguments, which NULL ends, and fails unless all is as expected. */
static void assert_run(const char *const *arguments, int status, const char *said, const char *complaint)
{
    char *out_text = NULL, *error_text = NULL;
    size_t out_length = 0, error_length = 0, count = 0;
    FILE *out = open_memstream(&out_text, &out_length);
    FILE *errors = open_memstream(&error_text, &error_length);
    while (arguments[count] != NULL)
        count++;
    int done = check_command(count, (char *const *)(uintptr_t)arguments, out, errors);
    (void)fclose(out);
    (void)fclose(errors);
    assert_non_null(strstr(out_text, said));
    assert_string_equal(error_text, complaint);
    assert_int_equal(done, status);
    free(out_text);
    free(error_text);
}
#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void options_stand_before_and_behind_files(void **state)
{
    (void)state;
    char path[] = "/tmp/musubi-check-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, config_text, strlen(config_text)), strlen(config_text));
    assert_run(ARGUMENTS("--effective", path), 0, ":10: Tunnel0.0\n  line 11", "");
    assert_run(ARGUMENTS(path, "--effective"), 0, ":10: Tunnel0.0\n  line 11", "");
    assert_run(ARGUMENTS("--effective", "--", path), 0, ":10: Tunnel0.0\n  line 11", "");
    assert_run(ARGUMENTS(path), 0, ":19:1: warning: Tunnel1.0 has neither", "");
    assert_int_equal(pwrite(fd, "ikev2 wrong", 11, 0), 11);
    assert_run(ARGUMENTS("--effective", path), 1, ":1:7: error: `wrong", "");
    (void)close(fd);
    (void)unlink(path);
}

static void wrong_arguments_are_told(void **state)
{
    (void)state;
    assert_run(ARGUMENTS("--help"), 0, "Usage: musubi check ", "");
    assert_run(ARGUMENTS(NULL), 2, "", "musubi check: which file?\n");
    assert_run(ARGUMENTS("--effective"), 2, "", "musubi check: which file?\n");
    assert_run(ARGUMENTS("--effective", "--pair", "x", "y"), 2, "",
               "musubi check: --effective and --pair exclude each other\n");
    assert_run(ARGUMENTS("--nonsense", "x"), 2, "", "musubi check: there is no option --nonsense\n");
    assert_run(ARGUMENTS("-c", "x"), 2, "", "musubi check: there is no option -c\n");
    assert_run(ARGUMENTS("--", "--help"), 2, "", "musubi check: --help: No such file or directory\n");
    assert_run(ARGUMENTS("--effective", "/no/such"), 2, "",
               "musubi check: /no/such: No such file or directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R21_each_value_has_the_line_that_it_comes_from),
        cmocka_unit_test(an_mtu_of_ipv6_alone_has_no_default_beside_it),
        cmocka_unit_test(secrets_are_not_printed),
        cmocka_unit_test(R20_the_defaults_written_out_change_nothing),
        cmocka_unit_test(options_stand_before_and_behind_files),
        cmocka_unit_test(wrong_arguments_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
