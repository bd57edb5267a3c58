/*
 * The packet rules that the config wants of Linux, as text for nftables: filters, NAPT, and the MSS of TCP
 * that passes a port. They stand in one table, which is replaced as a whole.
 */
#ifndef MUSUBI_HOST_PACKET_RULES_H
#define MUSUBI_HOST_PACKET_RULES_H

#include "config/interface_filters.h"
#include "host/error.h"
#include "host/link.h"

/* What to do with the MSS in TCP SYNs that are forwarded. */
struct plan_mss {
    bool lower;
    uint16_t octets; /* 0: to what the routes of both directions take */
};

/* What is wanted at a link. */
struct plan_packet_link {
    char name[HOST_LINK_NAME_SIZE];
    size_t number;                           /* of the interface, in the names of its counters */
    const struct interface_filters *filters; /* stays the caller's */
    struct plan_mss ipv4_mss, ipv6_mss;
    struct ip_address napt_source; /* what NAPT translates to; IP_NONE: the link's own address, whatever it is
                                      when the packet leaves */
};

/* Everything: a part of struct host_plan. The lists stay the caller's. */
struct plan_packets {
    const struct access_lists *lists; /* NULL: none */
    struct plan_packet_link *links;
    size_t link_count, link_room;
};

/* True if nothing is wanted. */
bool packet_rules_are_empty(const struct plan_packets *plan);

/* True if the rules keep packets from being forwarded: while they do not stand, nothing must be. */
bool packet_rules_block(const struct plan_packets *plan);

/* The commands for nftables that replace the table, to be freed; NULL with a reason. */
char *packet_rules_text(const struct plan_packets *plan, struct host_error *err);

/* What is counted. */
enum packet_counter {
    COUNTER_LINE,           /* packets that a line of an access list decided on */
    COUNTER_DENIED_IPV4_IN, /* packets that no line of an interface's filters matched */
    COUNTER_DENIED_IPV4_OUT,
    COUNTER_DENIED_IPV6_IN,
    COUNTER_DENIED_IPV6_OUT,
    COUNTER_NAPT_CONNECTIONS, /* the first packets of connections that were translated */
    COUNTER_NAPT_DROPPED,     /* packets from outside without a mapping */
    COUNTER_NAPT_STATIC,      /* packets for this device by a line `ip napt static` */
    COUNTER_KINDS
};

/* The counter of packets that no line of such filters matched. */
enum packet_counter packet_counter_denied(enum ip_family family, enum filter_direction direction);

/* Writes the name of a counter and returns `out`. `number` is that of the line in access_lists.lines, or of
 * the interface; `part` is that of the line in interface_filters.statics, else 0. */
enum { COUNTER_NAME_SIZE = 64 };
const char *packet_counter_name(enum packet_counter kind, size_t number, size_t part,
                                char out[COUNTER_NAME_SIZE]);

#endif
