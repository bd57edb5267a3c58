/* What the engine gets of the store: CA certificates by their names, and CRLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "material.h"
#include "pki/trust.h"

enum { TRUST_MAX = 1 << 16 };

struct fixture {
    char directory[64];
    struct pki_store *store;
    uint8_t at[TRUST_MAX];
    size_t length;
};

static void be_silent(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static void import(struct fixture *f, const char *name, const char *file, bool crl)
{
    struct pki_reason reason = {""};
    size_t left_out;
    struct octets content = material_read(file);
    bool done = crl ? pki_store_import_crl(f->store, name, PKI_DER, content, &reason)
                    : pki_store_import_certificate(f->store, name, PKI_DER, content, &left_out, &reason);
    if (!done)
        fail_msg("%s: %s", file, reason.text);
    free((void *)content.at);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return -1;
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/musubi-trust-XXXXXX");
    if (mkdtemp(f->directory) == NULL)
        return -1;
    f->store = pki_store_open(f->directory, be_silent, NULL);
    import(f, "caCert", "ca.der", false);
    import(f, "other", "otherca.der", false);
    import(f, "list", "crl.der", true);
    struct writer w = writer_to(f->at, sizeof(f->at));
    assert_true(trust_size(f->store) <= sizeof(f->at));
    trust_write(f->store, &w);
    assert_false(w.failed);
    f->length = writer_length(&w);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    pki_store_close(f->store);
    (void)snprintf(command, sizeof(command), "rm -rf %s", f->directory);
    int done = system(command); // NOLINT(cert-env33-c): the command is the test's own
    free(f);
    return done;
}

static void ca_certificates_are_found_by_their_names(void **state)
{
    struct fixture *f = *state;
    struct proof_authority authority;
    struct trust *trust = trust_read((struct octets){f->at, f->length});
    assert_non_null(trust);
    assert_true(f->length <= trust_size(f->store));

    assert_true(trust_find(trust, "caCert", &authority));

    assert_true(octets_equal(certificate_der(authority.anchor),
                             certificate_der(pki_store_find(f->store, "caCert")->content.chain[0])));
    assert_int_equal(authority.crl_count, 1);
    assert_string_equal(crl_facts(authority.crls[0])->issuer, "C=JP, O=Example, CN=crlca");
    assert_true(trust_find(trust, "other", &authority));
    assert_false(trust_find(trust, "list", &authority));
    assert_false(trust_find(trust, "cacert", &authority));
    assert_false(trust_find(NULL, "caCert", &authority));
    trust_release(trust);
}

static void holders_keep_it(void **state)
{
    struct fixture *f = *state;
    struct proof_authority authority;
    struct trust *trust = trust_read((struct octets){f->at, f->length});
    struct trust *other = trust_hold(trust);
    trust_release(trust);

    assert_true(trust_find(other, "caCert", &authority));

    trust_release(other);
}

static void octets_that_are_cut_off_or_changed_are_refused(void **state)
{
    struct fixture *f = *state;
    size_t read = 0;
    for (size_t length = 1; length < f->length; length++) {
        struct trust *trust = trust_read((struct octets){f->at, length});
        read += trust != NULL; /* after the first and the second entry */
        trust_release(trust);
    }
    assert_int_equal(read, 2);

    f->at[0] = 9; /* no kind of entry */
    assert_null(trust_read((struct octets){f->at, f->length}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ca_certificates_are_found_by_their_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holders_keep_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(octets_that_are_cut_off_or_changed_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
