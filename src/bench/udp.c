#include "bench/udp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ike/ike.h"

enum {
    MARKER_SIZE = 4,
    BUFFER = 4 << 20,      /* octets that wait in a socket */
    DATAGRAMS_AT_ONCE = 64 /* read before other work is done */
};

bool udp_source_towards(const struct ip_address *remote, struct ip_address *out)
{
    struct sockaddr_storage at;
    const struct ip_endpoint to = {*remote, IKE_PORT};
    struct ip_endpoint from;
    socklen_t length = ip_endpoint_to_sockaddr(&to, &at);
    int fd = socket(ip_address_af(remote->family), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool found = connect(fd, (const struct sockaddr *)&at, length) == 0;
    length = sizeof(at);
    found = found && getsockname(fd, (struct sockaddr *)&at, &length) == 0 &&
            ip_endpoint_from_sockaddr((const struct sockaddr *)&at, &from);
    int error = errno;
    close(fd);
    errno = error;
    if (found)
        *out = from.address;
    return found;
}

/* Hands on one datagram; false if none waits. */
static bool receive_one(struct udp_socket *s)
{
    uint8_t buffer[IKE_DATAGRAM_MAX];
    struct sockaddr_storage from;
    socklen_t from_length = sizeof(from);
    struct ip_endpoint remote;
    const struct ip_endpoint local = {s->host->address, s->port};
    ssize_t length =
        recvfrom(s->fd, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&from, &from_length);
    if (length < 0)
        return errno != EAGAIN; /* an ICMP error was read instead */
    struct octets message = {buffer, (size_t)length};
    if (s->port == IKE_NAT_PORT) {
        if (message.length < MARKER_SIZE || load_u32be(buffer) != 0)
            return true; /* ESP, or a NAT keepalive */
        message = (struct octets){buffer + MARKER_SIZE, message.length - MARKER_SIZE};
    }
    if (ip_endpoint_from_sockaddr((const struct sockaddr *)&from, &remote))
        s->host->received(s->host->context, &local, &remote, message);
    return true;
}

static void readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    for (int i = 0; i < DATAGRAMS_AT_ONCE && receive_one(poll->data); i++)
        ;
}

static bool open_one(struct udp_socket *s, uv_loop_t *loop, uint16_t port)
{
    static const int buffer = BUFFER;
    struct sockaddr_storage at;
    const struct ip_endpoint local = {s->host->address, port};
    socklen_t length = ip_endpoint_to_sockaddr(&local, &at);
    s->port = port;
    s->fd = socket(ip_address_af(local.address.family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return false;
    if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0)
        (void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    if (bind(s->fd, (const struct sockaddr *)&at, length) != 0 || uv_poll_init(loop, &s->poll, s->fd) != 0) {
        int error = errno;
        close(s->fd);
        s->fd = -1;
        errno = error;
        return false;
    }
    s->poll.data = s;
    return uv_poll_start(&s->poll, UV_READABLE, readable) == 0;
}

bool udp_open(struct udp_host *host, uv_loop_t *loop, const struct ip_address *address,
              udp_received *received, void *context)
{
    *host = (struct udp_host){.address = *address, .received = received, .context = context};
    host->sockets[0] = host->sockets[1] = (struct udp_socket){.host = host, .fd = -1};
    return open_one(&host->sockets[0], loop, IKE_PORT) && open_one(&host->sockets[1], loop, IKE_NAT_PORT);
}

void udp_close(struct udp_host *host)
{
    for (size_t i = 0; i < 2; i++) {
        struct udp_socket *s = &host->sockets[i];
        if (s->fd < 0)
            continue;
        uv_close((uv_handle_t *)&s->poll, NULL);
        close(s->fd);
        s->fd = -1;
    }
}

void udp_send(struct udp_host *host, uint16_t port, const struct ip_endpoint *remote, struct octets message)
{
    static const uint8_t marker[MARKER_SIZE];
    bool marked = port == IKE_NAT_PORT;
    struct sockaddr_storage to;
    struct iovec parts[] = {{(void *)marker, marked ? MARKER_SIZE : 0}, {(void *)message.at, message.length}};
    const struct msghdr header = {
        .msg_name = &to,
        .msg_namelen = ip_endpoint_to_sockaddr(remote, &to),
        .msg_iov = parts,
        .msg_iovlen = 2,
    };
    (void)sendmsg(host->sockets[marked].fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}
