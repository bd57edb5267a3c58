#include "config/resolve_peer.h"

#include <stdio.h>

#include "config/identity.h"

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

void resolve_peer(const struct policy_levels *levels, const struct key_table *keys,
                  struct tunnel_policy *policy)
{
    const struct setting *peer = section_setting(levels->section[0], COMMAND_IKEV2_PEER);
    if (peer != NULL) {
        read_peer(&peer->line, policy);
        policy->line[SETTING_PEER] = peer->source.line;
    }
    if (policy->remote_auth == AUTH_KIND_PSK)
        policy->remote_key = key_table_find(keys, &policy->remote_id);

    const struct setting *local = levels_find(levels, COMMAND_LOCAL_AUTHENTICATION);
    if (local == NULL)
        return;
    policy->local_auth = line_has(&local->line, "rsa") ? AUTH_KIND_RSA : AUTH_KIND_PSK;
    (void)identity_of_line(&local->line, &policy->local_id);
    if (policy->local_auth == AUTH_KIND_PSK)
        policy->local_key = key_table_find(keys, &policy->local_id);
}
