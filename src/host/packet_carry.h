/*
 * Counters of packet rules that go on counting when the rules are replaced: a counter of the new rules begins
 * with the value of the one that counted the same before (the same line of the same access list, the same
 * link), whatever their numbers are.
 */
#ifndef MUSUBI_HOST_PACKET_CARRY_H
#define MUSUBI_HOST_PACKET_CARRY_H

#include "host/packet_counters.h"

/* The commands `wanted` (packet_rules_text) with the values that `counts`, read of the rules of the commands
 * `made`, has for their counters; to be freed. NULL if memory ran out. */
char *packet_carry(const char *wanted, const char *made, const struct packet_counts *counts);

#endif
