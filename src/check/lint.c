#include "check/lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/short_text.h"
#include "check/lint_rules.h"

/* The order is that of docs/check.md: what keeps tunnels down or confuses them, then what loses packets, then
 * the rest. */
static const struct {
    lint_rule *look;
    const char *words;
} rules[] = {
    {lint_peer_is_ourselves, "the peer of <tunnel>, <address>, is this device itself: <place> gives it that "
                             "address; name the address of the other end"},
    {lint_mistyped_address, "the peer of <tunnel>, `<name>`, is taken as a domain name, but looks like a "
                            "mistyped address"},
    {lint_name_without_dot, "the peer of <tunnel>, `<name>`, is taken as a domain name, but has no dot"},
    {lint_recursive_route,
     "packets for <address>, the peer of <tunnel>, would go into the tunnel itself by this route, so it "
     "stays "
     "down: `<ip> route <address>/<length> NEXTHOP` or `ikev2 outgoing-interface INTERFACE NEXTHOP` mends "
     "that"},
    {lint_recursive_interface,
     "packets for the peer of <tunnel> would go into the tunnel itself by <interface>, so it stays down: "
     "`ikev2 outgoing-interface` is to name the port towards the peer"},
    {lint_foreign_source,
     "no interface in use has the address <address>: unless Linux has it, tunnels that send "
     "from it stay down"},
    {lint_pinned_hop_off_link,
     "<interface> has no network that holds the next hop <address>: unless a host there answers for it, "
     "tunnels that use it stay down"},
    {lint_same_ends, "<tunnel> has the same peer and the same IDs as <other> (<place>), so that an SA of one "
                     "may come up in the other: give each IDs of its own, or an `outgoing-interface` or "
                     "`source-address` of its own"},
    {lint_same_ids_of_any, "<tunnel> and <other> both have `peer any` and the same IDs: only one of them can "
                           "be used"},
    {lint_different_suites_of_any,
     "the sa-proposal of <tunnel> differs from that of <other>, and both have `peer any`: the first packet "
     "does not say which one it is for"},
    {lint_different_suites_of_peer,
     "the sa-proposal of <tunnel> differs from that of <other>, and both have the peer <peer>: the first "
     "packet does not say which one it is for"},
    {lint_unsaid_authentication,
     "<tunnel> has no `local-authentication`: its peer proves itself by certificate, but this device does so "
     "by key, with its address as ID; `local-authentication rsa id …` or `local-authentication psk id …` "
     "says "
     "which is meant"},
    {lint_unused_certificate, "the certificate is not used for <tunnel>, which authenticates itself by key: "
                              "`local-authentication rsa id …` would use it"},
    {lint_next_hop_off_link,
     "no interface in use has a network that holds the next hop <address>: the route has no effect"},
    {lint_next_hop_is_ours, "the next hop <address> is this device itself: <place> gives it that address; "
                            "the route has no effect"},
    {lint_tunnel_without_route, "no route leads into <tunnel>: <what> leaves by it; `ip route PREFIX "
                                "<tunnel>` mends that"},
    {lint_overlapping_networks, "the network <network> of <interface> overlaps <other-network> of <other> "
                                "(<place>): hosts in both are looked for on one of the two only"},
    {lint_napt_on_tunnel,
     "`ip napt enable` on <tunnel>: packets that the peer's side sends first are dropped, "
     "and its traffic selectors have to hold the translated address; NAPT belongs on the "
     "interface to the Internet"},
    {lint_short_lifetime_of_centre,
     "<tunnel> has `peer any`, so it starts no rekey, and ends each <sa> after <seconds> s: the peer's "
     "<command> must not be longer, and is <default> s unless configured"},
    {lint_long_lifetime_of_site,
     "this device's address is dynamic: if the peer of <tunnel> has `peer any`, it starts no rekey and ends "
     "each <sa> after its own <command>, <default> s unless configured, before this side rekeys it: "
     "<seconds> "
     "s is too long then"},
    {lint_auto_that_waits,
     "`connect-type auto` starts nothing for <tunnel>, since <reason>: it waits for the "
     "peer"},
    {lint_weak_algorithms, "<algorithm> is weak (<reason>): take <instead>, if the peer has it"},
    {lint_unsaid_shutdown, "<interface> has neither `shutdown` nor `no shutdown`: it is up"},
};

