/*
 * Explicit Congestion Notification through a tunnel (RFC 6040 4.2, S29): what the outer header says of
 * congestion on the way reaches the inner one.
 */
#ifndef MUSUBI_ESP_ECN_H
#define MUSUBI_ESP_ECN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum ecn {
    ECN_NOT_ECT = 0,
    ECN_ECT_1 = 1,
    ECN_ECT_0 = 2,
    ECN_CE = 3,
};

/*
 * Combines the ECN field of the inner packet, which has a whole IP header, with that of the outer header, the
 * low two bits of `outer`, and corrects the IPv4 header checksum. False if the packet has to be dropped: it
 * met congestion, and its sender could not be told.
 */
bool ecn_combine(uint8_t *inner, enum ip_family family, uint8_t outer);

#endif
