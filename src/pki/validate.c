#include "pki/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "pki/openssl.h"

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

/* ---- Verdicts -------------------------------------------------------------------------------------- */

/* A validation under way. */
struct run {
    const struct validation *asked;
    struct validation_verdict *verdict;
    X509_STORE_CTX *context;
};

/* Sets the verdict: the check that failed on a certificate, and how, as printf has it. */
__attribute__((format(printf, 4, 5))) static void refuse(const struct run *run, X509 *x509,
                                                         enum validation_fault fault, const char *format, ...)
{
    char what[PKI_REASON_SIZE / 2];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    struct validation_verdict *verdict = run->verdict;
    const char *which = "the CA certificate";
    if (x509 != NULL && X509_cmp(x509, certificate_x509(run->asked->anchor)) == 0)
        which = "the configured CA certificate";
    else if (x509 != NULL && X509_cmp(x509, certificate_x509(run->asked->peer[0])) == 0)
        which = "the peer's certificate";
    verdict->fault = fault;
    (void)snprintf(verdict->subject, sizeof(verdict->subject), "(unknown)");
    if (x509 != NULL)
        openssl_name_text(X509_get_subject_name(x509), verdict->subject);
    (void)pki_refuse(&verdict->reason, "%s, %s, %s", which, verdict->subject, what);
}

/* "; the clock of this machine is plainly wrong" and so on, if it is. */
static const char *clock_remark(const struct run *run)
{
    return validation_clock_is_wrong(run->asked->now) ? ": the clock of this machine is plainly wrong" : "";
}

static void refuse_date(const struct run *run, X509 *x509, enum validation_fault fault)
{
    char limit[CERTIFICATE_TIME_SIZE];
    char now[CERTIFICATE_TIME_SIZE];
    bool expired = fault == VALIDATION_EXPIRED;
    const ASN1_TIME *time = expired ? X509_get0_notAfter(x509) : X509_get0_notBefore(x509);
    refuse(run, x509, fault, "%s %s, and it is now %s%s (RFC 5280 4.1.2.5)",
           expired ? "expired at" : "is not valid before", certificate_time_format(openssl_time(time), limit),
           certificate_time_format(run->asked->now, now), clock_remark(run));
}

/* The CRL that OpenSSL complains of. */
static void refuse_crl(const struct run *run, X509 *x509, int error)
{
    char issuer[DN_TEXT_SIZE] = "its issuer";
    char limit[CERTIFICATE_TIME_SIZE];
    const X509_CRL *crl = X509_STORE_CTX_get0_current_crl(run->context);
    if (crl != NULL)
        openssl_name_text(X509_CRL_get_issuer(crl), issuer);
    if (error == X509_V_ERR_CRL_HAS_EXPIRED)
        refuse(run, x509, VALIDATION_CRL,
               "can't be checked: the CRL of %s expired at %s%s; import a newer one (RFC 5280 5.1.2.5)",
               issuer, certificate_time_format(openssl_time(X509_CRL_get0_nextUpdate(crl)), limit),
               clock_remark(run));
    else if (error == X509_V_ERR_CRL_NOT_YET_VALID)
        refuse(run, x509, VALIDATION_CRL,
               "can't be checked: the CRL of %s is not valid before %s%s (RFC 5280 5.1.2.4)", issuer,
               certificate_time_format(openssl_time(X509_CRL_get0_lastUpdate(crl)), limit),
               clock_remark(run));
    else if (error == X509_V_ERR_UNABLE_TO_GET_CRL) {
        openssl_name_text(X509_get_issuer_name(x509), issuer);
        refuse(
            run, x509, VALIDATION_CRL,
            "can't be checked: a CRL of %s was imported, but it is not for this certificate (RFC 5280 6.3)",
            issuer);
    } else
        refuse(run, x509, VALIDATION_CRL, "can't be checked by the CRL of %s: %s (RFC 5280 6.3)", issuer,
               X509_verify_cert_error_string(error));
}

/* ---- No issuer ------------------------------------------------------------------------------------- */

static void refuse_to_issue(const struct run *run, X509 *ca)
{
    refuse(run, ca, VALIDATION_KEY_USAGE,
           "may not issue certificates: its key usage has no keyCertSign (RFC 5280 4.2.1.3)");
}

/* OpenSSL uses no certificate in which it can't read an extension. False if this is not so. */
static bool explain_malformed(const struct run *run, X509 *x509)
{
    if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) == 0)
        return false;
    refuse(run, x509, VALIDATION_EXTENSION, "has a malformed extension (RFC 5280 4.2)");
    return true;
}

/* A certificate has the name of the issuer, but OpenSSL does not take it for the issuer: says why. False if
 * it is not of that name. */
