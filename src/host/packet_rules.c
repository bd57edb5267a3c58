#include "host/packet_rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/nft.h"

/*
 * Filters see packets as they are on the wire: those that come in before NAPT translates them (and after they
 * were reassembled for that), those that go out after it.
 */
#define HOOK_UNTRACKED_IN  "type filter hook prerouting priority -300"
#define HOOK_UNTRACKED_OUT "type filter hook output priority -300"
#define HOOK_IN            "type filter hook prerouting priority -150"
#define HOOK_FORWARD       "type filter hook forward priority 0"
#define HOOK_NAPT          "type nat hook postrouting priority 100"
#define HOOK_OUT           "type filter hook postrouting priority 150"

enum { PORT_NAT_T = 4500, PORT_MAX = 65535, PORT_MIDDLE = 32768, PORT_USER = 1024 };

struct writing {
    const struct plan_packets *plan;
    bool *list_used; /* by index of access_lists.lists */
    FILE *out;
};

/* ---- What is wanted -------------------------------------------------------------------------------- */

static bool link_blocks(const struct plan_packet_link *link)
{
    return link->filters->napt || link->filters->filter_count > 0;
}

bool packet_rules_are_empty(const struct plan_packets *plan)
{
    for (size_t i = 0; i < plan->link_count; i++) {
        const struct plan_packet_link *link = &plan->links[i];
        if (link_blocks(link) || link->ipv4_mss.lower || link->ipv6_mss.lower)
            return false;
    }
    return true;
}

bool packet_rules_block(const struct plan_packets *plan)
{
    for (size_t i = 0; i < plan->link_count; i++) {
        if (link_blocks(&plan->links[i]))
            return true;
    }
    return false;
}

static bool any_napt(const struct plan_packets *plan)
{
    for (size_t i = 0; i < plan->link_count; i++) {
        if (plan->links[i].filters->napt)
            return true;
    }
    return false;
}

/* ---- Names ----------------------------------------------------------------------------------------- */

const char *packet_counter_name(enum packet_counter kind, size_t number, size_t part,
                                char out[COUNTER_NAME_SIZE])
{
    static const char *const names[COUNTER_KINDS] = {
        [COUNTER_LINE] = "line",
        [COUNTER_DENIED_IPV4_IN] = "denied_ipv4_in",
        [COUNTER_DENIED_IPV4_OUT] = "denied_ipv4_out",
        [COUNTER_DENIED_IPV6_IN] = "denied_ipv6_in",
        [COUNTER_DENIED_IPV6_OUT] = "denied_ipv6_out",
        [COUNTER_NAPT_CONNECTIONS] = "napt_connections",
        [COUNTER_NAPT_DROPPED] = "napt_dropped",
        [COUNTER_NAPT_STATIC] = "napt_static",
    };
    int length = snprintf(out, COUNTER_NAME_SIZE, "%s_%zu", names[kind], number);
    if (kind == COUNTER_NAPT_STATIC)
        (void)snprintf(out + length, COUNTER_NAME_SIZE - (size_t)length, "_%zu", part);
    return out;
}

/* Declares a counter, and says what it counts: packet_carry knows it again by that. */
__attribute__((format(printf, 4, 5))) static void declare(const struct writing *w, enum packet_counter kind,
                                                          const size_t at[2], const char *what, ...)
{
    char name[COUNTER_NAME_SIZE];
    va_list arguments;
    (void)fprintf(w->out, "\tcounter %s { } # %d ", packet_counter_name(kind, at[0], at[1], name), (int)kind);
    va_start(arguments, what);
    (void)vfprintf(w->out, what, arguments);
    va_end(arguments);
    (void)fputc('\n', w->out);
}

/* One of a link. */
static void declare_of_link(const struct writing *w, enum packet_counter kind,
                            const struct plan_packet_link *link)
{
    declare(w, kind, (const size_t[2]){link->number, 0}, "%s", link->name);
}

/* One of a line of an access list. */
static void declare_of_line(const struct writing *w, const struct access_list *list, size_t number)
{
    char text[ACCESS_LINE_TEXT_SIZE];
    declare(w, COUNTER_LINE, (const size_t[2]){number, 0}, "ipv%d %s %s", (int)list->family, list->name,
            access_list_line_format(&w->plan->lists->lines[number], text));
}

