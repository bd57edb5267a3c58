#include "ike/wire/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/distinguished_name.h"

static const struct {
    uint8_t type;
    const char *name;
} identity_names[] = {
    {ID_IPV4_ADDR, "IPv4-ADDR"}, {ID_FQDN, "FQDN"},     {ID_RFC822_ADDR, "RFC822-ADDR"},
    {ID_IPV6_ADDR, "IPv6-ADDR"}, {ID_KEY_ID, "KEY-ID"}, {ID_DER_ASN1_DN, "DER-ASN1-DN"},
};

static const char *identity_name(uint8_t type)
{
    for (size_t i = 0; i < sizeof identity_names / sizeof *identity_names; i++) {
        if (identity_names[i].type == type)
            return identity_names[i].name;
    }
    return NULL;
}

bool identity_is_well_formed(uint8_t type, struct octets value)
{
    if (type == ID_IPV4_ADDR || type == ID_IPV6_ADDR)
        return value.length == (type == ID_IPV4_ADDR ? 4 : 16);
    return identity_name(type) == NULL || value.length > 0;
}

bool identity_parse(uint8_t type, struct octets value, struct identity *out)
{
    if (identity_name(type) == NULL || !identity_is_well_formed(type, value) || value.length > IDENTITY_SIZE)
        return false;
    *out = (struct identity){.type = type, .length = (uint16_t)value.length};
    memcpy(out->value, value.at, value.length);
    return true;
}

const char *identity_format(const struct identity *id, char out[IDENTITY_TEXT_SIZE])
{
    const char *name = identity_name(id->type);
    int length = snprintf(out, IDENTITY_TEXT_SIZE, "%s ", name != NULL ? name : "none");
    char *at = out + length;
    if (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR) {
        struct ip_address address = ip_address_of(id->type == ID_IPV4_ADDR ? IP_V4 : IP_V6, id->value);
        ip_address_format(&address, at);
        return out;
    }
    if (id->type == ID_DER_ASN1_DN && dn_is_well_formed(identity_value(id))) {
        char text[DN_TEXT_SIZE];
        (void)snprintf(at, IDENTITY_TEXT_SIZE - (size_t)length, "%s", dn_format(identity_value(id), text));
        return out;
    }
    for (size_t i = 0; i < id->length; i++) {
        uint8_t c = id->value[i];
        bool printable = c > 0x20 && c < 0x7f && c != '\\';
        at += sprintf(at, printable ? "%c" : "\\x%02x", c);
    }
    *at = '\0';
    return out;
}

struct octets identity_value(const struct identity *id)
{
    return (struct octets){id->value, id->length};
}

bool identity_keep(struct kept_identity *kept, const struct identity *id)
{
    uint8_t *value = malloc(id->length > 0 ? id->length : 1);
    if (value == NULL)
        return false;
    memcpy(value, id->value, id->length);
    identity_forget(kept);
    *kept = (struct kept_identity){.type = id->type, .length = id->length, .value = value};
    return true;
}

void identity_forget(struct kept_identity *kept)
{
    free(kept->value);
    *kept = (struct kept_identity){.type = ID_NONE};
}

struct identity identity_kept(const struct kept_identity *kept)
{
    struct identity id = {.type = kept->type, .length = kept->length};
    if (kept->length > 0)
        memcpy(id.value, kept->value, kept->length);
    return id;
}

struct octets identity_kept_value(const struct kept_identity *kept)
{
    return (struct octets){kept->value, kept->length};
}
