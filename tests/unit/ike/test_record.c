/* The byte form of an IKE SA (design: SA state outlives every process): round trips, versions, what another
 * machine can use, truncation, corruption.
 */
#include "ike/sa/record_check.h"

#include "ike/exchanges/informational.h"
#include "ike/exchanges/liveness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD_MAX = 65535 };

#define EPOCH UINT64_C(1790000000000) /* Unix time when the clock of `created` and `expires` was 0 */

static struct ip_endpoint endpoint(const char *address, uint16_t port)
{
    struct ip_endpoint e = {.port = port};
    assert_true(ip_address_parse(address, &e.address));
    return e;
}

enum { LENGTH_AT = 24 }; /* in a message: its length */

/* An IKE SA with everything in it that a record holds; `children` Child SAs hang on it. */
struct specimen {
    struct ike_tunnel tunnel;
    struct ike_sa sa;
    struct child_sa children[IKE_RECORD_CHILDREN_MAX];
    struct ike_task tasks[2];
    struct negotiation own;
    struct traffic_selector selectors[IKE_RECORD_CHILDREN_MAX][4]; /* two local, two remote */
    uint8_t request[100], response[200], nonce[32];
    uint8_t local_id[5], remote_id[IDENTITY_SIZE];
    char delete_reason[DELETE_REASON_SIZE];
};

static void fill_child(struct specimen *s, size_t i)
{
    struct child_sa *child = &s->children[i];
    child->ike_sa = &s->sa;
    const struct encryption_algorithm *encryption =
        i % 2 == 0 ? encryption_by_id(ENCR_AES_GCM_16, 128) : encryption_by_id(ENCR_3DES, 0);
    child->suite =
        (struct ike_suite){.encryption = encryption,
                           .integrity = i % 2 == 0 ? NULL : integrity_by_id(AUTH_HMAC_SHA2_384_192),
                           .dh = i % 2 == 0 ? NULL : key_exchange_by_id(KE_MODP_1024)};
    child->inbound.spi = (uint32_t)(1000 + i);
    child->outbound.spi = (uint32_t)(2000 + i);
    child->inbound.serial = (uint32_t)(2 * i + 1);
    child->outbound.serial = (uint32_t)(2 * i + 2);
    memset(child->outbound.encryption_key, (int)i, encryption->key_size + encryption->salt_size);
    child->installed = true;
    child->replaced = i % 3 == 1;
    child->stopped = i % 3 == 2;
    child->waits_for_use = i % 3 == 0;
    child->lingering = i % 3 == 2;
    child->live_slot = (uint32_t)i;
    child->created = 4000 + i;
    child->expires = 5000 + i;
    child->selectors = s->selectors[i];
    child->local_count = child->remote_count = 2;
    for (size_t side = 0; side < 2; side++)
        memcpy(s->selectors[i] + 2 * side, selectors_of_policy(NULL, 0).ts, 2 * sizeof **s->selectors);
    LIST_INSERT_HEAD(&s->sa.children, child, link);
}

