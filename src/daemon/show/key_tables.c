#include "daemon/show/key_tables.h"

#include <inttypes.h>

/* Wireshark's names, in the rows of encryption_algorithms and integrity_algorithms. */
static const struct {
    uint16_t id, key_bits;
    const char *ike, *esp;
} encryption_names[ENCRYPTION_COUNT] = {
    {ENCR_AES_GCM_16, 256, "AES-GCM-256 with 16 octet ICV [RFC5282]", "AES-GCM with 16 octet ICV [RFC4106]"},
    {ENCR_AES_GCM_16, 128, "AES-GCM-128 with 16 octet ICV [RFC5282]", "AES-GCM with 16 octet ICV [RFC4106]"},
    {ENCR_AES_CBC, 256, "AES-CBC-256 [RFC3602]", "AES-CBC [RFC3602]"},
    {ENCR_AES_CBC, 192, "AES-CBC-192 [RFC3602]", "AES-CBC [RFC3602]"},
    {ENCR_AES_CBC, 128, "AES-CBC-128 [RFC3602]", "AES-CBC [RFC3602]"},
    {ENCR_3DES, 0, "3DES [RFC2451]", "TripleDES-CBC [RFC2451]"},
};

static const struct {
    uint16_t id;
    const char *ike, *esp;
} integrity_names[INTEGRITY_COUNT] = {
    {AUTH_HMAC_SHA2_512_256, "HMAC_SHA2_512_256 [RFC4868]", "HMAC-SHA-512-256 [RFC4868]"},
    {AUTH_HMAC_SHA2_384_192, "HMAC_SHA2_384_192 [RFC4868]", "HMAC-SHA-384-192 [RFC4868]"},
    {AUTH_HMAC_SHA2_256_128, "HMAC_SHA2_256_128 [RFC4868]", "HMAC-SHA-256-128 [RFC4868]"},
    {AUTH_HMAC_SHA1_96, "HMAC_SHA1_96 [RFC2404]", "HMAC-SHA-1-96 [RFC2404]"},
};

static const char *encryption_name(const struct encryption_algorithm *a, bool esp)
{
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++) {
        if (encryption_names[i].id == a->id && encryption_names[i].key_bits == a->key_bits)
            return esp ? encryption_names[i].esp : encryption_names[i].ike;
    }
    return "";
}

static const char *integrity_name(const struct integrity_algorithm *a, bool esp)
{
    for (size_t i = 0; i < INTEGRITY_COUNT && a != NULL; i++) {
        if (integrity_names[i].id == a->id)
            return esp ? integrity_names[i].esp : integrity_names[i].ike;
    }
    return esp ? "NULL" : "NONE [RFC4306]";
}

static size_t encryption_octets(const struct ike_suite *suite)
{
    return suite->encryption->key_size + suite->encryption->salt_size;
}

static size_t integrity_octets(const struct ike_suite *suite)
{
    return suite->integrity != NULL ? suite->integrity->key_size : 0;
}

void show_ike_key_row(const struct ike_record *sa, struct text *out)
{
    const struct ike_suite *suite = &sa->suite;
    if (suite->encryption == NULL)
        return;
    text_print(out, "ikev2_decryption_table:%016" PRIx64 ",%016" PRIx64 ",", sa->spi_i, sa->spi_r);
    text_append_hex(out, sa->keys.ei, encryption_octets(suite));
    text_print(out, ",");
    text_append_hex(out, sa->keys.er, encryption_octets(suite));
    text_print(out, ",\"%s\",", encryption_name(suite->encryption, false));
    text_append_hex(out, sa->keys.ai, integrity_octets(suite));
    text_print(out, ",");
    text_append_hex(out, sa->keys.ar, integrity_octets(suite));
    text_print(out, ",\"%s\"\n", integrity_name(suite->integrity, false));
}

static void show_row(const struct ike_suite *suite, const struct child_direction *keys,
                     const struct ip_address *from, const struct ip_address *to, struct text *out)
{
    char source[IP_TEXT_SIZE];
    char destination[IP_TEXT_SIZE];
    text_print(out, "esp_sa:\"%s\",\"%s\",\"%s\",\"0x%08" PRIx32 "\",\"%s\",\"0x",
               from->family == IP_V6 ? "IPv6" : "IPv4", ip_address_format(from, source),
               ip_address_format(to, destination), keys->spi, encryption_name(suite->encryption, true));
    text_append_hex(out, keys->encryption_key, encryption_octets(suite));
    text_print(out, "\",\"%s\",\"%s", integrity_name(suite->integrity, true),
               suite->integrity != NULL ? "0x" : "");
    text_append_hex(out, keys->integrity_key, integrity_octets(suite));
    text_print(out, "\"\n");
}

void show_esp_key_rows(const struct ike_record *sa, struct text *out)
{
    for (size_t i = 0; i < sa->child_count; i++) {
        const struct ike_child_record *child = &sa->children[i];
        if (child->suite.encryption == NULL)
            continue;
        show_row(&child->suite, &child->outbound, &sa->local.address, &sa->remote.address, out);
        show_row(&child->suite, &child->inbound, &sa->remote.address, &sa->local.address, out);
    }
}
