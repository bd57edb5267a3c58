/* esp/selector.h */
#include "esp/selector.h"

#include "../crypto/hex.h"
#include "fixture.h"

static struct packet_flow flow_of(const char *packet)
{
    struct hex octets = hex(packet);
    struct packet_flow flow;
    assert_true(packet_flow_read(octets.at, octets.length, &flow));
    return flow;
}

static void expect_address(const struct ip_address *address, const char *text)
{
    char shown[IP_TEXT_SIZE];
    assert_string_equal(ip_address_format(address, shown), text);
}

static struct traffic_selector selector(const char *first, const char *last, uint8_t protocol,
                                        uint16_t first_port, uint16_t last_port)
{
    struct traffic_selector s = {.protocol = protocol, .first_port = first_port, .last_port = last_port};
    assert_true(ip_address_parse(first, &s.first));
    assert_true(ip_address_parse(last, &s.last));
    return s;
}

/* True if one local and one remote selector hold the flow. */
static bool hold(struct traffic_selector local, struct traffic_selector remote,
                 const struct packet_flow *flow, enum packet_direction direction)
{
    const struct traffic_selectors both = {&local, &remote, 1, 1};
    return traffic_selectors_hold(&both, flow, direction);
}

/* IPv4 headers: protocol 6 or 17, 10.1.0.2 to 10.2.0.3; what follows is put behind them. */
#define V4(length, fragment, protocol)                                                                       \
    "4500" length "0001" fragment "40" protocol "0000"                                                       \
    "0a010002"                                                                                               \
    "0a020003"
/* IPv6 header, 2001:db8::1 to 2001:db8::2. */
#define V6(length, next)                                                                                     \
    "60000000" length next "40"                                                                              \
    "20010db8000000000000000000000001"                                                                       \
    "20010db8000000000000000000000002"

static void ipv4_udp_has_addresses_protocol_and_ports(void **state)
{
    (void)state;
    struct packet_flow flow = flow_of(V4("001c", "0000", "11") "1388 0035 0008 0000");
    expect_address(&flow.source, "10.1.0.2");
    expect_address(&flow.destination, "10.2.0.3");
    assert_int_equal(flow.protocol, 17);
    assert_int_equal(flow.ports, FLOW_PORTS_BOTH);
    assert_int_equal(flow.source_port, 5000);
    assert_int_equal(flow.destination_port, 53);
}

static void ipv4_options_are_passed_over(void **state)
{
    (void)state;
    struct packet_flow flow =
        flow_of("47000024000100004006 0000 0a010002 0a020003 0101010101010101 01bb 1000 00000000");
    assert_int_equal(flow.source_port, 443);
    assert_int_equal(flow.destination_port, 4096);
}

static void icmp_has_type_and_code_as_the_senders_port(void **state)
{
    (void)state;
    struct packet_flow flow = flow_of(V4("001c", "0000", "01") "0301 0000 00000000");
    assert_int_equal(flow.ports, FLOW_PORTS_TYPE);
    assert_int_equal(flow.source_port, 0x0301);
    assert_int_equal(flow.destination_port, 0);
    flow = flow_of(V6("0008", "3a") "8000 0000 00000000");
    assert_int_equal(flow.protocol, 58);
    assert_int_equal(flow.source_port, 0x8000);
}

static void mobility_header_has_its_type_in_the_high_octet(void **state)
{
    (void)state;
    struct packet_flow flow = flow_of(V6("0008", "87") "3b00 0500 00000000");
    assert_int_equal(flow.protocol, 135);
    assert_int_equal(flow.ports, FLOW_PORTS_TYPE);
    assert_int_equal(flow.source_port, 0x0500);
}

static void ipv6_extension_headers_are_passed_over(void **state)
{
    (void)state;
    struct packet_flow flow = flow_of(V6("0030", "00") "2b00 050200000100"                /* hop-by-hop */
                                                       "3c02 0000 00000000"               /* routing */
                                                       "00000000000000000000000000000000" /* its rest */
                                                       "0600 010400000000"                /* destination */
                                                       "1f90 0050 00000000");
    assert_int_equal(flow.protocol, 6);
    assert_int_equal(flow.ports, FLOW_PORTS_BOTH);
    assert_int_equal(flow.source_port, 8080);
    assert_int_equal(flow.destination_port, 80);
}

