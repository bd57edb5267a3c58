#include "daemon/keeper/dead_next_hop.h"

#include "host/neighbour.h"

/* The line that names the next hop: that of `outgoing-interface` or of a route; 0 if there is none. */
static uint32_t line_of(const struct host_settings *settings, const struct tunnel *tunnel)
{
    const struct found_route *found = &tunnel->route.found;
    if (tunnel->policy.outgoing == OUTGOING_NEXT_HOP)
        return tunnel->policy.line[SETTING_OUTGOING_INTERFACE];
    const struct configured_route *route = peer_route_configured(settings, &found->to_peer.remote);
    bool is_named = route != NULL && route->target == ROUTE_NEXT_HOP &&
                    ip_address_equal(&route->next_hop, &found->next_hop);
    return is_named ? route->line : 0;
}

bool dead_next_hop_write(struct netlink *netlink, const struct host_settings *settings,
                         const struct tunnel *tunnel, char out[DEAD_NEXT_HOP_SIZE])
{
    const struct found_route *found = &tunnel->route.found;
    struct host_neighbour neighbour;
    struct host_error none;
    struct setting_lines lines = {0};
    struct short_text text = short_text_in(out, DEAD_NEXT_HOP_SIZE);
    char address[IP_TEXT_SIZE];
    char lines_text[SETTING_LINES_TEXT_SIZE];
    if (found->problem != ROUTE_FOUND || found->link == 0 || found->next_hop.family == IP_NONE ||
        !host_neighbour_ask(netlink, found->link, &found->next_hop, &neighbour, &none) ||
        !neighbour.is_sought_in_vain)
        return false;
    setting_lines_add_line(&lines, line_of(settings, tunnel));
    short_text_add(&text, "the next hop %s", ip_address_format(&found->next_hop, address));
    if (lines.count > 0 || lines.typed)
        short_text_add(&text, " (%s)", setting_lines_format(&lines, lines_text));
    short_text_add(&text, " does not answer %s",
                   found->next_hop.family == IP_V4 ? "ARP" : "neighbour solicitations");
    return true;
}

void dead_next_hop_append(struct netlink *netlink, const struct host_settings *settings,
                          const struct tunnel *tunnel, enum ike_step step, struct short_text *text)
{
    char dead[DEAD_NEXT_HOP_SIZE];
    bool may_be_why = step == IKE_STEP_SA_INIT || step == IKE_STEP_AUTH;
    if (may_be_why && dead_next_hop_write(netlink, settings, tunnel, dead))
        short_text_add(text, "; %s", dead);
}
