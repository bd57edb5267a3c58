#include "pki/signature.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/openssl.h"
#include "pki/ecdsa_signature.h"
#include "pki/openssl.h"

const uint16_t signature_hashes[SIGNATURE_HASH_COUNT] = {
    SIGNATURE_HASH_SHA2_256,
    SIGNATURE_HASH_SHA2_384,
    SIGNATURE_HASH_SHA2_512,
    SIGNATURE_HASH_IDENTITY,
};

/* ---- The table ------------------------------------------------------------------------------------- */

const struct signature_scheme signature_schemes[SIGNATURE_SCHEME_COUNT] = {
    {"RSA PSS with SHA2-256", KEY_RSA, SIGNATURE_HASH_SHA2_256, .pss = true},
    {"RSA PSS with SHA2-384", KEY_RSA, SIGNATURE_HASH_SHA2_384, .pss = true},
    {"RSA PSS with SHA2-512", KEY_RSA, SIGNATURE_HASH_SHA2_512, .pss = true},
    {"RSA PKCS#1 v1.5 with SHA2-256", KEY_RSA, SIGNATURE_HASH_SHA2_256},
    {"RSA PKCS#1 v1.5 with SHA2-384", KEY_RSA, SIGNATURE_HASH_SHA2_384},
    {"RSA PKCS#1 v1.5 with SHA2-512", KEY_RSA, SIGNATURE_HASH_SHA2_512},
    {"RSA PKCS#1 v1.5 with SHA1", KEY_RSA, SIGNATURE_HASH_SHA1, .method = SIGNATURE_METHOD_RSA},
    {"ECDSA with SHA2-256", KEY_ECDSA, SIGNATURE_HASH_SHA2_256},
    {"ECDSA with SHA2-384", KEY_ECDSA, SIGNATURE_HASH_SHA2_384},
    {"ECDSA with SHA2-512", KEY_ECDSA, SIGNATURE_HASH_SHA2_512},
    {"Ed25519", KEY_ED25519, SIGNATURE_HASH_IDENTITY},
    {"ECDSA P-256 with SHA2-256", KEY_ECDSA, SIGNATURE_HASH_SHA2_256, .method = SIGNATURE_METHOD_ECDSA_256,
     .bits = 256},
    {"ECDSA P-384 with SHA2-384", KEY_ECDSA, SIGNATURE_HASH_SHA2_384, .method = SIGNATURE_METHOD_ECDSA_384,
     .bits = 384},
    {"ECDSA P-521 with SHA2-512", KEY_ECDSA, SIGNATURE_HASH_SHA2_512, .method = SIGNATURE_METHOD_ECDSA_521,
     .bits = 521},
};

#define OID_SHA2(n) 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n
#define OID_RSA(n)  0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n

/* RFC 7427 A.4: hash, MGF1 with the same hash, length of the salt; the trailer field is the default one. */
#define PSS(sha2, salt)                                                                                      \
    {                                                                                                        \
        0x30, 0x41, 0x06, 0x09, OID_RSA(10), 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, OID_SHA2(sha2), \
            0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, OID_RSA(8), 0x30, 0x0d, 0x06, 0x09,              \
            OID_SHA2(sha2), 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, salt                                         \
    }
/* A.1 */
#define PKCS1(n)                                                                                             \
    {                                                                                                        \
        0x30, 0x0d, 0x06, 0x09, OID_RSA(n), 0x05, 0x00                                                       \
    }
/* A.3 */
#define ECDSA(n)                                                                                             \
    {                                                                                                        \
        0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, n                                  \
    }
/* RFC 8420 A.1 */
#define ED25519                                                                                              \
    {                                                                                                        \
        0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70                                                             \
    }

/* The AlgorithmIdentifiers of the rows. */
static const uint8_t algorithms[SIGNATURE_SCHEME_COUNT][SIGNATURE_ALGORITHM_MAX] = {
    PSS(1, 32), PSS(2, 48), PSS(3, 64), PKCS1(11), PKCS1(12), PKCS1(13),
    {0},        ECDSA(2),   ECDSA(3),   ECDSA(4),  ED25519,
};

struct octets signature_scheme_algorithm(const struct signature_scheme *scheme)
{
    const uint8_t *at = algorithms[scheme - signature_schemes];
    return (struct octets){at, scheme->method != 0 ? 0 : (size_t)at[1] + 2};
}

uint8_t signature_scheme_method(const struct signature_scheme *scheme)
{
    return scheme->method != 0 ? scheme->method : (uint8_t)SIGNATURE_METHOD_DIGITAL;
}

