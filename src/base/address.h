/*
 * IP addresses, endpoints, prefixes and interface-bound ways, of either family.
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

/* IPv4 stands in the first four octets, the rest are zero, so that whole addresses can be compared. */
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

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b);

/* True for 0.0.0.0, :: and IP_NONE. */
bool ip_address_is_unspecified(const struct ip_address *a);

bool ip_address_is_link_local(const struct ip_address *a);
bool ip_address_is_multicast(const struct ip_address *a);

/* Orders addresses by family, then by their octets as a number: below 0, 0, above 0. */
int ip_address_compare(const struct ip_address *a, const struct ip_address *b);

/* Reads an address of either family from text, whole; false if it is none. */
bool ip_address_parse(const char *text, struct ip_address *out);

/* Writes the address as text (empty for IP_NONE) and returns `out`. */
const char *ip_address_format(const struct ip_address *a, char out[IP_TEXT_SIZE]);

/* Reads "address/length"; host bits may be set. False if it is none. */
bool ip_prefix_parse(const char *text, struct ip_prefix *out);

const char *ip_prefix_format(const struct ip_prefix *p, char out[IP_TEXT_SIZE]);

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_address *a);

/* The lowest and the highest address of a prefix. */
struct ip_address ip_prefix_first(const struct ip_prefix *p);
struct ip_address ip_prefix_last(const struct ip_prefix *p);

bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b);

/* "10.1.0.1:500" or "[2001:db8::1]:500". */
const char *ip_endpoint_format(const struct ip_endpoint *e, char out[IP_TEXT_SIZE]);

/* Between an endpoint and the kernel's form. `ip_endpoint_from_sockaddr` is false for other families;
 * IPv4-mapped IPv6 addresses are left as they are. `ip_endpoint_to_sockaddr` returns the length. */
bool ip_endpoint_from_sockaddr(const struct sockaddr *from, struct ip_endpoint *out);
socklen_t ip_endpoint_to_sockaddr(const struct ip_endpoint *e, struct sockaddr_storage *out);

#endif
