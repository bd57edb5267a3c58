/* Traffic selectors on the wire (R71, RFC 7296 2.9, 3.13). */
#include "ike/wire/selectors.h"
#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum selectors_result read_back(const uint8_t *body, size_t length, struct selector_list *out)
{
    static struct parsed_payload p;
    const struct ike_payload *ts = payload_of(&p, PAYLOAD_TSI, body, length);
    assert_non_null(ts);
    return selectors_read(ts, out);
}

static struct policy_selector selector(const char *first, const char *last, uint8_t protocol,
                                       uint16_t first_port, uint16_t last_port)
{
    struct policy_selector s = {.protocol = protocol, .first_port = first_port, .last_port = last_port};
    assert_true(ip_address_parse(first, &s.first) && ip_address_parse(last, &s.last));
    return s;
}

static void R71_unset_selectors_are_all_of_ipv4_and_ipv6(void **state)
{
    (void)state;
    const struct selector_list any = selectors_of_policy(NULL, 0);
    static struct parsed_payload p;
    struct message_writer m = payload_begin(&p);
    selectors_put(&m, PAYLOAD_TSI, &any);
    const struct ike_payload *ts = payload_parse(&p, &m);

    uint8_t expected[4 + 16 + 40] = {2, 0, 0,    0,    7,    0,    0, 16, 0, 0,  0xff, 0xff, 0,    0,
                                     0, 0, 0xff, 0xff, 0xff, 0xff, 8, 0,  0, 40, 0,    0,    0xff, 0xff};
    memset(expected + sizeof expected - 16, 0xff, 16);
    assert_int_equal(ts->body.length, sizeof expected);
    assert_memory_equal(ts->body.at, expected, sizeof expected);
}

static void R71_a_protocol_for_any_address_holds_for_both_families(void **state)
{
    (void)state;
    const struct policy_selector udp = {.protocol = 17, .first_port = 53, .last_port = 53};
    const struct selector_list list = selectors_of_policy(&udp, 1);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.ts[0].first.family, IP_V4);
    assert_int_equal(list.ts[1].first.family, IP_V6);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(list.ts[i].protocol, 17);
        assert_int_equal(list.ts[i].first_port, 53);
        assert_int_equal(list.ts[i].last_port, 53);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    const struct policy_selector configured[] = {
        selector("10.0.0.0", "10.255.255.255", 0, 0, UINT16_MAX),
        selector("192.0.2.1", "192.0.2.1", 6, 80, 443), selector("2001:db8::", "2001:db8::ffff", 17, 53, 53),
        selector("198.51.100.0", "198.51.100.255", 17, UINT16_MAX, 0), /* OPAQUE */
    };
    const struct selector_list list = selectors_of_policy(configured, 4);
    static struct parsed_payload p;
    struct message_writer m = payload_begin(&p);
    selectors_put(&m, PAYLOAD_TSR, &list);
    struct selector_list read;

    assert_int_equal(selectors_read(payload_parse(&p, &m), &read), SELECTORS_OK);

    assert_int_equal(read.count, 4);
    assert_memory_equal(&read, &list, sizeof list);
}

#define TS4(first_port_low, last_port_low, a, b)                                                             \
    7, 0, 0, 16, 0, first_port_low, 0, last_port_low, 10, 0, 0, a, 10, 0, 0, b

