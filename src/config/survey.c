#include "config/survey.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/access_list.h"
#include "config/gap.h"

/* Seconds before the end of a lifetime at which an SA is rekeyed (R60). */
enum { SA_MARGIN = 30, CHILD_MARGIN = 60 };

bool survey_warn(const struct survey *survey, const struct setting *setting, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    diagnostics_warn_at(survey->diagnostics, setting->source.line, setting->source.column, "%s",
                        text == NULL ? "out of memory" : text);
    free(text);
    return false;
}

/* Notes that a tunnel lacks something. Always returns false. */
static bool lacks(struct tunnel_policy *policy, enum policy_gap gap, const struct setting *seen_at)
{
    policy_note_gap(policy, gap, seen_at->source.line);
    return false;
}

bool survey_interface_known(const struct survey *survey, const char *name)
{
    if (config_section(survey->config, COMMAND_INTERFACE, name) != NULL)
        return true;
    const struct resolve_surroundings *around = survey->surroundings;
    if (around != NULL && around->interface_known != NULL && around->interface_known(around->context, name))
        return true;
    struct interface_name parsed;
    char device[INTERFACE_NAME_SIZE];
    if (config_section(survey->config, COMMAND_DEVICE, name) != NULL)
        return true;
    if (interface_name_parse(name, &parsed, NULL) != VALUE_FITS || parsed.kind != INTERFACE_GIGA_ETHERNET ||
        parsed.sub_number != 0)
        return false;
    parsed.has_sub_number = false;
    return config_section(survey->config, COMMAND_DEVICE, device_name_format(&parsed, device)) != NULL;
}

static void check_interface(const struct survey *survey, const struct section *section, enum command_id id)
{
    const struct setting *s = section_setting(section, id);
    const char *name = s == NULL ? NULL : line_argument(&s->line, "interface");
    if (name != NULL && !survey_interface_known(survey, name))
        (void)survey_warn(survey, s, "%s is not defined: tunnels that use it stay down", name);
}

static void check_lifetime(const struct survey *survey, const struct section *section, enum command_id id,
                           uint32_t margin)
{
    const struct setting *s = section_setting(section, id);
    uint32_t seconds;
    if (s != NULL && line_number(&s->line, "seconds", &seconds) && seconds <= margin)
        (void)survey_warn(survey, s,
                          "SAs are rekeyed %u s before the end of their lifetime; with a lifetime of %u s, "
                          "after half of it",
                          margin, seconds);
}

static void check_nat_traversal(const struct survey *survey, const struct section *section)
{
    const struct setting *s = section_setting(section, COMMAND_NAT_TRAVERSAL);
    if (s != NULL && !line_has(&s->line, "off") && !line_has(&s->line, "keepalive"))
        (void)survey_warn(survey, s, "nat-traversal without keepalive: a keepalive is sent every 20 s");
}

/* True if a selector may name ports of the protocol, or types of its messages (RFC 4301 4.4.1.1). */
static bool can_be_selected_by_port(uint32_t protocol)
{
    enum { PROTOCOL_MOBILITY = 135 };
    return protocol_has_ports((int)protocol) || protocol == 0 || protocol == IP_PROTOCOL_ICMP ||
           protocol == IP_PROTOCOL_ICMPV6 || protocol == PROTOCOL_MOBILITY;
}

static void check_selectors(const struct survey *survey, const struct section *section, enum command_id id)
{
    size_t count = 0;
    for (const struct setting *s = section_setting(section, id); s != NULL; s = setting_next_of_row(s)) {
        uint32_t protocol;
        if (line_has(&s->line, "port") && line_number(&s->line, "protocol", &protocol) &&
            !can_be_selected_by_port(protocol))
            (void)survey_warn(survey, s, "this protocol has no ports: the selector holds no packet");
        if (++count == POLICY_SELECTORS_MAX + 1)
            (void)survey_warn(survey, s,
                              "more than %d selectors of one side: tunnels that use them stay down",
                              POLICY_SELECTORS_MAX);
    }
}

