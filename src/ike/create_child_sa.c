/*
 * CREATE_CHILD_SA (RFC 7296 1.3): further Child SAs and rekeys. This end has one Child SA for each IKE SA and
 * says so; a peer whose rekey is refused makes a new IKE SA when the old one ends.
 */
#include "ike/ike_sa.h"

void create_child_sa_request(struct ike_sa *sa, const struct ike_message *message)
{
    (void)message;
    engine_log(sa->engine, LOG_LEVEL_NOTICE, LOG_IKEV2, sa->tunnel,
               "the peer asks for a further Child SA or a rekey, which is answered with NO_ADDITIONAL_SAS");
    ike_sa_send_error(sa, EXCHANGE_CREATE_CHILD_SA, NOTIFY_NO_ADDITIONAL_SAS);
}