bool signature_method_is_known(uint8_t method)
{
    bool known = false;
    for (size_t i = 0; i < SIGNATURE_SCHEME_COUNT; i++)
        known |= signature_scheme_method(&signature_schemes[i]) == method;
    return known;
}

/* The hash of a curve's size, which is the one to use (RFC 7427 A.3); 0 for other kinds of keys. */
static uint8_t fitting_hash(enum key_kind key, uint32_t bits)
{
    if (key != KEY_ECDSA)
        return 0;
    return bits <= 256   ? SIGNATURE_HASH_SHA2_256
           : bits <= 384 ? SIGNATURE_HASH_SHA2_384
                         : SIGNATURE_HASH_SHA2_512;
}

const struct signature_scheme *signature_scheme_choose(enum key_kind key, uint32_t key_bits,
                                                       signature_hash_set peer, bool pss)
{
    const struct signature_scheme *best = NULL;
    int best_rank = 0;
    for (size_t i = 0; i < SIGNATURE_SCHEME_COUNT; i++) {
        const struct signature_scheme *row = &signature_schemes[i];
        bool known = peer == 0 ? row->method != 0 : row->method == 0 && (peer >> row->hash & 1) != 0;
        bool usable = row->key == key && known && (row->bits == 0 || row->bits == key_bits);
        int rank = 1 + (row->hash == fitting_hash(key, key_bits)) + (row->pss == pss);
        if (usable && rank > best_rank) {
            best = row;
            best_rank = rank;
        }
    }
    return best;
}

/* ---- AlgorithmIdentifiers that others write -------------------------------------------------------- */

/* The AlgorithmIdentifier in the octets; NULL if there is none, or something behind it. */
static X509_ALGOR *algorithm_of(struct octets der)
{
    const unsigned char *at = der.at;
    X509_ALGOR *algorithm = der.length <= UINT8_MAX ? d2i_X509_ALGOR(NULL, &at, (long)der.length) : NULL;
    if (algorithm != NULL && at == der.at + der.length)
        return algorithm;
    X509_ALGOR_free(algorithm);
    openssl_forget_errors();
    return NULL;
}

static int algorithm_nid(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    return OBJ_obj2nid(object);
}

static uint8_t hash_of_nid(int nid)
{
    return nid == NID_sha256   ? SIGNATURE_HASH_SHA2_256
           : nid == NID_sha384 ? SIGNATURE_HASH_SHA2_384
           : nid == NID_sha512 ? SIGNATURE_HASH_SHA2_512
                               : 0;
}

/* The hash with which MGF1 is parameterized; 0 if the mask generation is another. */
static uint8_t mask_hash(const X509_ALGOR *mask)
{
    int type = V_ASN1_UNDEF;
    const void *value = NULL;
    if (mask == NULL || algorithm_nid(mask) != NID_mgf1)
        return 0;
    X509_ALGOR_get0(NULL, &type, &value, mask);
    const ASN1_STRING *sequence = value;
    if (type != V_ASN1_SEQUENCE)
        return 0;
    X509_ALGOR *hash =
        algorithm_of((struct octets){ASN1_STRING_get0_data(sequence), (size_t)ASN1_STRING_length(sequence)});
    uint8_t found = hash == NULL ? 0 : hash_of_nid(algorithm_nid(hash));
    X509_ALGOR_free(hash);
    return found;
}

/* The hash of RSASSA-PSS-params (RFC 4055 3.1); 0 if they are not understood. Absent fields mean SHA-1. */
static uint8_t pss_hash(const X509_ALGOR *algorithm)
{
    int type = V_ASN1_UNDEF;
    const void *value = NULL;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    const ASN1_STRING *sequence = value;
    if (type != V_ASN1_SEQUENCE)
        return 0;
    const unsigned char *at = ASN1_STRING_get0_data(sequence);
    RSA_PSS_PARAMS *params = d2i_RSA_PSS_PARAMS(NULL, &at, ASN1_STRING_length(sequence));
    uint8_t hash = 0;
    if (params != NULL && params->hashAlgorithm != NULL)
        hash = hash_of_nid(algorithm_nid(params->hashAlgorithm));
    bool usable = params != NULL && hash == mask_hash(params->maskGenAlgorithm) &&
                  (params->trailerField == NULL || ASN1_INTEGER_get(params->trailerField) == 1);
    RSA_PSS_PARAMS_free(params);
    openssl_forget_errors();
    return usable ? hash : 0;
}

static const struct signature_scheme *scheme_with(enum key_kind key, bool pss, uint8_t hash)
{
    for (size_t i = 0; i < SIGNATURE_SCHEME_COUNT; i++) {
        const struct signature_scheme *row = &signature_schemes[i];
        if (row->key == key && row->pss == pss && row->hash == hash && row->method == 0)
            return row;
    }
    return NULL;
}

