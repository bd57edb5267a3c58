#include "pki/validate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "pki/openssl.h"
#include "pki/verdict.h"

enum {
    RSA_BITS = 2048,
    RSA_BITS_WEAK = 1024, /* with `cert weak-allowed` */
    EC_BITS = 224,
    SECURITY_BITS = 112,      /* of a signature's hash */
    CLOCK_FLOOR = 1767225600, /* 2026-01-01 */
};

const char *certificate_time_format(int64_t time, char out[CERTIFICATE_TIME_SIZE])
{
    struct tm broken;
    time_t seconds = (time_t)time;
    if (gmtime_r(&seconds, &broken) == NULL ||
        strftime(out, CERTIFICATE_TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &broken) == 0)
        (void)snprintf(out, CERTIFICATE_TIME_SIZE, "(unknown time)");
    return out;
}

bool validation_clock_is_wrong(int64_t now)
{
    return now < CLOCK_FLOOR;
}

/* True if a CRL of the name of the certificate's issuer was imported, even if it can't be used for it. */
static bool has_crl_of_issuer(const struct validation *asked, X509 *x509)
{
    for (size_t i = 0; i < asked->crl_count; i++) {
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl_x509(asked->crls[i])), X509_get_issuer_name(x509)) == 0)
            return true;
    }
    return false;
}

/* OpenSSL asks whether to go on after an error. */
static int judge(int ok, X509_STORE_CTX *context)
{
    struct validation_run *run = X509_STORE_CTX_get_app_data(context);
    if (ok == 1)
        return 1;
    int error = X509_STORE_CTX_get_error(context);
    X509 *x509 = X509_STORE_CTX_get_current_cert(context);
    /* The configured CA certificate is trusted as it is (RFC 5280 6.1): if it is itself below another CA, a
     * CRL of that says nothing, and can't be verified. */
    if (verdict_error_is_of_crl(error) && X509_cmp(x509, certificate_x509(run->asked->anchor)) == 0)
        return 1;
    /* CRLs are checked of the CAs whose CRLs were imported. */
    if (error == X509_V_ERR_UNABLE_TO_GET_CRL && !has_crl_of_issuer(run->asked, x509))
        return 1;
    /* An old CRL may still say that the certificate is revoked, which is the better reason. */
    bool old = error == X509_V_ERR_CRL_HAS_EXPIRED;
    if (!old || run->verdict->fault == VALIDATION_OK)
        verdict_refuse_by_error(run, x509, error);
    return old ? 1 : 0;
}

/* ---- What OpenSSL leaves open ---------------------------------------------------------------------- */

static bool strong_key(const struct validation_run *run, X509 *x509)
{
    const EVP_PKEY *key = X509_get0_pubkey(x509);
    enum key_kind kind = openssl_key_kind(key);
    uint32_t bits = openssl_key_bits(key);
    char text[40];
    openssl_key_text(key, text, sizeof(text));
    if (kind == KEY_ECDSA && bits < EC_BITS)
        verdict_refuse(run, x509, VALIDATION_WEAK_KEY, "has a weak key, %s; it must have %d bits", text,
                       EC_BITS);
    else if (kind == KEY_RSA && bits < RSA_BITS_WEAK)
        verdict_refuse(run, x509, VALIDATION_WEAK_KEY, "has a weak key, %s; it must have %d bits", text,
                       RSA_BITS);
    else if (kind == KEY_RSA && bits < RSA_BITS && !run->asked->weak_allowed)
        verdict_refuse(run, x509, VALIDATION_WEAK_KEY,
                       "has a weak key, %s; it must have %d bits, unless `cert weak-allowed` is set", text,
                       RSA_BITS);
    else
        return true;
    return false;
}

