#include "ike/reasons/auth_failure.h"

#include "base/short_text.h"
#include "ike/sa/ike_sa.h"
#include "ike/wire/identity.h"
#include "ike/wire/proposal_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The encodings of the peer's CERT payloads that are of no use here; NULL if there are none. */
static const char *useless_encoding(const struct ike_message *message)
{
    for (size_t i = 0; message != NULL && i < message->count; i++) {
        const struct ike_payload *p = &message->payloads[i];
        const char *name = certificate_encoding_name(p->encoding);
        if (p->type == PAYLOAD_CERT && p->encoding != CERT_X509_SIGNATURE)
            return name != NULL ? name : "unknown encoding";
    }
    return NULL;
}

/* The peer's certificate, or a signature by it, is refused. */
static void warn_of_certificate(const struct ike_sa *sa, enum ike_auth_fault fault, const char *reason)
{
    const char *encoding =
        fault == IKE_AUTH_NO_CERTIFICATE ? useless_encoding(sa->handshake->auth_message) : NULL;
    char id[FAILURE_ID_SIZE];
    setting_set settings = PEER_SETTING | SETTING_BIT(SETTING_CERT_CACERT) |
                           (fault == IKE_AUTH_WEAK ? SETTING_BIT(SETTING_CERT_WEAK) : 0U);
    failure_warn(sa, FAILED_NEGOTIATION, settings, "the peer %s is not accepted by certificate: %s%s%s",
                 failure_kept_id(&sa->remote_id, id),
                 reason != NULL ? reason : "its certificate could not be verified",
                 encoding != NULL ? " that is supported here, but another kind of CERT payload: " : "",
                 encoding != NULL ? encoding : "");
}

/* The computation was not done, so nothing is known of the keys. */
static void warn_of_lost_computation(const struct ike_sa *sa)
{
    failure_warn(sa, FAILED_NEGOTIATION, 0,
                 "the AUTH could not be computed: memory ran out, too many computations wait, or the tunnel "
                 "has just been changed");
}

void auth_failure_of_auth(const struct ike_sa *sa, enum ike_auth_fault fault, const char *reason)
{
    char id[FAILURE_ID_SIZE];
    if (fault == IKE_AUTH_NOT_DONE)
        warn_of_lost_computation(sa);
    else if (sa->tunnel->policy.remote_auth == AUTH_KIND_RSA)
        warn_of_certificate(sa, fault, reason);
    else if (fault == IKE_AUTH_NO_PEER_KEY)
        failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING, "there is no key for the peer's ID %s",
                     failure_kept_id(&sa->remote_id, id));
    else
        failure_warn(sa, FAILED_NEGOTIATION, PEER_KEY_SETTINGS,
                     "the AUTH of %s does not fit the key configured for it here: the keys of both ends "
                     "differ, or one is `char` and one `hex`",
                     failure_kept_id(&sa->remote_id, id));
}

/* By certificate we can't authenticate ourselves. */
static void warn_of_own_certificate(const struct ike_sa *sa, enum ike_auth_fault fault)
{
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    setting_set settings = LOCAL_SETTING | SETTING_BIT(SETTING_CERT_MYCERT);
    if (fault == IKE_AUTH_NO_SCHEME)
        failure_warn(
            sa, FAILED_NEGOTIATION, settings,
            "the key of this end's certificate %s can sign by none of the algorithms that the peer knows "
            "(RFC 7427)%s%s",
            policy->mycert, sa->own_proof != NULL ? ": " : "", sa->own_proof != NULL ? sa->own_proof : "");
    else
        failure_warn(sa, FAILED_NEGOTIATION, settings,
                     "there is no certificate %s with a private key for this end", policy->mycert);
}

void auth_failure_of_own_key(const struct ike_sa *sa, enum ike_auth_fault fault)
{
    char id[FAILURE_ID_SIZE];
    if (fault == IKE_AUTH_NOT_DONE)
        warn_of_lost_computation(sa);
    else if (sa->tunnel->policy.local_auth == AUTH_KIND_RSA)
        warn_of_own_certificate(sa, fault);
    else
        failure_warn(sa, FAILED_NEGOTIATION, LOCAL_SETTING, "there is no key for this end's ID %s",
                     failure_kept_id(&sa->local_id, id));
}

void auth_failure_of_method(const struct ike_sa *sa, const struct ike_payload *auth)
{
    const char *name = auth == NULL ? NULL : auth_method_name(auth->method);
    const char *accepted =
        sa->tunnel->policy.remote_auth == AUTH_KIND_RSA ? "a certificate" : "a pre-shared key";
    if (auth == NULL)
        failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING,
                     "the peer wants EAP, which is not supported here; accepted is %s", accepted);
    else
        failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING,
                     "the peer proves itself by AUTH method %u%s%s%s, accepted is %s", auth->method,
                     name != NULL ? " (" : "", name != NULL ? name : "", name != NULL ? ")" : "", accepted);
}

