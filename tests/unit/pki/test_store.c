/*
 * The certificate store: imports, refusals, what is on the disk, and what a new start finds there.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "material.h"
#include "pki/store.h"

struct fixture {
    char directory[64]; /* holds `state`, the state-dir */
    char state[80];
    struct pki_store *store;
    char complaints[4096];
    struct pki_reason reason;
    size_t left_out;
};

static void note_complaint(void *context, const char *text)
{
    struct fixture *f = context;
    size_t used = strlen(f->complaints);
    (void)snprintf(f->complaints + used, sizeof(f->complaints) - used, "%s\n", text);
}

static void reopen(struct fixture *f)
{
    pki_store_close(f->store);
    f->complaints[0] = '\0';
    f->store = pki_store_open(f->state, note_complaint, f);
    assert_non_null(f->store);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/musubi-store-XXXXXX");
    if (f == NULL || mkdtemp(f->directory) == NULL)
        return -1;
    (void)snprintf(f->state, sizeof(f->state), "%s/state", f->directory);
    reopen(f);
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

/* ---- Imports from the files of make_certificates.py ------------------------------------------------ */

static bool import_certificate(struct fixture *f, const char *name, enum pki_form form, const char *file)
{
    struct octets content = material_read(file);
    bool done = pki_store_import_certificate(f->store, name, form, content, &f->left_out, &f->reason);
    free((void *)content.at);
    return done;
}

static bool import_key(struct fixture *f, const char *name, const char *password, const char *file)
{
    struct octets content = material_read(file);
    bool done = pki_store_import_key(f->store, name, password, content, &f->reason);
    free((void *)content.at);
    return done;
}

static bool import_pkcs12(struct fixture *f, const char *name, const char *password, const char *file)
{
    struct octets content = material_read(file);
    bool done = pki_store_import_pkcs12(f->store, name, password, content, &f->left_out, &f->reason);
    free((void *)content.at);
    return done;
}

static bool import_crl(struct fixture *f, const char *name, enum pki_form form, const char *file)
{
    struct octets content = material_read(file);
    bool done = pki_store_import_crl(f->store, name, form, content, &f->reason);
    free((void *)content.at);
    return done;
}

static const struct pki_content *content_of(const struct fixture *f, const char *name)
{
    const struct pki_entry *entry = pki_store_find(f->store, name);
    if (entry == NULL)
        fail_msg("no %s", name);
    return &entry->content;
}

static const char *subject_of(const struct certificate *certificate)
{
    return certificate_facts(certificate)->subject;
}

#define assert_done(done)                                                                                    \
    do {                                                                                                     \
        if (!(done))                                                                                         \
            fail_msg("%s", f->reason.text);                                                                  \
    } while (0)

#define assert_refused(done, words)                                                                          \
    do {                                                                                                     \
        assert_false(done);                                                                                  \
        assert_string_equal(f->reason.text, words);                                                          \
    } while (0)

/* ---- Tests ----------------------------------------------------------------------------------------- */

static void R91_what_was_imported_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    assert_done(import_certificate(f, "caCert", PKI_PEM, "ca.pem"));
    assert_done(import_certificate(f, "der", PKI_DER, "ca.der"));
    assert_done(import_certificate(f, "myCert", PKI_PEM, "rsa2048.pem"));
    assert_done(import_key(f, "myCert", NULL, "rsa2048.key"));
    assert_done(import_key(f, "first", NULL, "site1.key"));
    assert_done(import_certificate(f, "first", PKI_PEM, "site1.pem"));
    assert_done(import_pkcs12(f, "box", "secret", "with-chain.p12"));
    assert_done(import_crl(f, "list", PKI_PEM, "crl.pem"));
    assert_done(import_crl(f, "list.der", PKI_DER, "crl.der"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pki_store_count(f->store), 7);
        assert_string_equal(pki_store_at(f->store, 0)->name, "box");
        assert_string_equal(subject_of(content_of(f, "caCert")->chain[0]), "C=JP, O=Example, CN=ca");
        assert_non_null(content_of(f, "myCert")->key);
        assert_non_null(content_of(f, "first")->key);
        assert_null(content_of(f, "caCert")->key);
        assert_int_equal(content_of(f, "box")->chain_length, 4);
        assert_string_equal(crl_facts(content_of(f, "list")->crl)->issuer, "C=JP, O=Example, CN=crlca");
        reopen(f);
        assert_string_equal(f->complaints, "");
    }
}

