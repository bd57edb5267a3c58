/*
 * What becomes of inner packets by their size (R72 to R74, S39): a stage over a batch. A packet whose outer
 * packet takes the path whole is sealed as it is. Others are fragmented before encryption, sealed whole for
 * Linux and the routers to fragment, or dropped with an ICMP error.
 */
#ifndef MUSUBI_PATH_OVERSIZE_H
#define MUSUBI_PATH_OVERSIZE_H

#include "path/worker.h"

struct outbound_packet;

/* Makes pieces of the packets of a batch; drops, counts and answers those that are too large to be sent. */
void oversize_sort(struct worker *worker, const struct outbound_packet *packets, size_t count);

#endif
