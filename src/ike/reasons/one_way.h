/*
 * What the log says of a Child SA that packets leave by for minutes, and by which none has ever come, though
 * the peer answers IKE. ESP may be dropped on the way, but the traffic may as well be meant to go one way: it
 * is told as a guess, once for a Child SA and those that it is rekeyed to, and changes nothing.
 *
 *     Tunnel1.0: packets from 192.168.1.0/24 to 192.168.2.0/24 have left by the Child SA for 5 minutes or
 *     more, and none has ever come back, though 10.2.0.1:500 answers IKE. Perhaps a filter on the way drops
 *     ESP (IP protocol 50), ...; line 12
 */
#ifndef MUSUBI_IKE_REASONS_ONE_WAY_H
#define MUSUBI_IKE_REASONS_ONE_WAY_H

#include "ike/sa/child_sa.h"

/*
 * Packets have left by the Child SA for 20 s, and none has come in: it counts how often, and warns in the
 * end. `never_heard`: no packet has ever come in by it.
 */
void one_way_note(struct child_sa *child, bool never_heard);

#endif
