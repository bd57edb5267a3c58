/* daemon/state/map.h */
#include "daemon/state/map.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/state/layout.h"

enum { SERIALS = 64, LENGTH_MAX = 5000 };

static const struct state_map_size size = {.places = 200, .blocks = 2000};

/* ---- Records that tell whether they are whole -------------------------------------------------------- */

static uint8_t pattern(uint32_t serial, uint32_t generation, size_t at)
{
    return (uint8_t)(serial * 17 + generation * 31 + at * 7);
}

/* Serial, generation, length, then a pattern made of them. */
static struct octets record_make(uint8_t *at, uint32_t serial, uint32_t generation, size_t length)
{
    store_u32be(at, serial);
    store_u32be(at + 4, generation);
    store_u32be(at + 8, (uint32_t)length);
    for (size_t i = 12; i < length; i++)
        at[i] = pattern(serial, generation, i);
    return (struct octets){at, length};
}

/* False if the record is a mix, or not that of its serial. */
static bool record_is_whole(const struct state_record *record)
{
    if (record->length < 12 || load_u32be(record->octets) != record->serial ||
        load_u32be(record->octets + 8) != record->length)
        return false;
    uint32_t generation = load_u32be(record->octets + 4);
    for (size_t i = 12; i < record->length; i++) {
        if (record->octets[i] != pattern(record->serial, generation, i))
            return false;
    }
    return true;
}

static size_t random_length(void)
{
    return 12 + (size_t)random() % (random() % 4 == 0 ? LENGTH_MAX : 700);
}

/* The generations of all serials that a map holds, 0 for none; fails if a record is not whole. */
static void map_read_all(const struct state_map *map, uint32_t generations[SERIALS])
{
    struct state_record record = {0};
    memset(generations, 0, SERIALS * sizeof(*generations));
    for (uint32_t place = 0; place < state_map_places(map); place++) {
        if (!state_map_read(map, place, &record))
            continue;
        assert_true(record_is_whole(&record));
        assert_true(record.serial < SERIALS);
        assert_int_equal(generations[record.serial], 0);
        generations[record.serial] = load_u32be(record.octets + 4);
    }
    state_record_free(&record);
}

static struct state_map *open_map(int fd, enum state_map_access access)
{
    struct state_map *map = state_map_open(fd, access);
    assert_non_null(map);
    return map;
}

/* ---- Tests ------------------------------------------------------------------------------------------- */

static void map_agrees_with_an_array_across_openings(void **state)
{
    (void)state;
    static uint8_t buffer[LENGTH_MAX + 12];
    uint32_t expected[SERIALS] = {0};
    uint32_t found[SERIALS];
    int fd = state_map_create(&size);
    assert_true(fd >= 0);
    struct state_map *writer = open_map(fd, STATE_MAP_WRITE);
    struct state_map *reader = open_map(fd, STATE_MAP_READ);
    srandom(1);

    for (uint32_t step = 1; step < 3000; step++) {
        for (long changes = random() % 5; changes >= 0; changes--) {
            uint32_t serial = (uint32_t)random() % SERIALS;
            if (random() % 3 != 0) {
                assert_true(
                    state_map_put(writer, serial, 0, record_make(buffer, serial, step, random_length())));
                expected[serial] = step;
            } else {
                assert_true(state_map_remove(writer, serial));
                expected[serial] = 0;
            }
        }
        state_map_commit(writer);
        if (step % 97 == 0) {
            state_map_close(writer);
            writer = open_map(fd, STATE_MAP_WRITE);
            assert_int_equal(state_map_damaged(writer), 0);
        }
        map_read_all(reader, found);
        assert_memory_equal(found, expected, sizeof(found));
    }

    state_map_close(writer);
    state_map_close(reader);
    close(fd);
}

static void uncommitted_changes_are_not_seen_and_do_not_survive(void **state)
{
    (void)state;
    uint8_t buffer[600];
    uint32_t found[SERIALS];
    int fd = state_map_create(&size);
    struct state_map *writer = open_map(fd, STATE_MAP_WRITE);
    struct state_map *reader = open_map(fd, STATE_MAP_READ);
    assert_true(state_map_put(writer, 1, 0, record_make(buffer, 1, 10, 600)));
    state_map_commit(writer);

    assert_true(state_map_put(writer, 1, 0, record_make(buffer, 1, 11, 600)));
    assert_true(state_map_put(writer, 2, 0, record_make(buffer, 2, 11, 600)));
    map_read_all(reader, found);
    assert_int_equal(found[1], 10);
    assert_int_equal(found[2], 0);
    state_map_close(writer);
    writer = open_map(fd, STATE_MAP_WRITE);

    map_read_all(reader, found);
    assert_int_equal(found[1], 10);
    assert_int_equal(found[2], 0);
    assert_int_equal(state_map_count(writer), 1);
    state_map_close(writer);
    state_map_close(reader);
    close(fd);
}

