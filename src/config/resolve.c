#include "config/resolve.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/policy_settings.h"
#include "config/survey.h"
#include "crypto/key_exchange.h"

/* Defaults of R20 and S28, in seconds. */
enum { SA_LIFETIME = 86400, CHILD_LIFETIME = 28800, NAT_KEEPALIVE = 20 };

struct tunnel_policy policy_default(void)
{
    return (struct tunnel_policy){
        .ike = {.encryption = ALGORITHM_SET_ALL(ENCRYPTION_COUNT),
                .integrity = ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                .prf = ALGORITHM_SET_ALL(PRF_COUNT),
                .dh = ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT)},
        .child = {.encryption = ALGORITHM_SET_ALL(ENCRYPTION_COUNT),
                  .integrity = ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                  .pfs = ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT),
                  .pfs_none = true},
        .sa_lifetime = SA_LIFETIME,
        .child_lifetime = CHILD_LIFETIME,
        .anti_replay = true,
        .connect_type = CONNECT_TRIGGER,
        .direction = NEGOTIATE_BOTH,
        .nat_keepalive = NAT_KEEPALIVE,
    };
}

static void read_name(const struct section *tunnel, struct tunnel_policy *policy)
{
    struct interface_name name;
    (void)line_interface(&tunnel->header->line, "interface", &name);
    policy->tunnel = tunnel_number(&name);
    char text[INTERFACE_NAME_SIZE];
    (void)snprintf(policy->name, sizeof policy->name, "%.*s", TUNNEL_NAME_SIZE - 1,
                   interface_name_format(&name, text));
    const struct setting *shutdown = section_setting(tunnel, COMMAND_SHUTDOWN);
    policy->shut_down = shutdown != NULL && !shutdown->line.negated;
    policy->line[SETTING_SHUTDOWN] = shutdown != NULL ? shutdown->source.line : 0;
}

static size_t count_tunnels(const struct config *config)
{
    size_t count = 0;
    const struct setting *s = section_setting(config_global(config), COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s))
        count += s->under->mode == MODE_TUNNEL;
    return count;
}

bool policies_resolve(const struct config *config, const struct key_table *keys,
                      const struct resolve_surroundings *surroundings, struct tunnel_policies *out,
                      struct diagnostics *diagnostics)
{
    struct diagnostics ignored = {0};
    struct survey survey = {config, surroundings, diagnostics == NULL ? &ignored : diagnostics};
    size_t count = count_tunnels(config);
    *out = (struct tunnel_policies){.items = calloc(count + 1, sizeof *out->items)};
    if (out->items == NULL)
        return false;
    survey_host(&survey);
    survey_routes(&survey);
    survey_policy_sections(&survey);
    const struct setting *s = section_setting(config_global(config), COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s)) {
        if (s->under->mode != MODE_TUNNEL)
            continue;
        struct tunnel_policy *policy = &out->items[out->count++];
        struct policy_levels levels = policy_levels_of(config, s->under);
        *policy = policy_default();
        read_name(s->under, policy);
        policy_settings_read(&levels, keys, policy);
        survey_tunnel(&survey, &levels, policy);
    }
    survey_filters(&survey, out);
    diagnostics_free(&ignored);
    return true;
}

void policies_free(struct tunnel_policies *policies)
{
    free(policies->items);
    *policies = (struct tunnel_policies){0};
}
