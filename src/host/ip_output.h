/*
 * What Linux's IP output does to the host's own IPv4 packets besides taking them to their neighbour: packet
 * filters, NAT and connection tracking, IPsec policies, routes by protocol. A sender that goes past the IP
 * output has to know whether there is anything of that.
 */
#ifndef MUSUBI_HOST_IP_OUTPUT_H
#define MUSUBI_HOST_IP_OUTPUT_H

#include "host/netlink.h"

struct ip_output;

/* In the network namespace of the calling thread. NULL with a reason on failure. */
struct ip_output *ip_output_open(struct host_error *err);

/* `output` may be NULL. */
void ip_output_close(struct ip_output *output);

/*
 * True if there is nothing: no base chain of nftables and no table of iptables for IPv4 (one for other hooks
 * may look at the connections that the output would track), no IPsec policy for what goes out, no rule that
 * chooses routes by the IP protocol. False also if Linux can't be asked. `nl` is for the rules.
 */
bool ip_output_is_plain(struct ip_output *output, struct netlink *nl);

/* The TTL of packets for which nobody says another one. */
uint8_t ip_output_ttl(const struct ip_output *output);

#endif