static void last_change_of_a_serial_in_a_batch_holds(void **state)
{
    (void)state;
    uint8_t buffer[2000];
    uint32_t found[SERIALS];
    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);

    assert_true(state_map_put(map, 1, 0, record_make(buffer, 1, 1, 2000)));
    assert_true(state_map_remove(map, 1));
    assert_true(state_map_put(map, 2, 0, record_make(buffer, 2, 2, 100)));
    assert_true(state_map_remove(map, 2));
    assert_true(state_map_put(map, 2, 0, record_make(buffer, 2, 3, 1500)));
    state_map_commit(map);

    map_read_all(map, found);
    assert_int_equal(found[1], 0);
    assert_int_equal(found[2], 3);
    assert_int_equal(state_map_count(map), 1);
    state_map_close(map);
    close(fd);
}

static void more_changes_than_a_batch_holds_are_all_made(void **state)
{
    (void)state;
    enum { MANY = STATE_BATCH_MAX + 40 };
    uint8_t buffer[100];
    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);

    for (uint32_t serial = 0; serial < MANY; serial++)
        assert_true(state_map_put(map, serial, 0, record_make(buffer, serial, 1, 100)));
    state_map_commit(map);
    assert_int_equal(state_map_count(map), MANY);
    for (uint32_t serial = 0; serial < MANY; serial++)
        assert_true(state_map_remove(map, serial));
    state_map_commit(map);

    assert_int_equal(state_map_count(map), 0);
    state_map_close(map);
    close(fd);
}

static void full_map_refuses_a_record_and_keeps_the_old_one(void **state)
{
    (void)state;
    enum { SIX_BLOCKS = 6 * STATE_BLOCK_OCTETS, FIVE_BLOCKS = 5 * STATE_BLOCK_OCTETS };
    enum { TEN_BLOCKS = 10 * STATE_BLOCK_OCTETS };
    static uint8_t buffer[TEN_BLOCKS];
    uint32_t found[SERIALS];
    const struct state_map_size small = {.places = 2, .blocks = 10};
    int fd = state_map_create(&small);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    assert_true(state_map_put(map, 1, 0, record_make(buffer, 1, 1, SIX_BLOCKS)));
    state_map_commit(map);

    assert_false(state_map_put(map, 1, 0, record_make(buffer, 1, 2, FIVE_BLOCKS)));
    assert_false(state_map_put(map, 2, 0, record_make(buffer, 2, 2, TEN_BLOCKS)));
    assert_true(state_map_put(map, 3, 0, record_make(buffer, 3, 3, 100)));
    assert_false(state_map_put(map, 4, 0, record_make(buffer, 4, 3, 100)));
    state_map_commit(map);

    map_read_all(map, found);
    assert_int_equal(found[1], 1);
    assert_int_equal(found[2], 0);
    assert_int_equal(found[3], 3);
    assert_int_equal(found[4], 0);
    state_map_close(map);
    close(fd);
}

static void empty_and_overlong_records_are_refused(void **state)
{
    (void)state;
    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    uint8_t *large = calloc(1, STATE_RECORD_MAX + 1);

    assert_false(state_map_put(map, 1, 0, (struct octets){large, 0}));
    assert_false(state_map_put(map, 1, 0, (struct octets){large, STATE_RECORD_MAX + 1}));

    free(large);
    state_map_close(map);
    close(fd);
}

static void removed_and_replaced_records_are_wiped(void **state)
{
    (void)state;
    static uint8_t buffer[3000];
    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    assert_true(state_map_put(map, 1, 0, record_make(buffer, 1, 1, 3000)));
    state_map_commit(map);
    assert_true(state_map_put(map, 1, 0, record_make(buffer, 1, 2, 3000)));
    state_map_commit(map);
    assert_true(state_map_remove(map, 1));
    state_map_commit(map);

    const uint8_t *blocks = (const uint8_t *)map->blocks;
    for (size_t i = 0; i < (size_t)size.blocks * STATE_BLOCK_SIZE; i++)
        assert_int_equal(blocks[i], 0);
    state_map_close(map);
    close(fd);
}