void auth_failure_of_responder_id(const struct ike_sa *sa, const struct ike_payload *idr)
{
    char claimed[FAILURE_ID_SIZE];
    char expected[FAILURE_ID_SIZE];
    failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING, "the peer says it is %s, expected is %s",
                 failure_claimed_id(idr, claimed), failure_kept_id(&sa->remote_id, expected));
}

/* ---- Responder: the tunnel is not found -------------------------------------------------------------- */

/* The newest tunnel whose peer has the ID; NULL if there is none. */
static const struct ike_tunnel *tunnel_of_id(const struct ike_engine *engine, const struct ike_payload *idi)
{
    const struct ike_tunnel *tunnel;
    struct identity id;
    if (!identity_parse(idi->id_type, idi->content, &id))
        return NULL;
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        if (tunnel->policy.complete && identity_equal(&tunnel->policy.remote_id, &id))
            return tunnel;
    }
    return NULL;
}

/* The peer as the config has it: an address, a name, or any. */
static const char *configured_peer(const struct tunnel_policy *policy, char memory[IP_TEXT_SIZE])
{
    switch (policy->peer_kind) {
    case PEER_ANY:
        return "any";
    case PEER_FQDN:
        return policy->peer_fqdn;
    case PEER_ADDRESS:
        break;
    }
    return ip_address_format(&policy->peer_address, memory);
}

/* IKE_SA_INIT came by addresses that some tunnel allows, and IKE_AUTH by others that none does. */
static void fail_for_addresses(const struct ike_sa *sa, const struct arrival *arrival,
                               const struct ike_payload *idi)
{
    const struct ike_tunnel *tunnel = tunnel_of_id(sa->engine, idi);
    char id[FAILURE_ID_SIZE];
    char remote[IP_TEXT_SIZE];
    char local[IP_TEXT_SIZE];
    char peer[IP_TEXT_SIZE];
    (void)failure_claimed_id(idi, id);
    (void)ip_endpoint_format(arrival->remote, remote);
    (void)ip_endpoint_format(arrival->local, local);
    if (tunnel == NULL)
        failure_warn(
            sa, FAILED_NEGOTIATION, 0,
            "IKE_AUTH of %s comes from %s to %s, which no tunnel allows, and no tunnel has a peer with "
            "that ID",
            id, remote, local);
    else
        failure_warn_tunnel(sa->engine, tunnel, PEER_SETTING,
                            "IKE_AUTH of %s comes from %s to %s, which no tunnel allows; its peer is %s", id,
                            remote, local, configured_peer(&tunnel->policy, peer));
}

void auth_failure_of_peer_id(const struct ike_sa *sa, const struct arrival *arrival,
                             const struct ike_payload *idi)
{
    enum { SHOWN_MAX = 4 };
    const struct ike_tunnel *candidates[SHOWN_MAX];
    size_t count = candidates_list(sa->engine, arrival, candidates, SHOWN_MAX);
    size_t shown = count < SHOWN_MAX ? count : SHOWN_MAX;
    char accepted[(SHOWN_MAX + 1) * FAILURE_ID_SIZE];
    char id[FAILURE_ID_SIZE];
    char remote[IP_TEXT_SIZE];
    struct short_text text = short_text_in(accepted, sizeof accepted);
    if (count == 0) {
        fail_for_addresses(sa, arrival, idi);
        return;
    }
    for (size_t i = 0; i < shown; i++)
        short_text_add(&text, "%s%s", i == 0 ? "" : ", ", failure_id(&candidates[i]->policy.remote_id, id));
    if (count > shown)
        short_text_add(&text, " and %zu more", count - shown);
    failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING, "the peer at %s says it is %s; accepted here is %s",
                 ip_endpoint_format(&sa->remote, remote), failure_claimed_id(idi, id), accepted);
}

void auth_failure_of_suite(const struct ike_sa *sa, const struct arrival *arrival,
                           const struct ike_tunnel *found)
{
    /* The candidate by which the suite was chosen; NULL if the config has changed since. */
    const struct ike_tunnel *chooser = candidates_with_suite(sa->engine, arrival, &sa->suite);
    const struct proposal_policy policy = proposal_policy_of_ike(&found->policy.ike);
    struct setting_lines lines = {0};
    char suite[SUITE_TEXT_SIZE];
    char accepted[POLICY_TEXT_SIZE];
    char lines_text[SETTING_LINES_TEXT_SIZE];
    if (chooser != NULL)
        setting_lines_add(&lines, &chooser->policy, IKE_PROPOSAL_SETTINGS);
    failure_warn_tunnel(
        sa->engine, found, IKE_PROPOSAL_SETTINGS,
        "%s was chosen before the peer told its ID, as %s has it (%s); this tunnel accepts %s: "
        "put the policy of peers with unknown addresses into the default profile",
        ike_suite_format(&sa->suite, suite), chooser != NULL ? chooser->policy.name : "an earlier config",
        setting_lines_format(&lines, lines_text), proposal_policy_format(&policy, accepted));
}

