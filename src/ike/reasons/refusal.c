#include "ike/reasons/refusal.h"

#include "base/short_text.h"
#include "ike/sa/ike_sa.h"
#include "ike/wire/offer.h"
#include "ike/wire/proposal_text.h"

#include <stdio.h>

enum {
    TEXT_SIZE = 1280,
    NUMBER_TEXT_SIZE = 64,
};

/* ---- The peer refuses: what each error notify says --------------------------------------------------- */

struct peer_refusal {
    const struct ike_sa *sa;
    enum failure_kind kind;
    const struct refused *asked;
    const struct ike_payload *error;
};

/* "NO_PROPOSAL_CHOSEN", or "error 8191". */
static const char *notify_text(uint16_t notify, char out[NUMBER_TEXT_SIZE])
{
    const char *name = notify_type_name(notify);
    if (name == NULL)
        (void)snprintf(out, NUMBER_TEXT_SIZE, "error %u", notify);
    return name != NULL ? name : out;
}

static setting_set write_identity(const struct peer_refusal *r, struct short_text *text)
{
    return failure_write_own_proof(r->sa, text);
}

/* Whether the peer has accepted before, except for PFS, what a Child SA is rekeyed with. */
static bool pfs_alone_is_new(const struct peer_refusal *r)
{
    const struct child_sa *child;
    LIST_FOREACH(child, &r->sa->children, link)
    {
        const struct ike_suite *suite = &child->suite;
        algorithm_set encryption = ALGORITHM_SET_OF(suite->encryption, encryption_algorithms);
        algorithm_set integrity = ALGORITHM_SET_OF(suite->integrity, integrity_algorithms);
        if ((r->asked->proposal->encryption & encryption) != 0 &&
            (suite->integrity == NULL || (r->asked->proposal->integrity & integrity) != 0))
            return true;
    }
    return false;
}

static setting_set write_proposal(const struct peer_refusal *r, struct short_text *text)
{
    char offered[POLICY_TEXT_SIZE];
    bool child = r->asked->child != NULL;
    short_text_add(text, "the peer accepts no %s proposal (NO_PROPOSAL_CHOSEN): offered %s",
                   child ? "Child SA" : "IKE SA", proposal_policy_format(r->asked->proposal, offered));
    if (!child)
        return IKE_PROPOSAL_SETTINGS;
    if (r->kind != FAILED_CHILD_REKEY)
        return CHILD_PROPOSAL_SETTINGS;
    if (!pfs_alone_is_new(r))
        return CHILD_PROPOSAL_SETTINGS | SETTING_BIT(SETTING_CHILD_PFS);
    short_text_add(text, " (all but child-pfs was accepted before)");
    return SETTING_BIT(SETTING_CHILD_PFS);
}

static setting_set write_group(const struct peer_refusal *r, struct short_text *text)
{
    struct reader reader = reader_of(r->error->content.at, r->error->content.length);
    uint16_t group = reader_u16be(&reader);
    const char *name = transform_name(TRANSFORM_KE, group);
    const struct proposal_policy groups = {.protocol = r->asked->proposal->protocol,
                                           .dh = r->asked->proposal->dh,
                                           .dh_none = r->asked->proposal->dh_none};
    char allowed[POLICY_TEXT_SIZE];
    short_text_add(text, "the peer wants DH group %u%s%s%s (INVALID_KE_PAYLOAD), accepted here %s", group,
                   name != NULL ? " (" : "", name != NULL ? name : "", name != NULL ? ")" : "",
                   proposal_policy_format(&groups, allowed));
    return SETTING_BIT(r->asked->child != NULL ? SETTING_CHILD_PFS : SETTING_IKE_DH);
}

