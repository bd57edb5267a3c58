#include "ike/wire/protect.h"

#include "base/secret.h"
#include "crypto/cipher.h"
#include "crypto/prf.h"

#include <string.h>

static size_t icv_octets(const struct ike_protection *p)
{
    return p->integrity != NULL ? p->integrity->icv_size : p->encryption->icv_size;
}

/* Encrypts `length` octets at `text`, which the IV precedes; all before the IV is associated data. */
static bool seal_text(const struct ike_protection *p, const uint8_t *message, uint8_t *iv, uint8_t *text,
                      size_t length, uint8_t *icv)
{
    if (p->integrity == NULL) {
        struct octets associated = {message, (size_t)(iv - message)};
        return aead_seal(p->encryption, p->encryption_key, iv, associated, text, length, icv);
    }
    if (!cipher_encrypt(p->encryption, p->encryption_key, iv, text, length))
        return false;
    struct octets all = {message, (size_t)(icv - message)};
    return integrity_compute(p->integrity, p->integrity_key, &all, 1, icv);
}

struct protect_text protect_whole(const struct message_writer *inner)
{
    return (struct protect_text){writer_octets(&inner->w), inner->first_payload, 0, 0};
}

struct octets protect_seal(const struct ike_protection *p, const struct ike_header *header,
                           const struct protect_text *text, const uint8_t *iv, void *out, size_t capacity)
{
    bool fragment = text->total != 0;
    struct message_writer m = message_begin(out, capacity, header);
    message_begin_payload(&m, fragment ? PAYLOAD_SKF : PAYLOAD_SK);
    writer_patch_u8(&m.w, m.payload_at, text->first_payload);
    if (fragment) {
        writer_put_u16be(&m.w, text->number);
        writer_put_u16be(&m.w, text->total);
    }
    uint8_t *iv_at = writer_reserve(&m.w, p->encryption->iv_size);
    size_t block = p->encryption->block_size;
    size_t padding = (block - (text->octets.length + 1) % block) % block;
    size_t length = text->octets.length + padding + 1;
    uint8_t *at = writer_reserve(&m.w, length);
    uint8_t *icv = writer_reserve(&m.w, icv_octets(p));
    message_end_payload(&m);
    struct octets message = message_finish(&m);
    if (message.length == 0)
        return message;

    memcpy(iv_at, iv, p->encryption->iv_size);
    if (text->octets.length > 0)
        memcpy(at, text->octets.at, text->octets.length);
    memset(at + text->octets.length, 0, padding);
    at[length - 1] = (uint8_t)padding;
    if (!seal_text(p, m.w.start, iv_at, at, length, icv))
        return (struct octets){NULL, 0};
    return message;
}

static bool open_text(const struct ike_protection *p, const uint8_t *message, const uint8_t *iv,
                      uint8_t *text, size_t length, const uint8_t *icv)
{
    if (p->integrity == NULL) {
        struct octets associated = {message, (size_t)(iv - message)};
        return aead_open(p->encryption, p->encryption_key, iv, associated, text, length, icv);
    }
    uint8_t expected[INTEGRITY_ICV_MAX];
    struct octets all = {message, (size_t)(icv - message)};
    return integrity_compute(p->integrity, p->integrity_key, &all, 1, expected) &&
           secret_equal(expected, icv, p->integrity->icv_size) &&
           cipher_decrypt(p->encryption, p->encryption_key, iv, text, length);
}

bool protect_open(const struct ike_protection *p, uint8_t *datagram, const struct ike_payload *sk,
                  struct octets *chain)
{
    size_t iv_size = p->encryption->iv_size;
    size_t icv_size = icv_octets(p);
    if (sk->content.length < iv_size + icv_size + 1)
        return false;
    size_t length = sk->content.length - iv_size - icv_size;
    if (length % p->encryption->block_size != 0)
        return false;
    /* Where the payload is in the datagram, which may be written. */
    uint8_t *iv = datagram + (sk->content.at - datagram);
    uint8_t *text = iv + iv_size;
    if (!open_text(p, datagram, iv, text, length, text + length))
        return false;
    size_t padding = text[length - 1];
    if (padding + 1 > length)
        return false;
    *chain = (struct octets){text, length - padding - 1};
    return true;
}
