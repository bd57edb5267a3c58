#include "daemon/engine/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DATAGRAMS_AT_ONCE = 64, /* read from one socket before the others have their turn */
    MARKER_SIZE = 4,
};

struct engine_socket {
    struct engine_sockets *sockets;
    int fd; /* -1: none */
    uint16_t port;
    bool polled;
    uv_poll_t poll;
};

struct engine_socket_set {
    struct engine_socket_set *next;
    uint32_t mark;
    unsigned open_handles;
    struct engine_socket members[ENGINE_SOCKET_COUNT];
};

bool engine_sockets_init(struct engine_sockets *sockets, uv_loop_t *loop, engine_datagram *received,
                         engine_stray *strayed, void *context)
{
    *sockets =
        (struct engine_sockets){.loop = loop, .received = received, .strayed = strayed, .context = context};
    sockets->buffer = malloc(IKE_DATAGRAM_MAX + MARKER_SIZE);
    return sockets->buffer != NULL;
}

/* ---- Receiving ------------------------------------------------------------------------------------- */

union arrival_control {
    char octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr header;
};

/* Where a datagram arrived: the address it was sent to, and the interface. */
static bool arrival_of(struct msghdr *message, struct ip_address *local, uint32_t *ifindex)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof(info));
            *local = ip_address_of(IP_V4, &info.ipi_addr);
            *ifindex = (uint32_t)info.ipi_ifindex;
            return true;
        }
        if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof(info));
            *local = ip_address_of(IP_V6, &info.ipi6_addr);
            *ifindex = info.ipi6_ifindex;
            return true;
        }
    }
    return false;
}

/* Takes the marker away; false if what came on port 4500 is no IKE. */
static bool marker_strip(uint16_t port, struct octets *message)
{
    if (port != IKE_NAT_PORT)
        return true;
    if (message->length <= MARKER_SIZE || load_u32be(message->at) != 0)
        return false;
    message->at += MARKER_SIZE;
    message->length -= MARKER_SIZE;
    return true;
}

static void take(struct engine_sockets *sockets, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote, uint32_t ifindex, struct octets message)
{
    if (marker_strip(local->port, &message))
        sockets->received(sockets->context, local, remote, ifindex, message);
    else if (message.length > ESP_HEADER_SIZE)
        sockets->strayed(sockets->context, remote, message);
}

/* Reads one datagram; false if there is none. */
static bool datagram_receive(struct engine_socket *socket)
{
    struct engine_sockets *sockets = socket->sockets;
    struct sockaddr_storage from;
    union arrival_control control;
    struct iovec part = {sockets->buffer, IKE_DATAGRAM_MAX + MARKER_SIZE};
    struct msghdr header = {
        .msg_name = &from,
        .msg_namelen = sizeof(from),
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.octets,
        .msg_controllen = sizeof(control.octets),
    };
    ssize_t length = recvmsg(socket->fd, &header, MSG_DONTWAIT);
    if (length < 0)
        return errno != EAGAIN; /* an ICMP error that came back is read, and nobody's matter */
    struct ip_endpoint remote;
    struct ip_endpoint local = {.port = socket->port};
    uint32_t ifindex;
    struct octets message = {sockets->buffer, (size_t)length};
    if ((header.msg_flags & MSG_TRUNC) == 0 &&
        ip_endpoint_from_sockaddr((const struct sockaddr *)&from, &remote) &&
        arrival_of(&header, &local.address, &ifindex))
        take(sockets, &local, &remote, ifindex, message);
    return true;
}

void engine_sockets_take(struct engine_sockets *sockets, const struct ip_address *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram)
{
    const struct ip_endpoint to = {*local, IKE_NAT_PORT};
    take(sockets, &to, remote, ifindex, datagram);
}

static void socket_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct engine_socket *socket = poll->data;
    for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
        if (!datagram_receive(socket))
            break;
    }
}

/* ---- Sets ------------------------------------------------------------------------------------------ */

static void set_handle_closed(uv_handle_t *handle)
{
    struct engine_socket_set *set = handle->data;
    if (--set->open_handles == 0)
        free(set);
}

static void set_close(struct engine_socket_set *set)
{
    for (size_t i = 0; i < ENGINE_SOCKET_COUNT; i++) {
        struct engine_socket *socket = &set->members[i];
        if (socket->polled) {
            socket->poll.data = set;
            set->open_handles++;
            uv_close((uv_handle_t *)&socket->poll, set_handle_closed);
        }
        if (socket->fd >= 0)
            close(socket->fd);
    }
    if (set->open_handles == 0)
        free(set);
}

