/*
 * What the log says of a NAT that the config overlooks (S43): NAT traversal is not set here though there is a
 * NAT, or it is set here though the peer does none. The SAs come up, but ESP outside of UDP may not pass.
 *
 *     Tunnel1.0: there seems to be a NAT between this end and 10.2.0.1:40961 (its IKE comes from that port),
 *     but nat-traversal is set at neither end, so ESP may not pass: set `ikev2 nat-traversal keepalive 20`
 *     in Tunnel1.0 and nat-traversal at the peer; line 12
 *
 * Signs are: the peer's NAT detection, a port other than 500 and 4500, and a private address of this end
 * towards a public one of the peer.
 */
#ifndef MUSUBI_IKE_REASONS_OVERLOOKED_NAT_H
#define MUSUBI_IKE_REASONS_OVERLOOKED_NAT_H

struct ike_sa;

/*
 * Warns if the handshake of `sa` has shown signs of such a NAT; once for each tunnel, until its policy
 * changes. The peer is authenticated, and the handshake has not ended.
 */
void overlooked_nat_warn(const struct ike_sa *sa);

#endif
