#include "ike/exchanges/cookie.h"

#include "base/secret.h"
#include "crypto/prf.h"
#include "ike/services/send.h"

enum {
    COOKIE_THRESHOLD = 32, /* with so many half-open IKE SAs, cookies are demanded */
    COOKIE_SECRET_LIFETIME =
        60000,            /* milliseconds; cookies of the previous one are accepted for as long again */
    COOKIE_SIZE = 1 + 32, /* number of the secret, HMAC-SHA2-256 */
};

/* Makes a new secret when the current one is old. A cookie has the number of its secret. */
static void refresh_secret(struct ike_engine *engine)
{
    struct cookie_secrets *s = &engine->objects->cookie_secrets;
    if (s->number != 0 && engine->now - s->changed < COOKIE_SECRET_LIFETIME)
        return;
    /* If the previous secret is too old too, or there was none (all zeros), it is replaced as well. */
    bool alone = s->number == 0 || engine->now - s->changed >= (msec_t)2 * COOKIE_SECRET_LIFETIME;
    s->number++;
    s->changed = engine->now;
    engine_random(engine, s->secret[s->number & 1], sizeof s->secret[0]);
    if (alone)
        engine_random(engine, s->secret[~s->number & 1], sizeof s->secret[0]);
}

/* Cookie = number | HMAC(secret, Ni | IPi | SPIi). */
static bool make_cookie(const struct ike_engine *engine, uint8_t number, const struct ip_endpoint *remote,
                        uint64_t spi_i, struct octets nonce, uint8_t out[COOKIE_SIZE])
{
    const struct cookie_secrets *s = &engine->objects->cookie_secrets;
    uint8_t spi[8];
    store_u64be(spi, spi_i);
    const struct octets key = {s->secret[number & 1], sizeof s->secret[0]};
    const struct octets parts[] = {
        nonce, {remote->address.octets, ip_address_size(remote->address.family)}, {spi, sizeof spi}};
    out[0] = number;
    return prf_compute(prf_by_id(PRF_HMAC_SHA2_256), key, parts, 3, out + 1);
}

static bool is_valid(const struct ike_engine *engine, const struct ip_endpoint *remote,
                     const struct ike_message *request, struct octets nonce)
{
    const struct ike_payload *cookie = ike_message_notify(request, NOTIFY_COOKIE);
    uint8_t expected[COOKIE_SIZE];
    if (cookie == NULL || cookie->content.length != COOKIE_SIZE)
        return false;
    uint8_t number = cookie->content.at[0];
    uint8_t age = (uint8_t)(engine->objects->cookie_secrets.number - number);
    return age <= 1 && make_cookie(engine, number, remote, request->header.spi_i, nonce, expected) &&
           secret_equal(expected, cookie->content.at, COOKIE_SIZE);
}

bool cookie_is_missing(struct ike_engine *engine, const struct ip_endpoint *remote,
                       const struct ike_message *request, struct octets nonce)
{
    if (engine->objects->half_open_count < COOKIE_THRESHOLD)
        return false;
    refresh_secret(engine);
    return !is_valid(engine, remote, request, nonce);
}

void cookie_demand(struct ike_engine *engine, const struct ip_endpoint *local,
                   const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                   const struct ike_message *request, struct octets nonce)
{
    uint8_t cookie[COOKIE_SIZE];
    engine_count(engine, IKE_COUNT_COOKIES);
    if (make_cookie(engine, engine->objects->cookie_secrets.number, remote, request->header.spi_i, nonce,
                    cookie))
        engine_answer_in_clear(engine, local, remote, ifindex, mark, &request->header, NOTIFY_COOKIE,
                               (struct octets){cookie, sizeof cookie});
}
