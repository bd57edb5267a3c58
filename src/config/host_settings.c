#include "config/host_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_DISTANCE = 1 };

static size_t count_row(const struct section *section, enum command_id id)
{
    size_t count = 0;
    for (const struct setting *s = section_setting(section, id); s != NULL; s = setting_next_of_row(s))
        count++;
    return count;
}

static void copy_argument(const struct setting *s, const char *label, char *out, size_t size)
{
    const char *word = s == NULL ? NULL : line_argument(&s->line, label);
    if (word != NULL)
        (void)snprintf(out, size, "%s", word);
}

static bool read_addresses(const struct section *section, enum command_id id, struct interface_family *out)
{
    size_t count = count_row(section, id);
    if (count == 0)
        return true;
    out->addresses = calloc(count, sizeof *out->addresses);
    if (out->addresses == NULL)
        return false;
    for (const struct setting *s = section_setting(section, id); s != NULL; s = setting_next_of_row(s))
        (void)line_prefix(&s->line, "address", &out->addresses[out->address_count++]);
    return true;
}

static uint16_t octets_of(const struct section *section, enum command_id id)
{
    uint32_t octets = 0;
    const struct setting *s = section_setting(section, id);
    if (s != NULL)
        (void)line_number(&s->line, "octets", &octets);
    return (uint16_t)octets;
}

/* The rows of the `ip …` or `ipv6 …` lines. */
struct family_rows {
    enum command_id address, unnumbered, mtu, adjust_mss;
};

static const struct family_rows ipv4_rows = {COMMAND_IP_ADDRESS, COMMAND_IP_UNNUMBERED, COMMAND_IP_MTU,
                                             COMMAND_IP_TCP_ADJUST_MSS};
static const struct family_rows ipv6_rows = {COMMAND_IPV6_ADDRESS, COMMAND_IPV6_UNNUMBERED, COMMAND_IPV6_MTU,
                                             COMMAND_IPV6_TCP_ADJUST_MSS};

static bool read_family(const struct section *section, const struct family_rows *rows,
                        struct interface_family *out)
{
    copy_argument(section_setting(section, rows->unnumbered), "interface", out->unnumbered,
                  sizeof out->unnumbered);
    out->mtu = octets_of(section, rows->mtu);
    out->adjust_mss = octets_of(section, rows->adjust_mss);
    const struct setting *mss = section_setting(section, rows->adjust_mss);
    out->adjust_mss_auto = mss != NULL && line_has(&mss->line, "auto");
    return read_addresses(section, rows->address, out);
}

/* Without the quotes. */
static void read_description(const struct section *section, char out[DESCRIPTION_SIZE])
{
    const struct setting *s = section_setting(section, COMMAND_DESCRIPTION);
    const char *text = s == NULL ? "" : line_argument(&s->line, "text");
    struct words words;
    words_split(text, strlen(text), &words);
    size_t length = 0;
    for (size_t i = 0; i < words.count && length + 1 < DESCRIPTION_SIZE; i++)
        length += (size_t)snprintf(out + length, DESCRIPTION_SIZE - length, "%s%s", i == 0 ? "" : " ",
                                   words.word[i].text);
}

/* What follows a word at the beginning of a text; NULL if it begins otherwise. */
static const char *after_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    text += strspn(text, " \t");
    bool begins = strncmp(text, word, length) == 0 && strchr(" \t", text[length]) != NULL;
    return begins ? text + length : NULL;
}

/* True if a foreign line says that Linux sets the address: a DHCP client, or PPP. */
static bool has_dynamic_address(const struct section *section)
{
    for (const struct setting *s = section->first; s != NULL; s = s->next) {
        const char *rest = s->foreign != NULL && !s->foreign_under ? after_word(s->foreign, "ip") : NULL;
        rest = rest != NULL ? after_word(rest, "address") : NULL;
        if (rest != NULL && (after_word(rest, "dhcp") != NULL || after_word(rest, "ipcp") != NULL))
            return true;
    }
    return false;
}

