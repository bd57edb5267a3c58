/*
 * NAT detection (RFC 7296 2.23): hashes of the addresses and ports as each end sees them.
 */
#ifndef MUSUBI_IKE_EXCHANGES_NAT_DETECTION_H
#define MUSUBI_IKE_EXCHANGES_NAT_DETECTION_H

#include "ike/sa/ike_sa.h"

/*
 * Writes both NAT detection notifies of a message of `sa`. With `force` the source hash is wrong on purpose:
 * the peer takes that for a NAT in front of us, and ESP is encapsulated in any case.
 */
void nat_detection_write(struct ike_sa *sa, bool force, struct message_writer *m);

/*
 * Reads the notifies of a message that came from `sa->remote` to `sa->local` and sets nat_local, nat_remote.
 * False if the peer sent none: it does not support NAT traversal.
 */
bool nat_detection_read(struct ike_sa *sa, const struct ike_message *message);

/*
 * Takes in the peer's IKE_SA_INIT, which came from `from`. Returns whether NAT traversal is done, which needs
 * both ends: `wanted` here, and the peer's NAT detection. Only then nat_local and nat_remote are set. What
 * there was to see is noted in the handshake in any case (reasons/overlooked_nat.h).
 */
bool nat_detection_take(struct ike_sa *sa, const struct ike_message *message, const struct ip_endpoint *from,
                        bool wanted);

/*
 * True if the sender of an IKE_SA_INIT request says in it that `address` is its own, before a NAT changed it.
 */
bool nat_detection_names_source(const struct ike_message *message, const struct ip_address *address);

#endif
