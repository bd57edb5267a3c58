#include <string.h>

#include "check/lint_rules.h"

/* S12: an interface without `shutdown` or `no shutdown` is up. */
void lint_unsaid_shutdown(struct linting *lint)
{
    const struct setting *s = section_setting(config_global(lint->config), COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s)) {
        if (section_setting(s->under, COMMAND_SHUTDOWN) == NULL)
            lint_warn(lint, s, LINT_VALUES(line_argument(&s->line, "interface")));
    }
}

/* ---- Networks -------------------------------------------------------------------------------------- */

/* The network of an interface that another one's may overlap. */
static bool is_shared(const struct known_route *network)
{
    const uint8_t whole = network->prefix.address.family == IP_V4 ? 32 : 128;
    return network->prefix.length < whole && !ip_address_is_link_local(&network->prefix.address);
}

static void warn_of_overlap(struct linting *lint, const struct known_route *one,
                            const struct known_route *other)
{
    char network[IP_TEXT_SIZE], other_network[IP_TEXT_SIZE], place[LINT_PLACE_SIZE];
    if (one->setting->source.line < other->setting->source.line) {
        const struct known_route *swapped = one;
        one = other;
        other = swapped;
    }
    lint_warn(lint, one->setting,
              LINT_VALUES(ip_prefix_format(&one->prefix, network), one->interface,
                          ip_prefix_format(&other->prefix, other_network), other->interface,
                          lint_place(other->setting, place)));
}

void lint_overlapping_networks(struct linting *lint)
{
    const struct known_route *networks = lint->networks.items;
    for (size_t i = 0; i < lint->networks.count; i++) {
        const struct known_route *one = &networks[i];
        /* The one before it if that has the same prefix, else the next wider one. */
        const struct known_route *other = one->wider > 0 ? &networks[one->wider - 1] : NULL;
        if (i > 0 && one->prefix.length == networks[i - 1].prefix.length &&
            ip_address_equal(&one->prefix.address, &networks[i - 1].prefix.address))
            other = &networks[i - 1];
        if (other != NULL && is_shared(one) && strcmp(one->interface, other->interface) != 0)
            warn_of_overlap(lint, one, other);
    }
}

/* ---- Addresses ------------------------------------------------------------------------------------- */

static bool has_address(const struct interface_family *lines, uint8_t whole)
{
    bool has = lines->unnumbered[0] != '\0';
    for (size_t i = 0; i < lines->address_count; i++) {
        if (lines->addresses[i].length == whole)
            return false; /* a point-to-point link, whose other end has any address */
        has = true;
    }
    return has;
}

/* True if there is a line of an interface that Musubi does not have, which may have any address. */
static bool has_foreign_interface(const struct config *config)
{
    for (const struct setting *s = config_global(config)->first; s != NULL; s = s->next) {
        if (s->foreign != NULL && strncmp(s->foreign, "interface ", strlen("interface ")) == 0)
            return true;
    }
    return false;
}

bool lint_knows_addresses(const struct linting *lint, enum ip_family family)
{
    size_t known = 0;
    for (size_t i = 0; i < lint->settings->interface_count; i++) {
        const struct configured_interface *interface = &lint->settings->interfaces[i];
        if (interface->parts.kind != INTERFACE_GIGA_ETHERNET || interface->admin == ADMIN_DOWN)
            continue;
        if (family == IP_V4 ? interface->dynamic || !has_address(&interface->ipv4_lines, 32)
                            : !has_address(&interface->ipv6_lines, 128))
            return false;
        known++;
    }
    for (size_t i = 0; i < lint->settings->port_count; i++) {
        /* `device GigaEthernet0` is for the interface GigaEthernet0.0. */
        const struct configured_port *port = &lint->settings->ports[i];
        char name[INTERFACE_NAME_SIZE + 2];
        (void)snprintf(name, sizeof name, "%s%s", port->name, strchr(port->name, '.') == NULL ? ".0" : "");
        if (host_settings_interface(lint->settings, name) == NULL)
            return false;
    }
    return known > 0 && !has_foreign_interface(lint->config);
}

void lint_foreign_source(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct tunnel_policy *policy = lint->tunnels[i].policy;
        char address[IP_TEXT_SIZE];
        if (policy->source_kind != SOURCE_ADDRESS ||
            !lint_knows_addresses(lint, policy->source_address.family) ||
            own_addresses_find(&lint->addresses, &policy->source_address) != NULL)
            continue;
        const struct setting *s = lint_setting_of(lint, &lint->tunnels[i], COMMAND_SOURCE_ADDRESS);
        if (!lint_is_told(lint, s))
            lint_warn(lint, s, LINT_VALUES(ip_address_format(&policy->source_address, address)));
    }
}

/* ---- NAPT ------------------------------------------------------------------------------------------ */

void lint_napt_on_tunnel(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct setting *s = section_setting(lint->tunnels[i].section, COMMAND_IP_NAPT_ENABLE);
        if (s != NULL && lint->tunnels[i].policy->defined)
            lint_warn(lint, s, LINT_VALUES(lint->tunnels[i].policy->name));
    }
}