static bool strong_signature(const struct validation_run *run, X509 *x509)
{
    int hash = NID_undef;
    int bits = -1;
    if (X509_get_signature_info(x509, &hash, NULL, &bits, NULL) == 1 && bits >= SECURITY_BITS)
        return true;
    if (hash != NID_sha1)
        verdict_refuse(run, x509, VALIDATION_WEAK_SIGNATURE, "has a signature by a broken algorithm, %s",
                       OBJ_nid2sn(X509_get_signature_nid(x509)));
    else if (!run->asked->weak_allowed)
        verdict_refuse(run, x509, VALIDATION_WEAK_SIGNATURE,
                       "has a weak signature, %s; it must be by SHA-2, unless `cert weak-allowed` is set",
                       OBJ_nid2sn(X509_get_signature_nid(x509)));
    else
        return true;
    return false;
}

/* The purposes of extendedKeyUsage that suit IKE: those made for it, and those of TLS, since most guides and
 * Windows want one of these. */
static const char *const purposes[] = {
    "1.3.6.1.5.5.7.3.17", /* id-kp-ipsecIKE (RFC 4945 5.1.3.12) */
    "2.5.29.37.0",        /* anyExtendedKeyUsage */
    "1.3.6.1.5.5.8.2.2",  /* iKEIntermediate */
    "1.3.6.1.5.5.7.3.1",  /* id-kp-serverAuth */
    "1.3.6.1.5.5.7.3.2",  /* id-kp-clientAuth */
    "1.3.6.1.5.5.7.3.5",  /* id-kp-ipsecEndSystem, -Tunnel, -User: before RFC 4945 */
    "1.3.6.1.5.5.7.3.6",  "1.3.6.1.5.5.7.3.7",
};

static bool purpose_suits(const ASN1_OBJECT *purpose)
{
    char oid[80];
    if (OBJ_obj2txt(oid, sizeof(oid), purpose, 1) <= 0)
        return false;
    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
        if (strcmp(oid, purposes[i]) == 0)
            return true;
    }
    return false;
}

static bool extended_usage_suits(const struct validation_run *run, X509 *x509)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    bool suits = usage == NULL;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usage) && !suits; i++)
        suits = purpose_suits(sk_ASN1_OBJECT_value(usage, i));
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    if (!suits)
        verdict_refuse(run, x509, VALIDATION_EXTENDED_KEY_USAGE,
                       "is for other purposes than IKE: its extended key usage has neither ipsecIKE nor "
                       "anyExtendedKeyUsage, serverAuth or clientAuth (RFC 4945 5.1.3.12)");
    return suits;
}

static bool usage_suits(const struct validation_run *run, X509 *x509)
{
    uint32_t usage = X509_get_key_usage(x509); /* all bits if there is none */
    if ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
        return true;
    verdict_refuse(
        run, x509, VALIDATION_KEY_USAGE,
        "may not sign: its key usage has neither digitalSignature nor nonRepudiation (RFC 4945 5.1.3.2)");
    return false;
}

static bool chain_suits(const struct validation_run *run)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(run->context);
    int count = sk_X509_num(chain);
    for (int i = 0; i < count; i++) {
        X509 *x509 = sk_X509_value(chain, i);
        bool is_anchor = i == count - 1;
        if (verdict_refuse_malformed(run, x509) || !strong_key(run, x509) ||
            (i == 0 && !usage_suits(run, x509)))
            return false;
        /* Of the configured CA certificate the signature is not what it is trusted for. */
        if (!is_anchor && !strong_signature(run, x509))
            return false;
        if ((!is_anchor || i == 0) && !extended_usage_suits(run, x509))
            return false;
    }
    return true;
}

/* ---- The whole ------------------------------------------------------------------------------------- */

static bool add_crls(const struct validation *asked, STACK_OF(X509_CRL) * crls)
{
    for (size_t i = 0; i < asked->crl_count; i++) {
        if (sk_X509_CRL_push(crls, crl_x509(asked->crls[i])) == 0)
            return false;
    }
    return true;
}

