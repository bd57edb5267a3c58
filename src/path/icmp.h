/*
 * ICMP at the edge of the tunnels: errors to hosts inside, and what routers outside say of the path to a
 * peer. Both go by raw sockets of the worker.
 */
#ifndef MUSUBI_PATH_ICMP_H
#define MUSUBI_PATH_ICMP_H

#include "path/icmp_error.h"
#include "path/icmp_quote.h"

struct source;
struct worker;

/* Tells the sender of an inner packet, which has a family, that packets of `mtu` octets fit; unless it was
 * told just now, or must not be. Linux chooses the source address: that of the gateway towards the sender. */
void icmp_send_too_big(struct worker *worker, struct octets packet, uint32_t mtu);

/* Takes one batch of errors from outside; true if there may be more. */
bool icmp_run_v4(struct worker *worker, struct source *source);
bool icmp_run_v6(struct worker *worker, struct source *source);

#endif
