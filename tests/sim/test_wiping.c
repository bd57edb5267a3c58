/*
 * What the engine frees holds no secret any more: neither those of key exchanges nor keys of IKE SAs. The
 * test notes each secret as it is made, and looks for it in all memory that the engine gives back.
 */
#include "invariants.h"
#include "requests.h"

#include "sim/arithmetic.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOTED_MAX = 4096, NOTED_SIZE = 8 };

static bool in_engine;
static uint8_t noted[NOTED_MAX][NOTED_SIZE];
static size_t noted_count, freed_count, leaked_count;

/* Notes 8 octets of a secret, from where they are random. */
static void note(const uint8_t *at)
{
    static const uint8_t zeros[NOTED_SIZE];
    if (memcmp(at, zeros, NOTED_SIZE) != 0 && noted_count < NOTED_MAX)
        memcpy(noted[noted_count++], at, NOTED_SIZE);
}

static void look_into(const void *at)
{
    size_t size = at != NULL ? malloc_usable_size((void *)(uintptr_t)at) : 0;
    freed_count++;
    for (size_t i = 0; i < noted_count; i++)
        leaked_count += memmem(at, size, noted[i], NOTED_SIZE) != NULL;
}

void __real_free(void *at);
void *__real_reallocarray(void *at, size_t count, size_t size);
const struct ike_effects *__real_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event);
void __real_ike_engine_free(struct ike_engine *engine);
bool __real_arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out);
bool __real_ike_keys_derive(const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                            struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);
bool __real_ike_keys_rekey(const struct prf_algorithm *old_prf, const uint8_t *old_sk_d,
                           const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                           struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);
void __wrap_free(void *at);
void *__wrap_reallocarray(void *at, size_t count, size_t size);
const struct ike_effects *__wrap_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event);
void __wrap_ike_engine_free(struct ike_engine *engine);
bool __wrap_arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out);
bool __wrap_ike_keys_derive(const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                            struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);
bool __wrap_ike_keys_rekey(const struct prf_algorithm *old_prf, const uint8_t *old_sk_d,
                           const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                           struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);

void __wrap_free(void *at)
{
    if (in_engine)
        look_into(at);
    __real_free(at);
}

void *__wrap_reallocarray(void *at, size_t count, size_t size)
{
    if (in_engine)
        look_into(at);
    return __real_reallocarray(at, count, size);
}

const struct ike_effects *__wrap_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event)
{
    in_engine = true;
    const struct ike_effects *effects = __real_ike_engine_handle(engine, now, event);
    in_engine = false;
    return effects;
}

void __wrap_ike_engine_free(struct ike_engine *engine)
{
    in_engine = true;
    __real_ike_engine_free(engine);
    in_engine = false;
}

bool __wrap_arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out)
{
    bool done = __real_arithmetic_answer(job, real, out);
    const struct key_exchange_method *method = key_exchange_by_id(job->method);
    if (job->operation == KEY_EXCHANGE_GENERATE)
        note(out->private_state);
    else
        note(out->secret + method->secret_size - NOTED_SIZE);
    return done;
}

static void note_keys(const struct ike_keys *keys)
{
    note(keys->d);
    note(keys->ei);
    note(keys->er);
    note(keys->ai);
    note(keys->ar);
    note(keys->pi);
    note(keys->pr);
}

bool __wrap_ike_keys_derive(const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                            struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    bool done = __real_ike_keys_derive(suite, shared_secret, nonce_i, nonce_r, spi_i, spi_r, out);
    note_keys(out);
    return done;
}

bool __wrap_ike_keys_rekey(const struct prf_algorithm *old_prf, const uint8_t *old_sk_d,
                           const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                           struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    bool done =
        __real_ike_keys_rekey(old_prf, old_sk_d, suite, shared_secret, nonce_i, nonce_r, spi_i, spi_r, out);
    note_keys(out);
    return done;
}

/* Both ends rekey Child SAs with PFS and IKE SAs, from which time on all SAs are also read from records. */
static void no_memory_that_the_engine_frees_holds_a_secret(void **state)
{
    (void)state;
    noted_count = freed_count = leaked_count = 0;
    struct world *w = world_new(1, &invariants);
    struct gateway *a = world_add_gateway(w, "A", "10.1.0.1");
    struct gateway *b = world_add_gateway(w, "B", "10.2.0.1");
    struct tunnel_policy at_a = world_default_policy(1, "10.2.0.1", "site1", "site2");
    struct tunnel_policy at_b = world_default_policy(0, "10.1.0.1", "site2", "site1");
    at_a.connect_type = CONNECT_AUTO;
    at_a.sa_lifetime = at_b.sa_lifetime = 31;
    at_a.child_lifetime = 23;
    at_b.child_lifetime = 21;
    at_b.ike.dh = 1U << 2; /* A's first KE is always of another group */
    at_a.child.pfs = at_b.child.pfs = 1U << 3;
    gateway_set_tunnel(a, &at_a, "secret1", "secret2");
    gateway_set_tunnel(b, &at_b, "secret2", "secret1");
    world_run(w, 60 * 1000);
    gateway_resume_after(a, 0, false);
    gateway_resume_after(b, 3, false);
    world_run(w, 60 * 1000);
    gateway_clear(b, 0);
    world_run(w, 15 * 1000);
    assert_true(gateway_log_has(a, "IKE SA rekeyed"));
    world_free(w);

    assert_true(noted_count > 100 && freed_count > 1000);
    assert_int_equal(leaked_count, 0);
}

/* The private values of a negotiation that the peer never answers go too. */
static void no_secret_of_a_negotiation_without_an_answer_stays_in_freed_memory(void **state)
{
    (void)state;
    noted_count = freed_count = leaked_count = 0;
    struct world *w = world_new(1, &invariants);
    struct gateway *a = world_add_gateway(w, "A", "10.1.0.1");
    const struct tunnel_policy at_a = world_default_policy(1, "10.2.0.1", "site1", "site2");
    gateway_set_tunnel(a, &at_a, "secret1", "secret2");
    gateway_packet_waits(a, 1);
    world_run(w, 40 * 1000);
    assert_int_equal(gateway_failures(a, 1), 1);
    world_free(w);

    assert_true(noted_count > 0);
    assert_int_equal(leaked_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_that_the_engine_frees_holds_a_secret),
        cmocka_unit_test(no_secret_of_a_negotiation_without_an_answer_stays_in_freed_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
