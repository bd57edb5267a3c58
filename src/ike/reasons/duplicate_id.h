/*
 * What the log says if two peers have one ID: each begins an IKE SA in place of the other one's, again and
 * again. It is told when they have taken turns a few times, and again each hour.
 *
 *     Tunnel0.0: KEY-ID site1 comes from 10.1.0.1:500 and from 10.3.0.1:500 in turn, and each negotiation
 *     ends the tunnel of the other one: is the ID used by two routers? If it is one router, its address
 *     changes again and again; line 31
 *
 * If both begin at the same moment neither SA ends the other one. Then it is told when the peer of the older
 * one still answers.
 *
 *     Tunnel0.0: KEY-ID site1 has IKE SAs from 10.1.0.1:500 and from 10.3.0.1:500, and answers by the older
 *     one too: is the ID used by two routers? Packets go to the one that came last; line 31
 */
#ifndef MUSUBI_IKE_REASONS_DUPLICATE_ID_H
#define MUSUBI_IKE_REASONS_DUPLICATE_ID_H

struct ike_sa;

/* The peer of `sa` is authenticated, and none of the older IKE SAs with its ID has ended yet. */
void duplicate_id_note(const struct ike_sa *sa);

/* The peer of `sa` has answered a request. */
void duplicate_id_note_answer(const struct ike_sa *sa);

#endif