static setting_set write_selectors(const struct peer_refusal *r, struct short_text *text)
{
    char local[SELECTORS_TEXT_SIZE];
    char remote[SELECTORS_TEXT_SIZE];
    short_text_add(text, "the peer does not accept the traffic selectors (TS_UNACCEPTABLE)");
    if (r->asked->child != NULL)
        short_text_add(text, ": proposed local-ts %s, remote-ts %s",
                       selectors_format(&r->asked->child->local_ts, local),
                       selectors_format(&r->asked->child->remote_ts, remote));
    return SELECTOR_SETTINGS;
}

static setting_set write_configuration(const struct peer_refusal *r, struct short_text *text)
{
    short_text_add(text, "the peer insists on a configuration payload (%s), which is not supported here",
                   notify_type_name(r->error->notify));
    return PEER_SETTING;
}

static setting_set write_other(const struct peer_refusal *r, struct short_text *text)
{
    char number[NUMBER_TEXT_SIZE];
    short_text_add(text, "the peer answers %s with %s", r->asked->exchange,
                   notify_text(r->error->notify, number));
    return PEER_SETTING;
}

static const struct {
    uint16_t notify;
    setting_set (*write)(const struct peer_refusal *r, struct short_text *text);
} writers[] = {
    {NOTIFY_AUTHENTICATION_FAILED, write_identity},
    {NOTIFY_NO_PROPOSAL_CHOSEN, write_proposal},
    {NOTIFY_INVALID_KE_PAYLOAD, write_group},
    {NOTIFY_TS_UNACCEPTABLE, write_selectors},
    {NOTIFY_INTERNAL_ADDRESS_FAILURE, write_configuration},
    {NOTIFY_FAILED_CP_REQUIRED, write_configuration},
};

static setting_set write_refusal(const struct peer_refusal *r, char out[TEXT_SIZE])
{
    struct short_text text = short_text_in(out, TEXT_SIZE);
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        if (writers[i].notify == r->error->notify)
            return writers[i].write(r, &text);
    }
    return write_other(r, &text);
}

void refusal_note(struct ike_sa *sa, const struct ike_payload *error)
{
    const struct proposal_policy proposal = proposal_policy_of_ike(&sa->tunnel->policy.ike);
    const struct refused asked = {"IKE_SA_INIT", &proposal, NULL};
    const struct peer_refusal r = {sa, FAILED_NEGOTIATION, &asked, error};
    char text[TEXT_SIZE];
    setting_set settings = write_refusal(&r, text);
    failure_note(sa, settings, "%s", text);
}

void refusal_warn(const struct ike_sa *sa, enum failure_kind kind, const struct refused *asked,
                  const struct ike_payload *error)
{
    const struct peer_refusal r = {sa, kind, asked, error};
    char text[TEXT_SIZE];
    setting_set settings = write_refusal(&r, text);
    failure_warn(sa, kind, settings, "%s", text);
}

/* ---- The peer's answer cannot be taken --------------------------------------------------------------- */

static setting_set write_chosen_proposal(const struct ike_message *answer,
                                         const struct child_request *request, struct short_text *text)
{
    char chosen[OFFER_TEXT_SIZE];
    char offered[POLICY_TEXT_SIZE];
    const struct ike_payload *sa = ike_message_find(answer, PAYLOAD_SA);
    uint8_t wrong_number = proposal_wrong_number(sa, &request->proposal, ESP_SPI_SIZE);
    if (wrong_number != 0) {
        short_text_add(text,
                       ": it chose %s as proposal %u, by which number that was not offered (RFC 7296 3.3.1)",
                       proposal_offer_format(sa, &request->proposal, ESP_SPI_SIZE, chosen), wrong_number);
        return PEER_SETTING;
    }
    short_text_add(text, ": it chose %s; offered %s",
                   proposal_offer_format(sa, &request->proposal, ESP_SPI_SIZE, chosen),
                   proposal_policy_format(&request->proposal, offered));
    return CHILD_PROPOSAL_SETTINGS;
}

/* The selectors of a payload as text. */
static const char *payload_selectors(const struct ike_message *message, uint8_t type,
                                     char out[SELECTORS_TEXT_SIZE])
{
    struct selector_list list;
    if (selectors_read(ike_message_find(message, type), &list) > SELECTORS_NARROWED)
        return "nothing that is supported here";
    return selectors_format(&list, out);
}

