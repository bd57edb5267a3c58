#include "pki/distinguished_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/objects.h>
#include <openssl/x509.h>

#include "pki/openssl.h"

/* ---- To text --------------------------------------------------------------------------------------- */

enum { NAME_FLAGS = XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) };

/* Control characters beyond ASCII (U+0080 to U+009F), which terminals obey too, and those that reverse or
 * break lines (Unicode's Bidi_Control, and U+2028, U+2029). */
static bool confuses(uint32_t character)
{
    return (character >= 0x80 && character < 0xa0) || character == 0x61c || character == 0x200e ||
           character == 0x200f || (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

/* Octets of the character that begins at `at`, if it can be shown; 0 if it can't, or is no UTF-8. */
static int shown_length(const char *at, long left)
{
    unsigned long character;
    int length = UTF8_getc((const unsigned char *)at, (int)left, &character);
    return length > 0 && !confuses((uint32_t)character) ? length : 0;
}

/* Copies as much as there is room for, with "?" for octets that can't be shown. ASCII's control characters
 * are escaped already. */
static void copy_shown(const char *text, long length, char *out, size_t size)
{
    size_t written = 0;
    for (long at = 0; at < length;) {
        int shown = shown_length(text + at, length - at);
        size_t more = shown > 0 ? (size_t)shown : 1;
        if (written + more >= size)
            break;
        memcpy(out + written, shown > 0 ? text + at : "?", more);
        written += more;
        at += (long)more;
    }
    out[written] = '\0';
}

void openssl_name_text(const X509_NAME *name, char out[DN_TEXT_SIZE])
{
    BIO *memory = BIO_new(BIO_s_mem());
    const char *text;
    if (memory == NULL || X509_NAME_print_ex(memory, name, 0, NAME_FLAGS) < 0) {
        (void)snprintf(out, DN_TEXT_SIZE, "(no distinguished name)");
    } else {
        long length = BIO_get_mem_data(memory, &text);
        bool cut = length >= DN_TEXT_SIZE;
        copy_shown(text, length, out, cut ? DN_TEXT_SIZE - 3 : DN_TEXT_SIZE);
        (void)strcat(out, cut ? "..." : "");
        if (length == 0)
            (void)snprintf(out, DN_TEXT_SIZE, "(empty)");
    }
    (void)BIO_free(memory);
    openssl_forget_errors();
}

/* The name in the octets; NULL if there is none. */
static X509_NAME *name_of(struct octets der)
{
    const unsigned char *at = der.at;
    if (der.length == 0 || der.length > INT16_MAX)
        return NULL;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)der.length);
    if (name != NULL && at == der.at + der.length)
        return name;
    X509_NAME_free(name);
    openssl_forget_errors();
    return NULL;
}

const char *dn_format(struct octets der, char out[DN_TEXT_SIZE])
{
    X509_NAME *name = name_of(der);
    if (name == NULL)
        (void)snprintf(out, DN_TEXT_SIZE, "(no distinguished name)");
    else
        openssl_name_text(name, out);
    X509_NAME_free(name);
    return out;
}

bool dn_is_well_formed(struct octets der)
{
    X509_NAME *name = name_of(der);
    bool well = name != NULL && X509_NAME_entry_count(name) > 0;
    X509_NAME_free(name);
    return well;
}

bool dn_equal(struct octets a, struct octets b)
{
    X509_NAME *first = name_of(a);
    X509_NAME *second = name_of(b);
    bool equal = first != NULL && second != NULL && X509_NAME_cmp(first, second) == 0;
    X509_NAME_free(first);
    X509_NAME_free(second);
    return equal;
}

uint32_t dn_hash(struct octets der)
{
    X509_NAME *name = name_of(der);
    int done = 0;
    unsigned long hash = name == NULL ? 0 : X509_NAME_hash_ex(name, NULL, NULL, &done);
    X509_NAME_free(name);
    openssl_forget_errors();
    return done == 1 ? (uint32_t)hash : 0;
}

/* ---- From text ------------------------------------------------------------------------------------- */

/* What others call an attribute, and what OpenSSL calls it. */
static const struct {
    const char *text, *openssl;
} attributes[] = {
    {"C", "C"},           {"ST", "ST"},
    {"S", "ST"},          {"L", "L"},
    {"O", "O"},           {"OU", "OU"},
    {"CN", "CN"},         {"DC", "DC"},
    {"UID", "UID"},       {"E", "emailAddress"},
    {"SN", "SN"},         {"email", "emailAddress"},
    {"GN", "GN"},         {"emailAddress", "emailAddress"},
    {"T", "title"},       {"serialNumber", "serialNumber"},
    {"street", "street"}, {"unstructuredName", "unstructuredName"},
};

