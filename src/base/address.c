#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/map.h"

size_t ip_address_size(enum ip_family family)
{
    switch (family) {
    case IP_V4:
        return 4;
    case IP_V6:
        return 16;
    case IP_NONE:
        break;
    }
    return 0;
}

int ip_address_af(enum ip_family family)
{
    switch (family) {
    case IP_V4:
        return AF_INET;
    case IP_V6:
        return AF_INET6;
    case IP_NONE:
        break;
    }
    return AF_UNSPEC;
}

struct ip_address ip_address_of(enum ip_family family, const void *octets)
{
    struct ip_address a = {.family = family};
    memcpy(a.octets, octets, ip_address_size(family));
    return a;
}

int ip_address_compare(const struct ip_address *a, const struct ip_address *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->octets, b->octets, sizeof a->octets);
}

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b)
{
    return ip_address_compare(a, b) == 0;
}

uint64_t ip_address_hash(uint64_t hash, const struct ip_address *address)
{
    hash = hash_number(hash, address->family);
    for (size_t i = 0; i < ip_address_size(address->family); i += 4)
        hash = hash_number(hash, load_u32be(&address->octets[i]));
    return hash;
}

bool ip_address_is_unspecified(const struct ip_address *a)
{
    static const uint8_t zero[16];
    return memcmp(a->octets, zero, sizeof zero) == 0;
}

bool ip_address_is_loopback(const struct ip_address *a)
{
    static const uint8_t v6[16] = {[15] = 1};
    if (a->family == IP_V4)
        return a->octets[0] == 127;
    return a->family == IP_V6 && memcmp(a->octets, v6, sizeof v6) == 0;
}

bool ip_address_is_link_local(const struct ip_address *a)
{
    if (a->family == IP_V4)
        return a->octets[0] == 169 && a->octets[1] == 254;
    return a->family == IP_V6 && a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80;
}

bool ip_address_is_multicast(const struct ip_address *a)
{
    if (a->family == IP_V4)
        return (a->octets[0] & 0xf0) == 0xe0;
    return a->family == IP_V6 && a->octets[0] == 0xff;
}

bool ip_address_is_private(const struct ip_address *a)
{
    const uint8_t *o = a->octets;
    if (a->family == IP_V4)
        return o[0] == 10 || (o[0] == 172 && (o[1] & 0xf0) == 16) || (o[0] == 192 && o[1] == 168) ||
               (o[0] == 100 && (o[1] & 0xc0) == 64);
    return a->family == IP_V6 && (o[0] & 0xfe) == 0xfc;
}

bool ip_address_parse(const char *text, struct ip_address *out)
{
    struct ip_address a = {.family = IP_V4};
    if (inet_pton(AF_INET, text, a.octets) != 1) {
        a = (struct ip_address){.family = IP_V6};
        if (inet_pton(AF_INET6, text, a.octets) != 1)
            return false;
    }
    *out = a;
    return true;
}

const char *ip_address_format(const struct ip_address *a, char out[IP_TEXT_SIZE])
{
    if (a->family == IP_NONE || inet_ntop(ip_address_af(a->family), a->octets, out, IP_TEXT_SIZE) == NULL)
        out[0] = '\0';
    return out;
}

bool ip_prefix_parse(const char *text, struct ip_prefix *out)
{
    char address[IP_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof address)
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';

    struct ip_prefix p;
    if (!ip_address_parse(address, &p.address))
        return false;
    const char *digits = slash + 1;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 3 || digits[count] != '\0')
        return false;
    unsigned long bits = strtoul(digits, NULL, 10);
    if (bits > 8 * ip_address_size(p.address.family))
        return false;
    p.length = (uint8_t)bits;
    *out = p;
    return true;
}

const char *ip_prefix_format(const struct ip_prefix *p, char out[IP_TEXT_SIZE])
{
    char address[IP_TEXT_SIZE];
    ip_address_format(&p->address, address);
    /* No address has more than 45 characters; the precision lets the compiler see that the text fits. */
    (void)snprintf(out, IP_TEXT_SIZE, "%.45s/%u", address, p->length);
    return out;
}

/* The bits of octet `index` that belong to a prefix of `length` bits. */
static uint8_t prefix_mask(uint8_t length, size_t index)
{
    size_t before = index * 8;
    if (length >= before + 8)
        return 0xff;
    if (length <= before)
        return 0;
    return (uint8_t)(0xff << (8 - (length - before)));
}

struct ip_address ip_prefix_first(const struct ip_prefix *p)
{
    struct ip_address a = p->address;
    for (size_t i = 0; i < ip_address_size(a.family); i++)
        a.octets[i] &= prefix_mask(p->length, i);
    return a;
}

struct ip_address ip_prefix_last(const struct ip_prefix *p)
{
    struct ip_address a = p->address;
    for (size_t i = 0; i < ip_address_size(a.family); i++)
        a.octets[i] = (uint8_t)(a.octets[i] | (0xff & ~prefix_mask(p->length, i)));
    return a;
}

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_address *a)
{
    if (p->address.family != a->family)
        return false;
    for (size_t i = 0; i < ip_address_size(a->family); i++) {
        if ((p->address.octets[i] ^ a->octets[i]) & prefix_mask(p->length, i))
            return false;
    }
    return true;
}

bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
    return a->port == b->port && ip_address_equal(&a->address, &b->address);
}

const char *ip_endpoint_format(const struct ip_endpoint *e, char out[IP_TEXT_SIZE])
{
    char address[IP_TEXT_SIZE];
    ip_address_format(&e->address, address);
    (void)snprintf(out, IP_TEXT_SIZE, e->address.family == IP_V6 ? "[%.45s]:%u" : "%.45s:%u", address,
                   e->port);
    return out;
}

bool ip_endpoint_from_sockaddr(const struct sockaddr *from, struct ip_endpoint *out)
{
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        *out = (struct ip_endpoint){ip_address_of(IP_V4, &in.sin_addr), ntohs(in.sin_port)};
        return true;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        *out = (struct ip_endpoint){ip_address_of(IP_V6, &in6.sin6_addr), ntohs(in6.sin6_port)};
        return true;
    }
    return false;
}

socklen_t ip_endpoint_to_sockaddr(const struct ip_endpoint *e, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (e->address.family == IP_V6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
        memcpy(&in6.sin6_addr, e->address.octets, 16);
        memcpy(out, &in6, sizeof in6);
        return sizeof in6;
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e->port)};
    memcpy(&in.sin_addr, e->address.octets, 4);
    memcpy(out, &in, sizeof in);
    return sizeof in;
}
