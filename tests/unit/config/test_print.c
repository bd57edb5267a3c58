/* config/print.h: the running-config. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void the_running_config_is_printed_as_it_was_written(void **state)
{
    (void)state;
    static const char text[] = "hostname site1\n"
                               "!\n"
                               "ip route default 10.0.0.254\n"
                               "ip route 192.168.2.0/24 Tunnel1.0\n"
                               "ip route 10.0.0.0/8 Null0.0 distance 250\n"
                               "!\n"
                               "ikev2 authentication psk id keyid site1 key char secret1\n"
                               "!\n"
                               "ikev2 default-profile\n"
                               "  dpd interval 10\n"
                               "!\n"
                               "interface Tunnel1.0\n"
                               "  tunnel mode ipsec-ikev2\n"
                               "  ip unnumbered GigaEthernet1.0\n"
                               "  ikev2 dpd off\n"
                               "  ikev2 peer 10.2.0.1 authentication psk id keyid site2\n"
                               "  no shutdown\n";
    assert_prints(text, text);
}

static void settings_are_printed_in_the_order_of_the_table(void **state)
{
    (void)state;
    assert_prints("interface Tunnel0.0\n"
                  "  no shutdown\n"
                  "  ikev2 peer 10.2.0.1 authentication psk\n"
                  "  tunnel mode ipsec-ikev2\n"
                  "hostname late\n",
                  "hostname late\n"
                  "!\n"
                  "interface Tunnel0.0\n"
                  "  tunnel mode ipsec-ikev2\n"
                  "  ikev2 peer 10.2.0.1 authentication psk\n"
                  "  no shutdown\n");
}

static void words_are_printed_in_canonical_form(void **state)
{
    (void)state;
    assert_prints("ikev2 def\n"
                  "  sa-proposal enc aes-gcm-256-16 aes-cbc-12\n"
                  "  local-authentication id keyid site1\n"
                  "interface gigaethernet0.0\n"
                  "  ip addr 10.0.0.1/24\n"
                  "  ipv6 address 2001:DB8:0:0::1/64\n",
                  "ikev2 default-profile\n"
                  "  local-authentication id keyid site1\n"
                  "  sa-proposal enc aes-gcm-256 aes-cbc-128\n"
                  "!\n"
                  "interface GigaEthernet0.0\n"
                  "  ip address 10.0.0.1/24\n"
                  "  ipv6 address 2001:db8::1/64\n");
}

static void a_section_that_is_opened_twice_is_one_section(void **state)
{
    (void)state;
    assert_prints("interface Tunnel0.0\n"
                  "  ip mtu 1400\n"
                  "interface Tunnel1.0\n"
                  "interface Tunnel0.0\n"
                  "  ip mtu 1300\n"
                  "  description twice\n",
                  "interface Tunnel0.0\n"
                  "  description twice\n"
                  "  ip mtu 1300\n"
                  "!\n"
                  "interface Tunnel1.0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_running_config_is_printed_as_it_was_written),
        cmocka_unit_test(settings_are_printed_in_the_order_of_the_table),
        cmocka_unit_test(words_are_printed_in_canonical_form),
        cmocka_unit_test(a_section_that_is_opened_twice_is_one_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
