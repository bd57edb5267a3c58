/*
 * The next hop on the way to a tunnel's peer that Linux can't find on the link: no packet gets further.
 *
 *     the next hop 10.0.0.254 (line 17) does not answer ARP
 */
#ifndef MUSUBI_DAEMON_KEEPER_DEAD_NEXT_HOP_H
#define MUSUBI_DAEMON_KEEPER_DEAD_NEXT_HOP_H

#include "base/short_text.h"
#include "config/setting_lines.h"
#include "daemon/keeper/tunnel_table.h"

enum { DEAD_NEXT_HOP_SIZE = IP_TEXT_SIZE + SETTING_LINES_TEXT_SIZE + 64 };

/*
 * Asks Linux about the next hop of a tunnel's route, and writes that it does not answer, with the line of the
 * config that names it. False, and "", if there is none or it answers, as far as Linux knows.
 */
bool dead_next_hop_write(struct netlink *netlink, const struct host_settings *settings,
                         const struct tunnel *tunnel, char out[DEAD_NEXT_HOP_SIZE]);

/* The same behind the text of a negotiation that has failed at `step`, if that may be why. */
void dead_next_hop_append(struct netlink *netlink, const struct host_settings *settings,
                          const struct tunnel *tunnel, enum ike_step step, struct short_text *text);

#endif
