#include "ike/wire/message.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

bool ike_header_read(struct octets message, struct ike_header *out)
{
    struct reader r = reader_of(message.at, message.length);
    *out = (struct ike_header){
        .spi_i = reader_u64be(&r),
        .spi_r = reader_u64be(&r),
        .next_payload = reader_u8(&r),
        .version = reader_u8(&r),
        .exchange = reader_u8(&r),
        .flags = reader_u8(&r),
        .message_id = reader_u32be(&r),
        .length = reader_u32be(&r),
    };
    return !r.failed;
}

bool ike_header_parse(struct octets datagram, struct ike_header *out)
{
    return ike_header_read(datagram, out) && out->length == datagram.length;
}

/* ---- The fixed fields of payloads, as a table ------------------------------------------------------- */

enum field_kind {
    FIELD_END,
    FIELD_U8,
    FIELD_U16,
    FIELD_RESERVED, /* `offset` octets that are skipped */
    FIELD_SPI,      /* spi_size octets */
};

struct field {
    enum field_kind kind;
    size_t offset; /* into struct ike_payload */
    const char *name;
};

struct payload_layout {
    uint8_t type;
    struct field fields[6];
};

#define U8(member)                                                                                           \
    {                                                                                                        \
        FIELD_U8, offsetof(struct ike_payload, member), #member                                              \
    }
#define U16(member)                                                                                          \
    {                                                                                                        \
        FIELD_U16, offsetof(struct ike_payload, member), #member                                             \
    }
#define RESERVED(octets)                                                                                     \
    {                                                                                                        \
        FIELD_RESERVED, octets, NULL                                                                         \
    }
#define SPI                                                                                                  \
    {                                                                                                        \
        FIELD_SPI, 0, NULL                                                                                   \
    }

/*
 * RFC 7296 3.4 to 3.13. Payloads without fixed fields are listed too: a type that is not listed is unknown.
 */
static const struct payload_layout payload_layouts[] = {
    {PAYLOAD_SA, {{0}}},
    {PAYLOAD_KE, {U16(dh_group), RESERVED(2)}},
    {PAYLOAD_IDI, {U8(id_type), RESERVED(3)}},
    {PAYLOAD_IDR, {U8(id_type), RESERVED(3)}},
    {PAYLOAD_CERT, {U8(encoding)}},
    {PAYLOAD_CERTREQ, {U8(encoding)}},
    {PAYLOAD_AUTH, {U8(method), RESERVED(3)}},
    {PAYLOAD_NONCE, {{0}}},
    {PAYLOAD_NOTIFY, {U8(protocol), U8(spi_size), U16(notify), SPI}},
    {PAYLOAD_DELETE, {U8(protocol), U8(spi_size), U16(spi_count)}},
    {PAYLOAD_VENDOR, {{0}}},
    {PAYLOAD_TSI, {U8(ts_count), RESERVED(3)}},
    {PAYLOAD_TSR, {U8(ts_count), RESERVED(3)}},
    {PAYLOAD_SK, {{0}}},
    {PAYLOAD_CP, {{0}}},
    {PAYLOAD_EAP, {{0}}},
    {PAYLOAD_SKF, {U16(fragment), U16(fragments)}},
};

static const struct payload_layout *payload_layout_of(uint8_t type)
{
    for (size_t i = 0; i < sizeof payload_layouts / sizeof *payload_layouts; i++) {
        if (payload_layouts[i].type == type)
            return &payload_layouts[i];
    }
    return NULL;
}

static void field_parse(const struct field *field, struct reader *r, struct ike_payload *p)
{
    uint8_t *member = (uint8_t *)p + field->offset;
    switch (field->kind) {
    case FIELD_U8:
        *member = reader_u8(r);
        break;
    case FIELD_U16: {
        uint16_t value = reader_u16be(r);
        memcpy(member, &value, sizeof value);
        break;
    }
    case FIELD_RESERVED:
        (void)reader_octets(r, field->offset);
        break;
    case FIELD_SPI:
        p->spi = (struct octets){reader_octets(r, p->spi_size), p->spi_size};
        break;
    case FIELD_END:
        break;
    }
}

static bool payload_parse_fields(const struct payload_layout *layout, struct ike_payload *p)
{
    struct reader r = reader_of(p->body.at, p->body.length);
    for (const struct field *f = layout->fields; f->kind != FIELD_END; f++)
        field_parse(f, &r, p);
    p->content = reader_rest(&r);
    return !r.failed;
}