static bool is_transport_mode(const struct setting *mode)
{
    return mode != NULL && line_has(&mode->line, "transport");
}

static void check_mode(const struct survey *survey, const struct section *section)
{
    const struct setting *s = section_setting(section, COMMAND_IPSEC_MODE);
    if (is_transport_mode(s))
        (void)survey_warn(survey, s, "transport mode is not supported yet: tunnels that use it stay down");
}

static void survey_policy(const struct survey *survey, const struct section *section)
{
    check_interface(survey, section, COMMAND_OUTGOING_INTERFACE);
    check_interface(survey, section, COMMAND_SOURCE_ADDRESS);
    check_lifetime(survey, section, COMMAND_SA_LIFETIME, SA_MARGIN);
    check_lifetime(survey, section, COMMAND_CHILD_LIFETIME, CHILD_MARGIN);
    check_nat_traversal(survey, section);
    check_selectors(survey, section, COMMAND_LOCAL_TS);
    check_selectors(survey, section, COMMAND_REMOTE_TS);
    check_mode(survey, section);
}

void survey_policy_sections(const struct survey *survey)
{
    const struct section *global = config_global(survey->config);
    for (const struct setting *s = global->first; s != NULL; s = s->next) {
        if (s->under != NULL && (s->under->mode & (unsigned)MODE_POLICY) != 0)
            survey_policy(survey, s->under);
    }
}

/* True if the interface that a setting refers to is defined, or it refers to none. survey_policy has warned
 * if not. */
static bool reference_holds(const struct survey *survey, const struct setting *s)
{
    const char *name = s == NULL ? NULL : line_argument(&s->line, "interface");
    return name == NULL || survey_interface_known(survey, name);
}

static void warn_of_tunnel_mode(const struct survey *survey, const struct setting *mode, const char *name)
{
    struct words words;
    words_split(mode->foreign, mode->foreign_length, &words);
    if (words.count == 3 && strcasecmp(words.word[2].text, "ipsec") == 0)
        (void)survey_warn(
            survey, mode,
            "`tunnel mode ipsec` is IKEv1, which Musubi does not speak: %s stays down; IKEv2 is "
            "`tunnel mode ipsec-ikev2`",
            name);
    else
        (void)survey_warn(survey, mode, "this tunnel mode is not supported: %s stays down", name);
}

/* R51: both commands are needed. */
static bool has_mode_and_peer(const struct survey *survey, const struct section *tunnel,
                              struct tunnel_policy *policy)
{
    const struct setting *mode = section_setting(tunnel, COMMAND_TUNNEL_MODE);
    const struct setting *peer = section_setting(tunnel, COMMAND_IKEV2_PEER);
    const char *name = policy->name;
    if (tunnel->foreign_value != NULL) {
        warn_of_tunnel_mode(survey, tunnel->foreign_value, name);
        return lacks(policy, GAP_OTHER_MODE, tunnel->foreign_value);
    }
    if (mode == NULL && peer == NULL) {
        (void)survey_warn(survey, tunnel->header,
                          "%s has neither `tunnel mode ipsec-ikev2` nor `ikev2 peer`: it stays down", name);
        return lacks(policy, GAP_MODE_AND_PEER, tunnel->header);
    }
    if (mode == NULL) {
        (void)survey_warn(survey, tunnel->header, "%s has no `tunnel mode ipsec-ikev2`: it stays down", name);
        return lacks(policy, GAP_MODE, tunnel->header);
    }
    if (peer == NULL) {
        (void)survey_warn(survey, tunnel->header, "%s has no `ikev2 peer`: it stays down", name);
        return lacks(policy, GAP_PEER, tunnel->header);
    }
    return true;
}

static bool has_profile(const struct survey *survey, const struct policy_levels *levels,
                        struct tunnel_policy *policy)
{
    const struct setting *binding = section_setting(levels->section[0], COMMAND_IKEV2_BINDING);
    if (binding == NULL || levels->section[1] != NULL)
        return true;
    (void)survey_warn(survey, binding, "profile `%s` is not defined: %s stays down",
                      line_argument(&binding->line, "profile"), policy->name);
    return lacks(policy, GAP_PROFILE, binding);
}

