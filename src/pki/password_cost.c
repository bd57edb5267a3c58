#include "pki/password_cost.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "pki/openssl.h"

/* The iterations counted so far; `more` than PASSWORD_ITERATIONS_MAX is not counted on. */
struct cost {
    uint64_t iterations;
    bool more;
};

static void add(struct cost *cost, uint64_t iterations)
{
    cost->more |= iterations > PASSWORD_ITERATIONS_MAX - cost->iterations;
    cost->iterations += cost->more ? 0 : iterations;
}

/* What is no number, or negative, is refused by OpenSSL; what is too large for it is too much. */
static uint64_t number(const ASN1_INTEGER *integer)
{
    uint64_t value;
    if (integer == NULL)
        return 1;
    return ASN1_INTEGER_get_uint64(&value, integer) == 1 ? value : UINT64_MAX;
}

/* N * r * p of RFC 7914, each of which costs about what an iteration does. */
static void add_scrypt(struct cost *cost, const ASN1_TYPE *parameter)
{
    SCRYPT_PARAMS *scrypt = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    if (scrypt == NULL)
        return;
    const uint64_t factors[] = {number(scrypt->costParameter), number(scrypt->blockSize),
                                number(scrypt->parallelizationParameter)};
    uint64_t product = 1;
    for (size_t i = 0; i < 3; i++)
        product = product <= PASSWORD_ITERATIONS_MAX && factors[i] <= PASSWORD_ITERATIONS_MAX
                      ? product * factors[i]
                      : UINT64_MAX;
    add(cost, product);
    SCRYPT_PARAMS_free(scrypt);
}

static void add_pbkdf2(struct cost *cost, const ASN1_TYPE *parameter)
{
    PBKDF2PARAM *pbkdf2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
    if (pbkdf2 != NULL)
        add(cost, number(pbkdf2->iter));
    PBKDF2PARAM_free(pbkdf2);
}

/* PBES2 of RFC 8018 6.2 names how the key is made; the others make it in the way of PBES1 or of PKCS#12. */
static void add_algorithm(struct cost *cost, const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2nid(object) != NID_pbes2) {
        PBEPARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
        if (pbe != NULL)
            add(cost, number(pbe->iter));
        PBEPARAM_free(pbe);
        return;
    }
    PBE2PARAM *pbes2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    if (pbes2 == NULL)
        return;
    X509_ALGOR_get0(&object, NULL, NULL, pbes2->keyfunc);
    if (OBJ_obj2nid(object) == NID_id_scrypt)
        add_scrypt(cost, pbes2->keyfunc->parameter);
    else
        add_pbkdf2(cost, pbes2->keyfunc->parameter);
    PBE2PARAM_free(pbes2);
}

static void add_encrypted_key(struct cost *cost, const X509_SIG *key)
{
    const X509_ALGOR *algorithm = NULL;
    X509_SIG_get0(key, &algorithm, NULL);
    add_algorithm(cost, algorithm);
}

static bool judge(const struct cost *cost, struct pki_reason *reason)
{
    openssl_forget_errors();
    return !cost->more ||
           pki_refuse(reason,
                      "its password is hashed more than %d times, for which all would wait: export it again "
                      "with fewer iterations (openssl's -iter)",
                      PASSWORD_ITERATIONS_MAX);
}

/* ---- PEM ------------------------------------------------------------------------------------------- */

bool password_cost_of_pem(struct octets pem, struct pki_reason *reason)
{
    BIO *memory = BIO_new_mem_buf(pem.at, (int)pem.length);
    struct cost cost = {0};
    char *label = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long length = 0;
    while (memory != NULL && PEM_read_bio(memory, &label, &header, &der, &length) == 1) {
        const unsigned char *at = der;
        X509_SIG *key = d2i_X509_SIG(NULL, &at, length);
        if (key != NULL)
            add_encrypted_key(&cost, key);
        X509_SIG_free(key);
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)length);
    }
    (void)BIO_free(memory);
    return judge(&cost, reason);
}

/* ---- PKCS#12 --------------------------------------------------------------------------------------- */

static void add_bags(struct cost *cost, const STACK_OF(PKCS12_SAFEBAG) * bags)
{
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && !cost->more; i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        int kind = PKCS12_SAFEBAG_get_nid(bag);
        if (kind == NID_pkcs8ShroudedKeyBag)
            add_encrypted_key(cost, PKCS12_SAFEBAG_get0_pkcs8(bag));
        else if (kind == NID_safeContentsBag) /* OpenSSL bounds how deep they are in each other */
            add_bags(cost, PKCS12_SAFEBAG_get0_safes(bag));
    }
}

/* The bags of one part; NULL if it can't be opened, or opening it costs too much. */
static STACK_OF(PKCS12_SAFEBAG) * open_part(struct cost *cost, PKCS7 *part, const char *password)
{
    if (PKCS7_type_is_data(part))
        return PKCS12_unpack_p7data(part);
    if (!PKCS7_type_is_encrypted(part) || part->d.encrypted == NULL)
        return NULL;
    add_algorithm(cost, part->d.encrypted->enc_data->algorithm);
    if (cost->more)
        return NULL;
    STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7encdata(part, password, -1);
    if (bags == NULL && password[0] == '\0') /* no password is either of the two */
        bags = PKCS12_unpack_p7encdata(part, NULL, 0);
    return bags;
}

static void add_mac(struct cost *cost, const PKCS12 *file)
{
    const ASN1_INTEGER *iterations = NULL;
    PKCS12_get0_mac(NULL, NULL, NULL, &iterations, file);
    add(cost, number(iterations));
}

bool password_cost_of_pkcs12(const PKCS12 *file, const char *password, struct pki_reason *reason)
{
    struct cost cost = {0};
    add_mac(&cost, file);
    STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(file);
    for (int i = 0; i < sk_PKCS7_num(parts) && !cost.more; i++) {
        STACK_OF(PKCS12_SAFEBAG) *bags = open_part(&cost, sk_PKCS7_value(parts, i), password);
        add_bags(&cost, bags);
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
    sk_PKCS7_pop_free(parts, PKCS7_free);
    return judge(&cost, reason);
}