static void only_first_fragments_have_ports(void **state)
{
    (void)state;
    struct packet_flow first = flow_of(V4("001c", "2000", "11") "1388 0035 0008 0000");
    assert_int_equal(first.ports, FLOW_PORTS_BOTH);
    struct packet_flow later = flow_of(V4("001c", "2001", "11") "1388 0035 0008 0000");
    assert_int_equal(later.ports, FLOW_PORTS_NONE);
    assert_int_equal(later.source_port, 0);
    assert_int_equal(later.protocol, 17);
    struct packet_flow last = flow_of(V4("001c", "0001", "11") "1388 0035 0008 0000");
    assert_int_equal(last.ports, FLOW_PORTS_NONE);
    first = flow_of(V6("0010", "2c") "1100 0001 00000007"
                                     "1388 0035 0008 0000");
    assert_int_equal(first.ports, FLOW_PORTS_BOTH);
    assert_int_equal(first.destination_port, 53);
    later = flow_of(V6("0010", "2c") "1100 0008 00000007"
                                     "1388 0035 0008 0000");
    assert_int_equal(later.ports, FLOW_PORTS_NONE);
    assert_int_equal(later.protocol, 17);
}

static void ports_beyond_the_end_are_none(void **state)
{
    (void)state;
    struct packet_flow flow = flow_of(V4("0016", "0000", "11") "1388");
    assert_int_equal(flow.ports, FLOW_PORTS_NONE);
    assert_int_equal(flow.source_port, 0);
    flow = flow_of(V6("0000", "3a"));
    assert_int_equal(flow.ports, FLOW_PORTS_NONE);
    flow = flow_of(V4("0014", "0000", "59"));
    assert_int_equal(flow.protocol, 0x59);
    assert_int_equal(flow.ports, FLOW_PORTS_NONE);
}

static void what_has_no_whole_header_has_no_flow(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "45",
        "4500001400010000400600000a0100020a0200",   /* 19 octets */
        "4400001400010000400600000a0100020a020003", /* header of 16 octets */
        "4600001400010000400600000a0100020a020003", /* header longer than the packet */
        "5500001400010000400600000a0100020a020003",
        V6("0008", "00") "3c01 050200000100", /* hop-by-hop header longer than the packet */
        V6("0008", "00") "00",
        V6("0008", "2c") "1100",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct hex octets = hex(wrong[i]);
        struct packet_flow flow;
        assert_false(packet_flow_read(octets.at, octets.length, &flow));
    }
    struct hex octets = hex(V6("0000", "3b"));
    struct packet_flow flow;
    assert_true(packet_flow_read(octets.at, 40, &flow));
    assert_false(packet_flow_read(octets.at, 39, &flow));
}

static void random_packets_are_read_within_their_bounds(void **state)
{
    (void)state;
    static const uint8_t next[] = {0, 43, 44, 60, 6, 17, 58, 135, 59, 51};
    uint64_t random = 12;
    for (size_t round = 0; round < 50000; round++) {
        size_t length = random_below(&random, 120);
        uint8_t *packet = malloc(length > 0 ? length : 1);
        assert_non_null(packet);
        for (size_t i = 0; i < length; i++)
            packet[i] = random_below(&random, 3) == 0 ? (uint8_t)random_u64(&random)
                                                      : next[random_below(&random, sizeof next)];
        if (length > 0)
            packet[0] = random_below(&random, 2) == 0 ? 0x45 : 0x60;
        struct packet_flow flow;
        if (packet_flow_read(packet, length, &flow))
            assert_true(length >= (flow.source.family == IP_V4 ? 20 : 40));
        free(packet);
    }
}

