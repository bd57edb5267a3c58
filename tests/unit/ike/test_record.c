/* The byte form of an IKE SA (design: SA state outlives every process): round trips, truncation, corruption.
 */
#include "ike/exchanges/informational.h"
#include "ike/exchanges/liveness.h"
#include "ike/sa/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD_MAX = 65535 };

static struct ip_endpoint endpoint(const char *address, uint16_t port)
{
    struct ip_endpoint e = {.port = port};
    assert_true(ip_address_parse(address, &e.address));
    return e;
}

/* An IKE SA with everything in it that a record holds; `children` Child SAs hang on it. */
struct specimen {
    struct ike_tunnel tunnel;
    struct ike_sa sa;
    struct child_sa children[IKE_RECORD_CHILDREN_MAX];
    struct ike_task tasks[2];
    struct negotiation own;
    uint8_t request[100], response[200], nonce[32];
};

static void fill_child(struct specimen *s, size_t i)
{
    struct child_sa *child = &s->children[i];
    child->ike_sa = &s->sa;
    child->suite = (struct ike_suite){.encryption = &encryption_algorithms[i % ENCRYPTION_COUNT],
                                      .integrity = i % ENCRYPTION_COUNT < 2 ? NULL : &integrity_algorithms[1],
                                      .dh = i % 2 == 0 ? NULL : &key_exchange_methods[3]};
    child->inbound.spi = (uint32_t)(1000 + i);
    child->outbound.spi = (uint32_t)(2000 + i);
    memset(child->outbound.encryption_key, (int)i, sizeof child->outbound.encryption_key);
    child->installed = true;
    child->replaced = i % 3 == 1;
    child->stopped = i % 3 == 2;
    child->waits_for_use = i % 3 == 0;
    child->lingering = i % 3 == 2;
    child->live_slot = (uint32_t)i;
    child->expires = 5000 + i;
    child->local_ts = selectors_of_policy(NULL, 0);
    child->remote_ts = selectors_of_policy(NULL, 0);
    LIST_INSERT_HEAD(&s->sa.children, child, link);
}

/* A rekey of an IKE SA whose answer has come. */
static void fill_own(struct specimen *s)
{
    struct negotiation *n = &s->own;
    memset(s->nonce, 0x77, sizeof s->nonce);
    n->phase = NEGOTIATION_FINISHES;
    n->nonce_i = n->nonce_r = (struct ike_buffer){s->nonce, sizeof s->nonce};
    n->key_exchange.method = &key_exchange_methods[1];
    memset(n->key_exchange.private_state, 0x11, sizeof n->key_exchange.private_state);
    memset(n->key_exchange.own_share, 0x33, sizeof n->key_exchange.own_share);
    memset(n->key_exchange.peer_share, 0x22, sizeof n->key_exchange.peer_share);
    n->request.proposal = (struct proposal_policy){.protocol = PROTOCOL_IKE,
                                                   .encryption = 0x15,
                                                   .integrity = 0x6,
                                                   .prf = ALGORITHM_SET_ALL(PRF_COUNT),
                                                   .dh = 0x9,
                                                   .dh_none = true};
    n->suite = s->sa.suite;
    n->new_spi = 0x5555;
    n->peer_spi = 0x6666;
    n->has_rival = true;
    n->rival_ike_sa = 0x7777;
    n->rival_nonce = lowest_nonce_of(&n->nonce_i, &n->nonce_r);
    s->sa.own = n;
}