static bool read_interface(const struct setting *header, struct configured_interface *out)
{
    const struct section *section = header->under;
    copy_argument(header, "interface", out->name, sizeof out->name);
    (void)line_interface(&header->line, "interface", &out->parts);
    out->line = header->source.line;
    const struct setting *shutdown = section_setting(section, COMMAND_SHUTDOWN);
    if (shutdown != NULL)
        out->admin = shutdown->line.negated ? ADMIN_UP : ADMIN_DOWN;
    out->tunnel_ikev2 = section_setting(section, COMMAND_TUNNEL_MODE) != NULL;
    out->dynamic = has_dynamic_address(section);
    out->ipv6_enable = section_setting(section, COMMAND_IPV6_ENABLE) != NULL;
    for (enum command_id id = COMMAND_IPV6_ENABLE; id <= COMMAND_IPV6_FILTER; id++)
        out->ipv6 = out->ipv6 || section_setting(section, id) != NULL;
    read_description(section, out->description);
    return read_family(section, &ipv4_rows, &out->ipv4_lines) &&
           read_family(section, &ipv6_rows, &out->ipv6_lines) && interface_filters_of(section, &out->filters);
}

/* Makes an interface one that its name is found by. */
static bool index_interface(struct host_settings *settings, struct configured_interface *interface)
{
    uint64_t hash = hash_text(HASH_START, interface->name);
    interface->same_hash = map_find(&settings->interfaces_by_name, hash);
    return map_put(&settings->interfaces_by_name, hash, interface);
}

static bool read_interfaces(const struct section *global, struct host_settings *out)
{
    out->interfaces = calloc(count_row(global, COMMAND_INTERFACE) + 1, sizeof *out->interfaces);
    if (out->interfaces == NULL)
        return false;
    const struct setting *s = section_setting(global, COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct configured_interface *interface = &out->interfaces[out->interface_count++];
        if (!read_interface(s, interface) || !index_interface(out, interface))
            return false;
    }
    return true;
}

static bool read_ports(const struct section *global, struct host_settings *out)
{
    out->ports = calloc(count_row(global, COMMAND_DEVICE) + 1, sizeof *out->ports);
    if (out->ports == NULL)
        return false;
    const struct setting *s = section_setting(global, COMMAND_DEVICE);
    for (; s != NULL; s = setting_next_of_row(s)) {
        const struct setting *link = section_setting(s->under, COMMAND_LINUX_INTERFACE);
        if (link == NULL)
            continue;
        struct configured_port *port = &out->ports[out->port_count++];
        copy_argument(s, "device", port->name, sizeof port->name);
        port->line = link->source.line;
        copy_argument(link, "name", port->linux_name, sizeof port->linux_name);
    }
    return true;
}

static void read_route(const struct setting *s, enum ip_family family, struct configured_route *out)
{
    out->line = s->source.line;
    out->prefix.address.family = family;
    if (line_prefix(&s->line, "prefix", &out->prefix))
        out->prefix.address = ip_prefix_first(&out->prefix);
    out->target = ROUTE_BLACKHOLE;
    if (line_next_hop(&s->line, &out->next_hop, out->interface)) {
        out->target = ROUTE_NEXT_HOP;
    } else if (line_argument(&s->line, "interface") != NULL) {
        out->target = ROUTE_INTERFACE;
        copy_argument(s, "interface", out->interface, sizeof out->interface);
    }
    uint32_t distance = DEFAULT_DISTANCE;
    (void)line_number(&s->line, "distance", &distance);
    out->distance = (uint8_t)distance;
}

static bool read_routes(const struct section *global, struct host_settings *out)
{
    static const struct {
        enum command_id row;
        enum ip_family family;
    } rows[] = {{COMMAND_IP_ROUTE, IP_V4}, {COMMAND_IPV6_ROUTE, IP_V6}};
    size_t count = count_row(global, COMMAND_IP_ROUTE) + count_row(global, COMMAND_IPV6_ROUTE);
    out->routes = calloc(count + 1, sizeof *out->routes);
    if (out->routes == NULL)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const struct setting *s = section_setting(global, rows[i].row);
        for (; s != NULL; s = setting_next_of_row(s))
            read_route(s, rows[i].family, &out->routes[out->route_count++]);
    }
    return true;
}