/* R71 */
static void R71_directions_swap_the_sides(void **state)
{
    (void)state;
    struct traffic_selector site = selector("10.1.0.0", "10.1.0.255", 0, 0, 65535);
    struct traffic_selector other = selector("10.2.0.0", "10.2.0.255", 0, 0, 65535);
    struct packet_flow flow = flow_of(V4("001c", "0000", "11") "1388 0035 0008 0000");
    assert_true(hold(site, other, &flow, PACKET_OUTBOUND));
    assert_false(hold(site, other, &flow, PACKET_INBOUND));
    assert_true(hold(other, site, &flow, PACKET_INBOUND));
    assert_false(hold(other, site, &flow, PACKET_OUTBOUND));
}

static void R71_address_ranges_include_both_ends(void **state)
{
    (void)state;
    struct traffic_selector any = selector("0.0.0.0", "255.255.255.255", 0, 0, 65535);
    struct packet_flow flow = flow_of(V4("001c", "0000", "11") "1388 0035 0008 0000");
    assert_true(hold(selector("10.1.0.2", "10.1.0.2", 0, 0, 65535), any, &flow, PACKET_OUTBOUND));
    assert_false(hold(selector("10.1.0.3", "10.1.0.9", 0, 0, 65535), any, &flow, PACKET_OUTBOUND));
    assert_false(hold(selector("10.0.0.0", "10.1.0.1", 0, 0, 65535), any, &flow, PACKET_OUTBOUND));
    assert_false(hold(selector("::", "ffff::", 0, 0, 65535), any, &flow, PACKET_OUTBOUND));
    struct packet_flow v6 = flow_of(V6("0008", "3a") "8000 0000 00000000");
    struct traffic_selector one = selector("2001:db8::1", "2001:db8::1", 0, 0, 65535);
    struct traffic_selector two = selector("2001:db8::2", "2001:db8::ffff", 0, 0, 65535);
    assert_true(hold(one, two, &v6, PACKET_OUTBOUND));
    assert_false(hold(two, one, &v6, PACKET_OUTBOUND));
    assert_false(hold(any, any, &v6, PACKET_OUTBOUND));
}

static void R71_protocol_and_ports_of_both_sides_count(void **state)
{
    (void)state;
    struct traffic_selector any = selector("0.0.0.0", "255.255.255.255", 0, 0, 65535), local = any,
                            remote = any;
    struct packet_flow flow = flow_of(V4("001c", "0000", "11") "1388 0035 0008 0000");
    local.protocol = 17;
    assert_true(hold(local, any, &flow, PACKET_OUTBOUND));
    local.protocol = 6;
    assert_false(hold(local, any, &flow, PACKET_OUTBOUND));
    local = any;
    local.first_port = 5000;
    local.last_port = 5000;
    remote.first_port = 50;
    remote.last_port = 53;
    assert_true(hold(local, remote, &flow, PACKET_OUTBOUND));
    assert_false(hold(local, remote, &flow, PACKET_INBOUND));
    assert_true(hold(remote, local, &flow, PACKET_INBOUND));
    remote.last_port = 52;
    assert_false(hold(local, remote, &flow, PACKET_OUTBOUND));
    remote.first_port = 54;
    remote.last_port = 65535;
    assert_false(hold(local, remote, &flow, PACKET_OUTBOUND));
}

/* RFC 4301 4.4.1.1 and 7: ANY includes what cannot be seen, OPAQUE is nothing else. */
static void packets_without_ports_need_any_or_opaque(void **state)
{
    (void)state;
    struct traffic_selector any = selector("0.0.0.0", "255.255.255.255", 0, 0, 65535);
    struct traffic_selector ports = any, opaque = any;
    ports.first_port = 1;
    opaque.first_port = 65535;
    opaque.last_port = 0;
    struct packet_flow later = flow_of(V4("001c", "0001", "11") "1388 0035 0008 0000");
    struct packet_flow whole = flow_of(V4("001c", "0000", "11") "1388 0035 0008 0000");
    assert_true(hold(any, any, &later, PACKET_OUTBOUND));
    assert_true(hold(opaque, opaque, &later, PACKET_OUTBOUND));
    assert_false(hold(ports, any, &later, PACKET_OUTBOUND));
    assert_false(hold(any, ports, &later, PACKET_OUTBOUND));
    assert_true(hold(ports, ports, &whole, PACKET_OUTBOUND));
    assert_false(hold(opaque, any, &whole, PACKET_OUTBOUND));
}