const struct signature_scheme *signature_scheme_by_algorithm(struct octets der)
{
    X509_ALGOR *algorithm = algorithm_of(der);
    const struct signature_scheme *scheme = NULL;
    int hash = NID_undef;
    int key = NID_undef;
    int nid = algorithm == NULL ? NID_undef : algorithm_nid(algorithm);
    if (nid == NID_rsassaPss)
        scheme = scheme_with(KEY_RSA, true, pss_hash(algorithm));
    else if (nid == NID_ED25519)
        scheme = scheme_with(KEY_ED25519, false, SIGNATURE_HASH_IDENTITY);
    else if (nid != NID_undef && OBJ_find_sigid_algs(nid, &hash, &key) == 1)
        scheme = scheme_with(key == NID_rsaEncryption          ? KEY_RSA
                             : key == NID_X9_62_id_ecPublicKey ? KEY_ECDSA
                                                               : KEY_UNKNOWN,
                             false, hash_of_nid(hash));
    X509_ALGOR_free(algorithm);
    return scheme;
}

const char *signature_algorithm_name(struct octets der, char *out, size_t size)
{
    X509_ALGOR *algorithm = algorithm_of(der);
    const ASN1_OBJECT *object = NULL;
    (void)snprintf(out, size, "unknown");
    if (algorithm != NULL) {
        X509_ALGOR_get0(&object, NULL, NULL, algorithm);
        (void)OBJ_obj2txt(out, (int)size, object, 0);
    }
    X509_ALGOR_free(algorithm);
    return out;
}

/* ---- Signing and verifying ------------------------------------------------------------------------- */

static const EVP_MD *hash_function(const struct signature_scheme *scheme)
{
    static const enum hash_id hashes[] = {
        [SIGNATURE_HASH_SHA1] = HASH_SHA1,
        [SIGNATURE_HASH_SHA2_256] = HASH_SHA2_256,
        [SIGNATURE_HASH_SHA2_384] = HASH_SHA2_384,
        [SIGNATURE_HASH_SHA2_512] = HASH_SHA2_512,
    };
    return scheme->hash == SIGNATURE_HASH_IDENTITY ? NULL : openssl_hash(hashes[scheme->hash]);
}

/* Sets the padding; `salt` as OpenSSL has it. */
static bool set_padding(EVP_PKEY_CTX *context, const struct signature_scheme *scheme, int salt)
{
    if (scheme->key != KEY_RSA)
        return true;
    if (!scheme->pss)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) == 1;
}

size_t signature_sign(const struct private_key *key, const struct signature_scheme *scheme,
                      struct octets signed_octets, uint8_t out[SIGNATURE_MAX])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    size_t length = SIGNATURE_MAX;
    bool done =
        context != NULL && scheme->key == private_key_kind(key) &&
        EVP_DigestSignInit(context, &padding, hash_function(scheme), NULL, private_key_evp(key)) == 1 &&
        set_padding(padding, scheme, RSA_PSS_SALTLEN_DIGEST) &&
        EVP_DigestSign(context, out, &length, signed_octets.at, signed_octets.length) == 1;
    EVP_MD_CTX_free(context);
    openssl_forget_errors();
    return done ? length : 0;
}

bool signature_verify(const struct certificate *certificate, const struct signature_scheme *scheme,
                      struct octets signed_octets, struct octets signature)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate_x509(certificate));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    bool right = context != NULL && scheme->key == openssl_key_kind(key) &&
                 EVP_DigestVerifyInit(context, &padding, hash_function(scheme), NULL, key) == 1 &&
                 set_padding(padding, scheme, RSA_PSS_SALTLEN_AUTO) &&
                 EVP_DigestVerify(context, signature.at, signature.length, signed_octets.at,
                                  signed_octets.length) == 1;
    EVP_MD_CTX_free(context);
    openssl_forget_errors();
    return right;
}

size_t signature_auth_make(const struct private_key *key, const struct signature_scheme *scheme,
                           struct octets signed_octets, uint8_t out[SIGNATURE_AUTH_MAX])
{
    struct octets algorithm = signature_scheme_algorithm(scheme);
    struct writer w = writer_to(out, SIGNATURE_AUTH_MAX);
    if (scheme->method == 0) {
        writer_put_u8(&w, (uint8_t)algorithm.length);
        writer_put(&w, algorithm.at, algorithm.length);
    }
    size_t length = signature_sign(key, scheme, signed_octets, out + writer_length(&w));
    if (scheme->bits != 0)
        length = ecdsa_signature_to_numbers(out, length, scheme->bits);
    return length > 0 ? writer_length(&w) + length : 0;
}

