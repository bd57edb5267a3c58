/*
 * The sockets of engine and workers: UDP 500 and 4500, and raw ESP, of both families, in the network
 * namespace of the calling thread. A process that has the right to opens them before those start.
 *
 * Each datagram comes with its destination address and interface (IP_PKTINFO, IPV6_PKTINFO), and the same
 * control message says from where one is to be sent. Nothing that the kernel sends for us has DF set or is
 * refused for its size, but by the sockets that are for that. The workers' sockets tell the Type of Service
 * or Traffic Class too. The kernel does no UDP decapsulation (UDP_ENCAP) of its own.
 *
 * The opener keeps its descriptors as long as any is used: the kernel finds the owner of a datagram by the
 * socket's number in its group, and renumbers the group when one is closed.
 */
#ifndef MUSUBI_HOST_SOCKETS_H
#define MUSUBI_HOST_SOCKETS_H

#include <stdint.h>

#include "base/address.h"
#include "host/error.h"

enum {
    HOST_PORT_IKE = 500,
    HOST_PORT_NATT = 4500,
    HOST_WORKERS_MAX = 64,
    HOST_SOCKET_BUFFER = 4 * 1024 * 1024, /* octets in each direction */
};

/* Of one family. All are non-blocking and close-on-exec; -1: not open. */
struct host_family_sockets {
    int ike;                           /* UDP 500 */
    int natt;                          /* UDP 4500: what has the zero marker, and short datagrams */
    int natt_worker[HOST_WORKERS_MAX]; /* UDP 4500: ESP by SPI */
    int esp_worker[HOST_WORKERS_MAX];  /* IP protocol 50 by SPI */
    /* The same two for sending alone, with DF; IPv4 only. */
    int natt_df_worker[HOST_WORKERS_MAX];
    int esp_df_worker[HOST_WORKERS_MAX];
    int packet_worker[HOST_WORKERS_MAX]; /* AF_PACKET, sends Ethernet frames alone; IPv4 only, if Linux has it
                                          */
    int icmp_worker[HOST_WORKERS_MAX];   /* sends errors to hosts; receives what was too large for a router */
};

struct host_sockets {
    uint32_t workers;
    struct host_family_sockets v4, v6;
};

/*
 * Opens all for `workers` workers (1 to HOST_WORKERS_MAX). On a kernel without IPv6 those of v6
 * stay -1. On failure nothing stays open, and the reason names the program that has a port, where that can be
 * found out. Only the process that has the namespace (host_open) may call this: two that open at
 * once could share a port without noticing.
 */
bool host_sockets_open(struct host_sockets *sockets, uint32_t workers, struct host_error *err);

/* Closes what is open. */
void host_sockets_close(struct host_sockets *sockets);

/* An additional socket that only sends: nothing arrives at it. */
enum host_sender_kind { HOST_SENDER_IKE, HOST_SENDER_NATT, HOST_SENDER_ESP };

struct host_sender {
    enum host_sender_kind kind; /* from UDP 500, from UDP 4500, or as IP protocol 50 */
    enum ip_family family;
    uint32_t mark; /* fwmark of a pinned route, for a process that has no right to set marks; 0: none */
    /* Sets DF in IPv4, and refuses (EMSGSIZE) what the link cannot take in one piece. Learnt path MTUs still
     * do not count. There is no control message for it, so a worker needs a socket with and one without. */
    bool dont_fragment;
};

/* Opens one, while the host_sockets are open. The caller owns it; -1 with a reason on failure. */
int host_sender_open(const struct host_sender *sender, struct host_error *err);

#endif
