#include "ike/exchanges/certificates.h"

#include "pki/proof.h"

void certificates_put_hashes(struct message_writer *m)
{
    uint8_t numbers[2 * SIGNATURE_HASH_COUNT];
    struct writer w = writer_to(numbers, sizeof numbers);
    for (size_t i = 0; i < SIGNATURE_HASH_COUNT; i++)
        writer_put_u16be(&w, signature_hashes[i]);
    message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_SIGNATURE_HASH_ALGORITHMS,
                       writer_octets(&w));
}

signature_hash_set certificates_hashes_of(const struct ike_message *message)
{
    const struct ike_payload *notify = ike_message_notify(message, NOTIFY_SIGNATURE_HASH_ALGORITHMS);
    signature_hash_set hashes = 0;
    if (notify == NULL)
        return 0;
    struct reader r = reader_of(notify->content.at, notify->content.length);
    while (reader_left(&r) >= 2) {
        uint16_t hash = reader_u16be(&r);
        hashes |= hash < 32 ? UINT32_C(1) << hash : 0;
    }
    return hashes;
}

void certificates_put_request(struct message_writer *m, const uint8_t *authorities, size_t count)
{
    if (count > 0)
        message_put_cert(m, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE,
                         (struct octets){authorities, count * AUTHORITY_SIZE});
}

struct octets certificates_authorities_of(struct ike_engine *engine, const struct ike_message *message)
{
    enum { SIZE = AUTHORITIES_MAX * AUTHORITY_SIZE };
    if (ike_message_find(message, PAYLOAD_CERTREQ) == NULL)
        return (struct octets){NULL, 0};
    uint8_t *at = effects_alloc(&engine->effects, SIZE);
    struct writer w = writer_to(at, at != NULL ? SIZE : 0);
    for (size_t i = 0; i < message->count; i++) {
        const struct ike_payload *p = &message->payloads[i];
        if (p->type != PAYLOAD_CERTREQ || p->encoding != CERT_X509_SIGNATURE)
            continue;
        struct reader r = reader_of(p->content.at, p->content.length);
        while (reader_left(&r) >= AUTHORITY_SIZE && writer_length(&w) + AUTHORITY_SIZE <= SIZE)
            writer_put(&w, reader_octets(&r, AUTHORITY_SIZE), AUTHORITY_SIZE);
    }
    return w.failed ? (struct octets){NULL, 0} : writer_octets(&w);
}

void certificates_put(struct message_writer *m, struct octets list)
{
    struct reader r = reader_of(list.at, list.length);
    struct octets der;
    while ((der = certificate_list_next(&r)).length > 0)
        message_put_cert(m, PAYLOAD_CERT, CERT_X509_SIGNATURE, der);
}

static bool is_certificate(const struct ike_payload *p)
{
    return p->type == PAYLOAD_CERT && p->encoding == CERT_X509_SIGNATURE && p->content.length > 0;
}

struct octets certificates_of(struct ike_engine *engine, const struct ike_message *message)
{
    size_t size = 0;
    for (size_t i = 0; i < message->count; i++)
        size += is_certificate(&message->payloads[i]) ? 2 + message->payloads[i].content.length : 0;
    uint8_t *at = size > 0 ? effects_alloc(&engine->effects, size) : NULL;
    struct writer w = writer_to(at, at != NULL ? size : 0);
    size_t count = 0;
    for (size_t i = 0; i < message->count && at != NULL; i++) {
        if (is_certificate(&message->payloads[i]) && count++ < CERTIFICATE_CHAIN_MAX)
            certificate_list_put(&w, message->payloads[i].content);
    }
    return at != NULL && !w.failed ? writer_octets(&w) : (struct octets){NULL, 0};
}

bool certificates_method_fits(enum auth_kind kind, uint8_t method)
{
    if (kind == AUTH_KIND_PSK)
        return method == AUTH_METHOD_PSK;
    return signature_method_is_known(method);
}
