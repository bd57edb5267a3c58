#include "ike/wire/selectors.h"

#include "base/short_text.h"

#include <string.h>

static struct traffic_selector any_selector(enum ip_family family)
{
    struct traffic_selector ts = {
        .first_port = 0, .last_port = UINT16_MAX, .first = {.family = family}, .last = {.family = family}};
    memset(ts.last.octets, 0xff, ip_address_size(family));
    return ts;
}

static void list_add(struct selector_list *list, const struct traffic_selector *ts)
{
    if (list->count < ESP_SELECTORS_MAX)
        list->ts[list->count++] = *ts;
}

struct selector_list selectors_of_policy(const struct policy_selector *configured, uint8_t count)
{
    static const struct policy_selector any = {.last_port = UINT16_MAX};
    struct selector_list list = {0};
    if (count == 0) {
        configured = &any;
        count = 1;
    }
    for (uint8_t i = 0; i < count; i++) {
        const struct policy_selector *c = &configured[i];
        static const enum ip_family both[] = {IP_V4, IP_V6};
        for (size_t f = 0; f < 2; f++) {
            if (c->first.family != IP_NONE && c->first.family != both[f])
                continue;
            struct traffic_selector ts = any_selector(both[f]);
            if (c->first.family != IP_NONE) {
                ts.first = c->first;
                ts.last = c->last;
            }
            ts.protocol = c->protocol;
            ts.first_port = c->first_port;
            ts.last_port = c->last_port;
            list_add(&list, &ts);
        }
    }
    return list;
}

void selectors_put(struct message_writer *m, uint8_t payload_type, const struct selector_list *list)
{
    static const uint8_t reserved[3];
    message_begin_payload(m, payload_type);
    writer_put_u8(&m->w, list->count);
    writer_put(&m->w, reserved, sizeof reserved);
    for (uint8_t i = 0; i < list->count; i++) {
        const struct traffic_selector *ts = &list->ts[i];
        size_t size = ip_address_size(ts->first.family);
        writer_put_u8(&m->w, ts->first.family == IP_V4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE);
        writer_put_u8(&m->w, ts->protocol);
        writer_put_u16be(&m->w, (uint16_t)(8 + 2 * size));
        writer_put_u16be(&m->w, ts->first_port);
        writer_put_u16be(&m->w, ts->last_port);
        writer_put(&m->w, ts->first.octets, size);
        writer_put(&m->w, ts->last.octets, size);
    }
    message_end_payload(m);
}

/* 65535 to 0 is OPAQUE (RFC 7296 3.13.1): no port can be seen. Only all ports together include that. */
static bool is_opaque(const struct traffic_selector *ts)
{
    return ts->first_port == UINT16_MAX && ts->last_port == 0;
}

/* Reads one selector's body. False if it is malformed. */
static bool read_selector(struct reader *r, enum ip_family family, uint8_t protocol,
                          struct traffic_selector *out)
{
    *out = (struct traffic_selector){
        .protocol = protocol, .first = {.family = family}, .last = {.family = family}};
    out->first_port = reader_u16be(r);
    out->last_port = reader_u16be(r);
    size_t size = ip_address_size(family);
    reader_copy(r, out->first.octets, size);
    reader_copy(r, out->last.octets, size);
    if (r->failed || reader_left(r) != 0 || ip_address_compare(&out->first, &out->last) > 0)
        return false;
    return is_opaque(out) || out->first_port <= out->last_port;
}

enum selectors_result selectors_read(const struct ike_payload *payload, struct selector_list *out)
{
    struct reader r = reader_of(payload->content.at, payload->content.length);
    *out = (struct selector_list){0};
    bool left_out = false;
    for (uint8_t i = 0; i < payload->ts_count; i++) {
        uint8_t type = reader_u8(&r);
        uint8_t protocol = reader_u8(&r);
        uint16_t length = reader_u16be(&r);
        if (r.failed || length < 8)
            return SELECTORS_INVALID;
        struct reader body = reader_part(&r, (size_t)length - 4);
        if (body.failed)
            return SELECTORS_INVALID;
        if (type != TS_IPV4_ADDR_RANGE && type != TS_IPV6_ADDR_RANGE) {
            left_out = true;
            continue;
        }
        struct traffic_selector ts;
        if (!read_selector(&body, type == TS_IPV4_ADDR_RANGE ? IP_V4 : IP_V6, protocol, &ts))
            return SELECTORS_INVALID;
        left_out |= out->count == ESP_SELECTORS_MAX;
        list_add(out, &ts);
    }
    if (reader_left(&r) != 0 || payload->ts_count == 0)
        return SELECTORS_INVALID;
    if (out->count == 0)
        return SELECTORS_NONE;
    return left_out ? SELECTORS_NARROWED : SELECTORS_OK;
}

static bool ports_within(const struct traffic_selector *narrow, const struct traffic_selector *wide)
{
    bool all = wide->first_port == 0 && wide->last_port == UINT16_MAX;
    if (is_opaque(narrow))
        return all || is_opaque(wide);
    return narrow->first_port >= wide->first_port && narrow->last_port <= wide->last_port;
}

static bool selector_within(const struct traffic_selector *narrow, const struct traffic_selector *wide)
{
    return narrow->first.family == wide->first.family &&
           (wide->protocol == 0 || narrow->protocol == wide->protocol) && ports_within(narrow, wide) &&
           ip_address_compare(&narrow->first, &wide->first) >= 0 &&
           ip_address_compare(&narrow->last, &wide->last) <= 0;
}