/* S3: IDs of type dn come with certificates. */
static bool has_usable_id(const struct survey *survey, const struct setting *s, const struct identity *id,
                          struct tunnel_policy *policy)
{
    if (id->type != ID_DER_ASN1_DN)
        return true;
    (void)survey_warn(survey, s, "an ID of type dn is for certificates: %s stays down", policy->name);
    return lacks(policy, GAP_ID_OF_CERTIFICATE, s);
}

static enum certificate_state certificate_state(const struct survey *survey, const char *name)
{
    const struct resolve_surroundings *around = survey->surroundings;
    return around == NULL || around->certificate == NULL ? CERTIFICATE_THERE
                                                         : around->certificate(around->store, name);
}

/* R90, R92: the CA certificate by which the peer is authenticated. */
static bool has_cacert(const struct survey *survey, const struct policy_levels *levels,
                       const struct setting *peer, struct tunnel_policy *policy)
{
    const struct setting *cacert = levels_find(levels, COMMAND_CERT_CACERT);
    if (cacert == NULL) {
        (void)survey_warn(
            survey, peer,
            "the peer authenticates itself by certificate, and there is no `cert cacert`: %s stays down",
            policy->name);
        return lacks(policy, GAP_CACERT, peer);
    }
    if (certificate_state(survey, policy->cacert) != CERTIFICATE_MISSING)
        return true;
    (void)survey_warn(survey, cacert, "no certificate `%s` has been imported: %s stays down", policy->cacert,
                      policy->name);
    return lacks(policy, GAP_CACERT_NOT_IMPORTED, cacert);
}

/* The certificate is there; the peer may refuse it all the same. */
static void look_at_mycert(const struct survey *survey, const struct setting *mycert,
                           const struct setting *local, const struct tunnel_policy *policy)
{
    const struct resolve_surroundings *around = survey->surroundings;
    struct pki_reason trouble;
    if (around == NULL || around->own_certificate_trouble == NULL ||
        !around->own_certificate_trouble(around->store, policy->mycert, &policy->local_id, &trouble))
        return;
    if (local->source.line == POLICY_LINE_TYPED)
        (void)survey_warn(
            survey, mycert,
            "peers will refuse `%s` as the certificate of %s: %s; the ID was typed at the prompt",
            policy->mycert, policy->name, trouble.text);
    else if (local->source.line != 0)
        (void)survey_warn(survey, mycert,
                          "peers will refuse `%s` as the certificate of %s: %s; the ID is in line %u",
                          policy->mycert, policy->name, trouble.text, local->source.line);
    else
        (void)survey_warn(survey, mycert, "peers will refuse `%s` as the certificate of %s: %s",
                          policy->mycert, policy->name, trouble.text);
}

/* R90, R92: the certificate by which this device authenticates itself, and its key. */
static bool has_mycert(const struct survey *survey, const struct policy_levels *levels,
                       const struct setting *local, struct tunnel_policy *policy)
{
    const struct setting *mycert = levels_find(levels, COMMAND_CERT_MYCERT);
    if (mycert == NULL) {
        (void)survey_warn(
            survey, local,
            "this device authenticates itself by certificate, and there is no `cert mycert`: %s stays down",
            policy->name);
        return lacks(policy, GAP_MYCERT, local);
    }
    switch (certificate_state(survey, policy->mycert)) {
    case CERTIFICATE_MISSING:
        (void)survey_warn(survey, mycert, "no certificate `%s` has been imported: %s stays down",
                          policy->mycert, policy->name);
        return lacks(policy, GAP_MYCERT_NOT_IMPORTED, mycert);
    case CERTIFICATE_WITHOUT_KEY:
        (void)survey_warn(survey, mycert, "the certificate `%s` has no private key: %s stays down",
                          policy->mycert, policy->name);
        return lacks(policy, GAP_MYCERT_WITHOUT_KEY, mycert);
    default:
        look_at_mycert(survey, mycert, local, policy);
        return true;
    }
}