/* A rekey of an IKE SA whose answer has come. */
static void fill_own(struct specimen *s)
{
    struct negotiation *n = &s->own;
    n->suite = s->sa.suite;
    n->phase = NEGOTIATION_FINISHES;
    n->nonce_i = n->nonce_r = (struct ike_buffer){s->nonce, sizeof s->nonce};
    n->key_exchange.method = s->sa.suite.dh;
    memset(n->key_exchange.private_state, 0x11, s->sa.suite.dh->private_size);
    memset(n->key_exchange.own_share, 0x33, s->sa.suite.dh->initiator_share_size);
    memset(n->key_exchange.peer_share, 0x22, s->sa.suite.dh->responder_share_size);
    n->request.proposal =
        (struct proposal_policy){.protocol = PROTOCOL_IKE,
                                 .encryption = ALGORITHM_SET_OF(n->suite.encryption, encryption_algorithms),
                                 .integrity = ALGORITHM_SET_OF(n->suite.integrity, integrity_algorithms),
                                 .prf = ALGORITHM_SET_OF(n->suite.prf, prf_algorithms),
                                 .dh = ALGORITHM_SET_OF(n->suite.dh, key_exchange_methods),
                                 .dh_none = true};
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
    sa->superfluous = 0x4444;
    sa->local = endpoint("2001:db8::1", 4500);
    sa->remote = endpoint("2001:db8::2", 4500);
    sa->peer_address = endpoint("2001:db8::99", 0).address;
    sa->ifindex = 3;
    sa->mark = 0x77;
    sa->suite = (struct ike_suite){encryption_by_id(ENCR_AES_CBC, 256), integrity_by_id(AUTH_HMAC_SHA1_96),
                                   prf_by_id(PRF_HMAC_SHA2_384), key_exchange_by_id(KE_MODP_3072)};
    memset(sa->keys.d, 0xab, sa->suite.prf->size);
    memset(sa->keys.ar, 0xcd, sa->suite.integrity->key_size);
    memset(sa->keys.ei, 0xef, sa->suite.encryption->key_size);
    memset(s->nonce, 0x77, sizeof s->nonce);
    store_u32be(s->request + LENGTH_AT, sizeof s->request);
    store_u32be(s->response + LENGTH_AT, sizeof s->response / 2); /* two fragments */
    store_u32be(s->response + sizeof s->response / 2 + LENGTH_AT, sizeof s->response / 2);
    memcpy(s->local_id, "site1", 5);
    sa->local_id = (struct kept_identity){.type = ID_KEY_ID, .length = 5, .value = s->local_id};
    sa->remote_id = (struct kept_identity){.type = ID_FQDN, .length = IDENTITY_SIZE, .value = s->remote_id};
    sa->request_id = 9;
    sa->expected_id = 4;
    sa->gcm_iv = 12345678901234;
    sa->created = 1000;
    sa->begun_here = true;
    sa->started_event = 11;
    sa->established_event = 12;
    sa->arrival_ifindex = 2;
    sa->additional.scope = SCOPE_PAIR;
    sa->additional.refused = FAMILY_V6;
    sa->expires = 86401000;
    sa->request = (struct ike_buffer){s->request, sizeof s->request};
    sa->response = (struct ike_buffer){s->response, sizeof s->response};
    sa->request_out = true;
    sa->nonce_i = sa->nonce_r = (struct ike_buffer){s->nonce, sizeof s->nonce};
    sa->delete_notify = 24;
    sa->delete_reason = s->delete_reason;
    (void)snprintf(s->delete_reason, sizeof s->delete_reason, "Delete IKE SA by command");
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
    ike_record_write(&s->sa, EPOCH, &w);
    return w.failed ? (struct octets){NULL, 0} : writer_octets(&w);
}

static bool read(struct octets record, struct ike_record *out)
{
    return ike_record_read(record, 0, out) == IKE_RECORD_READ;
}

/* What a record of specimen_new(3) says. */
static void assert_is_specimen_but_for_what_is_under_way(const struct ike_record *r, const struct specimen *s)
{
    assert_int_equal(r->serial, 7);
    assert_int_equal(r->tunnel, 65537);
    assert_int_equal(r->state, IKE_SA_ESTABLISHED);
    assert_true(r->has_tunnel && r->initiator && r->nat_remote && r->encapsulate);
    assert_false(r->replaced || r->nat_local || r->fragmentation);
    assert_true(r->spi_i == s->sa.spi_i && r->spi_r == s->sa.spi_r);
    assert_true(ip_endpoint_equal(&r->local, &s->sa.local) && ip_endpoint_equal(&r->remote, &s->sa.remote));
    assert_true(ip_address_equal(&r->peer_address, &s->sa.peer_address));
    assert_ptr_equal(r->suite.encryption, encryption_by_id(ENCR_AES_CBC, 256));
    assert_ptr_equal(r->suite.integrity, integrity_by_id(AUTH_HMAC_SHA1_96));
    assert_ptr_equal(r->suite.prf, prf_by_id(PRF_HMAC_SHA2_384));
    assert_ptr_equal(r->suite.dh, key_exchange_by_id(KE_MODP_3072));
    assert_memory_equal(&r->keys, &s->sa.keys, sizeof r->keys);
    assert_int_equal(r->local_id.length, 5);
    assert_int_equal(r->remote_id.length, IDENTITY_SIZE);
    assert_int_equal(r->request_id, 9);
    assert_int_equal(r->expected_id, 4);
    assert_true(r->gcm_iv == s->sa.gcm_iv && r->created == s->sa.created && r->expires == s->sa.expires);
    assert_true(r->of_this_machine && !r->route_unknown);
    assert_true(r->ifindex == 3 && r->mark == 0x77 && r->arrival_ifindex == 2);
    assert_true(r->started_event == 11 && r->established_event == 12 && r->begun_here);
    assert_true(r->superfluous == 0x4444 && r->child_scope == SCOPE_PAIR && r->families_refused == FAMILY_V6);
    assert_int_equal(r->request.length, sizeof s->request);
    assert_int_equal(r->response.length, sizeof s->response);
    assert_int_equal(r->child_count, 3);
    assert_int_equal(r->children[0].inbound.spi, 1002); /* as the list has them, newest first */
    assert_int_equal(r->children[0].inbound.serial, 5);
    assert_int_equal(r->children[0].live_slot, 2);
    assert_true(r->children[0].created == 4002 && r->children[0].expires == 5002);
    assert_memory_equal(r->children[0].outbound.encryption_key, s->children[2].outbound.encryption_key,
                        ENCRYPTION_KEY_MAX);
    assert_null(r->children[2].suite.integrity);
    assert_null(r->children[2].suite.dh);
    assert_int_equal(r->children[0].local_ts.count, 2);
}

