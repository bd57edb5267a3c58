#include "check/pair_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/short_text.h"
#include "check/pair_source.h"
#include "check/swanctl_end.h"
#include "config/host_settings.h"
#include "config/identity.h"
#include "config/parse.h"
#include "config/resolve.h"
#include "daemon/keeper/configuration.h"

/* ---- The gateway's addresses ------------------------------------------------------------------------- */

static const struct setting *address_line(const struct config *config, const char *interface,
                                          enum ip_family family, size_t index)
{
    const struct section *section = config_section(config, COMMAND_INTERFACE, interface);
    const struct setting *s =
        section_setting(section, family == IP_V4 ? COMMAND_IP_ADDRESS : COMMAND_IPV6_ADDRESS);
    while (s != NULL && index-- > 0)
        s = setting_next_of_row(s);
    return s;
}

/* The addresses of an interface itself, up to `capacity` of them; how many. */
static size_t addresses_of(const struct pair_source *of, const struct configured_interface *interface,
                           enum ip_family family, struct pair_address *out, size_t capacity)
{
    const struct interface_family *lines = family == IP_V4 ? &interface->ipv4_lines : &interface->ipv6_lines;
    size_t count = lines->address_count < capacity ? lines->address_count : capacity;
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = address_line(of->config, interface->name, family, i);
        out[i] = (struct pair_address){lines->addresses[i].address, s != NULL ? s->source.line : 0};
    }
    return count;
}

static bool is_link(const struct configured_interface *interface)
{
    return interface->parts.kind != INTERFACE_TUNNEL && interface->admin != ADMIN_DOWN;
}

static bool read_addresses(struct pair_end *end)
{
    const struct host_settings *settings = &end->of->settings;
    size_t capacity = 0;
    for (size_t i = 0; i < settings->interface_count; i++)
        capacity += settings->interfaces[i].ipv4_lines.address_count +
                    settings->interfaces[i].ipv6_lines.address_count;
    end->addresses = calloc(capacity + 1, sizeof *end->addresses);
    if (end->addresses == NULL)
        return false;
    for (size_t i = 0; i < settings->interface_count; i++) {
        const struct configured_interface *interface = &settings->interfaces[i];
        if (!is_link(interface))
            continue;
        end->has_dynamic_address = end->has_dynamic_address || interface->dynamic;
        end->address_count += addresses_of(end->of, interface, IP_V4, end->addresses + end->address_count,
                                           capacity - end->address_count);
        end->address_count += addresses_of(end->of, interface, IP_V6, end->addresses + end->address_count,
                                           capacity - end->address_count);
    }
    return true;
}

const struct pair_address *pair_end_address(const struct pair_end *end, const struct ip_address *address)
{
    for (size_t i = 0; i < end->address_count; i++) {
        if (ip_address_equal(&end->addresses[i].address, address))
            return &end->addresses[i];
    }
    return NULL;
}

/* ---- Where a tunnel sends from ----------------------------------------------------------------------- */

/* The interface in whose network an address lies, one that is shut down only if no other is it; NULL if there
 * is none. */
static const struct configured_interface *connected_to(const struct host_settings *settings,
                                                       const struct ip_address *address)
{
    const struct configured_interface *shut_down = NULL;
    for (size_t i = 0; i < settings->interface_count; i++) {
        const struct configured_interface *interface = &settings->interfaces[i];
        const struct interface_family *lines =
            address->family == IP_V4 ? &interface->ipv4_lines : &interface->ipv6_lines;
        for (size_t j = 0; interface->parts.kind != INTERFACE_TUNNEL && j < lines->address_count; j++) {
            if (!ip_prefix_contains(&lines->addresses[j], address))
                continue;
            if (interface->admin != ADMIN_DOWN)
                return interface;
            shut_down = interface;
        }
    }
    return shut_down;
}

