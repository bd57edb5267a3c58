/*
 * The identities for which a certificate stands (RFC 4945 3.1, 5.1.3.6).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "base/address.h"
#include "base/short_text.h"
#include "pki/openssl.h"

/* ID types (RFC 7296 3.5). */
enum { TYPE_IPV4 = 1, TYPE_FQDN = 2, TYPE_RFC822 = 3, TYPE_IPV6 = 5, TYPE_DN = 9, TYPE_KEY_ID = 11 };

/* One name of subjectAltName as an ID. */
struct alternative_name {
    uint8_t type; /* 0: a kind of name that is no ID */
    struct octets value;
};

/* The IDs of the kinds of names; what is an address depends on its length too. */
static struct alternative_name name_as_id(const GENERAL_NAME *name)
{
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    if (kind != GEN_DNS && kind != GEN_EMAIL && kind != GEN_IPADD)
        return (struct alternative_name){0};
    struct octets octets = {ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)};
    uint8_t type = kind == GEN_DNS ? TYPE_FQDN : kind == GEN_EMAIL ? TYPE_RFC822 : 0;
    if (kind == GEN_IPADD && octets.length == 4)
        type = TYPE_IPV4;
    if (kind == GEN_IPADD && octets.length == 16)
        type = TYPE_IPV6;
    return (struct alternative_name){type, octets};
}

static GENERAL_NAMES *names_of(const struct certificate *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate_x509(certificate), NID_subject_alt_name, NULL, NULL);
    openssl_forget_errors();
    return names;
}

/* ---- As text --------------------------------------------------------------------------------------- */

/* Appends text from a certificate; octets that would confuse a terminal or a log are shown as "?". */
static void add_value(struct short_text *out, struct octets value)
{
    for (size_t i = 0; i < value.length; i++)
        short_text_add(out, "%c", value.at[i] > ' ' && value.at[i] < 0x7f ? value.at[i] : '?');
}

static void add_id(struct short_text *out, uint8_t type, struct octets value)
{
    static const struct {
        uint8_t type;
        const char *word;
    } words[] = {{TYPE_IPV4, "ipv4"},     {TYPE_IPV6, "ipv6"}, {TYPE_FQDN, "fqdn"},
                 {TYPE_RFC822, "rfc822"}, {TYPE_DN, "dn"},     {TYPE_KEY_ID, "keyid"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].type == type)
            short_text_add(out, "%s ", words[i].word);
    }
    char text[DN_TEXT_SIZE];
    bool address = (type == TYPE_IPV4 && value.length == 4) || (type == TYPE_IPV6 && value.length == 16);
    if (address) {
        char digits[IP_TEXT_SIZE];
        struct ip_address a = ip_address_of(type == TYPE_IPV4 ? IP_V4 : IP_V6, value.at);
        short_text_add(out, "%s", ip_address_format(&a, digits));
    } else if (type == TYPE_DN) {
        short_text_add(out, "%s", dn_format(value, text));
    } else {
        add_value(out, value);
    }
}

const char *certificate_alternative_names(const struct certificate *certificate, char *out, size_t size)
{
    struct short_text text = short_text_in(out, size);
    GENERAL_NAMES *names = names_of(certificate);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct alternative_name id = name_as_id(name);
        char dn[DN_TEXT_SIZE];
        if (id.type == 0 && name->type != GEN_DIRNAME)
            continue;
        if (text.length > 0)
            short_text_add(&text, ", ");
        if (name->type == GEN_DIRNAME) {
            openssl_name_text(name->d.directoryName, dn);
            short_text_add(&text, "dn %s", dn);
        } else {
            add_id(&text, id.type, id.value);
        }
    }
    GENERAL_NAMES_free(names);
    return out;
}

/* ---- Matching -------------------------------------------------------------------------------------- */

/* Case does not count in domain names and mail addresses, as in the config. */
static bool value_matches(uint8_t type, struct octets a, struct octets b)
{
    if (type != TYPE_FQDN && type != TYPE_RFC822)
        return octets_equal(a, b);
    return a.length == b.length && a.length > 0 && memchr(a.at, '\0', a.length) == NULL &&
           strncasecmp((const char *)a.at, (const char *)b.at, a.length) == 0;
}

static bool directory_name_matches(const X509_NAME *name, struct octets der)
{
    unsigned char *own = NULL;
    int length = i2d_X509_NAME(name, &own);
    bool equal = length > 0 && dn_equal((struct octets){own, (size_t)length}, der);
    OPENSSL_free(own);
    return equal;
}

static bool alternative_name_matches(const struct certificate *certificate, uint8_t type, struct octets value)
{
    bool found = false;
    GENERAL_NAMES *names = names_of(certificate);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct alternative_name id = name_as_id(name);
        if (type == TYPE_DN)
            found = name->type == GEN_DIRNAME && directory_name_matches(name->d.directoryName, value);
        else
            found = id.type == type && value_matches(type, id.value, value);
    }
    GENERAL_NAMES_free(names);
    return found;
}

static bool key_identifier_matches(const struct certificate *certificate, struct octets value)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(certificate_x509(certificate));
    return id != NULL &&
           octets_equal((struct octets){ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)}, value);
}

/* A certificate without a subject is not matched by a name without attributes. */
static bool subject_matches(const struct certificate *certificate, struct octets value)
{
    return X509_NAME_entry_count(X509_get_subject_name(certificate_x509(certificate))) > 0 &&
           dn_equal(certificate_subject_der(certificate), value);
}

static bool refuse_identity(const struct certificate *certificate, uint8_t type, struct octets value,
                            struct pki_reason *reason)
{
    char wanted[DN_TEXT_SIZE];
    char names[DN_TEXT_SIZE];
    struct short_text text = short_text_in(wanted, sizeof(wanted));
    const char *subject = certificate_facts(certificate)->subject;
    const char *serial = certificate_facts(certificate)->serial;
    add_id(&text, type, value);
    (void)certificate_alternative_names(certificate, names, sizeof(names));
    if (type == TYPE_DN)
        return pki_refuse(reason, "the certificate's subject is %s (serial %s), not the ID %s", subject,
                          serial, wanted);
    if (type == TYPE_KEY_ID)
        return pki_refuse(reason,
                          "the certificate of %s, serial %s, has no subjectKeyIdentifier that is the ID %s",
                          subject, serial, wanted);
    if (names[0] == '\0')
        return pki_refuse(
            reason, "the certificate of %s, serial %s, has no subjectAltName, so it is not that of the ID %s",
            subject, serial, wanted);
    return pki_refuse(reason, "the certificate of %s, serial %s, is for %s, not for the ID %s", subject,
                      serial, names, wanted);
}

bool certificate_has_identity(const struct certificate *certificate, uint8_t type, struct octets value,
                              struct pki_reason *reason)
{
    bool found = false;
    if (type == TYPE_KEY_ID)
        found = key_identifier_matches(certificate, value);
    else if (type != 0)
        found = alternative_name_matches(certificate, type, value) ||
                (type == TYPE_DN && subject_matches(certificate, value));
    return found || refuse_identity(certificate, type, value, reason);
}
