#include "pki/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/x509v3.h>

#include "pki/openssl.h"

void verdict_refuse(const struct validation_run *run, X509 *x509, enum validation_fault fault,
                    const char *format, ...)
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
    char serial[CERTIFICATE_SERIAL_SIZE] = "unknown";
    (void)snprintf(verdict->subject, sizeof(verdict->subject), "(unknown)");
    if (x509 != NULL) {
        openssl_name_text(X509_get_subject_name(x509), verdict->subject);
        openssl_integer_text(X509_get0_serialNumber(x509), serial, sizeof(serial));
    }
    (void)pki_refuse(&verdict->reason, "%s, %s, serial %s, %s", which, verdict->subject, serial, what);
}

/* "; the clock of this machine is plainly wrong" and so on, if it is. */
static const char *clock_remark(const struct validation_run *run)
{
    return validation_clock_is_wrong(run->asked->now) ? ": the clock of this machine is plainly wrong" : "";
}

static void refuse_date(const struct validation_run *run, X509 *x509, enum validation_fault fault)
{
    char limit[CERTIFICATE_TIME_SIZE];
    char now[CERTIFICATE_TIME_SIZE];
    bool expired = fault == VALIDATION_EXPIRED;
    const ASN1_TIME *time = expired ? X509_get0_notAfter(x509) : X509_get0_notBefore(x509);
    verdict_refuse(run, x509, fault, "%s %s, and it is now %s%s (RFC 5280 4.1.2.5)",
                   expired ? "expired at" : "is not valid before",
                   certificate_time_format(openssl_time(time), limit),
                   certificate_time_format(run->asked->now, now), clock_remark(run));
}

/* The CRL that OpenSSL complains of. */
static void refuse_crl(const struct validation_run *run, X509 *x509, int error)
{
    char issuer[DN_TEXT_SIZE] = "its issuer";
    char limit[CERTIFICATE_TIME_SIZE];
    const X509_CRL *crl = X509_STORE_CTX_get0_current_crl(run->context);
    if (crl != NULL)
        openssl_name_text(X509_CRL_get_issuer(crl), issuer);
    if (error == X509_V_ERR_CRL_HAS_EXPIRED)
        verdict_refuse(
            run, x509, VALIDATION_CRL,
            "can't be checked: the CRL of %s expired at %s%s; import a newer one (RFC 5280 5.1.2.5)", issuer,
            certificate_time_format(openssl_time(X509_CRL_get0_nextUpdate(crl)), limit), clock_remark(run));
    else if (error == X509_V_ERR_CRL_NOT_YET_VALID)
        verdict_refuse(run, x509, VALIDATION_CRL,
                       "can't be checked: the CRL of %s is not valid before %s%s (RFC 5280 5.1.2.4)", issuer,
                       certificate_time_format(openssl_time(X509_CRL_get0_lastUpdate(crl)), limit),
                       clock_remark(run));
    else if (error == X509_V_ERR_UNABLE_TO_GET_CRL) {
        openssl_name_text(X509_get_issuer_name(x509), issuer);
        verdict_refuse(
            run, x509, VALIDATION_CRL,
            "can't be checked: a CRL of %s was imported, but it is not for this certificate (RFC 5280 6.3)",
            issuer);
    } else
        verdict_refuse(run, x509, VALIDATION_CRL, "can't be checked by the CRL of %s: %s (RFC 5280 6.3)",
                       issuer, X509_verify_cert_error_string(error));
}

/* ---- No issuer ------------------------------------------------------------------------------------- */

static void refuse_to_issue(const struct validation_run *run, X509 *ca)
{
    verdict_refuse(run, ca, VALIDATION_KEY_USAGE,
                   "may not issue certificates: its key usage has no keyCertSign (RFC 5280 4.2.1.3)");
}

bool verdict_refuse_malformed(const struct validation_run *run, X509 *x509)
{
    if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) == 0)
        return false;
    verdict_refuse(run, x509, VALIDATION_EXTENSION, "has a malformed extension (RFC 5280 4.2)");
    return true;
}

bool verdict_refuse_unusable_key(const struct validation_run *run, X509 *x509)
{
    const char *trouble = openssl_key_trouble(X509_get0_pubkey(x509));
    if (trouble == NULL)
        return false;
    verdict_refuse(run, x509, VALIDATION_ALGORITHM, "has %s", trouble);
    return true;
}

/* A certificate has the name of the issuer, but OpenSSL does not take it for the issuer: says why. False if
 * it is not of that name. */
static bool explain_candidate(const struct validation_run *run, X509 *x509, X509 *candidate)
{
    if (X509_NAME_cmp(X509_get_subject_name(candidate), X509_get_issuer_name(x509)) != 0)
        return false;
    if (verdict_refuse_malformed(run, candidate) || verdict_refuse_unusable_key(run, candidate))
        return true;
    switch (X509_check_issued(candidate, x509)) {
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
        refuse_to_issue(run, candidate);
        return true;
    case X509_V_ERR_AKID_SKID_MISMATCH:
    case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
        verdict_refuse(
            run, x509, VALIDATION_NO_ISSUER,
            "was issued by another CA of the name of its issuer: the authority key identifier differs "
            "(RFC 5280 4.2.1.1)");
        return true;
    case X509_V_OK:
        return false;
    default:
        verdict_refuse(
            run, x509, VALIDATION_NO_ISSUER,
            "was issued by another CA of the name of its issuer: it is signed by another kind of key");
        return true;
    }
}

