#include "material.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 4 << 20 };

struct octets material_read(const char *name)
{
    char path[4096];
    const char *directory = getenv("CERTIFICATES");
    (void)snprintf(path, sizeof(path), "%s/%s", directory != NULL ? directory : ".", name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("no %s", path);
    uint8_t *at = malloc(FILE_MAX);
    assert_non_null(at);
    size_t length = fread(at, 1, FILE_MAX, file);
    (void)fclose(file);
    return (struct octets){realloc(at, length + 1), length};
}

static struct octets read_with_suffix(const char *name, const char *suffix)
{
    char file[256];
    (void)snprintf(file, sizeof(file), "%s%s", name, suffix);
    return material_read(file);
}

struct certificate *material_certificate(const char *name)
{
    struct pki_reason reason;
    struct octets der = read_with_suffix(name, ".der");
    struct certificate *certificate = certificate_parse(der, &reason);
    if (certificate == NULL)
        fail_msg("%s: %s", name, reason.text);
    free((void *)der.at);
    return certificate;
}

struct crl *material_crl(const char *name)
{
    struct pki_reason reason;
    struct octets der = read_with_suffix(name, ".der");
    struct crl *crl = crl_parse(der, &reason);
    if (crl == NULL)
        fail_msg("%s: %s", name, reason.text);
    free((void *)der.at);
    return crl;
}

struct private_key *material_key(const char *name)
{
    struct pki_reason reason;
    struct octets pem = read_with_suffix(name, ".key");
    struct private_key *key = private_key_parse_pem(pem, NULL, &reason);
    if (key == NULL)
        fail_msg("%s: %s", name, reason.text);
    free((void *)pem.at);
    return key;
}

const char *material_text(const char *text, const struct certificate *certificate, char out[PKI_REASON_SIZE])
{
    const char *serial = strchr(text, '#');
    if (serial == NULL)
        (void)snprintf(out, PKI_REASON_SIZE, "%s", text);
    else
        (void)snprintf(out, PKI_REASON_SIZE, "%.*s%s%s", (int)(serial - text), text,
                       certificate_facts(certificate)->serial, serial + 1);
    return out;
}