static void assert_has_what_is_under_way(const struct ike_record *r, const struct specimen *s)
{
    assert_int_equal(r->task_count, 2);
    assert_int_equal(r->tasks[1].number, TASK_DELETE_CHILD_SA);
    assert_int_equal(r->tasks[1].spi, 1001);
    assert_int_equal(r->delete_reason.length, strlen("Delete IKE SA by command"));
    assert_int_equal(r->lifetime_due, MSEC_NEVER);
    assert_true(r->children[0].stopped && !r->children[0].waits_for_use);
    assert_true(!r->children[2].stopped && r->children[2].waits_for_use);
    assert_true(r->has_own);
    const struct negotiation *n = &r->own.negotiation;
    assert_int_equal(n->phase, NEGOTIATION_FINISHES);
    assert_int_equal(r->own.nonce_r.length, sizeof s->nonce);
    const struct key_exchange *x = &n->key_exchange;
    assert_ptr_equal(x->method, key_exchange_by_id(KE_MODP_3072));
    assert_memory_equal(x->private_state, s->own.key_exchange.private_state, sizeof x->private_state);
    assert_memory_equal(x->own_share, s->own.key_exchange.own_share, sizeof x->own_share);
    assert_memory_equal(x->peer_share, s->own.key_exchange.peer_share, sizeof x->peer_share);
    assert_memory_equal(&n->request.proposal, &s->own.request.proposal, sizeof n->request.proposal);
    assert_memory_equal(&n->suite, &s->sa.suite, sizeof n->suite);
    assert_true(n->new_spi == 0x5555 && n->peer_spi == 0x6666 && n->has_rival && n->rival_ike_sa == 0x7777);
    assert_memory_equal(&n->rival_nonce, &s->own.rival_nonce, sizeof n->rival_nonce);
}

static void assert_is_specimen(const struct ike_record *r, const struct specimen *s)
{
    assert_is_specimen_but_for_what_is_under_way(r, s);
    assert_has_what_is_under_way(r, s);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    assert_true(read(write(s, at, sizeof at), &r));
    assert_is_specimen_but_for_what_is_under_way(&r, s);
    free(s);
}

/* Damage there would have two addresses differ that are the same. */
static void octets_that_an_address_does_not_use_are_read_as_zeros(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct ip_address *last = &s->selectors[2][0].last;
    assert_int_equal(last->family, IP_V4);
    last->octets[15] = 1;
    assert_true(read(write(s, at, sizeof at), &r));
    last->octets[15] = 0;
    assert_true(ip_address_equal(&r.children[0].local_ts.ts[0].last, last));
    assert_memory_equal(&r.children[0].local_ts.ts[0].last.octets, last->octets, sizeof last->octets);
    free(s);
}

static void what_is_under_way_is_written_and_read(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    assert_true(read(write(s, at, sizeof at), &r));
    assert_has_what_is_under_way(&r, s);
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
    assert_true(read(write(s, at, sizeof at), &r));
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
    assert_true(read(write(s, at, sizeof at), &r));
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
    assert_true(read(write(s, at, sizeof at), &r));
    assert_int_equal(r.child_count, IKE_RECORD_CHILDREN_MAX);
    free(s);
}

