#include "check/swanctl_secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "config/identity.h"
#include "pki/distinguished_name.h"

/* ---- IDs --------------------------------------------------------------------------------------------- */

static struct identity text_identity(enum identity_type type, const char *text)
{
    struct identity id = {.type = (uint8_t)type};
    size_t length = strnlen(text, IDENTITY_SIZE);
    id.length = (uint16_t)length;
    memcpy(id.value, text, length);
    return id;
}

/* A distinguished name; what only looks like one is a key ID. */
static struct identity identity_of_name(const char *text)
{
    struct identity id = {.type = ID_DER_ASN1_DN};
    id.length = (uint16_t)dn_parse(text, id.value, sizeof id.value, NULL);
    return id.length > 0 ? id : text_identity(ID_KEY_ID, text);
}

struct identity swanctl_identity(const char *text)
{
    static const struct {
        const char *prefix;
        enum identity_type type;
    } prefixes[] = {{"keyid:", ID_KEY_ID},       {"fqdn:", ID_FQDN},         {"dns:", ID_FQDN},
                    {"rfc822:", ID_RFC822_ADDR}, {"email:", ID_RFC822_ADDR}, {"userfqdn:", ID_RFC822_ADDR}};
    struct ip_address address;
    if (strncmp(text, "ipv4:", 5) == 0 || strncmp(text, "ipv6:", 5) == 0)
        text += 5;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t length = strlen(prefixes[i].prefix);
        if (strncmp(text, prefixes[i].prefix, length) == 0)
            return text_identity(prefixes[i].type, text + length);
    }
    if (ip_address_parse(text, &address))
        return identity_of_address(&address);
    if (text[0] == '\0' || text[0] == '%' || text[0] == '{' || strncmp(text, "@#", 2) == 0)
        return (struct identity){.type = ID_NONE};
    if (strncmp(text, "asn1dn:", 7) == 0)
        return identity_of_name(text + 7);
    if (strchr(text, '=') != NULL)
        return identity_of_name(text);
    if (text[0] == '@')
        return text_identity(ID_FQDN, text + 1);
    return text_identity(strchr(text, '@') != NULL ? ID_RFC822_ADDR : ID_FQDN, text);
}

/* How well an ID of a secret fits one of the two ends. */
enum fit { FIT_NONE, FIT_ANY, FIT_WILDCARD, FIT_EQUAL };

