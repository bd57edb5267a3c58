/*
 * Memory that runs out: allocations of the engine in the life of a tunnel fail once, in turn. Nothing
 * may crash or leak, and when there is memory again the tunnel comes back.
 */
#include "invariants.h"
#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool in_engine;
static size_t allocations, failing; /* the one that fails, counted from 1; 0: none */

static bool fails(void)
{
    return in_engine && ++allocations == failing;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *at, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
const struct ike_effects *__real_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *at, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
const struct ike_effects *__wrap_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *at, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(at, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
    return fails() ? NULL : __real_strndup(text, length);
}

const struct ike_effects *__wrap_ike_engine_handle(struct ike_engine *engine, msec_t now,
                                                   const struct ike_event *event)
{
    in_engine = true;
    const struct ike_effects *effects = __real_ike_engine_handle(engine, now, event);
    in_engine = false;
    return effects;
}

static void from_now_on_fails(size_t allocation)
{
    allocations = 0;
    failing = allocation;
}

/* Whether as many allocations were made; from now on none fails. */
static bool has_failed(void)
{
    bool reached = allocations >= failing;
    failing = 0;
    return reached;
}

/* Two minutes of a tunnel with many rekeys at both ends, of Child SAs and IKE SAs, then a clear. */
static bool live_and_recover(size_t allocation)
{
    from_now_on_fails(allocation);
    struct world *w = world_new(1, &invariants);
    struct gateway *a = world_add_gateway(w, "A", "10.1.0.1");
    struct gateway *b = world_add_gateway(w, "B", "10.2.0.1");
    struct tunnel_policy at_a = world_default_policy(1, "b.example.com", "site1", "site2");
    struct tunnel_policy at_b = world_default_policy(0, "10.1.0.1", "site2", "site1");
    at_a.connect_type = CONNECT_AUTO;
    at_a.sa_lifetime = 31;
    at_a.child_lifetime = 23;
    at_b.sa_lifetime = 29;
    at_b.child_lifetime = 21;
    at_b.ike.dh = 1U << 2; /* A's first KE is always of another group */
    at_b.child.pfs = 1U << 3;
    at_a.dpd_interval = at_b.dpd_interval = 10;
    gateway_set_tunnel(a, &at_a, "secret1", "secret2");
    gateway_set_tunnel(b, &at_b, "secret2", "secret1");
    gateway_set_name(a, 1, "10.2.0.1");
    gateway_look_up(a, 1);
    world_run(w, 30 * 1000);
    gateway_clear(b, 0);
    world_run(w, 15 * 1000);
    bool reached = has_failed();
    gateway_set_tunnel(a, &at_a, "secret1", "secret2"); /* should the first time have failed */
    gateway_set_tunnel(b, &at_b, "secret2", "secret1");
    world_run(w, 150 * 1000);
    if (!gateway_tunnel_is_up(a, 1) || !gateway_tunnel_is_up(b, 0))
        fail_msg("allocation %zu failed, and the tunnel has not come back", allocation);
    world_free(w);
    return reached;
}

static void any_allocation_may_fail_once(void **state)
{
    (void)state;
    size_t allocation = 1;
    while (live_and_recover(allocation))
        allocation += 3;
    assert_true(allocation > 200);
}

static bool start_again_after_a_cookie(size_t allocation)
{
    struct stage s = stage_new();
    assert_true(stage_begins(&s));
    from_now_on_fails(allocation);
    puppet_notify_init(s.p, NOTIFY_COOKIE, (struct octets){some_octets, 16});
    bool reached = has_failed();
    world_run(s.w, 40 * 1000); /* what goes on all the same is not answered */

    if (!stage_begins(&s))
        fail_msg("allocation %zu failed, and there is no other attempt", allocation);
    stage_free(&s);
    return reached;
}

static void R16_a_cookie_for_which_there_is_no_memory_leaves_room_for_another_attempt(void **state)
{
    (void)state;
    for (size_t allocation = 1; start_again_after_a_cookie(allocation); allocation++)
        ;
}

/* A rekey that comes to nothing may end the IKE SA, but it does not let the SA run to its end. */
static bool rekey_again(size_t allocation, uint32_t sa_lifetime, uint32_t child_lifetime)
{
    const struct tunnel_policy policy = policy_that_rekeys(sa_lifetime, child_lifetime);
    struct stage s = stage_established_with(&policy);
    world_run(s.w, 9 * 1000);
    from_now_on_fails(allocation);

    bool asked = puppet_await(s.p, 15 * 1000);

    if (asked && s.p->message.header.exchange != EXCHANGE_CREATE_CHILD_SA)
        fail_msg("allocation %zu failed, and the rekey is not tried again", allocation);
    bool reached = has_failed();
    stage_free(&s);
    return reached;
}

static void R60_a_rekey_for_which_there_is_no_memory_is_tried_again(void **state)
{
    (void)state;
    for (size_t allocation = 1; rekey_again(allocation, 86400, 20); allocation++)
        ;
    for (size_t allocation = 1; rekey_again(allocation, 20, 28800); allocation++)
        ;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail_once),
        cmocka_unit_test(R16_a_cookie_for_which_there_is_no_memory_leaves_room_for_another_attempt),
        cmocka_unit_test(R60_a_rekey_for_which_there_is_no_memory_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
