#include "crypto/ecdh.h"

#include "base/secret.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

/* ---- Curve25519 -------------------------------------------------------------------------------------- */

static EVP_PKEY *x25519_private_key(const struct key_exchange_method *m, const uint8_t *private_state)
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_state, m->private_size);
}

static bool x25519_share(const struct key_exchange_method *m, const uint8_t *private_state, uint8_t *share)
{
    EVP_PKEY *own = x25519_private_key(m, private_state);
    size_t length = m->initiator_share_size;
    bool done = own != NULL && EVP_PKEY_get_raw_public_key(own, share, &length) == 1;
    EVP_PKEY_free(own);
    return done;
}

bool x25519_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                     uint8_t *share)
{
    memcpy(private_state, random, m->private_size);
    return x25519_share(m, private_state, share);
}

bool x25519_finish(const struct key_exchange_method *m, const uint8_t *private_state,
                   const uint8_t *peer_share, uint8_t *secret)
{
    EVP_PKEY *own = x25519_private_key(m, private_state);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer_share, m->responder_share_size);
    EVP_PKEY_CTX *context = own != NULL ? EVP_PKEY_CTX_new(own, NULL) : NULL;
    size_t length = m->secret_size;
    bool done = peer != NULL && context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                EVP_PKEY_derive(context, secret, &length) == 1 && length == m->secret_size;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
    return done;
}

bool x25519_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                   uint8_t *share, uint8_t *secret)
{
    return x25519_share(m, random, share) && x25519_finish(m, random, peer_share, secret);
}

/* ---- ECP-256 ----------------------------------------------------------------------------------------- */

enum { ECP_MAX = 32 }; /* octets of a coordinate */

/* What an operation computes with. */
struct ecp {
    EC_GROUP *group;
    BN_CTX *context;
    BIGNUM *number; /* our private one */
    EC_POINT *point, *product;
};

static void ecp_close(struct ecp *e)
{
    EC_POINT_clear_free(e->product);
    EC_POINT_free(e->point);
    BN_clear_free(e->number);
    BN_CTX_free(e->context);
    EC_GROUP_free(e->group);
}

static bool ecp_open(struct ecp *e)
{
    *e = (struct ecp){.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1),
                      .context = BN_CTX_secure_new(),
                      .number = BN_secure_new()};
    if (e->group != NULL) {
        e->point = EC_POINT_new(e->group);
        e->product = EC_POINT_new(e->group);
    }
    return e->context != NULL && e->number != NULL && e->point != NULL && e->product != NULL;
}

/* Reads a point, which has to be on the curve. */
static bool ecp_read_point(struct ecp *e, const struct key_exchange_method *m, const uint8_t *share)
{
    uint8_t octets[1 + 2 * ECP_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(octets + 1, share, m->initiator_share_size);
    return EC_POINT_oct2point(e->group, e->point, octets, 1 + m->initiator_share_size, e->context) == 1;
}

/* Writes as many octets of the product's coordinates, one after the other, as are wanted. */
static bool ecp_write_product(struct ecp *e, uint8_t *out, size_t length)
{
    uint8_t octets[1 + 2 * ECP_MAX];
    bool done = EC_POINT_point2oct(e->group, e->product, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets,
                                   e->context) == sizeof octets;
    if (done)
        memcpy(out, octets + 1, length);
    secret_wipe(octets, sizeof octets);
    return done;
}

bool ecp_share_is_valid(const struct key_exchange_method *m, const uint8_t *peer_share)
{
    struct ecp e;
    bool valid = ecp_open(&e) && ecp_read_point(&e, m, peer_share);
    ecp_close(&e);
    return valid;
}

/* A private number from random octets: (octets mod (order - 1)) + 1. */
static bool ecp_private(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state)
{
    struct ecp e;
    BIGNUM *bound = NULL;
    bool done = ecp_open(&e) && (bound = BN_dup(EC_GROUP_get0_order(e.group))) != NULL &&
                BN_sub_word(bound, 1) == 1 && BN_bin2bn(random, (int)m->random_size, e.number) != NULL;
    if (done) {
        BN_set_flags(e.number, BN_FLG_CONSTTIME);
        done = BN_mod(e.number, e.number, bound, e.context) == 1 && BN_add_word(e.number, 1) == 1 &&
               BN_bn2binpad(e.number, private_state, (int)m->private_size) == (int)m->private_size;
    }
    BN_free(bound);
    ecp_close(&e);
    return done;
}

static bool ecp_share(const struct key_exchange_method *m, const uint8_t *private_state, uint8_t *share)
{
    struct ecp e;
    bool done = ecp_open(&e) && BN_bin2bn(private_state, (int)m->private_size, e.number) != NULL &&
                EC_POINT_mul(e.group, e.product, e.number, NULL, NULL, e.context) == 1 &&
                ecp_write_product(&e, share, m->initiator_share_size);
    ecp_close(&e);
    return done;
}

bool ecp_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                  uint8_t *share)
{
    return ecp_private(m, random, private_state) && ecp_share(m, private_state, share);
}

bool ecp_finish(const struct key_exchange_method *m, const uint8_t *private_state, const uint8_t *peer_share,
                uint8_t *secret)
{
    struct ecp e;
    bool done = ecp_open(&e) && BN_bin2bn(private_state, (int)m->private_size, e.number) != NULL &&
                ecp_read_point(&e, m, peer_share) &&
                EC_POINT_mul(e.group, e.product, NULL, e.point, e.number, e.context) == 1 &&
                ecp_write_product(&e, secret, m->secret_size);
    ecp_close(&e);
    return done;
}

bool ecp_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                uint8_t *share, uint8_t *secret)
{
    uint8_t private_state[KEY_EXCHANGE_PRIVATE_MAX];
    bool done =
        ecp_generate(m, random, private_state, share) && ecp_finish(m, private_state, peer_share, secret);
    secret_wipe(private_state, sizeof private_state);
    return done;
}
