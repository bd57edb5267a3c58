#include "ike/exchanges/peer_address.h"

#include "ike/exchanges/nat_detection.h"
#include "ike/sa/job.h"

/* The peer's IKE_SA_INIT, parsed again; it was valid before. */
static void init_request(const struct ike_sa *sa, struct ike_message *message)
{
    struct octets octets = ike_buffer_octets(&sa->handshake->init_request);
    *message = (struct ike_message){.count = 0};
    if (!ike_header_parse(octets, &message->header))
        return;
    struct octets payloads = {octets.at + IKE_HEADER_SIZE, octets.length - IKE_HEADER_SIZE};
    (void)ike_payloads_parse(payloads, message->header.next_payload, message, NULL, NULL);
}

/* The address that the peer had before a NAT changed it, if its name has that one; else NULL. */
static const struct ip_address *address_before_nat(const struct ike_sa *sa)
{
    const struct ike_tunnel *tunnel = sa->tunnel;
    struct ike_message message;
    init_request(sa, &message);
    for (size_t i = 0; i < tunnel->peer_address_count; i++) {
        if (nat_detection_names_source(&message, &tunnel->peer_addresses[i]))
            return &tunnel->peer_addresses[i];
    }
    return NULL;
}

bool peer_address_accept(struct ike_sa *sa)
{
    const struct ip_address *seen = &sa->remote.address;
    const struct ip_address *named = seen;
    if (sa->tunnel->policy.peer_kind == PEER_FQDN && !tunnel_peer_has(sa->tunnel, seen))
        named = sa->nat_remote ? address_before_nat(sa) : NULL;
    if (named == NULL)
        return false;
    sa->peer_address = *named;
    return true;
}

void peer_address_look_up(struct ike_sa *sa, const struct ip_address *seen, ike_job_done *done)
{
    struct ike_job job = {.kind = IKE_JOB_LOOK_UP};
    job.look_up.tunnel = sa->tunnel->policy.tunnel;
    job.look_up.seen = *seen;
    ike_sa_start_job(sa, &job, done);
}