enum { RULE_COUNT = sizeof rules / sizeof *rules };

const char *lint_words(size_t number)
{
    return number < RULE_COUNT ? rules[number].words : NULL;
}

/* ---- For the rules --------------------------------------------------------------------------------- */

void lint_warn(const struct linting *lint, const struct setting *at, const char *const *values)
{
    enum { WARNING_SIZE = 2048 };
    char warning[WARNING_SIZE];
    struct short_text text = short_text_in(warning, sizeof warning);
    const char *words = lint->words;
    for (const char *name; (name = strchr(words, '<')) != NULL; words = strchr(name, '>') + 1) {
        short_text_add(&text, "%.*s", (int)(name - words), words);
        if (*values != NULL)
            short_text_add(&text, "%s", *values++);
    }
    short_text_add(&text, "%s", words);
    diagnostics_warn_at(lint->diagnostics, at->source.line, at->source.column, "%s", warning);
}

bool lint_is_told(struct linting *lint, const struct setting *setting)
{
    const uint64_t key = hash_number(HASH_START, (uintptr_t)setting);
    if (map_find(&lint->told, key) != NULL)
        return true;
    (void)map_put(&lint->told, key, lint);
    return false;
}

const struct lint_tunnel *lint_tunnel_named(const struct linting *lint, const char *name)
{
    return map_find(&lint->tunnels_by_name, hash_text(HASH_START, name));
}

const struct setting *lint_setting_of(const struct linting *lint, const struct lint_tunnel *tunnel,
                                      enum command_id id)
{
    const struct policy_levels levels = policy_levels_of(lint->config, tunnel->section);
    return levels_find(&levels, id);
}

const char *lint_place(const struct setting *setting, char out[LINT_PLACE_SIZE])
{
    if (setting->source.line == POLICY_LINE_TYPED)
        (void)snprintf(out, LINT_PLACE_SIZE, "a line typed at the prompt");
    else
        (void)snprintf(out, LINT_PLACE_SIZE, "line %u", setting->source.line);
    return out;
}

/* ---- Preparation ----------------------------------------------------------------------------------- */

static bool read_tunnels(struct linting *lint, const struct tunnel_policies *policies)
{
    lint->tunnels_by_name = map_with_seed(0);
    lint->tunnels = calloc(policies->count + 1, sizeof *lint->tunnels);
    const struct setting *s = section_setting(config_global(lint->config), COMMAND_INTERFACE);
    for (; lint->tunnels != NULL && s != NULL; s = setting_next_of_row(s)) {
        if (s->under->mode != MODE_TUNNEL || lint->tunnel_count == policies->count)
            continue;
        const struct tunnel_policy *policy = &policies->items[lint->tunnel_count];
        const struct setting *peer = section_setting(s->under, COMMAND_IKEV2_PEER);
        struct lint_tunnel *tunnel = &lint->tunnels[lint->tunnel_count++];
        *tunnel = (struct lint_tunnel){.policy = policy,
                                       .section = s->under,
                                       .peer = peer != NULL ? peer : s,
                                       .in_use = policy->complete && !policy->shut_down};
        if (!map_put(&lint->tunnels_by_name, hash_text(HASH_START, policy->name), tunnel))
            return false;
    }
    return lint->tunnels != NULL;
}

void lint_config(const struct configuration *configuration, struct diagnostics *diagnostics)
{
    struct linting lint = {
        .config = configuration->config, .settings = &configuration->settings, .diagnostics = diagnostics};
    bool ready = read_tunnels(&lint, &configuration->policies) &&
                 own_addresses_read(lint.config, &lint.addresses) &&
                 networks_read(&lint.addresses, &lint.networks) &&
                 route_table_read(lint.config, &lint.addresses, &lint.networks, &lint.routes);
    for (size_t i = 0; ready && i < RULE_COUNT; i++) {
        lint.words = rules[i].words;
        lint.told = map_with_seed(0);
        rules[i].look(&lint);
        map_free(&lint.told);
    }
    route_table_free(&lint.routes);
    route_table_free(&lint.networks);
    own_addresses_free(&lint.addresses);
    map_free(&lint.tunnels_by_name);
    free(lint.tunnels);
}