static void refuse_no_issuer(const struct validation_run *run, X509 *x509)
{
    const struct validation *asked = run->asked;
    char issuer[DN_TEXT_SIZE];
    if (verdict_refuse_malformed(run, x509) || explain_candidate(run, x509, certificate_x509(asked->anchor)))
        return;
    for (size_t i = 1; i < asked->peer_count; i++) {
        if (explain_candidate(run, x509, certificate_x509(asked->peer[i])))
            return;
    }
    openssl_name_text(X509_get_issuer_name(x509), issuer);
    verdict_refuse(
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
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, VALIDATION_NO_ISSUER, NULL},
    {X509_V_ERR_CERT_NOT_YET_VALID, VALIDATION_NOT_YET_VALID, NULL},
    {X509_V_ERR_CERT_HAS_EXPIRED, VALIDATION_EXPIRED, NULL},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, VALIDATION_SELF_SIGNED,
     "is self-signed, and not itself the configured CA certificate (RFC 5280 6.1)"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, VALIDATION_OTHER_CA,
     "is where the peer's chain ends, and not the configured CA certificate (RFC 5280 6.1)"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, VALIDATION_SIGNATURE,
     "has a signature that is not by the key of its issuer (RFC 5280 6.1.3)"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, VALIDATION_EXTENSION, "has a notBefore that is no time"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, VALIDATION_EXTENSION, "has a notAfter that is no time"},
    {X509_V_ERR_INVALID_CA, VALIDATION_NO_CA,
     "is not that of a CA, but was used to issue a certificate: basic constraints (RFC 5280 4.2.1.9)"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, VALIDATION_PATH_LENGTH,
     "has more CA certificates below it than its path length constraint allows (RFC 5280 4.2.1.9)"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, VALIDATION_PATH_LENGTH, "belongs to a chain that is too long"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, VALIDATION_CRITICAL_EXTENSION, NULL},
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
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, VALIDATION_NAME_CONSTRAINTS,
     "has a malformed name, or is below a CA with malformed name constraints (RFC 5280 4.2.1.10)"},
    {X509_V_ERR_CERT_REVOKED, VALIDATION_REVOKED, NULL},
    {X509_V_ERR_UNABLE_TO_GET_CRL, VALIDATION_CRL, NULL},
    {X509_V_ERR_CRL_HAS_EXPIRED, VALIDATION_CRL, NULL},
    {X509_V_ERR_CRL_NOT_YET_VALID, VALIDATION_CRL, NULL},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, VALIDATION_CRL, NULL},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, VALIDATION_CRL, NULL},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, VALIDATION_CRL, NULL},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, VALIDATION_CRL, NULL},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, VALIDATION_CRL, NULL},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, VALIDATION_CRL, NULL},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, VALIDATION_CRL, NULL},
};

static const struct error_row *row_of(int error)
{
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        if (error_rows[i].error == error)
            return &error_rows[i];
    }
    return NULL;
}

bool verdict_error_is_of_crl(int error)
{
    const struct error_row *row = row_of(error);
    return row != NULL && row->fault == VALIDATION_CRL;
}

/* Names the extension that is critical and unknown. */
static void refuse_critical(const struct validation_run *run, X509 *x509)
{
    char oid[80] = "unknown";
    for (int i = 0; i < X509_get_ext_count(x509); i++) {
        X509_EXTENSION *extension = X509_get_ext(x509, i);
        if (X509_EXTENSION_get_critical(extension) && !X509_supported_extension(extension)) {
            (void)OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(extension), 1);
            break;
        }
    }
    verdict_refuse(run, x509, VALIDATION_CRITICAL_EXTENSION,
                   "has a critical extension that is unknown here, %s (RFC 5280 4.2)", oid);
}

static void refuse_revoked(const struct validation_run *run, X509 *x509)
{
    char issuer[DN_TEXT_SIZE];
    openssl_name_text(X509_get_issuer_name(x509), issuer);
    verdict_refuse(run, x509, VALIDATION_REVOKED, "is revoked by the CRL of %s (RFC 5280 6.3)", issuer);
}

void verdict_refuse_by_error(const struct validation_run *run, X509 *x509, int error)
{
    const struct error_row *row = row_of(error);
    if (x509 == NULL)
        x509 = certificate_x509(run->asked->peer[0]);
    if (row == NULL) {
        verdict_refuse(run, x509, VALIDATION_FAILED, "can't be validated: %s",
                       X509_verify_cert_error_string(error));
        return;
    }
    /* OpenSSL takes a CA that may not sign for none. */
    if (error == X509_V_ERR_INVALID_CA && (X509_get_extension_flags(x509) & EXFLAG_CA) != 0) {
        refuse_to_issue(run, x509);
        return;
    }
    if (row->text != NULL) {
        verdict_refuse(run, x509, row->fault, "%s", row->text);
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
