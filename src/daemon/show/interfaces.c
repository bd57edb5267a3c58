#include "daemon/show/interfaces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/show/ike_sa.h"
#include "daemon/show/tunnel_packets.h"
#include "daemon/state/history.h"

/* ---- What all interfaces have ----------------------------------------------------------------------- */

static void show_family(const char *family, const struct interface_family *lines, struct text *out)
{
    char prefix[IP_TEXT_SIZE];
    for (size_t i = 0; i < lines->address_count; i++)
        text_print(out, "  %s address : %s\n", family, ip_prefix_format(&lines->addresses[i], prefix));
    if (lines->unnumbered[0] != '\0')
        text_print(out, "  %s address : unnumbered, of %s\n", family, lines->unnumbered);
}

static void show_link(const struct inventory_link *link, const char *name, struct text *out)
{
    if (name[0] == '\0')
        text_print(out, "  Linux interface : none\n");
    else if (link != NULL)
        text_print(out, "  Linux interface : %s, MTU %" PRIu32 "\n", name, link->is.mtu);
    else
        text_print(out, "  Linux interface : %s, which is not there\n", name);
}

const char *show_link_problem(const struct inventory_link *link)
{
    if (link == NULL)
        return "no such Linux interface";
    if (!link->is.up)
        return "the Linux interface is down";
    return link->is.carrier || link->is.loopback ? NULL : "no carrier";
}

/* Why an interface that is no Tunnel is down; NULL if it is up. */
static const char *port_problem(const struct configured_interface *interface,
                                const struct inventory_link *link)
{
    return interface->admin == ADMIN_DOWN ? "shutdown" : show_link_problem(link);
}

/* ---- Tunnels ---------------------------------------------------------------------------------------- */

static void show_peer(const struct shown_tunnel *tunnel, struct text *out)
{
    const struct tunnel_policy *policy = tunnel->policy;
    char address[IP_TEXT_SIZE];
    if (policy->peer_kind == PEER_ADDRESS && policy->peer_address.family == IP_NONE)
        return; /* `ikev2 peer` is missing */
    text_print(out, "  Peer : ");
    switch (policy->peer_kind) {
    case PEER_ADDRESS:
        text_print(out, "%s", ip_address_format(&policy->peer_address, address));
        break;
    case PEER_ANY:
        text_print(out, "any");
        if (tunnel->sa_peer.family != IP_NONE)
            text_print(out, " (%s)", ip_address_format(&tunnel->sa_peer, address));
        break;
    case PEER_FQDN:
        text_print(out, "%s", policy->peer_fqdn);
        if (tunnel->route.remote.family != IP_NONE)
            text_print(out, " (%s)", ip_address_format(&tunnel->route.remote, address));
        break;
    }
    if (policy->remote_id.type != ID_NONE) {
        text_print(out, ", ID ");
        show_identity(&policy->remote_id, out);
    }
    text_print(out, "\n");
}

static void show_route_to_peer(const struct shown_interfaces *shown, const struct shown_tunnel *tunnel,
                               struct text *out)
{
    char address[IP_TEXT_SIZE];
    char name[PORT_NAME_SIZE];
    const struct inventory_link *link = inventory_find(shown->inventory, tunnel->link);
    if (link == NULL)
        return;
    if (!port_table_find_link(shown->ports, link->is.name, name))
        (void)snprintf(name, sizeof(name), "%s", link->is.name);
    text_print(out, "  Route to the peer : by %s", name);
    if (tunnel->next_hop.family != IP_NONE)
        text_print(out, " to %s", ip_address_format(&tunnel->next_hop, address));
    if (tunnel->route.local.family != IP_NONE)
        text_print(out, ", from %s", ip_address_format(&tunnel->route.local, address));
    text_print(out, "\n");
}