/* ---- Versions ---------------------------------------------------------------------------------------- */

enum { VERSION_AT = 0, READABLE_FROM_AT = 4, TUNNEL_AT = 9, SECTIONS_LENGTH_AT = 13, SECTIONS_AT = 17 };

static void a_record_that_says_to_be_too_new_is_refused(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(1);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = write(s, at, sizeof at);
    store_u32be(at + VERSION_AT, IKE_RECORD_VERSION + 1);
    store_u32be(at + READABLE_FROM_AT, IKE_RECORD_VERSION + 1);
    assert_int_equal(ike_record_read(record, 0, &r), IKE_RECORD_TOO_NEW);
    assert_int_equal(r.version, IKE_RECORD_VERSION + 1);
    free(s);
}

/* Before version 4 there were no sections: all fields stood behind the version. */
static void a_record_of_a_form_that_is_gone_is_refused(void **state)
{
    (void)state;
    const uint8_t record[] = {0, 0, 0, 3, 0, 0, 0, 7, 0, 1, 0, 1, 1};
    static struct ike_record r;
    assert_int_equal(ike_record_read((struct octets){record, sizeof record}, 0, &r), IKE_RECORD_TOO_OLD);
    assert_int_equal(r.version, 3);
}

/* Where the section starts; fails if there is none. `first` is where to look. */
static uint8_t *find_section(struct octets record, uint8_t *at, enum ike_record_section section)
{
    for (size_t i = SECTIONS_AT; i < record.length; i += 5 + load_u32be(at + i + 1)) {
        if (at[i] == section)
            return at + i;
    }
    fail_msg("no section %u", section);
    return NULL;
}

/* Puts octets into a record, into the section that starts at `section` or, with NULL, behind all of them. */
static struct octets insert(struct octets record, uint8_t *at, uint8_t *section, size_t where,
                            const uint8_t *octets, size_t length)
{
    memmove(at + where + length, at + where, record.length - where);
    memcpy(at + where, octets, length);
    if (section != NULL)
        store_u32be(section + 1, load_u32be(section + 1) + (uint32_t)length);
    store_u32be(at + SECTIONS_LENGTH_AT, load_u32be(at + SECTIONS_LENGTH_AT) + (uint32_t)length);
    return (struct octets){at, record.length + length};
}

/* It says that this version understands it: what it has more is passed over. */
static void what_a_newer_version_has_more_is_passed_over(void **state)
{
    (void)state;
    static const uint8_t fields[] = {1, 2, 3, 4, 5}, section[] = {77, 0, 0, 0, 3, 9, 9, 9};
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = write(s, at, sizeof at);
    for (uint8_t number = SECTION_MACHINE; number <= SECTION_CHILD_SA; number++) {
        uint8_t *begin = find_section(record, at, (enum ike_record_section)number);
        size_t end = (size_t)(begin - at) + 5 + load_u32be(begin + 1);
        record = insert(record, at, begin, end, fields, sizeof fields);
    }
    record = insert(record, at, NULL, record.length, section, sizeof section);
    assert_int_equal(ike_record_read(record, 0, &r), IKE_RECORD_DAMAGED); /* in this version it has none */

    store_u32be(at + VERSION_AT, IKE_RECORD_VERSION + 1);

    assert_int_equal(ike_record_read(record, 0, &r), IKE_RECORD_READ);
    assert_is_specimen(&r, s);
    free(s);
}

/* The shows look for a tunnel's records. */
static void the_tunnel_is_told_without_reading_the_rest(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(1);
    static uint8_t at[RECORD_MAX];
    uint32_t tunnel = 0;
    struct octets record = write(s, at, sizeof at);
    memset(at + SECTIONS_AT, 0xff, record.length - SECTIONS_AT);
    assert_true(ike_record_tunnel(record, &tunnel));
    assert_int_equal(tunnel, 65537);

    s->sa.tunnel = NULL;
    record = write(s, at, sizeof at);
    assert_false(ike_record_tunnel(record, &tunnel));
    free(s);
}

/* ---- The records of all versions --------------------------------------------------------------------- */

