/*
 * The two sockets of an IKE host: UDP port 500, and 4500 with the non-ESP marker (RFC 3948 2.2), bound to one
 * address.
 */
#ifndef MUSUBI_BENCH_UDP_H
#define MUSUBI_BENCH_UDP_H

#include <uv.h>

#include "base/address.h"
#include "base/bytes.h"

/* Called for each IKE message that arrives; `message` lasts until it returns. */
typedef void udp_received(void *context, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                          struct octets message);

struct udp_socket {
    uv_poll_t poll;
    struct udp_host *host;
    int fd;
    uint16_t port;
};

struct udp_host {
    struct ip_address address;
    udp_received *received;
    void *context;
    struct udp_socket sockets[2]; /* 500, 4500 */
};

/* The address from which this host sends to `remote`. False, with errno set, if there is no route. */
bool udp_source_towards(const struct ip_address *remote, struct ip_address *out);

/*
 * Binds both ports of `address` and reads from them in the loop. `host` is filled in and must not move until
 * udp_close. False, with errno set, if a port can't be had.
 */
bool udp_open(struct udp_host *host, uv_loop_t *loop, const struct ip_address *address,
              udp_received *received, void *context);

/* Stops reading and closes both; uv_run has to go round once more before the loop is closed. */
void udp_close(struct udp_host *host);

/* Sends a message from a port of this host. What can't leave now is lost, as in the network. */
void udp_send(struct udp_host *host, uint16_t port, const struct ip_endpoint *remote, struct octets message);

#endif