static mode_t mode_of(const struct fixture *f, const char *path)
{
    char whole[200];
    struct stat status;
    (void)snprintf(whole, sizeof(whole), "%s/%s", f->state, path);
    if (stat(whole, &status) != 0)
        fail_msg("no %s", whole);
    return status.st_mode & 07777;
}

static void R91_the_files_are_for_their_owner_alone(void **state)
{
    struct fixture *f = *state;
    mode_t mask = umask(0);
    assert_done(import_pkcs12(f, "my/Cert", "secret", "modern.p12"));
    (void)umask(mask);
    assert_int_equal(mode_of(f, ""), 0700);
    assert_int_equal(mode_of(f, "pki"), 0700);
    assert_int_equal(mode_of(f, "pki/my%2FCert.pem"), 0600);
}

static void R91_access_by_others_is_mended(void **state)
{
    struct fixture *f = *state;
    char path[200];
    char told[300];
    assert_done(import_certificate(f, "ca", PKI_PEM, "ca.pem"));
    (void)snprintf(path, sizeof(path), "%s/pki/ca.pem", f->state);
    assert_int_equal(chmod(path, 0644), 0);
    reopen(f);
    (void)snprintf(told, sizeof(told), "%s: others than its owner had access to it; that is mended\n", path);
    assert_string_equal(f->complaints, told);
    assert_int_equal(mode_of(f, "pki/ca.pem"), 0600);
    assert_non_null(pki_store_find(f->store, "ca"));
}

static void R91_a_taken_name_has_to_be_erased_first(void **state)
{
    struct fixture *f = *state;
    assert_done(import_certificate(f, "a", PKI_PEM, "rsa2048.pem"));
    assert_refused(
        import_certificate(f, "a", PKI_PEM, "ca.pem"),
        "there is a certificate `a` already: take another name, or erase it first (`pki cert erase name a`)");
    assert_refused(
        import_pkcs12(f, "a", "secret", "modern.p12"),
        "there is an entry `a` already: take another name, or erase it first (`pki cert erase name a`)");
    assert_refused(
        import_crl(f, "a", PKI_PEM, "crl.pem"),
        "there is an entry `a` already: take another name, or erase it first (`pki cert erase name a`)");
    assert_done(import_key(f, "a", NULL, "rsa2048.key"));
    assert_refused(
        import_key(f, "a", NULL, "rsa2048.key"),
        "there is a private key `a` already: take another name, or erase it first (`pki cert erase name a`)");
    assert_refused(
        import_certificate(f, "a", PKI_PEM, "rsa2048.pem"),
        "there is a certificate `a` already: take another name, or erase it first (`pki cert erase name a`)");
    assert_done(import_crl(f, "l", PKI_PEM, "crl.pem"));
    assert_refused(
        import_certificate(f, "l", PKI_PEM, "ca.pem"),
        "there is a CRL `l` already: take another name, or erase it first (`pki cert erase name l`)");
    assert_refused(
        import_key(f, "l", NULL, "rsa2048.key"),
        "there is a CRL `l` already: take another name, or erase it first (`pki cert erase name l`)");
    uint32_t before = pki_store_generation(f->store);
    assert_done(pki_store_erase(f->store, "a", &f->reason));
    assert_int_not_equal(pki_store_generation(f->store), before);
    assert_done(import_certificate(f, "a", PKI_PEM, "ca.pem"));
    assert_refused(pki_store_erase(f->store, "b", &f->reason), "there is no certificate, key or CRL `b`");
}

