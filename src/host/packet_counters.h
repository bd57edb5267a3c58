/*
 * What the packet rules have counted (host/packet_rules.h). Values go on when rules are replaced
 * (host/packet_carry.h).
 */
#ifndef MUSUBI_HOST_PACKET_COUNTERS_H
#define MUSUBI_HOST_PACKET_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "host/packet_rules.h"

struct packet_count {
    char name[COUNTER_NAME_SIZE];
    uint64_t packets, octets; /* octets of whole IP packets */
};

struct packet_counts {
    struct packet_count *items; /* by name */
    size_t count;
};

/* Reads all counters; packet_counts_free when done. There are none while there are no packet rules. False
 * with a reason if Linux can't be asked. */
bool packet_counts_read(struct packet_counts *out, struct host_error *err);
void packet_counts_free(struct packet_counts *counts);

/* Takes the counters out of what nft lists; for packet_counts_read. False if memory ran out. */
bool packet_counts_parse(const char *listed, struct packet_counts *out);

/* A counter, named as in packet_counter_name; NULL if nothing is counted by it. */
const struct packet_count *packet_counts_find(const struct packet_counts *counts, enum packet_counter kind,
                                              size_t number, size_t part);

/* The same by its name. */
const struct packet_count *packet_counts_find_name(const struct packet_counts *counts, const char *name);

#endif
