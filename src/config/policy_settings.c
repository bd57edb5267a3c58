#include "config/policy_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/identity.h"
#include "crypto/key_exchange.h"

/* Reads one setting into the policy. */
typedef void read_setting(const struct setting *setting, struct tunnel_policy *policy);

static size_t encryption_index(const char *word)
{
    return (size_t)(encryption_by_word(word) - encryption_algorithms);
}

static size_t integrity_index(const char *word)
{
    return (size_t)(integrity_by_word(word) - integrity_algorithms);
}

static size_t prf_index(const char *word)
{
    return (size_t)(prf_by_word(word) - prf_algorithms);
}

static size_t group_index(const char *word)
{
    return (size_t)(key_exchange_by_word(word) - key_exchange_methods);
}

/* The rows of one of the tables of transforms that the words given for `label` name. */
static algorithm_set read_set(const struct setting *setting, const char *label, size_t (*index)(const char *))
{
    algorithm_set set = 0;
    size_t from = 0;
    const char *word;
    while ((word = line_next_argument(&setting->line, label, &from)) != NULL)
        set |= UINT32_C(1) << index(word);
    return set;
}

static void read_sa_enc(const struct setting *s, struct tunnel_policy *p)
{
    p->ike.encryption = read_set(s, "algorithm", encryption_index);
}

static void read_sa_integrity(const struct setting *s, struct tunnel_policy *p)
{
    p->ike.integrity = read_set(s, "algorithm", integrity_index);
}

static void read_sa_prf(const struct setting *s, struct tunnel_policy *p)
{
    p->ike.prf = read_set(s, "algorithm", prf_index);
}

static void read_sa_dh(const struct setting *s, struct tunnel_policy *p)
{
    p->ike.dh = read_set(s, "group", group_index);
}

static void read_child_enc(const struct setting *s, struct tunnel_policy *p)
{
    p->child.encryption = read_set(s, "algorithm", encryption_index);
}

static void read_child_integrity(const struct setting *s, struct tunnel_policy *p)
{
    p->child.integrity = read_set(s, "algorithm", integrity_index);
}

static void read_child_pfs(const struct setting *s, struct tunnel_policy *p)
{
    p->child.pfs = read_set(s, "group", group_index);
    p->child.pfs_none = line_has(&s->line, "off");
}

static void read_sa_lifetime(const struct setting *s, struct tunnel_policy *p)
{
    (void)line_number(&s->line, "seconds", &p->sa_lifetime);
}

static void read_child_lifetime(const struct setting *s, struct tunnel_policy *p)
{
    (void)line_number(&s->line, "seconds", &p->child_lifetime);
}

static void read_dpd(const struct setting *s, struct tunnel_policy *p)
{
    if (!line_number(&s->line, "seconds", &p->dpd_interval))
        p->dpd_interval = 0;
}

static void read_anti_replay(const struct setting *s, struct tunnel_policy *p)
{
    p->anti_replay = line_has(&s->line, "on");
}

static void read_connect_type(const struct setting *s, struct tunnel_policy *p)
{
    p->connect_type = line_has(&s->line, "auto") ? CONNECT_AUTO : CONNECT_TRIGGER;
}

static void read_direction(const struct setting *s, struct tunnel_policy *p)
{
    p->direction = line_has(&s->line, "initiator")   ? NEGOTIATE_INITIATOR
                   : line_has(&s->line, "responder") ? NEGOTIATE_RESPONDER
                                                     : NEGOTIATE_BOTH;
}

static void read_outgoing_interface(const struct setting *s, struct tunnel_policy *p)
{
    const char *name = line_argument(&s->line, "interface");
    if (name == NULL)
        return;
    (void)snprintf(p->out_interface, sizeof p->out_interface, "%s", name);
    p->outgoing = line_address(&s->line, "next-hop", &p->out_next_hop) ? OUTGOING_NEXT_HOP
                  : line_has(&s->line, "auto")                         ? OUTGOING_AUTO
                                                                       : OUTGOING_INTERFACE;
}

static void read_source_address(const struct setting *s, struct tunnel_policy *p)
{
    const char *name = line_argument(&s->line, "interface");
    if (name != NULL) {
        (void)snprintf(p->source_interface, sizeof p->source_interface, "%s", name);
        p->source_kind = SOURCE_INTERFACE;
    } else if (line_address(&s->line, "address", &p->source_address)) {
        p->source_kind = SOURCE_ADDRESS;
    }
}

/* Reads LOWEST-HIGHEST, which value.c has checked. */
static void read_range(const char *word, struct policy_selector *out)
{
    char first[IP_TEXT_SIZE];
    size_t length = strcspn(word, "-");
    memcpy(first, word, length);
    first[length] = '\0';
    (void)ip_address_parse(first, &out->first);
    (void)ip_address_parse(word + length + 1, &out->last);
}

