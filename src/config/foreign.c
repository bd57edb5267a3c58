#include "config/foreign.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* First words of lines that open a sub-mode. */
static const char *const headers[] = {
    "interface",
    "device",
    "ppp profile",
    "router bgp",
    "router ospf",
    "router ospfv3",
    "router rip",
    "router ripng",
    "ip dhcp profile",
    "ip dhcp-relay profile",
    "ipv6 dhcp client-profile",
    "ipv6 dhcp server-profile",
    "ipv6 dhcp relay-profile",
    "ipv6 dhcp profile",
    "dhcp profile",
    "route-map",
    "class-map",
    "policy-map",
    "event-track",
    "network-monitor",
    "watch-group",
    "voice profile",
    "l2tp profile",
    "pptp profile",
    "radius profile",
    "vrf",
    "ip vrf",
    "nm profile",
    "wireless-adapter",
    "sip profile",
    "isakmp profile",
    "ikev1 profile",
    "monitor-group",
    "url-redirect profile",
    "http-server profile",
    "line",
    "mobile profile",
};

/* First words of lines of config mode that open no sub-mode. Words that lines of an IKEv2 profile begin with
 * are not among them. */
static const char *const globals[] = {
    "aaa",
    "access-list",
    "alias",
    "arp",
    "banner",
    "bridge",
    "clock",
    "dhcp",
    "dns",
    "dot1x",
    "enable",
    "event-terminal",
    "fqdn",
    "gvrp",
    "http",
    "http-server",
    "https-server",
    "ike",
    "ip",
    "ipsec autokey-map",
    "ipsec autokey-proposal",
    "ipsec commit-bit",
    "ipsec dynamic-map",
    "ipsec dynamic",
    "ipsec ike-passthru",
    "ipsec local-id",
    "ipsec rekey",
    "ipsec remote-id",
    "ipv6",
    "isdn",
    "l2tp",
    "lldp",
    "logging",
    "mac",
    "mac-address-table",
    "mroute",
    "netflow",
    "netmeister",
    "nm",
    "no",
    "ntp",
    "option",
    "password",
    "pki",
    "ping",
    "ppp",
    "pppoe",
    "proxy-dns",
    "qos",
    "queue",
    "radius",
    "resource",
    "service",
    "sflow",
    "snmp-agent",
    "snmp",
    "sntp",
    "ssh",
    "ssh-server",
    "sshd",
    "syslog",
    "system",
    "tacacs",
    "telnet",
    "telnet-server",
    "terminal",
    "tftp",
    "timezone",
    "trace",
    "url-offload",
    "username",
    "utm",
    "vlan",
    "vrrp",
    "watchdog",
    "web-console",
    "web-http-server",
    "zabbix",
};

/* First words of operating commands. They come with a log of a session that is pasted as a config. */
static const char *const operations[] = {
    "disable",        "logout",     "ping",          "ping6",           "quit",
    "reboot",         "reload",     "svintr-config", "terminal length", "terminal more",
    "terminal width", "traceroute", "traceroute6",
};

