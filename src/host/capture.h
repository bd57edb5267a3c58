/*
 * A socket that sees what passes between this host and the peers of a tunnel: IKE (UDP 500 and 4500) and ESP,
 * as IP packets, whatever link they use. It only reads, so it may be handed to a program without rights.
 */
#ifndef MUSUBI_HOST_CAPTURE_H
#define MUSUBI_HOST_CAPTURE_H

#include "base/address.h"
#include "host/error.h"

enum { HOST_CAPTURE_PEERS_MAX = 64 };

/*
 * Opens one that sees nothing yet. A packet is received with a struct sockaddr_ll and its time
 * (SCM_TIMESTAMPNS); its data begin with the IP header. The caller owns the descriptor; -1 with a reason on
 * failure.
 */
int host_capture_open(struct host_error *err);

/*
 * From now on it sees packets from and to these addresses, at most HOST_CAPTURE_PEERS_MAX; with `count` 0
 * those of any peer. IP fragments behind the first one are seen too.
 */
bool host_capture_filter(int fd, const struct ip_address *peers, size_t count, struct host_error *err);

#endif