/* The interface to which a route of the config leads. */
static const struct configured_interface *interface_of_route(const struct host_settings *settings,
                                                             const struct configured_route *route)
{
    if (route->interface[0] != '\0')
        return host_settings_interface(settings, route->interface);
    return route->target == ROUTE_NEXT_HOP ? connected_to(settings, &route->next_hop) : NULL;
}

/* The interface by which the routes of the config lead to an address; NULL if they don't. */
static const struct configured_interface *interface_towards(const struct host_settings *settings,
                                                            const struct ip_address *address)
{
    const struct configured_interface *found = connected_to(settings, address);
    const struct configured_route *best = NULL;
    for (size_t i = 0; found == NULL && i < settings->route_count; i++) {
        const struct configured_route *route = &settings->routes[i];
        if (!ip_prefix_contains(&route->prefix, address))
            continue;
        if (best == NULL || route->prefix.length > best->prefix.length ||
            (route->prefix.length == best->prefix.length && route->distance < best->distance))
            best = route;
    }
    return best != NULL ? interface_of_route(settings, best) : found;
}

static const struct configured_interface *outgoing_interface(const struct host_settings *settings,
                                                             const struct tunnel_policy *policy)
{
    if (policy->outgoing != OUTGOING_ROUTED)
        return host_settings_interface(settings, policy->out_interface);
    return policy->peer_kind == PEER_ADDRESS ? interface_towards(settings, &policy->peer_address) : NULL;
}

static enum ip_family family_of(const struct tunnel_policy *policy)
{
    enum ip_family family =
        policy->peer_kind == PEER_ADDRESS ? policy->peer_address.family : policy->peer_family;
    return family == IP_NONE ? IP_V4 : family;
}

static void note_shutdown(const struct pair_source *of, const struct configured_interface *outgoing,
                          struct pair_tunnel *tunnel)
{
    const struct section *section = config_section(of->config, COMMAND_INTERFACE, outgoing->name);
    const struct setting *shutdown = section_setting(section, COMMAND_SHUTDOWN);
    if (outgoing->admin != ADMIN_DOWN || shutdown == NULL)
        return;
    tunnel->down_interface = outgoing->name;
    tunnel->down_line = shutdown->source.line;
}