/* The key that is probably meant where that of an ID is missing: one that only the router can read, or one
 * for the same word as another type of ID. NULL if there is none. */
static const struct setting *near_key(const struct survey *survey, const struct identity *id, uint8_t *type)
{
    enum { LINES_MAX = 1000 }; /* so that a long config without keys takes no longer than others */
    const struct setting *s = section_setting(config_global(survey->config), COMMAND_IKEV2_AUTHENTICATION);
    char words[IDENTITY_WORDS_SIZE];
    const char *value = strchr(identity_words(id, words), ' ');
    for (unsigned i = 0; value != NULL && s != NULL && i < LINES_MAX; s = setting_next_of_row(s), i++) {
        const char *other = line_argument(&s->line, "id");
        struct identity of_key;
        if (other == NULL || strcmp(other, value + 1) != 0 || !identity_of_line(&s->line, &of_key))
            continue;
        *type = of_key.type;
        return s;
    }
    return NULL;
}

/* The key of an ID, which is `whose`, is missing. Returns false. */
static bool lacks_key(const struct survey *survey, const struct setting *seen_at, const struct identity *id,
                      const char *whose, enum policy_gap gap, struct tunnel_policy *policy)
{
    uint8_t type = ID_NONE;
    const struct setting *near = near_key(survey, id, &type);
    uint32_t line = near != NULL ? near->source.line : 0;
    char words[IDENTITY_WORDS_SIZE];
    char text[NEAR_KEY_TEXT_SIZE];
    (void)survey_warn(survey, seen_at, "there is no key for %s ID, %s%s: %s stays down", whose,
                      identity_words(id, words), near_key_text(line, type, id, text), policy->name);
    if (policy->gap == GAP_NONE) {
        policy->near_key_line = line;
        policy->near_key_type = type;
    }
    return lacks(policy, gap, seen_at);
}

static bool has_remote_key(const struct survey *survey, const struct policy_levels *levels,
                           const struct setting *peer, struct tunnel_policy *policy)
{
    if (policy->remote_auth == AUTH_KIND_RSA)
        return has_cacert(survey, levels, peer, policy);
    if (policy->remote_key != 0)
        return has_usable_id(survey, peer, &policy->remote_id, policy);
    return lacks_key(survey, peer, &policy->remote_id, "the peer's", GAP_REMOTE_KEY, policy);
}

/* S17: without local-authentication the source address is the ID, and its key or the peer's serves. */
static bool has_local_key(const struct survey *survey, const struct policy_levels *levels,
                          struct tunnel_policy *policy)
{
    const struct setting *local = levels_find(levels, COMMAND_LOCAL_AUTHENTICATION);
    if (local == NULL)
        return true;
    if (policy->local_auth == AUTH_KIND_RSA)
        return has_mycert(survey, levels, local, policy);
    if (policy->local_key != 0)
        return has_usable_id(survey, local, &policy->local_id, policy);
    return lacks_key(survey, local, &policy->local_id, "this device's", GAP_LOCAL_KEY, policy);
}

static bool has_tunnel_mode(const struct policy_levels *levels, struct tunnel_policy *policy)
{
    const struct setting *mode = levels_find(levels, COMMAND_IPSEC_MODE);
    return !is_transport_mode(mode) || lacks(policy, GAP_TRANSPORT_MODE, mode);
}

static size_t count_of_row(const struct setting *s)
{
    size_t count = 0;
    for (; s != NULL; s = setting_next_of_row(s))
        count++;
    return count;
}

static bool selectors_fit(const struct policy_levels *levels, enum command_id id,
                          struct tunnel_policy *policy)
{
    const struct setting *first = levels_find(levels, id);
    return count_of_row(first) <= POLICY_SELECTORS_MAX || lacks(policy, GAP_SELECTORS, first);
}

