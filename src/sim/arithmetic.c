#include "sim/arithmetic.h"

#include "crypto/dh.h"

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

static bool toy_public(const struct dh_group *g, const uint8_t *private_value, uint8_t *out)
{
    memset(out, 0, g->public_size);
    store_u64be(out + g->public_size - 8, toy_power(37, load_u64be(private_value) >> 4));
    return true;
}

static bool toy_shared(const struct dh_group *g, const uint8_t *private_value, const uint8_t *peer_public,
                       uint8_t *out)
{
    memset(out, 0, g->public_size);
    uint64_t peer = load_u64be(peer_public + g->public_size - 8) % toy_prime;
    store_u64be(out + g->public_size - 8, toy_power(peer, load_u64be(private_value) >> 4));
    return true;
}

bool arithmetic_answer(const struct ike_job *job, bool real, uint8_t *out, size_t *length)
{
    const struct dh_group *g = dh_by_id(job->dh.group);
    if (g == NULL)
        return false;
    bool with_public = job->kind != IKE_JOB_DH_SHARED;
    bool with_shared = job->kind != IKE_JOB_DH_PUBLIC;
    uint8_t *shared = out + (with_public ? g->public_size : 0);
    *length = (with_public ? g->public_size : 0) + (with_shared ? g->public_size : 0);
    if (with_public && !(real ? dh_public : toy_public)(g, job->dh.private_value, out))
        return false;
    return !with_shared ||
           (real ? dh_shared : toy_shared)(g, job->dh.private_value, job->dh.peer_public, shared);
}