static setting_set write_chosen_selectors(const struct ike_message *answer,
                                          const struct child_request *request, struct short_text *text)
{
    char chosen_local[SELECTORS_TEXT_SIZE];
    char chosen_remote[SELECTORS_TEXT_SIZE];
    char local[SELECTORS_TEXT_SIZE];
    char remote[SELECTORS_TEXT_SIZE];
    short_text_add(text, ": it chose local %s, remote %s; proposed local-ts %s, remote-ts %s",
                   payload_selectors(answer, PAYLOAD_TSI, chosen_local),
                   payload_selectors(answer, PAYLOAD_TSR, chosen_remote),
                   selectors_format(&request->local_ts, local),
                   selectors_format(&request->remote_ts, remote));
    return SELECTOR_SETTINGS;
}

void refusal_warn_answer(const struct ike_sa *sa, enum failure_kind kind, const struct ike_message *answer,
                         const struct child_request *request, enum child_fault fault)
{
    char at[TEXT_SIZE];
    struct short_text text = short_text_in(at, sizeof at);
    setting_set settings = PEER_SETTING;
    short_text_add(&text, "%s", child_fault_text(fault));
    if (fault == CHILD_PROPOSAL)
        settings = write_chosen_proposal(answer, request, &text);
    if (fault == CHILD_SELECTORS)
        settings = write_chosen_selectors(answer, request, &text);
    failure_warn(sa, kind, settings, "%s", at);
}

/* ---- We refuse: no common proposal ------------------------------------------------------------------- */

/*
 * The settings of the transform types in which the offer and what is accepted have nothing in common; if
 * there are none, of all types.
 */
static setting_set settings_without_match(const struct ike_payload *offer,
                                          const struct proposal_policy *accepted)
{
    static const struct {
        setting_set ike, child;
    } settings[] = {
        [TRANSFORM_ENCR] = {SETTING_BIT(SETTING_IKE_ENCRYPTION), SETTING_BIT(SETTING_CHILD_ENCRYPTION)},
        [TRANSFORM_PRF] = {SETTING_BIT(SETTING_IKE_PRF), 0},
        [TRANSFORM_INTEG] = {SETTING_BIT(SETTING_IKE_INTEGRITY), SETTING_BIT(SETTING_CHILD_INTEGRITY)},
        [TRANSFORM_KE] = {SETTING_BIT(SETTING_IKE_DH), SETTING_BIT(SETTING_CHILD_PFS)},
    };
    bool ike = accepted->protocol == PROTOCOL_IKE;
    unsigned gaps = proposal_gaps(offer, accepted);
    setting_set found = 0;
    for (unsigned type = TRANSFORM_ENCR; type <= TRANSFORM_KE; type++) {
        if ((gaps >> type & 1) != 0)
            found |= ike ? settings[type].ike : settings[type].child;
    }
    if (found != 0)
        return found;
    if (ike)
        return IKE_PROPOSAL_SETTINGS;
    return CHILD_PROPOSAL_SETTINGS | (accepted->dh_ignore ? 0 : SETTING_BIT(SETTING_CHILD_PFS));
}

/* What all candidates accept, taken together. */
static struct proposal_policy accepted_by_candidates(struct ike_engine *engine, const struct arrival *arrival)
{
    struct ike_algorithms all = {0};
    struct candidate_walk walk = candidates_begin(engine, arrival);
    const struct tunnel_group *group;
    while ((group = candidates_next(&walk)) != NULL) {
        all.encryption |= group->rule.ike.encryption;
        all.integrity |= group->rule.ike.integrity;
        all.prf |= group->rule.ike.prf;
        all.dh |= group->rule.ike.dh;
    }
    return proposal_policy_of_ike(&all);
}

