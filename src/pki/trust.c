#include "pki/trust.h"

#include <stdlib.h>
#include <string.h>

/* Each entry: what it is, its name with its length in one octet before it, the DER with its length in four.
 */
enum trust_kind { TRUST_CA = 1, TRUST_CRL = 2 };
enum { ENTRY_HEADER_SIZE = 1 + 1 + 4 };

struct anchor {
    char name[PKI_NAME_SIZE];
    struct certificate *certificate;
};

struct trust {
    unsigned holders;
    struct anchor *anchors;
    size_t anchor_count;
    struct crl **crls;
    size_t crl_count;
};

/* ---- Writing ----------------------------------------------------------------------------------------- */

/* What an entry of the store is to a verifier; no octets if it is nothing. */
static struct octets octets_of(const struct pki_entry *entry, enum trust_kind *kind)
{
    const struct certificate *anchor = pki_entry_anchor(entry);
    *kind = anchor != NULL ? TRUST_CA : TRUST_CRL;
    if (anchor != NULL)
        return certificate_der(anchor);
    return entry->content.crl != NULL ? crl_der(entry->content.crl) : (struct octets){NULL, 0};
}

size_t trust_size(const struct pki_store *store)
{
    size_t size = 0;
    enum trust_kind kind;
    for (size_t i = 0; i < pki_store_count(store); i++)
        size += ENTRY_HEADER_SIZE + PKI_NAME_SIZE + octets_of(pki_store_at(store, i), &kind).length;
    return size;
}

void trust_write(const struct pki_store *store, struct writer *w)
{
    for (size_t i = 0; i < pki_store_count(store); i++) {
        const struct pki_entry *entry = pki_store_at(store, i);
        enum trust_kind kind;
        const struct octets der = octets_of(entry, &kind);
        if (der.length == 0)
            continue;
        writer_put_u8(w, (uint8_t)kind);
        writer_put_u8(w, (uint8_t)strlen(entry->name));
        writer_put(w, entry->name, strlen(entry->name));
        writer_put_u32be(w, (uint32_t)der.length);
        writer_put(w, der.at, der.length);
    }
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

static bool add_anchor(struct trust *trust, const char *name, struct octets der)
{
    struct anchor *grown = reallocarray(trust->anchors, trust->anchor_count + 1, sizeof(trust->anchors[0]));
    if (grown == NULL)
        return false;
    trust->anchors = grown;
    struct anchor *anchor = &grown[trust->anchor_count];
    (void)memcpy(anchor->name, name, sizeof(anchor->name));
    anchor->certificate = certificate_parse(der, NULL);
    trust->anchor_count += anchor->certificate != NULL;
    return anchor->certificate != NULL;
}

static bool add_crl(struct trust *trust, struct octets der)
{
    struct crl **grown = reallocarray(trust->crls, trust->crl_count + 1, sizeof(struct crl *));
    if (grown == NULL)
        return false;
    trust->crls = grown;
    struct crl *crl = crl_parse(der, NULL);
    if (crl != NULL)
        grown[trust->crl_count++] = crl;
    return crl != NULL;
}

static bool read_entry(struct trust *trust, struct reader *r)
{
    char name[PKI_NAME_SIZE] = "";
    uint8_t kind = reader_u8(r);
    size_t name_length = reader_u8(r);
    if (name_length >= sizeof(name))
        return false;
    reader_copy(r, name, name_length);
    size_t length = reader_u32be(r);
    const struct octets der = {reader_octets(r, length), length};
    if (r->failed)
        return false;
    return kind == TRUST_CA ? add_anchor(trust, name, der) : kind == TRUST_CRL && add_crl(trust, der);
}

struct trust *trust_read(struct octets octets)
{
    struct trust *trust = calloc(1, sizeof(*trust));
    struct reader r = reader_of(octets.at, octets.length);
    if (trust == NULL)
        return NULL;
    trust->holders = 1;
    while (reader_left(&r) > 0) {
        if (!read_entry(trust, &r)) {
            trust_release(trust);
            return NULL;
        }
    }
    return trust;
}

struct trust *trust_hold(struct trust *trust)
{
    if (trust != NULL)
        trust->holders++;
    return trust;
}

void trust_release(struct trust *trust)
{
    if (trust == NULL || --trust->holders > 0)
        return;
    for (size_t i = 0; i < trust->anchor_count; i++)
        certificate_release(trust->anchors[i].certificate);
    for (size_t i = 0; i < trust->crl_count; i++)
        crl_release(trust->crls[i]);
    free(trust->anchors);
    free(trust->crls);
    free(trust);
}

bool trust_find(const struct trust *trust, const char *name, struct proof_authority *out)
{
    for (size_t i = 0; trust != NULL && i < trust->anchor_count; i++) {
        if (strcmp(trust->anchors[i].name, name) != 0)
            continue;
        *out = (struct proof_authority){
            .anchor = trust->anchors[i].certificate, .crls = trust->crls, .crl_count = trust->crl_count};
        return true;
    }
    return false;
}