enum message_fault ike_payloads_parse(struct octets octets, uint8_t first, struct ike_message *message,
                                      uint8_t *inner, uint8_t *payload_type)
{
    struct reader r = reader_of(octets.at, octets.length);
    uint8_t type = first;
    while (type != PAYLOAD_NONE) {
        uint8_t next = reader_u8(&r);
        bool critical = (reader_u8(&r) & 0x80) != 0;
        uint16_t length = reader_u16be(&r);
        if (r.failed || length < IKE_PAYLOAD_HEADER_SIZE)
            return MESSAGE_INVALID_SYNTAX;
        size_t body_length = (size_t)length - IKE_PAYLOAD_HEADER_SIZE;
        struct octets body = {reader_octets(&r, body_length), body_length};
        if (r.failed)
            return MESSAGE_INVALID_SYNTAX;

        const struct payload_layout *layout = payload_layout_of(type);
        if (layout == NULL && critical) {
            if (payload_type != NULL)
                *payload_type = type;
            return MESSAGE_UNSUPPORTED_CRITICAL;
        }
        if (layout != NULL) {
            if (message->count == MESSAGE_PAYLOADS_MAX)
                return MESSAGE_INVALID_SYNTAX;
            struct ike_payload *p = &message->payloads[message->count];
            *p = (struct ike_payload){.type = type, .critical = critical, .body = body};
            if (!payload_parse_fields(layout, p))
                return MESSAGE_INVALID_SYNTAX;
            message->count++;
        }
        if (type == PAYLOAD_SK || type == PAYLOAD_SKF) {
            if (inner != NULL)
                *inner = next;
            break;
        }
        type = next;
    }
    return reader_left(&r) == 0 ? MESSAGE_OK : MESSAGE_INVALID_SYNTAX;
}

/* The same octets of a copy of a chain. */
static struct octets octets_in_copy(struct octets octets, const uint8_t *chain, const uint8_t *copy)
{
    return octets.at == NULL ? octets : (struct octets){copy + (octets.at - chain), octets.length};
}

struct ike_message *ike_message_copy(const struct ike_message *message)
{
    struct ike_message *copy = malloc(sizeof *copy + message->chain.length);
    if (copy == NULL)
        return NULL;
    uint8_t *chain = (uint8_t *)(copy + 1);
    *copy = *message;
    memcpy(chain, message->chain.at, message->chain.length);
    copy->chain.at = chain;
    for (size_t i = 0; i < copy->count; i++) {
        struct ike_payload *p = &copy->payloads[i];
        p->body = octets_in_copy(p->body, message->chain.at, chain);
        p->spi = octets_in_copy(p->spi, message->chain.at, chain);
        p->content = octets_in_copy(p->content, message->chain.at, chain);
    }
    return copy;
}

void ike_message_free(struct ike_message *message)
{
    if (message != NULL)
        secret_free(message, sizeof *message + message->chain.length);
}

const struct ike_payload *ike_message_find(const struct ike_message *message, uint8_t type)
{
    for (size_t i = 0; i < message->count; i++) {
        if (message->payloads[i].type == type)
            return &message->payloads[i];
    }
    return NULL;
}

const struct ike_payload *ike_message_notify(const struct ike_message *message, uint16_t notify)
{
    for (size_t i = 0; i < message->count; i++) {
        if (message->payloads[i].type == PAYLOAD_NOTIFY && message->payloads[i].notify == notify)
            return &message->payloads[i];
    }
    return NULL;
}

const struct ike_payload *ike_message_error(const struct ike_message *message)
{
    for (size_t i = 0; i < message->count; i++) {
        if (message->payloads[i].type == PAYLOAD_NOTIFY && message->payloads[i].notify < NOTIFY_FIRST_STATUS)
            return &message->payloads[i];
    }
    return NULL;
}

size_t ike_message_count(const struct ike_message *message, uint8_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < message->count; i++)
        count += message->payloads[i].type == type;
    return count;
}

static void payload_print(const struct ike_payload *p, FILE *out)
{
    if (p->type == PAYLOAD_NOTIFY) {
        const char *name = notify_type_name(p->notify);
        if (name != NULL)
            fprintf(out, " N(%s)", name);
        else
            fprintf(out, " N(%u)", p->notify);
        return;
    }
    const char *name = payload_type_name(p->type);
    fprintf(out, " %s", name != NULL ? name : "?");
    const char *separator = "(";
    for (const struct field *f = payload_layout_of(p->type)->fields; f->kind != FIELD_END; f++) {
        const uint8_t *member = (const uint8_t *)p + f->offset;
        uint16_t value = 0;
        if (f->kind == FIELD_U8)
            value = *member;
        else if (f->kind == FIELD_U16)
            memcpy(&value, member, sizeof value);
        else
            continue;
        fprintf(out, "%s%s %u", separator, f->name, value);
        separator = ", ";
    }
    if (*separator == ',')
        fputc(')', out);
}

void ike_message_print(const struct ike_message *message, FILE *out)
{
    const struct ike_header *h = &message->header;
    const char *exchange = exchange_type_name(h->exchange);
    fprintf(out, "%s %s id %u:", exchange != NULL ? exchange : "unknown exchange",
            h->flags & IKE_FLAG_RESPONSE ? "response" : "request", h->message_id);
    for (size_t i = 0; i < message->count; i++)
        payload_print(&message->payloads[i], out);
}