static void find_source(const struct pair_source *of, struct pair_tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    const struct configured_interface *outgoing = outgoing_interface(&of->settings, policy);
    const struct configured_interface *source =
        policy->source_kind == SOURCE_INTERFACE
            ? host_settings_interface(&of->settings, policy->source_interface)
            : outgoing;
    enum ip_family family = family_of(policy);
    if (outgoing != NULL) {
        uint16_t mtu = family == IP_V4 ? outgoing->ipv4_lines.mtu : outgoing->ipv6_lines.mtu;
        tunnel->mtu = mtu != 0 ? mtu : tunnel->mtu;
        note_shutdown(of, outgoing, tunnel);
    }
    if (policy->source_kind == SOURCE_ADDRESS)
        tunnel->source = (struct pair_address){policy->source_address, policy->line[SETTING_SOURCE_ADDRESS]};
    else if (source == NULL)
        tunnel->is_dynamic = policy->source_kind == SOURCE_INTERFACE || policy->outgoing != OUTGOING_ROUTED;
    else if (addresses_of(of, source, family, &tunnel->source, 1) == 0)
        tunnel->is_dynamic = source->dynamic && family == IP_V4;
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

/*
 * An interface that the config does not have may be one of the command line's. So it counts as there if the
 * config has no port at all, as examples don't; else its name is more likely a mistake.
 */
static bool interface_may_be_there(void *context, const char *name)
{
    const struct host_settings *settings = context;
    (void)name;
    for (size_t i = 0; i < settings->interface_count; i++) {
        if (settings->interfaces[i].parts.kind == INTERFACE_GIGA_ETHERNET)
            return false;
    }
    return settings->port_count == 0;
}

/* Whether a Tunnel is meant to be one of IKEv2: with another mode if it has a peer all the same. */
static bool is_meant(const struct tunnel_policy *policy)
{
    return policy->gap != GAP_MODE_AND_PEER &&
           (policy->gap != GAP_OTHER_MODE || policy->line[SETTING_PEER] != 0);
}

static bool read_tunnels(struct pair_end *end)
{
    struct pair_source *of = end->of;
    const struct resolve_surroundings surroundings = {.interface_known = interface_may_be_there,
                                                      .context = &of->settings};
    if (!policies_resolve(of->config, of->keys, &surroundings, &of->policies, NULL))
        return false;
    end->tunnels = calloc(of->policies.count + 1, sizeof *end->tunnels);
    if (end->tunnels == NULL)
        return false;
    for (size_t i = 0; i < of->policies.count; i++) {
        const struct tunnel_policy *policy = &of->policies.items[i];
        const struct configured_interface *interface = host_settings_interface(&of->settings, policy->name);
        if (!is_meant(policy))
            continue;
        struct pair_tunnel *tunnel = &end->tunnels[end->tunnel_count++];
        *tunnel = (struct pair_tunnel){
            .policy = *policy,
            .line = interface != NULL ? interface->line : 0,
            .local_key = key_table_secret(of->keys, policy->local_key),
            .remote_key = key_table_secret(of->keys, policy->remote_key),
            .mtu = PAIR_MTU_DEFAULT,
        };
        find_source(of, tunnel);
    }
    return true;
}

static bool read_config(struct pair_end *end, const char *text, size_t length)
{
    struct pair_source *of = end->of;
    of->config = config_parse(text, length, &end->diagnostics);
    end->is_sound = of->config != NULL;
    if (!end->is_sound)
        return end->diagnostics.errors > 0;
    of->keys = key_table_new(of->config);
    return of->keys != NULL && host_settings_of(of->config, &of->settings) && read_addresses(end) &&
           read_tunnels(end);
}

/* What stands in the lines of a swanctl.conf for an octet of a secret. */
enum { HIDDEN_OCTET = '\1' };

/*
 * Hides the values under `secrets`, but for IDs, and what stands behind them in their lines: it may be the
 * rest of a secret that lacks quotes. Line ends stay.
 */
static void hide_secrets(struct pair_source *of)
{
    const char *from = of->lines, *to = of->lines; /* what was hidden last, and need not be again */
    for (size_t i = 0; i < of->swanctl.count; i++) {
        const struct swanctl_item *item = &of->swanctl.items[i];
        if (item->key == NULL || item->depth == 0 || strcmp(item->section[0], "secrets") != 0 ||
            strncmp(item->key, "id", 2) == 0)
            continue;
        const char *end = &of->lines[item->end - of->swanctl.text];
        char *c = &of->lines[item->value - of->swanctl.text];
        if (c >= from && end <= to)
            continue;
        for (from = c; c < end || (*c != '\n' && *c != '\0'); c++)
            *c = *c == '\n' ? '\n' : HIDDEN_OCTET;
        to = c;
    }
}

static bool read_swanctl(struct pair_end *end, const char *text, size_t length)
{
    struct pair_source *of = end->of;
    end->is_swanctl = true;
    end->is_sound = swanctl_file_read(&of->swanctl, text, length, &end->diagnostics);
    if (!end->is_sound)
        return end->diagnostics.errors > 0;
    of->lines = strndup(text, length);
    of->lines_length = of->lines != NULL ? strlen(of->lines) : 0;
    if (of->lines == NULL)
        return false;
    hide_secrets(of);
    return swanctl_end_read(end, &of->swanctl);
}

static bool refuse_ipsec_conf(struct pair_end *end, const char *text, size_t length)
{
    (void)text, (void)length;
    diagnostics_add(&end->diagnostics, SEVERITY_ERROR, 0, 0, NULL, "%s", swanctl_ipsec_conf_text);
    return end->diagnostics.errors > 0;
}

bool pair_end_read(struct pair_end *out, const char *path)
{
    size_t length;
    char *text = configuration_read_file(path, &length);
    *out = (struct pair_end){.path = path};
    if (text == NULL)
        return false;
    out->of = calloc(1, sizeof *out->of);
    static bool (*const readers[])(struct pair_end * end, const char *text, size_t length) = {
        [SWANCTL_NONE] = read_config,
        [SWANCTL_CONF] = read_swanctl,
        [SWANCTL_IPSEC_CONF] = refuse_ipsec_conf,
    };
    bool good = out->of != NULL && readers[swanctl_form_of(text, length)](out, text, length);
    secret_free(text, length);
    if (!good) {
        pair_end_free(out);
        errno = ENOMEM;
    }
    return good;
}

void pair_end_free(struct pair_end *end)
{
    if (end->of != NULL) {
        policies_free(&end->of->policies);
        host_settings_free(&end->of->settings);
        key_table_free(end->of->keys);
        config_free(end->of->config);
        swanctl_file_free(&end->of->swanctl);
        secret_free(end->of->lines, end->of->lines_length);
        secret_free(end->of, sizeof *end->of);
    }
    diagnostics_free(&end->diagnostics);
    free(end->addresses);
    free(end->tunnels);
    *end = (struct pair_end){0};
}

static void swanctl_line(const struct pair_source *of, uint32_t line, char out[LINE_PRINTED_SIZE])
{
    struct short_text text = short_text_in(out, LINE_PRINTED_SIZE);
    const char *at = of->lines;
    for (; line > 1 && at != NULL; line--) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || line == 0)
        return;
    at += strspn(at, " \t");
    for (size_t left = strcspn(at, "\r\n"); left > 0; left--, at++) {
        if (*at != HIDDEN_OCTET)
            short_text_add(&text, "%c", *at);
        else if (at[1] != HIDDEN_OCTET)
            short_text_add(&text, "********");
    }
}