static bool explain_candidate(const struct run *run, X509 *x509, X509 *candidate)
{
    if (X509_NAME_cmp(X509_get_subject_name(candidate), X509_get_issuer_name(x509)) != 0)
        return false;
    if (explain_malformed(run, candidate))
        return true;
    switch (X509_check_issued(candidate, x509)) {
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
        refuse_to_issue(run, candidate);
        return true;
    case X509_V_ERR_AKID_SKID_MISMATCH:
    case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
        refuse(run, x509, VALIDATION_NO_ISSUER,
               "was issued by another CA of the name of its issuer: the authority key identifier differs "
               "(RFC 5280 4.2.1.1)");
        return true;
    case X509_V_OK:
        return false;
    default:
        refuse(run, x509, VALIDATION_NO_ISSUER,
               "was issued by another CA of the name of its issuer: it is signed by another kind of key");
        return true;
    }
}

static void refuse_no_issuer(const struct run *run, X509 *x509)
{
    const struct validation *asked = run->asked;
    char issuer[DN_TEXT_SIZE];
    if (explain_malformed(run, x509) || explain_candidate(run, x509, certificate_x509(asked->anchor)))
        return;
    for (size_t i = 1; i < asked->peer_count; i++) {
        if (explain_candidate(run, x509, certificate_x509(asked->peer[i])))
            return;
    }
    openssl_name_text(X509_get_issuer_name(x509), issuer);
    refuse(
        run, x509, VALIDATION_NO_ISSUER,
        "was issued by %s, which is not the configured CA, %s, and whose certificate the peer did not send "
        "(RFC 5280 6.1)",
        issuer, certificate_facts(asked->anchor)->subject);
}

/* ---- OpenSSL's errors ------------------------------------------------------------------------------ */

static const struct error_row {
    int error;
    enum validation_fault fault;
    const char *text; /* NULL: a function above has it */
} error_rows[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, VALIDATION_NO_ISSUER, NULL},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, VALIDATION_NO_ISSUER, NULL},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, VALIDATION_NO_ISSUER, NULL},
    {X509_V_ERR_CERT_NOT_YET_VALID, VALIDATION_NOT_YET_VALID, NULL},
    {X509_V_ERR_CERT_HAS_EXPIRED, VALIDATION_EXPIRED, NULL},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, VALIDATION_SELF_SIGNED,
     "is self-signed, and not itself the configured CA certificate (RFC 5280 6.1)"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, VALIDATION_OTHER_CA,
     "is where the peer's chain ends, and not the configured CA certificate (RFC 5280 6.1)"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, VALIDATION_SIGNATURE,
     "has a signature that is not by the key of its issuer (RFC 5280 6.1.3)"},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, VALIDATION_SIGNATURE,
     "has a signature that is not by the key of its issuer (RFC 5280 6.1.3)"},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, VALIDATION_ALGORITHM,
     "has an issuer whose public key can't be read"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, VALIDATION_EXTENSION, "has a notBefore that is no time"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, VALIDATION_EXTENSION, "has a notAfter that is no time"},
    {X509_V_ERR_INVALID_CA, VALIDATION_NO_CA,
     "is not that of a CA, but was used to issue a certificate: basic constraints (RFC 5280 4.2.1.9)"},
    {X509_V_ERR_INVALID_NON_CA, VALIDATION_NO_CA,
     "is not that of a CA: basic constraints (RFC 5280 4.2.1.9)"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, VALIDATION_PATH_LENGTH,
     "has more CA certificates below it than its path length constraint allows (RFC 5280 4.2.1.9)"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, VALIDATION_PATH_LENGTH, "belongs to a chain that is too long"},
    {X509_V_ERR_PATH_LOOP, VALIDATION_PATH_LENGTH, "occurs twice in its own chain"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, VALIDATION_CRITICAL_EXTENSION, NULL},
    {X509_V_ERR_INVALID_EXTENSION, VALIDATION_EXTENSION, "has a malformed extension (RFC 5280 4.2)"},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, VALIDATION_POLICY,
     "has a malformed or contradictory policy extension (RFC 5280 4.2.1.4)"},
    {X509_V_ERR_NO_EXPLICIT_POLICY, VALIDATION_POLICY,
     "has no certificate policy that its CAs require (RFC 5280 4.2.1.11)"},
    {X509_V_ERR_PERMITTED_VIOLATION, VALIDATION_NAME_CONSTRAINTS,
     "has a name that a CA above it does not permit: name constraints (RFC 5280 4.2.1.10)"},
    {X509_V_ERR_EXCLUDED_VIOLATION, VALIDATION_NAME_CONSTRAINTS,
     "has a name that a CA above it excludes: name constraints (RFC 5280 4.2.1.10)"},
    {X509_V_ERR_SUBTREE_MINMAX, VALIDATION_NAME_CONSTRAINTS,
     "is below a CA with name constraints that have a minimum or maximum (RFC 5280 4.2.1.10)"},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, VALIDATION_NAME_CONSTRAINTS,
     "is below a CA with name constraints of an unknown kind (RFC 5280 4.2.1.10)"},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, VALIDATION_NAME_CONSTRAINTS,
     "is below a CA with malformed name constraints (RFC 5280 4.2.1.10)"},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, VALIDATION_NAME_CONSTRAINTS,
     "has a malformed name, so that the name constraints above it can't be checked (RFC 5280 4.2.1.10)"},
    {X509_V_ERR_CERT_REVOKED, VALIDATION_REVOKED, NULL},
    {X509_V_ERR_UNABLE_TO_GET_CRL, VALIDATION_CRL, NULL},
    {X509_V_ERR_CRL_HAS_EXPIRED, VALIDATION_CRL, NULL},
    {X509_V_ERR_CRL_NOT_YET_VALID, VALIDATION_CRL, NULL},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, VALIDATION_CRL, NULL},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, VALIDATION_CRL, NULL},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, VALIDATION_CRL, NULL},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, VALIDATION_CRL, NULL},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, VALIDATION_CRL, NULL},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, VALIDATION_CRL, NULL},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, VALIDATION_CRL, NULL},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, VALIDATION_CRL, NULL},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, VALIDATION_CRL, NULL},
};