/* The SA may be from another address than the route has now (S40). */
static void show_sa_source(const struct shown_tunnel *tunnel, struct text *out)
{
    char address[IP_TEXT_SIZE];
    char at[LOCAL_TIME_SIZE];
    if (!tunnel->has_sa && tunnel->negotiating != 0) {
        text_print(out, "  SA : negotiating since %s\n", local_time_format(tunnel->negotiating, at));
        return;
    }
    text_print(out, "  SA : %s", tunnel->has_sa ? "established" : "none");
    if (tunnel->has_sa && tunnel->sa_source.family != IP_NONE)
        text_print(out, ", from %s%s", ip_address_format(&tunnel->sa_source, address),
                   tunnel->sa_is_given_up ? ", which is not used any more" : "");
    text_print(out, "\n");
}

static void show_failure(const struct shown_tunnel *tunnel, struct text *out)
{
    char at[LOCAL_TIME_SIZE];
    if (tunnel->failure == NULL)
        return;
    text_print(out, "  Last failure : %s %s\n", local_time_format(tunnel->failed, at), tunnel->failure);
    if (tunnel->failures > 1)
        text_print(out, "  Failed so far : %zu times since %s\n", tunnel->failures,
                   local_time_format(tunnel->failing, at));
}

static void show_tunnel(const struct shown_interfaces *shown, const struct shown_tunnel *tunnel,
                        struct text *out)
{
    const uint64_t *n = tunnel->totals.counters;
    show_peer(tunnel, out);
    show_route_to_peer(shown, tunnel, out);
    show_sa_source(tunnel, out);
    text_append(out, text_get(&tunnel->old_settings), tunnel->old_settings.length);
    show_failure(tunnel, out);
    show_tunnel_sizes(&tunnel->sizes, &tunnel->settings, shown->now, out);
    text_print(out, "  Out : %" PRIu64 " packets, %" PRIu64 " octets", n[ESP_OUT_PACKETS], n[ESP_OUT_OCTETS]);
    if (tunnel->totals.fragmented > 0)
        text_print(out, ", %" PRIu64 " of the packets left in fragments", tunnel->totals.fragmented);
    text_print(out, "\n");
    text_print(out, "  In  : %" PRIu64 " packets, %" PRIu64 " octets\n", n[ESP_IN_PACKETS], n[ESP_IN_OCTETS]);
    show_drops(&tunnel->totals, out);
}

/* ---- The whole -------------------------------------------------------------------------------------- */

static void show_interface(const struct shown_interfaces *shown, const struct configured_interface *interface,
                           struct text *out)
{
    char name[HOST_LINK_NAME_SIZE] = "";
    (void)port_table_find(shown->ports, interface->name, name, NULL);
    const struct inventory_link *link = inventory_find_name(shown->inventory, name);
    struct shown_tunnel tunnel;
    bool is_tunnel = shown->find_tunnel(shown->context, interface->name, &tunnel);
    const char *problem = is_tunnel ? text_get(&tunnel.problem) : port_problem(interface, link);
    if (problem == NULL || problem[0] == '\0')
        text_print(out, "Interface %s is up\n", interface->name);
    else
        text_print(out, "Interface %s is down (%s)\n", interface->name, problem);
    if (interface->description[0] != '\0')
        text_print(out, "  Description : %s\n", interface->description);
    show_link(link, name, out);
    show_family("IPv4", &interface->ipv4_lines, out);
    show_family("IPv6", &interface->ipv6_lines, out);
    if (interface->ipv6_enable)
        text_print(out, "  IPv6 : enabled\n");
    if (!is_tunnel)
        return;
    show_tunnel(shown, &tunnel, out);
    text_free(&tunnel.problem);
    text_free(&tunnel.old_settings);
}

void show_interfaces(const struct shown_interfaces *shown, const char *name, struct text *out)
{
    const struct host_settings *settings = shown->settings;
    for (size_t i = 0; i < settings->interface_count; i++) {
        if (name == NULL || strcmp(settings->interfaces[i].name, name) == 0)
            show_interface(shown, &settings->interfaces[i], out);
    }
    if (name == NULL && settings->interface_count > 0)
        show_drops_of_no_tunnel(&shown->counters, out);
}