static struct policy_selector read_selector(const struct command_line *line)
{
    struct policy_selector selector = {.last_port = UINT16_MAX};
    const char *addresses = line_argument(line, "addresses");
    struct ip_prefix prefix;
    if (line_prefix(line, "addresses", &prefix)) {
        selector.first = ip_prefix_first(&prefix);
        selector.last = ip_prefix_last(&prefix);
    } else if (addresses != NULL) {
        read_range(addresses, &selector);
    }
    uint32_t protocol = 0;
    (void)line_number(line, "protocol", &protocol);
    selector.protocol = (uint8_t)protocol;
    const char *ports = line_argument(line, "ports");
    if (ports != NULL) {
        char *dash;
        selector.first_port = (uint16_t)strtoul(ports, &dash, 10);
        selector.last_port = *dash == '-' ? (uint16_t)strtoul(dash + 1, NULL, 10) : selector.first_port;
    }
    return selector;
}

/* Reads all lines of the level. A plain `any` among them covers everything: then the list stays empty. */
static uint8_t read_selectors(const struct setting *s, struct policy_selector *out)
{
    uint8_t count = 0;
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct policy_selector selector = read_selector(&s->line);
        bool all = selector.first.family == IP_NONE && selector.protocol == 0 && selector.first_port == 0 &&
                   selector.last_port == UINT16_MAX;
        if (all)
            return 0;
        if (count < POLICY_SELECTORS_MAX)
            out[count++] = selector;
    }
    return count;
}

static void read_local_ts(const struct setting *s, struct tunnel_policy *p)
{
    p->local_ts_count = read_selectors(s, p->local_ts);
}

static void read_remote_ts(const struct setting *s, struct tunnel_policy *p)
{
    p->remote_ts_count = read_selectors(s, p->remote_ts);
}

static void read_nat_traversal(const struct setting *s, struct tunnel_policy *p)
{
    p->nat_traversal = !line_has(&s->line, "off");
    p->nat_force = line_has(&s->line, "force");
    (void)line_number(&s->line, "seconds", &p->nat_keepalive);
}

static bool is_on(const struct setting *s)
{
    return !line_has(&s->line, "off");
}

static void read_suppress_delete(const struct setting *s, struct tunnel_policy *p)
{
    p->suppress_delete = is_on(s);
}

static void read_suppress_rekey(const struct setting *s, struct tunnel_policy *p)
{
    p->suppress_rekey = is_on(s);
}

static void read_mtu_ignore(const struct setting *s, struct tunnel_policy *p)
{
    p->mtu_ignore = is_on(s);
}

static void read_pre_fragment(const struct setting *s, struct tunnel_policy *p)
{
    p->pre_fragment = is_on(s);
}

static void read_cacert(const struct setting *s, struct tunnel_policy *p)
{
    (void)snprintf(p->cacert, sizeof p->cacert, "%s", line_argument(&s->line, "certificate"));
}

static void read_mycert(const struct setting *s, struct tunnel_policy *p)
{
    (void)snprintf(p->mycert, sizeof p->mycert, "%s", line_argument(&s->line, "certificate"));
}

static void read_weak_allowed(const struct setting *s, struct tunnel_policy *p)
{
    p->weak_certificates = is_on(s);
}

/* For a setting of which only the line is recorded; survey.c or read_ends reads the rest. */
static void read_nothing(const struct setting *s, struct tunnel_policy *p)
{
    (void)s, (void)p;
}