static void map_that_is_not_sealed_or_of_another_version_is_refused(void **state)
{
    (void)state;
    int unsealed = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(ftruncate(unsealed, 1 << 20), 0);
    errno = 0;
    assert_null(state_map_open(unsealed, STATE_MAP_READ));
    assert_int_equal(errno, EPROTO);
    close(unsealed);

    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    map->header->version++;
    errno = 0;
    assert_null(state_map_open(fd, STATE_MAP_READ));
    assert_int_equal(errno, EPROTO);
    map->header->version--;
    atomic_store(&map->header->blocks_used, size.blocks + 1);
    assert_null(state_map_open(fd, STATE_MAP_WRITE));
    assert_int_equal(errno, EPROTO);
    state_map_close(map);
    close(fd);
}

static void damaged_chains_are_not_followed(void **state)
{
    (void)state;
    static uint8_t buffer[3000];
    struct state_record record = {0};
    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    for (uint32_t serial = 0; serial < 4; serial++)
        assert_true(state_map_put(map, serial, 0, record_make(buffer, serial, 1, 3000)));
    state_map_commit(map);

    map->blocks[state_word_head(atomic_load(&map->places[0].word)) - 1].next = UINT32_MAX;
    map->blocks[state_word_head(atomic_load(&map->places[1].word)) - 1].length = UINT32_MAX;
    atomic_store(&map->places[2].word, UINT64_C(0x1ffffffff));

    for (uint32_t place = 0; place < 3; place++)
        assert_false(state_map_read(map, place, &record));
    assert_true(state_map_read(map, 3, &record));
    state_record_free(&record);
    state_map_close(map);
    map = open_map(fd, STATE_MAP_WRITE);
    assert_int_equal(state_map_damaged(map), 3);
    assert_int_equal(state_map_count(map), 1);
    state_map_close(map);
    close(fd);
}

/* Places from `places_used` on were never used: what stands there is nobody's record. */
static void a_word_in_a_place_that_was_never_used_is_no_record(void **state)
{
    (void)state;
    uint8_t buffer[100];
    uint32_t found[SERIALS];
    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    assert_true(state_map_put(map, 1, 0, record_make(buffer, 1, 1, 100)));
    state_map_commit(map);
    atomic_store(&map->places[1].word, UINT64_C(0x7fffffff));
    atomic_store(&map->places[2].word, UINT64_C(0x500000001)); /* the block of the first record */

    for (uint32_t serial = 2; serial < 5; serial++)
        assert_true(state_map_put(map, serial, 0, record_make(buffer, serial, serial, 100)));
    state_map_commit(map);
    assert_true(state_map_remove(map, 3));
    state_map_commit(map);

    assert_int_equal(state_map_damaged(map), 2);
    map_read_all(map, found);
    assert_int_equal(found[1], 1);
    assert_int_equal(found[2], 2);
    assert_int_equal(found[3], 0);
    assert_int_equal(found[4], 4);
    state_map_close(map);
    close(fd);
}

/* Whatever stands in the memory, opening and using the map stays within it, and no record is a mix. */
static void random_damage_never_leads_out_of_bounds(void **state)
{
    (void)state;
    static uint8_t buffer[3000];
    const struct state_map_size small = {.places = 40, .blocks = 100};
    size_t dropped = 0;
    srandom(7);
    for (unsigned round = 0; round < 2000; round++) {
        int fd = state_map_create(&small);
        struct state_map *map = open_map(fd, STATE_MAP_WRITE);
        for (uint32_t serial = 0; serial < 12; serial++)
            assert_true(
                state_map_put(map, serial, 0, record_make(buffer, serial, 1, random_length() % 2900 + 12)));
        state_map_commit(map);
        uint8_t *memory = (uint8_t *)map->header;
        size_t used = STATE_HEADER_SIZE + STATE_HEADER_SIZE + 60 * (size_t)STATE_BLOCK_SIZE;
        for (unsigned damage = 0; damage < 20; damage++) {
            /* The numbers that lead elsewhere: of the header, of places, the first ones of blocks. */
            size_t at = offsetof(struct state_header, places_used) + (size_t)random() % 64;
            if (damage % 4 == 1)
                at = STATE_HEADER_SIZE + (size_t)random() % 640;
            if (damage % 4 == 2)
                at = 2 * (size_t)STATE_HEADER_SIZE + (size_t)random() % 60 * STATE_BLOCK_SIZE +
                     (size_t)random() % 8;
            if (damage % 4 == 3)
                at = offsetof(struct state_header, places_used) + (size_t)random() % (used - 64);
            memory[at] = random() % 2 == 0 ? 0 : (uint8_t)random();
        }
        state_map_close(map);

        map = state_map_open(fd, STATE_MAP_WRITE);
        if (map != NULL) {
            dropped += state_map_damaged(map);
            for (uint32_t serial = 0; serial < 30; serial++)
                (void)state_map_put(map, serial, 0,
                                    record_make(buffer, serial, 2, random_length() % 2900 + 12));
            state_map_commit(map);
            for (uint32_t serial = 0; serial < 30; serial++)
                assert_true(state_map_remove(map, serial));
            state_map_commit(map);
        }
        state_map_close(map);
        close(fd);
    }
    assert_true(dropped > 1000);
}