static void RFC7296_3_13_odd_selectors_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t body[64];
        size_t length;
        enum selectors_result result;
    } cases[] = {
        {"one", {1, 0, 0, 0, TS4(0, 9, 1, 9)}, 20, SELECTORS_OK},
        {"one address, one port", {1, 0, 0, 0, TS4(9, 9, 1, 1)}, 20, SELECTORS_OK},
        {"none", {0, 0, 0, 0}, 4, SELECTORS_INVALID},
        {"none, with octets", {0, 0, 0, 0, TS4(0, 9, 1, 9)}, 20, SELECTORS_INVALID},
        {"more than counted", {1, 0, 0, 0, TS4(0, 9, 1, 9), TS4(0, 9, 1, 9)}, 36, SELECTORS_INVALID},
        {"fewer than counted", {3, 0, 0, 0, TS4(0, 9, 1, 9), TS4(0, 9, 1, 9)}, 36, SELECTORS_INVALID},
        {"addresses upside down", {1, 0, 0, 0, TS4(0, 9, 9, 1)}, 20, SELECTORS_INVALID},
        {"ports upside down", {1, 0, 0, 0, TS4(9, 0, 1, 9)}, 20, SELECTORS_INVALID},
        {"of length 0", {1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 9}, 12, SELECTORS_INVALID},
        {"of length 7", {1, 0, 0, 0, 7, 0, 0, 7, 0, 0, 0}, 11, SELECTORS_INVALID},
        {"one octet short",
         {1, 0, 0, 0, 7, 0, 0, 15, 0, 0, 0, 9, 10, 0, 0, 1, 10, 0, 0},
         19,
         SELECTORS_INVALID},
        {"one octet long",
         {1, 0, 0, 0, 7, 0, 0, 17, 0, 0, 0, 9, 10, 0, 0, 1, 10, 0, 0, 9, 9},
         21,
         SELECTORS_INVALID},
        {"of an unknown type", {1, 0, 0, 0, 9, 0, 0, 8, 0, 0, 0, 0}, 12, SELECTORS_NONE},
        {"beside one of an unknown type",
         {2, 0, 0, 0, 9, 0, 0, 8, 0, 0, 0, 0, TS4(0, 9, 1, 9)},
         28,
         SELECTORS_NARROWED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct selector_list list;
        enum selectors_result result = read_back(cases[i].body, cases[i].length, &list);
        if (result != cases[i].result)
            fail_msg("a selector %s: result %d, not %d", cases[i].name, result, cases[i].result);
    }
}

static void more_selectors_than_there_is_room_for_narrow_the_list(void **state)
{
    (void)state;
    static uint8_t body[4 + 255 * 16] = {255};
    for (size_t i = 0; i < 255; i++) {
        static const uint8_t one[] = {TS4(0, 9, 1, 9)};
        memcpy(body + 4 + i * sizeof one, one, sizeof one);
    }
    struct selector_list list;
    assert_int_equal(read_back(body, sizeof body, &list), SELECTORS_NARROWED);
    assert_int_equal(list.count, ESP_SELECTORS_MAX);
}

static bool within(const struct policy_selector *narrow, const struct policy_selector *wide)
{
    const struct selector_list a = selectors_of_policy(narrow, 1);
    const struct selector_list b = selectors_of_policy(wide, 1);
    return selectors_within(&a, &b);
}

static void RFC7296_2_9_narrowing_is_a_subset(void **state)
{
    (void)state;
    const struct policy_selector any = {.last_port = UINT16_MAX};
    const struct policy_selector net = selector("10.0.0.0", "10.0.0.255", 0, 0, UINT16_MAX);
    const struct policy_selector host = selector("10.0.0.7", "10.0.0.7", 0, 0, UINT16_MAX);
    const struct policy_selector tcp = selector("10.0.0.0", "10.0.0.255", 6, 80, 80);
    const struct policy_selector beyond = selector("10.0.0.0", "10.0.1.0", 0, 0, UINT16_MAX);
    const struct policy_selector opaque = selector("10.0.0.0", "10.0.0.255", 17, UINT16_MAX, 0);
    const struct policy_selector udp = selector("10.0.0.0", "10.0.0.255", 17, 0, UINT16_MAX);
    const struct policy_selector udp_port = selector("10.0.0.0", "10.0.0.255", 17, 53, 53);
    assert_true(within(&net, &any) && within(&host, &net) && within(&tcp, &net) && within(&net, &net));
    assert_true(within(&opaque, &udp));
    assert_false(within(&any, &net) || within(&net, &host) || within(&net, &tcp) || within(&beyond, &net));
    assert_false(within(&opaque, &udp_port) || within(&udp, &opaque) || within(&udp_port, &opaque));
    assert_false(within(&udp, &tcp));
}

