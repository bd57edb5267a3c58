/*
 * The command language as one table. A row says how a command is written, in which modes it is allowed, what
 * it is for, and how its settings combine. The parser, abbreviations, help, completion, the printer of the
 * running-config and docs/commands.md all use this table.
 */
#ifndef MUSUBI_CONFIG_COMMAND_H
#define MUSUBI_CONFIG_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a command is allowed; a row has a set of these. */
enum command_mode {
    MODE_EXEC = 1 << 0,            /* operating commands */
    MODE_GLOBAL = 1 << 1,          /* config mode */
    MODE_DEFAULT_PROFILE = 1 << 2, /* under `ikev2 default-profile` */
    MODE_PROFILE = 1 << 3,         /* under `ikev2 profile NAME` */
    MODE_DEVICE = 1 << 4,          /* under `device GigaEthernetN` */
    MODE_PORT = 1 << 5,            /* under `interface GigaEthernetN.M` */
    MODE_LOOPBACK = 1 << 6,        /* under `interface LoopbackN.M` */
    MODE_TUNNEL = 1 << 7,          /* under `interface TunnelN.M` */

    MODE_INTERFACE = MODE_PORT | MODE_LOOPBACK | MODE_TUNNEL,
    /* Policy: written as in the table in profiles, with `ikev2` before it in Tunnels. */
    MODE_POLICY = MODE_DEFAULT_PROFILE | MODE_PROFILE | MODE_TUNNEL,
};

/* What a second line of the same command in the same section does to the first one. */
enum setting_kind {
    KIND_NONE,    /* not a setting: an operating command */
    KIND_SINGLE,  /* replaces it */
    KIND_KEYED,   /* replaces it if the first `key_words` words after the head are the same */
    KIND_LIST,    /* is kept beside it, unless it is the same */
    KIND_SET,     /* adds its words after the head to it; `off` and other words replace each other */
    KIND_OPTIONS, /* adds its options to it, or replaces them; `off` and options replace each other */
    KIND_TOGGLE,  /* replaces it; `no` is a value too, other than no line at all */
    KIND_SECTION, /* opens the same sub-mode again */
};

/* The rows, in the order in which the running-config prints their settings within a section. */
enum command_id {
    COMMAND_HOSTNAME,
    COMMAND_LOGGING_BUFFERED,
    COMMAND_LOGGING_SUBSYSTEM,
    COMMAND_LOGGING_TIMESTAMP,
    COMMAND_SYSLOG,
    COMMAND_DNS_SERVER,
    COMMAND_IP_NAME_SERVER,
    COMMAND_IP_ROUTE,
    COMMAND_IP_ACCESS_LIST,
    COMMAND_IPV6_ROUTE,
    COMMAND_IPV6_ACCESS_LIST,
    COMMAND_IKEV2_AUTHENTICATION,
    COMMAND_IKEV2_DEFAULT_PROFILE,
    COMMAND_IKEV2_PROFILE,
    COMMAND_DEVICE,
    COMMAND_INTERFACE,

    COMMAND_LINUX_INTERFACE,

    COMMAND_DESCRIPTION,
    COMMAND_TUNNEL_MODE,
    COMMAND_IP_ADDRESS,
    COMMAND_IP_UNNUMBERED,
    COMMAND_IP_MTU,
    COMMAND_IP_TCP_ADJUST_MSS,
    COMMAND_IP_NAPT_ENABLE,
    COMMAND_IP_NAPT_STATIC,
    COMMAND_IP_FILTER,
    COMMAND_IPV6_ENABLE,
    COMMAND_IPV6_ADDRESS,
    COMMAND_IPV6_UNNUMBERED,
    COMMAND_IPV6_MTU,
    COMMAND_IPV6_TCP_ADJUST_MSS,
    COMMAND_IPV6_FILTER,
    COMMAND_IKEV2_BINDING,