enum packet_counter packet_counter_denied(enum ip_family family, enum filter_direction direction)
{
    if (family == IP_V4)
        return direction == FILTER_IN ? COUNTER_DENIED_IPV4_IN : COUNTER_DENIED_IPV4_OUT;
    return direction == FILTER_IN ? COUNTER_DENIED_IPV6_IN : COUNTER_DENIED_IPV6_OUT;
}

static const char *direction_word(enum filter_direction direction)
{
    return direction == FILTER_IN ? "in" : "out";
}

/* ---- Access lists ---------------------------------------------------------------------------------- */

static void write_prefix(FILE *out, enum ip_family family, const char *side, const struct ip_prefix *prefix)
{
    char text[IP_TEXT_SIZE];
    struct ip_prefix whole = {ip_prefix_first(prefix), prefix->length};
    if (prefix->address.family == IP_NONE || prefix->length == 0)
        return;
    (void)fprintf(out, "%s %s %s ", family == IP_V4 ? "ip" : "ip6", side, ip_prefix_format(&whole, text));
}

static bool names_ports(const struct access_list_line *line)
{
    return !port_range_is_all(&line->source_ports) || !port_range_is_all(&line->destination_ports);
}

/* Addresses and protocol. */
static void write_network_match(FILE *out, enum ip_family family, const struct access_list_line *line)
{
    write_prefix(out, family, "saddr", &line->source);
    write_prefix(out, family, "daddr", &line->destination);
    if (line->protocol != IP_PROTOCOL_ANY)
        (void)fprintf(out, "meta l4proto %d ", line->protocol);
    else if (names_ports(line))
        (void)fprintf(out, "meta l4proto { %d, %d } ", IP_PROTOCOL_TCP, IP_PROTOCOL_UDP);
}

static void write_ports(FILE *out, const char *side, const struct port_range *ports)
{
    if (port_range_is_all(ports))
        return;
    if (ports->low == ports->high)
        (void)fprintf(out, "th %s %u ", side, ports->low);
    else
        (void)fprintf(out, "th %s %u-%u ", side, ports->low, ports->high);
}

/* Fragments but the first have no ports. Those that a line with ports may mean pass, since they are of no use
 * without the first one. */
static void write_line(FILE *out, enum ip_family family, const struct access_list_line *line, size_t number)
{
    char name[COUNTER_NAME_SIZE];
    (void)packet_counter_name(COUNTER_LINE, number, 0, name);
    (void)fputs("\t\t", out);
    write_network_match(out, family, line);
    write_ports(out, "sport", &line->source_ports);
    write_ports(out, "dport", &line->destination_ports);
    (void)fprintf(out, "counter name %s %s\n", name, line->permit ? "accept" : "drop");
    if (!names_ports(line) || !line->permit)
        return;
    (void)fputs("\t\t", out);
    write_network_match(out, family, line);
    (void)fprintf(out, "%s counter name %s accept\n",
                  family == IP_V4 ? "ip frag-off & 0x1fff != 0" : "frag frag-off != 0", name);
}

/* A chain that ends where a line decides, and returns where none does. A comment has 127 octets at most. */
static void write_list(const struct writing *w, size_t index)
{
    enum { NAME_SHOWN = 100 };
    const struct access_lists *lists = w->plan->lists;
    const struct access_list *list = &lists->lists[index];
    (void)fprintf(w->out, "\tchain list_%zu {\n", index);
    if (strpbrk(list->name, "\"\\\n") == NULL)
        (void)fprintf(w->out, "\t\tcomment \"%s access-list %.*s\"\n", list->family == IP_V4 ? "ip" : "ipv6",
                      NAME_SHOWN, list->name);
    for (size_t i = list->first; i < list->first + list->count; i++) {
        if (!access_list_line_is_void(&lists->lines[i]))
            write_line(w->out, list->family, &lists->lines[i], i);
    }
    (void)fputs("\t}\n", w->out);
}

static const struct access_list *list_of(const struct writing *w, const struct interface_filter *filter)
{
    return w->plan->lists == NULL ? NULL : access_lists_find(w->plan->lists, filter->family, filter->list);
}

static void mark_used_lists(const struct writing *w)
{
    for (size_t i = 0; i < w->plan->link_count; i++) {
        const struct interface_filters *filters = w->plan->links[i].filters;
        for (size_t j = 0; j < filters->filter_count; j++) {
            const struct access_list *list = list_of(w, &filters->filters[j]);
            if (list != NULL)
                w->list_used[list - w->plan->lists->lists] = true;
        }
    }
}

