/*
 * Configures gateways with the text of a running-config, which it reads as musubid does.
 */
#include "config/diagnostic.h"
#include "config/parse.h"
#include "config/resolve.h"
#include "sim/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool every_interface_is_there(void *context, const char *name)
{
    (void)context;
    (void)name;
    return true;
}

static void set_tunnel(struct gateway *g, const struct key_table *keys, const struct tunnel_policy *policy)
{
    key_number of_us = policy->local_id.type != ID_NONE
                           ? policy->local_key
                           : key_table_local(keys, &g->address, policy->remote_key);
    const struct sim_tunnel *t = gateway_tunnel(g, policy->tunnel);
    bool same = t != NULL && t->present && memcmp(&t->policy, policy, sizeof *policy) == 0;
    if (same)
        return;
    gateway_set_tunnel_with_keys(g, policy, key_table_secret(keys, of_us),
                                 key_table_secret(keys, policy->remote_key));
    if (policy->local_id.type == ID_NONE)
        gateway_set_own_key(g, policy->tunnel, key_table_line(keys, of_us),
                            key_is_of_peer(of_us, &g->address, policy));
}

/* Removes a tunnel that is no longer in the config (S4). */
static void remove_tunnel(struct gateway *g, struct sim_tunnel *t)
{
    t->present = false;
    struct ike_event event = {.kind = IKE_EVENT_TUNNEL_GONE};
    event.tunnel_gone = t->policy.tunnel;
    gateway_handle(g, &event);
}

static bool has_policy(const struct tunnel_policies *policies, uint32_t tunnel)
{
    for (size_t i = 0; i < policies->count; i++) {
        if (policies->items[i].tunnel == tunnel)
            return true;
    }
    return false;
}

void gateway_configure(struct gateway *g, const char *text)
{
    struct diagnostics diagnostics = {0};
    struct tunnel_policies policies = {0};
    const struct resolve_surroundings surroundings = {every_interface_is_there, NULL};
    struct config *config = config_parse(text, strlen(text), &diagnostics);
    struct key_table *keys = config != NULL ? key_table_new(config) : NULL;
    if (keys == NULL || !policies_resolve(config, keys, &surroundings, &policies, &diagnostics)) {
        diagnostics_print(&diagnostics, g->name, stderr);
        assert(!"the config of a gateway is not one");
    }
    if (g->world->trace != NULL)
        fprintf(g->world->trace, "%8lu %s is configured:\n%s", (unsigned long)g->world->now, g->name, text);
    for (size_t i = 0; i < policies.count; i++)
        set_tunnel(g, keys, &policies.items[i]);
    for (struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next) {
        if (t->present && !has_policy(&policies, t->policy.tunnel))
            remove_tunnel(g, t);
    }
    policies_free(&policies);
    key_table_free(keys);
    config_free(config);
    diagnostics_free(&diagnostics);
}
