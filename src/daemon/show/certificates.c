#include "daemon/show/certificates.h"

#include <stdio.h>
#include <string.h>

#include "pki/validate.h"

enum { DAY = 86400 };

bool certificate_remark(int64_t not_before, int64_t not_after, int64_t now, bool soon,
                        char out[CERTIFICATE_REMARK_SIZE])
{
    char time[CERTIFICATE_TIME_SIZE];
    int64_t left = not_after - now;
    if (not_after != 0 && left < 0)
        (void)snprintf(out, CERTIFICATE_REMARK_SIZE, "expired at %s",
                       certificate_time_format(not_after, time));
    else if (not_before > now)
        (void)snprintf(out, CERTIFICATE_REMARK_SIZE, "is not valid before %s",
                       certificate_time_format(not_before, time));
    else if (soon && not_after != 0 && left <= (int64_t)PKI_WARNING_DAYS * DAY)
        (void)snprintf(out, CERTIFICATE_REMARK_SIZE, "expires in %d day%s, at %s", (int)(left / DAY),
                       left / DAY == 1 ? "" : "s", certificate_time_format(not_after, time));
    else
        return false;
    return true;
}

/* ---- Uses ------------------------------------------------------------------------------------------ */

bool show_certificate_uses(const struct tunnel_policies *policies, const char *name, struct text *out)
{
    bool used = false;
    for (size_t i = 0; i < policies->count; i++) {
        const struct tunnel_policy *policy = &policies->items[i];
        bool cacert = policy->remote_auth == AUTH_KIND_RSA && strcmp(policy->cacert, name) == 0;
        bool mycert = policy->local_auth == AUTH_KIND_RSA && strcmp(policy->mycert, name) == 0;
        if (!cacert && !mycert)
            continue;
        text_print(out, "%s%s (%s%s%s)", used ? ", " : "", policy->name, mycert ? "mycert" : "",
                   mycert && cacert ? ", " : "", cacert ? "cacert" : "");
        used = true;
    }
    return used;
}

static void show_uses(const struct tunnel_policies *policies, const char *name, struct text *out)
{
    text_print(out, "  Used by : ");
    if (!show_certificate_uses(policies, name, out))
        text_print(out, "no tunnel");
    text_print(out, "\n");
}

/* ---- Entries --------------------------------------------------------------------------------------- */

static void show_fingerprint(const uint8_t *octets, size_t length, struct text *out)
{
    for (size_t i = 0; i < length; i++)
        text_print(out, "%s%02X", i == 0 ? "" : ":", octets[i]);
    text_print(out, "\n");
}

/* A certificate, each line behind `indent`. */
static void show_certificate(const struct certificate *certificate, const char *indent, int64_t now,
                             struct text *out)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    char time[CERTIFICATE_TIME_SIZE];
    char names[DN_TEXT_SIZE];
    char remark[CERTIFICATE_REMARK_SIZE];
    text_print(out, "%sSubject : %s\n", indent, facts->subject);
    text_print(out, "%sIssuer  : %s\n", indent, facts->issuer);
    text_print(out, "%sSerial  : %s\n", indent, facts->serial);
    text_print(out, "%sNot before : %s\n", indent, certificate_time_format(facts->not_before, time));
    text_print(out, "%sNot after  : %s\n", indent, certificate_time_format(facts->not_after, time));
    if (certificate_remark(facts->not_before, facts->not_after, now, true, remark))
        text_print(out, "%sWarning : the certificate %s\n", indent, remark);
    text_print(out, "%sKey : %s\n", indent, facts->key_text);
    text_print(out, "%sSignature : %s\n", indent, facts->signature_text);
    if (certificate_alternative_names(certificate, names, sizeof(names))[0] != '\0')
        text_print(out, "%sAlternative names : %s\n", indent, names);
    text_print(out, "%sCA : %s\n", indent, facts->is_ca ? "yes" : "no");
    text_print(out, "%sFingerprint SHA-1   : ", indent);
    show_fingerprint(facts->fingerprint_sha1, sizeof(facts->fingerprint_sha1), out);
    text_print(out, "%sFingerprint SHA-256 : ", indent);
    show_fingerprint(facts->fingerprint, sizeof(facts->fingerprint), out);
}

static void show_key(const struct pki_content *content, struct text *out)
{
    if (content->key == NULL)
        text_print(out, "  Private key : none\n");
    else
        text_print(out, "  Private key : %s\n", private_key_text(content->key));
}

/* The revoked certificates; among other entries of the store only the first ones. */
static void show_revoked(const struct pki_entry *entry, bool whole, struct text *out)
{
    enum { FIRST = 10 };
    const struct crl *crl = entry->content.crl;
    uint32_t count = crl_facts(crl)->revoked;
    text_print(out, "  Revoked certificates : %u\n", count);
    for (uint32_t i = 0; i < count && (whole || i < FIRST); i++) {
        char serial[CRL_SERIAL_SIZE];
        char time[CERTIFICATE_TIME_SIZE];
        int64_t since;
        (void)crl_revoked_serial(crl, i, serial, &since);
        text_print(out, "    %s since %s\n", serial, certificate_time_format(since, time));
    }
    if (!whole && count > FIRST)
        text_print(out, "    and %u more: `show pki cert name %s` has them all\n", count - FIRST,
                   entry->name);
}

static void show_crl(const struct crl *crl, int64_t now, struct text *out)
{
    const struct crl_facts *facts = crl_facts(crl);
    char time[CERTIFICATE_TIME_SIZE];
    char remark[CERTIFICATE_REMARK_SIZE];
    text_print(out, "  Issuer  : %s\n", facts->issuer);
    if (facts->number[0] != '\0')
        text_print(out, "  Number  : %s\n", facts->number);
    text_print(out, "  This update : %s\n", certificate_time_format(facts->this_update, time));
    if (facts->next_update != 0)
        text_print(out, "  Next update : %s\n", certificate_time_format(facts->next_update, time));
    if (certificate_remark(facts->this_update, facts->next_update, now, false, remark))
        text_print(out, "  Warning : the CRL %s\n", remark);
}

static void show_entry(const struct pki_entry *entry, const struct tunnel_policies *policies, int64_t now,
                       bool alone, struct text *out)
{
    const struct pki_content *content = &entry->content;
    const char *kind = content->crl != NULL        ? "CRL"
                       : content->chain_length > 0 ? "Certificate"
                                                   : "Private key";
    text_print(out, "%s %s\n", kind, entry->name);
    if (content->crl != NULL) {
        show_crl(content->crl, now, out);
        show_revoked(entry, alone, out);
        return;
    }
    if (content->chain_length > 0)
        show_certificate(content->chain[0], "  ", now, out);
    show_key(content, out);
    show_uses(policies, entry->name, out);
    for (size_t i = 1; i < content->chain_length; i++) {
        text_print(out, "  Chain certificate %zu\n", i);
        show_certificate(content->chain[i], "    ", now, out);
    }
}

void show_certificates(const struct pki_store *store, const struct pki_entry *entry,
                       const struct tunnel_policies *policies, int64_t now, struct text *out)
{
    if (entry != NULL) {
        show_entry(entry, policies, now, true, out);
        return;
    }
    if (pki_store_count(store) == 0)
        text_print(out, "There are no certificates, private keys or CRLs\n");
    for (size_t i = 0; i < pki_store_count(store); i++)
        show_entry(pki_store_at(store, i), policies, now, false, out);
}
