/* daemon/engine/records.c: records of IKE SAs in a map that is full. */
#include "daemon/engine/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { BLOCK = 248 }; /* octets of a record in one block */

struct fixture {
    struct engine_records records;
    int fd;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.fd = state_map_create(&(struct state_map_size){.places = 4, .blocks = 4})};
    assert_true(f.fd >= 0);
    f.records.map = state_map_open(f.fd, STATE_MAP_WRITE);
    assert_non_null(f.records.map);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    state_map_close(f->records.map);
    map_free(&f->records.unrecorded);
    close(f->fd);
    return 0;
}

/* Commits a record of `blocks` blocks full of `octet`; 0: the IKE SA is gone. */
static bool commit(struct fixture *f, uint32_t serial, size_t blocks, uint8_t octet)
{
    uint8_t octets[4 * BLOCK];
    memset(octets, octet, sizeof octets);
    const struct ike_record_effect record = {serial, 0, {octets, blocks * BLOCK}};
    const struct ike_effects effects = {.records = &record, .record_count = 1};
    return engine_records_commit(&f->records, &effects);
}

/* What a new writer finds of a serial: the first octet of its record; -1 if it has none. */
static int recorded(const struct fixture *f, uint32_t serial)
{
    struct state_map *map = state_map_open(f->fd, STATE_MAP_READ);
    struct state_record record = {0};
    int octet = -1;
    assert_non_null(map);
    for (uint32_t place = 0; place < state_map_places(map); place++) {
        if (state_map_read(map, place, &record) && record.serial == serial)
            octet = record.octets[0];
    }
    state_record_free(&record);
    state_map_close(map);
    return octet;
}

static void sa_without_room_loses_the_record_that_it_had(void **state)
{
    struct fixture *f = *state;
    assert_true(commit(f, 1, 1, 'a'));
    assert_true(commit(f, 2, 2, 'b'));

    assert_false(commit(f, 1, 3, 'c'));

    assert_int_equal(recorded(f, 1), -1);
    assert_int_equal(recorded(f, 2), 'b');
}

static void new_record_may_take_the_room_of_the_old_one(void **state)
{
    struct fixture *f = *state;
    assert_true(commit(f, 1, 3, 'a'));

    assert_true(commit(f, 1, 4, 'b'));

    assert_int_equal(recorded(f, 1), 'b');
}

static void want_of_room_is_told_once_until_all_are_recorded_again(void **state)
{
    struct fixture *f = *state;
    assert_true(commit(f, 1, 4, 'a'));

    assert_false(commit(f, 2, 1, 'b'));
    assert_true(commit(f, 3, 1, 'c'));
    assert_true(commit(f, 1, 3, 'd'));
    assert_true(commit(f, 2, 1, 'e'));
    assert_true(commit(f, 3, 0, 0));
    assert_int_equal(f->records.unrecorded.count, 0);
    assert_int_equal(recorded(f, 2), 'e');
    assert_false(commit(f, 3, 1, 'f'));
    assert_int_equal(recorded(f, 3), -1);
}

/* So the shows find the records of one tunnel without reading those of all. */
static void a_record_is_put_with_the_number_of_its_tunnel(void **state)
{
    struct fixture *f = *state;
    static const uint8_t octets[BLOCK] = {1};
    const struct ike_record_effect of_tunnel = {1, 77, {octets, sizeof octets}};
    const struct ike_effects effects = {.records = &of_tunnel, .record_count = 1};
    assert_true(engine_records_commit(&f->records, &effects));
    assert_true(state_map_may_be_of(f->records.map, 0, 77));
    assert_false(state_map_may_be_of(f->records.map, 0, 78));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sa_without_room_loses_the_record_that_it_had, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_record_may_take_the_room_of_the_old_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(want_of_room_is_told_once_until_all_are_recorded_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_is_put_with_the_number_of_its_tunnel, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