static struct specimen *specimen_new(size_t children)
{
    struct specimen *s = calloc(1, sizeof *s);
    assert_non_null(s);
    struct ike_sa *sa = &s->sa;
    s->tunnel.policy.tunnel = 65537;
    sa->tunnel = &s->tunnel;
    sa->serial = 7;
    sa->state = IKE_SA_ESTABLISHED;
    sa->initiator = true;
    sa->nat_remote = true;
    sa->encapsulate = true;
    sa->spi_i = 0x1111111122222222;
    sa->spi_r = 0x3333333344444444;
    sa->local = endpoint("10.1.0.1", 4500);
    sa->remote = endpoint("2001:db8::2", 4500);
    sa->peer_address = endpoint("2001:db8::99", 0).address;
    sa->ifindex = 3;
    sa->mark = 0x77;
    sa->suite = (struct ike_suite){&encryption_algorithms[2], &integrity_algorithms[3], &prf_algorithms[1],
                                   &key_exchange_methods[0]};
    memset(&sa->keys, 0xab, sizeof sa->keys);
    sa->local_id = (struct identity){.type = ID_KEY_ID, .length = 5, .value = "site1"};
    sa->remote_id = (struct identity){.type = ID_FQDN, .length = IDENTITY_SIZE};
    sa->request_id = 9;
    sa->expected_id = 4;
    sa->gcm_iv = 12345678901234;
    sa->created = 1000;
    sa->expires = 86401000;
    sa->request = (struct ike_buffer){s->request, sizeof s->request};
    sa->response = (struct ike_buffer){s->response, sizeof s->response};
    sa->request_out = true;
    sa->nonce_i = sa->nonce_r = (struct ike_buffer){s->nonce, sizeof s->nonce};
    (void)snprintf(sa->delete_reason, sizeof sa->delete_reason, "Delete IKE SA by command");
    STAILQ_INIT(&sa->tasks);
    s->tasks[0] = (struct ike_task){.kind = &task_liveness};
    s->tasks[1] = (struct ike_task){.kind = &task_delete_child_sa, .spi = 1001};
    STAILQ_INSERT_TAIL(&sa->tasks, &s->tasks[0], link);
    STAILQ_INSERT_TAIL(&sa->tasks, &s->tasks[1], link);
    fill_own(s);
    for (size_t i = 0; i < children; i++)
        fill_child(s, i);
    return s;
}

static struct octets write(const struct specimen *s, uint8_t *at, size_t capacity)
{
    struct writer w = writer_to(at, capacity);
    ike_record_write(&s->sa, &w);
    return w.failed ? (struct octets){NULL, 0} : writer_octets(&w);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    assert_true(ike_record_read(write(s, at, sizeof at), &r));

    assert_int_equal(r.serial, 7);
    assert_int_equal(r.tunnel, 65537);
    assert_int_equal(r.state, IKE_SA_ESTABLISHED);
    assert_true(r.has_tunnel && r.initiator && r.nat_remote && r.encapsulate);
    assert_false(r.replaced || r.nat_local || r.fragmentation);
    assert_true(r.spi_i == s->sa.spi_i && r.spi_r == s->sa.spi_r);
    assert_true(ip_endpoint_equal(&r.local, &s->sa.local) && ip_endpoint_equal(&r.remote, &s->sa.remote));
    assert_true(ip_address_equal(&r.peer_address, &s->sa.peer_address));
    assert_ptr_equal(r.suite.encryption, encryption_by_id(ENCR_AES_CBC, 256));
    assert_ptr_equal(r.suite.integrity, integrity_by_id(AUTH_HMAC_SHA1_96));
    assert_ptr_equal(r.suite.prf, prf_by_id(PRF_HMAC_SHA2_384));
    assert_ptr_equal(r.suite.dh, key_exchange_by_id(KE_MODP_3072));
    assert_memory_equal(&r.keys, &s->sa.keys, sizeof r.keys);
    assert_int_equal(r.local_id.length, 5);
    assert_int_equal(r.remote_id.length, IDENTITY_SIZE);
    assert_int_equal(r.request_id, 9);
    assert_int_equal(r.expected_id, 4);
    assert_true(r.gcm_iv == s->sa.gcm_iv && r.expires == s->sa.expires);
    assert_int_equal(r.request.length, sizeof s->request);
    assert_int_equal(r.response.length, sizeof s->response);
    assert_int_equal(r.child_count, 3);
    assert_int_equal(r.children[0].inbound.spi, 1002); /* as the list has them, newest first */
    assert_null(r.children[2].suite.integrity);
    assert_null(r.children[2].suite.dh);
    assert_int_equal(r.children[0].local_ts.count, 2);
    free(s);
}

static void what_is_under_way_is_written_and_read(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    assert_true(ike_record_read(write(s, at, sizeof at), &r));

    assert_int_equal(r.task_count, 2);
    assert_int_equal(r.tasks[1].number, TASK_DELETE_CHILD_SA);
    assert_int_equal(r.tasks[1].spi, 1001);
    assert_int_equal(r.delete_reason.length, strlen("Delete IKE SA by command"));
    assert_int_equal(r.lifetime_due, MSEC_NEVER);
    assert_true(r.children[0].stopped && !r.children[0].waits_for_use);
    assert_true(!r.children[2].stopped && r.children[2].waits_for_use);
    assert_true(r.has_own);
    const struct negotiation *n = &r.own.negotiation;
    assert_int_equal(n->phase, NEGOTIATION_FINISHES);
    assert_int_equal(r.own.nonce_r.length, sizeof s->nonce);
    const struct key_exchange *x = &n->key_exchange;
    assert_ptr_equal(x->method, &key_exchange_methods[1]);
    assert_memory_equal(x->private_state, s->own.key_exchange.private_state, sizeof x->private_state);
    assert_memory_equal(x->own_share, s->own.key_exchange.own_share, sizeof x->own_share);
    assert_memory_equal(x->peer_share, s->own.key_exchange.peer_share, sizeof x->peer_share);
    assert_memory_equal(&n->request.proposal, &s->own.request.proposal, sizeof n->request.proposal);
    assert_memory_equal(&n->suite, &s->sa.suite, sizeof n->suite);
    assert_true(n->new_spi == 0x5555 && n->peer_spi == 0x6666 && n->has_rival && n->rival_ike_sa == 0x7777);
    assert_memory_equal(&n->rival_nonce, &s->own.rival_nonce, sizeof n->rival_nonce);
    free(s);
}

