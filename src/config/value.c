#include "config/value.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/algorithm.h"
#include "crypto/key_exchange.h"
#include "pki/distinguished_name.h"

enum { NAME_MAX_OCTETS = 127, SECRET_MAX_OCTETS = 255, LABEL_MAX_OCTETS = 63 };

__attribute__((format(printf, 2, 3))) static enum value_fit wrong(struct value *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out->complaint, sizeof out->complaint, format, arguments);
    va_end(arguments);
    return VALUE_WRONG;
}

static enum value_fit fits(struct value *out, const char *text)
{
    (void)snprintf(out->text, sizeof out->text, "%s", text);
    return VALUE_FITS;
}

static enum value_fit fits_in_small_letters(struct value *out, const char *text)
{
    (void)fits(out, text);
    for (char *c = out->text; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return VALUE_FITS;
}

static bool same_but_for_case(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static bool consists_of(const char *word, const char *characters)
{
    return word[0] != '\0' && word[strspn(word, characters)] == '\0';
}

/* Reads a number of at most ten digits, not counting leading zeros; false for anything else. */
static bool read_digits(const char *word, uint64_t *out)
{
    if (!consists_of(word, "0123456789"))
        return false;
    while (word[0] == '0' && word[1] != '\0')
        word++;
    if (strlen(word) > 10)
        return false;
    *out = strtoull(word, NULL, 10);
    return true;
}

static enum value_fit read_number(const char *word, const char *limits, struct value *out)
{
    bool sign = word[0] == '-' || word[0] == '+';
    if (!isdigit((unsigned char)word[sign]))
        return VALUE_UNLIKE;
    char *dash;
    uint64_t low = strtoull(limits, &dash, 10);
    uint64_t high = strtoull(dash + 1, NULL, 10);
    uint64_t number;
    if (!read_digits(word, &number) || number < low || number > high)
        return wrong(out, "it has to be a number from %llu to %llu", (unsigned long long)low,
                     (unsigned long long)high);
    (void)snprintf(out->text, sizeof out->text, "%llu", (unsigned long long)number);
    return VALUE_FITS;
}

/* A port or a range: N or N-N. */
static enum value_fit read_port_range(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    if (!isdigit((unsigned char)word[0]))
        return VALUE_UNLIKE;
    char first[16];
    size_t length = strcspn(word, "-");
    uint64_t low, high;
    if (length >= sizeof first)
        return wrong(out, "a port is at most 65535");
    memcpy(first, word, length);
    first[length] = '\0';
    bool range = word[length] == '-';
    if (!read_digits(first, &low) || !read_digits(range ? word + length + 1 : first, &high) || low > high ||
        high > UINT16_MAX)
        return wrong(out, "it has to be a port or a range of ports, N or N-N, up to 65535");
    if (low == high)
        (void)snprintf(out->text, sizeof out->text, "%u", (unsigned)low);
    else
        (void)snprintf(out->text, sizeof out->text, "%u-%u", (unsigned)low, (unsigned)high);
    return VALUE_FITS;
}

/* True for a digit and a dot, or two colons: with a typing error it still looks like an address (S14). */
static bool looks_like_address(const char *word)
{
    if (isdigit((unsigned char)word[0]) && strchr(word, '.') != NULL)
        return true;
    const char *colon = strchr(word, ':');
    return colon != NULL && strchr(colon + 1, ':') != NULL &&
           (isxdigit((unsigned char)word[0]) || word == colon);
}

static const char *family_name(enum ip_family family)
{
    return family == IP_V4 ? "IPv4 " : family == IP_V6 ? "IPv6 " : "";
}

static enum value_fit read_family_address(const char *word, enum ip_family family, struct value *out)
{
    if (!looks_like_address(word))
        return VALUE_UNLIKE;
    struct ip_address address;
    if (!ip_address_parse(word, &address) || (family != IP_NONE && address.family != family))
        return wrong(out, "it has to be an %saddress", family_name(family));
    (void)ip_address_format(&address, out->text);
    return VALUE_FITS;
}

static enum value_fit read_address(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    return read_family_address(word, IP_NONE, out);
}

static enum value_fit read_address4(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    return read_family_address(word, IP_V4, out);
}

static enum value_fit read_address6(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    return read_family_address(word, IP_V6, out);
}

static enum value_fit read_family_prefix(const char *word, enum ip_family family, struct value *out)
{
    if (!looks_like_address(word))
        return VALUE_UNLIKE;
    struct ip_prefix prefix;
    if (!ip_prefix_parse(word, &prefix) || (family != IP_NONE && prefix.address.family != family))
        return wrong(out, "it has to be %s%sprefix, ADDRESS/LENGTH", family == IP_NONE ? "a " : "an ",
                     family_name(family));
    (void)ip_prefix_format(&prefix, out->text);
    return VALUE_FITS;
}

static enum value_fit read_prefix(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    return read_family_prefix(word, IP_NONE, out);
}

static enum value_fit read_prefix4(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    return read_family_prefix(word, IP_V4, out);
}

static enum value_fit read_prefix6(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    return read_family_prefix(word, IP_V6, out);
}

/* ADDRESS-ADDRESS of one family, the lower one first. */
static enum value_fit read_address_range(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    const char *dash = strchr(word, '-');
    if (!looks_like_address(word))
        return VALUE_UNLIKE;
    char low[IP_TEXT_SIZE] = "";
    struct ip_address first, last;
    if (dash != NULL && (size_t)(dash - word) < sizeof low)
        memcpy(low, word, (size_t)(dash - word));
    if (!ip_address_parse(low, &first) || !ip_address_parse(dash + 1, &last) || first.family != last.family ||
        ip_address_compare(&first, &last) > 0)
        return wrong(out, "it has to be a prefix or a range, ADDRESS/LENGTH or LOWEST-HIGHEST");
    char high[IP_TEXT_SIZE];
    (void)snprintf(out->text, sizeof out->text, "%s-%s", ip_address_format(&first, low),
                   ip_address_format(&last, high));
    return VALUE_FITS;
}

static enum value_fit read_interface(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    struct interface_name name;
    const char *complaint = NULL;
    enum value_fit fit = interface_name_parse(word, &name, &complaint);
    if (fit == VALUE_WRONG)
        return wrong(out, "%s", complaint);
    if (fit == VALUE_FITS)
        (void)interface_name_format(&name, out->text);
    return fit;
}

/* An IPv6 address, perhaps with % and an interface. */
static enum value_fit read_hop6(const char *word, const char *limits, struct value *out)
{
    const char *percent = strchr(word, '%');
    if (percent == NULL || !looks_like_address(word))
        return read_address6(word, limits, out);
    char text[IP_TEXT_SIZE], interface[INTERFACE_NAME_SIZE];
    struct ip_address address;
    struct interface_name name;
    const char *complaint = "an interface has to follow the %, as in fe80::1%GigaEthernet0.0";
    (void)snprintf(text, sizeof text, "%.*s", (int)(percent - word), word);
    if (!ip_address_parse(text, &address) || address.family != IP_V6)
        return wrong(out, "it has to be an IPv6 address before the %%");
    if (interface_name_parse(percent + 1, &name, &complaint) != VALUE_FITS)
        return wrong(out, "%s", complaint);
    (void)snprintf(out->text, sizeof out->text, "%s%%%s", ip_address_format(&address, text),
                   interface_name_format(&name, interface));
    return VALUE_FITS;
}

static enum value_fit read_device(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    struct interface_name name;
    const char *complaint = NULL;
    enum value_fit fit = device_name_parse(word, &name, &complaint);
    if (fit == VALUE_WRONG)
        return wrong(out, "%s", complaint);
    if (fit == VALUE_FITS)
        (void)device_name_format(&name, out->text);
    return fit;
}

static enum value_fit read_linux_name(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    size_t length = strlen(word);
    if (length == 0 || length > 15 || strpbrk(word, "/: \t") != NULL || strcmp(word, ".") == 0 ||
        strcmp(word, "..") == 0)
        return wrong(out, "a Linux interface has a name of up to 15 characters without / or :");
    return fits(out, word);
}

static enum value_fit read_name(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    if (word[0] == '\0' || strlen(word) > NAME_MAX_OCTETS)
        return wrong(out, "a name has 1 to %d octets", NAME_MAX_OCTETS);
    if (strcmp(word, "?") == 0)
        return wrong(out, "it asks for help, and is no name; docs/commands.md has all commands");
    return fits(out, word);
}

static enum value_fit read_text(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    return fits(out, word);
}

/* Labels of letters, digits, hyphens and underscores, with dots between them. */
static bool is_domain_name(const char *word)
{
    size_t total = strlen(word);
    if (total == 0 || total >= FQDN_SIZE - 1 || consists_of(word, "0123456789."))
        return false;
    for (const char *at = word; *at != '\0';) {
        size_t length = strcspn(at, ".");
        if (length == 0 || length > LABEL_MAX_OCTETS || at[0] == '-' || at[length - 1] == '-')
            return false;
        for (size_t i = 0; i < length; i++) {
            if (!isalnum((unsigned char)at[i]) && at[i] != '-' && at[i] != '_')
                return false;
        }
        at += length;
        if (*at == '.')
            at++;
    }
    return true;
}

static enum value_fit read_fqdn(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    if (!is_domain_name(word))
        return wrong(out, "it has to be a domain name, as in gw.example.com");
    return fits(out, word);
}

/* As fqdn, where an address is allowed too. Words like 10.0.0.256 and 2001:db8::g are left to the type of the
 * address, whose complaint is the right one. */
static enum value_fit read_host(const char *word, const char *limits, struct value *out)
{
    if (consists_of(word, "0123456789./-") || strchr(word, ':') != NULL)
        return VALUE_UNLIKE;
    return read_fqdn(word, limits, out);
}

static enum value_fit read_mail(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    const char *at = strrchr(word, '@');
    if (at == NULL || at == word || at[1] == '\0' || strlen(word) >= IDENTITY_SIZE)
        return wrong(out, "it has to be a mail address, as in user@example.com");
    return fits(out, word);
}

static enum value_fit read_key_id(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    if (word[0] == '\0' || strlen(word) >= IDENTITY_SIZE)
        return wrong(out, "an ID has 1 to %d octets", IDENTITY_SIZE - 1);
    return fits(out, word);
}

static enum value_fit read_dn(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    uint8_t der[IDENTITY_SIZE];
    struct pki_reason reason;
    if (dn_parse(word, der, sizeof der, &reason) == 0)
        return wrong(out, "%.*s", COMPLAINT_SIZE - 1, reason.text);
    return fits(out, word);
}

static enum value_fit read_secret(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    if (word[0] == '\0' || strlen(word) > SECRET_MAX_OCTETS)
        return wrong(out, "a key has 1 to %d octets", SECRET_MAX_OCTETS);
    return fits(out, word);
}

/* Pairs of hexadecimal digits, perhaps after 0x. The canonical form has small letters and no 0x. */
static enum value_fit read_hex(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X'))
        word += 2;
    size_t length = strlen(word);
    if (length == 0 || length % 2 != 0 || length / 2 > SECRET_MAX_OCTETS ||
        !consists_of(word, "0123456789abcdefABCDEF"))
        return wrong(out, "a key in hexadecimal has 1 to %d pairs of digits", SECRET_MAX_OCTETS);
    return fits_in_small_letters(out, word);
}

static enum value_fit read_encryption(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    if (strcasecmp(word, "null") == 0)
        return wrong(out, "it would not encrypt; Musubi does not support it, on purpose");
    if (encryption_by_word(word) == NULL)
        return VALUE_UNLIKE;
    return fits_in_small_letters(out, word);
}

static bool same_encryption(const char *a, const char *b)
{
    return encryption_by_word(a) == encryption_by_word(b);
}

static enum value_fit read_integrity(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    const struct integrity_algorithm *a = integrity_by_word(word);
    return a == NULL ? VALUE_UNLIKE : fits(out, a->word);
}

static enum value_fit read_prf(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    const struct prf_algorithm *a = prf_by_word(word);
    return a == NULL ? VALUE_UNLIKE : fits(out, a->word);
}

static enum value_fit read_group(const char *word, const char *limits, struct value *out)
{
    (void)limits;
    const struct key_exchange_method *g = key_exchange_by_word(word);
    return g == NULL ? VALUE_UNLIKE : fits(out, g->word);
}

static const struct value_type types[] = {
    {"number", NULL, "A number", read_number},
    {"ports", "N[-N]", "A port or a range of ports", read_port_range},
    {"address", "ADDRESS", "An IPv4 or IPv6 address", read_address},
    {"address4", "A.B.C.D", "An IPv4 address", read_address4},
    {"address6", "X:X::X", "An IPv6 address", read_address6},
    {"prefix", "ADDRESS/LENGTH", "A prefix, IPv4 or IPv6", read_prefix},
    {"prefix4", "A.B.C.D/LENGTH", "An IPv4 address with the length of its prefix", read_prefix4},
    {"prefix6", "X:X::X/LENGTH", "An IPv6 address with the length of its prefix", read_prefix6},
    {"range", "ADDRESS-ADDRESS", "The lowest and the highest address", read_address_range},
    {"interface", "INTERFACE", "GigaEthernetN.M, GigaEthernetN:P.M, TunnelN.M or LoopbackN.M",
     read_interface},
    {"device", "GigaEthernetN[.M]", "A device, or a sub-interface of one", read_device},
    {"hop6", "X:X::X[%INTERFACE]", "An IPv6 address; a link-local one with the interface that it is on",
     read_hop6},
    {"linux", "NAME", "A network interface of Linux", read_linux_name},
    {"name", NULL, "A name", read_name, .free = true},
    {"text", NULL, "Text up to the end of the line", read_text, .free = true, .rest_of_line = true},
    {"fqdn", "FQDN", "A domain name", read_fqdn, .free = true, .same = same_but_for_case},
    {"host", "FQDN", "A domain name", read_host, .free = true, .same = same_but_for_case},
    {"mail", "USER@FQDN", "A mail address", read_mail, .free = true, .same = same_but_for_case},
    {"keyid", NULL, "Any word", read_key_id, .free = true},
    {"dn", "DN", "A distinguished name, as in \"C=JP, O=Example, CN=site1\"", read_dn, .free = true},
    {"secret", NULL, "A secret", read_secret, .free = true, .secret = true},
    {"hex", NULL, "Octets in hexadecimal", read_hex, .free = true, .secret = true},
    {"encryption", NULL, "An encryption algorithm", read_encryption, encryption_word,
     .same = same_encryption},
    {"integrity", NULL, "An integrity algorithm", read_integrity, integrity_word},
    {"prf", NULL, "A pseudo-random function", read_prf, prf_word},
    {"group", NULL, "A Diffie-Hellman group", read_group, key_exchange_word},
};

const struct value_type *value_type_named(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strlen(types[i].name) == length && memcmp(types[i].name, name, length) == 0)
            return &types[i];
    }
    return NULL;
}
