/*
 * Warnings in the log of certificates and CRLs that end soon or have ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/keeper/certificate_watch.h"
#include "daemon/show/certificates.h"
#include "material.h"

enum { DAY = 86400 };

/* 2035-12-31 12:00:00 UTC: half a day before the end of most certificates of the tests. */
#define LAST_DAY INT64_C(2082715200)

struct fixture {
    char directory[64];
    struct pki_store *store;
    struct tunnel_policy policy;
    struct tunnel_policies policies;
    struct certificate_watch watch;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/musubi-watch-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->store = pki_store_open(f->directory, NULL, NULL);
    assert_non_null(f->store);
    f->policy = (struct tunnel_policy){.name = "Tunnel0.0", .cacert = "ca", .remote_auth = AUTH_KIND_RSA};
    f->policies = (struct tunnel_policies){&f->policy, 1};
    f->watch =
        (struct certificate_watch){.store = f->store, .policies = &f->policies, .log = event_log_new()};
    assert_non_null(f->watch.log);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    pki_store_close(f->store);
    event_log_free(f->watch.log);
    (void)snprintf(command, sizeof(command), "rm -rf %s", f->directory);
    int done = system(command); // NOLINT(cert-env33-c): the command is the test's own
    free(f);
    return done;
}

static void import(struct fixture *f, const char *name, const char *file)
{
    struct octets content = material_read(file);
    struct pki_reason reason;
    size_t left_out;
    bool crl = strncmp(file, "crl-", 4) == 0;
    bool done = crl ? pki_store_import_crl(f->store, name, PKI_PEM, content, &reason)
                    : pki_store_import_certificate(f->store, name, PKI_PEM, content, &left_out, &reason);
    if (!done)
        fail_msg("%s: %s", file, reason.text);
    free((void *)content.at);
}

/* The number of lines of the log that have the text. */
static size_t count_lines(const struct fixture *f, const char *words)
{
    struct text shown = {0};
    size_t count = 0;
    event_log_show(f->watch.log, &shown);
    for (const char *at = text_get(&shown); (at = strstr(at, words)) != NULL; at++)
        count++;
    text_free(&shown);
    return count;
}

static void R91_a_certificate_that_ends_soon_is_warned_of_once_a_day(void **state)
{
    struct fixture *f = *state;
    static const char warning[] = "warn the certificate `ca` (C=JP, O=Example, CN=ca) expires in ";
    import(f, "ca", "ca.pem");

    certificate_watch_look(&f->watch, LAST_DAY - 31 * (int64_t)DAY);
    assert_int_equal(count_lines(f, warning), 0);
    certificate_watch_look(&f->watch, LAST_DAY - 29 * (int64_t)DAY);
    assert_int_equal(count_lines(f, "expires in 29 days, at 2036-01-01 00:00:00 UTC; it is used by Tunnel0.0 "
                                    "(cacert)\n"),
                     1);
    certificate_watch_look(&f->watch, LAST_DAY - 29 * (int64_t)DAY + 3600);
    assert_int_equal(count_lines(f, warning), 1);
    certificate_watch_look(&f->watch, LAST_DAY - 28 * (int64_t)DAY);
    assert_int_equal(count_lines(f, warning), 2);
    certificate_watch_look(&f->watch, LAST_DAY + DAY);
    assert_int_equal(
        count_lines(f,
                    "warn the certificate `ca` (C=JP, O=Example, CN=ca) expired at 2036-01-01 00:00:00 UTC"),
        1);
}

static void R91_the_chain_and_crls_are_looked_at_too(void **state)
{
    struct fixture *f = *state;
    import(f, "chain", "chain-shuffled.pem");
    import(f, "list", "crl-expired.pem");
    import(f, "new", "crl-empty.pem");
    certificate_watch_look(&f->watch, LAST_DAY);
    assert_int_equal(count_lines(f,
                                 "a CA certificate in the chain of `chain` (C=JP, O=Example, CN=low) expires "
                                 "in 0 days"),
                     1);
    assert_int_equal(
        count_lines(f, "the CRL `list` of C=JP, O=Example, CN=crlca expired at 2026-02-01 00:00:00 UTC"), 1);
    assert_int_equal(count_lines(f, "the CRL `new`"), 0);
}

static void S32_a_clock_that_is_plainly_wrong_is_told(void **state)
{
    struct fixture *f = *state;
    static const char warning[] = "warn the clock of this machine is plainly wrong: certificates can't be "
                                  "validated";
    certificate_watch_look(&f->watch, 2 * DAY);
    assert_int_equal(count_lines(f, warning), 0); /* there are none */
    import(f, "ca", "ca.pem");
    certificate_watch_look(&f->watch, 3 * DAY);
    assert_int_equal(count_lines(f, warning), 1);
    assert_int_equal(
        count_lines(f, "the certificate `ca` (C=JP, O=Example, CN=ca) is not valid before 2026-01-01"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(R91_a_certificate_that_ends_soon_is_warned_of_once_a_day, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(R91_the_chain_and_crls_are_looked_at_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S32_a_clock_that_is_plainly_wrong_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
