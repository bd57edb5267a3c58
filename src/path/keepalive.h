/*
 * NAT keepalives (RFC 3948 4): one octet to a peer's endpoint when nothing went there for the interval of the
 * Child SA. What other SAs of the tunnel sent to the same endpoint counts too.
 */
#ifndef MUSUBI_PATH_KEEPALIVE_H
#define MUSUBI_PATH_KEEPALIVE_H

struct outbound_sa;
struct worker;

/* Starts, or starts anew after a change of interval or destination; does nothing without an interval or UDP.
 */
void keepalive_start(struct worker *worker, struct outbound_sa *sa);

void keepalive_stop(struct worker *worker, struct outbound_sa *sa);

#endif
