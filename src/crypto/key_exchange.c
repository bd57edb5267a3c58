#include "crypto/key_exchange.h"

#include "crypto/ecdh.h"
#include "crypto/modp.h"

#include <string.h>

/* Diffie-Hellman over a prime field: all but the exponent has the modulus's size (RFC 7296 2.14, 3.4). */
#define MODP(id, word, name, modulus_size, exponent_size)                                                    \
    {                                                                                                        \
        id, word, name, exponent_size, exponent_size, modulus_size, modulus_size, modulus_size,              \
            modp_generate, modp_answer, modp_finish, modp_share_is_valid                                     \
    }

/* Exponents are twice as long as the group's strength at least (RFC 3526 8). */
const struct key_exchange_method key_exchange_methods[KEY_EXCHANGE_METHOD_COUNT] = {
    MODP(KE_MODP_3072, "3072-bit", "MODP-3072", 384, 40),
    MODP(KE_MODP_2048, "2048-bit", "MODP-2048", 256, 32),
    MODP(KE_MODP_1536, "1536-bit", "MODP-1536", 192, 32),
    MODP(KE_MODP_1024, "1024-bit", "MODP-1024", 128, 32),
    MODP(KE_MODP_768, "768-bit", "MODP-768", 96, 32),
    {KE_X25519, NULL, "X25519", 32, 32, 32, 32, 32, x25519_generate, x25519_answer, x25519_finish, NULL},
    {KE_ECP_256, NULL, "ECP-256", 40, 32, 64, 64, 32, ecp_generate, ecp_answer, ecp_finish,
     ecp_share_is_valid},
};

const struct key_exchange_method *key_exchange_by_id(uint16_t id)
{
    for (size_t i = 0; i < KEY_EXCHANGE_COUNT; i++) {
        if (key_exchange_methods[i].id == id)
            return &key_exchange_methods[i];
    }
    return NULL;
}

const struct key_exchange_method *key_exchange_by_word(const char *word)
{
    for (size_t i = 0; i < KEY_EXCHANGE_COUNT; i++) {
        if (strcmp(key_exchange_methods[i].word, word) == 0)
            return &key_exchange_methods[i];
    }
    return NULL;
}

const char *key_exchange_word(size_t row)
{
    return row < KEY_EXCHANGE_COUNT ? key_exchange_methods[row].word : NULL;
}

bool key_exchange_share_fits(const struct key_exchange_method *m, enum key_exchange_operation operation,
                             struct octets share)
{
    size_t size = operation == KEY_EXCHANGE_ANSWER ? m->initiator_share_size : m->responder_share_size;
    return share.length == size && (m->share_is_valid == NULL || m->share_is_valid(m, share.at));
}

bool key_exchange_perform(const struct key_exchange_method *m, const struct key_exchange_job *job,
                          struct key_exchange_result *out)
{
    if (job->operation == KEY_EXCHANGE_GENERATE)
        return m->generate(m, job->random, out->private_state, out->share);
    if (m->share_is_valid != NULL && !m->share_is_valid(m, job->peer_share))
        return false;
    if (job->operation == KEY_EXCHANGE_ANSWER)
        return m->answer(m, job->random, job->peer_share, out->share, out->secret);
    return m->finish(m, job->private_state, job->peer_share, out->secret);
}
