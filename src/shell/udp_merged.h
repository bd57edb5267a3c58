/*
 * What a captured IP packet is: IKE, or several packets of ESP in UDP that Linux has merged into one, as it
 * does for less work (GSO, GRO), and which went over the wire one by one.
 */
#ifndef MUSUBI_SHELL_UDP_MERGED_H
#define MUSUBI_SHELL_UDP_MERGED_H

#include <stdbool.h>

#include "base/bytes.h"

/* True if it is an IKE message, on port 500 or 4500. */
bool packet_is_ike(struct octets packet);

/* How many octets of UDP payload each packet has that was merged into this one; 0: it is a single packet. */
size_t udp_merged_size(struct octets packet);

/*
 * Writes the merged packet number `at`, from 0, with headers of its own, to `out`, which is as large as
 * `packet`. Returns its length; 0: there is none of that number.
 */
size_t udp_merged_part(struct octets packet, size_t size, size_t at, uint8_t *out);

#endif
