/*
 * Hostile and unusual CERT, CERTREQ and AUTH payloads of a peer that authenticates itself by certificate, and
 * how B signs for peers that know different algorithms. The puppet is West, B is East.
 */
#include "certificate_ends.h"
#include "failure_case.h"
#include "ike/wire/selectors.h"
#include "pki/certificate.h"
#include "pki/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WEST_ID "west.example.com"

enum { PSS_256 = 0, V15_256 = 3, V15_SHA1 = 6, ECDSA_256 = 7, METHOD_9 = 11 }; /* rows of signature_schemes */
enum { WHOLE_MAX = 3000 };

/* The Authentication Data that a case spoils. */
struct proof {
    uint8_t at[WHOLE_MAX];
    size_t length;
};

struct proof_case {
    const char *name;
    void (*put_certificates)(struct message_writer *m);
    const char *signer; /* whose key signs */
    int scheme;
    void (*spoil)(struct proof *p); /* or NULL */
    uint8_t method;                 /* 0: that of the scheme */
    const char *refusal;            /* what B's warning says; NULL: B accepts */
};

/* ---- CERT payloads ----------------------------------------------------------------------------------- */

static void put_as(struct message_writer *m, uint8_t encoding, const char *name, size_t cut, size_t more)
{
    uint8_t at[4096] = {0};
    struct octets der = certificate_der(certificate_entry(name)->chain[0]);
    memcpy(at, der.at, der.length);
    message_put_cert(m, PAYLOAD_CERT, encoding, (struct octets){at, der.length - cut + more});
}

static void put_named(struct message_writer *m, const char *name)
{
    put_as(m, CERT_X509_SIGNATURE, name, 0, 0);
}

static void put_text(struct message_writer *m, uint8_t encoding, const char *text)
{
    message_put_cert(m, PAYLOAD_CERT, encoding, (struct octets){(const uint8_t *)text, strlen(text)});
}

static void west(struct message_writer *m)
{
    put_named(m, "west");
}

static void west_ec(struct message_writer *m)
{
    put_named(m, "west-ec");
}

static void none(struct message_writer *m)
{
    (void)m;
}

static void garbage(struct message_writer *m)
{
    put_text(m, CERT_X509_SIGNATURE, "no certificate");
}

static void empty(struct message_writer *m)
{
    put_text(m, CERT_X509_SIGNATURE, "");
}

static void cut_off(struct message_writer *m)
{
    put_as(m, CERT_X509_SIGNATURE, "west", 1, 0);
}

static void with_an_octet_behind(struct message_writer *m)
{
    put_as(m, CERT_X509_SIGNATURE, "west", 0, 1);
}

static void hash_and_url(struct message_writer *m)
{
    put_text(m, CERT_HASH_AND_URL, "01234567890123456789http://10.9.9.9/west.der");
}

static void bundle(struct message_writer *m)
{
    put_text(m, CERT_HASH_AND_URL_BUNDLE, "01234567890123456789http://10.9.9.9/west.der");
}

static void pkcs7(struct message_writer *m)
{
    put_as(m, CERT_PKCS7, "west", 0, 0);
}

static void raw_key(struct message_writer *m)
{
    put_as(m, CERT_RAW_PUBLIC_KEY, "west", 0, 0);
}

static void crl_alone(struct message_writer *m)
{
    put_text(m, CERT_CRL, "0");
}

static void unknown_encoding(struct message_writer *m)
{
    put_as(m, 200, "west", 0, 0);
}

static void url_and_certificate(struct message_writer *m)
{
    hash_and_url(m);
    west(m);
    crl_alone(m);
}

static void issuer_first(struct message_writer *m)
{
    put_named(m, "ca");
    west(m);
}

static void chain_backwards(struct message_writer *m)
{
    const struct sim_certificate *chain = certificate_entry("west-chain");
    put_named(m, "west-low");
    for (size_t i = chain->chain_length; i-- > 1;)
        message_put_cert(m, PAYLOAD_CERT, CERT_X509_SIGNATURE, certificate_der(chain->chain[i]));
}

