#include "check/pair_traffic.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "check/pair_source.h"
#include "ike/wire/selectors.h"

enum { NETWORK_LENGTH_MIN = 8 /* bits; a shorter prefix stands for a default route */ };

/* The first host of a range: its first address is that of the network, unless it is the only one. */
static struct ip_address first_host(const struct ip_address *first, const struct ip_address *last)
{
    struct ip_address host = *first;
    size_t end = ip_address_size(host.family) - 1;
    if (!ip_address_equal(first, last) && host.octets[end] < UINT8_MAX)
        host.octets[end]++;
    return host;
}

/* The first network that the config routes into the Tunnel by IPv4; NULL if there is none. */
static const struct ip_prefix *network_behind(const struct host_settings *settings, const char *tunnel)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct configured_route *route = &settings->routes[i];
        if (route->prefix.address.family == IP_V4 && route->prefix.length >= NETWORK_LENGTH_MIN &&
            strcmp(route->interface, tunnel) == 0)
            return &route->prefix;
    }
    return NULL;
}

/* The IPv4 address of the interface by whose address the Tunnel sends; NULL if there is none. */
static const struct ip_prefix *lan_address(const struct host_settings *settings, const char *tunnel)
{
    const struct configured_interface *own = host_settings_interface(settings, tunnel);
    const struct configured_interface *lan =
        own != NULL ? host_settings_interface(settings, own->ipv4_lines.unnumbered) : NULL;
    return lan != NULL && lan->ipv4_lines.address_count > 0 ? &lan->ipv4_lines.addresses[0] : NULL;
}

static bool of_routes(const struct host_settings *settings, const char *tunnel, struct packet_flow *out)
{
    const struct ip_prefix *from = lan_address(settings, tunnel);
    const struct ip_prefix *to = network_behind(settings, tunnel);
    if (from == NULL || to == NULL)
        return false;
    const struct ip_address first = ip_prefix_first(to), last = ip_prefix_last(to);
    out->source = from->address;
    out->destination = first_host(&first, &last);
    return true;
}

bool pair_traffic_of(const struct pair_end *end, const struct pair_tunnel *tunnel, struct packet_flow *out)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    const struct selector_list local = selectors_of_policy(policy->local_ts, policy->local_ts_count);
    const struct selector_list remote = selectors_of_policy(policy->remote_ts, policy->remote_ts_count);
    unsigned index = 0;
    struct traffic_selector pair[2];
    if (policy->local_ts_count + policy->remote_ts_count == 0 ||
        !selectors_next_pair(&local, &remote, &index, pair))
        return false;
    bool is_ping = pair[0].protocol == 0;
    *out = (struct packet_flow){
        .source = first_host(&pair[0].first, &pair[0].last),
        .destination = first_host(&pair[1].first, &pair[1].last),
        .protocol = pair[0].protocol,
        .ports = FLOW_PORTS_BOTH,
        .source_port = pair[0].first_port,
        .destination_port = pair[1].first_port,
    };
    if (!is_ping)
        return true;
    (void)of_routes(&end->of->settings, policy->name, out);
    out->protocol = out->source.family == IP_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    out->ports = FLOW_PORTS_TYPE;
    out->source_port = (uint16_t)((out->source.family == IP_V4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST) << 8);
    out->destination_port = 0;
    return true;
}
