#include "ike/sa/nonce.h"

#include <string.h>

bool nonce_make(struct ike_engine *engine, struct ike_buffer *nonce)
{
    uint8_t octets[NONCE_SIZE];
    engine_random(engine, octets, sizeof octets);
    return ike_buffer_set(nonce, (struct octets){octets, sizeof octets});
}

struct octets nonce_of(const struct ike_message *message)
{
    const struct ike_payload *p = ike_message_find(message, PAYLOAD_NONCE);
    bool proper = p != NULL && p->content.length >= NONCE_SIZE_MIN && p->content.length <= NONCE_SIZE_MAX;
    return proper ? p->content : (struct octets){NULL, 0};
}

bool nonce_take(struct ike_buffer *nonce, const struct ike_message *message)
{
    struct octets octets = nonce_of(message);
    return octets.length > 0 && ike_buffer_set(nonce, octets);
}

/* Octet by octet; of two that are the same as far as they go, the shorter one is lower. */
static int octets_compare(const uint8_t *a, size_t length_a, const uint8_t *b, size_t length_b)
{
    int order = memcmp(a, b, length_a < length_b ? length_a : length_b);
    if (order != 0)
        return order;
    return (length_a > length_b) - (length_a < length_b);
}

struct lowest_nonce lowest_nonce_of(const struct ike_buffer *nonce_i, const struct ike_buffer *nonce_r)
{
    bool i_is_lower = octets_compare(nonce_i->at, nonce_i->length, nonce_r->at, nonce_r->length) < 0;
    const struct ike_buffer *lower = i_is_lower ? nonce_i : nonce_r;
    struct lowest_nonce lowest = {0};
    size_t kept = lower->length < sizeof lowest.octets ? lower->length : sizeof lowest.octets;
    lowest.length = (uint8_t)kept;
    memcpy(lowest.octets, lower->at, kept);
    return lowest;
}

int lowest_nonce_compare(const struct lowest_nonce *a, const struct lowest_nonce *b)
{
    return octets_compare(a->octets, a->length, b->octets, b->length);
}
