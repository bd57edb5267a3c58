#include "config/command.h"

#include <string.h>

#define ID_TYPES                                                                                             \
    "ipv4 <id:address4>|ipv6 <id:address6>|fqdn <id:fqdn>|rfc822 <id:mail>|keyid <id:keyid>|dn <id:dn>"
#define ID "id {" ID_TYPES "}"

/* R40: after `peer any` the ID is required, since nothing else identifies the peer. */
#define AUTHENTICATION "authentication {psk|rsa} "

#define SELECTOR                                                                                             \
    "{any|<addresses:prefix>|<addresses:range>} [protocol <protocol:number 0-255>] [port <ports:ports>]"

#define PROTOCOL "{ip|udp|tcp|icmp|<protocol:number 0-255>}"
#define PORTS    "{any|eq <port:number 0-65535>|range <low:number 0-65535> <high:number 0-65535>}"
#define FILTERED(prefix)                                                                                     \
    "<name:name> {permit|deny} " PROTOCOL " src {any|<source:" prefix ">} [sport " PORTS                     \
    "] dest {any|<destination:" prefix ">} [dport " PORTS "]"

#define SECONDS "<seconds:number 1-4294967295>"
#define URL     "url <url:name>"

const struct command command_table[COMMAND_COUNT] = {
    [COMMAND_HOSTNAME] = {MODE_GLOBAL, KIND_SINGLE, .pattern = "hostname <name:name>",
                          .help = "Name of this device, shown in the prompt"},
    [COMMAND_LOGGING_BUFFERED] = {MODE_GLOBAL, KIND_SINGLE,
                                  .pattern = "logging buffered [<size:number 1-4294967295>]",
                                  .help = "Keep the event log in memory, SIZE octets of it"},
    [COMMAND_LOGGING_SUBSYSTEM] = {MODE_GLOBAL, KIND_KEYED, .key_words = 1,
                                   .pattern = "logging subsystem {ikev2!|ike2!|ipsec!|all!} "
                                              "{error|warn|notice|info|debug}",
                                   .help = "Log events of a function from this level on"},
    [COMMAND_LOGGING_TIMESTAMP] = {MODE_GLOBAL, KIND_SINGLE,
                                   .pattern = "logging timestamp {datetime|timeofday|uptime}",
                                   .help = "Time stamp of each event"},
    [COMMAND_SYSLOG] = {MODE_GLOBAL, KIND_LIST,
                        .pattern = "syslog {ip {enable|host <host:address>}|facility <facility:name>|"
                                   "timestamp {datetime|timeofday|uptime}|id <id:name>}",
                        .help = "Send events by syslog too"},
    [COMMAND_DNS_SERVER] = {MODE_GLOBAL, KIND_LIST, .pattern = "dns server <server:address>",
                            .help = "Ask this server for the addresses of peers"},
    [COMMAND_IP_NAME_SERVER] = {MODE_GLOBAL, KIND_LIST, .pattern = "ip name-server <server:address>",
                                .help = "Another way to write `dns server`"},
    [COMMAND_IP_ROUTE] = {MODE_GLOBAL, KIND_KEYED, .key_words = 2,
                          .pattern = "ip route {default|<prefix:prefix4>} "
                                     "{<next-hop:address4>|<interface:interface>|Null0.0} "
                                     "[distance <distance:number 1-255>]",
                          .help = "Static IPv4 route; Null0.0 discards"},
    [COMMAND_IP_ACCESS_LIST] = {MODE_GLOBAL, KIND_LIST, .key_words = 1,
                                .pattern = "ip access-list " FILTERED("prefix4"),
                                .help = "A line of an IPv4 access list"},
    [COMMAND_IPV6_ROUTE] =
        {MODE_GLOBAL, KIND_KEYED, .key_words = 2,
         .pattern = "ipv6 route {default|<prefix:prefix6>} "
                    "{<next-hop:hop6>|<interface:interface>|Null0.0} "
                    "[distance <distance:number 1-255>]",
         .help = "Static IPv6 route; a link-local next hop needs its interface; Null0.0 discards"},
    [COMMAND_IPV6_ACCESS_LIST] = {MODE_GLOBAL, KIND_LIST, .key_words = 1,
                                  .pattern = "ipv6 access-list " FILTERED("prefix6"),
                                  .help = "A line of an IPv6 access list"},
    [COMMAND_IKEV2_AUTHENTICATION] = {MODE_GLOBAL, KIND_KEYED, .key_words = 2,
                                      .pattern = "ikev2 authentication psk id {" ID_TYPES
                                                 "|nbma-address [<id:keyid>]} "
                                                 "key {char <key:secret>|hex <key:hex>|secret <key:secret>}",
                                      .help = "The key that belongs to an ID, of this device or of a peer"},
    [COMMAND_IKEV2_DEFAULT_PROFILE] = {MODE_GLOBAL, KIND_SECTION, .pattern = "ikev2 default-profile",
                                       .help =
                                           "Policy of all tunnels, where they have no setting of their own"},
    [COMMAND_IKEV2_PROFILE] = {MODE_GLOBAL, KIND_SECTION, .pattern = "ikev2 profile <profile:name>",
                               .help = "Policy of the tunnels that are bound to this profile"},
    [COMMAND_DEVICE] =
        {MODE_GLOBAL, KIND_SECTION, .pattern = "device <device:device>",
         .help = "A device of the router, or a sub-interface of it, for the Linux interface behind it"},
    [COMMAND_INTERFACE] = {MODE_GLOBAL, KIND_SECTION, .pattern = "interface <interface:interface>",
                           .help = "An interface"},

    [COMMAND_LINUX_INTERFACE] = {MODE_DEVICE, KIND_SINGLE, .pattern = "linux-interface <name:linux>",
                                 .help = "The Linux interface that is this device"},

    [COMMAND_DESCRIPTION] = {MODE_INTERFACE, KIND_SINGLE, .pattern = "description <text:text>",
                             .help = "Remark about the interface"},
    [COMMAND_TUNNEL_MODE] = {MODE_TUNNEL, KIND_SINGLE, .foreign_head = 2,
                             .pattern = "tunnel mode ipsec-ikev2!", .help = "A tunnel by IKEv2 and IPsec"},
    [COMMAND_IP_ADDRESS] = {MODE_INTERFACE, KIND_SINGLE, .pattern = "ip address <address:prefix4>",
                            .help = "IPv4 address and length of its prefix"},
    [COMMAND_IP_UNNUMBERED] = {MODE_INTERFACE, KIND_SINGLE, .pattern = "ip unnumbered <interface:interface>",
                               .help = "Use the IPv4 address of another interface"},
    [COMMAND_IP_MTU] = {MODE_INTERFACE, KIND_SINGLE, .pattern = "ip mtu <octets:number 68-65535>",
                        .help = "Largest IPv4 packet"},
    [COMMAND_IP_TCP_ADJUST_MSS] = {MODE_INTERFACE, KIND_SINGLE,
                                   .pattern = "ip tcp adjust-mss {auto|<octets:number 1-65535>}",
                                   .help = "Lower the MSS of TCP connections that pass"},
    [COMMAND_IP_NAPT_ENABLE] =
        {MODE_INTERFACE, KIND_SINGLE, .pattern = "ip napt enable",
         .help = "Translate the addresses of packets that are forwarded out of the interface"},
    [COMMAND_IP_NAPT_STATIC] = {MODE_INTERFACE, KIND_LIST,
                                .pattern = "ip napt static <interface:interface> {udp <port:number 1-65535>|"
                                           "tcp <port:number 1-65535>|<protocol:number 0-255>}",
                                .help =
                                    "Count these packets to this device itself; NAPT lets them pass anyway"},
    [COMMAND_IP_FILTER] =
        {MODE_INTERFACE, KIND_LIST,
         .pattern = "ip filter <name:name> <sequence:number 1-65535> {in|out} "
                    "[suppress-logging]",
         .help = "Filter incoming or outgoing packets by an access list; drops are counted, not logged"},
    [COMMAND_IPV6_ENABLE] = {MODE_INTERFACE, KIND_SINGLE, .pattern = "ipv6 enable",
                             .help = "IPv6 with a link-local address"},
    [COMMAND_IPV6_ADDRESS] = {MODE_INTERFACE, KIND_LIST, .pattern = "ipv6 address <address:prefix6>",
                              .help = "IPv6 address and length of its prefix"},
    [COMMAND_IPV6_UNNUMBERED] = {MODE_INTERFACE, KIND_SINGLE,
                                 .pattern = "ipv6 unnumbered <interface:interface>",
                                 .help = "Use the IPv6 address of another interface"},
    [COMMAND_IPV6_MTU] = {MODE_INTERFACE, KIND_SINGLE, .pattern = "ipv6 mtu <octets:number 1280-65535>",
                          .help = "Largest IPv6 packet"},
    [COMMAND_IPV6_TCP_ADJUST_MSS] = {MODE_INTERFACE, KIND_SINGLE,
                                     .pattern = "ipv6 tcp adjust-mss {auto|<octets:number 1-65535>}",
                                     .help = "Lower the MSS of TCP connections that pass"},
    [COMMAND_IPV6_FILTER] =
        {MODE_INTERFACE, KIND_LIST,
         .pattern = "ipv6 filter <name:name> <sequence:number 1-65535> {in|out} "
                    "[suppress-logging]",
         .help = "Filter incoming or outgoing packets by an access list; drops are counted, not logged"},
    [COMMAND_IKEV2_BINDING] = {MODE_TUNNEL, KIND_SINGLE, .pattern = "ikev2 binding <profile:name>",
                               .help = "The profile whose policy this Tunnel uses"},

    [COMMAND_ANTI_REPLAY] = {MODE_POLICY, KIND_SINGLE, .pattern = "anti-replay {on|off}",
                             .help = "Discard packets that have come before"},
    [COMMAND_CERT_CACERT] = {MODE_POLICY, KIND_SINGLE, .pattern = "cert cacert name <certificate:name>",
                             .help = "The CA certificate by which the peer is authenticated"},
    [COMMAND_CERT_MYCERT] = {MODE_POLICY, KIND_SINGLE, .pattern = "cert mycert name <certificate:name>",
                             .help = "The certificate by which this device authenticates itself"},
    [COMMAND_CERT_WEAK_ALLOWED] = {MODE_POLICY, KIND_SINGLE, .pattern = "cert weak-allowed [off]",
                                   .help = "Accept certificates of the peer with RSA keys from 1024 bits on, "
                                           "and with SHA-1"},
    [COMMAND_CHILD_LIFETIME] = {MODE_POLICY, KIND_SINGLE, .pattern = "child-lifetime " SECONDS,
                                .help = "Lifetime of a Child SA"},
    [COMMAND_CHILD_PFS] = {MODE_POLICY, KIND_SET, .pattern = "child-pfs {off|<group:group>...}",
                           .help = "Groups for a new key exchange when a Child SA is rekeyed"},
    [COMMAND_CHILD_PROPOSAL_ENC] = {MODE_POLICY, KIND_SET,
                                    .pattern = "child-proposal enc <algorithm:encryption>...",
                                    .help = "Encryption of Child SAs"},
    [COMMAND_CHILD_PROPOSAL_INTEGRITY] = {MODE_POLICY, KIND_SET,
                                          .pattern = "child-proposal integrity <algorithm:integrity>...",
                                          .help = "Integrity of Child SAs"},
    [COMMAND_CONNECT_TYPE] = {MODE_POLICY, KIND_SINGLE, .pattern = "connect-type {auto|trigger}",
                              .help = "Make the SA at once and keep it, or when a packet needs it"},
    [COMMAND_DPD] =
        {MODE_POLICY, KIND_SINGLE, .pattern = "dpd {interval <seconds:number 1-86400>|off}",
         .help = "Check at this interval that the peer is alive; 30 seconds without an answer end the SA"},
    [COMMAND_IPSEC_MTU_IGNORE] = {MODE_POLICY, KIND_SINGLE, .pattern = "ipsec mtu ignore [off]",
                                  .help = "Fragment all packets that are too large, without ICMP errors"},
    [COMMAND_IPSEC_PRE_FRAGMENT] = {MODE_POLICY, KIND_SINGLE, .pattern = "ipsec pre-fragment [off]",
                                    .help = "Fragment before encryption"},
    [COMMAND_IPSEC_MODE] = {MODE_POLICY, KIND_SINGLE, .pattern = "ipsec-mode {tunnel|transport}",
                            .help = "Tunnel mode; transport mode is not supported yet"},
    [COMMAND_LOCAL_AUTHENTICATION] =
        {MODE_POLICY, KIND_SINGLE, .pattern = "local-authentication [psk|rsa] " ID,
         .help = "ID of this device, and how it authenticates itself: by key, or by certificate (rsa)"},
    [COMMAND_LOCAL_TS] = {MODE_POLICY, KIND_LIST, .pattern = "local-ts " SELECTOR,
                          .help = "A traffic selector of this side, proposed as initiator"},
    [COMMAND_NAT_TRAVERSAL] = {MODE_POLICY, KIND_OPTIONS,
                               .pattern = "nat-traversal [off|[keepalive <seconds:number 1-86400>] [force]]",
                               .help = "Detect NAT, and pass through it by UDP"},
    [COMMAND_NEGOTIATION_DIRECTION] = {MODE_POLICY, KIND_SINGLE,
                                       .pattern = "negotiation-direction {both|initiator|responder}",
                                       .help = "Who may start: both sides, only this one, only the peer"},
    [COMMAND_OUTGOING_INTERFACE] = {MODE_POLICY, KIND_SINGLE,
                                    .pattern = "outgoing-interface {none|<interface:interface> "
                                               "[auto|<next-hop:address>]}",
                                    .help = "Leave by this interface only"},
    [COMMAND_REMOTE_TS] = {MODE_POLICY, KIND_LIST, .pattern = "remote-ts " SELECTOR,
                           .help = "A traffic selector of the peer's side, proposed as initiator"},
    [COMMAND_SA_LIFETIME] = {MODE_POLICY, KIND_SINGLE, .pattern = "sa-lifetime " SECONDS,
                             .help = "Lifetime of an IKE SA"},
    [COMMAND_SA_PROPOSAL_ENC] = {MODE_POLICY, KIND_SET,
                                 .pattern = "sa-proposal enc <algorithm:encryption>...",
                                 .help = "Encryption of IKE SAs"},
    [COMMAND_SA_PROPOSAL_INTEGRITY] = {MODE_POLICY, KIND_SET,
                                       .pattern = "sa-proposal integrity <algorithm:integrity>...",
                                       .help = "Integrity of IKE SAs"},
    [COMMAND_SA_PROPOSAL_PRF] = {MODE_POLICY, KIND_SET, .pattern = "sa-proposal prf <algorithm:prf>...",
                                 .help = "Pseudo-random function of IKE SAs"},
    [COMMAND_SA_PROPOSAL_DH] = {MODE_POLICY, KIND_SET, .pattern = "sa-proposal dh <group:group>...",
                                .help = "Diffie-Hellman groups of IKE SAs"},
    [COMMAND_SOURCE_ADDRESS] = {MODE_POLICY, KIND_SINGLE,
                                .pattern = "source-address {none|<address:address>|<interface:interface>}",
                                .help = "Send from this address, or from an interface's"},
    [COMMAND_SUPPRESS_SEND_DELETE] = {MODE_POLICY, KIND_SINGLE, .pattern = "suppress send-delete [off]",
                                      .help = "Send no DELETE; only together with send-rekey"},
    [COMMAND_SUPPRESS_SEND_REKEY] = {MODE_POLICY, KIND_SINGLE, .pattern = "suppress send-rekey [off]",
                                     .help = "Start no rekey"},

    [COMMAND_IKEV2_PEER] =
        {MODE_TUNNEL, KIND_SINGLE,
         .pattern = "ikev2 {peer {any " AUTHENTICATION ID "|{<address:address>|<host:host>} " AUTHENTICATION
                    "[" ID "]}|peer-fqdn-ipv4 <host:fqdn> " AUTHENTICATION "[" ID
                    "]|peer-fqdn-ipv6 <host:fqdn> " AUTHENTICATION "[" ID "]}",
         .help = "The peer: where it is, and how it authenticates itself: by key, or by certificate (rsa)"},
    [COMMAND_SHUTDOWN] =
        {MODE_INTERFACE, KIND_TOGGLE, .pattern = "shutdown",
         .help = "Take the interface out of use; `no shutdown` puts it in use. The SAs of a Tunnel stay"},

    [COMMAND_SHOW_RUNNING_CONFIG] = {MODE_EXEC, .pattern = "show running-config",
                                     .help = "The config in force"},
    [COMMAND_SHOW_STARTUP_CONFIG] = {MODE_EXEC, .pattern = "show startup-config",
                                     .help = "The config that the next start reads"},
    [COMMAND_SHOW_IKEV2_SA] = {MODE_EXEC, .pattern = "show ikev2 sa [<interface:interface>]",
                               .help = "IKE SAs, with their keys"},
    [COMMAND_SHOW_IKEV2_CHILD_SA] = {MODE_EXEC, .pattern = "show ikev2 child-sa [<interface:interface>]",
                                     .help = "Child SAs with keys, statistics and history"},
    [COMMAND_SHOW_IKEV2_EXPLAIN] = {MODE_EXEC, .pattern = "show ikev2 explain [<interface:interface>]",
                                    .help =
                                        "What stands between a tunnel and carrying packets, step by step"},
    [COMMAND_SHOW_IKEV2_SUMMARY] = {MODE_EXEC, .pattern = "show ikev2 summary",
                                    .help = "All tunnels, a line each"},
    [COMMAND_SHOW_IKEV2_STATISTICS] = {MODE_EXEC, .pattern = "show ikev2 statistics",
                                       .help = "How many IKE messages came, and how many were of no use"},
    [COMMAND_SHOW_INTERFACES] = {MODE_EXEC, .pattern = "show interfaces [<interface:interface>]",
                                 .help = "State of interfaces"},
    [COMMAND_SHOW_IP_ACCESS_LIST] = {MODE_EXEC, .pattern = "show ip access-list [<name:name>]",
                                     .help = "IPv4 access lists and filters, and what they have counted"},
    [COMMAND_SHOW_IP_NAPT] = {MODE_EXEC, .pattern = "show ip napt",
                              .help = "Interfaces with NAPT, and what it has counted"},
    [COMMAND_SHOW_IP_ROUTE] = {MODE_EXEC, .pattern = "show ip route", .help = "IPv4 routes"},
    [COMMAND_SHOW_IPV6_ACCESS_LIST] = {MODE_EXEC, .pattern = "show ipv6 access-list [<name:name>]",
                                       .help = "IPv6 access lists and filters, and what they have counted"},
    [COMMAND_SHOW_IPV6_ROUTE] = {MODE_EXEC, .pattern = "show ipv6 route", .help = "IPv6 routes"},
    [COMMAND_SHOW_LOGGING] = {MODE_EXEC, .pattern = "show logging", .help = "The event log"},
    [COMMAND_SHOW_PKI_CERT] = {MODE_EXEC, .pattern = "show pki cert [name <certificate:name>]",
                               .help = "Certificates, keys and CRLs of this device"},
    [COMMAND_CLEAR_IKEV2_SA] = {MODE_EXEC, .pattern = "clear ikev2 sa [<interface:interface>]",
                                .help = "Delete SAs, and tell the peer"},
    [COMMAND_CLEAR_IKEV2_STATISTICS] = {MODE_EXEC, .pattern = "clear ikev2 statistics",
                                        .help =
                                            "Set the counters of all Tunnels and of IKE messages to zero"},
    [COMMAND_PKI_CERT_IMPORT] = {MODE_EXEC,
                                 .pattern = "pki cert import {pem|der} name <certificate:name> " URL,
                                 .help = "Store a certificate, with the chain behind it in the file"},
    [COMMAND_PKI_CERT_ERASE] = {MODE_EXEC, .pattern = "pki cert erase name <certificate:name>",
                                .help = "Remove a stored certificate with its key, or a stored CRL"},
    [COMMAND_PKI_PKCS12_IMPORT] = {MODE_EXEC,
                                   .pattern = "pki pkcs12 import crypto <password:secret> name "
                                              "<certificate:name> " URL,
                                   .help = "Store certificates and a private key"},
    [COMMAND_PKI_PRIVATE_KEY_IMPORT] = {MODE_EXEC,
                                        .pattern = "pki private-key import pem name <certificate:name> "
                                                   "[crypto <password:secret>] " URL,
                                        .help = "Store the private key of a certificate"},
    [COMMAND_PKI_CRL_IMPORT] = {MODE_EXEC, .pattern = "pki crl import {pem|der} name <certificate:name> " URL,
                                .help = "Store a certificate revocation list"},
    [COMMAND_DEBUG_CAPTURE] = {MODE_EXEC,
                               .pattern = "debug capture <interface:interface> <file:name> "
                                          "[seconds <seconds:number 1-86400>]",
                               .help =
                                   "Write the IKE and ESP packets of a tunnel to a new file, and its keys "
                                   "beside it, for Wireshark; until Ctrl-C, or 60 seconds"},
    [COMMAND_DEBUG_KEYS] = {MODE_EXEC, .pattern = "debug keys <interface:interface>",
                            .help = "The keys of a tunnel's SAs, as rows of Wireshark's tables"},
    [COMMAND_CONFIGURE] = {MODE_EXEC, .pattern = "configure [terminal]", .help = "Change the config"},
    [COMMAND_ENABLE_CONFIG] = {MODE_EXEC, .pattern = "enable-config", .help = "Change the config"},
    [COMMAND_WRITE_MEMORY] = {MODE_EXEC, .pattern = "write memory",
                              .help = "Save the config in force for the next start"},
    [COMMAND_COPY_RUNNING_STARTUP] = {MODE_EXEC, .pattern = "copy running-config startup-config",
                                      .help = "Save the config in force for the next start"},
    [COMMAND_TERMINAL] = {MODE_EXEC, .pattern = "terminal {length|width} <size:number 0-65535>",
                          .help = "Nothing: output is never stopped or cut. Routers have it"},
    [COMMAND_EXIT] = {MODE_EXEC, .pattern = "exit", .help = "Leave"},
    [COMMAND_END] = {MODE_EXEC, .pattern = "end", .help = "Leave config mode"},
};

enum command_id command_id(const struct command *row)
{
    return (enum command_id)(row - command_table);
}

const char *command_prefix(const struct command *row, enum command_mode mode)
{
    return mode == MODE_TUNNEL && (row->modes & MODE_POLICY) == MODE_POLICY ? "ikev2 " : "";
}