/* ---- Two processes ----------------------------------------------------------------------------------- */

/* Serials 2n and 2n + 1 are always changed in one batch and to the same generation. */
static void write_pairs_for_ever(int fd, unsigned seed)
{
    static uint8_t buffer[LENGTH_MAX + 12];
    struct state_map *map = state_map_open(fd, STATE_MAP_WRITE);
    if (map == NULL)
        _exit(1);
    srandom(seed);
    for (uint32_t generation = seed * 1000000 + 1;; generation++) {
        uint32_t serial = (uint32_t)random() % (SERIALS / 2) * 2;
        bool put = random() % 4 != 0;
        for (uint32_t i = serial; i < serial + 2; i++) {
            bool done = put ? state_map_put(map, i, 0, record_make(buffer, i, generation, random_length()))
                            : state_map_remove(map, i);
            if (!done)
                _exit(2);
        }
        state_map_commit(map);
    }
}

static pid_t start_writer(int fd, unsigned seed)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        write_pairs_for_ever(fd, seed);
    return pid;
}

static void kill_writer(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void reader_beside_a_writer_never_sees_a_mix(void **state)
{
    (void)state;
    struct state_record record = {0};
    size_t seen = 0;
    int fd = state_map_create(&size);
    pid_t writer = start_writer(fd, 1);
    struct state_map *map = open_map(fd, STATE_MAP_READ);
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec++;

    do {
        for (uint32_t place = 0; place < state_map_places(map); place++) {
            if (!state_map_read(map, place, &record))
                continue;
            assert_true(record_is_whole(&record));
            seen++;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));

    kill_writer(writer);
    assert_true(seen > 1000);
    state_record_free(&record);
    state_map_close(map);
    close(fd);
}

static void writer_killed_at_any_moment_leaves_whole_batches(void **state)
{
    (void)state;
    uint32_t found[SERIALS];
    int fd = state_map_create(&size);
    srandom(5);

    for (unsigned round = 1; round <= 200; round++) {
        pid_t writer = start_writer(fd, round);
        struct timespec pause = {.tv_nsec = 500000 + random() % 2000000};
        nanosleep(&pause, NULL);
        kill_writer(writer);

        struct state_map *map = open_map(fd, STATE_MAP_WRITE);
        assert_int_equal(state_map_damaged(map), 0);
        map_read_all(map, found);
        for (uint32_t serial = 0; serial < SERIALS; serial += 2)
            assert_int_equal(found[serial], found[serial + 1]);
        state_map_close(map);
    }
    close(fd);
}

/* ---- A writer that dies inside a batch -------------------------------------------------------------- */

enum { MANY = 300, PAGE = 4096 }; /* places of 16 octets: more than a page of them */

static const struct state_map_size many = {.places = 2 * MANY, .blocks = 2 * MANY};

/* The first and the last two: their places are on two pages. */
static const uint32_t batch[] = {0, MANY - 1, 1, MANY - 2};
enum { BATCH = sizeof(batch) / sizeof(batch[0]) };

static void put_batch(struct state_map *map, uint32_t generation)
{
    static uint8_t buffer[100];
    for (size_t i = 0; i < BATCH; i++)
        assert_true(
            state_map_put(map, batch[i], 0, record_make(buffer, batch[i], generation, sizeof(buffer))));
}

/* Commits a batch, in a process that dies as soon as it writes to a page. True if it did. */
static bool die_at_page(int fd, size_t page, uint32_t generation)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        struct state_map *map = state_map_open(fd, STATE_MAP_WRITE);
        if (map == NULL)
            _exit(1);
        put_batch(map, generation);
        if (mprotect((uint8_t *)map->header + page * PAGE, PAGE, PROT_READ) != 0)
            _exit(2);
        state_map_commit(map);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* The generation that all records of the batch have in a map that is opened by the next writer. */
static uint32_t generation_of_batch(int fd)
{
    struct state_record record = {0};
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    uint32_t generation = 0;
    assert_int_equal(state_map_damaged(map), 0);
    for (size_t i = 0; i < BATCH; i++) {
        assert_true(state_map_read(map, batch[i], &record)); /* they were put in the order of their places */
        assert_true(record_is_whole(&record));
        if (i == 0)
            generation = load_u32be(record.octets + 4);
        assert_int_equal(load_u32be(record.octets + 4), generation);
    }
    state_record_free(&record);
    state_map_close(map);
    return generation;
}

static void writer_that_dies_inside_a_batch_leaves_it_whole(void **state)
{
    (void)state;
    static uint8_t buffer[100];
    int fd = state_map_create(&many);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    for (uint32_t serial = 0; serial < MANY; serial++)
        assert_true(state_map_put(map, serial, 0, record_make(buffer, serial, 1, sizeof(buffer))));
    state_map_commit(map);
    size_t pages = map->mapped / PAGE;
    size_t last_places = ((size_t)((uint8_t *)&map->places[MANY - 1] - (uint8_t *)map->header)) / PAGE;
    assert_true(last_places > ((size_t)((uint8_t *)&map->places[1] - (uint8_t *)map->header)) / PAGE);
    state_map_close(map);

    uint32_t generation = 1;
    size_t deaths = 0;
    for (size_t page = 0; page < pages; page++) {
        bool died = die_at_page(fd, page, generation + 1);
        uint32_t now = generation_of_batch(fd);
        /* Before the journal is marked nothing has changed; from then on the next writer ends the batch. */
        assert_int_equal(now, page == 0 ? generation : generation + 1);
        if (page == last_places)
            assert_true(died);
        deaths += died;
        generation = now;
    }
    assert_true(deaths > 3); /* at the header, two pages of places, and where old records are wiped */
    close(fd);
}

/* The moments that a kill hits too rarely: a commit that got as far as its journal, and no additional. */
static void commit_interrupted_after_its_journal_is_finished(void **state)
{
    (void)state;
    static uint8_t buffer[3000];
    uint32_t found[SERIALS];
    int fd = state_map_create(&size);
    struct state_map *map = open_map(fd, STATE_MAP_WRITE);
    for (uint32_t serial = 0; serial < 2; serial++)
        assert_true(state_map_put(map, serial, 0, record_make(buffer, serial, 1, 3000)));
    state_map_commit(map);
    for (uint32_t serial = 0; serial < 2; serial++)
        assert_true(state_map_put(map, serial, 0, record_make(buffer, serial, 2, 2000)));

    memcpy(map->header->journal, map->changes, sizeof(map->changes));
    atomic_store(&map->header->journal_count, 2);
    atomic_store(&map->places[0].word, map->changes[0].word);
    state_map_close(map);

    map = open_map(fd, STATE_MAP_WRITE);
    map_read_all(map, found);
    assert_int_equal(found[0], 2);
    assert_int_equal(found[1], 2);
    assert_int_equal(state_map_damaged(map), 0);
    state_map_close(map);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_agrees_with_an_array_across_openings),
        cmocka_unit_test(uncommitted_changes_are_not_seen_and_do_not_survive),
        cmocka_unit_test(last_change_of_a_serial_in_a_batch_holds),
        cmocka_unit_test(more_changes_than_a_batch_holds_are_all_made),
        cmocka_unit_test(full_map_refuses_a_record_and_keeps_the_old_one),
        cmocka_unit_test(empty_and_overlong_records_are_refused),
        cmocka_unit_test(removed_and_replaced_records_are_wiped),
        cmocka_unit_test(map_that_is_not_sealed_or_of_another_version_is_refused),
        cmocka_unit_test(damaged_chains_are_not_followed),
        cmocka_unit_test(a_word_in_a_place_that_was_never_used_is_no_record),
        cmocka_unit_test(random_damage_never_leads_out_of_bounds),
        cmocka_unit_test(reader_beside_a_writer_never_sees_a_mix),
        cmocka_unit_test(writer_killed_at_any_moment_leaves_whole_batches),
        cmocka_unit_test(writer_that_dies_inside_a_batch_leaves_it_whole),
        cmocka_unit_test(commit_interrupted_after_its_journal_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