/* Reads tests/unit/ike/record-VERSION.hex. */
static struct octets load_record(unsigned version, uint8_t *at)
{
    char path[200];
    unsigned octet;
    size_t length = 0;
    (void)snprintf(path, sizeof path, RECORDS_FOLDER "/record-%u.hex", version);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s is missing: IKE_RECORD_VERSION was raised, so write it with MUSUBI_WRITE_RECORD=%s",
                 path, path);
    while (length < RECORD_MAX && fscanf(file, "%2x", &octet) == 1)
        at[length++] = (uint8_t)octet;
    (void)fclose(file);
    return (struct octets){at, length};
}

/* With MUSUBI_WRITE_RECORD=FILE in the environment: writes the specimen for those who come after. */
static void keep_record(struct octets record)
{
    const char *path = getenv("MUSUBI_WRITE_RECORD");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file == NULL)
        return;
    for (size_t i = 0; i < record.length; i++)
        (void)fprintf(file, "%02x%s", record.at[i], i % 50 == 49 || i + 1 == record.length ? "\n" : "");
    (void)fclose(file);
}

/* Who changes the form raises IKE_RECORD_VERSION, and leaves the records of versions before as they are. */
static void the_form_of_a_version_stays_as_it_is(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX], kept_at[RECORD_MAX];
    struct octets record = write(s, at, sizeof at);
    keep_record(record);
    struct octets kept = load_record(IKE_RECORD_VERSION, kept_at);
    assert_int_equal(record.length, kept.length);
    assert_memory_equal(record.at, kept.at, kept.length);
    free(s);
}

static void records_of_all_versions_are_read(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(3);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    for (unsigned version = IKE_RECORD_OLDEST_VERSION; version <= IKE_RECORD_VERSION; version++) {
        assert_int_equal(ike_record_read(load_record(version, at), 0, &r), IKE_RECORD_READ);
        assert_int_equal(r.version, version);
        assert_int_equal(r.delete_notify, version >= 5 ? 24 : 0);
        assert_is_specimen(&r, s);
    }
    free(s);
}

/* ---- Another machine --------------------------------------------------------------------------------- */

/* Takes out what means nothing elsewhere. */
static struct octets strip_machine(struct octets record, uint8_t *at)
{
    uint8_t *section = find_section(record, at, SECTION_MACHINE);
    size_t length = 5 + load_u32be(section + 1);
    size_t behind = (size_t)(section - at) + length;
    memmove(section, at + behind, record.length - behind);
    store_u32be(at + SECTIONS_LENGTH_AT, load_u32be(at + SECTIONS_LENGTH_AT) - (uint32_t)length);
    return (struct octets){at, record.length - length};
}

static void what_is_of_one_machine_can_be_left_out(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(2);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = strip_machine(write(s, at, sizeof at), at);

    assert_int_equal(ike_record_read(record, EPOCH, &r), IKE_RECORD_READ);

    assert_false(r.of_this_machine);
    assert_true(r.serial == 0 && r.ifindex == 0 && r.mark == 0 && r.arrival_ifindex == 0);
    assert_true(r.started_event == 0 && r.established_event == 0);
    assert_true(r.children[0].live_slot == 0 && r.children[0].inbound.serial == 0);
    assert_int_equal(r.tunnel, 65537);
    assert_int_equal(r.child_count, 2);
    assert_memory_equal(&r.keys, &s->sa.keys, sizeof r.keys);
    free(s);
}

/* The clock of the reader began 3 s after that of the writer. */
static void times_are_those_of_the_clock_of_the_reader(void **state)
{
    (void)state;
    struct specimen *s = specimen_new(2);
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct octets record = write(s, at, sizeof at);
    assert_true(ike_record_read(record, EPOCH + 3000, &r) == IKE_RECORD_READ);
    assert_true(r.created == 1000 && r.expires == 86401000);

    record = strip_machine(record, at);

    assert_true(ike_record_read(record, EPOCH + 3000, &r) == IKE_RECORD_READ);
    assert_true(r.created == 0); /* that was before the clock began */
    assert_true(r.expires == 86398000 && r.lifetime_due == MSEC_NEVER);
    assert_true(r.children[0].created == 1001 && r.children[0].expires == 2001);
    free(s);
}