static void R91_erased_is_erased_after_a_restart(void **state)
{
    struct fixture *f = *state;
    assert_done(import_certificate(f, "a", PKI_PEM, "ca.pem"));
    assert_done(import_certificate(f, "b", PKI_PEM, "ca.pem"));
    assert_done(pki_store_erase(f->store, "a", &f->reason));
    assert_null(pki_store_find(f->store, "a"));
    reopen(f);
    assert_null(pki_store_find(f->store, "a"));
    assert_non_null(pki_store_find(f->store, "b"));
}

static void S31_a_key_has_to_fit_its_certificate(void **state)
{
    struct fixture *f = *state;
    static const char text[] =
        "the private key (ECDSA P-256) is not that of the certificate (C=JP, O=Example, "
        "CN=rsa2048, RSA 2048 bits)";
    assert_done(import_certificate(f, "a", PKI_PEM, "rsa2048.pem"));
    assert_refused(import_key(f, "a", NULL, "site1.key"), text);
    assert_null(content_of(f, "a")->key);
    assert_done(import_key(f, "b", NULL, "site1.key"));
    assert_refused(import_certificate(f, "b", PKI_PEM, "rsa2048.pem"), text);
    assert_int_equal(content_of(f, "b")->chain_length, 0);
}

static void S31_private_keys_come_in_several_forms(void **state)
{
    struct fixture *f = *state;
    assert_done(import_key(f, "a", "secret", "encrypted.key"));
    assert_done(import_key(f, "b", "secret", "traditional.key"));
    assert_done(import_key(f, "c", NULL, "traditional-ec.key"));
    assert_done(import_key(f, "d", NULL, "ed25519.key"));
    assert_done(import_key(f, "e", NULL, "key-and-certificate.pem"));
    assert_string_equal(private_key_text(content_of(f, "a")->key), "RSA 2048 bits");
    assert_string_equal(private_key_text(content_of(f, "d")->key), "Ed25519");
    assert_refused(import_key(f, "f", NULL, "encrypted.key"),
                   "the private key is encrypted: give its password by `crypto PASSWORD`");
    assert_refused(import_key(f, "f", NULL, "traditional.key"),
                   "the private key is encrypted: give its password by `crypto PASSWORD`");
    assert_refused(import_key(f, "f", "wrong", "encrypted.key"),
                   "the password is wrong, or the private key is damaged");
    assert_refused(import_key(f, "f", "wrong", "traditional.key"),
                   "the password is wrong, or the private key is damaged");
    assert_refused(import_key(f, "f", NULL, "ca.pem"), "there is no private key in PEM in it: it looks like "
                                                       "a certificate in PEM, for `pki cert import pem`");
    assert_refused(import_key(f, "f", NULL, "x25519.key"),
                   "a private key of this kind is not supported: it must be RSA, ECDSA or Ed25519");
    assert_refused(
        import_key(f, "f", NULL, "exponent.key"),
        "peers would refuse the private key: it is an RSA key with an exponent of more than 64 bits, "
        "which is not supported here");
    assert_refused(
        import_key(f, "f", NULL, "curve.key"),
        "peers would refuse the private key: it is a key whose curve is written out, and not named (RFC "
        "5480 2.1.1)");
    assert_null(pki_store_find(f->store, "f"));
}

