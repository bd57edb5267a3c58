/* base/bytes.h */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void reader_reads_integers_in_network_order(void **state)
{
    (void)state;
    const uint8_t input[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct reader r = reader_of(input, sizeof input);

    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16be(&r), 0x0203);
    assert_int_equal(reader_u32be(&r), 0x04050607);
    assert_int_equal(reader_u64be(&r), 0x08090a0b0c0d0e0f);
    assert_int_equal(reader_left(&r), 0);
    assert_false(r.failed);
}

static void reader_failure_is_sticky_and_yields_zero(void **state)
{
    (void)state;
    const uint8_t input[] = {1, 2, 3};
    struct reader r = reader_of(input, sizeof input);

    assert_int_equal(reader_u32be(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_left(&r), 0);
    uint8_t copy[2] = {9, 9};
    reader_copy(&r, copy, sizeof copy);
    assert_int_equal(copy[0] | copy[1], 0);
    assert_null(reader_octets(&r, 0));
}

static void reader_part_cannot_reach_beyond_its_end(void **state)
{
    (void)state;
    const uint8_t input[] = {1, 2, 3, 4};
    struct reader r = reader_of(input, sizeof input);
    struct reader part = reader_part(&r, 2);

    assert_int_equal(reader_u16be(&part), 0x0102);
    assert_int_equal(reader_u8(&part), 0);
    assert_true(part.failed);
    assert_false(r.failed);
    assert_int_equal(reader_u16be(&r), 0x0304);
    assert_true(reader_part(&r, 1).failed);
}

static void reader_of_nothing_yields_an_empty_run(void **state)
{
    (void)state;
    struct reader r = reader_of(NULL, 0);

    struct octets rest = reader_rest(&r);

    assert_int_equal(rest.length, 0);
    assert_non_null(rest.at);
    assert_false(r.failed);
}

static void writer_writes_what_reader_reads(void **state)
{
    (void)state;
    uint8_t buffer[32];
    struct writer w = writer_to(buffer, sizeof buffer);
    writer_put_u8(&w, 0xab);
    writer_put_u16be(&w, 0xcdef);
    writer_put_u32be(&w, 0x01234567);
    writer_put_u64be(&w, 0x89abcdef01234567);
    writer_patch_u16be(&w, 1, 0x1122);

    struct reader r = reader_of(buffer, writer_length(&w));
    assert_int_equal(reader_u8(&r), 0xab);
    assert_int_equal(reader_u16be(&r), 0x1122);
    assert_int_equal(reader_u32be(&r), 0x01234567);
    assert_int_equal(reader_u64be(&r), 0x89abcdef01234567);
}

static void writer_never_writes_beyond_its_end(void **state)
{
    (void)state;
    uint8_t buffer[4] = {0, 0, 0, 0x5a};
    struct writer w = writer_to(buffer, 3);

    writer_put_u16be(&w, 0x1234);
    writer_put_u16be(&w, 0x5678);
    writer_put_u8(&w, 0x9a);

    assert_true(w.failed);
    assert_int_equal(writer_length(&w), 2);
    assert_int_equal(buffer[2], 0);
    assert_int_equal(buffer[3], 0x5a);
    writer_patch_u8(&w, 0, 0xff);
    assert_int_equal(buffer[0], 0x12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_reads_integers_in_network_order),
        cmocka_unit_test(reader_failure_is_sticky_and_yields_zero),
        cmocka_unit_test(reader_part_cannot_reach_beyond_its_end),
        cmocka_unit_test(reader_of_nothing_yields_an_empty_run),
        cmocka_unit_test(writer_writes_what_reader_reads),
        cmocka_unit_test(writer_never_writes_beyond_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