/* A piece of the text: an attribute or a value, without its escapes. */
struct piece {
    char text[256];
    size_t length;
};

/* The place in the text, and what separates RDNs there. */
struct name_reader {
    const char *at;
    char separator; /* ',' or '/' */
};

/* Reads up to an octet of `ends`, or the end. False if it is too long. Blanks at both ends are left out. */
static bool read_piece(struct name_reader *reader, const char *ends, struct piece *out)
{
    size_t kept = 0; /* up to the last octet that is no blank */
    *out = (struct piece){0};
    for (; *reader->at != '\0' && strchr(ends, *reader->at) == NULL; reader->at++) {
        bool escaped = *reader->at == '\\' && reader->at[1] != '\0';
        reader->at += escaped;
        if (out->length == 0 && *reader->at == ' ' && !escaped)
            continue;
        if (out->length + 1 >= sizeof(out->text))
            return false;
        out->text[out->length++] = *reader->at;
        kept = *reader->at != ' ' || escaped ? out->length : kept;
    }
    out->length = kept;
    out->text[kept] = '\0';
    return true;
}

/* The attribute type that a word names; NULL if none. The caller frees it. */
static ASN1_OBJECT *attribute_of(const char *word)
{
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (strcasecmp(attributes[i].text, word) == 0)
            return OBJ_txt2obj(attributes[i].openssl, 0);
    }
    bool oid = strspn(word, "0123456789.") == strlen(word) && strchr(word, '.') != NULL;
    return oid ? OBJ_txt2obj(word, 1) : NULL;
}

/* Reads ATTRIBUTE=VALUE into the name; `joined`: into the RDN before. */
static bool read_attribute(struct name_reader *reader, bool joined, X509_NAME *name,
                           struct pki_reason *reason)
{
    const char value_ends[] = {reader->separator, '+', '\0'};
    struct piece word;
    struct piece value;
    bool whole = read_piece(reader, "=,/+", &word);
    if (whole && word.length == 0 && *reader->at == '\0')
        return pki_refuse(reason, "it ends too early; a name with blanks in it stands in quotes");
    if (!whole || *reader->at != '=')
        return pki_refuse(reason, "`%s` is not ATTRIBUTE=VALUE", word.text);
    reader->at++;
    if (!read_piece(reader, value_ends, &value))
        return pki_refuse(reason, "the value of `%s` is too long", word.text);
    if (value.length == 0)
        return pki_refuse(reason, "`%s` has no value", word.text);
    ASN1_OBJECT *type = attribute_of(word.text);
    if (type == NULL)
        return pki_refuse(reason, "`%s` is no attribute of a distinguished name", word.text);
    bool added = X509_NAME_add_entry_by_OBJ(name, type, MBSTRING_UTF8, (const unsigned char *)value.text,
                                            (int)value.length, -1, joined ? -1 : 0) == 1;
    ASN1_OBJECT_free(type);
    openssl_forget_errors();
    return added || pki_refuse(reason, "`%s` is no value that %s can have", value.text, word.text);
}

static bool read_name(const char *text, X509_NAME *name, struct pki_reason *reason)
{
    while (*text == ' ')
        text++;
    struct name_reader reader = {.at = text, .separator = *text == '/' ? '/' : ','};
    reader.at += *text == '/';
    if (*reader.at == '\0')
        return pki_refuse(reason, "it is empty");
    for (bool joined = false;;) {
        if (!read_attribute(&reader, joined, name, reason))
            return false;
        if (*reader.at == '\0')
            return true;
        joined = *reader.at == '+';
        reader.at++;
    }
}

size_t dn_parse(const char *text, uint8_t *out, size_t capacity, struct pki_reason *reason)
{
    X509_NAME *name = X509_NAME_new();
    size_t length = 0;
    if (name == NULL)
        (void)pki_refuse(reason, "out of memory");
    else if (read_name(text, name, reason)) {
        int size = i2d_X509_NAME(name, NULL);
        if (size > 0 && (size_t)size <= capacity)
            length = (size_t)i2d_X509_NAME(name, &out);
        else
            (void)pki_refuse(reason, "it has %d octets in DER, and %zu are possible", size, capacity);
    }
    X509_NAME_free(name);
    return length;
}
