/* S13: every word of the configs in the manual's lists is understood, once they are completed. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const lists[] = {
    "manual/list-2.25.1.cfg",  "manual/list-2.25.2.cfg",  "manual/list-2.25.3.cfg",
    "manual/list-2.25.4.cfg",  "manual/list-2.25.5.cfg",  "manual/list-2.25.7.cfg",
    "manual/list-2.25.8.cfg",  "manual/list-2.25.9.cfg",  "manual/list-2.25.10.cfg",
    "manual/list-2.25.11.cfg", "manual/list-2.25.12.cfg", "manual/list-2.25.13.cfg",
    "manual/list-2.25.15.cfg", "manual/list-2.25.16.cfg",
};

enum { LIST_COUNT = sizeof lists / sizeof *lists };

static struct resolution resolve_list(const char *name)
{
    char *text = read_file(name);
    struct resolution r = resolve_text(text);
    free(text);
    return r;
}

static void S13_every_list_is_understood_without_foreign_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        char *text = read_file(lists[i]);
        struct reading r = read_text(text);
        assert_int_equal(r.diagnostics.errors, 0);
        assert_lacks(r.said, "not handled");
        reading_free(&r);
        free(text);
    }
}

static void S13_every_list_printed_is_the_same_config(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        char *text = read_file(lists[i]);
        struct reading r = read_text(text);
        char *running = printed(r.config);
        assert_prints(running, running);
        free(running);
        reading_free(&r);
        free(text);
    }
}

static void S13_every_tunnel_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        struct resolution r = resolve_list(lists[i]);
        for (size_t j = 0; j < r.policies.count; j++) {
            if (!r.policies.items[j].complete)
                fail_msg("%s: %s", lists[i], r.said);
        }
        resolution_free(&r);
    }
}

static struct octets secret(const struct resolution *r, key_number number)
{
    struct octets key = key_table_secret(r->keys, number);
    assert_true(key.length > 0);
    return key;
}

/* Fails unless each side has the ID and the key that the other side expects of it (R32). */
static void assert_they_match(const char *one, const char *one_tunnel, const char *other,
                              const char *other_tunnel)
{
    struct resolution a = resolve_list(one);
    struct resolution b = resolve_list(other);
    const struct tunnel_policy *p = policy_of(&a, one_tunnel);
    const struct tunnel_policy *q = policy_of(&b, other_tunnel);
    assert_memory_equal(&p->local_id, &q->remote_id, sizeof p->local_id);
    assert_memory_equal(&p->remote_id, &q->local_id, sizeof p->remote_id);
    assert_true(octets_equal(secret(&a, p->local_key), secret(&b, q->remote_key)));
    assert_true(octets_equal(secret(&a, p->remote_key), secret(&b, q->local_key)));
    resolution_free(&a);
    resolution_free(&b);
}

static void R32_the_pairs_of_the_manual_match(void **state)
{
    (void)state;
    assert_they_match(lists[0], "Tunnel1.0", lists[1], "Tunnel0.0");
    assert_they_match(lists[2], "Tunnel1.0", lists[3], "Tunnel0.0");
    assert_they_match(lists[6], "Tunnel0.0", lists[7], "Tunnel0.0");
    assert_they_match(lists[6], "Tunnel1.0", lists[7], "Tunnel1.0");
    assert_they_match(lists[10], "Tunnel1.0", lists[11], "Tunnel0.0");
}

static void S13_list_10_by_profile_and_list_11_by_tunnel_are_the_same_policy(void **state)
{
    (void)state;
    struct resolution a = resolve_list("manual/list-2.25.10.cfg");
    struct resolution b = resolve_list("manual/list-2.25.11.cfg");
    const struct tunnel_policy *p = policy_of(&a, "Tunnel0.0");
    const struct tunnel_policy *q = policy_of(&b, "Tunnel0.0");
    assert_memory_equal(&p->child, &q->child, sizeof p->child);
    assert_int_equal(p->ike.encryption, q->ike.encryption);
    assert_int_equal(p->ike.integrity, q->ike.integrity);
    assert_int_equal(p->dpd_interval, q->dpd_interval);
    /* Only the second list names a PRF. */
    assert_int_equal(p->ike.prf, ALGORITHM_SET_ALL(PRF_COUNT));
    assert_int_not_equal(q->ike.prf, ALGORITHM_SET_ALL(PRF_COUNT));
    resolution_free(&a);
    resolution_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S13_every_list_is_understood_without_foreign_lines),
        cmocka_unit_test(S13_every_list_printed_is_the_same_config),
        cmocka_unit_test(S13_every_tunnel_is_complete),
        cmocka_unit_test(R32_the_pairs_of_the_manual_match),
        cmocka_unit_test(S13_list_10_by_profile_and_list_11_by_tunnel_are_the_same_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