    COMMAND_ANTI_REPLAY,
    COMMAND_CERT_CACERT,
    COMMAND_CERT_MYCERT,
    COMMAND_CERT_WEAK_ALLOWED,
    COMMAND_CHILD_LIFETIME,
    COMMAND_CHILD_PFS,
    COMMAND_CHILD_PROPOSAL_ENC,
    COMMAND_CHILD_PROPOSAL_INTEGRITY,
    COMMAND_CONNECT_TYPE,
    COMMAND_DPD,
    COMMAND_IPSEC_MTU_IGNORE,
    COMMAND_IPSEC_PRE_FRAGMENT,
    COMMAND_IPSEC_MODE,
    COMMAND_LOCAL_AUTHENTICATION,
    COMMAND_LOCAL_TS,
    COMMAND_NAT_TRAVERSAL,
    COMMAND_NEGOTIATION_DIRECTION,
    COMMAND_OUTGOING_INTERFACE,
    COMMAND_REMOTE_TS,
    COMMAND_SA_LIFETIME,
    COMMAND_SA_PROPOSAL_ENC,
    COMMAND_SA_PROPOSAL_INTEGRITY,
    COMMAND_SA_PROPOSAL_PRF,
    COMMAND_SA_PROPOSAL_DH,
    COMMAND_SOURCE_ADDRESS,
    COMMAND_SUPPRESS_SEND_DELETE,
    COMMAND_SUPPRESS_SEND_REKEY,

    COMMAND_IKEV2_PEER,
    COMMAND_SHUTDOWN,

    COMMAND_SHOW_RUNNING_CONFIG,
    COMMAND_SHOW_STARTUP_CONFIG,
    COMMAND_SHOW_IKEV2_SA,
    COMMAND_SHOW_IKEV2_CHILD_SA,
    COMMAND_SHOW_IKEV2_EXPLAIN,
    COMMAND_SHOW_IKEV2_SUMMARY,
    COMMAND_SHOW_IKEV2_STATISTICS,
    COMMAND_SHOW_INTERFACES,
    COMMAND_SHOW_IP_ACCESS_LIST,
    COMMAND_SHOW_IP_NAPT,
    COMMAND_SHOW_IP_ROUTE,
    COMMAND_SHOW_IPV6_ACCESS_LIST,
    COMMAND_SHOW_IPV6_ROUTE,
    COMMAND_SHOW_LOGGING,
    COMMAND_SHOW_PKI_CERT,
    COMMAND_CLEAR_IKEV2_SA,
    COMMAND_CLEAR_IKEV2_STATISTICS,
    COMMAND_PKI_CERT_IMPORT,
    COMMAND_PKI_CERT_ERASE,
    COMMAND_PKI_PKCS12_IMPORT,
    COMMAND_PKI_PRIVATE_KEY_IMPORT,
    COMMAND_PKI_CRL_IMPORT,
    COMMAND_DEBUG_CAPTURE,
    COMMAND_DEBUG_KEYS,
    COMMAND_CONFIGURE,
    COMMAND_ENABLE_CONFIG,
    COMMAND_WRITE_MEMORY,
    COMMAND_COPY_RUNNING_STARTUP,
    COMMAND_TERMINAL,
    COMMAND_EXIT,
    COMMAND_END,

    COMMAND_COUNT
};

/* A row. The head of a pattern is its keywords before the first argument or choice (pattern_head). */
struct command {
    unsigned modes; /* set of enum command_mode */
    enum setting_kind kind;
    uint8_t key_words;    /* of KIND_KEYED; also, `no` needs one word after the head */
    uint8_t foreign_head; /* not 0: a foreign line that begins with this many words of it is another value */
    const char *pattern;  /* in the grammar of pattern.h; policy rows without their `ikev2` */
    const char *help;
};

/* The rows, by their IDs. */
extern const struct command command_table[COMMAND_COUNT];

/* The ID of a row. */
enum command_id command_id(const struct command *row);

/* What is written before the pattern of a row in a mode: "ikev2 " for policy rows in a Tunnel, else "". */
const char *command_prefix(const struct command *row, enum command_mode mode);

#endif
