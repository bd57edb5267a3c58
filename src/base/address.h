/*
 * IP addresses, prefixes and endpoints (an address and a port), of either family.
 */
#ifndef MUSUBI_BASE_ADDRESS_H
#define MUSUBI_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum ip_family {
    IP_NONE = 0,
    IP_V4 = 4,
    IP_V6 = 6,
};

/* In network byte order. An IPv4 address takes the first four octets; the rest are zero, so that whole arrays
 * can be compared. */
struct ip_address {
    enum ip_family family;
    uint8_t octets[16];
};

struct ip_prefix {
    struct ip_address address; /* as written: host bits may be set */
    uint8_t length;            /* bits */
};

struct ip_endpoint {
    struct ip_address address;
    uint16_t port; /* host byte order */
};

/* Long enough for any address, endpoint ("[address]:port") or prefix as text, with the final NUL. */
enum { IP_TEXT_SIZE = 64 };

/* 4 or 16; 0 for IP_NONE. */
size_t ip_address_size(enum ip_family family);

/* AF_INET or AF_INET6; AF_UNSPEC for IP_NONE. */
int ip_address_af(enum ip_family family);

/* An address of `family` from its 4 or 16 octets in network byte order. */
struct ip_address ip_address_of(enum ip_family family, const void *octets);

/* True if family and address are the same. */
bool ip_address_equal(const struct ip_address *a, const struct ip_address *b);

/* Goes on with `hash`, HASH_START at first, by family and address (base/map.h). */
uint64_t ip_address_hash(uint64_t hash, const struct ip_address *address);

/* True for 0.0.0.0, :: and IP_NONE. */
bool ip_address_is_unspecified(const struct ip_address *a);

/* True for 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291 2.5.6). */
bool ip_address_is_link_local(const struct ip_address *a);

/* True for 127.0.0.0/8 (RFC 1122 3.2.1.3) and ::1 (RFC 4291 2.5.3). */
bool ip_address_is_loopback(const struct ip_address *a);

/* True for 224.0.0.0/4 (RFC 5771) and ff00::/8 (RFC 4291 2.7). */
bool ip_address_is_multicast(const struct ip_address *a);

/* True for the addresses of RFC 1918, RFC 6598 (100.64.0.0/10) and RFC 4193 (fc00::/7). */
bool ip_address_is_private(const struct ip_address *a);

/* Orders addresses by family, then by their octets as a number: below 0, 0, above 0. */
int ip_address_compare(const struct ip_address *a, const struct ip_address *b);

/* Reads an address of either family. False if `text` as a whole is not an address; `out` is then
 * unchanged. */
bool ip_address_parse(const char *text, struct ip_address *out);

/* Writes the address as text (empty for IP_NONE) and returns `out`. */
const char *ip_address_format(const struct ip_address *a, char out[IP_TEXT_SIZE]);

/* Reads "address/length"; host bits may be set. False if `text` as a whole is not a prefix; `out` is then
 * unchanged. */
bool ip_prefix_parse(const char *text, struct ip_prefix *out);

/* Writes the prefix as "address/length" and returns `out`. */
const char *ip_prefix_format(const struct ip_prefix *p, char out[IP_TEXT_SIZE]);

/* True if the address lies in the prefix; false for another family. */
bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_address *a);

/* The lowest and the highest address of a prefix. */
struct ip_address ip_prefix_first(const struct ip_prefix *p);
struct ip_address ip_prefix_last(const struct ip_prefix *p);

/* True if address and port are the same. */
bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b);

/* Writes the endpoint as "10.1.0.1:500" or "[2001:db8::1]:500" and returns `out`. */
const char *ip_endpoint_format(const struct ip_endpoint *e, char out[IP_TEXT_SIZE]);

/* Reads a socket address of Linux; `from` must be as long as its family says. False for other families than
 * AF_INET and AF_INET6. An IPv4-mapped IPv6 address is left as it is. */
bool ip_endpoint_from_sockaddr(const struct sockaddr *from, struct ip_endpoint *out);

/* Writes the endpoint as a socket address of Linux and returns its length in octets. */
socklen_t ip_endpoint_to_sockaddr(const struct ip_endpoint *e, struct sockaddr_storage *out);

#endif
