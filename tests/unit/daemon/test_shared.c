/* daemon/state/shared.h */
#include "daemon/state/shared.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void what_the_writer_counts_the_reader_sees(void **state)
{
    (void)state;
    const struct live_area_size size = {.children = 100, .tunnels = 50, .workers = 3};
    struct live_area writer;
    struct live_area reader;
    int fd = live_area_create(&size);
    assert_true(live_area_map(fd, true, &writer));
    assert_true(live_area_map(fd, false, &reader));
    close(fd);

    writer.children[99].inbound_spi = 7;
    for (uint32_t worker = 0; worker < 3; worker++)
        writer.totals[50 * worker + 49] =
            (struct path_totals){.counters = {[ESP_IN_PACKETS] = 8 + worker}, .fragmented = 1 + worker};
    writer.workers[2].counters[PATH_UNKNOWN_SPI] = 9;

    assert_int_equal(reader.children[99].inbound_spi, 7);
    assert_int_equal(live_area_totals(&reader, 49).counters[ESP_IN_PACKETS], 8 + 9 + 10);
    assert_int_equal(live_area_totals(&reader, 49).fragmented, 1 + 2 + 3);
    assert_int_equal(live_area_totals(&reader, 48).counters[ESP_IN_PACKETS], 0);
    assert_int_equal(reader.workers[2].counters[PATH_UNKNOWN_SPI], 9);
    assert_int_equal(reader.size.tunnels, 50);
    assert_int_equal((uintptr_t)writer.children % 64, 0);
    live_area_unmap(&writer);
    live_area_unmap(&reader);
}

static void memory_of_another_kind_is_refused(void **state)
{
    (void)state;
    const struct live_area_size size = {.children = 1, .tunnels = 1, .workers = 1};
    struct live_area area;
    int statistics = engine_statistics_create();
    int live = live_area_create(&size);

    errno = 0;
    assert_false(live_area_map(statistics, false, &area));
    assert_int_equal(errno, EPROTO);
    errno = 0;
    assert_null(engine_statistics_map(live, false));
    assert_int_equal(errno, EPROTO);
    struct engine_statistics *mapped = engine_statistics_map(statistics, true);
    assert_non_null(mapped);

    engine_statistics_unmap(mapped);
    close(statistics);
    close(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_writer_counts_the_reader_sees),
        cmocka_unit_test(memory_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
