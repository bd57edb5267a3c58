#include "base/bytes.h"

#include <string.h>

bool octets_equal(struct octets a, struct octets b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

uint16_t load_u16be(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t load_u32be(const uint8_t *at)
{
    return (uint32_t)load_u16be(at) << 16 | load_u16be(at + 2);
}

uint64_t load_u64be(const uint8_t *at)
{
    return (uint64_t)load_u32be(at) << 32 | load_u32be(at + 4);
}

void store_u16be(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void store_u32be(uint8_t *at, uint32_t value)
{
    store_u16be(at, (uint16_t)(value >> 16));
    store_u16be(at + 2, (uint16_t)value);
}

void store_u64be(uint8_t *at, uint64_t value)
{
    store_u32be(at, (uint32_t)(value >> 32));
    store_u32be(at + 4, (uint32_t)value);
}

struct reader reader_of(const void *at, size_t length)
{
    const uint8_t *start = at;
    return (struct reader){.at = start, .end = start + length};
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

const uint8_t *reader_octets(struct reader *r, size_t length)
{
    if (r->failed || length > reader_left(r)) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *here = r->at;
    r->at += length;
    /* Reading no octets succeeds, even where the input is empty and has no address. */
    return here != NULL ? here : (const uint8_t *)"";
}

uint8_t reader_u8(struct reader *r)
{
    const uint8_t *at = reader_octets(r, 1);
    return r->failed ? 0 : at[0];
}

uint16_t reader_u16be(struct reader *r)
{
    const uint8_t *at = reader_octets(r, 2);
    return r->failed ? 0 : load_u16be(at);
}

uint32_t reader_u32be(struct reader *r)
{
    const uint8_t *at = reader_octets(r, 4);
    return r->failed ? 0 : load_u32be(at);
}

uint64_t reader_u64be(struct reader *r)
{
    const uint8_t *at = reader_octets(r, 8);
    return r->failed ? 0 : load_u64be(at);
}

void reader_copy(struct reader *r, void *to, size_t length)
{
    const uint8_t *at = reader_octets(r, length);
    if (at == NULL)
        memset(to, 0, length);
    else
        memcpy(to, at, length);
}

struct reader reader_part(struct reader *r, size_t length)
{
    const uint8_t *at = reader_octets(r, length);
    if (at == NULL)
        return (struct reader){.failed = true};
    return reader_of(at, length);
}

struct octets reader_rest(struct reader *r)
{
    size_t left = reader_left(r);
    return (struct octets){reader_octets(r, left), left};
}

struct writer writer_to(void *at, size_t capacity)
{
    uint8_t *start = at;
    return (struct writer){.start = start, .at = start, .end = start + capacity};
}

size_t writer_length(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

struct octets writer_octets(const struct writer *w)
{
    return (struct octets){w->start, writer_length(w)};
}

uint8_t *writer_reserve(struct writer *w, size_t length)
{
    if (w->failed || length > (size_t)(w->end - w->at)) {
        w->failed = true;
        return NULL;
    }
    uint8_t *here = w->at;
    w->at += length;
    return here;
}

void writer_put(struct writer *w, const void *from, size_t length)
{
    uint8_t *to = writer_reserve(w, length);
    if (to != NULL && length > 0)
        memcpy(to, from, length);
}

void writer_put_u8(struct writer *w, uint8_t value)
{
    writer_put(w, &value, 1);
}

void writer_put_u16be(struct writer *w, uint16_t value)
{
    uint8_t *to = writer_reserve(w, 2);
    if (to != NULL)
        store_u16be(to, value);
}

void writer_put_u32be(struct writer *w, uint32_t value)
{
    uint8_t *to = writer_reserve(w, 4);
    if (to != NULL)
        store_u32be(to, value);
}

void writer_put_u64be(struct writer *w, uint64_t value)
{
    uint8_t *to = writer_reserve(w, 8);
    if (to != NULL)
        store_u64be(to, value);
}

/* The `length` octets that were written at `offset`; NULL if they were not. */
static uint8_t *writer_written(struct writer *w, size_t offset, size_t length)
{
    if (w->failed || offset > writer_length(w) || length > writer_length(w) - offset)
        return NULL;
    return w->start + offset;
}

void writer_patch_u8(struct writer *w, size_t offset, uint8_t value)
{
    uint8_t *to = writer_written(w, offset, 1);
    if (to != NULL)
        *to = value;
}

void writer_patch_u16be(struct writer *w, size_t offset, uint16_t value)
{
    uint8_t *to = writer_written(w, offset, 2);
    if (to != NULL)
        store_u16be(to, value);
}

void writer_patch_u32be(struct writer *w, size_t offset, uint32_t value)
{
    uint8_t *to = writer_written(w, offset, 4);
    if (to != NULL)
        store_u32be(to, value);
}