/* ---- Damage ------------------------------------------------------------------------------------------ */

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
        assert_false(read((struct octets){copy, length}, &r));
        free(copy);
    }
    at[record.length] = 0;
    assert_false(read((struct octets){at, record.length + 1}, &r));
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
        if (read(record, &r)) {
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

static void values_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    const struct {
        enum ike_record_section section;
        size_t offset;
        uint8_t value;
    } cases[] = {
        {SECTION_IKE_SA, 5, IKE_SA_DELETING + 1}, /* state */
        {SECTION_MACHINE, 5, 1},                  /* epoch: of a time far away */
        {SECTION_MACHINE, 5 + 12, 2},             /* whether the route is known */
        {SECTION_KEYS, 5, 0x33},                  /* encryption algorithm */
        {SECTION_KEYS, 5 + 10, 1},                /* length of SK_d */
        {SECTION_CHILD_SA, 5 + 4, 0x44},          /* integrity algorithm */
        {SECTION_CHILD_SA, 5 + 12, 1},            /* time of creation */
    };
    struct specimen *s = specimen_new(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets record = write(s, at, sizeof at);
        find_section(record, at, cases[i].section)[cases[i].offset] = cases[i].value;
        if (ike_record_read(record, 0, &r) != IKE_RECORD_DAMAGED)
            fail_msg("case %zu was read", i);
    }
    free(s);
}

/* The engine sends them one after the other, by their lengths. */
static void messages_have_the_lengths_that_they_tell(void **state)
{
    (void)state;
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    static const uint32_t wrong[] = {0, 1, 27, 99, 101, UINT32_MAX};
    struct specimen *s = specimen_new(1);
    assert_true(read(write(s, at, sizeof at), &r));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        store_u32be(s->request + LENGTH_AT, wrong[i]);
        assert_false(read(write(s, at, sizeof at), &r));
    }
    store_u32be(s->request + LENGTH_AT, sizeof s->request);
    store_u32be(s->response + sizeof s->response / 2 + LENGTH_AT, 0); /* of its second fragment */
    assert_false(read(write(s, at, sizeof at), &r));
    free(s);
}

/* ---- Parts that do not fit each other ---------------------------------------------------------------- */

static void break_superfluous(struct ike_record *r)
{
    r->superfluous = r->spi_i;
}

static void break_predecessor(struct ike_record *r)
{
    r->predecessor = r->spi_i;
}

static void break_peer_spi(struct ike_record *r)
{
    r->spi_r = 0;
}

static void break_integrity(struct ike_record *r)
{
    r->suite.integrity = NULL;
}

static void break_prf(struct ike_record *r)
{
    r->suite.prf = NULL;
}

static void break_nonce(struct ike_record *r)
{
    r->nonce_r.length = 15;
}

static void break_address(struct ike_record *r)
{
    r->remote.address.family = IP_V4;
}

static void break_reason(struct ike_record *r)
{
    static const uint8_t lines[] = "two\nlines";
    r->delete_reason = (struct octets){lines, sizeof lines - 1};
}

static void break_child_spi(struct ike_record *r)
{
    r->children[1].outbound.spi = 255;
}

static void break_child_is_there_twice(struct ike_record *r)
{
    r->children[2].inbound.spi = r->children[0].inbound.spi;
}

static void break_child_is_not_installed(struct ike_record *r)
{
    r->children[0].installed = false;
}

static void break_child_selectors(struct ike_record *r)
{
    r->children[0].remote_ts.count = 0;
}

static void break_child_integrity(struct ike_record *r)
{
    r->children[0].suite.integrity = integrity_by_id(AUTH_HMAC_SHA1_96); /* beside GCM */
}

static void break_request_of_nothing(struct ike_record *r)
{
    r->has_own = false;
    r->request = r->nonce_i;
    r->task_count = 0;
}

static void break_request_without_negotiation(struct ike_record *r)
{
    r->has_own = false;
    r->request = r->nonce_i;
    r->tasks[0] = (struct ike_task_record){TASK_REKEY_CHILD, 1001};
}

static void break_request_while_the_secret_is_made(struct ike_record *r)
{
    r->request = r->nonce_i;
}

static void break_negotiation_of_no_task(struct ike_record *r)
{
    r->own.negotiation.phase = NEGOTIATION_READY;
}

static void break_negotiation_of_another_task(struct ike_record *r)
{
    r->own.negotiation.phase = NEGOTIATION_READY;
    r->request = r->nonce_i;
    r->tasks[0] = (struct ike_task_record){TASK_ADDITIONAL_CHILD, 0};
}

