/*
 * The peer's messages to an IKE SA, and our responses: message IDs and the window of 1 (RFC 7296 2.1 to 2.3).
 * A response and its repetitions are the same octets.
 */
#ifndef MUSUBI_IKE_SA_EXCHANGE_H
#define MUSUBI_IKE_SA_EXCHANGE_H

#include "ike/sa/ike_sa.h"

/* Takes in a datagram that is addressed to this SA; it waits if a job is out. */
void ike_sa_receive(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                    uint32_t ifindex, const struct ike_header *header, struct octets datagram);

/* Starts writing the response to the peer's request; and seals, keeps and sends it. */
struct message_writer ike_sa_begin_response(struct ike_sa *sa);
void ike_sa_send_response(struct ike_sa *sa, enum exchange_type exchange, struct message_writer *m);

/*
 * Answers a request with INVALID_SYNTAX. The peer takes that as the end of the SA (RFC 7296 2.21.3), and so
 * it ends here too. `wrong` is for the log: "is malformed".
 */
void ike_sa_end_by_invalid_syntax(struct ike_sa *sa, enum exchange_type exchange, const char *wrong);

/*
 * Answers a request with a single error notify. INVALID_SYNTAX ends the IKE SA at both ends, without DELETE
 * (RFC 7296 2.21.3).
 */
void ike_sa_send_error(struct ike_sa *sa, enum exchange_type exchange, uint16_t notify,
                       struct octets content);

/* Keeps and sends a response that is already a whole message (IKE_SA_INIT). */
void ike_sa_send_plain_response(struct ike_sa *sa, struct octets message);

#endif