static void write_lists(const struct writing *w)
{
    const struct access_lists *lists = w->plan->lists;
    for (size_t i = 0; lists != NULL && i < lists->list_count; i++) {
        if (!w->list_used[i])
            continue;
        for (size_t j = 0; j < lists->lists[i].count; j++)
            declare_of_line(w, &lists->lists[i], lists->lists[i].first + j);
        write_list(w, i);
    }
}

/* ---- Filters --------------------------------------------------------------------------------------- */

static const enum ip_family families[] = {IP_V4, IP_V6};

static void write_filter_chain(const struct writing *w, const struct plan_packet_link *link,
                               enum ip_family family, enum filter_direction direction)
{
    size_t count;
    char name[COUNTER_NAME_SIZE];
    const struct interface_filter *run = interface_filters_run(link->filters, family, direction, &count);
    enum packet_counter denied = packet_counter_denied(family, direction);
    if (count == 0)
        return;
    declare_of_link(w, denied, link);
    (void)fprintf(w->out, "\tchain filter_ipv%d_%s_%zu {\n", (int)family, direction_word(direction),
                  link->number);
    for (size_t i = 0; i < count; i++) {
        const struct access_list *list = list_of(w, &run[i]);
        if (list != NULL)
            (void)fprintf(w->out, "\t\tjump list_%zu\n", (size_t)(list - w->plan->lists->lists));
    }
    (void)fprintf(w->out, "\t\tcounter name %s drop\n\t}\n",
                  packet_counter_name(denied, link->number, 0, name));
}

/* Writes the members of the map from link and family to chain; returns their number. */
static size_t write_filter_map(const struct writing *w, enum filter_direction direction)
{
    size_t members = 0;
    for (size_t i = 0; i < w->plan->link_count; i++) {
        const struct plan_packet_link *link = &w->plan->links[i];
        for (size_t f = 0; f < 2; f++) {
            size_t count;
            (void)interface_filters_run(link->filters, families[f], direction, &count);
            if (count == 0)
                continue;
            (void)fprintf(w->out, "%s\n\t\t\t\"%s\" . ipv%d : jump filter_ipv%d_%s_%zu",
                          members++ > 0 ? "," : "", link->name, (int)families[f], (int)families[f],
                          direction_word(direction), link->number);
        }
    }
    return members;
}

static bool any_filter(const struct plan_packets *plan, enum filter_direction direction)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->link_count && count == 0; i++) {
        for (size_t f = 0; f < 2 && count == 0; f++)
            (void)interface_filters_run(plan->links[i].filters, families[f], direction, &count);
    }
    return count > 0;
}

/* Neighbor Discovery is to IPv6 what ARP is to IPv4, which no filter sees. */
static void write_filters_of(const struct writing *w, enum filter_direction direction)
{
    if (!any_filter(w->plan, direction))
        return;
    for (size_t i = 0; i < w->plan->link_count; i++) {
        for (size_t f = 0; f < 2; f++)
            write_filter_chain(w, &w->plan->links[i], families[f], direction);
    }
    (void)fprintf(w->out,
                  "\tchain filter_%s {\n\t\t%s\n"
                  "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept\n"
                  "\t\t%s . meta nfproto vmap {",
                  direction_word(direction), direction == FILTER_IN ? HOOK_IN : HOOK_OUT,
                  direction == FILTER_IN ? "iifname" : "oifname");
    (void)write_filter_map(w, direction);
    (void)fputs("\n\t\t}\n\t}\n", w->out);
}

/* ---- NAPT ------------------------------------------------------------------------------------------ */

static void write_static_match(FILE *out, const struct napt_static *line, const char *side)
{
    (void)fprintf(out, "meta l4proto %d ", line->protocol);
    if (line->port != 0)
        (void)fprintf(out, "th %s %u ", side, line->port);
}

/* ESP and UDP port 4500 of this device need no connection tracking: they are never translated, and each
 * packet would cost a look-up (S36). */
