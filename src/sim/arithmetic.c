#include "sim/arithmetic.h"

#include <string.h>

/* The toy group: the multiplicative group modulo the prime 2^61 - 1. */
static const uint64_t toy_prime = (UINT64_C(1) << 61) - 1;

static uint64_t toy_power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = (uint64_t)((unsigned __int128)result * base % toy_prime);
        base = (uint64_t)((unsigned __int128)base * base % toy_prime);
    }
    return result;
}

/* base^private, at the end of `length` octets. */
static void toy_write_power(uint64_t base, const uint8_t *private_state, uint8_t *out, size_t length)
{
    memset(out, 0, length);
    store_u64be(out + length - 8, toy_power(base, load_u64be(private_state) >> 4));
}

enum { TOY_GENERATOR = 37 };

static bool toy_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                         uint8_t *share)
{
    memcpy(private_state, random, m->private_size);
    toy_write_power(TOY_GENERATOR, private_state, share, m->initiator_share_size);
    return true;
}

static bool toy_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                       uint8_t *share, uint8_t *secret)
{
    uint64_t peer = load_u64be(peer_share + m->initiator_share_size - 8) % toy_prime;
    toy_write_power(TOY_GENERATOR, random, share, m->responder_share_size);
    toy_write_power(peer, random, secret, m->secret_size);
    return true;
}

static bool toy_finish(const struct key_exchange_method *m, const uint8_t *private_state,
                       const uint8_t *peer_share, uint8_t *secret)
{
    uint64_t peer = load_u64be(peer_share + m->responder_share_size - 8) % toy_prime;
    toy_write_power(peer, private_state, secret, m->secret_size);
    return true;
}

bool arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out)
{
    const struct key_exchange_method *method = key_exchange_by_id(job->method);
    if (method == NULL)
        return false;
    struct key_exchange_method toy = *method;
    toy.generate = toy_generate;
    toy.answer = toy_answer;
    toy.finish = toy_finish;
    toy.share_is_valid = NULL;
    return key_exchange_perform(real ? method : &toy, job, out);
}