static void random_octets_never_crash_the_reader(void **state)
{
    (void)state;
    srandom(13);
    for (int i = 0; i < 100000; i++) {
        uint8_t body[120];
        size_t length = 4 + (size_t)random() % (sizeof body - 4);
        for (size_t n = 0; n < length; n++)
            body[n] = (uint8_t)(random() % 20);
        struct selector_list list;
        enum selectors_result result = read_back(body, length, &list);
        assert_true(result == SELECTORS_INVALID || list.count <= ESP_SELECTORS_MAX);
    }
}

static void S34_selectors_are_told_as_ranges_and_everything_as_any(void **state)
{
    (void)state;
    struct selector_list list = selectors_of_policy(NULL, 0);
    char text[SELECTORS_TEXT_SIZE];
    assert_string_equal(selectors_format(&list, text), "any");

    const struct policy_selector some[] = {
        {.first = {.family = IP_V4, .octets = {10}},
         .last = {.family = IP_V4, .octets = {10, 255, 255, 255}},
         .last_port = UINT16_MAX},
        {.first = {.family = IP_V6, .octets = {0x20, 1}},
         .last = {.family = IP_V6, .octets = {0x20, 1, [15] = 9}},
         .protocol = 17,
         .first_port = 53,
         .last_port = 54},
    };
    list = selectors_of_policy(some, 2);
    assert_string_equal(selectors_format(&list, text),
                        "10.0.0.0-10.255.255.255 2001::-2001::9 protocol 17 port 53-54");

    const struct policy_selector many[POLICY_SELECTORS_MAX] = {some[1], some[1], some[1], some[1],
                                                               some[1], some[1], some[1], some[1]};
    list = selectors_of_policy(many, POLICY_SELECTORS_MAX);
    assert_int_equal(strlen(selectors_format(&list, text)), SELECTORS_TEXT_SIZE - 1);
    assert_non_null(strstr(text, "..."));
}

static void S38_a_part_of_a_list_is_that_of_some_families(void **state)
{
    (void)state;
    const struct selector_list any = selectors_of_policy(NULL, 0);
    const struct selector_list v6 = selectors_of_families(&any, FAMILY_V6);

    assert_int_equal(v6.count, 1);
    assert_int_equal(v6.ts[0].first.family, IP_V6);
    assert_int_equal(selectors_families(&any, &any), FAMILY_V4 | FAMILY_V6);
    assert_int_equal(selectors_families(&any, &v6), FAMILY_V6); /* no packet has two families */
    assert_int_equal(selectors_of_families(&v6, FAMILY_V4).count, 0);
}

static void S38_what_a_list_says_of_an_address_is_cut_down_to_it(void **state)
{
    (void)state;
    const struct policy_selector configured[] = {
        selector("10.0.0.0", "10.0.0.255", 17, 53, 53), selector("10.0.1.0", "10.0.1.255", 0, 0, 65535),
        selector("10.0.0.7", "10.0.2.0", 6, 0, 65535), selector("2001:db8::", "2001:db8::ff", 0, 0, 65535)};
    const struct selector_list list = selectors_of_policy(configured, 4);
    struct ip_address address;
    assert_true(ip_address_parse("10.0.0.7", &address));

    const struct selector_list part = selectors_of_address(&list, &address);

    assert_int_equal(part.count, 2);
    for (uint8_t i = 0; i < part.count; i++) {
        assert_true(ip_address_equal(&part.ts[i].first, &address));
        assert_true(ip_address_equal(&part.ts[i].last, &address));
    }
    assert_int_equal(part.ts[0].protocol, 17);
    assert_int_equal(part.ts[0].first_port, 53);
    assert_int_equal(part.ts[1].protocol, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R71_unset_selectors_are_all_of_ipv4_and_ipv6),
        cmocka_unit_test(R71_a_protocol_for_any_address_holds_for_both_families),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(RFC7296_3_13_odd_selectors_are_told_apart),
        cmocka_unit_test(more_selectors_than_there_is_room_for_narrow_the_list),
        cmocka_unit_test(RFC7296_2_9_narrowing_is_a_subset),
        cmocka_unit_test(S38_a_part_of_a_list_is_that_of_some_families),
        cmocka_unit_test(S38_what_a_list_says_of_an_address_is_cut_down_to_it),
        cmocka_unit_test(random_octets_never_crash_the_reader),
        cmocka_unit_test(S34_selectors_are_told_as_ranges_and_everything_as_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
