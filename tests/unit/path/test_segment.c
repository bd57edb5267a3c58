/* Super-packets become the packets that a sender without offload would have sent (segment.h). */
#include "super_packet.h"

#include <netinet/in.h>

#include "base/checksum.h"

enum { FIN = 0x01, PSH = 0x08, ACK = 0x10, CWR = 0x80, PACKET_SIZE = SUPER_PACKET_MAX };

static uint8_t packet[PACKET_SIZE + 512], original[PACKET_SIZE], made[PACKET_SIZE], expected[PACKET_SIZE];
static uint64_t random_state = 20261126;

/* The reference, from the RFCs: the packet that carries `length` octets of the payload from `start` on, made
 * of the headers of the whole.
 */
static size_t reference(const struct super_shape *shape, size_t start, size_t length, unsigned index)
{
    size_t head = shape->ip + shape->upper;
    uint8_t *upper = expected + shape->ip;
    bool is_last = start + length == shape->payload;
    memcpy(expected, original, head);
    memcpy(expected + head, original + head + start, length);
    if (shape->family == IP_V4) {
        store_u16be(expected + 2, (uint16_t)(head + length));
        store_u16be(expected + 4, (uint16_t)(load_u16be(original + 4) + index));
        store_u16be(expected + 10, 0);
        store_u16be(expected + 10, slow_checksum(expected, shape->ip, 0));
    } else {
        store_u16be(expected + 4, (uint16_t)(head + length - 40));
    }
    if (shape->protocol == IPPROTO_TCP) {
        store_u32be(upper + 4, load_u32be(original + shape->ip + 4) + (uint32_t)start);
        if (!is_last)
            upper[13] &= (uint8_t) ~(FIN | PSH);
        if (index > 0)
            upper[13] &= (uint8_t)~CWR;
    } else {
        store_u16be(upper + 4, (uint16_t)(8 + length));
    }
    uint8_t *field = upper + super_checksum_field(shape);
    store_u16be(field, 0);
    uint16_t checksum =
        slow_checksum(upper, shape->upper + length, super_pseudo_sum(shape, expected, shape->upper + length));
    store_u16be(field, checksum == 0 && shape->protocol == IPPROTO_UDP ? 0xffff : checksum);
    return head + length;
}

static struct virtio_net_hdr make(const struct super_shape *shape)
{
    const struct virtio_net_hdr form = super_packet_make(shape, &random_state, packet);
    memcpy(original, packet, shape->ip + shape->upper + shape->payload);
    return form;
}

/* ---- Tests -------------------------------------------------------------------------------------------- */

/* Segments what stands in `packet` and compares each with the reference; returns how many there were. */
static unsigned expect_segments(const struct super_shape *shape, const struct virtio_net_hdr *form)
{
    struct segmenter s;
    struct octets body;
    unsigned index = 0;
    size_t head = shape->ip + shape->upper, start = 0;
    assert_true(segmenter_begin(&s, form, packet, head + shape->payload));
    assert_int_equal(s.head, head);
    while (segmenter_left(&s) > 0) {
        size_t left = segmenter_left(&s);
        size_t largest = segmenter_largest(&s);
        assert_true(segmenter_next(&s, made, &body));
        assert_int_equal(segmenter_left(&s), left - 1);
        assert_int_equal(head + body.length, largest);
        memcpy(made + head, body.at, body.length);
        assert_int_equal(reference(shape, start, body.length, index++), head + body.length);
        assert_memory_equal(made, expected, head + body.length);
        start += body.length;
        assert_true(body.length == shape->size || start == shape->payload);
    }
    assert_int_equal(start, shape->payload);
    assert_false(segmenter_next(&s, made, &body));
    return index;
}

static void segments_are_what_a_sender_without_offload_sends(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1500; i++) {
        const struct super_shape shape = super_shape_random(&random_state);
        const struct virtio_net_hdr form = make(&shape);
        assert_int_equal(expect_segments(&shape, &form), (shape.payload + shape.size - 1) / shape.size);
    }
}

static void fin_and_psh_are_of_the_last_segment_and_cwr_of_the_first(void **state)
{
    (void)state;
    const struct super_shape shape = {IP_V4, IPPROTO_TCP, 20, 32, 1000, 2500};
    struct virtio_net_hdr form = make(&shape);
    struct segmenter s;
    struct octets body;
    const uint8_t flags[3] = {ACK | CWR, ACK, ACK | FIN | PSH};
    packet[20 + 13] = ACK | CWR | FIN | PSH;
    form.gso_type |= VIRTIO_NET_HDR_GSO_ECN;

    assert_true(segmenter_begin(&s, &form, packet, 52 + 2500));
    for (size_t i = 0; i < 3; i++) {
        assert_true(segmenter_next(&s, made, &body));
        assert_int_equal(made[20 + 13], flags[i]);
    }
}

