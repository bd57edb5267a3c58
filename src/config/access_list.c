#include "config/access_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/pattern.h"

/* Where the words of a line stand: `ip access-list NAME permit PROTOCOL src …`. */
enum { WORD_NAME = 2, WORD_PROTOCOL = 4 };

enum { IP_PROTOCOL_DCCP = 33, IP_PROTOCOL_SCTP = 132, IP_PROTOCOL_UDPLITE = 136 };

static const struct port_range all_ports = {0, UINT16_MAX};

/* ---- Reading --------------------------------------------------------------------------------------- */

static int protocol_of(const struct command_line *line, enum ip_family family)
{
    uint32_t number;
    const char *word = line_word_at(line, WORD_PROTOCOL);
    if (line_number(line, "protocol", &number))
        return (int)number;
    if (strcmp(word, "tcp") == 0)
        return IP_PROTOCOL_TCP;
    if (strcmp(word, "udp") == 0)
        return IP_PROTOCOL_UDP;
    if (strcmp(word, "icmp") == 0)
        return family == IP_V4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6;
    return IP_PROTOCOL_ANY;
}

/* The index of a keyword behind the protocol; the count of words if there is none. */
static size_t find_keyword(const struct command_line *line, const char *keyword)
{
    for (size_t i = WORD_PROTOCOL + 1; i < line->count; i++) {
        if (!element_is_argument(line_element_at(line, i)) && strcmp(line_word_at(line, i), keyword) == 0)
            return i;
    }
    return line->count;
}

static uint16_t number_at(const struct command_line *line, size_t index)
{
    return (uint16_t)strtoul(line_word_at(line, index), NULL, 10);
}

/* The ports behind `sport` or `dport`. */
static struct port_range ports_of(const struct command_line *line, const char *keyword)
{
    size_t at = find_keyword(line, keyword) + 1;
    if (at >= line->count || strcmp(line_word_at(line, at), "any") == 0)
        return all_ports;
    struct port_range ports = {number_at(line, at + 1), number_at(line, at + 1)};
    if (strcmp(line_word_at(line, at), "range") == 0)
        ports.high = number_at(line, at + 2);
    return ports;
}

void access_list_line_of(const struct setting *s, enum ip_family family, struct access_list_line *out)
{
    *out = (struct access_list_line){0};
    out->permit = line_has(&s->line, "permit");
    out->protocol = protocol_of(&s->line, family);
    (void)line_prefix(&s->line, "source", &out->source);
    (void)line_prefix(&s->line, "destination", &out->destination);
    out->source_ports = ports_of(&s->line, "sport");
    out->destination_ports = ports_of(&s->line, "dport");
}

static uint64_t hash_of(enum ip_family family, const char *name)
{
    return hash_text(hash_number(HASH_START, family), name);
}

/* The list of that name, made if there is none; NULL if memory ran out. There is room in the array. */
static struct access_list *list_named(struct access_lists *lists, enum ip_family family, const char *name)
{
    uint64_t hash = hash_of(family, name);
    struct access_list *first = map_find(&lists->by_name, hash);
    for (struct access_list *list = first; list != NULL; list = list->same_hash) {
        if (list->family == family && strcmp(list->name, name) == 0)
            return list;
    }
    struct access_list *list = &lists->lists[lists->list_count];
    *list = (struct access_list){.family = family, .same_hash = first};
    (void)snprintf(list->name, sizeof list->name, "%s", name);
    if (!map_put(&lists->by_name, hash, list))
        return NULL;
    lists->list_count++;
    return list;
}

static bool read_lines(struct access_lists *lists, const struct setting *s, enum ip_family family)
{
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct access_list *list = list_named(lists, family, line_word_at(&s->line, WORD_NAME));
        if (list == NULL)
            return false;
        struct access_list_line *line = &lists->lines[lists->line_count++];
        access_list_line_of(s, family, line);
        line->list = (size_t)(list - lists->lists);
        list->count++;
    }
    return true;
}

/* Puts the lines of each list together, in the order of the config. */
static bool group_lines(struct access_lists *lists)
{
    struct access_list_line *grouped = calloc(lists->line_count + 1, sizeof *grouped);
    if (grouped == NULL)
        return false;
    size_t first = 0;
    for (size_t i = 0; i < lists->list_count; i++) {
        lists->lists[i].first = first;
        first += lists->lists[i].count;
        lists->lists[i].count = 0;
    }
    for (size_t i = 0; i < lists->line_count; i++) {
        struct access_list *list = &lists->lists[lists->lines[i].list];
        grouped[list->first + list->count++] = lists->lines[i];
    }
    free(lists->lines);
    lists->lines = grouped;
    return true;
}

static size_t count_of_row(const struct setting *s)
{
    size_t count = 0;
    for (; s != NULL; s = setting_next_of_row(s))
        count++;
    return count;
}

bool access_lists_of(const struct config *config, struct access_lists *out)
{
    const struct section *global = config_global(config);
    const struct setting *ipv4 = section_setting(global, COMMAND_IP_ACCESS_LIST);
    const struct setting *ipv6 = section_setting(global, COMMAND_IPV6_ACCESS_LIST);
    size_t count = count_of_row(ipv4) + count_of_row(ipv6);
    *out = (struct access_lists){
        .lists = calloc(count + 1, sizeof *out->lists),
        .lines = calloc(count + 1, sizeof *out->lines),
        .by_name = map_with_seed(0),
    };
    bool done = out->lists != NULL && out->lines != NULL && read_lines(out, ipv4, IP_V4) &&
                read_lines(out, ipv6, IP_V6) && group_lines(out);
    if (!done)
        access_lists_free(out);
    return done;
}

