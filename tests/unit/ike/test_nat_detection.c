/* NAT detection (R76, RFC 7296 2.23): what one end writes, the other reads, with and without NATs between
 * them. */
#include "crypto/prf.h"
#include "ike/exchanges/nat_detection.h"
#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void fill_random(void *context, uint8_t *out, size_t length)
{
    (void)context;
    memset(out, 0x5a, length);
}

static struct ip_endpoint endpoint(const char *address, uint16_t port)
{
    struct ip_endpoint e = {.port = port};
    assert_true(ip_address_parse(address, &e.address));
    return e;
}

struct ends {
    struct ike_engine engine;
    struct ike_sa writer, reader;
};

/* The writer sees itself at `local` and its peer at `remote`, the reader sees the writer at `seen_as`, itself
 * at `at`. */
static struct ends ends_of(struct ip_endpoint local, struct ip_endpoint remote, struct ip_endpoint seen_as,
                           struct ip_endpoint at)
{
    struct ends e = {.engine.options.random = fill_random};
    e.writer.spi_i = e.reader.spi_i = 0x1111;
    e.writer.spi_r = e.reader.spi_r = 0x2222;
    e.writer.local = local;
    e.writer.remote = remote;
    e.reader.local = at;
    e.reader.remote = seen_as;
    return e;
}

/* What the reader makes of the writer's notifies. */
static bool exchange(struct ends *e, bool force)
{
    static struct parsed_payload p;
    e->writer.engine = &e->engine;
    struct message_writer m = payload_begin(&p);
    nat_detection_write(&e->writer, force, &m);
    assert_non_null(payload_parse(&p, &m));
    p.message.header.spi_i = e->writer.spi_i;
    p.message.header.spi_r = e->writer.spi_r;
    return nat_detection_read(&e->reader, &p.message);
}

static void R76_without_nat_none_is_found(void **state)
{
    (void)state;
    const struct ip_endpoint a = endpoint("10.1.0.1", 500);
    const struct ip_endpoint b = endpoint("2001:db8::2", 500);
    struct ends e = ends_of(a, b, a, b);
    assert_true(exchange(&e, false));
    assert_false(e.reader.nat_local);
    assert_false(e.reader.nat_remote);
}

static void R76_a_nat_is_found_at_the_side_where_it_is(void **state)
{
    (void)state;
    const struct ip_endpoint a = endpoint("10.1.0.1", 500);
    const struct ip_endpoint b = endpoint("10.2.0.1", 500);
    struct ends e = ends_of(a, b, endpoint("203.0.113.1", 500), b);
    assert_true(exchange(&e, false));
    assert_true(e.reader.nat_remote);
    assert_false(e.reader.nat_local);
    e = ends_of(a, b, a, endpoint("192.168.0.1", 500));
    assert_true(exchange(&e, false));
    assert_false(e.reader.nat_remote);
    assert_true(e.reader.nat_local);
    e = ends_of(a, b, endpoint("10.1.0.1", 501), b); /* the port alone */
    assert_true(exchange(&e, false));
    assert_true(e.reader.nat_remote);
}

static void R76_force_lets_the_peer_find_a_nat_in_front_of_us(void **state)
{
    (void)state;
    const struct ip_endpoint a = endpoint("10.1.0.1", 500);
    const struct ip_endpoint b = endpoint("10.2.0.1", 500);
    struct ends e = ends_of(a, b, a, b);
    assert_true(exchange(&e, true));
    assert_true(e.reader.nat_remote);
    assert_false(e.reader.nat_local);
}

static void RFC7296_2_23_the_hash_is_sha1_of_spis_address_and_port(void **state)
{
    (void)state;
    const struct ip_endpoint a = endpoint("10.1.0.1", 500);
    struct ends e = ends_of(a, a, a, a);
    static struct parsed_payload p;
    e.writer.engine = &e.engine;
    struct message_writer m = payload_begin(&p);
    nat_detection_write(&e.writer, false, &m);
    const struct ike_payload *source = payload_parse(&p, &m);
    static const uint8_t hashed[] = {0, 0, 0, 0,    0,    0,  0x11, 0x11, 0, 0,    0,
                                     0, 0, 0, 0x22, 0x22, 10, 1,    0,    1, 0x01, 0xf4};
    const struct octets all = {hashed, sizeof hashed};
    uint8_t expected[20];
    assert_true(sha1_compute(&all, 1, expected));

    assert_int_equal(source->notify, NOTIFY_NAT_DETECTION_SOURCE_IP);
    assert_int_equal(source->content.length, sizeof expected);
    assert_memory_equal(source->content.at, expected, sizeof expected);
}

static void RFC7296_2_23_one_of_several_source_hashes_is_enough(void **state)
{
    (void)state;
    const struct ip_endpoint a = endpoint("10.1.0.1", 500);
    const struct ip_endpoint b = endpoint("10.2.0.1", 500);
    struct ends e = ends_of(a, b, a, b);
    static struct parsed_payload p;
    static const uint8_t other[20] = {1};
    e.writer.engine = &e.engine;
    struct message_writer m = payload_begin(&p);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_NAT_DETECTION_SOURCE_IP,
                       (struct octets){other, sizeof other});
    nat_detection_write(&e.writer, false, &m);
    assert_non_null(payload_parse(&p, &m));
    p.message.header.spi_i = e.writer.spi_i;
    p.message.header.spi_r = e.writer.spi_r;
    assert_true(nat_detection_read(&e.reader, &p.message));
    assert_false(e.reader.nat_remote);
}

/* Half of the notifies is no NAT traversal; nothing may be concluded from it. */
static void R76_a_peer_that_sends_one_kind_of_hash_does_no_nat_traversal(void **state)
{
    (void)state;
    static const uint16_t kinds[] = {NOTIFY_NAT_DETECTION_SOURCE_IP, NOTIFY_NAT_DETECTION_DESTINATION_IP};
    for (size_t i = 0; i < 2; i++) {
        const struct ip_endpoint a = endpoint("10.1.0.1", 500);
        struct ends e = ends_of(a, a, a, a);
        static struct parsed_payload p;
        static const uint8_t hash[20] = {1};
        struct message_writer m = payload_begin(&p);
        message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, kinds[i],
                           (struct octets){hash, sizeof hash});
        assert_non_null(payload_parse(&p, &m));

        assert_false(nat_detection_read(&e.reader, &p.message));

        assert_false(e.reader.nat_local);
        assert_false(e.reader.nat_remote);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R76_without_nat_none_is_found),
        cmocka_unit_test(R76_a_nat_is_found_at_the_side_where_it_is),
        cmocka_unit_test(R76_force_lets_the_peer_find_a_nat_in_front_of_us),
        cmocka_unit_test(RFC7296_2_23_the_hash_is_sha1_of_spis_address_and_port),
        cmocka_unit_test(RFC7296_2_23_one_of_several_source_hashes_is_enough),
        cmocka_unit_test(R76_a_peer_that_sends_one_kind_of_hash_does_no_nat_traversal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