enum { ADDRESSES_TEXT_SIZE = 320 };

/* The addresses of the peer's name; "none" if it has none. */
static const char *addresses_format(const struct ike_tunnel *tunnel, char out[ADDRESSES_TEXT_SIZE])
{
    (void)snprintf(out, ADDRESSES_TEXT_SIZE, "none");
    for (size_t i = 0, at = 0; i < tunnel->peer_address_count && at < ADDRESSES_TEXT_SIZE; i++) {
        char address[IP_TEXT_SIZE];
        int length = snprintf(out + at, ADDRESSES_TEXT_SIZE - at, "%s%s", i > 0 ? ", " : "",
                              ip_address_format(&tunnel->peer_addresses[i], address));
        at += length > 0 ? (size_t)length : 0;
    }
    return out;
}

void auth_failure_of_address(const struct ike_sa *sa)
{
    char remote[IP_TEXT_SIZE];
    char addresses[ADDRESSES_TEXT_SIZE];
    failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING,
                 "the peer comes from %s, which is no address of %s (it has %s)",
                 ip_address_format(&sa->remote.address, remote), sa->tunnel->policy.peer_fqdn,
                 addresses_format(sa->tunnel, addresses));
}

/* ---- Responder: the peer does not get what it asks for ------------------------------------------------ */

enum { UNMET_PATIENCE = 10000 }; /* milliseconds; if the peer closes the SA later it has another reason */

void auth_failure_note_unmet(struct ike_sa *sa, const struct ike_message *request)
{
    const struct ike_payload *idr = ike_message_find(request, PAYLOAD_IDR);
    bool transport = ike_message_notify(request, NOTIFY_USE_TRANSPORT_MODE) != NULL;
    const struct identity own = identity_kept(&sa->local_id);
    struct identity wanted;
    bool other_id = idr != NULL &&
                    (!identity_parse(idr->id_type, idr->content, &wanted) || !identity_equal(&wanted, &own));
    char at[2 * FAILURE_ID_SIZE + 128];
    char theirs[FAILURE_ID_SIZE];
    char ours[FAILURE_ID_SIZE];
    struct short_text text = short_text_in(at, sizeof at);
    if (!other_id && !transport)
        return;
    if (other_id)
        short_text_add(&text, "it wants to talk to %s, and this end is %s", failure_claimed_id(idr, theirs),
                       failure_id(&own, ours));
    if (transport)
        short_text_add(&text, "%sit wants transport mode, which is not supported here", other_id ? "; " : "");
    free(sa->unmet_request);
    sa->unmet_request = strdup(at);
    sa->unmet_settings = (other_id ? LOCAL_SETTING : 0U) | (transport ? SETTING_BIT(SETTING_IPSEC_MODE) : 0U);
}

/* What the peer did not get, if that may be why it closes the SA now; else NULL. */
static const char *unmet_request(const struct ike_sa *sa)
{
    bool early = sa->engine->now - sa->created <= UNMET_PATIENCE;
    return early && !sa->replaced ? sa->unmet_request : NULL;
}

void auth_failure_of_unmet(struct ike_sa *sa)
{
    const char *unmet = unmet_request(sa);
    if (unmet != NULL)
        failure_warn(sa, FAILED_NEGOTIATION, sa->unmet_settings, "the peer deletes the SA at once: %s",
                     unmet);
    free(sa->unmet_request);
    sa->unmet_request = NULL;
}

void auth_failure_of_answer(const struct ike_sa *sa, uint16_t notify)
{
    enum { TEXT_SIZE = 1280 };
    const char *unmet = unmet_request(sa);
    char at[TEXT_SIZE];
    struct short_text text = short_text_in(at, sizeof at);
    if (notify != NOTIFY_AUTHENTICATION_FAILED) {
        failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING,
                     "the peer does not accept our answer to IKE_AUTH (%s)", notify_type_name(notify));
        return;
    }
    setting_set settings = failure_write_own_proof(sa, &text);
    failure_warn(sa, FAILED_NEGOTIATION, settings, "%s%s%s", at, unmet != NULL ? ": " : "",
                 unmet != NULL ? unmet : "");
}