static void R91_pkcs12_with_and_without_chain(void **state)
{
    struct fixture *f = *state;
    assert_done(import_pkcs12(f, "modern", "secret", "modern.p12"));
    assert_done(import_pkcs12(f, "legacy", "secret", "legacy.p12"));
    assert_done(import_pkcs12(f, "utf8", "秘密", "utf8.p12"));
    assert_done(import_pkcs12(f, "only-ca", "secret", "only-ca.p12"));
    assert_int_equal(f->left_out, 0);
    assert_done(import_pkcs12(f, "chain", "secret", "with-chain.p12"));
    assert_int_equal(f->left_out, 1);
    assert_int_equal(content_of(f, "modern")->chain_length, 1);
    assert_non_null(content_of(f, "legacy")->key);
    assert_null(content_of(f, "only-ca")->key);
    static const char *const subjects[] = {"C=JP, O=Example, CN=of-low", "C=JP, O=Example, CN=low",
                                           "C=JP, O=Example, CN=middle", "C=JP, O=Example, CN=ca"};
    assert_int_equal(content_of(f, "chain")->chain_length, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(subject_of(content_of(f, "chain")->chain[i]), subjects[i]);
}

static void R91_wrong_pkcs12_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_refused(import_pkcs12(f, "a", "wrong", "modern.p12"),
                   "the password is wrong, or the file is damaged");
    assert_refused(import_pkcs12(f, "a", "wrong", "legacy.p12"),
                   "the password is wrong, or the file is damaged");
    assert_refused(import_pkcs12(f, "a", "secret", "without-mac.p12"),
                   "it has no MAC, so nothing shows that it is whole");
    assert_refused(import_pkcs12(f, "a", "secret", "ca.pem"),
                   "it is no PKCS#12 file: it looks like a certificate in PEM, for `pki cert import pem`");
    assert_refused(import_pkcs12(f, "a", "secret", "ca.der"),
                   "it is no PKCS#12 file: it looks like a certificate in DER, for `pki cert import der`");
    struct octets file = material_read("modern.p12");
    assert_refused(pki_store_import_pkcs12(f->store, "a", "secret", (struct octets){file.at, file.length / 2},
                                           &f->left_out, &f->reason),
                   "it is no PKCS#12 file");
    assert_refused(pki_store_import_pkcs12(f->store, "a", "secret", (struct octets){file.at, 0}, &f->left_out,
                                           &f->reason),
                   "the file is empty");
    free((void *)file.at);
    assert_int_equal(pki_store_count(f->store), 0);
}

/* A file may ask for so many that the keeper would stand still for hours. */
static void R91_passwords_are_not_hashed_for_ever(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "its password is hashed more than 5000000 times, for which all would wait: "
                               "export it again with fewer "
                               "iterations (openssl's -iter)";
    assert_done(import_pkcs12(f, "a", "secret", "iterations.p12"));
    assert_refused(import_pkcs12(f, "b", "secret", "many-iterations-mac.p12"), text);
    assert_refused(import_pkcs12(f, "b", "secret", "many-iterations-certificates.p12"), text);
    assert_refused(import_pkcs12(f, "b", "secret", "many-iterations-key.p12"), text);
    assert_refused(import_key(f, "b", "secret", "many-iterations-pbkdf2.key"), text);
    assert_refused(import_key(f, "b", "secret", "many-iterations-scrypt.key"), text);
}

/* Else a chain would be cut off, or certificates taken for valid, and nobody would be told. */
static void R91_a_part_of_a_file_is_not_imported(void **state)
{
    struct fixture *f = *state;
    char told[300];
    struct stat status;
    assert_refused(import_certificate(f, "a", PKI_PEM, "damaged-chain.pem"),
                   "there is a damaged block of PEM in it");
    assert_refused(import_crl(f, "a", PKI_PEM, "two-crls.pem"),
                   "there is more than one CRL in it: import each under a name of its own");
    assert_done(import_certificate(f, "low", PKI_PEM, "chain-shuffled.pem"));
    (void)snprintf(told, sizeof(told), "%s/pki/low.pem", f->state);
    assert_int_equal(stat(told, &status), 0);
    assert_int_equal(truncate(told, status.st_size - 100), 0);
    reopen(f);
    (void)snprintf(told, sizeof(told),
                   "%s/pki/low.pem: it is not used: there is a damaged block of PEM in it\n", f->state);
    assert_string_equal(f->complaints, told);
}

