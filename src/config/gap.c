#include "config/gap.h"

#include <stdio.h>

void policy_note_gap(struct tunnel_policy *policy, enum policy_gap gap, uint32_t line)
{
    if (policy->gap != GAP_NONE)
        return;
    policy->gap = gap;
    policy->gap_line = line;
}

/* What stands behind the words. */
static const char *object_of(const struct tunnel_policy *policy, char id[IDENTITY_WORDS_SIZE])
{
    switch (policy->gap) {
    case GAP_REMOTE_KEY:
        return identity_words(&policy->remote_id, id);
    case GAP_LOCAL_KEY:
        return identity_words(&policy->local_id, id);
    case GAP_CACERT_NOT_IMPORTED:
        return policy->cacert;
    case GAP_MYCERT_NOT_IMPORTED:
    case GAP_MYCERT_WITHOUT_KEY:
        return policy->mycert;
    case GAP_OUTGOING_INTERFACE:
        return policy->out_interface;
    case GAP_SOURCE_INTERFACE:
        return policy->source_interface;
    default:
        return "";
    }
}

const char *near_key_text(uint32_t line, uint8_t type, const struct identity *id,
                          char out[NEAR_KEY_TEXT_SIZE])
{
    char place[32] = "the prompt";
    out[0] = '\0';
    if (line == 0)
        return out;
    if (line != POLICY_LINE_TYPED)
        (void)snprintf(place, sizeof place, "line %u", line);
    if (type == id->type)
        (void)snprintf(out, NEAR_KEY_TEXT_SIZE,
                       "; that of %s is `key secret`, which only the router can read", place);
    else
        (void)snprintf(out, NEAR_KEY_TEXT_SIZE, "; that of %s is for the type %s", place,
                       identity_type_word(type));
    return out;
}

const char *policy_gap_text(const struct tunnel_policy *policy, char out[POLICY_GAP_TEXT_SIZE])
{
    static const char *const words[GAP_COUNT] = {
        [GAP_NONE] = "",
        [GAP_MODE_AND_PEER] = "neither `tunnel mode ipsec-ikev2` nor `ikev2 peer`",
        [GAP_MODE] = "no `tunnel mode ipsec-ikev2`",
        [GAP_PEER] = "no `ikev2 peer`",
        [GAP_OTHER_MODE] = "its tunnel mode is not supported",
        [GAP_PROFILE] = "the profile of `ikev2 binding` is not defined",
        [GAP_REMOTE_KEY] = "no key for the peer's ID, ",
        [GAP_LOCAL_KEY] = "no key for this device's ID, ",
        [GAP_ID_OF_CERTIFICATE] = "an ID of type dn is for certificates",
        [GAP_CACERT] = "no `cert cacert`",
        [GAP_CACERT_NOT_IMPORTED] = "no imported certificate ",
        [GAP_MYCERT] = "no `cert mycert`",
        [GAP_MYCERT_NOT_IMPORTED] = "no imported certificate ",
        [GAP_MYCERT_WITHOUT_KEY] = "no private key of the certificate ",
        [GAP_TRANSPORT_MODE] = "transport mode is not supported yet",
        [GAP_SELECTORS] = "more selectors of one side than are supported",
        [GAP_OUTGOING_INTERFACE] = "no interface ",
        [GAP_SOURCE_INTERFACE] = "no interface ",
        [GAP_UNNUMBERED] = "the interface of `ip unnumbered` is not defined",
    };
    char id[IDENTITY_WORDS_SIZE];
    char near[NEAR_KEY_TEXT_SIZE];
    const struct identity *of_key = policy->gap == GAP_LOCAL_KEY ? &policy->local_id : &policy->remote_id;
    (void)snprintf(out, POLICY_GAP_TEXT_SIZE, "%s%s%s", words[policy->gap], object_of(policy, id),
                   near_key_text(policy->near_key_line, policy->near_key_type, of_key, near));
    return out;
}
