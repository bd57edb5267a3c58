/*
 * CREATE_CHILD_SA (RFC 7296 1.3) as responder: which of its three kinds a request is, and when none is taken
 * (2.25).
 */
#include "ike/negotiation.h"
#include "ike/rekey.h"

void create_child_sa_request(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    const struct octets nothing = {NULL, 0};
    if (offer == NULL || ike_message_find(message, PAYLOAD_NONCE) == NULL) {
        negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, nothing);
        return;
    }
    bool closing = sa->state != IKE_SA_ESTABLISHED || sa->replaced || sa->engine->stopping;
    if (closing) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    if (proposal_protocol(offer) == PROTOCOL_IKE)
        rekey_ike_sa_request(sa, message);
    else
        rekey_child_request(sa, message);
}
