/* daemon/keeper/tunnel_table.h */
#include "daemon/keeper/tunnel_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/interface_name.h"

enum { SLOTS = 600 };

static struct path_totals totals[SLOTS];
static const struct live_area live = {.size = {.tunnels = SLOTS, .workers = 1}, .totals = totals};

static struct tunnel_table new_table(void)
{
    struct tunnel_table table;
    assert_true(tunnel_table_open(&table, &live));
    return table;
}

/* Adds TunnelN.M; NULL if there is no room. */
static struct tunnel *add(struct tunnel_table *table, uint16_t n, uint16_t m)
{
    const struct interface_name name = {.kind = INTERFACE_TUNNEL, .number = n, .sub_number = m};
    char text[INTERFACE_NAME_SIZE];
    struct tunnel *tunnel = tunnel_table_add(table, tunnel_number(&name));
    if (tunnel != NULL)
        (void)snprintf(tunnel->policy.name, sizeof(tunnel->policy.name), "%s",
                       interface_name_format(&name, text));
    return tunnel;
}

static void each_of_many_tunnels_is_found_by_name_and_by_number(void **state)
{
    (void)state;
    struct tunnel_table table = new_table();
    struct tunnel *added[SLOTS];
    for (uint16_t i = 0; i < SLOTS; i++)
        added[i] = add(&table, i / 3, i % 3);
    tunnel_table_remove(&table, added[4]);

    for (uint16_t i = 0; i < SLOTS; i++) {
        char name[INTERFACE_NAME_SIZE];
        (void)snprintf(name, sizeof(name), "Tunnel%u.%u", i / 3, i % 3);
        if (i == 4) {
            assert_null(tunnel_table_find_name(&table, name));
            continue;
        }
        assert_ptr_equal(tunnel_table_find_name(&table, name), added[i]);
        assert_ptr_equal(tunnel_table_find(&table, added[i]->policy.tunnel), added[i]);
    }
    static const char *const others[] = {"Tunnel0.3", "Tunnel999.0", "tunnel0.0", "GigaEthernet0.0",
                                         "",          "tun0"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_null(tunnel_table_find_name(&table, others[i]));
    tunnel_table_free(&table);
}

static void a_tunnel_takes_the_lowest_free_slot(void **state)
{
    (void)state;
    struct tunnel_table table = new_table();
    struct tunnel *added[SLOTS];
    for (uint16_t i = 0; i < SLOTS; i++) {
        added[i] = add(&table, i, 0);
        assert_int_equal(added[i]->slot, i);
    }
    assert_null(add(&table, SLOTS, 0));
    tunnel_table_remove(&table, added[7]);
    tunnel_table_remove(&table, added[300]);
    tunnel_table_remove(&table, added[5]);

    assert_int_equal(add(&table, 1000, 0)->slot, 5);
    assert_int_equal(add(&table, 1001, 0)->slot, 7);
    assert_int_equal(add(&table, 1002, 0)->slot, 300);
    assert_null(add(&table, 1003, 0));
    tunnel_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_many_tunnels_is_found_by_name_and_by_number),
        cmocka_unit_test(a_tunnel_takes_the_lowest_free_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
