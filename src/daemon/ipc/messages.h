/*
 * Every message between our three processes, each defined here once, as a struct. The receiver of a message
 * asks message_is_sound before it looks inside: the engine and the path deal with the network, so their
 * messages may come from an attacker who took them over.
 *
 * All is plain memory: the processes are one program, started together. A tail of octets (`more` of
 * channel_send) stands behind some of the structs.
 */
#ifndef MUSUBI_DAEMON_IPC_MESSAGES_H
#define MUSUBI_DAEMON_IPC_MESSAGES_H

#include "config/policy.h"
#include "daemon/ipc/channel.h"
#include "ike/ike.h"
#include "path/path.h"

enum process { PROCESS_KEEPER, PROCESS_ENGINE, PROCESS_PATH };

enum message_type {
    /* Keeper to engine. */
    MESSAGE_ENGINE_SETUP,   /* first of all */
    MESSAGE_ENGINE_SOCKETS, /* those of IKE for one mark; the first ones, of mark 0, complete the setup */
    MESSAGE_POLICY,         /* IKE_EVENT_POLICY */
    MESSAGE_TUNNEL_GONE,    /* struct message_tunnel: IKE_EVENT_TUNNEL_GONE */
    MESSAGE_POLICIES_TOLD,  /* no body: those of the config, at the start; answered by MESSAGE_POLICIES_KNOWN
                             */
    MESSAGE_TUNNELS_TOLD,   /* no body: IKE_EVENT_TUNNELS_TOLD */
    MESSAGE_PEER_ROUTE,
    MESSAGE_OWN_ADDRESS, /* IKE_EVENT_OWN_ADDRESS */
    MESSAGE_PEER_ADDRESSES,
    MESSAGE_CLEAR,
    MESSAGE_LOG_LEVEL,         /* IKE_EVENT_LOG_LEVEL */
    MESSAGE_TUNNEL_STATE_DONE, /* routes lead into the tunnel now */
    MESSAGE_STOP,              /* no body: IKE_EVENT_STOP */
    MESSAGE_JOB_DONE,          /* the result of a job of the keeper; tail: the certificates of ours */
    MESSAGE_TRUST,             /* the CA certificates and CRLs: replaces all that came before */

    /* Keeper to path. */
    MESSAGE_PATH_SETUP, /* first of all; followed by one MESSAGE_PATH_WORKER for each worker */
    MESSAGE_PATH_WORKER,
    MESSAGE_TUNNEL_ADD,    /* struct path_tunnel, with its TUN device */
    MESSAGE_TUNNEL_UPDATE, /* struct path_tunnel */
    MESSAGE_TUNNEL_REMOVE, /* struct message_tunnel */

    /* Engine to keeper. */
    MESSAGE_AUTH_JOB,       /* tail: the peer's AUTH value, the octets that it signed, those that we sign, the
                               CAs that the peer names */
    MESSAGE_LOOK_UP,        /* IKE_JOB_LOOK_UP */
    MESSAGE_TUNNEL_STATE,   /* tail: the reason */
    MESSAGE_IDLE,           /* no body: after MESSAGE_STOP, no SA is left */
    MESSAGE_POLICIES_KNOWN, /* no body */

    /* Path to keeper. */
    MESSAGE_TUNNEL_DONE,

    /* Engine and path to keeper. */
    MESSAGE_READY, /* no body: set up */
    MESSAGE_LOG,   /* tail: the text */

    /* Engine to path, and back. */
    MESSAGE_CHILD,
    MESSAGE_LIST_CHILDREN, /* what Child SAs the path has, see path_list_children; answered by: */
    MESSAGE_CHILDREN,      /* tail: `count` times struct path_child; one or more for each request */
    MESSAGE_TUNNEL_FAIL,   /* what waits of a pair is dropped */
    MESSAGE_PATH_EVENT,    /* struct path_event */
    /* Datagrams on port 4500 that Linux has merged with others (path/stray.h); tail: the octets. */
    MESSAGE_STRAY_IKE, /* from the path, with its marker */
    MESSAGE_STRAY_ESP, /* from the engine */

    MESSAGE_TYPE_COUNT
};

struct message_tunnel {
    uint32_t tunnel;
};

struct message_policy {
    uint32_t slot; /* the tunnel's, see esp/owner.h */
    struct tunnel_policy policy;
};

/* Descriptors: the state map, the statistics (daemon/state/shared.h). */
struct message_engine_setup {
    uint32_t esp_owners;
    uint32_t log_level; /* enum log_level */
};

/* Which of the sockets that may be sent are there: bit n for the nth. Descriptors: those, in this order. */
enum engine_socket_kind {
    ENGINE_SOCKET_IKE_V4, /* port 500 */
    ENGINE_SOCKET_IKE_V6,
    ENGINE_SOCKET_NAT_V4, /* port 4500, what has the non-ESP marker */
    ENGINE_SOCKET_NAT_V6,
    ENGINE_SOCKET_COUNT
};

struct message_engine_sockets {
    /* The fwmark of what is sent by them (R44). Those of a mark other than 0 only send, and replace those
     * that came before; if none are present the engine forgets the mark. */
    uint32_t mark;
    uint32_t present;
};

struct message_peer_route {
    uint32_t tunnel;
    struct peer_route route;
};

struct message_own_address {
    struct ip_address address;
    uint32_t is_here; /* 0 or 1 */
};

/* IKE_EVENT_PEER_ADDRESSES */
struct message_peer_addresses {
    uint32_t tunnel;
    uint32_t count;
    struct ip_address addresses[IKE_PEER_ADDRESSES_MAX];
};

