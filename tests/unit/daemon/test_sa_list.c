/* daemon/show/sa_list.h: the records of one tunnel among those of many; what is read is counted. */
#include "daemon/show/sa_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/world.h"

static size_t records_read;

bool __real_state_map_read(const struct state_map *map, uint32_t place, struct state_record *record);
bool __wrap_state_map_read(const struct state_map *map, uint32_t place, struct state_record *record);

bool __wrap_state_map_read(const struct state_map *map, uint32_t place, struct state_record *record)
{
    records_read++;
    return __real_state_map_read(map, place, record);
}

enum { FEW = 5, MANY = 2000 };

/* Two gateways with an SA each, whose records are those of tunnel 1 and of tunnel 2; and a map for copies. */
struct fixture {
    struct world *world;
    struct gateway *a, *b;
    int fd;
    struct state_map *map;
    uint32_t next_serial;
};

static struct fixture set_up(void)
{
    struct fixture f = {.world = world_new(1, NULL), .next_serial = 1};
    const struct state_map_size size = {.places = 2 * MANY, .blocks = 16 * MANY};
    const struct tunnel_policy to_b = world_default_policy(1, "10.2.0.1", "site1", "site2");
    const struct tunnel_policy to_a = world_default_policy(2, "10.1.0.1", "site2", "site1");
    f.a = world_add_gateway(f.world, "A", "10.1.0.1");
    f.b = world_add_gateway(f.world, "B", "10.2.0.1");
    gateway_set_tunnel(f.a, &to_b, "secret1", "secret2");
    gateway_set_tunnel(f.b, &to_a, "secret2", "secret1");
    gateway_packet_waits(f.a, 1);
    world_run(f.world, 1000);
    assert_int_equal(gateway_record_count(f.a), 1);
    assert_int_equal(gateway_record_count(f.b), 1);
    f.fd = state_map_create(&size);
    f.map = state_map_open(f.fd, STATE_MAP_WRITE);
    assert_non_null(f.map);
    return f;
}

static void tear_down(struct fixture *f)
{
    state_map_close(f->map);
    close(f->fd);
    world_free(f->world);
}

/* Puts copies of a gateway's record into the map, as records of that tunnel. */
static void put(struct fixture *f, const struct gateway *g, uint32_t tunnel, size_t copies)
{
    for (size_t i = 0; i < copies; i++) {
        assert_true(state_map_put(f->map, f->next_serial++, tunnel, gateway_record(g, 0)));
        state_map_commit(f->map);
    }
}

static size_t count_listed(const struct fixture *f, uint32_t tunnel)
{
    struct sa_list list;
    records_read = 0;
    assert_true(sa_list_fill(&list, f->map, tunnel));
    size_t count = list.count;
    for (size_t i = 0; i < count && tunnel != 0; i++)
        assert_int_equal(list.entries[i].tunnel, tunnel);
    sa_list_free(&list);
    return count;
}

static void the_records_of_one_tunnel_are_read_alone(void **state)
{
    (void)state;
    struct fixture f = set_up();
    put(&f, f.b, 2, MANY / 2);
    put(&f, f.a, 1, FEW);
    put(&f, f.b, 2, MANY / 2);

    assert_int_equal(count_listed(&f, 1), FEW);
    assert_int_equal(records_read, FEW);
    assert_int_equal(count_listed(&f, 2), MANY);
    assert_int_equal(count_listed(&f, 3), 0);
    assert_int_equal(records_read, 0);
    assert_int_equal(count_listed(&f, 0), MANY + FEW);
    tear_down(&f);
}

/* What the place says is a hint: the record decides, and is asked where the place says nothing. */
static void a_record_is_listed_by_what_it_says_itself(void **state)
{
    (void)state;
    struct fixture f = set_up();
    put(&f, f.a, 0, FEW);
    put(&f, f.b, 0, FEW);
    put(&f, f.b, 1, FEW);

    assert_int_equal(count_listed(&f, 1), FEW);
    assert_int_equal(records_read, 3 * FEW);
    tear_down(&f);
}

/* The tunnel of an IKE SA is known later than the IKE SA; and a place is used again. */
static void a_place_tells_the_tunnel_of_the_record_that_it_has_now(void **state)
{
    (void)state;
    struct fixture f = set_up();
    put(&f, f.a, 0, 1);
    assert_true(state_map_put(f.map, 1, 1, gateway_record(f.a, 0)));
    state_map_commit(f.map);
    assert_int_equal(count_listed(&f, 2), 0);
    assert_int_equal(records_read, 0);

    assert_true(state_map_remove(f.map, 1));
    state_map_commit(f.map);
    f.next_serial = 2;
    put(&f, f.b, 2, 1);

    assert_int_equal(state_map_places(f.map), 1);
    assert_int_equal(count_listed(&f, 2), 1);
    assert_int_equal(count_listed(&f, 1), 0);
    assert_int_equal(records_read, 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_records_of_one_tunnel_are_read_alone),
        cmocka_unit_test(a_record_is_listed_by_what_it_says_itself),
        cmocka_unit_test(a_place_tells_the_tunnel_of_the_record_that_it_has_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