/* Names the extension that is critical and unknown. */
static void refuse_critical(const struct run *run, X509 *x509)
{
    char oid[80] = "unknown";
    for (int i = 0; i < X509_get_ext_count(x509); i++) {
        X509_EXTENSION *extension = X509_get_ext(x509, i);
        if (X509_EXTENSION_get_critical(extension) && !X509_supported_extension(extension)) {
            (void)OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(extension), 1);
            break;
        }
    }
    refuse(run, x509, VALIDATION_CRITICAL_EXTENSION,
           "has a critical extension that is unknown here, %s (RFC 5280 4.2)", oid);
}

static void refuse_revoked(const struct run *run, X509 *x509)
{
    char issuer[DN_TEXT_SIZE];
    char serial[64];
    openssl_name_text(X509_get_issuer_name(x509), issuer);
    openssl_integer_text(X509_get0_serialNumber(x509), serial, sizeof(serial));
    refuse(run, x509, VALIDATION_REVOKED, "serial %s, is revoked by the CRL of %s (RFC 5280 6.3)", serial,
           issuer);
}

/* `x509`: the certificate in question; NULL: the chain as a whole. */
static void refuse_by_error(const struct run *run, X509 *x509, int error)
{
    const struct error_row *row = NULL;
    if (x509 == NULL)
        x509 = certificate_x509(run->asked->peer[0]);
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]) && row == NULL; i++) {
        if (error_rows[i].error == error)
            row = &error_rows[i];
    }
    if (row == NULL) {
        refuse(run, x509, VALIDATION_FAILED, "can't be validated: %s", X509_verify_cert_error_string(error));
        return;
    }
    /* OpenSSL takes a CA that may not sign for none. */
    if (error == X509_V_ERR_INVALID_CA && (X509_get_extension_flags(x509) & EXFLAG_CA) != 0) {
        refuse_to_issue(run, x509);
        return;
    }
    if (row->text != NULL) {
        refuse(run, x509, row->fault, "%s", row->text);
        return;
    }
    switch (row->fault) {
    case VALIDATION_NO_ISSUER:
        refuse_no_issuer(run, x509);
        break;
    case VALIDATION_CRITICAL_EXTENSION:
        refuse_critical(run, x509);
        break;
    case VALIDATION_REVOKED:
        refuse_revoked(run, x509);
        break;
    case VALIDATION_CRL:
        refuse_crl(run, x509, error);
        break;
    default:
        refuse_date(run, x509, row->fault);
    }
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
    struct run *run = X509_STORE_CTX_get_app_data(context);
    if (ok == 1)
        return 1;
    int error = X509_STORE_CTX_get_error(context);
    X509 *x509 = X509_STORE_CTX_get_current_cert(context);
    /* CRLs are checked of the CAs whose CRLs were imported. */
    if (error == X509_V_ERR_UNABLE_TO_GET_CRL && !has_crl_of_issuer(run->asked, x509))
        return 1;
    /* An old CRL may still say that the certificate is revoked, which is the better reason. */
    bool old = error == X509_V_ERR_CRL_HAS_EXPIRED;
    if (!old || run->verdict->fault == VALIDATION_OK)
        refuse_by_error(run, x509, error);
    return old ? 1 : 0;
}

/* ---- What OpenSSL leaves open ---------------------------------------------------------------------- */