struct message_log_level {
    uint32_t level; /* enum log_level */
};

struct message_clear {
    uint32_t all; /* 0 or 1 */
    uint32_t tunnel;
};

struct message_job_done {
    uint32_t job;
    uint32_t kind;               /* enum ike_job_kind; one of the keeper's */
    uint32_t ok;                 /* 0 or 1 */
    struct ike_auth_result auth; /* its pointers are not used */
    uint32_t certificates_length;
};

/* Descriptor: a memory file with the octets of pki/trust.h. */
struct message_trust {
    uint64_t length;
};

/* Descriptor: the live area (daemon/state/shared.h). */
struct message_path_setup {
    uint32_t workers;
};

enum path_socket_kind {
    PATH_SOCKET_ESP_V4,
    PATH_SOCKET_ESP_V6,
    PATH_SOCKET_UDP_V4,
    PATH_SOCKET_UDP_V6,
    PATH_SOCKET_ESP_V4_DF,
    PATH_SOCKET_UDP_V4_DF,
    PATH_SOCKET_PACKET,
    PATH_SOCKET_ICMP_V4,
    PATH_SOCKET_ICMP_V6,
    PATH_SOCKET_COUNT
};

struct message_path_worker {
    uint32_t worker;
    uint32_t present; /* as in struct message_engine_sockets */
};

/* IKE_JOB_AUTH. Its octets stand in the tail one after the other, and fill it. */
struct message_auth_job {
    uint32_t job;
    uint32_t tunnel;
    uint32_t prf;    /* enum prf_id */
    uint32_t verify; /* 0 or 1 */
    uint32_t sign;   /* 0 or 1 */
    uint32_t method; /* enum auth_method: the peer's */
    uint32_t value_length, peer_octets_length, own_octets_length, authorities_length;
    uint32_t peer_hashes; /* signature_hash_set */
    uint32_t peer_scheme;
    uint32_t pkcs1; /* 0 or 1 */
    struct identity peer, own;
};

struct message_look_up {
    uint32_t job;
    uint32_t tunnel;
    struct ip_address seen;
};

struct message_tunnel_state {
    uint64_t request; /* to be answered by MESSAGE_TUNNEL_STATE_DONE; 0: not */
    uint32_t tunnel;
    uint32_t up; /* 0 or 1 */
};

struct message_tunnel_state_done {
    uint64_t request;
};

struct message_tunnel_done {
    uint32_t tunnel;
    uint32_t operation; /* MESSAGE_TUNNEL_ADD, _UPDATE or _REMOVE */
    uint32_t result;    /* enum path_result */
};

struct message_log {
    uint32_t level;      /* enum log_level */
    uint32_t function;   /* enum log_function */
    uint32_t has_tunnel; /* 0 or 1 */
    uint32_t tunnel;
    uint32_t failed;   /* enum ike_step: at which a negotiation failed, and why is the text */
    uint32_t unlogged; /* 0 or 1: that is for the shows of the tunnel alone, and no line of the log */
};

struct message_child {
    uint64_t request; /* comes back with PATH_DONE */
    struct child_command command;
};

struct message_list_children {
    uint64_t request;
};

enum { MESSAGE_CHILDREN_MAX = 1024 /* in one message */ };

/* All changes that the engine sent before the request are in it, and none that it sent later. */
struct message_children {
    uint64_t request;
    uint32_t count; /* at most MESSAGE_CHILDREN_MAX */
    uint32_t more;  /* 0: this is the last message of the answer; 1: another one follows */
};

struct message_tunnel_fail {
    uint32_t tunnel;
    struct packet_pair pair;
};

struct message_stray {
    struct ip_endpoint remote;
    struct ip_address local; /* MESSAGE_STRAY_IKE */
    uint32_t ifindex;        /* likewise */
};

enum {
    MESSAGE_STRAY_MAX = 65535,        /* octets of a datagram */
    MESSAGE_TEXT_MAX = 2048,          /* octets of a log line or a reason */
    MESSAGE_CERTIFICATES_MAX = 60000, /* that go along with an AUTH: they have to fit a datagram */
    MESSAGE_AUTH_TAIL_MAX = 70000, /* one IKE_SA_INIT message may be as long as a datagram; ours is short */
};

/* True if `to` may get this message from `from` and can use its content without further checks. */
bool message_is_sound(enum process from, enum process to, const struct channel_message *message);

/* The name of a type, for log lines. */
const char *message_name(uint32_t type);

/* The Child SAs that stand in a MESSAGE_CHILDREN that is sound. */
static inline const struct path_child *message_children_list(const struct channel_message *message)
{
    return (const struct path_child *)((const struct message_children *)message->body + 1);
}

/* The job of a MESSAGE_AUTH_JOB that is sound; its octets point into the message. */
struct ike_auth_job message_auth_job(const struct channel_message *message);

/* The octets behind the struct, which has `size` octets. */
struct octets message_tail(const struct channel_message *message, size_t size);

/*
 * Sends a line of the event log; `text` up to MESSAGE_TEXT_MAX octets. Lines that find too much waiting for
 * the keeper are lost, and counted; the next one that is sent comes behind one that says how many.
 */
void message_send_log(struct channel *keeper, const struct message_log *line, const char *text);

/* Sends a message that is a struct alone. */
static inline bool message_send(struct channel *channel, enum message_type type, const void *body,
                                size_t size)
{
    return channel_send(channel, type, body, size, NULL, 0, NULL, 0);
}

#endif