const char *pair_end_line(const struct pair_end *end, uint32_t line, char out[LINE_PRINTED_SIZE])
{
    out[0] = '\0';
    if (end->of->config != NULL)
        (void)config_print_line(end->of->config, line, out);
    else if (end->of->lines != NULL)
        swanctl_line(end->of, line, out);
    return out;
}

const struct ip_address *pair_tunnel_peer(const struct pair_tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    return policy->peer_kind == PEER_ADDRESS && policy->peer_address.family != IP_NONE ? &policy->peer_address
                                                                                       : NULL;
}

/* The own ID is the source address (S17). */
static void stand_in(const struct key_table *table, const struct tunnel_policy *policy,
                     const struct ip_address *source, struct pair_keys *keys)
{
    key_number number = key_table_local(table, source, policy->remote_key);
    keys->local = key_table_secret(table, number);
    keys->local_line = key_table_line(table, number);
    keys->peers_is_own = key_is_of_peer(number, source, policy);
}

/* Which of its secrets strongSwan takes. */
static struct pair_keys swanctl_keys(struct pair_source *of, const struct identity *own,
                                     const struct identity *peer, struct octets proof)
{
    const struct swanctl_secret local = swanctl_secret_to_prove(&of->swanctl, own, peer, of->local_key);
    const struct swanctl_secret remote =
        swanctl_secret_to_accept(&of->swanctl, own, peer, proof, of->remote_key);
    return (struct pair_keys){.local = local.key,
                              .remote = remote.key,
                              .local_secret_line = local.line,
                              .remote_secret_line = remote.line};
}

struct pair_keys pair_end_keys(const struct pair_end *end, const struct pair_tunnel *tunnel,
                               const struct ip_address *source, const struct identity *peer,
                               struct octets proof)
{
    struct pair_source *of = end->of;
    struct pair_keys keys = {.local = tunnel->local_key, .remote = tunnel->remote_key};
    struct identity own = tunnel->policy.local_id;
    if (own.type == ID_NONE)
        own = identity_of_address(source);
    if (end->is_swanctl)
        return swanctl_keys(of, &own, peer, proof);
    if (tunnel->policy.local_id.type == ID_NONE)
        stand_in(of->keys, &tunnel->policy, source, &keys);
    return keys;
}