void access_lists_free(struct access_lists *lists)
{
    free(lists->lists);
    free(lists->lines);
    map_free(&lists->by_name);
    *lists = (struct access_lists){0};
}

const struct access_list *access_lists_find(const struct access_lists *lists, enum ip_family family,
                                            const char *name)
{
    const struct access_list *list = map_find(&lists->by_name, hash_of(family, name));
    while (list != NULL && (list->family != family || strcmp(list->name, name) != 0))
        list = list->same_hash;
    return list;
}

/* ---- Writing --------------------------------------------------------------------------------------- */

static char *append_prefix(char *at, const char *keyword, const struct ip_prefix *prefix)
{
    char text[IP_TEXT_SIZE] = "any";
    if (prefix->address.family != IP_NONE)
        (void)ip_prefix_format(prefix, text);
    return at + sprintf(at, " %s %s", keyword, text);
}

static char *append_ports(char *at, const char *keyword, const struct port_range *ports)
{
    if (port_range_is_all(ports))
        return at;
    if (ports->low == ports->high)
        return at + sprintf(at, " %s eq %u", keyword, ports->low);
    return at + sprintf(at, " %s range %u %u", keyword, ports->low, ports->high);
}

static const char *protocol_format(int protocol, char out[8])
{
    if (protocol == IP_PROTOCOL_ICMP || protocol == IP_PROTOCOL_ICMPV6)
        return "icmp";
    if (protocol == IP_PROTOCOL_ANY || protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP)
        return protocol == IP_PROTOCOL_ANY ? "ip" : protocol == IP_PROTOCOL_TCP ? "tcp" : "udp";
    (void)snprintf(out, 8, "%d", protocol);
    return out;
}

const char *access_list_line_format(const struct access_list_line *line, char out[ACCESS_LINE_TEXT_SIZE])
{
    char protocol[8];
    char *at = out + sprintf(out, "%s %s", line->permit ? "permit" : "deny",
                             protocol_format(line->protocol, protocol));
    at = append_prefix(at, "src", &line->source);
    at = append_ports(at, "sport", &line->source_ports);
    at = append_prefix(at, "dest", &line->destination);
    (void)append_ports(at, "dport", &line->destination_ports);
    return out;
}

/* ---- Matching -------------------------------------------------------------------------------------- */

bool port_range_is_all(const struct port_range *ports)
{
    return ports->low == 0 && ports->high == UINT16_MAX;
}

bool protocol_has_ports(int protocol)
{
    static const int with_ports[] = {IP_PROTOCOL_ANY,  IP_PROTOCOL_TCP,  IP_PROTOCOL_UDP,
                                     IP_PROTOCOL_DCCP, IP_PROTOCOL_SCTP, IP_PROTOCOL_UDPLITE};
    for (size_t i = 0; i < sizeof with_ports / sizeof *with_ports; i++) {
        if (with_ports[i] == protocol)
            return true;
    }
    return false;
}

bool access_list_line_is_void(const struct access_list_line *line)
{
    const struct port_range *source = &line->source_ports, *destination = &line->destination_ports;
    if (source->low > source->high || destination->low > destination->high)
        return true;
    return !protocol_has_ports(line->protocol) &&
           !(port_range_is_all(source) && port_range_is_all(destination));
}

enum fit { FITS_NOT, FITS_PERHAPS, FITS };

static enum fit address_fit(const struct ip_prefix *prefix, const struct ip_address *address)
{
    if (prefix->address.family == IP_NONE || prefix->length == 0)
        return FITS;
    if (address->family == IP_NONE)
        return FITS_PERHAPS;
    return ip_prefix_contains(prefix, address) ? FITS : FITS_NOT;
}

static enum fit port_fit(const struct port_range *ports, int port)
{
    if (port_range_is_all(ports))
        return FITS;
    if (port < 0)
        return FITS_PERHAPS;
    return port >= ports->low && port <= ports->high ? FITS : FITS_NOT;
}

static enum fit worse(enum fit a, enum fit b)
{
    return a < b ? a : b;
}

static enum fit line_fit(const struct access_list_line *line, const struct filtered_packet *packet)
{
    if (access_list_line_is_void(line))
        return FITS_NOT;
    enum fit fit = line->protocol == IP_PROTOCOL_ANY || line->protocol == packet->protocol ? FITS : FITS_NOT;
    fit = worse(fit, address_fit(&line->source, &packet->source));
    fit = worse(fit, address_fit(&line->destination, &packet->destination));
    if (!protocol_has_ports(packet->protocol))
        return port_range_is_all(&line->source_ports) && port_range_is_all(&line->destination_ports)
                   ? fit
                   : FITS_NOT;
    fit = worse(fit, port_fit(&line->source_ports, packet->source_port));
    return worse(fit, port_fit(&line->destination_ports, packet->destination_port));
}

enum access_verdict access_list_verdict(const struct access_lists *lists, const struct access_list *list,
                                        const struct filtered_packet *packet)
{
    for (size_t i = list->first; i < list->first + list->count; i++) {
        const struct access_list_line *line = &lists->lines[i];
        enum fit fit = line_fit(line, packet);
        if (fit == FITS || (fit == FITS_PERHAPS && line->permit))
            return line->permit ? ACCESS_PERMITTED : ACCESS_DENIED;
    }
    return ACCESS_UNSAID;
}
