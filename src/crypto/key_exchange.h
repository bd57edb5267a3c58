/*
 * Key exchange methods (transform type 4, RFC 9370), as rows of one table: Diffie-Hellman, and whatever gives
 * two ends a secret by one share each way. A method has three operations:
 *
 *     generate   initiator: makes a share and a private state, which it keeps
 *     answer     responder: takes the initiator's share; makes a share of its own, and the secret
 *     finish     initiator: takes the responder's share and its own private state; makes the secret
 *
 * The sizes of the two shares, the private state and the secret are apart: with a KEM the shares are a public
 * key and a ciphertext. All randomness comes from the caller, so that the engine's random source decides all
 * of an exchange. No call keeps anything, and any thread may make one.
 */
#ifndef MUSUBI_CRYPTO_KEY_EXCHANGE_H
#define MUSUBI_CRYPTO_KEY_EXCHANGE_H

#include "base/bytes.h"
#include "crypto/algorithm.h"

/* Transform IDs, IANA "IKEv2 Parameters", transform type 4. */
enum key_exchange_id {
    KE_NONE = 0,
    KE_MODP_768 = 1,
    KE_MODP_1024 = 2,
    KE_MODP_1536 = 5,
    KE_MODP_2048 = 14,
    KE_MODP_3072 = 15,
    KE_ECP_256 = 19,
    KE_X25519 = 31,
};

/* No row has a larger share, secret and so on (octets). */
enum {
    KEY_EXCHANGE_RANDOM_MAX = 40,
    KEY_EXCHANGE_PRIVATE_MAX = 40,
    KEY_EXCHANGE_SHARE_MAX = 384,
    KEY_EXCHANGE_SECRET_MAX = 384,
};

enum key_exchange_operation {
    KEY_EXCHANGE_GENERATE,
    KEY_EXCHANGE_ANSWER,
    KEY_EXCHANGE_FINISH,
};

/* A row. Its functions are called by those below, which check what they are handed. */
struct key_exchange_method {
    uint16_t id;         /* enum key_exchange_id */
    const char *word;    /* in the command language; NULL: the method is not negotiated */
    const char *name;    /* in the shows */
    size_t random_size;  /* random octets that `generate` and `answer` take */
    size_t private_size; /* of the initiator's private state */
    size_t initiator_share_size, responder_share_size;
    size_t secret_size;
    bool (*generate)(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                     uint8_t *share);
    bool (*answer)(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                   uint8_t *share, uint8_t *secret);
    bool (*finish)(const struct key_exchange_method *m, const uint8_t *private_state,
                   const uint8_t *peer_share, uint8_t *secret);
    /* The checks of RFC 6989 on a share of the right size, as far as they are cheap; NULL: there are none. */
    bool (*share_is_valid)(const struct key_exchange_method *m, const uint8_t *peer_share);
};

/*
 * The table. Those that are negotiated stand first, strongest first, as in the tables of crypto/algorithm.h:
 * an algorithm_set has bits for these alone. The rest is neither offered nor accepted nor configurable yet.
 */
enum { KEY_EXCHANGE_COUNT = 5, KEY_EXCHANGE_METHOD_COUNT = 7 };

extern const struct key_exchange_method key_exchange_methods[KEY_EXCHANGE_METHOD_COUNT];

/* The rows that are negotiated, by IANA number and by word of the command language; NULL if none. */
const struct key_exchange_method *key_exchange_by_id(uint16_t id);
const struct key_exchange_method *key_exchange_by_word(const char *word);

/* The name of such a row in the command language; NULL behind the last row. */
const char *key_exchange_word(size_t row);

/*
 * Whether `operation` may be handed this share of the peer's: `answer` takes an initiator's, `finish` a
 * responder's. False if its size is wrong, or its value fails the checks of RFC 6989 that are cheap.
 */
bool key_exchange_share_fits(const struct key_exchange_method *m, enum key_exchange_operation operation,
                             struct octets share);

/* One operation to be done. Of the octets only as many are used as the method's sizes say. */
struct key_exchange_job {
    uint16_t method; /* enum key_exchange_id */
    enum key_exchange_operation operation;
    uint8_t random[KEY_EXCHANGE_RANDOM_MAX];         /* generate, answer */
    uint8_t private_state[KEY_EXCHANGE_PRIVATE_MAX]; /* finish */
    uint8_t peer_share[KEY_EXCHANGE_SHARE_MAX];      /* answer, finish: one that key_exchange_share_fits */
};

/* What comes of it. */
struct key_exchange_result {
    uint8_t private_state[KEY_EXCHANGE_PRIVATE_MAX]; /* generate */
    uint8_t share[KEY_EXCHANGE_SHARE_MAX];           /* generate, answer: our own */
    uint8_t secret[KEY_EXCHANGE_SECRET_MAX];         /* answer, finish */
};

/*
 * Does a job by a method, which need not be a row of the table. False if the peer's share is not valid or the
 * arithmetic failed (no memory); then nothing of `out` is to be used. The caller wipes both structs.
 */
bool key_exchange_perform(const struct key_exchange_method *m, const struct key_exchange_job *job,
                          struct key_exchange_result *out);

#endif