static void chain_without_its_middle(struct message_writer *m)
{
    const struct sim_certificate *chain = certificate_entry("west-chain");
    put_named(m, "west-low");
    message_put_cert(m, PAYLOAD_CERT, CERT_X509_SIGNATURE, certificate_der(chain->chain[2]));
}

static void garbage_behind(struct message_writer *m)
{
    west(m);
    garbage(m);
    put_named(m, "otherca");
}

static void twelve_times(struct message_writer *m)
{
    for (int i = 0; i < 12; i++)
        west(m);
}

static void of_another(struct message_writer *m)
{
    put_named(m, "east");
}

static void self_signed(struct message_writer *m)
{
    put_named(m, "west-self");
}

static void ca_as_its_own(struct message_writer *m)
{
    put_named(m, "ca");
}

/* ---- AUTH payloads ----------------------------------------------------------------------------------- */

static void cut_by_one(struct proof *p)
{
    p->length--;
}

static void longer_by_one(struct proof *p)
{
    p->at[p->length++] = 0;
}

static void bit_flipped(struct proof *p)
{
    p->at[p->length - 1] ^= 1;
}

static void nothing(struct proof *p)
{
    p->length = 0;
}

static void algorithm_alone(struct proof *p)
{
    p->length = 1 + (size_t)p->at[0];
}

static void no_algorithm(struct proof *p)
{
    p->at[0] = 0;
}

static void algorithm_beyond_the_end(struct proof *p)
{
    p->at[0] = 255;
    p->length = 200;
}

static void set_algorithm(struct proof *p, const uint8_t *algorithm, size_t length)
{
    size_t before = 1 + (size_t)p->at[0];
    uint8_t signature[WHOLE_MAX];
    size_t rest = p->length - before;
    memcpy(signature, p->at + before, rest);
    p->at[0] = (uint8_t)length;
    memcpy(p->at + 1, algorithm, length);
    memcpy(p->at + 1 + length, signature, rest);
    p->length = 1 + length + rest;
}

static void unknown_algorithm(struct proof *p)
{
    static const uint8_t oid[] = {0x30, 0x05, 0x06, 0x03, 0x2a, 0x03, 0x04};
    set_algorithm(p, oid, sizeof oid);
}

static void algorithm_that_is_no_der(struct proof *p)
{
    static const uint8_t octets[] = {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06};
    set_algorithm(p, octets, sizeof octets);
}

static void algorithm_of_sha1(struct proof *p)
{
    static const uint8_t sha1_with_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                            0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00};
    set_algorithm(p, sha1_with_rsa, sizeof sha1_with_rsa);
}

static void pss_by_default(struct proof *p)
{
    static const uint8_t pss[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x00};
    set_algorithm(p, pss, sizeof pss);
}

static void algorithm_of_ecdsa(struct proof *p)
{
    struct octets algorithm = signature_scheme_algorithm(&signature_schemes[ECDSA_256]);
    set_algorithm(p, algorithm.at, algorithm.length);
}

static void algorithm_of_another_hash(struct proof *p)
{
    struct octets algorithm = signature_scheme_algorithm(&signature_schemes[V15_256 + 1]);
    set_algorithm(p, algorithm.at, algorithm.length);
}

static void of_3000_octets(struct proof *p)
{
    memset(p->at + p->length, 0x42, sizeof p->at - p->length);
    p->length = sizeof p->at;
}

static void all_zeros(struct proof *p)
{
    size_t before = 1 + (size_t)p->at[0];
    memset(p->at + before, 0, p->length - before);
}

/* ---- Playing ----------------------------------------------------------------------------------------- */

static struct stage stage_with_certificates(void)
{
    static const struct proof_of own = {"east", "fqdn east.example.com"};
    static const struct proof_of peer = {"west", "fqdn " WEST_ID};
    const struct tunnel_policy policy = certificate_policy(0, "10.1.0.1", &own, &peer, "ca");
    return stage_with_store(&policy, certificate_store());
}

