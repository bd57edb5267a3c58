/*
 * The network side of a worker: four sockets (ESP over IPv4 and IPv6, ESP in UDP over IPv4 and IPv6), from
 * which and to which one system call carries a batch, and two more of IPv4 that only send, and set DF. Most
 * ESP over IPv4 leaves past them, by path/link_ring.h.
 */
#ifndef MUSUBI_PATH_WIRE_H
#define MUSUBI_PATH_WIRE_H

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "path/path.h"

enum {
    PATH_BATCH = 64,                  /* packets */
    WIRE_INBOX_ROOM = 3 * PATH_BATCH, /* datagrams */
};

enum wire_kind {
    WIRE_ESP_V4,
    WIRE_ESP_V6,
    WIRE_UDP_V4,
    WIRE_UDP_V6,
    WIRE_ESP_V4_DF, /* these set DF, and only send */
    WIRE_UDP_V4_DF,
    WIRE_COUNT,
};

/* A child_destination in the form that the kernel wants: everything of a message but its octets. */
struct wire_destination {
    enum wire_kind kind;
    struct ip_endpoint remote; /* port 0 unless in UDP */
    struct ip_address local;   /* the source address */
    uint32_t mark;             /* fwmark; 0: none */
    socklen_t name_length;
    struct sockaddr_storage name;
    size_t control_length;
    _Alignas(struct cmsghdr)
        uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t))];
};

/* Control messages of one message alone: those of its destination, and two more. */
struct wire_message_control {
    _Alignas(struct cmsghdr) uint8_t octets[sizeof(((struct wire_destination *)0)->control) +
                                            CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
};

enum {
    /* Of datagrams that one message may carry (UDP_SEGMENT), and of their octets together. */
    WIRE_SEGMENTS_MAX = 64,
    WIRE_SEGMENTED_MAX = 65507,
};

/* One datagram as it came in: ESP, whatever was around it. Or several of one source that Linux has merged
 * (UDP_GRO): it looks at nothing but their sizes, so there may be IKE among them, and ESP of any SA. */
struct datagram {
    uint8_t *at;
    size_t length;
    size_t segment;        /* octets of each merged one but the last; 0: it is a single one */
    uint8_t traffic_class; /* Type of Service or Traffic Class of its IP header */
    const struct sockaddr *from;
    const struct msghdr *message; /* its control messages; NULL: they are not there any more */
};

/* Room for the control messages that tell where a datagram arrived, its traffic class, and what was merged.
 */
union wire_control {
    struct cmsghdr header;
    uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))];
};

/* Room for the largest datagrams, of several batches: those of one stay where they are while the next one
 * comes. */
struct wire_inbox {
    struct mmsghdr messages[WIRE_INBOX_ROOM];
    struct iovec vectors[WIRE_INBOX_ROOM];
    struct sockaddr_storage from[WIRE_INBOX_ROOM];
    union wire_control controls[WIRE_INBOX_ROOM];
    uint8_t *octets;
    unsigned first, used; /* messages of the last batch; the others are as they were prepared */
    unsigned next;        /* where the next batch begins */
    bool merged;          /* datagrams of the last batch had come merged */
};

/* Allocates the buffers of a zeroed inbox, and with `touched` touches them as far as common datagrams go, so
 * that no packet waits for fresh memory. False if memory ran out; wire_inbox_free may follow in any case. */
bool wire_inbox_allocate(struct wire_inbox *inbox, bool touched);
void wire_inbox_free(struct wire_inbox *inbox);

/* Lets go of all datagrams: the next batch may be put where they are. */
void wire_inbox_clear(struct wire_inbox *inbox);

/* How many datagrams the next batch has at most: fewer while they come merged. */
unsigned wire_inbox_limit(const struct wire_inbox *inbox);

/* True if another batch, not a tiny one, can come before the inbox is cleared. */
bool wire_inbox_has_room(const struct wire_inbox *inbox);

/* False if remote and local are not of one family, or if the port is missing with UDP. */
bool wire_destination_from(struct wire_destination *to, const struct child_destination *from);

/* Fills in all of `message` but the vectors. It refers to `to`. */
void wire_address_message(struct msghdr *message, struct wire_destination *to);

/* What a message for a destination of `kind` says of its own; 0: nothing. */
struct wire_form {
    enum wire_kind kind;
    uint8_t traffic_class; /* Type of Service or Traffic Class */
    uint16_t segment;      /* UDP: it carries datagrams of so many octets, of which the last may have less */
};

/* Has a message that wire_address_message filled in carry the form too. It then refers to `control`. */
void wire_set_form(struct msghdr *message, struct wire_message_control *control,
                   const struct wire_form *form);

/* What carries batches between a descriptor of each wire_kind and the network. */
struct wire_io {
    /*
     * Receives up to wire_inbox_limit datagrams into the inbox, which has room, and describes them in
     * `datagrams`. Returns their number; fewer: nothing more was there. Those that are not even whole in
     * their IP header have length 0. -1 with errno set if the socket failed.
     */
    int (*receive)(int fd, enum wire_kind kind, struct wire_inbox *inbox, struct datagram *datagrams);
    /* Sends the first of `count` messages and as many more as go. Returns how many went; -1 with errno set if
     * the first did not: EAGAIN if the socket's buffer is full, else the message is at fault. One whose
     * datagrams the kernel cannot make (wire_cannot_segment) may go by one datagram after the other. */
    int (*send)(int fd, struct mmsghdr *messages, unsigned count);
    bool segments; /* `send` takes messages with wire_form.segment, as far as the kernel does */
};

/* The sockets of struct path_worker. */
extern const struct wire_io wire_sockets;

/* Receives into the inbox as the kernel hands datagrams out; returns as wire_io.receive does. */
int wire_receive_batch(int fd, struct wire_inbox *inbox, struct datagram *datagrams);

/* Where a datagram came from; the port is 0 for raw ESP. */
struct ip_endpoint wire_source(const struct datagram *datagram, enum wire_kind kind);

/* The address and the interface at which a datagram arrived; family IP_NONE and 0 if the socket does not
 * tell. */
void wire_arrival(const struct datagram *datagram, struct ip_address *local, uint32_t *ifindex);

static inline bool wire_is_udp(enum wire_kind kind)
{
    return kind == WIRE_UDP_V4 || kind == WIRE_UDP_V6 || kind == WIRE_UDP_V4_DF;
}

/* True for the errors of a kernel that does not make datagrams of a message: its protocol does not know how,
 * a device cannot have it, or a datagram is larger than the link takes. */
static inline bool wire_cannot_segment(int error)
{
    return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP;
}

static inline bool wire_is_v6(enum wire_kind kind)
{
    return kind == WIRE_ESP_V6 || kind == WIRE_UDP_V6;
}

/* What an IPv6 socket sends from here on is fragmented by Linux if it has more than `mtu` octets, or more
 * than its link takes. */
void wire_set_mtu(int fd, uint32_t mtu);

/* The kind to send by if routers must not fragment the datagram. None may ever fragment IPv6. */
static inline enum wire_kind wire_kind_whole(enum wire_kind kind)
{
    return kind == WIRE_ESP_V4 ? WIRE_ESP_V4_DF : kind == WIRE_UDP_V4 ? WIRE_UDP_V4_DF : kind;
}

#endif
