/*
 * The resolved policy of one tunnel: every setting with the value that holds (R21: Tunnel, then profile, then
 * default profile, then default) and the line of the config that it came from. It is what the engine and the
 * packet path are told; neither ever sees the config itself. Plain memory without pointers, so that it can be
 * handed from process to process.
 */
#ifndef MUSUBI_CONFIG_POLICY_H
#define MUSUBI_CONFIG_POLICY_H

#include "base/address.h"
#include "crypto/algorithm.h"

enum {
    TUNNEL_NAME_SIZE = 32,    /* "Tunnel0.0" with its final NUL */
    INTERFACE_NAME_SIZE = 48, /* any interface of the command language */
    FQDN_SIZE = 256,
    IDENTITY_SIZE = 256,      /* octets of an ID's value */
    POLICY_SELECTORS_MAX = 8, /* of one side */
};

/* Stands for the line of what was typed at the prompt, and is in no file yet. */
#define POLICY_LINE_TYPED UINT32_MAX

/* ID types (RFC 7296 3.5) with their IANA numbers. */
enum identity_type {
    ID_NONE = 0,
    ID_IPV4_ADDR = 1,
    ID_FQDN = 2,
    ID_RFC822_ADDR = 3,
    ID_IPV6_ADDR = 5,
    ID_DER_ASN1_DN = 9,
    ID_KEY_ID = 11,
};

struct identity {
    uint8_t type; /* enum identity_type */
    uint16_t length;
    uint8_t value[IDENTITY_SIZE]; /* as on the wire */
};

enum auth_kind { AUTH_KIND_PSK, AUTH_KIND_RSA };

/* Names a key in the keeper's table; the engine knows no more of it. 0: none, the tunnel cannot come up. */
typedef uint32_t key_number;

enum peer_kind { PEER_ADDRESS, PEER_ANY, PEER_FQDN };

enum outgoing_kind {
    OUTGOING_ROUTED,    /* the routing table decides */
    OUTGOING_NEXT_HOP,  /* interface and next hop are given, the routing table is not consulted */
    OUTGOING_INTERFACE, /* interface alone (S21) */
    OUTGOING_AUTO,      /* the routing table decides; up only if it says this interface */
};

enum source_kind { SOURCE_ANY, SOURCE_ADDRESS, SOURCE_INTERFACE };

enum negotiation_direction { NEGOTIATE_BOTH, NEGOTIATE_INITIATOR, NEGOTIATE_RESPONDER };

enum connect_type { CONNECT_TRIGGER, CONNECT_AUTO };

/* The settings that come from more than one level, to look up where a value came from. */
enum policy_setting {
    SETTING_IKE_ENCRYPTION,
    SETTING_IKE_INTEGRITY,
    SETTING_IKE_PRF,
    SETTING_IKE_DH,
    SETTING_CHILD_ENCRYPTION,
    SETTING_CHILD_INTEGRITY,
    SETTING_CHILD_PFS,
    SETTING_SA_LIFETIME,
    SETTING_CHILD_LIFETIME,
    SETTING_DPD,
    SETTING_ANTI_REPLAY,
    SETTING_CONNECT_TYPE,
    SETTING_DIRECTION,
    SETTING_LOCAL_AUTHENTICATION,
    SETTING_OUTGOING_INTERFACE,
    SETTING_SOURCE_ADDRESS,
    SETTING_LOCAL_TS,
    SETTING_REMOTE_TS,
    SETTING_NAT_TRAVERSAL,
    SETTING_SUPPRESS_DELETE,
    SETTING_SUPPRESS_REKEY,
    SETTING_MTU_IGNORE,
    SETTING_PRE_FRAGMENT,
    SETTING_IPSEC_MODE,
    SETTING_CERT_CACERT,
    SETTING_CERT_MYCERT,
    SETTING_PEER,
    SETTING_COUNT
};

/* The algorithms allowed for one kind of SA: sets over the tables of crypto/algorithm.h. */
struct ike_algorithms {
    algorithm_set encryption, integrity, prf, dh;
};

struct child_algorithms {
    algorithm_set encryption, integrity;
    algorithm_set pfs; /* groups */
    bool pfs_none;     /* a rekey without PFS is allowed: `child-pfs off`, or unset */
};

/* As configured: inclusive ranges. For `any` the list is empty. */
struct policy_selector {
    struct ip_address first, last; /* family IP_NONE: both families, whole */
    uint8_t protocol;              /* 0: any */
    uint16_t first_port, last_port;
};

struct tunnel_policy {
    uint32_t tunnel; /* number of the tunnel, never 0: (N << 16 | M) + 1 for TunnelN.M, so always the same */
    char name[TUNNEL_NAME_SIZE];
    bool shut_down;
    bool defined;  /* has `tunnel mode` and `ikev2 peer` (R51): without, the SAs it has are deleted (S4) */
    bool complete; /* has all that it needs to come up (R51, R40, keys, no foreign line in its way) */

    enum peer_kind peer_kind;
    struct ip_address peer_address; /* PEER_ADDRESS */
    char peer_fqdn[FQDN_SIZE];      /* PEER_FQDN */
    enum ip_family peer_family;     /* PEER_FQDN: which to resolve; IP_NONE: as S19 says */

    enum auth_kind local_auth, remote_auth;
    struct identity local_id; /* ID_NONE: the source address (S17) */
    struct identity remote_id;
    key_number local_key; /* 0 with ID_NONE: the keeper decides by the source address, see S17 */
    key_number remote_key;

    struct ike_algorithms ike;
    struct child_algorithms child;
    uint32_t sa_lifetime;    /* seconds */
    uint32_t child_lifetime; /* seconds */
    uint32_t dpd_interval;   /* seconds; 0: off */
    bool anti_replay;
    enum connect_type connect_type;
    enum negotiation_direction direction;

    enum outgoing_kind outgoing;
    char out_interface[INTERFACE_NAME_SIZE]; /* in the router's words */
    struct ip_address out_next_hop;
    enum source_kind source_kind;
    struct ip_address source_address;
    char source_interface[INTERFACE_NAME_SIZE];

    uint8_t local_ts_count, remote_ts_count; /* 0: any */
    struct policy_selector local_ts[POLICY_SELECTORS_MAX];
    struct policy_selector remote_ts[POLICY_SELECTORS_MAX];

    bool nat_traversal;
    bool nat_force;
    uint32_t nat_keepalive; /* seconds */

    bool suppress_delete, suppress_rekey;
    bool mtu_ignore, pre_fragment;

    /* The line of the config that each value came from; 0: the default; or POLICY_LINE_TYPED. */
    uint32_t line[SETTING_COUNT];
};

#endif