static void sign(struct stage *s, const struct proof_case *c, struct proof *p)
{
    uint8_t signed_at[8192];
    const struct octets id = {(const uint8_t *)WEST_ID, strlen(WEST_ID)};
    struct octets octets = puppet_signed_octets(s->p, ID_FQDN, id, signed_at, sizeof signed_at);
    uint8_t value[SIGNATURE_AUTH_MAX];
    p->length =
        signature_auth_make(certificate_entry(c->signer)->key, &signature_schemes[c->scheme], octets, value);
    assert_int_not_equal(p->length, 0);
    memcpy(p->at, value, p->length);
    if (c->method == AUTH_METHOD_RSA && c->scheme != V15_SHA1) { /* the signature without its algorithm */
        size_t before = 1 + (size_t)p->at[0];
        p->length -= before;
        memmove(p->at, p->at + before, p->length);
    }
}

static void put_id(struct message_writer *m)
{
    message_put_id(m, PAYLOAD_IDI, ID_FQDN, (struct octets){(const uint8_t *)WEST_ID, strlen(WEST_ID)});
}

static void check(const struct proof_case *c)
{
    struct stage s = stage_with_certificates();
    struct proof p;
    struct message_writer m = begin_auth(&s);
    sign(&s, c, &p);
    if (c->spoil != NULL)
        c->spoil(&p);
    put_id(&m);
    c->put_certificates(&m);
    message_put_auth(&m, c->method != 0 ? c->method : signature_scheme_method(&signature_schemes[c->scheme]),
                     (struct octets){p.at, p.length});
    put_first_child(&s, &m);

    send_auth(&s, &m);

    bool up = gateway_child_count(s.b, 0) == 1;
    uint16_t notify = puppet_reply_notify(s.p);
    if (up != (c->refusal == NULL))
        fail_msg("%s: %s\n%s", c->name, up ? "accepted" : "refused", gateway_warnings(s.b));
    if (!up && notify != NOTIFY_AUTHENTICATION_FAILED)
        fail_msg("%s: answered with notify %u", c->name, notify);
    if (!up && gateway_record_count(s.b) != 0)
        fail_msg("%s: left state behind", c->name);
    if (!up && strstr(gateway_warnings(s.b), c->refusal) == NULL)
        fail_msg("%s: the warnings are\n%s\nwithout \"%s\"", c->name, gateway_warnings(s.b), c->refusal);
    if (world_fault(s.w) != NULL)
        fail_msg("%s: %s", c->name, world_fault(s.w));
    stage_free(&s);
}

static void check_all(const struct proof_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&cases[i]);
}

#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof *(cases))

