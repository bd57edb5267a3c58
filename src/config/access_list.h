/*
 * Access lists: the lines `ip access-list` and `ipv6 access-list` of a config. The first line of a list that
 * matches a packet says whether it passes.
 */
#ifndef MUSUBI_CONFIG_ACCESS_LIST_H
#define MUSUBI_CONFIG_ACCESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/map.h"
#include "config/model.h"

enum {
    ACCESS_LIST_NAME_SIZE = 128,
    IP_PROTOCOL_ANY = -1,
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_ESP = 50,
    IP_PROTOCOL_ICMPV6 = 58,
};

/* Both ends are in it; 0 to 65535 is all. */
struct port_range {
    uint16_t low, high;
};

struct access_list_line {
    bool permit;
    int protocol;                         /* IP protocol number or IP_PROTOCOL_ANY */
    struct ip_prefix source, destination; /* with family IP_NONE: any */
    struct port_range source_ports, destination_ports;
    size_t list; /* index in access_lists.lists */
};

/* Its lines stand together in access_lists.lines, from index `first` on. */
struct access_list {
    char name[ACCESS_LIST_NAME_SIZE];
    enum ip_family family;
    size_t first, count;
    struct access_list *same_hash; /* the next one in access_lists.by_name */
};

struct access_lists {
    struct access_list *lists; /* in the order of their first lines, IPv4 first */
    size_t list_count;
    struct access_list_line *lines;
    size_t line_count;
    struct map by_name; /* by the hashes of family and name */
};

/* A packet as far as it is known. */
struct filtered_packet {
    enum ip_family family;
    int protocol;
    struct ip_address source, destination; /* of family IP_NONE: not known */
    int source_port, destination_port;     /* -1: not known */
};

enum access_verdict { ACCESS_UNSAID, ACCESS_PERMITTED, ACCESS_DENIED };

/* Reads one line. `list` stays 0. */
void access_list_line_of(const struct setting *setting, enum ip_family family, struct access_list_line *out);

/* Fills in `out`, which does not refer to the config; access_lists_free when done. False if memory ran out;
 * `out` is then empty. */
bool access_lists_of(const struct config *config, struct access_lists *out);
void access_lists_free(struct access_lists *lists);

/* The list of that name and family; NULL if there is none. */
const struct access_list *access_lists_find(const struct access_lists *lists, enum ip_family family,
                                            const char *name);

/* Writes what stands behind the name of the list in its lines, as `permit tcp src any dest any dport eq 22`,
 * and returns `out`. */
enum { ACCESS_LINE_TEXT_SIZE = 256 };
const char *access_list_line_format(const struct access_list_line *line, char out[ACCESS_LINE_TEXT_SIZE]);

/* True for all ports. */
bool port_range_is_all(const struct port_range *ports);

/* True if packets of the protocol have ports (RFC 793, 768, 4340, 4960, 3828). Of IP_PROTOCOL_ANY some have.
 */
bool protocol_has_ports(int protocol);

/* True if the line can't match any packet: it names ports of a protocol that has none, or a range of ports
 * whose end is before its beginning. */
bool access_list_line_is_void(const struct access_list_line *line);

/* What the list says of a packet. Where the packet is not known well enough, a line that permits it perhaps
 * counts and one that denies it perhaps does not: ACCESS_DENIED is certain. */
enum access_verdict access_list_verdict(const struct access_lists *lists, const struct access_list *list,
                                        const struct filtered_packet *packet);

#endif