/* RFC 4301 7.2: a minimum offset, so that no later fragment overlaps the TCP header (RFC 1858 3.2.2). */
static void RFC4301_7_2_opaque_selectors_hold_no_fragment_that_overlaps_the_tcp_header(void **state)
{
    (void)state;
    struct traffic_selector opaque = selector("0.0.0.0", "255.255.255.255", 0, 65535, 0);
    static const struct {
        const char *packet;
        bool is_held;
    } rows[] = {
        {V4("001c", "0001", "06") "1388 0035 0008 0000", false},
        {V4("001c", "2001", "06") "1388 0035 0008 0000", false},
        {V4("001c", "0002", "06") "1388 0035 0008 0000", true},
        {V4("001c", "0001", "11") "1388 0035 0008 0000", true},
        {V6("0010", "2c") "0600 0008 00000007 1388 0035 0008 0000", false}, /* of the other family */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct packet_flow flow = flow_of(rows[i].packet);
        assert_int_equal(hold(opaque, opaque, &flow, PACKET_INBOUND), rows[i].is_held);
        assert_int_equal(hold(opaque, opaque, &flow, PACKET_OUTBOUND), rows[i].is_held);
    }
}

static void RFC4301_6_2_an_icmp_error_tells_of_the_packet_that_it_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *packet;
        uint16_t port; /* the quoted source port; 0: nothing is quoted */
    } rows[] = {
        {V4("0038", "0000", "01") "0304 0000 00000500" V4("05dc", "4000", "11") "1388 0035 0008 0000", 5000},
        {V4("0038", "0000", "01") "0b00 0000 00000000" V4("05dc", "4000", "06") "1389 0035 00000001", 5001},
        {V6("0040", "3a") "0200 0000 00000500" V6("05dc", "11") "138a 0035 0008 0000", 5002},
        {V6("0048", "00") "3a00 010400000000 0100 0000 00000000" V6("05dc", "11") "138b 0035 0008 0000",
         5003},
        /* A redirect, an answer, a later fragment, an error that quotes too little, ICMPv6's type in ICMP. */
        {V4("0038", "0000", "01") "0501 0000 00000000" V4("05dc", "4000", "11") "1388 0035 0008 0000", 0},
        {V4("0038", "0000", "01") "0000 0000 00000000" V4("05dc", "4000", "11") "1388 0035 0008 0000", 0},
        {V4("0038", "0001", "01") "0304 0000 00000500" V4("05dc", "4000", "11") "1388 0035 0008 0000", 0},
        {V4("001c", "0000", "01") "0304 0000 00000500", 0},
        {V4("0018", "0000", "01") "0304 0000", 0},
        {V4("0038", "0000", "01") "0200 0000 00000500" V4("05dc", "4000", "11") "1388 0035 0008 0000", 0},
        {V6("0040", "3a") "8000 0000 00000500" V6("05dc", "11") "138a 0035 0008 0000", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct hex octets = hex(rows[i].packet);
        struct packet_flow flow;
        bool quotes = packet_flow_read_quoted(octets.at, octets.length, &flow);
        assert_int_equal(quotes, rows[i].port != 0);
        if (quotes)
            assert_int_equal(flow.source_port, rows[i].port);
    }
}

static void icmp_type_is_compared_with_the_senders_side(void **state)
{
    (void)state;
    struct traffic_selector any = selector("0.0.0.0", "255.255.255.255", 0, 0, 65535);
    struct traffic_selector request = any, reply = any;
    request.protocol = reply.protocol = 1;
    request.first_port = 0x0800;
    request.last_port = 0x08ff;
    reply.first_port = 0x0000;
    reply.last_port = 0x00ff;
    struct packet_flow ping = flow_of(V4("001c", "0000", "01") "0800 0000 00000000");
    struct packet_flow pong = flow_of(V4("001c", "0000", "01") "0000 0000 00000000");
    assert_true(hold(request, reply, &ping, PACKET_OUTBOUND));
    assert_true(hold(request, reply, &pong, PACKET_INBOUND));
    assert_false(hold(request, reply, &pong, PACKET_OUTBOUND));
    assert_false(hold(request, reply, &ping, PACKET_INBOUND));
}

