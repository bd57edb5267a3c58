/*
 * A packet through a Child SA that two ends have made: sealed with what the one has installed, opened with
 * what the other has, selectors and all, as the packet path does it.
 */
#ifndef MUSUBI_CHECK_PAIR_PACKET_H
#define MUSUBI_CHECK_PAIR_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#include "esp/child.h"

/*
 * Sends a packet of `inner` octets, at least 64, with addresses, protocol and ports that the sender's
 * selectors hold. Returns NULL if it arrives as it left, else why not, a constant text. `*outer` becomes the
 * octets of the outer packet.
 */
const char *pair_packet_send(const struct child_settings *from, const struct child_settings *to, size_t inner,
                             size_t *outer);

/* The largest packet that leaves through the Child SA in an outer packet of `mtu` octets, unfragmented. */
size_t pair_packet_largest(const struct child_settings *sa, size_t mtu);

#endif