static void checksum_that_was_left_to_the_device_is_filled_in(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        struct super_shape shape = super_shape_random(&random_state);
        shape.payload %= 1400;
        struct virtio_net_hdr form = make(&shape);
        size_t length = shape.ip + shape.upper + shape.payload;
        struct segmenter s;
        struct octets body;
        form.gso_type = VIRTIO_NET_HDR_GSO_NONE;
        form.gso_size = 0;

        assert_true(segmenter_begin(&s, &form, packet, length));
        assert_int_equal(segmenter_left(&s), 1);
        assert_int_equal(segmenter_largest(&s), length);
        assert_true(segmenter_next(&s, made, &body));
        assert_ptr_equal(body.at, packet);
        assert_int_equal(body.length, length);

        assert_int_equal(slow_checksum(packet + shape.ip, length - shape.ip,
                                       super_pseudo_sum(&shape, packet, length - shape.ip)),
                         0);
        uint8_t *field = packet + shape.ip + super_checksum_field(&shape);
        assert_int_not_equal(load_u16be(field), 0);
        memcpy(field, original + shape.ip + super_checksum_field(&shape), 2);
        assert_memory_equal(packet, original, length);
    }
}

static void packet_with_its_checksum_stays_as_it_is(void **state)
{
    (void)state;
    const struct virtio_net_hdr form = {0};
    struct segmenter s;
    random_octets(&random_state, packet, 100);
    memcpy(original, packet, 100);
    assert_true(segmenter_begin(&s, &form, packet, 100));
    assert_int_equal(s.head, 0);
    assert_memory_equal(packet, original, 100);
}

static void header_that_contradicts_the_packet_is_refused(void **state)
{
    (void)state;
    const struct super_shape shape = {IP_V6, IPPROTO_TCP, 40, 20, 1000, 2500};
    const struct virtio_net_hdr good = make(&shape);
    struct segmenter s;
    size_t length = 60 + 2500;
    struct virtio_net_hdr bad[8] = {good, good, good, good, good, good, good, good};
    bad[0].gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    bad[1].gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
    bad[2].gso_type = VIRTIO_NET_HDR_GSO_UDP;
    bad[3].gso_size = 0;
    bad[4].flags = 0;
    bad[5].csum_start = 41;
    bad[6].csum_offset = 6;
    bad[7] = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)(length - 1), .csum_offset = 0};
    assert_true(segmenter_begin(&s, &good, packet, length));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(segmenter_begin(&s, &bad[i], packet, length));

    /* Headers that are cut off, or say that they are longer than the packet. */
    for (size_t cut = 0; cut <= 60; cut++)
        assert_false(segmenter_begin(&s, &good, packet, cut));
    packet[40 + 12] = 0x40;
    assert_false(segmenter_begin(&s, &good, packet, length));
    packet[40 + 12] = 0xf0;
    assert_false(segmenter_begin(&s, &good, packet, 40 + 60));
}

static void sum_of_any_octets_is_that_of_rfc_1071(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        size_t start = random_below(&random_state, 64), length = random_below(&random_state, 300);
        random_octets(&random_state, packet, start + length);
        if (i % 3 == 0)
            memset(packet, 0xff, start + length);
        assert_int_equal(checksum_of((struct octets){packet + start, length}),
                         slow_checksum(packet + start, length, 0));
    }
    memset(packet, 0xff, PACKET_SIZE);
    assert_int_equal(checksum_of((struct octets){packet, PACKET_SIZE}),
                     slow_checksum(packet, PACKET_SIZE, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_what_a_sender_without_offload_sends),
        cmocka_unit_test(fin_and_psh_are_of_the_last_segment_and_cwr_of_the_first),
        cmocka_unit_test(checksum_that_was_left_to_the_device_is_filled_in),
        cmocka_unit_test(packet_with_its_checksum_stays_as_it_is),
        cmocka_unit_test(header_that_contradicts_the_packet_is_refused),
        cmocka_unit_test(sum_of_any_octets_is_that_of_rfc_1071),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