/* ---- Writing --------------------------------------------------------------------------------------- */

enum { HEADER_NEXT_PAYLOAD_AT = 16, HEADER_LENGTH_AT = 24 };

struct message_writer message_begin(void *at, size_t capacity, const struct ike_header *header)
{
    struct message_writer m = {.w = writer_to(at, capacity), .next_payload_at = HEADER_NEXT_PAYLOAD_AT};
    writer_put_u64be(&m.w, header->spi_i);
    writer_put_u64be(&m.w, header->spi_r);
    writer_put_u8(&m.w, PAYLOAD_NONE);
    writer_put_u8(&m.w, IKE_VERSION);
    writer_put_u8(&m.w, header->exchange);
    writer_put_u8(&m.w, header->flags);
    writer_put_u32be(&m.w, header->message_id);
    writer_put_u32be(&m.w, 0);
    return m;
}

struct message_writer message_begin_inner(void *at, size_t capacity)
{
    return (struct message_writer){.w = writer_to(at, capacity), .next_payload_at = SIZE_MAX};
}

void message_begin_payload(struct message_writer *m, uint8_t type)
{
    if (m->next_payload_at == SIZE_MAX)
        m->first_payload = type;
    else
        writer_patch_u8(&m->w, m->next_payload_at, type);
    m->payload_at = writer_length(&m->w);
    m->next_payload_at = m->payload_at;
    writer_put_u8(&m->w, PAYLOAD_NONE);
    writer_put_u8(&m->w, 0);
    writer_put_u16be(&m->w, 0);
}

void message_end_payload(struct message_writer *m)
{
    size_t length = writer_length(&m->w) - m->payload_at;
    if (length > UINT16_MAX)
        m->w.failed = true;
    writer_patch_u16be(&m->w, m->payload_at + 2, (uint16_t)length);
}

static void put_octets(struct message_writer *m, struct octets octets)
{
    writer_put(&m->w, octets.at, octets.length);
}

static void put_reserved(struct message_writer *m, size_t count)
{
    static const uint8_t zeros[4];
    writer_put(&m->w, zeros, count);
}

void message_put_ke(struct message_writer *m, uint16_t group, struct octets share)
{
    message_begin_payload(m, PAYLOAD_KE);
    writer_put_u16be(&m->w, group);
    put_reserved(m, 2);
    put_octets(m, share);
    message_end_payload(m);
}

/* IDi, IDr and AUTH have one form (RFC 7296 3.5, 3.8): a kind of value in one octet, then the value. */
static void put_value_of_kind(struct message_writer *m, uint8_t type, uint8_t kind, struct octets value)
{
    message_begin_payload(m, type);
    writer_put_u8(&m->w, kind);
    put_reserved(m, 3);
    put_octets(m, value);
    message_end_payload(m);
}

void message_put_id(struct message_writer *m, uint8_t type, uint8_t id_type, struct octets value)
{
    put_value_of_kind(m, type, id_type, value);
}

void message_put_auth(struct message_writer *m, uint8_t method, struct octets value)
{
    put_value_of_kind(m, PAYLOAD_AUTH, method, value);
}

void message_put_cert(struct message_writer *m, uint8_t type, uint8_t encoding, struct octets content)
{
    message_begin_payload(m, type);
    writer_put_u8(&m->w, encoding);
    put_octets(m, content);
    message_end_payload(m);
}

void message_put_nonce(struct message_writer *m, struct octets nonce)
{
    message_begin_payload(m, PAYLOAD_NONCE);
    put_octets(m, nonce);
    message_end_payload(m);
}

void message_put_notify(struct message_writer *m, uint8_t protocol, struct octets spi, uint16_t notify,
                        struct octets content)
{
    message_begin_payload(m, PAYLOAD_NOTIFY);
    writer_put_u8(&m->w, protocol);
    writer_put_u8(&m->w, (uint8_t)spi.length);
    writer_put_u16be(&m->w, notify);
    put_octets(m, spi);
    put_octets(m, content);
    message_end_payload(m);
}

void message_put_delete(struct message_writer *m, uint8_t protocol, const uint32_t *spis, size_t count)
{
    message_begin_payload(m, PAYLOAD_DELETE);
    writer_put_u8(&m->w, protocol);
    writer_put_u8(&m->w, protocol == PROTOCOL_IKE ? 0 : 4);
    writer_put_u16be(&m->w, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        writer_put_u32be(&m->w, spis[i]);
    message_end_payload(m);
}

struct octets message_finish(struct message_writer *m)
{
    size_t length = writer_length(&m->w);
    writer_patch_u32be(&m->w, HEADER_LENGTH_AT, (uint32_t)length);
    if (m->w.failed)
        return (struct octets){NULL, 0};
    return writer_octets(&m->w);
}