static void set_remove(struct engine_sockets *sockets, uint32_t mark)
{
    for (struct engine_socket_set **at = &sockets->sets; *at != NULL; at = &(*at)->next) {
        if ((*at)->mark == mark) {
            struct engine_socket_set *set = *at;
            *at = set->next;
            set_close(set);
            return;
        }
    }
}

static bool socket_open(struct engine_sockets *sockets, struct engine_socket *socket, int fd, uint16_t port,
                        bool receives)
{
    *socket = (struct engine_socket){.sockets = sockets, .fd = fd, .port = port};
    if (fd < 0 || !receives)
        return true;
    socket->poll.data = socket;
    if (uv_poll_init(sockets->loop, &socket->poll, fd) != 0)
        return false;
    socket->polled = true;
    return uv_poll_start(&socket->poll, UV_READABLE, socket_readable) == 0;
}

bool engine_sockets_add(struct engine_sockets *sockets, uint32_t mark, const int fds[ENGINE_SOCKET_COUNT])
{
    bool any = false;
    for (size_t i = 0; i < ENGINE_SOCKET_COUNT; i++)
        any |= fds[i] >= 0;
    set_remove(sockets, mark);
    if (!any)
        return true;
    struct engine_socket_set *set = calloc(1, sizeof(*set));
    if (set == NULL) {
        for (size_t i = 0; i < ENGINE_SOCKET_COUNT; i++) {
            if (fds[i] >= 0)
                close(fds[i]);
        }
        return false;
    }
    set->mark = mark;
    set->next = sockets->sets;
    sockets->sets = set;
    bool done = true;
    for (size_t i = 0; i < ENGINE_SOCKET_COUNT; i++) {
        bool nat = i == ENGINE_SOCKET_NAT_V4 || i == ENGINE_SOCKET_NAT_V6;
        done &= socket_open(sockets, &set->members[i], fds[i], nat ? IKE_NAT_PORT : IKE_PORT, mark == 0);
    }
    return done;
}

/* ---- Sending --------------------------------------------------------------------------------------- */

/* The descriptor to send by; -1 if there is none. */
static int socket_find(const struct engine_sockets *sockets, const struct ip_endpoint *local, uint32_t mark)
{
    bool v6 = local->address.family == IP_V6;
    enum engine_socket_kind kind = local->port == IKE_NAT_PORT
                                       ? (v6 ? ENGINE_SOCKET_NAT_V6 : ENGINE_SOCKET_NAT_V4)
                                       : (v6 ? ENGINE_SOCKET_IKE_V6 : ENGINE_SOCKET_IKE_V4);
    for (const struct engine_socket_set *set = sockets->sets; set != NULL; set = set->next) {
        if (set->mark == mark)
            return set->members[kind].fd;
    }
    return -1;
}

/* Says from which address and by which interface a datagram goes. */
static void control_put(struct msghdr *message, union arrival_control *control,
                        const struct ip_address *local, uint32_t ifindex)
{
    memset(control, 0, sizeof(*control));
    message->msg_control = control->octets;
    struct cmsghdr *header = &control->header;
    if (local->family == IP_V4) {
        struct in_pktinfo info = {.ipi_ifindex = (int)ifindex};
        memcpy(&info.ipi_spec_dst, local->octets, sizeof(info.ipi_spec_dst));
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(info));
        message->msg_controllen = CMSG_SPACE(sizeof(info));
        memcpy(CMSG_DATA(header), &info, sizeof(info));
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = ifindex};
        memcpy(&info.ipi6_addr, local->octets, sizeof(info.ipi6_addr));
        header->cmsg_level = IPPROTO_IPV6;
        header->cmsg_type = IPV6_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(info));
        message->msg_controllen = CMSG_SPACE(sizeof(info));
        memcpy(CMSG_DATA(header), &info, sizeof(info));
    }
}

int engine_sockets_send(struct engine_sockets *sockets, const struct ip_endpoint *local,
                        const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                        struct octets message)
{
    static const uint8_t marker[MARKER_SIZE];
    int fd = socket_find(sockets, local, mark);
    if (fd < 0)
        return EAFNOSUPPORT;
    struct sockaddr_storage to;
    union arrival_control control;
    bool marked = local->port == IKE_NAT_PORT;
    struct iovec parts[] = {{(void *)marker, marked ? MARKER_SIZE : 0}, {(void *)message.at, message.length}};
    struct msghdr header = {
        .msg_name = &to,
        .msg_namelen = ip_endpoint_to_sockaddr(remote, &to),
        .msg_iov = parts,
        .msg_iovlen = 2,
    };
    control_put(&header, &control, &local->address, ifindex);
    /* What doesn't leave now is sent again when the answer stays away. */
    return sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ? 0 : errno;
}
