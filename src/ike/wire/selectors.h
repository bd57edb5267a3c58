/*
 * TS payloads (RFC 7296 2.9, 3.13): the traffic selectors of a Child SA on the wire.
 */
#ifndef MUSUBI_IKE_WIRE_SELECTORS_H
#define MUSUBI_IKE_WIRE_SELECTORS_H

#include "config/policy.h"
#include "esp/sa.h"
#include "ike/wire/message.h"

/* The selectors of one side, as agreed or proposed. */
struct selector_list {
    uint8_t count;
    struct traffic_selector ts[ESP_SELECTORS_MAX];
};

/* What a policy proposes for one side; without configured selectors all of IPv4 and IPv6 (R71). */
struct selector_list selectors_of_policy(const struct policy_selector *configured, uint8_t count);

/* Writes a TSi or TSr payload. */
void selectors_put(struct message_writer *m, uint8_t payload_type, const struct selector_list *list);

enum selectors_result {
    SELECTORS_OK,
    SELECTORS_NARROWED, /* there were more, or some of types that are not known: the list is a part */
    SELECTORS_NONE,     /* none that can be used: TS_UNACCEPTABLE */
    SELECTORS_INVALID,  /* malformed: INVALID_SYNTAX */
};

/* Reads a TS payload. Selectors with a lowest address above the highest are malformed. */
enum selectors_result selectors_read(const struct ike_payload *ts, struct selector_list *out);

/* True if every selector of `narrow` lies within some selector of `wide`. */
bool selectors_within(const struct selector_list *narrow, const struct selector_list *wide);

/*
 * Finds, for `*index` from 0 on, the next pair of a local and a remote selector between which packets can go:
 * of one family, and of protocols that agree, to which the pair is cut down. False if there is none left.
 */
bool selectors_next_pair(const struct selector_list *local, const struct selector_list *remote,
                         unsigned *index, struct traffic_selector pair[2]);

/* True if the selectors of two lists, local and remote, hold all packets of such a pair. */
bool selectors_hold_pair(const struct selector_list *local, const struct selector_list *remote,
                         const struct traffic_selector pair[2]);

/* The selectors of `first` and, behind them, those of `others` that are not among them, as far as there is
 * room. */
struct selector_list selectors_joined(const struct selector_list *first, const struct selector_list *others);

/* A set of address families. */
enum { FAMILY_V4 = 1 << 0, FAMILY_V6 = 1 << 1 };

/* The families of which packets can go from `local` to `remote`: both have selectors of them. */
uint8_t selectors_families(const struct selector_list *local, const struct selector_list *remote);

/* The selectors of some families. */
struct selector_list selectors_of_families(const struct selector_list *list, uint8_t families);

/* What a list says of one address: its selectors that hold it, cut down to it. */
struct selector_list selectors_of_address(const struct selector_list *list, const struct ip_address *address);

/* True if a packet that is sent lies within one of the local and one of the remote selectors (R71). */
bool selectors_hold(const struct selector_list *local, const struct selector_list *remote,
                    const struct packet_flow *flow);

/*
 * Writes selectors for log texts and returns `out`: "10.0.0.0-10.255.255.255", with protocol and ports where
 * they restrict; "any" for all of IPv4 and IPv6. More than has room is cut off.
 */
enum { SELECTORS_TEXT_SIZE = 256 };
const char *selectors_format(const struct selector_list *list, char out[SELECTORS_TEXT_SIZE]);

#endif
