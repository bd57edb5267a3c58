/* ike/sa/key_exchange.h: what is kept of a key exchange between its jobs. The method is one as a KEM is,
 * whose shares, private state and secret differ in size. */
#include "ike/sa/key_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PRIVATE_SIZE = 24, INITIATOR_SIZE = 300, RESPONDER_SIZE = 200, SECRET_SIZE = 32 };

/* Shares of one octet all over; the secret is the sum of the two ends' random octets. */
static bool sum_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                         uint8_t *share)
{
    memset(private_state, random[0], m->private_size);
    memset(share, 0x80, m->initiator_share_size);
    return true;
}

static bool sum_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                       uint8_t *share, uint8_t *secret)
{
    memset(share, random[0], m->responder_share_size);
    memset(secret, peer_share[INITIATOR_SIZE - 1] + random[0], m->secret_size);
    return true;
}

static bool sum_finish(const struct key_exchange_method *m, const uint8_t *private_state,
                       const uint8_t *peer_share, uint8_t *secret)
{
    memset(secret, 0x80 + peer_share[RESPONDER_SIZE - 1], m->secret_size);
    return private_state[PRIVATE_SIZE - 1] != 0;
}

static const struct key_exchange_method sum = {
    .id = 36,
    .name = "SUM",
    .random_size = 1,
    .private_size = PRIVATE_SIZE,
    .initiator_share_size = INITIATOR_SIZE,
    .responder_share_size = RESPONDER_SIZE,
    .secret_size = SECRET_SIZE,
    .generate = sum_generate,
    .answer = sum_answer,
    .finish = sum_finish,
};

/* Does a job as those who are handed one do, and takes its result. */
static bool perform(struct key_exchange *x, enum key_exchange_operation operation, uint8_t random,
                    struct octets peer_share)
{
    struct key_exchange_job job = {.operation = operation, .random = {random}};
    struct ike_job_result result = {.kind = IKE_JOB_KEY_EXCHANGE};
    x->method = &sum;
    x->operation = operation;
    memcpy(job.private_state, x->private_state, sizeof job.private_state);
    if (operation != KEY_EXCHANGE_GENERATE) {
        assert_true(key_exchange_share_fits(&sum, operation, peer_share));
        memcpy(job.peer_share, peer_share.at, peer_share.length);
    }
    result.ok = key_exchange_perform(&sum, &job, &result.key_exchange);
    return key_exchange_take(x, &result);
}

static const struct octets none = {NULL, 0};

static void assert_secret(const struct key_exchange *x, uint8_t octet)
{
    uint8_t expected[SECRET_SIZE];
    memset(expected, octet, sizeof expected);
    assert_int_equal(key_exchange_secret(x).length, SECRET_SIZE);
    assert_memory_equal(key_exchange_secret(x).at, expected, SECRET_SIZE);
}

static void shares_and_secret_have_their_own_sizes(void **state)
{
    (void)state;
    struct key_exchange initiator = {0}, responder = {0};

    assert_true(perform(&initiator, KEY_EXCHANGE_GENERATE, 5, none));
    assert_int_equal(key_exchange_own_share(&initiator).length, INITIATOR_SIZE);
    assert_true(perform(&responder, KEY_EXCHANGE_ANSWER, 7, key_exchange_own_share(&initiator)));
    assert_int_equal(key_exchange_own_share(&responder).length, RESPONDER_SIZE);
    assert_true(perform(&initiator, KEY_EXCHANGE_FINISH, 0, key_exchange_own_share(&responder)));

    assert_secret(&initiator, 0x87);
    assert_secret(&responder, 0x87);
}

static void each_share_fits_its_own_operation_alone(void **state)
{
    (void)state;
    static const uint8_t share[INITIATOR_SIZE];
    const struct octets of_initiator = {share, INITIATOR_SIZE}, of_responder = {share, RESPONDER_SIZE};

    assert_true(key_exchange_share_fits(&sum, KEY_EXCHANGE_ANSWER, of_initiator));
    assert_false(key_exchange_share_fits(&sum, KEY_EXCHANGE_ANSWER, of_responder));
    assert_true(key_exchange_share_fits(&sum, KEY_EXCHANGE_FINISH, of_responder));
    assert_false(key_exchange_share_fits(&sum, KEY_EXCHANGE_FINISH, of_initiator));
}

/* RFC 9370: their secrets are needed together. */
static void several_key_exchanges_keep_their_secrets_apart(void **state)
{
    (void)state;
    enum { ROUNDS = 3 };
    struct key_exchange initiator[ROUNDS] = {0}, responder[ROUNDS] = {0};

    for (uint8_t i = 0; i < ROUNDS; i++) {
        assert_true(perform(&initiator[i], KEY_EXCHANGE_GENERATE, 5, none));
        assert_true(perform(&responder[i], KEY_EXCHANGE_ANSWER, i, key_exchange_own_share(&initiator[i])));
        assert_true(perform(&initiator[i], KEY_EXCHANGE_FINISH, 0, key_exchange_own_share(&responder[i])));
    }

    for (uint8_t i = 0; i < ROUNDS; i++) {
        assert_secret(&initiator[i], (uint8_t)(0x80 + i));
        assert_secret(&responder[i], (uint8_t)(0x80 + i));
    }
}

static void the_private_state_is_wiped_once_the_secret_is_there(void **state)
{
    (void)state;
    static const uint8_t nothing[KEY_EXCHANGE_PRIVATE_MAX], share[RESPONDER_SIZE];
    struct key_exchange x = {0};
    assert_true(perform(&x, KEY_EXCHANGE_GENERATE, 5, none));
    assert_memory_not_equal(x.private_state, nothing, sizeof nothing);

    assert_true(perform(&x, KEY_EXCHANGE_FINISH, 0, (struct octets){share, sizeof share}));

    assert_memory_equal(x.private_state, nothing, sizeof nothing);
}

/* The peer may choose to do without the key exchange that was offered (S11). */
static void there_is_no_secret_before_the_last_operation(void **state)
{
    (void)state;
    struct key_exchange x = {0};
    assert_int_equal(key_exchange_secret(&x).length, 0);
    assert_int_equal(key_exchange_own_share(&x).length, 0);

    assert_true(perform(&x, KEY_EXCHANGE_GENERATE, 5, none));

    assert_int_equal(key_exchange_secret(&x).length, 0);
}

static void a_job_that_failed_or_is_another_kind_makes_nothing(void **state)
{
    (void)state;
    struct key_exchange x = {.method = &sum, .operation = KEY_EXCHANGE_GENERATE};
    const struct key_exchange before = x;
    struct ike_job_result result = {.kind = IKE_JOB_KEY_EXCHANGE, .ok = false};
    memset(&result.key_exchange, 0xff, sizeof result.key_exchange);

    assert_false(key_exchange_take(&x, &result));
    result.ok = true;
    result.kind = IKE_JOB_AUTH;
    assert_false(key_exchange_take(&x, &result));

    assert_memory_equal(&x, &before, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_and_secret_have_their_own_sizes),
        cmocka_unit_test(each_share_fits_its_own_operation_alone),
        cmocka_unit_test(several_key_exchanges_keep_their_secrets_apart),
        cmocka_unit_test(the_private_state_is_wiped_once_the_secret_is_there),
        cmocka_unit_test(there_is_no_secret_before_the_last_operation),
        cmocka_unit_test(a_job_that_failed_or_is_another_kind_makes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