/* AUTH method 1: the hash is known from the signature alone. */
static enum signature_fault verify_rsa(const struct certificate *certificate, struct octets signed_octets,
                                       struct octets signature, const struct signature_scheme **scheme,
                                       struct pki_reason *reason)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    if (facts->key != KEY_RSA) {
        (void)pki_refuse(reason, "AUTH method 1 is for RSA, and the key of %s is %s", facts->subject,
                         facts->key_text);
        return SIGNATURE_OTHER_KEY;
    }
    for (size_t i = SIGNATURE_SCHEME_COUNT; i-- > 0;) {
        const struct signature_scheme *row = &signature_schemes[i];
        if (row->key != KEY_RSA || row->pss || !signature_verify(certificate, row, signed_octets, signature))
            continue;
        *scheme = row;
        return SIGNATURE_OK;
    }
    (void)pki_refuse(reason, "the signature is not by the key of %s, serial %s", facts->subject,
                     facts->serial);
    return SIGNATURE_WRONG;
}

/* AUTH methods 9 to 11: each has a curve and a hash. */
static enum signature_fault verify_ecdsa(const struct certificate *certificate, uint8_t method,
                                         struct octets signed_octets, struct octets numbers,
                                         const struct signature_scheme **scheme, struct pki_reason *reason)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    const struct signature_scheme *row = signature_schemes;
    uint8_t der[ECDSA_SIGNATURE_MAX];
    while (row->method != method)
        row++;
    if (facts->key != KEY_ECDSA || facts->key_bits != row->bits) {
        (void)pki_refuse(reason, "AUTH method %u is for %s, and the key of %s is %s", method, row->name,
                         facts->subject, facts->key_text);
        return SIGNATURE_OTHER_KEY;
    }
    struct octets signature = {der, ecdsa_signature_of_numbers(numbers, row->bits, der)};
    if (signature.length > 0 && signature_verify(certificate, row, signed_octets, signature)) {
        *scheme = row;
        return SIGNATURE_OK;
    }
    (void)pki_refuse(reason, "the signature (%s) is not by the key of %s, serial %s", row->name,
                     facts->subject, facts->serial);
    return SIGNATURE_WRONG;
}

/* RFC 7427 3: length of the AlgorithmIdentifier, AlgorithmIdentifier, signature. */
static enum signature_fault verify_digital(const struct certificate *certificate, struct octets signed_octets,
                                           struct octets value, const struct signature_scheme **scheme,
                                           struct pki_reason *reason)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    struct reader r = reader_of(value.at, value.length);
    size_t length = reader_u8(&r);
    struct octets algorithm = {reader_octets(&r, length), length};
    struct octets signature = reader_rest(&r);
    if (r.failed || length == 0 || signature.length == 0) {
        (void)pki_refuse(reason,
                         "the AUTH payload is malformed: no AlgorithmIdentifier with a signature behind "
                         "it (RFC 7427 3)");
        return SIGNATURE_MALFORMED;
    }
    char name[80];
    *scheme = signature_scheme_by_algorithm(algorithm);
    if (*scheme == NULL) {
        (void)pki_refuse(reason, "the signature algorithm is not supported here: %s (RFC 7427)",
                         signature_algorithm_name(algorithm, name, sizeof(name)));
        return SIGNATURE_UNKNOWN_ALGORITHM;
    }
    if ((*scheme)->key != facts->key) {
        (void)pki_refuse(reason, "the signature algorithm is %s, and the key of %s is %s", (*scheme)->name,
                         facts->subject, facts->key_text);
        return SIGNATURE_OTHER_KEY;
    }
    if (signature_verify(certificate, *scheme, signed_octets, signature))
        return SIGNATURE_OK;
    (void)pki_refuse(reason, "the signature (%s) is not by the key of %s, serial %s", (*scheme)->name,
                     facts->subject, facts->serial);
    return SIGNATURE_WRONG;
}

enum signature_fault signature_auth_verify(const struct certificate *certificate, uint8_t method,
                                           struct octets signed_octets, struct octets value,
                                           const struct signature_scheme **scheme, struct pki_reason *reason)
{
    *scheme = NULL;
    if (method == SIGNATURE_METHOD_RSA)
        return verify_rsa(certificate, signed_octets, value, scheme, reason);
    if (method == SIGNATURE_METHOD_DIGITAL)
        return verify_digital(certificate, signed_octets, value, scheme, reason);
    if (signature_method_is_known(method))
        return verify_ecdsa(certificate, method, signed_octets, value, scheme, reason);
    (void)pki_refuse(reason, "AUTH method %u is not supported", method);
    return SIGNATURE_UNKNOWN_ALGORITHM;
}
