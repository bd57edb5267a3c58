#include "ike/reasons/init_failure.h"

#include "ike/reasons/refusal.h"
#include "ike/reasons/unanswered.h"
#include "ike/sa/half_open.h"
#include "ike/wire/proposal_text.h"

#include <string.h>

void init_failure_note_choice(struct ike_sa *sa, const struct ike_payload *offer)
{
    const struct proposal_policy policy = proposal_policy_of_ike(&sa->tunnel->policy.ike);
    char theirs[OFFER_TEXT_SIZE];
    char ours[POLICY_TEXT_SIZE];
    uint8_t wrong_number = proposal_wrong_number(offer, &policy, 0);
    if (wrong_number != 0)
        failure_note(
            sa, PEER_SETTING,
            "the peer chose %s as proposal %u, by which number that was not offered (RFC 7296 3.3.1)",
            proposal_offer_format(offer, &policy, 0, theirs), wrong_number);
    else
        failure_note(sa, IKE_PROPOSAL_SETTINGS,
                     "the peer chose an IKE SA proposal that was not offered: it chose %s; offered %s",
                     proposal_offer_format(offer, &policy, 0, theirs), proposal_policy_format(&policy, ours));
}

/* Whether a request with this key was refused recently. If not, remembers it as refused. */
static bool was_refused(struct ike_engine *engine, uint64_t key)
{
    struct refused_requests *refused = &engine->objects->refused;
    for (size_t i = 0; i < REFUSED_REQUESTS_MAX; i++) {
        if (refused->request[i].key == key && engine->now - refused->request[i].time < HALF_OPEN_TIMEOUT)
            return true;
    }
    refused->request[refused->next].key = key;
    refused->request[refused->next].time = engine->now;
    refused->next = (refused->next + 1) % REFUSED_REQUESTS_MAX;
    return false;
}

void init_failure_of_request(struct ike_engine *engine, uint64_t key, const struct arrival *arrival,
                             const struct candidates *candidates, const struct ike_message *request)
{
    const struct key_exchange_method *group = candidates->choice.suite.dh;
    char remote[IP_TEXT_SIZE];
    if (was_refused(engine, key))
        return;
    if (candidates->result == PROPOSAL_NONE)
        refusal_of_init(engine, arrival, ike_message_find(request, PAYLOAD_SA));
    else
        failure_warn_arrival(engine, arrival, SETTING_BIT(SETTING_IKE_DH),
                             "the KE of %s is no public value of %s (RFC 6989)",
                             ip_endpoint_format(arrival->remote, remote), group->name);
}

void init_failure_of_critical(struct ike_engine *engine, uint64_t key, const struct arrival *arrival,
                              uint8_t type)
{
    char remote[IP_TEXT_SIZE];
    if (!was_refused(engine, key))
        failure_warn_arrival(
            engine, arrival, PEER_SETTING,
            "the IKE_SA_INIT request of %s has a critical payload of type %u, which is not supported "
            "here",
            ip_endpoint_format(arrival->remote, remote), type);
}

void init_failure_of_unknown_peer(struct ike_engine *engine, const struct arrival *arrival)
{
    engine_count(engine, IKE_COUNT_NO_TUNNEL);
    if (!engine->stopping)
        unanswered_tell(engine, arrival);
}

/*
 * Whether a half-open SA is not needed: the same peer has an SA with us by now, as when both ends start at
 * the same time (S7).
 */
static bool is_superfluous(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->engine->objects->all_sas, all_link)
    {
        if (other->state == IKE_SA_ESTABLISHED && other->created + HALF_OPEN_TIMEOUT >= sa->created &&
            ip_address_equal(&other->remote.address, &sa->remote.address) &&
            ip_address_equal(&other->local.address, &sa->local.address) && !other->nat_remote)
            return true;
    }
    return false;
}

void init_failure_of_half_open(const struct ike_sa *sa)
{
    char remote[IP_TEXT_SIZE];
    char suite[SUITE_TEXT_SIZE];
    if (is_superfluous(sa))
        ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2,
                   "negotiation not needed: %s sent no IKE_AUTH, and has an SA",
                   ip_endpoint_format(&sa->remote, remote));
    else if (sa->state == IKE_SA_AUTHENTICATING)
        failure_warn(sa, FAILED_NEGOTIATION, 0, "the AUTH of %s was not checked in time",
                     ip_endpoint_format(&sa->remote, remote));
    else
        failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING,
                     "%s sent no IKE_AUTH within %d seconds after IKE_SA_INIT was answered with %s%s%s",
                     ip_endpoint_format(&sa->remote, remote), HALF_OPEN_TIMEOUT / 1000,
                     ike_suite_format(&sa->suite, suite),
                     sa->send_error != 0 ? ", which could not be sent: " : "",
                     sa->send_error != 0 ? strerror(sa->send_error) : "");
}
