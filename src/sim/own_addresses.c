/*
 * The addresses of a gateway, which come and go; and what is sent from one that it has not.
 */
#include "sim/inside.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static struct ip_address parse(const char *text)
{
    struct ip_address address;
    bool parsed = ip_address_parse(text, &address);
    assert(parsed);
    (void)parsed;
    return address;
}

static struct own_address *find(struct gateway *g, const struct ip_address *address)
{
    for (size_t i = 0; i < g->own_address_count; i++) {
        if (ip_address_equal(&g->own_addresses[i].address, address))
            return &g->own_addresses[i];
    }
    return NULL;
}

bool gateway_has_address(const struct gateway *g, const struct ip_address *address)
{
    for (size_t i = 0; i < g->own_address_count; i++) {
        if (ip_address_equal(&g->own_addresses[i].address, address))
            return g->own_addresses[i].is_here;
    }
    return false;
}

static void tell(struct gateway *g, const struct own_address *own)
{
    struct ike_event event = {.kind = IKE_EVENT_OWN_ADDRESS};
    event.own.address = own->address;
    event.own.is_here = own->is_here;
    gateway_handle(g, &event);
}

void gateway_tell_gone_addresses(struct gateway *g)
{
    for (size_t i = 0; i < g->own_address_count; i++) {
        if (!g->own_addresses[i].is_here)
            tell(g, &g->own_addresses[i]);
    }
}

void gateway_add_address(struct gateway *g, const char *text)
{
    const struct ip_address address = parse(text);
    struct own_address *own = find(g, &address);
    if (own != NULL && own->is_here)
        return;
    if (own == NULL) {
        assert(g->own_address_count < OWN_ADDRESSES_MAX);
        own = &g->own_addresses[g->own_address_count++];
    }
    *own = (struct own_address){address, true};
    tell(g, own);
}

void gateway_remove_address(struct gateway *g, const char *text)
{
    const struct ip_address address = parse(text);
    struct own_address *own = find(g, &address);
    if (own == NULL || !own->is_here)
        return;
    own->is_here = false;
    tell(g, own);
    if (ip_address_equal(&g->address, &address))
        gateway_set_source(g, NULL);
}

void gateway_set_source(struct gateway *g, const char *text)
{
    const struct ip_address none = {.family = IP_NONE};
    g->address = text != NULL ? parse(text) : none;
    gateway_tell_routes(g);
}

void gateway_set_address(struct gateway *g, const char *text)
{
    char old[IP_TEXT_SIZE];
    const struct ip_address address = parse(text);
    if (g->address.family != IP_NONE && !ip_address_equal(&g->address, &address)) {
        (void)ip_address_format(&g->address, old);
        gateway_remove_address(g, old);
    }
    gateway_add_address(g, text);
    if (!ip_address_equal(&g->address, &address))
        gateway_set_source(g, text);
}

/* ---- What cannot be sent ----------------------------------------------------------------------------- */

/* One of which nothing was ever said is there: tests have datagrams arrive at any. */
static bool is_lost(const struct gateway *g, const struct ip_address *address)
{
    for (size_t i = 0; i < g->own_address_count; i++) {
        if (ip_address_equal(&g->own_addresses[i].address, address))
            return !g->own_addresses[i].is_here;
    }
    return false;
}

int gateway_send_error(const struct gateway *g, const struct ip_address *from)
{
    if (is_lost(g, from))
        return EADDRNOTAVAIL;
    return g->address.family == IP_NONE ? ENETUNREACH : 0;
}

void gateway_schedule_not_sent(struct gateway *g, const struct ip_endpoint *to, struct octets message,
                               int error)
{
    enum { HEADER = 28 };
    struct octets header = {message.at, message.length < HEADER ? message.length : HEADER};
    struct coming *c = coming_new(g, header);
    c->kind = COMING_NOT_SENT;
    c->to = *to;
    c->error = error;
    world_schedule(g->world, c, 0);
}

void gateway_take_not_sent(struct gateway *g, const struct coming *c)
{
    struct ike_event event = {.kind = IKE_EVENT_NOT_SENT};
    event.not_sent.remote = c->to;
    event.not_sent.message = (struct octets){c->octets, c->length};
    event.not_sent.error = c->error;
    gateway_handle(g, &event);
}