static bool is_any(const char *text)
{
    static const char *const words[] = {"", "%any", "%any6", "0.0.0.0", "*", "::", "0::0"};
    bool may_be = strchr("%0*:", text[0]) != NULL; /* most are not, and secrets may be many */
    for (size_t i = 0; may_be && i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

/* "*.example.com" and "*@example.com" fit what ends so. */
static bool fits_wildcard(const struct identity *named, const struct identity *id)
{
    if (named->type != id->type || (named->type != ID_FQDN && named->type != ID_RFC822_ADDR) ||
        named->length == 0 || named->value[0] != '*' || named->length - 1 > id->length)
        return false;
    size_t length = named->length - 1U;
    return strncasecmp((const char *)named->value + 1, (const char *)id->value + id->length - length,
                       length) == 0;
}

static enum fit fit_of(const char *text, const struct identity *named, const struct identity *id)
{
    if (is_any(text))
        return FIT_ANY;
    if (named->type == ID_NONE)
        return FIT_NONE;
    if (identity_equal(named, id))
        return FIT_EQUAL;
    return fits_wildcard(named, id) ? FIT_WILDCARD : FIT_NONE;
}

/* ---- Secrets ----------------------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* A section under `secrets`, from its head up to, not including, item `end`. */
struct section_of_secret {
    const struct swanctl_item *head;
    size_t end;
};

/* The next section under `secrets`, from item `at` on; false if there is none. */
static bool next_section(const struct swanctl_file *file, size_t at, struct section_of_secret *out)
{
    const struct swanctl_item *items = file->items;
    while (at < file->count &&
           (items[at].depth != 2 || items[at].key != NULL || strcmp(items[at].section[0], "secrets") != 0))
        at++;
    if (at == file->count)
        return false;
    *out = (struct section_of_secret){&items[at], at + 1};
    while (out->end < file->count && items[out->end].depth >= 2 &&
           strcmp(items[out->end].section[0], "secrets") == 0 &&
           strcmp(items[out->end].section[1], out->head->section[1]) == 0)
        out->end++;
    return true;
}

static bool is_ike(const struct section_of_secret *section)
{
    return starts_with(section->head->section[1], "ike");
}

static bool is_secret(const struct swanctl_item *item)
{
    return item->key != NULL && !item->is_overridden && strcmp(item->key, "secret") == 0 &&
           item->value[0] != '\0';
}

/* A secret of type ike, and how well it fits two IDs. */
struct fitting {
    const struct swanctl_item *secret; /* NULL: it has none */
    enum fit own, peer;
};

static struct fitting fitting_of(const struct swanctl_file *file, const struct section_of_secret *section,
                                 const struct identity *own, const struct identity *peer)
{
    struct fitting fitting = {.own = FIT_NONE};
    bool for_all = true;
    for (const struct swanctl_item *item = section->head + 1; item < file->items + section->end; item++) {
        if (is_secret(item))
            fitting.secret = item;
        if (item->key == NULL || item->is_overridden || !starts_with(item->key, "id"))
            continue;
        const struct identity named = swanctl_identity(item->value);
        enum fit fit[] = {fit_of(item->value, &named, own), fit_of(item->value, &named, peer)};
        fitting.own = fit[0] > fitting.own ? fit[0] : fitting.own;
        fitting.peer = fit[1] > fitting.peer ? fit[1] : fitting.peer;
        for_all = false;
    }
    if (for_all)
        fitting.own = fitting.peer = FIT_ANY;
    return fitting;
}

static bool is_usable(const struct fitting *fitting)
{
    return fitting->secret != NULL && (fitting->own != FIT_NONE || fitting->peer != FIT_NONE);
}

/* Of those that are equally good, strongSwan takes the last. */
static bool is_as_good(const struct fitting *a, const struct fitting *b)
{
    return a->peer != b->peer ? a->peer > b->peer : a->own >= b->own;
}

/* ---- Their forms ------------------------------------------------------------------------------------- */

/* The digits of a form, of `bits` bits each. */
struct digits {
    const char *all;
    unsigned bits;
};

static const struct digits hexadecimal = {"0123456789abcdef", 4};
static const struct digits base64 = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6};

static int digit_of(char c, const struct digits *digits)
{
    const char *at = NULL;
    if (c != '\0')
        at = strchr(digits->all, digits == &hexadecimal ? tolower((unsigned char)c) : c);
    return at != NULL ? (int)(at - digits->all) : -1;
}

/* The octets that digits stand for, up to what is none. */
static size_t decode(const char *text, const struct digits *digits, uint8_t room[SWANCTL_KEY_MAX])
{
    size_t length = 0, digit_count = 0;
    while (digit_of(text[digit_count], digits) >= 0)
        digit_count++;
    /* An odd number of hexadecimal digits has a zero before it. */
    unsigned bits = digits == &hexadecimal && digit_count % 2 != 0 ? 4 : 0;
    uint32_t value = 0;
    for (size_t i = 0; i < digit_count && length < SWANCTL_KEY_MAX; i++) {
        value = value << digits->bits | (uint32_t)digit_of(text[i], digits);
        bits += digits->bits;
        if (bits < 8)
            continue;
        bits -= 8;
        room[length++] = (uint8_t)(value >> bits);
    }
    return length;
}

/* "0x…", "0s…", or characters. */
static struct octets decode_secret(const char *secret, uint8_t room[SWANCTL_KEY_MAX])
{
    size_t length;
    if (strncasecmp(secret, "0x", 2) == 0) {
        length = decode(secret + 2, &hexadecimal, room);
    } else if (strncasecmp(secret, "0s", 2) == 0) {
        length = decode(secret + 2, &base64, room);
    } else {
        length = strnlen(secret, SWANCTL_KEY_MAX);
        memcpy(room, secret, length);
    }
    return (struct octets){room, length};
}

struct swanctl_secret swanctl_secret_to_prove(const struct swanctl_file *file, const struct identity *own,
                                              const struct identity *peer, uint8_t room[SWANCTL_KEY_MAX])
{
    struct section_of_secret section;
    struct fitting best = {.secret = NULL};
    for (size_t at = 0; next_section(file, at, &section); at = section.end) {
        if (!is_ike(&section))
            continue;
        const struct fitting now = fitting_of(file, &section, own, peer);
        if (is_usable(&now) && (best.secret == NULL || is_as_good(&now, &best)))
            best = now;
    }
    if (best.secret == NULL)
        return (struct swanctl_secret){{NULL, 0}, 0};
    return (struct swanctl_secret){decode_secret(best.secret->value, room), best.secret->line};
}

struct swanctl_secret swanctl_secret_to_accept(const struct swanctl_file *file, const struct identity *own,
                                               const struct identity *peer, struct octets proof,
                                               uint8_t room[SWANCTL_KEY_MAX])
{
    struct section_of_secret section;
    for (size_t at = 0; proof.length > 0 && next_section(file, at, &section); at = section.end) {
        const struct fitting now = fitting_of(file, &section, own, peer);
        if (!is_ike(&section) || !is_usable(&now))
            continue;
        const struct octets key = decode_secret(now.secret->value, room);
        if (key.length == proof.length && secret_equal(key.at, proof.at, key.length))
            return (struct swanctl_secret){key, now.secret->line};
    }
    return swanctl_secret_to_prove(file, own, peer, room);
}

/* ---- What is not read -------------------------------------------------------------------------------- */

/* The names of unknown settings are not shown: they may be the rest of a secret without quotes. */
static void check_settings(const struct swanctl_file *file, const struct section_of_secret *section,
                           struct diagnostics *diagnostics)
{
    bool has_secret = false;
    for (const struct swanctl_item *item = section->head + 1; item < file->items + section->end; item++) {
        bool is_key = item->key != NULL && strcmp(item->key, "secret") == 0;
        if (item->is_overridden || (item->key == NULL && item->depth == 2)) /* the section comes again */
            continue;
        if (is_key && item->ends_at_comment)
            diagnostics_add(diagnostics, SEVERITY_WARNING, item->line, 0, NULL,
                            "the secret `%s` ends before a `#`, which begins a comment: a secret with a `#` "
                            "needs quotes",
                            section->head->section[1]);
        if (is_key)
            has_secret = has_secret || is_secret(item);
        else if (item->key == NULL || !starts_with(item->key, "id"))
            diagnostics_add(diagnostics, SEVERITY_WARNING, item->line, 0, NULL,
                            "this is not read: the secret `%s` may have `secret` and `id…` only",
                            section->head->section[1]);
        else if (swanctl_identity(item->value).type == ID_NONE && !is_any(item->value))
            diagnostics_add(diagnostics, SEVERITY_WARNING, item->line, 0, NULL,
                            "`%s` is not read: this form of an ID is not supported", item->key);
    }
    if (!has_secret)
        diagnostics_add(diagnostics, SEVERITY_WARNING, section->head->line, 0, NULL,
                        "the secret `%s` is not read: it has no `secret`", section->head->section[1]);
}

void swanctl_secrets_check(const struct swanctl_file *file, struct diagnostics *diagnostics)
{
    struct section_of_secret section;
    for (size_t at = 0; next_section(file, at, &section); at = section.end) {
        if (is_ike(&section))
            check_settings(file, &section, diagnostics);
        else
            diagnostics_add(diagnostics, SEVERITY_WARNING, section.head->line, 0, NULL,
                            "the secret `%s` is not read: only those whose names begin with `ike` are "
                            "pre-shared keys of IKEv2",
                            section.head->section[1]);
    }
}