/* Words that are keywords at the start of a line of a sub-mode, or behind other keywords. */
static const char *const keywords[] = {
    "action",
    "apn",
    "assignable-range",
    "auto-cost",
    "bandwidth",
    "bridge",
    "chap",
    "class",
    "default-gateway",
    "description",
    "dialer",
    "dns-server",
    "domain-name",
    "duplex",
    "echo",
    "event",
    "exit",
    "information-request",
    "isdn",
    "lcp",
    "linkmgr",
    "lldp",
    "match",
    "mdi",
    "multilink",
    "no",
    "option",
    "option-request",
    "originate-default",
    "pap",
    "ppp",
    "pppoe",
    "priority",
    "probe-counter",
    "probe-timer",
    "rd",
    "route-target",
    "set",
    "shutdown",
    "snmp",
    "speed",
    "subnet-mask",
    "timers",
    "traffic-shape",
    "vlan-group",
    "access-list",
    "address",
    "adjust-mss",
    "agent",
    "area",
    "as-path",
    "auth",
    "authentication",
    "auto-connect",
    "autokey-map",
    "autokey-proposal",
    "bgp",
    "binding",
    "bridge-group",
    "cache",
    "client",
    "client-profile",
    "commit-bit",
    "community-list",
    "cost",
    "default",
    "dhcp",
    "dialer",
    "distance",
    "dns",
    "dynamic",
    "dynamic-map",
    "dhcp-relay",
    "enable",
    "encapsulation",
    "facility",
    "filter",
    "flow",
    "group",
    "helper-address",
    "host",
    "http",
    "icmp",
    "ieee",
    "igmp",
    "ike-passthru",
    "interface",
    "ip",
    "ipcp",
    "ipv6",
    "irb",
    "keepalive",
    "keepalives",
    "lease-time",
    "local-id",
    "mask",
    "max-entries",
    "mld",
    "mode",
    "mtu",
    "multicast-routing",
    "myname",
    "napt",
    "nat",
    "nd",
    "neighbor",
    "network",
    "ospf",
    "password",
    "peer",
    "pim",
    "policy",
    "policy-map",
    "prefix-list",
    "profile",
    "proposal",
    "protocol",
    "proxy",
    "proxy-arp",
    "qos",
    "ra",
    "rate-limit",
    "receive-default",
    "redistribute",
    "rekey",
    "relay",
    "remote-id",
    "request",
    "reserve",
    "retry",
    "rip",
    "ripng",
    "route",
    "route-map",
    "router",
    "router-id",
    "routing",
    "secondary",
    "security",
    "server",
    "server-profile",
    "service",
    "service-policy",
    "session",
    "static",
    "stateful",
    "subsystem",
    "tcp",
    "timeout",
    "timer",
    "timestamp",
    "translation",
    "trap",
    "ttl",
    "tunnel",
    "udp",
    "ufs-cache",
    "unnumbered",
    "unreachables",
    "url",
    "version",
    "vrf",
    "vrrp",
    "vlan",
    "local-address",
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* True if the line's words from `from` on begin with the words of `phrase`. */
static bool begins_with(const struct words *words, size_t from, const char *phrase)
{
    for (size_t i = from; *phrase != '\0'; i++) {
        size_t length = strcspn(phrase, " ");
        if (i >= words->count || strlen(words->word[i].text) != length ||
            strncasecmp(words->word[i].text, phrase, length) != 0)
            return false;
        phrase += length;
        phrase += *phrase == ' ';
    }
    return true;
}

static bool begins_with_any(const struct words *words, size_t from, const char *const *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (begins_with(words, from, table[i]))
            return true;
    }
    return false;
}

bool foreign_is_header(const struct words *words)
{
    return begins_with_any(words, 0, headers, COUNT(headers));
}

bool foreign_is_global(const struct words *words)
{
    return begins_with_any(words, 0, globals, COUNT(globals));
}

bool foreign_is_operation(const struct words *words)
{
    size_t first = words->count > 1 && strcasecmp(words->word[0].text, "no") == 0;
    return begins_with_any(words, first, operations, COUNT(operations));
}

bool foreign_is_known(const struct words *words)
{
    size_t first = words->count > 1 && strcasecmp(words->word[0].text, "no") == 0;
    return foreign_is_header(words) || begins_with_any(words, first, globals, COUNT(globals)) ||
           begins_with_any(words, first, keywords, COUNT(keywords));
}

const char *foreign_address_setter(const struct words *words)
{
    return begins_with(words, 0, "ip address dhcp")   ? "a DHCP client"
           : begins_with(words, 0, "ip address ipcp") ? "a PPP daemon"
                                                      : NULL;
}

/* True if the word looks like a keyword: letters, digits and hyphens, not too many. */
static bool is_plain(const struct word *word)
{
    const char *c = word->text;
    if (word->quoted || !isalpha((unsigned char)*c) || strlen(c) > 24)
        return false;
    while (isalnum((unsigned char)*c) || *c == '-')
        c++;
    return *c == '\0';
}

const char *foreign_keywords(const struct words *words, size_t known, char out[FOREIGN_KEYWORDS_SIZE])
{
    out[0] = '\0';
    if (words->count == 0 || !is_plain(&words->word[0]))
        return out;
    char *at = stpcpy(out, words->word[0].text);
    for (size_t i = 1; i < words->count && i < 4 && is_plain(&words->word[i]); i++) {
        bool negated = i == 1 && strcasecmp(words->word[0].text, "no") == 0;
        if (i >= known && !negated && !begins_with_any(words, i, keywords, COUNT(keywords)))
            break;
        if ((size_t)(at - out) + strlen(words->word[i].text) + 2 > FOREIGN_KEYWORDS_SIZE)
            break;
        *at++ = ' ';
        at = stpcpy(at, words->word[i].text);
    }
    return out;
}
