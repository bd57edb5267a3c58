#include <stdio.h>
#include <string.h>

#include "config/interface_filters.h"
#include "config/survey.h"

enum { PORT_IKE = 500, PORT_NAT_T = 4500, PORT_SSH = 22, WHAT_SIZE = 64 };

/* An interface with filters or NAPT, and what it is surveyed with. */
struct filtering {
    const struct survey *survey;
    const struct access_lists *lists;
    const struct section *interface;
    const char *name;
    struct interface_filters filters;
};

static const enum ip_family families[] = {IP_V4, IP_V6};
static const enum filter_direction directions[] = {FILTER_IN, FILTER_OUT};

/* ---- Lines that do nothing ------------------------------------------------------------------------- */

static void check_lines(const struct survey *survey, enum command_id id, enum ip_family family)
{
    const struct setting *s = section_setting(config_global(survey->config), id);
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct access_list_line line;
        access_list_line_of(s, family, &line);
        if (!access_list_line_is_void(&line))
            continue;
        (void)survey_warn(survey, s,
                          protocol_has_ports(line.protocol)
                              ? "a range of ports ends before it begins: the line matches nothing"
                              : "this protocol has no ports: the line matches nothing");
    }
}

static void check_loopback(const struct survey *survey, const struct section *interface)
{
    static const enum command_id rows[] = {COMMAND_IP_TCP_ADJUST_MSS,   COMMAND_IP_NAPT_ENABLE,
                                           COMMAND_IP_FILTER,           COMMAND_IPV6_FILTER,
                                           COMMAND_IPV6_TCP_ADJUST_MSS, COMMAND_IP_NAPT_STATIC};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct setting *s = section_setting(interface, rows[i]);
        if (s != NULL)
            (void)survey_warn(survey, s, "no packet passes a Loopback: the line has no effect");
    }
}

static void check_static(const struct filtering *at)
{
    const struct setting *s = section_setting(at->interface, COMMAND_IP_NAPT_STATIC);
    if (s != NULL && !at->filters.napt)
        (void)survey_warn(at->survey, s, "without `ip napt enable` the line has no effect");
}

/* ---- What must not be blocked ---------------------------------------------------------------------- */

/* The first filter of that family and direction. */
static const struct setting *filter_setting(const struct filtering *at, enum ip_family family,
                                            enum filter_direction direction)
{
    const struct setting *s =
        section_setting(at->interface, family == IP_V4 ? COMMAND_IP_FILTER : COMMAND_IPV6_FILTER);
    while (s != NULL && line_has(&s->line, "out") != (direction == FILTER_OUT))
        s = setting_next_of_row(s);
    return s;
}

/* True if the filters surely drop packets between `peer`, which may not be known, and `port` of this device.
 */
static bool blocks(const struct filtering *at, enum filter_direction direction, enum ip_family family,
                   const struct ip_address *peer, int protocol, int port)
{
    struct filtered_packet packet = {
        .family = family,
        .protocol = protocol,
        .source_port = direction == FILTER_OUT ? port : -1,
        .destination_port = direction == FILTER_IN ? port : -1,
    };
    *(direction == FILTER_IN ? &packet.source : &packet.destination) = *peer;
    return !interface_filters_pass(&at->filters, at->lists, direction, &packet);
}

static void check_ssh(const struct filtering *at)
{
    const struct ip_address anybody = {0};
    for (size_t f = 0; f < 2; f++) {
        for (size_t d = 0; d < 2; d++) {
            if (blocks(at, directions[d], families[f], &anybody, IP_PROTOCOL_TCP, PORT_SSH))
                (void)survey_warn(at->survey, filter_setting(at, families[f], directions[d]),
                                  "the %s filters of %s (`%s`) end SSH sessions with this device over IPv%d: "
                                  "they drop TCP port 22",
                                  families[f] == IP_V4 ? "ip" : "ipv6", at->name,
                                  directions[d] == FILTER_IN ? "in" : "out", (int)families[f]);
        }
    }
}

/* What of IKE and ESP with the peer is blocked, in words; "" if nothing is. */
static const char *blocked_of(const struct filtering *at, enum filter_direction direction,
                              enum ip_family family, const struct ip_address *peer, char out[WHAT_SIZE])
{
    static const struct {
        int protocol, port;
        const char *name;
    } needed[] = {
        {IP_PROTOCOL_UDP, PORT_IKE, "UDP port 500"},
        {IP_PROTOCOL_UDP, PORT_NAT_T, "UDP port 4500"},
        {IP_PROTOCOL_ESP, -1, "ESP (50)"},
    };
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (blocks(at, direction, family, peer, needed[i].protocol, needed[i].port))
            length += (size_t)snprintf(out + length, WHAT_SIZE - length, "%s%s", length == 0 ? "" : ", ",
                                       needed[i].name);
    }
    return out;
}

