#include "config/keyword_help.h"

#include <string.h>

#include "config/pattern.h"

/* Keywords that rows share, and those within rows. The others are explained by their row. `row`: the keyword
 * that the pattern starts with, where the help holds only there; NULL: everywhere. */
static const struct {
    const char *row;
    const char *keyword;
    const char *help;
} table[] = {
    {"anti-replay", "off", "Let packets pass that came before"},
    {"anti-replay", "on", "Discard packets that came before"},
    {"child-pfs", "off", "No new key exchange"},
    {"connect-type", "auto", "Make the SA at once, and again whenever it is gone"},
    {"connect-type", "trigger", "Make the SA when a packet needs it"},
    {"cert", "name", "The certificate's name in the store"},
    {"dpd", "off", "Do not ask"},
    {"ip", "auto", "What fits"},
    {"ipv6", "auto", "What fits"},
    {"local-ts", "any", "All addresses, IPv4 and IPv6"},
    {"remote-ts", "any", "All addresses, IPv4 and IPv6"},
    {"nat-traversal", "off", "No NAT traversal"},
    {"outgoing-interface", "auto", "The routing table decides; up only if it says this interface"},
    {"outgoing-interface", "none", "The routing table decides"},
    {"source-address", "none", "The address of the outgoing interface"},
    {NULL, "Null0.0", "Discard"},
    {NULL, "access-list", "Access lists"},
    {NULL, "all", "All functions"},
    {NULL, "any", "Any"},
    {NULL, "authentication", "How the peer proves who it is"},
    {NULL, "both", "Either side may start"},
    {NULL, "cacert", "The CA certificate by which the peer is authenticated"},
    {NULL, "cert", "Certificates"},
    {NULL, "char", "A key in characters"},
    {NULL, "child-proposal", "Algorithms of Child SAs"},
    {NULL, "clear", "Delete or reset"},
    {NULL, "copy", "Copy a config"},
    {NULL, "crypto", "The password that protects it"},
    {NULL, "datetime", "Date and time"},
    {NULL, "debug", "Also packet details, and the keys made"},
    {NULL, "default", "All addresses"},
    {NULL, "deny", "Discard"},
    {NULL, "der", "A certificate in DER"},
    {NULL, "dest", "Where to"},
    {NULL, "distance", "Preference among routes to the same addresses: the lowest is used"},
    {NULL, "dn", "A distinguished name"},
    {NULL, "dport", "Destination port"},
    {NULL, "eq", "One port"},
    {NULL, "erase", "Remove"},
    {NULL, "error", "Only errors"},
    {NULL, "facility", "Facility of syslog"},
    {NULL, "force", "Encapsulate in UDP, NAT or not"},
    {NULL, "fqdn", "A domain name"},
    {NULL, "hex", "A key in hexadecimal"},
    {NULL, "host", "A server of syslog"},
    {NULL, "icmp", "ICMP"},
    {NULL, "id", "ID"},
    {NULL, "ike2", "IKEv2"},
    {NULL, "ikev2", "IKEv2 and its IPsec"},
    {NULL, "import", "Store"},
    {NULL, "in", "What comes in"},
    {NULL, "info", "Also DPD and cookies"},
    {NULL, "initiator", "Only this side starts"},
    {NULL, "interval", "Seconds from one question to the next"},
    {NULL, "ip", "IPv4"},
    {NULL, "ipsec", "IPsec"},
    {NULL, "ipv4", "An IPv4 address"},
    {NULL, "ipv6", "IPv6"},
    {NULL, "keepalive", "Send a packet when idle, so that NAT keeps its mapping"},
    {NULL, "key", "Key"},
    {NULL, "keyid", "An ID of any octets"},
    {NULL, "logging", "Event log"},
    {NULL, "mycert", "The certificate of this device"},
    {NULL, "name", "Name in the store"},
    {NULL, "napt", "Address and port translation"},
    {NULL, "notice", "Also the start and end of negotiations"},
    {NULL, "off", "The opposite, where a farther level says it"},
    {NULL, "out", "What goes out"},
    {NULL, "peer-fqdn-ipv4", "The other end, by the IPv4 address of a domain name"},
    {NULL, "peer-fqdn-ipv6", "The other end, by the IPv6 address of a domain name"},
    {NULL, "pem", "In PEM"},
    {NULL, "permit", "Let pass"},
    {NULL, "pki", "Certificates and private keys"},
    {NULL, "port", "Port"},
    {NULL, "profile", "A profile"},
    {NULL, "protocol", "Protocol"},
    {NULL, "psk", "By pre-shared key"},
    {NULL, "range", "Several ports"},
    {NULL, "responder", "Only the peer starts"},
    {NULL, "rfc822", "A mail address"},
    {NULL, "rsa", "By certificate"},
    {NULL, "sa-proposal", "Algorithms of IKE SAs"},
    {NULL, "secret", "A key that a router has encrypted: kept, but of no use here"},
    {NULL, "show", "Show"},
    {NULL, "sport", "Source port"},
    {NULL, "src", "Where from"},
    {NULL, "suppress", "Messages not to be sent"},
    {NULL, "tcp", "TCP"},
    {NULL, "timeofday", "Time of day"},
    {NULL, "transport", "Transport mode, which is not supported yet"},
    {NULL, "udp", "UDP"},
    {NULL, "uptime", "Time since the start"},
    {NULL, "url", "Where it is: file:FILE"},
    {NULL, "warn", "SAs made and deleted, and anything abnormal"},
    {NULL, "write", "Save"},
};

static bool same(const char *word, const char *keyword, size_t length)
{
    return strlen(word) == length && memcmp(word, keyword, length) == 0;
}

const char *keyword_help(const struct command *row, const char *element)
{
    size_t length = keyword_length(element);
    size_t first = keyword_length(row->pattern);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (same(table[i].keyword, element, length) &&
            (table[i].row == NULL || same(table[i].row, row->pattern, first)))
            return table[i].help;
    }
    return row->help;
}
