/* host/port.h */
#include "host/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_link(const struct port_table *table, const char *name, const char *link)
{
    char found[HOST_LINK_NAME_SIZE];
    struct host_error err;
    if (!port_table_find(table, name, found, &err))
        fail_msg("%s: %s", name, err.text);
    assert_string_equal(found, link);
}

static void assert_no_link(const struct port_table *table, const char *name)
{
    char found[HOST_LINK_NAME_SIZE];
    struct host_error err;
    assert_false(port_table_find(table, name, found, &err));
    assert_non_null(strstr(err.text, name));
}

static void S16_names_without_an_entry_have_their_default(void **state)
{
    (void)state;
    struct port_table table = {0};
    assert_link(&table, "GigaEthernet0.0", "ge0");
    assert_link(&table, "GigaEthernet12.0", "ge12");
    assert_link(&table, "Loopback0.0", "lo");
    assert_link(&table, "Loopback7.3", "lo");
    assert_link(&table, "Tunnel0.0", "Tunnel0.0");
    assert_link(&table, "Tunnel1000.1000", "Tunnel1000.1000");
    assert_no_link(&table, "GigaEthernet0.1");
    assert_no_link(&table, "GigaEthernet2:1.1");
    assert_no_link(&table, "Tunnel10000.1000");
    assert_no_link(&table, "Null0.0");
    assert_no_link(&table, "BVI1");
}

static void S16_options_map_ports_and_sub_interfaces(void **state)
{
    (void)state;
    struct port_table table = {0};
    assert_true(port_table_set_option(&table, "GigaEthernet0=eth0", NULL));
    assert_true(port_table_set_option(&table, "GigaEthernet0.1=eth0.100", NULL));
    assert_true(port_table_set_option(&table, "GigaEthernet2:1.1=lan1", NULL));
    assert_link(&table, "GigaEthernet0.0", "eth0");
    assert_link(&table, "GigaEthernet0.1", "eth0.100");
    assert_link(&table, "GigaEthernet2:1.1", "lan1");
    assert_link(&table, "GigaEthernet1.0", "ge1");
    port_table_clear(&table);
}

/* The name of a port that does not fit is refused whole: none of it is copied. */
static void S16_option_with_too_long_a_name_is_refused(void **state)
{
    (void)state;
    struct port_table table = {0};
    for (size_t length = PORT_NAME_SIZE; length < PORT_NAME_SIZE + 8; length++) {
        char option[PORT_NAME_SIZE + 16];
        struct host_error err;
        memset(option, '1', sizeof option);
        memcpy(option, "GigaEthernet", strlen("GigaEthernet"));
        memcpy(option + length, "=eth0", sizeof "=eth0");
        assert_false(port_table_set_option(&table, option, &err));
        assert_string_equal(err.text, "GigaEthernetN=NAME is wanted");
    }
    assert_int_equal(table.count, 0);
}

static void S16_command_line_beats_config(void **state)
{
    (void)state;
    struct port_table table = {0};
    assert_true(port_table_set(&table, PORT_FROM_CONFIG, "GigaEthernet0", "enp1s0", NULL));
    assert_true(port_table_set(&table, PORT_FROM_CONFIG, "GigaEthernet1", "enp2s0", NULL));
    assert_true(port_table_set_option(&table, "GigaEthernet0=eth0", NULL));
    assert_true(port_table_set(&table, PORT_FROM_CONFIG, "GigaEthernet0", "enp3s0", NULL));
    assert_link(&table, "GigaEthernet0.0", "eth0");
    assert_link(&table, "GigaEthernet1.0", "enp2s0");

    port_table_forget_config(&table);
    assert_link(&table, "GigaEthernet0.0", "eth0");
    assert_link(&table, "GigaEthernet1.0", "ge1");
    port_table_clear(&table);
}

static void wrong_mappings_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "eth0",
        "GigaEthernet=eth0",
        "GigaEthernet0=",
        "GigaEthernet0.x=eth0",
        "Tunnel0.0=tun0",
        "GigaEthernet0.0.0=a",
        "GigaEthernet0=a/b",
        "GigaEthernet0=a b",
        "=eth0",
        "GigaEthernet0:=eth0",
        "GigaEthernet0=..",
        "GigaEthernet0=sixteen-letters-",
        "gigaethernet0=x",
        "GigaEthernet99999999999999999999999999999999999=x",
    };
    struct port_table table = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct host_error err = {0};
        if (port_table_set_option(&table, wrong[i], &err))
            fail_msg("%s was accepted", wrong[i]);
        assert_true(err.text[0] != '\0');
    }
    assert_true(port_table_set_option(&table, "GigaEthernet0=eth0", NULL));
    struct host_error err;
    assert_false(port_table_set_option(&table, "GigaEthernet1=eth0", &err));
    assert_string_equal(err.text, "eth0 stands behind GigaEthernet0.0 already");
    port_table_clear(&table);
}

static void links_are_found_back(void **state)
{
    (void)state;
    struct port_table table = {0};
    char name[PORT_NAME_SIZE];
    assert_true(port_table_set_option(&table, "GigaEthernet0=eth0", NULL));
    assert_true(port_table_find_link(&table, "eth0", name));
    assert_string_equal(name, "GigaEthernet0.0");
    assert_true(port_table_find_link(&table, "ge1", name));
    assert_string_equal(name, "GigaEthernet1.0");
    assert_true(port_table_find_link(&table, "Tunnel3.0", name));
    assert_string_equal(name, "Tunnel3.0");
    assert_false(port_table_find_link(&table, "ge0", name));
    assert_false(port_table_find_link(&table, "eth1", name));
    assert_false(port_table_find_link(&table, "gecko", name));
    port_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S16_names_without_an_entry_have_their_default),
        cmocka_unit_test(S16_options_map_ports_and_sub_interfaces),
        cmocka_unit_test(S16_option_with_too_long_a_name_is_refused),
        cmocka_unit_test(S16_command_line_beats_config),
        cmocka_unit_test(wrong_mappings_are_refused),
        cmocka_unit_test(links_are_found_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