static void write_untracked(const struct writing *w)
{
    char name[COUNTER_NAME_SIZE];
    (void)fputs("\tchain untracked_in {\n\t\t" HOOK_UNTRACKED_IN "\n", w->out);
    for (size_t i = 0; i < w->plan->link_count; i++) {
        const struct plan_packet_link *link = &w->plan->links[i];
        for (size_t j = 0; link->filters->napt && j < link->filters->static_count; j++) {
            (void)fprintf(w->out, "\t\tiifname \"%s\" meta nfproto ipv4 ", link->name);
            write_static_match(w->out, &link->filters->statics[j], "dport");
            (void)fprintf(w->out, "fib daddr type local counter name %s\n",
                          packet_counter_name(COUNTER_NAPT_STATIC, link->number, j, name));
        }
    }
    (void)fprintf(w->out,
                  "\t\tmeta l4proto %d fib daddr type local notrack\n"
                  "\t\tudp dport %d fib daddr type local notrack\n\t}\n"
                  "\tchain untracked_out {\n\t\t" HOOK_UNTRACKED_OUT "\n"
                  "\t\tmeta l4proto %d notrack\n\t\tudp sport %d notrack\n\t}\n",
                  IP_PROTOCOL_ESP, PORT_NAT_T, IP_PROTOCOL_ESP, PORT_NAT_T);
}

/* A port that is this device's is no port of a mapping. Linux keeps a client's own port where it can, so only
 * a client with the same port has to be moved. */
static void write_moved_port(FILE *out, const struct napt_static *line, const char *translate)
{
    unsigned least = line->protocol == IP_PROTOCOL_UDP ? PORT_NAT_T + 1U : PORT_USER;
    bool above = line->port < PORT_MIDDLE;
    unsigned low = above && line->port >= least ? line->port + 1U : least;
    (void)fputs("\t\t", out);
    write_static_match(out, line, "sport");
    (void)fprintf(out, "%s:%u-%u\n", translate, low, above ? PORT_MAX : line->port - 1U);
}

/* UDP ports up to 4500 are left to this device: IKE is sent from two of them. */
static void write_napt_chain(const struct writing *w, const struct plan_packet_link *link)
{
    char name[COUNTER_NAME_SIZE];
    char address[IP_TEXT_SIZE];
    char translate[sizeof("snat ip to ") + IP_TEXT_SIZE] = "masquerade to ";
    bool by_linux = link->napt_source.family == IP_NONE;
    if (!by_linux)
        (void)snprintf(translate, sizeof translate, "snat ip to %s",
                       ip_address_format(&link->napt_source, address));
    declare_of_link(w, COUNTER_NAPT_CONNECTIONS, link);
    declare_of_link(w, COUNTER_NAPT_DROPPED, link);
    for (size_t i = 0; i < link->filters->static_count; i++)
        declare(w, COUNTER_NAPT_STATIC, (const size_t[2]){link->number, i}, "%s %d %u", link->name,
                link->filters->statics[i].protocol, link->filters->statics[i].port);
    (void)fprintf(w->out, "\tchain napt_%zu {\n\t\tcounter name %s\n", link->number,
                  packet_counter_name(COUNTER_NAPT_CONNECTIONS, link->number, 0, name));
    for (size_t i = 0; i < link->filters->static_count; i++) {
        if (link->filters->statics[i].port != 0)
            write_moved_port(w->out, &link->filters->statics[i], translate);
    }
    (void)fprintf(w->out, "\t\tmeta l4proto %d %s:%d-%d\n\t\t%s\n\t}\n", IP_PROTOCOL_UDP, translate,
                  PORT_NAT_T + 1, PORT_MAX, by_linux ? "masquerade" : translate);
}

/* This device's own packets have an address of the interface already (or one that was chosen on purpose). */
static void write_napt(const struct writing *w)
{
    if (!any_napt(w->plan))
        return;
    for (size_t i = 0; i < w->plan->link_count; i++) {
        if (w->plan->links[i].filters->napt)
            write_napt_chain(w, &w->plan->links[i]);
    }
    write_untracked(w);
    (void)fputs("\tchain napt {\n\t\t" HOOK_NAPT "\n\t\tfib saddr type local return\n", w->out);
    for (size_t i = 0; i < w->plan->link_count; i++) {
        const struct plan_packet_link *link = &w->plan->links[i];
        if (link->filters->napt)
            (void)fprintf(w->out, "\t\toifname \"%s\" meta nfproto ipv4 jump napt_%zu\n", link->name,
                          link->number);
    }
    (void)fputs("\t}\n", w->out);
}