static const struct {
    enum command_id command;
    enum policy_setting setting;
    read_setting *read;
} readers[] = {
    {COMMAND_SA_PROPOSAL_ENC, SETTING_IKE_ENCRYPTION, read_sa_enc},
    {COMMAND_SA_PROPOSAL_INTEGRITY, SETTING_IKE_INTEGRITY, read_sa_integrity},
    {COMMAND_SA_PROPOSAL_PRF, SETTING_IKE_PRF, read_sa_prf},
    {COMMAND_SA_PROPOSAL_DH, SETTING_IKE_DH, read_sa_dh},
    {COMMAND_CHILD_PROPOSAL_ENC, SETTING_CHILD_ENCRYPTION, read_child_enc},
    {COMMAND_CHILD_PROPOSAL_INTEGRITY, SETTING_CHILD_INTEGRITY, read_child_integrity},
    {COMMAND_CHILD_PFS, SETTING_CHILD_PFS, read_child_pfs},
    {COMMAND_SA_LIFETIME, SETTING_SA_LIFETIME, read_sa_lifetime},
    {COMMAND_CHILD_LIFETIME, SETTING_CHILD_LIFETIME, read_child_lifetime},
    {COMMAND_DPD, SETTING_DPD, read_dpd},
    {COMMAND_ANTI_REPLAY, SETTING_ANTI_REPLAY, read_anti_replay},
    {COMMAND_CONNECT_TYPE, SETTING_CONNECT_TYPE, read_connect_type},
    {COMMAND_NEGOTIATION_DIRECTION, SETTING_DIRECTION, read_direction},
    {COMMAND_LOCAL_AUTHENTICATION, SETTING_LOCAL_AUTHENTICATION, read_nothing},
    {COMMAND_OUTGOING_INTERFACE, SETTING_OUTGOING_INTERFACE, read_outgoing_interface},
    {COMMAND_SOURCE_ADDRESS, SETTING_SOURCE_ADDRESS, read_source_address},
    {COMMAND_LOCAL_TS, SETTING_LOCAL_TS, read_local_ts},
    {COMMAND_REMOTE_TS, SETTING_REMOTE_TS, read_remote_ts},
    {COMMAND_NAT_TRAVERSAL, SETTING_NAT_TRAVERSAL, read_nat_traversal},
    {COMMAND_SUPPRESS_SEND_DELETE, SETTING_SUPPRESS_DELETE, read_suppress_delete},
    {COMMAND_SUPPRESS_SEND_REKEY, SETTING_SUPPRESS_REKEY, read_suppress_rekey},
    {COMMAND_IPSEC_MTU_IGNORE, SETTING_MTU_IGNORE, read_mtu_ignore},
    {COMMAND_IPSEC_PRE_FRAGMENT, SETTING_PRE_FRAGMENT, read_pre_fragment},
    {COMMAND_IPSEC_MODE, SETTING_IPSEC_MODE, read_nothing},
    {COMMAND_CERT_CACERT, SETTING_CERT_CACERT, read_cacert},
    {COMMAND_CERT_MYCERT, SETTING_CERT_MYCERT, read_mycert},
    {COMMAND_CERT_WEAK_ALLOWED, SETTING_CERT_WEAK, read_weak_allowed},
};

static void read_levels(const struct policy_levels *levels, struct tunnel_policy *policy)
{
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        const struct setting *s = levels_find(levels, readers[i].command);
        if (s == NULL)
            continue;
        readers[i].read(s, policy);
        policy->line[readers[i].setting] = s->source.line;
    }
}

static void read_peer(const struct command_line *line, struct tunnel_policy *policy)
{
    const char *fqdn = line_argument(line, "fqdn");
    if (fqdn == NULL)
        fqdn = line_argument(line, "host");
    policy->peer_kind = PEER_ANY;
    if (fqdn != NULL) {
        policy->peer_kind = PEER_FQDN;
        (void)snprintf(policy->peer_fqdn, sizeof policy->peer_fqdn, "%s", fqdn);
    } else if (line_address(line, "address", &policy->peer_address)) {
        policy->peer_kind = PEER_ADDRESS;
    }
    policy->peer_family = line_has(line, "peer-fqdn-ipv4")   ? IP_V4
                          : line_has(line, "peer-fqdn-ipv6") ? IP_V6
                                                             : IP_NONE;
    policy->remote_auth = line_has(line, "rsa") ? AUTH_KIND_RSA : AUTH_KIND_PSK;
    if (identity_of_line(line, &policy->remote_id))
        return;
    if (policy->peer_kind == PEER_FQDN)
        policy->remote_id = identity_of_fqdn(policy->peer_fqdn);
    else if (policy->peer_kind == PEER_ADDRESS)
        policy->remote_id = identity_of_address(&policy->peer_address);
}

static void read_ends(const struct policy_levels *levels, const struct key_table *keys,
                      struct tunnel_policy *policy)
{
    const struct setting *peer = section_setting(levels->section[0], COMMAND_IKEV2_PEER);
    if (peer != NULL) {
        read_peer(&peer->line, policy);
        policy->line[SETTING_PEER] = peer->source.line;
    }
    if (policy->remote_auth == AUTH_KIND_PSK)
        policy->remote_key = key_table_find(keys, &policy->remote_id);
    policy->line[SETTING_REMOTE_KEY] = key_table_line(keys, policy->remote_key);

    const struct setting *local = levels_find(levels, COMMAND_LOCAL_AUTHENTICATION);
    if (local == NULL)
        return;
    policy->local_auth = line_has(&local->line, "rsa") ? AUTH_KIND_RSA : AUTH_KIND_PSK;
    (void)identity_of_line(&local->line, &policy->local_id);
    if (policy->local_auth == AUTH_KIND_PSK)
        policy->local_key = key_table_find(keys, &policy->local_id);
    policy->line[SETTING_LOCAL_KEY] = key_table_line(keys, policy->local_key);
}

void policy_settings_read(const struct policy_levels *levels, const struct key_table *keys,
                          struct tunnel_policy *policy)
{
    read_levels(levels, policy);
    read_ends(levels, keys, policy);
}