/* Those with keys that are not used here can't be part of the chain. */
static bool add_peer(const struct validation *asked, STACK_OF(X509) * untrusted)
{
    for (size_t i = 1; i < asked->peer_count; i++) {
        X509 *x509 = certificate_x509(asked->peer[i]);
        bool usable = openssl_key_trouble(X509_get0_pubkey(x509)) == NULL;
        if (usable && sk_X509_push(untrusted, x509) == 0)
            return false;
    }
    return true;
}

/* Any policy will do, unless a CA wants one (RFC 5280 6.1.1 (c)). */
static bool allow_any_policy(X509_VERIFY_PARAM *param)
{
    ASN1_OBJECT *any = OBJ_nid2obj(NID_any_policy);
    return any != NULL && X509_VERIFY_PARAM_add0_policy(param, any) == 1;
}

/* So that no arithmetic is done with a key that the CA may not even know. */
static bool keys_are_usable(const struct validation_run *run)
{
    X509 *anchor = certificate_x509(run->asked->anchor);
    if (verdict_refuse_unusable_key(run, certificate_x509(run->asked->peer[0])))
        return false;
    if (openssl_key_kind(X509_get0_pubkey(anchor)) != KEY_UNKNOWN)
        return true;
    verdict_refuse(run, anchor, VALIDATION_ALGORITHM, "has a key that is not supported here");
    return false;
}

/* OpenSSL looks at CRLs before it verifies the signatures of the chain. A CRL may be long, and anybody can
 * send certificates with the names of the CA: so here CRLs come last. */
static int verify_chain_first(X509_STORE_CTX *context)
{
    const struct validation_run *run = X509_STORE_CTX_get_app_data(context);
    if (run->verify_signatures(context) != 1)
        return 0;
    if (run->asked->crl_count == 0)
        return 1;
    (void)X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context),
                                      X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return X509_STORE_CTX_get_check_revocation(context)(context);
}

static bool run_openssl(struct validation_run *run)
{
    const struct validation *asked = run->asked;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(run->context);
    if (!allow_any_policy(param)) {
        verdict_refuse_by_error(run, NULL, X509_V_ERR_OUT_OF_MEM);
        return false;
    }
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK);
    X509_VERIFY_PARAM_set_time(param, (time_t)asked->now);
    X509_VERIFY_PARAM_set_depth(param, CERTIFICATE_CHAIN_MAX - 2); /* of CAs between the two ends */
    X509_STORE_CTX_set_app_data(run->context, run);
    X509_STORE_CTX_set_verify_cb(run->context, judge);
    run->verify_signatures = X509_STORE_CTX_get_verify(run->context);
    X509_STORE_CTX_set_verify(run->context, verify_chain_first);
    int verified = X509_verify_cert(run->context);
    if (verified != 1 && run->verdict->fault == VALIDATION_OK)
        verdict_refuse_by_error(run, X509_STORE_CTX_get_current_cert(run->context),
                                X509_STORE_CTX_get_error(run->context));
    return verified == 1 && run->verdict->fault == VALIDATION_OK && chain_suits(run);
}

bool certificate_validate(const struct validation *validation, struct validation_verdict *out)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    struct validation_run run = {validation, out, context};
    *out = (struct validation_verdict){.fault = VALIDATION_OK};
    bool valid = false;
    if (store == NULL || context == NULL || untrusted == NULL || crls == NULL ||
        X509_STORE_add_cert(store, certificate_x509(validation->anchor)) != 1 ||
        !add_peer(validation, untrusted) || !add_crls(validation, crls) ||
        X509_STORE_CTX_init(context, store, certificate_x509(validation->peer[0]), untrusted) != 1) {
        out->fault = VALIDATION_FAILED;
        (void)pki_refuse(&out->reason, "out of memory");
    } else {
        X509_STORE_CTX_set0_crls(context, crls);
        valid = keys_are_usable(&run) && run_openssl(&run);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    sk_X509_free(untrusted);
    sk_X509_CRL_free(crls);
    openssl_forget_errors();
    return valid;
}