/* ---- What is forwarded ----------------------------------------------------------------------------- */

/* True if NAPT can tell this device's packets of a protocol from those of hosts inside: by ports, or by the
 * identifiers of ICMP. */
static bool can_be_shared(int protocol)
{
    return protocol == IP_PROTOCOL_ICMP || protocol_has_ports(protocol);
}

/* Packets from outside without a mapping; and those from inside of a protocol that is this device's alone. */
static void write_napt_drops(const struct writing *w, const struct plan_packet_link *link)
{
    char name[COUNTER_NAME_SIZE];
    (void)packet_counter_name(COUNTER_NAPT_DROPPED, link->number, 0, name);
    (void)fprintf(w->out,
                  "\t\tiifname \"%s\" meta nfproto ipv4 ct state invalid,new,untracked counter name %s "
                  "drop\n",
                  link->name, name);
    for (size_t i = 0; i < link->filters->static_count; i++) {
        if (link->filters->statics[i].port == 0 && !can_be_shared(link->filters->statics[i].protocol))
            (void)fprintf(w->out, "\t\toifname \"%s\" meta nfproto ipv4 meta l4proto %d drop\n", link->name,
                          link->filters->statics[i].protocol);
    }
}

/* Linux never raises an MSS. */
static void write_mss(const struct writing *w, const char *link, enum ip_family family,
                      const struct plan_mss *mss)
{
    static const char *const sides[] = {"iifname", "oifname"};
    for (size_t i = 0; mss->lower && i < 2; i++) {
        (void)fprintf(
            w->out,
            "\t\t%s \"%s\" meta nfproto ipv%d tcp flags & (syn | rst) == syn tcp option maxseg size "
            "set ",
            sides[i], link, (int)family);
        if (mss->octets == 0)
            (void)fputs("rt mtu\n", w->out);
        else
            (void)fprintf(w->out, "%u\n", mss->octets);
    }
}

static void write_forward(const struct writing *w)
{
    (void)fputs("\tchain forward {\n\t\t" HOOK_FORWARD "\n", w->out);
    for (size_t i = 0; i < w->plan->link_count; i++) {
        const struct plan_packet_link *link = &w->plan->links[i];
        if (link->filters->napt)
            write_napt_drops(w, link);
    }
    for (size_t i = 0; i < w->plan->link_count; i++) {
        const struct plan_packet_link *link = &w->plan->links[i];
        write_mss(w, link->name, IP_V4, &link->ipv4_mss);
        write_mss(w, link->name, IP_V6, &link->ipv6_mss);
    }
    (void)fputs("\t}\n", w->out);
}

/* ---- The whole ------------------------------------------------------------------------------------- */

/* Linux allows a link nearly any name; nft would take some of them for patterns. */
static bool names_can_be_written(const struct plan_packets *plan, struct host_error *err)
{
    for (size_t i = 0; i < plan->link_count; i++) {
        if (strpbrk(plan->links[i].name, "\"\\*\n") != NULL)
            return host_fail(err, 0, "packet rules can't name the link %s", plan->links[i].name);
    }
    return true;
}

/* The table is added first so that it can be deleted: this is one transaction. */
static void write_all(const struct writing *w)
{
    (void)fputs("add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE "\ntable inet " NFT_TABLE " {\n",
                w->out);
    write_lists(w);
    write_filters_of(w, FILTER_IN);
    write_filters_of(w, FILTER_OUT);
    write_napt(w);
    write_forward(w);
    (void)fputs("}\n", w->out);
}

char *packet_rules_text(const struct plan_packets *plan, struct host_error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (!names_can_be_written(plan, err))
        return NULL;
    struct writing w = {
        .plan = plan,
        .list_used = calloc(plan->lists != NULL ? plan->lists->list_count + 1 : 1, sizeof *w.list_used),
        .out = open_memstream(&text, &length),
    };
    bool done = w.list_used != NULL && w.out != NULL;
    if (done) {
        mark_used_lists(&w);
        write_all(&w);
    }
    if (w.out != NULL && fclose(w.out) != 0)
        done = false;
    free(w.list_used);
    if (done)
        return text;
    free(text);
    (void)host_fail(err, ENOMEM, "cannot plan the packet rules");
    return NULL;
}