/* True if an address of the interface is in the same network. */
static bool is_on_link(const struct section *interface, const struct ip_address *address)
{
    static const enum command_id rows[] = {COMMAND_IP_ADDRESS, COMMAND_IPV6_ADDRESS};
    struct ip_prefix network;
    for (size_t i = 0; i < 2; i++) {
        for (const struct setting *s = section_setting(interface, rows[i]); s != NULL;
             s = setting_next_of_row(s)) {
            if (line_prefix(&s->line, "address", &network) && ip_prefix_contains(&network, address))
                return true;
        }
    }
    return false;
}

/* True if a default route leaves by the interface. */
static bool has_default_route(const struct filtering *at, enum ip_family family)
{
    const struct setting *s = section_setting(config_global(at->survey->config),
                                              family == IP_V6 ? COMMAND_IPV6_ROUTE : COMMAND_IP_ROUTE);
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct ip_address hop;
        const char *interface = line_argument(&s->line, "interface");
        if (!line_has(&s->line, "default"))
            continue;
        if (interface != NULL && strcmp(interface, at->name) == 0)
            return true;
        if (line_address(&s->line, "next-hop", &hop) && is_on_link(at->interface, &hop))
            return true;
    }
    return false;
}

/* True if IKE and ESP of the tunnel leave by the interface, as far as the config tells. */
static bool carries(const struct filtering *at, const struct tunnel_policy *policy, enum ip_family family)
{
    if (policy->outgoing != OUTGOING_ROUTED)
        return strcmp(policy->out_interface, at->name) == 0;
    if (policy->source_kind == SOURCE_INTERFACE)
        return strcmp(policy->source_interface, at->name) == 0;
    return is_on_link(at->interface, &policy->peer_address) || has_default_route(at, family);
}

/* S30, for one tunnel. True if there was a warning. */
static bool check_ike(const struct filtering *at, const struct tunnel_policy *policy)
{
    char what[WHAT_SIZE], address[IP_TEXT_SIZE];
    const struct ip_address *peer = &policy->peer_address;
    enum ip_family family = policy->peer_kind == PEER_ADDRESS ? peer->family : policy->peer_family;
    bool warned = false;
    if (family == IP_NONE)
        family = IP_V4;
    if (!policy->defined || policy->shut_down || !carries(at, policy, family))
        return false;
    for (size_t d = 0; d < 2; d++) {
        if (blocked_of(at, directions[d], family, peer, what)[0] == '\0')
            continue;
        warned = true;
        (void)survey_warn(at->survey, filter_setting(at, family, directions[d]),
                          "the filters of %s (`%s`) block %s, which %s needs %s %s", at->name,
                          directions[d] == FILTER_IN ? "in" : "out", what, policy->name,
                          directions[d] == FILTER_IN ? "from" : "to",
                          peer->family != IP_NONE ? ip_address_format(peer, address) : "its peer");
    }
    return warned;
}

/* ---- The whole ------------------------------------------------------------------------------------- */

static void check_interface(const struct survey *survey, const struct access_lists *lists,
                            const struct tunnel_policies *policies, const struct setting *header)
{
    struct filtering at = {
        .survey = survey,
        .lists = lists,
        .interface = header->under,
        .name = line_argument(&header->line, "interface"),
    };
    if (header->under->mode == MODE_LOOPBACK) {
        check_loopback(survey, header->under);
        return;
    }
    if (!interface_filters_of(header->under, &at.filters))
        return;
    check_static(&at);
    check_ssh(&at);
    for (size_t i = 0; at.filters.filter_count > 0 && i < policies->count; i++) {
        if (check_ike(&at, &policies->items[i])) /* once for an interface */
            break;
    }
    interface_filters_free(&at.filters);
}

void survey_filters(const struct survey *survey, const struct tunnel_policies *policies)
{
    struct access_lists lists;
    check_lines(survey, COMMAND_IP_ACCESS_LIST, IP_V4);
    check_lines(survey, COMMAND_IPV6_ACCESS_LIST, IP_V6);
    if (!access_lists_of(survey->config, &lists))
        return;
    const struct setting *s = section_setting(config_global(survey->config), COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s))
        check_interface(survey, &lists, policies, s);
    access_lists_free(&lists);
}