static bool read_name_servers(const struct section *global, struct host_settings *out)
{
    static const enum command_id rows[] = {COMMAND_DNS_SERVER, COMMAND_IP_NAME_SERVER};
    size_t count = count_row(global, rows[0]) + count_row(global, rows[1]);
    out->name_servers = calloc(count + 1, sizeof *out->name_servers);
    out->name_server_lines = calloc(count + 1, sizeof *out->name_server_lines);
    if (out->name_servers == NULL || out->name_server_lines == NULL)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const struct setting *s = section_setting(global, rows[i]);
        for (; s != NULL; s = setting_next_of_row(s)) {
            out->name_server_lines[out->name_server_count] = s->source.line;
            (void)line_address(&s->line, "server", &out->name_servers[out->name_server_count++]);
        }
    }
    return true;
}

static enum log_level level_of(const struct command_line *line)
{
    static const char *const words[] = {"error", "warn", "notice", "info", "debug"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (line_has(line, words[i]))
            return (enum log_level)i;
    }
    return LOG_LEVEL_WARN;
}

/* The line of a function counts, wherever it stands; else the line of `all`. */
static void read_logging(const struct section *global, struct host_settings *out)
{
    out->ikev2_level = out->ipsec_level = LOG_LEVEL_WARN;
    const struct setting *first = section_setting(global, COMMAND_LOGGING_SUBSYSTEM);
    for (const struct setting *s = first; s != NULL; s = setting_next_of_row(s)) {
        if (line_has(&s->line, "all"))
            out->ikev2_level = out->ipsec_level = level_of(&s->line);
    }
    for (const struct setting *s = first; s != NULL; s = setting_next_of_row(s)) {
        if (line_has(&s->line, "ikev2") || line_has(&s->line, "ike2"))
            out->ikev2_level = level_of(&s->line);
        if (line_has(&s->line, "ipsec"))
            out->ipsec_level = level_of(&s->line);
    }
    const struct setting *buffered = section_setting(global, COMMAND_LOGGING_BUFFERED);
    if (buffered != NULL)
        (void)line_number(&buffered->line, "size", &out->log_size);
}

bool host_settings_of(const struct config *config, struct host_settings *out)
{
    const struct section *global = config_global(config);
    *out = (struct host_settings){0};
    copy_argument(section_setting(global, COMMAND_HOSTNAME), "name", out->host_name, sizeof out->host_name);
    read_logging(global, out);
    bool done = read_interfaces(global, out) && read_ports(global, out) && read_routes(global, out) &&
                read_name_servers(global, out) && access_lists_of(config, &out->access_lists);
    if (!done)
        host_settings_free(out);
    return done;
}

void host_settings_free(struct host_settings *settings)
{
    for (size_t i = 0; i < settings->interface_count; i++) {
        free(settings->interfaces[i].ipv4_lines.addresses);
        free(settings->interfaces[i].ipv6_lines.addresses);
        interface_filters_free(&settings->interfaces[i].filters);
    }
    free(settings->interfaces);
    map_free(&settings->interfaces_by_name);
    free(settings->ports);
    free(settings->routes);
    access_lists_free(&settings->access_lists);
    free(settings->name_servers);
    free(settings->name_server_lines);
    *settings = (struct host_settings){0};
}

const struct configured_interface *host_settings_interface(const struct host_settings *settings,
                                                           const char *name)
{
    const struct configured_interface *interface =
        map_find(&settings->interfaces_by_name, hash_text(HASH_START, name));
    while (interface != NULL && strcmp(interface->name, name) != 0)
        interface = interface->same_hash;
    return interface;
}