static void R71_any_of_several_selectors_will_do(void **state)
{
    (void)state;
    struct traffic_selector local[] = {selector("192.0.2.0", "192.0.2.255", 0, 0, 65535),
                                       selector("10.1.0.0", "10.1.0.255", 6, 0, 65535),
                                       selector("10.1.0.0", "10.1.0.255", 17, 0, 65535)};
    struct traffic_selector remote[] = {selector("::", "ffff::", 0, 0, 65535),
                                        selector("10.2.0.3", "10.2.0.3", 0, 53, 53)};
    struct packet_flow flow = flow_of(V4("001c", "0000", "11") "1388 0035 0008 0000");
    struct traffic_selectors both = {local, remote, 3, 2};
    assert_true(traffic_selectors_hold(&both, &flow, PACKET_OUTBOUND));
    both.local_count = 2;
    assert_false(traffic_selectors_hold(&both, &flow, PACKET_OUTBOUND));
    both.local_count = 0;
    assert_false(traffic_selectors_hold(&both, &flow, PACKET_OUTBOUND));
}

static void all_of_a_family_is_recognised(void **state)
{
    (void)state;
    struct traffic_selector v4 = selector("0.0.0.0", "255.255.255.255", 0, 0, 65535);
    struct traffic_selector v6 = selector("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, 0, 65535);
    struct traffic_selector both[] = {v4, v6};
    struct traffic_selectors selectors = {both, both, 2, 2};
    assert_true(traffic_selectors_hold_all(&selectors, IP_V4));
    assert_true(traffic_selectors_hold_all(&selectors, IP_V6));
    selectors.remote_count = 1;
    assert_true(traffic_selectors_hold_all(&selectors, IP_V4));
    assert_false(traffic_selectors_hold_all(&selectors, IP_V6));
    struct traffic_selector part[] = {v4};
    selectors.remote = part;
    part[0].protocol = 17;
    assert_false(traffic_selectors_hold_all(&selectors, IP_V4));
    part[0] = v4;
    part[0].last_port = 65534;
    assert_false(traffic_selectors_hold_all(&selectors, IP_V4));
    part[0] = v4;
    part[0].last.octets[3] = 254;
    assert_false(traffic_selectors_hold_all(&selectors, IP_V4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_udp_has_addresses_protocol_and_ports),
        cmocka_unit_test(ipv4_options_are_passed_over),
        cmocka_unit_test(icmp_has_type_and_code_as_the_senders_port),
        cmocka_unit_test(mobility_header_has_its_type_in_the_high_octet),
        cmocka_unit_test(ipv6_extension_headers_are_passed_over),
        cmocka_unit_test(only_first_fragments_have_ports),
        cmocka_unit_test(ports_beyond_the_end_are_none),
        cmocka_unit_test(what_has_no_whole_header_has_no_flow),
        cmocka_unit_test(random_packets_are_read_within_their_bounds),
        cmocka_unit_test(R71_directions_swap_the_sides),
        cmocka_unit_test(R71_address_ranges_include_both_ends),
        cmocka_unit_test(R71_protocol_and_ports_of_both_sides_count),
        cmocka_unit_test(packets_without_ports_need_any_or_opaque),
        cmocka_unit_test(RFC4301_7_2_opaque_selectors_hold_no_fragment_that_overlaps_the_tcp_header),
        cmocka_unit_test(RFC4301_6_2_an_icmp_error_tells_of_the_packet_that_it_quotes),
        cmocka_unit_test(icmp_type_is_compared_with_the_senders_side),
        cmocka_unit_test(R71_any_of_several_selectors_will_do),
        cmocka_unit_test(all_of_a_family_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
