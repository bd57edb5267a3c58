/*
 * Validates certificates as the gateway does, for tests that compare its verdicts with those of others.
 *
 *     validate TIME ANCHOR POOL CRLS FILE...
 *
 * TIME is Unix time; ANCHOR, POOL and FILE are certificates in DER or PEM, CRLS are CRLs in PEM; a POOL has
 * the certificates that a peer sends besides its own; POOL and CRLS may be "-". Prints a line for each FILE:
 * the number of enum validation_fault, and the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/content.h"
#include "pki/validate.h"

enum { FILE_MAX = 8 << 20, LIST_MAX = 1024 };

static struct octets file_read(const char *path)
{
    FILE *file = fopen(path, "re");
    uint8_t *at = malloc(FILE_MAX);
    size_t length = file == NULL || at == NULL ? 0 : fread(at, 1, FILE_MAX, file);
    if (file != NULL)
        (void)fclose(file);
    return (struct octets){at, length};
}

/* The end of the PEM block that begins a text; NULL if there is none. */
static const uint8_t *block_end(struct octets text)
{
    static const char mark[] = "-----END ";
    const uint8_t *end = memmem(text.at, text.length, mark, sizeof(mark) - 1);
    return end == NULL ? NULL : memchr(end, '\n', text.length - (size_t)(end - text.at));
}

/* Reads each certificate, or each CRL, of a PEM file. Those that can't be read are left out. */
static size_t list_read(const char *path, struct certificate **certificates, struct crl **crls)
{
    struct octets text = file_read(path);
    void *memory = (void *)text.at;
    size_t count = 0;
    const uint8_t *end;
    while (count < LIST_MAX && (end = block_end(text)) != NULL) {
        struct pki_content content = {.chain_length = 0};
        const struct octets block = {text.at, (size_t)(end - text.at) + 1};
        bool read = certificates != NULL ? pki_content_read_certificate(block, PKI_PEM, &content, NULL)
                                         : pki_content_read_crl(block, PKI_PEM, &content, NULL);
        if (read && certificates != NULL)
            certificates[count++] = certificate_hold(content.chain[0]);
        else if (read)
            crls[count++] = crl_hold(content.crl);
        pki_content_free(&content);
        text.at = end + 1;
        text.length -= block.length;
    }
    free(memory);
    return count;
}

static struct certificate *certificate_read(const char *path)
{
    struct octets file = file_read(path);
    struct certificate *certificate = certificate_parse(file, NULL);
    struct pki_content content = {.chain_length = 0};
    if (certificate == NULL && pki_content_read_certificate(file, PKI_PEM, &content, NULL))
        certificate = certificate_hold(content.chain[0]);
    pki_content_free(&content);
    free((void *)file.at);
    return certificate;
}

int main(int argc, char **argv)
{
    static struct certificate *peer[1 + LIST_MAX];
    static struct crl *crls[LIST_MAX];
    if (argc < 6)
        return 2;
    struct certificate *anchor = certificate_read(argv[2]);
    if (anchor == NULL)
        return 2;
    struct validation validation = {
        .anchor = anchor,
        .peer = peer,
        .peer_count = 1 + (strcmp(argv[3], "-") != 0 ? list_read(argv[3], peer + 1, NULL) : 0),
        .crls = crls,
        .crl_count = strcmp(argv[4], "-") != 0 ? list_read(argv[4], NULL, crls) : 0,
        .now = strtoll(argv[1], NULL, 10),
    };
    for (int i = 5; i < argc; i++) {
        struct validation_verdict verdict = {.fault = VALIDATION_FAILED, .reason = {"no certificate"}};
        peer[0] = certificate_read(argv[i]);
        if (peer[0] != NULL)
            (void)certificate_validate(&validation, &verdict);
        (void)printf("%d %s\n", (int)verdict.fault, verdict.reason.text);
        certificate_release(peer[0]);
    }
    for (size_t i = 1; i < validation.peer_count; i++)
        certificate_release(peer[i]);
    for (size_t i = 0; i < validation.crl_count; i++)
        crl_release(crls[i]);
    certificate_release(anchor);
    return 0;
}