static void S32_signatures_of_all_rows_are_accepted(void **state)
{
    static const struct proof_case cases[] = {
        {"PSS, SHA2-256", west, "west", 0},
        {"PSS, SHA2-384", west, "west", 1},
        {"PSS, SHA2-512", west, "west", 2},
        {"PKCS#1 v1.5, SHA2-256", west, "west", 3},
        {"PKCS#1 v1.5, SHA2-384", west, "west", 4},
        {"PKCS#1 v1.5, SHA2-512", west, "west", 5},
        {"method 1, SHA-1", west, "west", V15_SHA1},
        {"method 1, SHA2-256", west, "west", V15_256, NULL, AUTH_METHOD_RSA},
        {"ECDSA, SHA2-256", west_ec, "west-ec", ECDSA_256},
        {"method 9", west_ec, "west-ec", METHOD_9},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void S32_odd_certificates_are_refused_or_passed_over(void **state)
{
    static const struct proof_case cases[] = {
        {"no CERT", none, "west", PSS_256, .refusal = "the peer sends no certificate; lines 31, 41"},
        {"an empty CERT", empty, "west", PSS_256, .refusal = "the peer sends no certificate"},
        {"garbage", garbage, "west", PSS_256, .refusal = "the peer's certificate can't be read"},
        {"cut off", cut_off, "west", PSS_256, .refusal = "the peer's certificate can't be read"},
        {"an octet behind", with_an_octet_behind, "west", PSS_256,
         .refusal = "the peer's certificate can't be read"},
        {"Hash and URL", hash_and_url, "west", PSS_256,
         .refusal =
             "the peer sends no certificate that is supported here, but another kind of CERT payload: Hash "
             "and URL of a certificate"},
        {"Hash and URL of a bundle", bundle, "west", PSS_256, .refusal = "Hash and URL of certificates"},
        {"PKCS#7", pkcs7, "west", PSS_256, .refusal = "PKCS#7 wrapped certificate"},
        {"a raw key", raw_key, "west", PSS_256, .refusal = "raw public key"},
        {"a CRL alone", crl_alone, "west", PSS_256, .refusal = "certificate revocation list"},
        {"an unknown encoding", unknown_encoding, "west", PSS_256, .refusal = "unknown encoding"},
        {"Hash and URL and the certificate", url_and_certificate, "west", PSS_256},
        {"the issuer first", issuer_first, "west", PSS_256, .refusal = "C=JP, O=Example, CN=ca"},
        {"the issuers backwards", chain_backwards, "west-low", ECDSA_256},
        {"an issuer is missing", chain_without_its_middle, "west-low", ECDSA_256,
         .refusal = "was issued by C=JP, O=Example, CN=low"},
        {"garbage and another CA behind it", garbage_behind, "west", PSS_256},
        {"the same twelve times", twelve_times, "west", PSS_256},
        {"another's certificate", of_another, "east", PSS_256, .refusal = "is for fqdn east.example.com"},
        {"another's certificate and its own key", of_another, "west", PSS_256,
         .refusal = "is for fqdn east.example.com"},
        {"self-signed", self_signed, "west-self", ECDSA_256, .refusal = "is self-signed"},
        {"the CA as its own", ca_as_its_own, "west", PSS_256, .refusal = "C=JP, O=Example, CN=ca"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void S32_odd_signatures_are_refused(void **state)
{
    static const struct proof_case cases[] = {
        {"another's key", west, "east", PSS_256, .refusal = "is not by the key of C=JP, O=Example, CN=west"},
        {"cut off", west, "west", PSS_256, cut_by_one, .refusal = "is not by the key"},
        {"longer", west, "west", PSS_256, longer_by_one, .refusal = "is not by the key"},
        {"a bit flipped", west, "west", V15_256, bit_flipped, .refusal = "is not by the key"},
        {"all zeros", west, "west", V15_256, all_zeros, .refusal = "is not by the key"},
        {"of 3000 octets", west, "west", V15_256, of_3000_octets, .refusal = "is not by the key"},
        {"nothing", west, "west", PSS_256, nothing, .refusal = "the AUTH payload is malformed"},
        {"nothing, method 1", west, "west", V15_SHA1, nothing, .refusal = "is not by the key"},
        {"an algorithm alone", west, "west", PSS_256, algorithm_alone,
         .refusal = "the AUTH payload is malformed"},
        {"no algorithm", west, "west", PSS_256, no_algorithm, .refusal = "the AUTH payload is malformed"},
        {"an algorithm beyond the end", west, "west", PSS_256, algorithm_beyond_the_end,
         .refusal = "the AUTH payload is malformed"},
        {"an unknown algorithm", west, "west", PSS_256, unknown_algorithm,
         .refusal = "the signature algorithm is not supported here: 1.2.3.4"},
        {"an algorithm that is no DER", west, "west", PSS_256, algorithm_that_is_no_der,
         .refusal = "the signature algorithm is not supported here: unknown"},
        {"SHA-1 in method 14", west, "west", V15_256, algorithm_of_sha1,
         .refusal = "the signature algorithm is not supported here: sha1WithRSAEncryption"},
        {"PSS with its defaults", west, "west", PSS_256, pss_by_default,
         .refusal = "the signature algorithm is not supported here: rsassaPss"},
        {"ECDSA by an RSA key", west, "west", PSS_256, algorithm_of_ecdsa,
         .refusal = "the signature algorithm is ECDSA"},
        {"another hash", west, "west", V15_256, algorithm_of_another_hash, .refusal = "is not by the key"},
        {"method 1 with an EC key", west_ec, "west-ec", ECDSA_256, .method = AUTH_METHOD_RSA,
         .refusal = "AUTH method 1 is for RSA"},
        {"method 1 with PSS", west, "west", PSS_256, NULL, AUTH_METHOD_RSA, "is not by the key"},
        {"method 1 with an algorithm before it", west, "west", V15_SHA1, longer_by_one,
         .refusal = "is not by the key"},
        {"a pre-shared key's method", west, "west", PSS_256, NULL, AUTH_METHOD_PSK,
         "AUTH method 2 (pre-shared key), accepted is a certificate; line 31"},
        {"method 3", west, "west", PSS_256, NULL, 3,
         "AUTH method 3 (DSS digital signature), accepted is a certificate"},
        {"method 9 with the signature of method 14", west_ec, "west-ec", ECDSA_256, NULL, 9,
         "the signature (ECDSA P-256 with SHA2-256) is not by the key of C=JP, O=Example, CN=west-ec"},
        {"method 9, cut off", west_ec, "west-ec", METHOD_9, cut_by_one, .refusal = "is not by the key"},
        {"method 9, longer", west_ec, "west-ec", METHOD_9, longer_by_one, .refusal = "is not by the key"},
        {"method 9, nothing", west_ec, "west-ec", METHOD_9, nothing, .refusal = "is not by the key"},
        {"method 9, a bit flipped", west_ec, "west-ec", METHOD_9, bit_flipped,
         .refusal = "is not by the key"},
        {"method 9 with an RSA key", west, "west", PSS_256, NULL, 9,
         "AUTH method 9 is for ECDSA P-256 with SHA2-256, and the key of C=JP, O=Example, CN=west is RSA"},
        {"method 10 with another curve", west_ec, "west-ec", METHOD_9, NULL, 10,
         "AUTH method 10 is for ECDSA P-384 with SHA2-384, and the key of C=JP, O=Example, CN=west-ec is"},
        {"method 12", west, "west", PSS_256, NULL, 12,
         "AUTH method 12 (secure password), accepted is a certificate"},
        {"method 200", west, "west", PSS_256, NULL, 200, "AUTH method 200, accepted is a certificate"},
    };
    (void)state;
    CHECK_ALL(cases);
}

/* ---- How B signs ------------------------------------------------------------------------------------- */

struct signing_case {
    const char *name;
    uint8_t hashes[8]; /* of the puppet's notify */
    size_t length;     /* SIZE_MAX: no notify */
    int scheme;        /* by which the puppet signs */
    int expected;      /* B's; -1: B can't sign */
};

static void check_signing(const struct signing_case *c)
{
    struct stage s = stage_with_certificates();
    static const struct proof_case proper = {"", west, "west", PSS_256};
    struct proof_case with = proper;
    struct proof p;
    with.scheme = c->scheme;
    s.p->hash_notify = c->length != SIZE_MAX ? c->hashes : NULL;
    s.p->hash_notify_length = c->length;
    struct message_writer m = begin_auth(&s);
    sign(&s, &with, &p);
    put_id(&m);
    west(&m);
    message_put_auth(&m, signature_scheme_method(&signature_schemes[c->scheme]),
                     (struct octets){p.at, p.length});
    put_first_child(&s, &m);

    send_auth(&s, &m);

    const struct ike_payload *auth =
        puppet_read_reply(s.p) ? ike_message_find(&s.p->message, PAYLOAD_AUTH) : NULL;
    if ((auth != NULL) != (c->expected >= 0))
        fail_msg("%s: B has %s:\n%s", c->name, auth != NULL ? "signed" : "not signed", gateway_warnings(s.b));
    if (auth != NULL) {
        const struct signature_scheme *scheme = &signature_schemes[c->expected];
        struct octets algorithm = signature_scheme_algorithm(scheme);
        assert_int_equal(auth->method, signature_scheme_method(scheme));
        if (scheme->method == 0 && (auth->content.at[0] != algorithm.length ||
                                    memcmp(auth->content.at + 1, algorithm.at, algorithm.length) != 0))
            fail_msg("%s: B signs by another algorithm than %s", c->name, scheme->name);
        assert_non_null(ike_message_find(&s.p->message, PAYLOAD_CERT));
    }
    stage_free(&s);
}

static void S32_we_sign_as_the_peer_can_verify(void **state)
{
    static const struct signing_case cases[] = {
        {"no notify", {0}, SIZE_MAX, V15_SHA1, V15_SHA1},
        {"all of SHA-2, and PSS", {0, 2, 0, 3, 0, 4}, 6, PSS_256, PSS_256},
        {"all of SHA-2, and v1.5", {0, 2, 0, 3, 0, 4}, 6, V15_256, V15_256},
        {"SHA2-512 alone", {0, 4}, 2, PSS_256, 2},
        {"SHA-1 and SHA2-384", {0, 1, 0, 3}, 4, V15_256, 4},
        {"SHA-1 alone", {0, 1}, 2, V15_SHA1, V15_SHA1},
        {"an empty notify", {0}, 0, V15_SHA1, V15_SHA1},
        {"unknown ones", {0, 99, 0xff, 0xff}, 4, V15_SHA1, V15_SHA1},
        {"an odd length", {0, 2, 0}, 3, PSS_256, PSS_256},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_signing(&cases[i]);
}

/* ---- CERTREQ ----------------------------------------------------------------------------------------- */

struct request_case {
    const char *name;
    void (*put)(struct message_writer *m);
};

static void unknown_ca(struct message_writer *m)
{
    message_put_cert(m, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, (struct octets){some_octets, 20});
}

static void known_among_many(struct message_writer *m)
{
    uint8_t at[20 * 20];
    memset(at, 0x17, sizeof at);
    memcpy(at + 140, certificate_facts(certificate_entry("ca")->chain[0])->key_hash, 20);
    message_put_cert(m, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, (struct octets){at, sizeof at});
}

static void of_odd_length(struct message_writer *m)
{
    message_put_cert(m, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, (struct octets){some_octets, 33});
}

static void request_of_nothing(struct message_writer *m)
{
    message_put_cert(m, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, (struct octets){NULL, 0});
}

static void for_another_encoding(struct message_writer *m)
{
    message_put_cert(m, PAYLOAD_CERTREQ, CERT_RAW_PUBLIC_KEY, (struct octets){NULL, 0});
}

static void of_400_cas(struct message_writer *m)
{
    static const uint8_t many[8000];
    message_put_cert(m, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, (struct octets){many, sizeof many});
}

static void several_payloads(struct message_writer *m)
{
    for (int i = 0; i < 5; i++) {
        unknown_ca(m);
        for_another_encoding(m);
    }
}

static void R90_any_certreq_is_answered_with_our_certificate(void **state)
{
    static const struct request_case cases[] = {
        {"none", none},
        {"an unknown CA", unknown_ca},
        {"a known CA among unknown ones", known_among_many},
        {"an odd length", of_odd_length},
        {"nothing", request_of_nothing},
        {"another encoding", for_another_encoding},
        {"400 CAs", of_400_cas},
        {"several payloads", several_payloads},
    };
    static const struct proof_case proper = {"", west, "west", V15_SHA1};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage s = stage_with_certificates();
        struct proof p;
        struct message_writer m = begin_auth(&s);
        sign(&s, &proper, &p);
        put_id(&m);
        west(&m);
        cases[i].put(&m);
        message_put_auth(&m, AUTH_METHOD_RSA, (struct octets){p.at, p.length});
        put_first_child(&s, &m);
        send_auth(&s, &m);
        const struct ike_payload *cert =
            puppet_read_reply(s.p) ? ike_message_find(&s.p->message, PAYLOAD_CERT) : NULL;
        if (cert == NULL ||
            !octets_equal(cert->content, certificate_der(certificate_entry("east")->chain[0])))
            fail_msg("%s: not answered with the certificate:\n%s", cases[i].name, gateway_warnings(s.b));
        stage_free(&s);
    }
}

/* IKE_SA_INIT of B asks for certificates under the CA of its tunnel, and names its hash algorithms. */
static void R90_the_responder_asks_by_its_ca(void **state)
{
    struct stage s = stage_with_certificates();
    static const uint8_t sha2[] = {0, 2};
    (void)state;
    s.p->hash_notify = sha2;
    s.p->hash_notify_length = sizeof sha2;
    assert_true(puppet_do_init(s.p));
    struct ike_message init = {.count = 0};
    struct octets octets = {s.p->response, s.p->response_length};
    assert_true(ike_header_parse(octets, &init.header));
    struct octets payloads = {octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    assert_int_equal(ike_payloads_parse(payloads, init.header.next_payload, &init, NULL, NULL), MESSAGE_OK);
    const struct ike_payload *request = ike_message_find(&init, PAYLOAD_CERTREQ);
    const struct ike_payload *hashes = ike_message_notify(&init, NOTIFY_SIGNATURE_HASH_ALGORITHMS);

    assert_non_null(request);
    assert_int_equal(request->encoding, CERT_X509_SIGNATURE);
    assert_int_equal(request->content.length, 20);
    assert_memory_equal(request->content.at, certificate_facts(certificate_entry("ca")->chain[0])->key_hash,
                        20);
    assert_non_null(hashes);
    assert_memory_equal(hashes->content.at, "\0\2\0\3\0\4", 6);
    stage_free(&s);
}

/* ---- Hostile answers --------------------------------------------------------------------------------- */

static const struct proof_case answers[] = {
    {"proper", west, "west", PSS_256},
    {"no CERT", none, "west", PSS_256, .refusal = "the peer sends no certificate"},
    {"garbage", garbage, "west", PSS_256, .refusal = "the peer's certificate can't be read"},
    {"Hash and URL", hash_and_url, "west", PSS_256, .refusal = "Hash and URL of a certificate"},
    {"another's certificate", of_another, "east", PSS_256, .refusal = "is for fqdn east.example.com"},
    {"another's key", west, "east", PSS_256, .refusal = "is not by the key of C=JP, O=Example, CN=west"},
    {"a bit flipped", west, "west", PSS_256, bit_flipped, .refusal = "is not by the key"},
    {"no algorithm", west, "west", PSS_256, no_algorithm, .refusal = "the AUTH payload is malformed"},
    {"a pre-shared key's method", west, "west", PSS_256, NULL, AUTH_METHOD_PSK,
     "AUTH method 2 (pre-shared key), accepted is a certificate"},
};

/* B begins; the puppet answers. What B refuses it ends by DELETE (RFC 7296 2.21.2). */
static void S32_as_initiator_hostile_answers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const struct proof_case *c = &answers[i];
        struct stage s = stage_with_certificates();
        struct proof p;
        gateway_packet_waits(s.b, 0);
        assert_true(puppet_accept_init(s.p));
        assert_non_null(ike_message_find(&s.p->message, PAYLOAD_CERTREQ));
        assert_non_null(ike_message_find(&s.p->message, PAYLOAD_CERT));
        struct message_writer m = inner();
        sign(&s, c, &p);
        if (c->spoil != NULL)
            c->spoil(&p);
        message_put_id(&m, PAYLOAD_IDR, ID_FQDN, (struct octets){(const uint8_t *)WEST_ID, strlen(WEST_ID)});
        c->put_certificates(&m);
        message_put_auth(&m,
                         c->method != 0 ? c->method : signature_scheme_method(&signature_schemes[c->scheme]),
                         (struct octets){p.at, p.length});
        puppet_put_child_answer(s.p, &m);

        puppet_answer(s.p, &m);

        bool up = gateway_child_count(s.b, 0) == 1;
        if (up != (c->refusal == NULL))
            fail_msg("%s: %s\n%s", c->name, up ? "accepted" : "refused", gateway_warnings(s.b));
        if (!up && strstr(gateway_warnings(s.b), c->refusal) == NULL)
            fail_msg("%s: the warnings are\n%s\nwithout \"%s\"", c->name, gateway_warnings(s.b), c->refusal);
        if (!up && (!puppet_read_reply(s.p) || ike_message_find(&s.p->message, PAYLOAD_DELETE) == NULL))
            fail_msg("%s: the SA is not deleted", c->name);
        stage_free(&s);
    }
}

/* ---- A peer that does not take the padding ----------------------------------------------------------- */

/* B begins, and the puppet, which knows SHA2-256, answers IKE_AUTH with a notify. The row by which B signed.
 */
static const struct signature_scheme *refuse_auth(struct stage *s, uint16_t notify)
{
    static const uint8_t sha2[] = {0, 2};
    s->p->hash_notify = sha2;
    s->p->hash_notify_length = sizeof sha2;
    world_run(s->w, 120000); /* failures are damped */
    gateway_packet_waits(s->b, 0);
    assert_true(puppet_accept_init(s->p));
    const struct ike_payload *auth = ike_message_find(&s->p->message, PAYLOAD_AUTH);
    assert_non_null(auth);
    assert_int_equal(auth->method, SIGNATURE_METHOD_DIGITAL);
    const struct signature_scheme *scheme =
        signature_scheme_by_algorithm((struct octets){auth->content.at + 1, auth->content.at[0]});
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, (struct octets){NULL, 0});
    puppet_answer(s->p, &m);
    return scheme;
}

static void S32_a_peer_that_refuses_one_padding_gets_the_other(void **state)
{
    struct stage s = stage_with_certificates();
    (void)state;
    assert_ptr_equal(refuse_auth(&s, NOTIFY_AUTHENTICATION_FAILED), &signature_schemes[PSS_256]);
    assert_non_null(strstr(gateway_warnings(s.b), "signed by RSA PSS with SHA2-256; "));
    assert_non_null(strstr(gateway_warnings(s.b), "; the next attempt signs by PKCS#1 v1.5; "));

    assert_ptr_equal(refuse_auth(&s, NOTIFY_AUTHENTICATION_FAILED), &signature_schemes[V15_256]);
    assert_non_null(strstr(gateway_warnings(s.b), "; the next attempt signs by PSS; "));

    assert_ptr_equal(refuse_auth(&s, NOTIFY_TS_UNACCEPTABLE), &signature_schemes[PSS_256]);
    assert_ptr_equal(refuse_auth(&s, NOTIFY_AUTHENTICATION_FAILED), &signature_schemes[PSS_256]);
    assert_ptr_equal(refuse_auth(&s, NOTIFY_AUTHENTICATION_FAILED), &signature_schemes[V15_256]);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S32_signatures_of_all_rows_are_accepted),
        cmocka_unit_test(S32_odd_certificates_are_refused_or_passed_over),
        cmocka_unit_test(S32_odd_signatures_are_refused),
        cmocka_unit_test(S32_we_sign_as_the_peer_can_verify),
        cmocka_unit_test(R90_any_certreq_is_answered_with_our_certificate),
        cmocka_unit_test(R90_the_responder_asks_by_its_ca),
        cmocka_unit_test(S32_a_peer_that_refuses_one_padding_gets_the_other),
        cmocka_unit_test(S32_as_initiator_hostile_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, certificate_store_free);
}
