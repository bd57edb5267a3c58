/*
 * The resolved policy of one tunnel: the value of each setting (R21: from the Tunnel, else its profile, else
 * the default profile, else the default) and the line of the config that it came from. The keeper sends it to
 * the engine and the packet path, which never see the config. It has no pointers, so it can be sent from
 * process to process.
 */
#ifndef MUSUBI_CONFIG_POLICY_H
#define MUSUBI_CONFIG_POLICY_H

#include "base/address.h"
#include "crypto/algorithm.h"

enum {
    TUNNEL_NAME_SIZE = 32,    /* octets of "Tunnel0.0" and the like with its NUL */
    INTERFACE_NAME_SIZE = 48, /* any interface of the command language */
    FQDN_SIZE = 256,
    IDENTITY_SIZE = 256,         /* octets of an ID's value */
    CERTIFICATE_NAME_SIZE = 128, /* a name in the device's certificate store, with its NUL */
    AUTHORITY_SIZE = 20,         /* SHA-1 of the key of a CA, as CERTREQ has it (RFC 7296 3.7) */
    POLICY_SELECTORS_MAX = 8,    /* traffic selectors of one side */
};

/* In place of the line of a setting that was typed at the prompt and is in no file yet. */
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

/* An ID. */
struct identity {
    uint8_t type;                 /* enum identity_type */
    uint16_t length;              /* octets */
    uint8_t value[IDENTITY_SIZE]; /* as on the wire */
};

/* By pre-shared key, or by certificate: RSA and the other kinds of keys of pki/signature.h. */
enum auth_kind { AUTH_KIND_PSK, AUTH_KIND_RSA };

/* The number of a key in the keeper's table (config/keys.h), which is all that the engine knows of it. 0:
 * there is no key, and the tunnel can't come up. */
typedef uint32_t key_number;

enum peer_kind { PEER_ADDRESS, PEER_ANY, PEER_FQDN };

enum outgoing_kind {
    OUTGOING_ROUTED,    /* the routing table decides */
    OUTGOING_NEXT_HOP,  /* by a given interface and next hop, whatever the routing table says */
    OUTGOING_INTERFACE, /* by a given interface, without a next hop (S21) */
    OUTGOING_AUTO,      /* the routing table decides; the tunnel is up only if it says this interface */
};

enum source_kind { SOURCE_ANY, SOURCE_ADDRESS, SOURCE_INTERFACE };

enum negotiation_direction { NEGOTIATE_BOTH, NEGOTIATE_INITIATOR, NEGOTIATE_RESPONDER };

enum connect_type { CONNECT_TRIGGER, CONNECT_AUTO };

/* The settings whose lines a policy records. */
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
    SETTING_CERT_WEAK,
    SETTING_PEER,
    SETTING_LOCAL_KEY,  /* `ikev2 authentication`: the key of our ID */
    SETTING_REMOTE_KEY, /* of the peer's */
    SETTING_SHUTDOWN,
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

/* A traffic selector as configured; all ranges are inclusive. */
struct policy_selector {
    struct ip_address first, last; /* family IP_NONE: all addresses of both families */
    uint8_t protocol;              /* 0: any */
    uint16_t first_port, last_port;
};

/* What may be missing (config/gap.h), in the order in which it is looked for. */
enum policy_gap {
    GAP_NONE,
    GAP_MODE_AND_PEER,
    GAP_MODE,
    GAP_PEER,
    GAP_OTHER_MODE, /* a `tunnel mode` that is not supported */
    GAP_PROFILE,
    GAP_REMOTE_KEY,
    GAP_LOCAL_KEY,
    GAP_ID_OF_CERTIFICATE,
    GAP_CACERT,
    GAP_CACERT_NOT_IMPORTED,
    GAP_MYCERT,
    GAP_MYCERT_NOT_IMPORTED,
    GAP_MYCERT_WITHOUT_KEY,
    GAP_TRANSPORT_MODE,
    GAP_SELECTORS,
    GAP_OUTGOING_INTERFACE,
    GAP_SOURCE_INTERFACE,
    GAP_UNNUMBERED,
    GAP_COUNT
};

struct tunnel_policy {
    uint32_t tunnel; /* number of the tunnel, never 0: (N << 16 | M) + 1 for TunnelN.M */
    char name[TUNNEL_NAME_SIZE];
    bool shut_down;
    bool defined;        /* has `tunnel mode` and `ikev2 peer` (R51); if not, its SAs are deleted (S4) */
    bool complete;       /* the config allows it to come up (R51, R40, keys, no foreign `tunnel mode`) */
    enum policy_gap gap; /* if not: what is missing first, and the line that it was seen at, as in `line` */
    uint32_t gap_line;
    /* If the key of an ID is missing: the line of one that is probably meant, 0 if there is none; and the
     * enum identity_type of its ID, or that of the missing one's if it is a `key secret`. */
    uint32_t near_key_line;
    uint8_t near_key_type;

    enum peer_kind peer_kind;
    struct ip_address peer_address; /* PEER_ADDRESS */
    char peer_fqdn[FQDN_SIZE];      /* PEER_FQDN */
    enum ip_family peer_family;     /* PEER_FQDN: the family to resolve; IP_NONE: see S19 */

    enum auth_kind local_auth, remote_auth;
    struct identity local_id; /* ID_NONE: the source address (S17) */
    struct identity remote_id;
    key_number local_key; /* 0 with ID_NONE: the keeper decides by the source address, see S17 */
    key_number remote_key;
    char cacert[CERTIFICATE_NAME_SIZE]; /* the CA by which the peer's certificate is validated; "": none */
    char mycert[CERTIFICATE_NAME_SIZE]; /* the certificate by which we authenticate ourselves; "": none */
    bool weak_certificates;             /* `cert weak-allowed` */
    uint8_t authority[AUTHORITY_SIZE];  /* of `cacert`, set by who has the store; zeros: not known */

    struct ike_algorithms ike;
    struct child_algorithms child;
    uint32_t sa_lifetime;    /* seconds */
    uint32_t child_lifetime; /* seconds */
    uint32_t dpd_interval;   /* seconds; 0: off */
    bool anti_replay;
    enum connect_type connect_type;
    enum negotiation_direction direction;

    enum outgoing_kind outgoing;
    char out_interface[INTERFACE_NAME_SIZE]; /* as in the command language */
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

    /* The line of the config that each value came from; 0: it is the default; or POLICY_LINE_TYPED. */
    uint32_t line[SETTING_COUNT];
};

#endif