bool selectors_within(const struct selector_list *narrow, const struct selector_list *wide)
{
    for (uint8_t i = 0; i < narrow->count; i++) {
        bool found = false;
        for (uint8_t j = 0; j < wide->count && !found; j++)
            found = selector_within(&narrow->ts[i], &wide->ts[j]);
        if (!found)
            return false;
    }
    return true;
}

bool selectors_next_pair(const struct selector_list *local, const struct selector_list *remote,
                         unsigned *index, struct traffic_selector pair[2])
{
    while (*index < (unsigned)local->count * remote->count) {
        struct traffic_selector l = local->ts[*index / remote->count];
        struct traffic_selector r = remote->ts[*index % remote->count];
        ++*index;
        if (l.first.family != r.first.family ||
            (l.protocol != 0 && r.protocol != 0 && l.protocol != r.protocol))
            continue;
        l.protocol = r.protocol = l.protocol != 0 ? l.protocol : r.protocol;
        pair[0] = l;
        pair[1] = r;
        return true;
    }
    return false;
}

/* The address behind `a`, which is not the last one of its family. */
static struct ip_address address_behind(struct ip_address a)
{
    size_t i = ip_address_size(a.family);
    while (i > 0 && ++a.octets[--i] == 0)
        ;
    return a;
}

/* True if the selectors of the list hold, together, all packets of `ts`. */
static bool list_covers(const struct selector_list *list, const struct traffic_selector *ts)
{
    struct ip_address from = ts->first;
    for (;;) {
        const struct ip_address *to = NULL;
        for (uint8_t i = 0; i < list->count; i++) {
            const struct traffic_selector *part = &list->ts[i];
            struct traffic_selector narrow = *ts;
            narrow.first = narrow.last = from;
            if (selector_within(&narrow, part) && (to == NULL || ip_address_compare(&part->last, to) > 0))
                to = &part->last;
        }
        if (to == NULL)
            return false;
        if (ip_address_compare(to, &ts->last) >= 0)
            return true;
        from = address_behind(*to);
    }
}

bool selectors_hold_pair(const struct selector_list *local, const struct selector_list *remote,
                         const struct traffic_selector pair[2])
{
    return list_covers(local, &pair[0]) && list_covers(remote, &pair[1]);
}

static bool selector_equal(const struct traffic_selector *a, const struct traffic_selector *b)
{
    return selector_within(a, b) && selector_within(b, a);
}

struct selector_list selectors_joined(const struct selector_list *first, const struct selector_list *others)
{
    struct selector_list list = *first;
    for (uint8_t i = 0; i < others->count; i++) {
        bool found = false;
        for (uint8_t j = 0; j < first->count && !found; j++)
            found = selector_equal(&first->ts[j], &others->ts[i]);
        if (!found)
            list_add(&list, &others->ts[i]);
    }
    return list;
}

static uint8_t family_of(const struct traffic_selector *ts)
{
    return ts->first.family == IP_V4 ? FAMILY_V4 : FAMILY_V6;
}

static uint8_t families_of(const struct selector_list *list)
{
    uint8_t families = 0;
    for (uint8_t i = 0; i < list->count; i++)
        families |= family_of(&list->ts[i]);
    return families;
}

uint8_t selectors_families(const struct selector_list *local, const struct selector_list *remote)
{
    return families_of(local) & families_of(remote);
}

struct selector_list selectors_of_families(const struct selector_list *list, uint8_t families)
{
    struct selector_list part = {0};
    for (uint8_t i = 0; i < list->count; i++) {
        if ((families & family_of(&list->ts[i])) != 0)
            list_add(&part, &list->ts[i]);
    }
    return part;
}

struct selector_list selectors_of_address(const struct selector_list *list, const struct ip_address *address)
{
    struct selector_list part = {0};
    for (uint8_t i = 0; i < list->count; i++) {
        struct traffic_selector ts = list->ts[i];
        if (ip_address_compare(&ts.first, address) > 0 || ip_address_compare(address, &ts.last) > 0)
            continue;
        ts.first = ts.last = *address;
        list_add(&part, &ts);
    }
    return part;
}

bool selectors_hold(const struct selector_list *local, const struct selector_list *remote,
                    const struct packet_flow *flow)
{
    const struct traffic_selectors both = {local->ts, remote->ts, local->count, remote->count};
    return traffic_selectors_hold(&both, flow, PACKET_OUTBOUND);
}

const char *selectors_format(const struct selector_list *list, char out[SELECTORS_TEXT_SIZE])
{
    const struct selector_list any = selectors_of_policy(NULL, 0);
    struct short_text text = short_text_in(out, SELECTORS_TEXT_SIZE);
    if (list->count == any.count && selectors_within(&any, list)) {
        short_text_add(&text, "any");
        return out;
    }
    for (uint8_t i = 0; i < list->count; i++) {
        const struct traffic_selector *ts = &list->ts[i];
        char first[IP_TEXT_SIZE];
        char last[IP_TEXT_SIZE];
        short_text_add(&text, "%s%s-%s", i == 0 ? "" : " ", ip_address_format(&ts->first, first),
                       ip_address_format(&ts->last, last));
        if (ts->protocol != 0)
            short_text_add(&text, " protocol %u", ts->protocol);
        if (ts->first_port != 0 || ts->last_port != UINT16_MAX)
            short_text_add(&text, " port %u-%u", ts->first_port, ts->last_port);
    }
    return out;
}