static void R91_what_is_no_certificate_is_told(void **state)
{
    struct fixture *f = *state;
    const struct octets empty = {(const uint8_t *)"", 0};
    assert_refused(import_certificate(f, "a", PKI_PEM, "ca.der"),
                   "there is no certificate in PEM in it: it looks like a certificate in DER, for `pki cert "
                   "import der`");
    assert_refused(import_certificate(f, "a", PKI_DER, "ca.pem"),
                   "there is no certificate in DER in it: it looks like a certificate in PEM, for `pki cert "
                   "import pem`");
    assert_refused(import_certificate(f, "a", PKI_PEM, "site1.key"),
                   "there is no certificate in PEM in it: it looks like a private key in PEM, for `pki "
                   "private-key import pem`");
    assert_refused(import_certificate(f, "a", PKI_PEM, "modern.p12"),
                   "there is no certificate in PEM in it: it looks like PKCS#12, for `pki pkcs12 import`");
    assert_refused(import_certificate(f, "a", PKI_DER, "modern.p12"),
                   "there is no certificate in DER in it: it looks like PKCS#12, for `pki pkcs12 import`");
    assert_refused(import_key(f, "a", NULL, "ca.pem"), "there is no private key in PEM in it: it looks like "
                                                       "a certificate in PEM, for `pki cert import pem`");
    assert_refused(import_key(f, "a", NULL, "modern.p12"),
                   "there is no private key in PEM in it: it looks like PKCS#12, for `pki pkcs12 import`");
    assert_refused(import_certificate(f, "a", PKI_DER, "made"), "the file is empty");
    assert_refused(
        import_certificate(f, "a", PKI_DER, "crl.der"),
        "there is no certificate in DER in it: it looks like a CRL in DER, for `pki crl import der`");
    assert_refused(
        import_crl(f, "a", PKI_PEM, "ca.pem"),
        "there is no CRL in PEM in it: it looks like a certificate in PEM, for `pki cert import pem`");
    assert_refused(
        import_crl(f, "a", PKI_DER, "ca.der"),
        "there is no CRL in DER in it: it looks like a certificate in DER, for `pki cert import der`");
    assert_refused(import_crl(f, "a", PKI_DER, "crl.pem"),
                   "there is no CRL in DER in it: it looks like a CRL in PEM, for `pki crl import pem`");
    assert_refused(import_crl(f, "a", PKI_DER, "crl-delta.der"),
                   "this is a delta CRL, and only complete ones can be used here (RFC 5280 5.2.4)");
    assert_refused(
        import_crl(f, "a", PKI_PEM, "crl-indirect.pem"),
        "this is an indirect CRL, and only those that a CA signs for its own certificates can be used "
        "here (RFC 5280 5.2.5)");
    assert_refused(pki_store_import_certificate(f->store, "a", PKI_PEM, empty, &f->left_out, &f->reason),
                   "the file is empty");
    assert_refused(pki_store_import_key(f->store, "a", NULL, empty, &f->reason), "the file is empty");
    assert_int_equal(pki_store_count(f->store), 0);
}

static void R91_a_certificate_brings_the_chain_behind_it(void **state)
{
    struct fixture *f = *state;
    assert_done(import_certificate(f, "a", PKI_PEM, "chain-shuffled.pem"));
    assert_int_equal(content_of(f, "a")->chain_length, 4);
    assert_int_equal(f->left_out, 1);
    assert_done(import_certificate(f, "b", PKI_PEM, "bundle.pem"));
    assert_int_equal(content_of(f, "b")->chain_length, 1);
    assert_int_equal(f->left_out, 1);
}

static void R92_the_ca_of_an_entry(void **state)
{
    struct fixture *f = *state;
    assert_done(import_pkcs12(f, "box", "secret", "with-chain.p12"));
    assert_done(import_pkcs12(f, "single", "secret", "modern.p12"));
    assert_done(import_certificate(f, "ca", PKI_PEM, "ca.pem"));
    assert_done(import_certificate(f, "low", PKI_PEM, "low.pem"));
    assert_done(import_key(f, "key", NULL, "site1.key"));
    static const struct {
        const char *name, *subject;
    } cases[] = {{"box", "C=JP, O=Example, CN=ca"},
                 {"single", "C=JP, O=Example, CN=rsa2048"},
                 {"ca", "C=JP, O=Example, CN=ca"},
                 {"low", "C=JP, O=Example, CN=low"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct certificate *anchor = pki_entry_anchor(pki_store_find(f->store, cases[i].name));
        assert_string_equal(subject_of(anchor), cases[i].subject);
    }
    assert_null(pki_entry_anchor(pki_store_find(f->store, "key")));
}

static void write_file(const struct fixture *f, const char *name, const char *text)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/pki/%s", f->state, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    (void)fputs(text, file);
    (void)fclose(file);
}