/* survey_policy has warned if not. */
static bool names_an_interface(const struct survey *survey, const struct policy_levels *levels,
                               enum command_id id, enum policy_gap gap, struct tunnel_policy *policy)
{
    const struct setting *s = levels_find(levels, id);
    return reference_holds(survey, s) || lacks(policy, gap, s);
}

static bool unnumbered_holds(const struct survey *survey, const struct section *tunnel, enum command_id id,
                             struct tunnel_policy *policy)
{
    const struct setting *s = section_setting(tunnel, id);
    if (reference_holds(survey, s))
        return true;
    (void)survey_warn(survey, s, "%s is not defined: %s stays down", line_argument(&s->line, "interface"),
                      policy->name);
    return lacks(policy, GAP_UNNUMBERED, s);
}

/* Warns about a source address or next hop of another family than the peer's address. */
static void check_family(const struct survey *survey, const struct setting *s,
                         const struct ip_address *address, const struct tunnel_policy *policy)
{
    enum ip_family peer =
        policy->peer_kind == PEER_ADDRESS ? policy->peer_address.family : policy->peer_family;
    if (s != NULL && address->family != IP_NONE && peer != IP_NONE && address->family != peer)
        (void)survey_warn(survey, s, "this address can't be used with the peer of %s, whose address is IPv%d",
                          policy->name, (int)peer);
}

/* Warns about settings that work, but perhaps not as intended. */
static void check_contradictions(const struct survey *survey, const struct policy_levels *levels,
                                 const struct tunnel_policy *policy)
{
    const struct setting *s = levels_find(levels, COMMAND_SUPPRESS_SEND_DELETE);
    if (policy->suppress_delete && !policy->suppress_rekey)
        (void)survey_warn(
            survey, s,
            "`suppress send-delete` without `suppress send-rekey`: rekeying will fail and the traffic "
            "of %s will stop",
            policy->name);
    check_family(survey, levels_find(levels, COMMAND_OUTGOING_INTERFACE), &policy->out_next_hop, policy);
    check_family(survey, levels_find(levels, COMMAND_SOURCE_ADDRESS), &policy->source_address, policy);
    if (policy->peer_kind != PEER_ANY)
        return;
    s = levels_find(levels, COMMAND_NEGOTIATION_DIRECTION);
    if (policy->direction == NEGOTIATE_INITIATOR)
        (void)survey_warn(survey, s, "%s never comes up: with `peer any` only the peer can start",
                          policy->name);
}

void survey_tunnel(const struct survey *survey, const struct policy_levels *levels,
                   struct tunnel_policy *policy)
{
    const struct section *tunnel = levels->section[0];
    const struct setting *peer = section_setting(tunnel, COMMAND_IKEV2_PEER);
    /* Make all checks, so that the operator sees all warnings at once. */
    policy->defined = has_mode_and_peer(survey, tunnel, policy);
    bool complete = policy->defined;
    complete &= has_profile(survey, levels, policy);
    if (peer != NULL) {
        complete &= has_remote_key(survey, levels, peer, policy);
        complete &= has_local_key(survey, levels, policy);
    }
    complete &= has_tunnel_mode(levels, policy);
    complete &= selectors_fit(levels, COMMAND_LOCAL_TS, policy);
    complete &= selectors_fit(levels, COMMAND_REMOTE_TS, policy);
    complete &=
        names_an_interface(survey, levels, COMMAND_OUTGOING_INTERFACE, GAP_OUTGOING_INTERFACE, policy);
    complete &= names_an_interface(survey, levels, COMMAND_SOURCE_ADDRESS, GAP_SOURCE_INTERFACE, policy);
    complete &= unnumbered_holds(survey, tunnel, COMMAND_IP_UNNUMBERED, policy);
    complete &= unnumbered_holds(survey, tunnel, COMMAND_IPV6_UNNUMBERED, policy);
    check_contradictions(survey, levels, policy);
    policy->complete = complete;
}
