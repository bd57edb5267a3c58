/*
 * What an interface of the config does with packets beside routing them: filters by access lists, NAPT, and
 * the packets that NAPT leaves to this device.
 */
#ifndef MUSUBI_CONFIG_INTERFACE_FILTERS_H
#define MUSUBI_CONFIG_INTERFACE_FILTERS_H

#include "config/access_list.h"

enum filter_direction { FILTER_IN, FILTER_OUT };

/* `ip filter NAME SEQUENCE {in|out}`, or with `ipv6`. */
struct interface_filter {
    char list[ACCESS_LIST_NAME_SIZE]; /* it may not be defined: then the filter permits nothing */
    enum ip_family family;
    enum filter_direction direction;
    uint32_t sequence;
};

/* `ip napt static INTERFACE …`. */
struct napt_static {
    int protocol;
    uint16_t port; /* of TCP and UDP; 0: the whole protocol */
};

struct interface_filters {
    struct interface_filter *filters; /* by family, direction and sequence; then in the order of the config */
    size_t filter_count;
    bool napt;                   /* `ip napt enable` */
    struct napt_static *statics; /* in the order of the config */
    size_t static_count;
};

/* Reads the lines of an interface's section. False if memory ran out; `out` is then empty. */
bool interface_filters_of(const struct section *interface, struct interface_filters *out);
void interface_filters_free(struct interface_filters *filters);

/* The filters of one family and direction: the first of `*count` in a row; `*count` is 0 if there are none,
 * and then all packets pass. */
const struct interface_filter *interface_filters_run(const struct interface_filters *filters,
                                                     enum ip_family family, enum filter_direction direction,
                                                     size_t *count);

/* False if it is certain that the filters drop the packet. What no line of their lists matches is dropped. */
bool interface_filters_pass(const struct interface_filters *filters, const struct access_lists *lists,
                            enum filter_direction direction, const struct filtered_packet *packet);

#endif