static void break_negotiation_phase(struct ike_record *r)
{
    r->own.negotiation.phase = NEGOTIATION_GENERATES;
}

static void break_negotiation_nonce(struct ike_record *r)
{
    r->own.nonce_r.length = 0;
}

static void break_negotiation_group(struct ike_record *r)
{
    r->own.negotiation.key_exchange.method = key_exchange_by_id(KE_MODP_1024);
}

static void break_negotiation_without_group(struct ike_record *r)
{
    r->own.negotiation.key_exchange.method = NULL;
}

static void break_rival(struct ike_record *r)
{
    r->own.negotiation.rival_ike_sa = r->spi_i;
}

static void break_new_spi(struct ike_record *r)
{
    r->own.negotiation.new_spi = r->spi_i;
}

static void break_agreement(struct ike_record *r)
{
    struct negotiation *n = &r->own.negotiation;
    n->new_spi = 0; /* that of a Child SA: what was agreed on is missing */
    n->request.inbound_spi = 4000;
    n->request.local_ts = n->request.remote_ts = r->children[0].local_ts;
}

static void an_ike_sa_whose_parts_do_not_fit_has_a_fault(void **state)
{
    (void)state;
    static void (*const breaks[])(struct ike_record * r) = {
        break_superfluous,
        break_predecessor,
        break_peer_spi,
        break_integrity,
        break_prf,
        break_nonce,
        break_address,
        break_reason,
        break_child_spi,
        break_child_is_there_twice,
        break_child_is_not_installed,
        break_child_selectors,
        break_child_integrity,
        break_request_of_nothing,
        break_request_without_negotiation,
        break_request_while_the_secret_is_made,
        break_negotiation_of_no_task,
        break_negotiation_of_another_task,
        break_negotiation_phase,
        break_negotiation_nonce,
        break_negotiation_group,
        break_negotiation_without_group,
        break_rival,
        break_new_spi,
        break_agreement,
    };
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct specimen *s = specimen_new(3);
    s->sa.request_out = false; /* since the secret is being made */
    struct octets record = write(s, at, sizeof at);
    assert_true(read(record, &r));
    assert_null(ike_record_fault(&r));
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        assert_true(read(record, &r));
        breaks[i](&r);
        if (ike_record_fault(&r) == NULL)
            fail_msg("case %zu has no fault", i);
    }
    free(s);
}

static void an_ike_sa_that_is_being_deleted_may_have_a_negotiation_left_over(void **state)
{
    (void)state;
    static uint8_t at[RECORD_MAX];
    static struct ike_record r;
    struct specimen *s = specimen_new(1);
    s->own.phase = NEGOTIATION_READY;
    s->sa.state = IKE_SA_DELETING;
    s->tasks[0].kind = &task_delete_ike_sa;
    assert_true(read(write(s, at, sizeof at), &r));
    assert_null(ike_record_fault(&r));
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(octets_that_an_address_does_not_use_are_read_as_zeros),
        cmocka_unit_test(what_is_under_way_is_written_and_read),
        cmocka_unit_test(a_negotiation_without_its_share_is_not_recorded),
        cmocka_unit_test(a_request_that_is_not_out_is_not_recorded),
        cmocka_unit_test(the_largest_record_fits_a_slot_of_64_kib),
        cmocka_unit_test(a_record_that_says_to_be_too_new_is_refused),
        cmocka_unit_test(a_record_of_a_form_that_is_gone_is_refused),
        cmocka_unit_test(what_a_newer_version_has_more_is_passed_over),
        cmocka_unit_test(the_tunnel_is_told_without_reading_the_rest),
        cmocka_unit_test(the_form_of_a_version_stays_as_it_is),
        cmocka_unit_test(records_of_all_versions_are_read),
        cmocka_unit_test(what_is_of_one_machine_can_be_left_out),
        cmocka_unit_test(times_are_those_of_the_clock_of_the_reader),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(corrupted_records_never_lead_out_of_bounds),
        cmocka_unit_test(values_that_do_not_exist_are_refused),
        cmocka_unit_test(messages_have_the_lengths_that_they_tell),
        cmocka_unit_test(an_ike_sa_whose_parts_do_not_fit_has_a_fault),
        cmocka_unit_test(an_ike_sa_that_is_being_deleted_may_have_a_negotiation_left_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