void refusal_of_init(struct ike_engine *engine, const struct arrival *arrival,
                     const struct ike_payload *offer)
{
    const struct proposal_policy accepted = accepted_by_candidates(engine, arrival);
    char theirs[OFFER_TEXT_SIZE];
    char ours[POLICY_TEXT_SIZE];
    char remote[IP_TEXT_SIZE];
    failure_warn_arrival(engine, arrival, settings_without_match(offer, &accepted),
                         "no common IKE SA proposal with %s: the peer offers %s; accepted here %s",
                         ip_endpoint_format(arrival->remote, remote),
                         proposal_offer_format(offer, &accepted, 0, theirs),
                         proposal_policy_format(&accepted, ours));
}

void refusal_of_ike_rekey(struct ike_sa *sa, const struct ike_payload *offer,
                          const struct proposal_policy *accepted)
{
    char theirs[OFFER_TEXT_SIZE];
    char ours[POLICY_TEXT_SIZE];
    if (!failure_is_new(sa, FAILED_IKE_REKEY, 0, NOTIFY_NO_PROPOSAL_CHOSEN))
        return;
    failure_warn(sa, FAILED_IKE_REKEY, settings_without_match(offer, accepted),
                 "no common proposal: the peer offers %s; accepted here %s",
                 proposal_offer_format(offer, accepted, IKE_SPI_SIZE, theirs),
                 proposal_policy_format(accepted, ours));
}

static void refuse_child_proposal(const struct ike_sa *sa, enum failure_kind kind,
                                  const struct ike_payload *offer, const struct proposal_policy *accepted)
{
    char theirs[OFFER_TEXT_SIZE];
    char ours[POLICY_TEXT_SIZE];
    struct proposal_choice choice;
    if (proposal_choose(offer, accepted, ESP_SPI_SIZE, &choice) == PROPOSAL_CHOSEN) {
        failure_warn(sa, kind, PEER_SETTING, "the peer's SPI is 0x%08x, and SPIs below 0x%08x are reserved",
                     load_u32be(choice.spi.at), ESP_SPI_MIN);
        return;
    }
    failure_warn(sa, kind, settings_without_match(offer, accepted),
                 "no common Child SA proposal: the peer offers %s; accepted here %s",
                 proposal_offer_format(offer, accepted, ESP_SPI_SIZE, theirs),
                 proposal_policy_format(accepted, ours));
}

/* Our inbound SPI of the Child SA that a request is about; 0: none. */
static uint32_t child_of_request(const struct ike_sa *sa, const struct ike_message *request)
{
    const struct ike_payload *rekey = ike_message_notify(request, NOTIFY_REKEY_SA);
    if (rekey == NULL || rekey->spi.length != ESP_SPI_SIZE)
        return 0;
    const struct child_sa *child = child_sa_by_outbound(sa, load_u32be(rekey->spi.at));
    return child != NULL ? child->inbound.spi : 0;
}

void refusal_of_child(struct ike_sa *sa, enum failure_kind kind, const struct ike_message *request,
                      const struct proposal_policy *accepted, uint16_t notify)
{
    char number[NUMBER_TEXT_SIZE];
    if (!failure_is_new(sa, kind, child_of_request(sa, request), notify))
        return;
    switch (notify) {
    case NOTIFY_NO_PROPOSAL_CHOSEN:
        refuse_child_proposal(sa, kind, ike_message_find(request, PAYLOAD_SA), accepted);
        break;
    case NOTIFY_TS_UNACCEPTABLE:
        failure_warn(
            sa, kind, PEER_SETTING,
            "the peer proposes traffic selectors of unknown types alone, accepted here are ranges of "
            "IPv4 and IPv6");
        break;
    case NOTIFY_NO_ADDITIONAL_SAS:
        failure_warn(sa, kind, PEER_SETTING, "the tunnel has %d Child SAs already", CHILDREN_MAX);
        break;
    default:
        failure_warn(sa, kind, PEER_SETTING, "the peer's request is answered with %s",
                     notify_text(notify, number));
    }
}