static bool strong_key(const struct run *run, X509 *x509)
{
    const EVP_PKEY *key = X509_get0_pubkey(x509);
    enum key_kind kind = openssl_key_kind(key);
    uint32_t bits = openssl_key_bits(key);
    char text[40];
    openssl_key_text(key, text, sizeof(text));
    if (kind == KEY_UNKNOWN)
        refuse(run, x509, VALIDATION_ALGORITHM, "has a key that is not supported here");
    else if (kind == KEY_ECDSA && bits < EC_BITS)
        refuse(run, x509, VALIDATION_WEAK_KEY, "has a weak key, %s; it must have %d bits", text, EC_BITS);
    else if (kind == KEY_RSA && bits < RSA_BITS_WEAK)
        refuse(run, x509, VALIDATION_WEAK_KEY, "has a weak key, %s; it must have %d bits", text, RSA_BITS);
    else if (kind == KEY_RSA && bits < RSA_BITS && !run->asked->weak_allowed)
        refuse(run, x509, VALIDATION_WEAK_KEY,
               "has a weak key, %s; it must have %d bits, unless `cert weak-allowed` is set", text, RSA_BITS);
    else
        return true;
    return false;
}

static bool strong_signature(const struct run *run, X509 *x509)
{
    int hash = NID_undef;
    int bits = -1;
    if (X509_get_signature_info(x509, &hash, NULL, &bits, NULL) == 1 && bits >= SECURITY_BITS)
        return true;
    if (hash != NID_sha1)
        refuse(run, x509, VALIDATION_WEAK_SIGNATURE, "has a signature by a broken algorithm, %s",
               OBJ_nid2sn(X509_get_signature_nid(x509)));
    else if (!run->asked->weak_allowed)
        refuse(run, x509, VALIDATION_WEAK_SIGNATURE,
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

static bool extended_usage_suits(const struct run *run, X509 *x509)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    bool suits = usage == NULL;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usage) && !suits; i++)
        suits = purpose_suits(sk_ASN1_OBJECT_value(usage, i));
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    if (!suits)
        refuse(run, x509, VALIDATION_EXTENDED_KEY_USAGE,
               "is for other purposes than IKE: its extended key usage has neither ipsecIKE nor "
               "anyExtendedKeyUsage, serverAuth or clientAuth (RFC 4945 5.1.3.12)");
    return suits;
}

static bool usage_suits(const struct run *run, X509 *x509)
{
    uint32_t usage = X509_get_key_usage(x509); /* all bits if there is none */
    if ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
        return true;
    refuse(run, x509, VALIDATION_KEY_USAGE,
           "may not sign: its key usage has neither digitalSignature nor nonRepudiation (RFC 4945 5.1.3.2)");
    return false;
}

static bool chain_suits(const struct run *run)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(run->context);
    int count = sk_X509_num(chain);
    for (int i = 0; i < count; i++) {
        X509 *x509 = sk_X509_value(chain, i);
        bool is_anchor = i == count - 1;
        if (explain_malformed(run, x509) || !strong_key(run, x509) || (i == 0 && !usage_suits(run, x509)))
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

static bool add_peer(const struct validation *asked, STACK_OF(X509) * untrusted)
{
    for (size_t i = 1; i < asked->peer_count; i++) {
        if (sk_X509_push(untrusted, certificate_x509(asked->peer[i])) == 0)
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

static bool run_openssl(struct run *run)
{
    const struct validation *asked = run->asked;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(run->context);
    if (!allow_any_policy(param)) {
        refuse_by_error(run, NULL, X509_V_ERR_OUT_OF_MEM);
        return false;
    }
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK;
    if (asked->crl_count > 0)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    (void)X509_VERIFY_PARAM_set_flags(param, flags);
    X509_VERIFY_PARAM_set_time(param, (time_t)asked->now);
    X509_VERIFY_PARAM_set_depth(param, CERTIFICATE_CHAIN_MAX - 2); /* of CAs between the two ends */
    X509_STORE_CTX_set_app_data(run->context, run);
    X509_STORE_CTX_set_verify_cb(run->context, judge);
    int verified = X509_verify_cert(run->context);
    if (verified != 1 && run->verdict->fault == VALIDATION_OK)
        refuse_by_error(run, X509_STORE_CTX_get_current_cert(run->context),
                        X509_STORE_CTX_get_error(run->context));
    return verified == 1 && run->verdict->fault == VALIDATION_OK && chain_suits(run);
}

bool certificate_validate(const struct validation *validation, struct validation_verdict *out)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    struct run run = {validation, out, context};
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
        valid = run_openssl(&run);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    sk_X509_free(untrusted);
    sk_X509_CRL_free(crls);
    openssl_forget_errors();
    return valid;
}