static bool is_there(const struct fixture *f, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/pki/%s", f->state, name);
    return access(path, F_OK) == 0;
}

static void R91_damaged_files_are_told_and_left_alone(void **state)
{
    struct fixture *f = *state;
    char told[300];
    assert_done(import_certificate(f, "ca", PKI_PEM, "ca.pem"));
    write_file(f, "damaged.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    reopen(f);
    (void)snprintf(told, sizeof(told),
                   "%s/pki/damaged.pem: it is not used: this is no X.509 certificate in DER\n", f->state);
    assert_string_equal(f->complaints, told);
    assert_int_equal(pki_store_count(f->store), 1);
    assert_true(is_there(f, "damaged.pem"));
    assert_done(import_certificate(f, "damaged", PKI_PEM, "ca.pem"));
    write_file(f, "empty.pem", "");
    reopen(f);
    (void)snprintf(told, sizeof(told),
                   "%s/pki/empty.pem: it is not used: there is neither a certificate nor a key nor a CRL in "
                   "it\n",
                   f->state);
    assert_string_equal(f->complaints, told);
}

static void R91_odd_names_of_files_are_told(void **state)
{
    struct fixture *f = *state;
    char told[300];
    assert_done(import_certificate(f, "ca", PKI_PEM, "ca.pem"));
    write_file(f, "a%2.pem", "");
    reopen(f);
    (void)snprintf(told, sizeof(told),
                   "%s/pki/a%%2.pem: it is not used: its name is none that an import gives\n", f->state);
    assert_string_equal(f->complaints, told);
}

static void R91_what_a_crash_left_is_removed(void **state)
{
    struct fixture *f = *state;
    assert_done(import_certificate(f, "ca", PKI_PEM, "ca.pem"));
    write_file(f, ".new", "half of a private key");
    reopen(f);
    assert_string_equal(f->complaints, "");
    assert_false(is_there(f, ".new"));
    assert_int_equal(pki_store_count(f->store), 1);
}

static void R91_names_may_have_any_octets(void **state)
{
    static const char *const names[] = {"a b", "..", "../../etc/passwd", "証明書", "%41",
                                        "A",   "a",  ".hidden"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_done(import_certificate(f, names[i], PKI_PEM, "ca.pem"));
    reopen(f);
    assert_string_equal(f->complaints, "");
    assert_int_equal(pki_store_count(f->store), sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_done(pki_store_erase(f->store, names[i], &f->reason));
    char name[PKI_NAME_SIZE];
    memset(name, ' ', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_refused(import_certificate(f, name, PKI_PEM, "ca.pem"), "the name is too long");
}

static void R91_a_state_dir_that_cannot_be_written_is_told(void **state)
{
    struct fixture *f = *state;
    char told[300];
    FILE *file = fopen(f->state, "we"); /* a file where the directory should be */
    assert_non_null(file);
    (void)fclose(file);
    (void)snprintf(told, sizeof(told), "can't use the state-dir %s: Not a directory", f->state);
    assert_refused(import_certificate(f, "ca", PKI_PEM, "ca.pem"), told);
    assert_int_equal(pki_store_count(f->store), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(R91_what_was_imported_is_there_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_the_files_are_for_their_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_access_by_others_is_mended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_a_taken_name_has_to_be_erased_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_erased_is_erased_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S31_a_key_has_to_fit_its_certificate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S31_private_keys_come_in_several_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_pkcs12_with_and_without_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_wrong_pkcs12_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_passwords_are_not_hashed_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_a_part_of_a_file_is_not_imported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_what_is_no_certificate_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_a_certificate_brings_the_chain_behind_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R92_the_ca_of_an_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_damaged_files_are_told_and_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_odd_names_of_files_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_what_a_crash_left_is_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_names_may_have_any_octets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(R91_a_state_dir_that_cannot_be_written_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
