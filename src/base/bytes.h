/*
 * Bounds-checked reading and writing of octets. Every size that comes from the network is read by the reader;
 * no other code does pointer arithmetic on input.
 *
 * A reader or writer that has failed stays failed: after the first access beyond the end, all later ones fail
 * too and yield zero or NULL. So a parser can read a whole structure and look at `failed` once, at the end.
 */
#ifndef MUSUBI_BASE_BYTES_H
#define MUSUBI_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A run of octets in memory that others own. */
struct octets {
    const uint8_t *at;
    size_t length;
};

/* Reads from `at` up to `end`. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

/* Has written from `start` up to `at`; may write up to `end`. */
struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

/* True if both runs have the same length and content. Not constant-time: never for secrets. */
bool octets_equal(struct octets a, struct octets b);

/* A reader of the `length` octets at `at`, which must outlive it. */
struct reader reader_of(const void *at, size_t length);

/* The number of octets not yet read; 0 after a failure. */
size_t reader_left(const struct reader *r);

/* The next unsigned integer of 1, 2, 4 or 8 octets, in network byte order; 0 on failure. */
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16be(struct reader *r);
uint32_t reader_u32be(struct reader *r);
uint64_t reader_u64be(struct reader *r);

/* The next `length` octets, in place; NULL on failure. */
const uint8_t *reader_octets(struct reader *r, size_t length);

/* Copies the next `length` octets to `to`; fills `to` with zeros on failure. */
void reader_copy(struct reader *r, void *to, size_t length);

/* A reader of the next `length` octets, which `r` skips; a failed reader if there are fewer. */
struct reader reader_part(struct reader *r, size_t length);

/* All octets that are left, in place; `r` is at its end afterwards. None after a failure. */
struct octets reader_rest(struct reader *r);

/* A writer into the `capacity` octets at `at`, which must outlive it. */
struct writer writer_to(void *at, size_t capacity);

/* The number of octets written so far. */
size_t writer_length(const struct writer *w);

/* The octets written so far, in place. */
struct octets writer_octets(const struct writer *w);

/* Appends an unsigned integer of 1, 2, 4 or 8 octets, in network byte order. */
void writer_put_u8(struct writer *w, uint8_t value);
void writer_put_u16be(struct writer *w, uint16_t value);
void writer_put_u32be(struct writer *w, uint32_t value);
void writer_put_u64be(struct writer *w, uint64_t value);

/* Appends `length` octets. `from` may be NULL when `length` is 0. */
void writer_put(struct writer *w, const void *from, size_t length);

/* Appends `length` octets of unspecified content and returns where they are; NULL on failure. */
uint8_t *writer_reserve(struct writer *w, size_t length);

/* Overwrites an integer at `offset` octets from the start. Does nothing if it was not all written, or after a
 * failure. */
void writer_patch_u8(struct writer *w, size_t offset, uint8_t value);
void writer_patch_u16be(struct writer *w, size_t offset, uint16_t value);
void writer_patch_u32be(struct writer *w, size_t offset, uint32_t value);

/* Load and store in network byte order, at any alignment. The caller knows that the memory is large
 * enough. */
uint16_t load_u16be(const uint8_t *at);
uint32_t load_u32be(const uint8_t *at);
uint64_t load_u64be(const uint8_t *at);
void store_u16be(uint8_t *at, uint16_t value);
void store_u32be(uint8_t *at, uint32_t value);
void store_u64be(uint8_t *at, uint64_t value);

#endif