/* Its share would be made anew, so that nothing of it is worth keeping. */
static void a_negotiation_without_its_share_is_not_recorded(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(0);
    s->own.phase = NEGOTIATION_GENERATES;
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    assert_true(ike_record_read(write(s, at, sizeof at), &r));
    assert_false(r.has_own);
    free(s);
}

static void a_request_that_is_not_out_is_not_recorded(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(0);
    s->sa.request_out = false;
    s->sa.tunnel = NULL;
    s->sa.suite = (struct ike_suite){0};
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    assert_true(ike_record_read(write(s, at, sizeof at), &r));
    assert_int_equal(r.request.length, 0);
    assert_false(r.has_tunnel);
    assert_null(r.suite.encryption);
    assert_int_equal(r.child_count, 0);
    free(s);
}

static void the_largest_record_fits_a_slot_of_64_kib(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(IKE_RECORD_CHILDREN_MAX);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    assert_true(ike_record_read(write(s, at, sizeof at), &r));
    assert_int_equal(r.child_count, IKE_RECORD_CHILDREN_MAX);
    free(s);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(1);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = write(s, at, sizeof at);
    at[3]++;
    assert_false(ike_record_read(record, &r));
    free(s);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(2);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = write(s, at, sizeof at);
    for (size_t length = 0; length < record.length; length++) {
        uint8_t *copy = malloc(length > 0 ? length : 1); /* of its exact size, for the sanitizer */
        assert_non_null(copy);
        memcpy(copy, at, length);
        assert_false(ike_record_read((struct octets){copy, length}, &r));
        free(copy);
    }
    at[record.length] = 0;
    assert_false(ike_record_read((struct octets){at, record.length + 1}, &r));
    free(s);
}

/* A damaged record may read as another one, but its numbers are within their bounds. */
static void corrupted_records_never_lead_out_of_bounds(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = write(s, at, sizeof at);
    for (size_t bit = 0; bit < 8 * record.length; bit++) {
        at[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (ike_record_read(record, &r)) {
            assert_true(r.state <= IKE_SA_DELETING);
            assert_true(r.child_count <= IKE_RECORD_CHILDREN_MAX);
            assert_true(r.local_id.length <= IDENTITY_SIZE && r.remote_id.length <= IDENTITY_SIZE);
            assert_true(r.local.address.family == IP_NONE || r.local.address.family == IP_V4 ||
                        r.local.address.family == IP_V6);
            assert_true(r.task_count <= IKE_RECORD_TASKS_MAX);
            assert_true(r.own.negotiation.request.local_ts.count <= ESP_SELECTORS_MAX);
            assert_true(r.own.negotiation.rival_nonce.length <= NONCE_SIZE_MAX);
            for (size_t i = 0; i < r.child_count; i++)
                assert_true(r.children[i].local_ts.count <= ESP_SELECTORS_MAX &&
                            r.children[i].live_slot < IKE_RECORD_SLOTS_MAX);
        }
        at[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    free(s);
}

static void a_state_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    enum { STATE_AT = 4 + 4 + 4 + 1 };
    struct specimen *s = specimen_new(1);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = write(s, at, sizeof at);
    assert_int_equal(at[STATE_AT], IKE_SA_ESTABLISHED);
    at[STATE_AT] = IKE_SA_DELETING + 1;
    assert_false(ike_record_read(record, &r));
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_under_way_is_written_and_read),
        cmocka_unit_test(a_negotiation_without_its_share_is_not_recorded),
        cmocka_unit_test(a_request_that_is_not_out_is_not_recorded),
        cmocka_unit_test(the_largest_record_fits_a_slot_of_64_kib),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(corrupted_records_never_lead_out_of_bounds),
        cmocka_unit_test(a_state_that_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
