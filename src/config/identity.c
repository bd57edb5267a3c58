#include "config/identity.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "pki/distinguished_name.h"

static const struct {
    const char *keyword;
    enum identity_type type;
} types[] = {
    {"ipv4", ID_IPV4_ADDR},     {"ipv6", ID_IPV6_ADDR}, {"fqdn", ID_FQDN},
    {"rfc822", ID_RFC822_ADDR}, {"keyid", ID_KEY_ID},   {"dn", ID_DER_ASN1_DN},
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

static struct identity identity_of_text(enum identity_type type, const char *text)
{
    struct identity id = {.type = (uint8_t)type};
    id.length = (uint16_t)strnlen(text, sizeof id.value);
    memcpy(id.value, text, id.length);
    return id;
}

/* `text` was checked by value.c. */
static struct identity identity_of_dn(const char *text)
{
    struct identity id = {.type = ID_DER_ASN1_DN};
    id.length = (uint16_t)dn_parse(text, id.value, sizeof id.value, NULL);
    return id;
}

struct identity identity_of_address(const struct ip_address *address)
{
    struct identity id = {.type = address->family == IP_V6 ? ID_IPV6_ADDR : ID_IPV4_ADDR};
    id.length = (uint16_t)ip_address_size(address->family);
    memcpy(id.value, address->octets, id.length);
    return id;
}

struct identity identity_of_fqdn(const char *fqdn)
{
    return identity_of_text(ID_FQDN, fqdn);
}

bool identity_of_line(const struct command_line *line, struct identity *out)
{
    const char *value = line_argument(line, "id");
    if (value == NULL)
        return false;
    struct ip_address address;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (!line_has(line, types[i].keyword))
            continue;
        bool is_address = types[i].type == ID_IPV4_ADDR || types[i].type == ID_IPV6_ADDR;
        if (is_address && !ip_address_parse(value, &address))
            return false;
        *out = is_address                        ? identity_of_address(&address)
               : types[i].type == ID_DER_ASN1_DN ? identity_of_dn(value)
                                                 : identity_of_text(types[i].type, value);
        return true;
    }
    return false;
}

/* An octet of the value, in small letters where case does not count. */
static uint8_t comparable(const struct identity *id, size_t index)
{
    bool any_case = id->type == ID_FQDN || id->type == ID_RFC822_ADDR;
    return any_case ? (uint8_t)tolower(id->value[index]) : id->value[index];
}

static struct octets identity_octets(const struct identity *id)
{
    return (struct octets){id->value, id->length};
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == ID_DER_ASN1_DN)
        return dn_equal(identity_octets(a), identity_octets(b));
    if (a->length != b->length)
        return false;
    for (size_t i = 0; i < a->length; i++) {
        if (comparable(a, i) != comparable(b, i))
            return false;
    }
    return true;
}

uint32_t identity_hash(const struct identity *id)
{
    uint64_t hash = hash_number(HASH_START, id->type);
    if (id->type == ID_DER_ASN1_DN)
        hash = hash_number(hash, dn_hash(identity_octets(id)));
    for (size_t i = 0; i < id->length && id->type != ID_DER_ASN1_DN; i++)
        hash = hash_number(hash, comparable(id, i));
    uint32_t folded = (uint32_t)(hash ^ hash >> 32);
    return folded == 0 ? 1 : folded;
}

const char *identity_type_word(uint8_t type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (types[i].type == type)
            return types[i].keyword;
    }
    return "none";
}

const char *identity_words(const struct identity *id, char out[IDENTITY_WORDS_SIZE])
{
    const char *keyword = identity_type_word(id->type);
    char address[IP_TEXT_SIZE] = "";
    if (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR) {
        struct ip_address a = ip_address_of(id->type == ID_IPV4_ADDR ? IP_V4 : IP_V6, id->value);
        (void)snprintf(out, IDENTITY_WORDS_SIZE, "%s %s", keyword, ip_address_format(&a, address));
        return out;
    }
    if (id->type == ID_DER_ASN1_DN) {
        char name[DN_TEXT_SIZE];
        (void)snprintf(out, IDENTITY_WORDS_SIZE, "%s \"%s\"", keyword, dn_format(identity_octets(id), name));
        return out;
    }
    (void)snprintf(out, IDENTITY_WORDS_SIZE, "%s %.*s", keyword, (int)id->length, (const char *)id->value);
    return out;
}
