/*
 * A packet that the config of an end wants carried by a tunnel: by the routes and addresses of the config
 * from the LAN behind this end to the network behind the other one, else by the tunnel's own selectors.
 */
#ifndef MUSUBI_CHECK_PAIR_TRAFFIC_H
#define MUSUBI_CHECK_PAIR_TRAFFIC_H

#include "check/pair_end.h"
#include "esp/selector.h"

/*
 * Writes a packet from this end to the other one. It is a ping from the address of the Tunnel's `ip
 * unnumbered` to the first host of the first route into the Tunnel, if the config has both, else a packet
 * between the first hosts of local-ts and remote-ts. False if the tunnel has no selectors, so that it carries
 * all.
 */
bool pair_traffic_of(const struct pair_end *end, const struct pair_tunnel *tunnel, struct packet_flow *out);

#endif
