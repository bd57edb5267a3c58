#include "daemon/ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"

enum { SOCKET_BUFFER = 4 << 20 };

struct channel_waiting {
    STAILQ_ENTRY(channel_waiting) link;
    size_t length;
    size_t fd_count;
    int fds[CHANNEL_FDS_MAX];
    uint8_t octets[];
};

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

bool channel_pair(int fds[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        return false;
    /* Larger than the limit for others, or else as large as that allows. */
    const int size = SOCKET_BUFFER;
    for (int i = 0; i < 2; i++) {
        if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
            (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    return true;
}

void channel_open(struct channel *channel, int fd)
{
    *channel = (struct channel){.fd = fd};
    STAILQ_INIT(&channel->queue);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        channel->failed = true;
}

static void waiting_free(struct channel_waiting *waiting)
{
    close_all(waiting->fds, waiting->fd_count);
    secret_free(waiting, sizeof(*waiting) + waiting->length);
}

/* Forgets the last message: descriptors that nobody took are closed, secrets are wiped. */
static void message_drop(struct channel *channel)
{
    close_all(channel->message.fds, channel->message.fd_count);
    channel->message = (struct channel_message){0};
    secret_wipe(channel->buffer, channel->received);
    channel->received = 0;
}

void channel_close(struct channel *channel)
{
    if (channel->fd < 0)
        return;
    message_drop(channel);
    struct channel_waiting *waiting;
    while ((waiting = STAILQ_FIRST(&channel->queue)) != NULL) {
        STAILQ_REMOVE_HEAD(&channel->queue, link);
        waiting_free(waiting);
    }
    close(channel->fd);
    channel->fd = -1;
}

/* ---- Sending --------------------------------------------------------------------------------------- */

union fd_control {
    char octets[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
    struct cmsghdr header;
};

/* Puts descriptors into the control data of a message. */
static void control_put(struct msghdr *message, union fd_control *control, const int *fds, size_t count)
{
    if (count == 0)
        return;
    memset(control, 0, sizeof(*control));
    message->msg_control = control->octets;
    message->msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
}

enum sent { SENT, SENT_LATER, SENT_NEVER };

static enum sent message_send(int fd, struct iovec *parts, size_t part_count, const int *fds, size_t fd_count)
{
    union fd_control control;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = part_count};
    control_put(&message, &control, fds, fd_count);
    for (;;) {
        if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
            return SENT;
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
            return SENT_LATER;
        if (errno != EINTR)
            return SENT_NEVER;
    }
}

/* Copies a message to the end of the queue. */
static bool message_queue(struct channel *channel, const struct iovec *parts, size_t part_count,
                          const int *fds, size_t fd_count)
{
    size_t length = 0;
    for (size_t i = 0; i < part_count; i++)
        length += parts[i].iov_len;
    if (channel->queued + length > CHANNEL_QUEUE_MAX) {
        channel->failed = true;
        return false;
    }
    struct channel_waiting *waiting = calloc(1, sizeof(*waiting) + length);
    if (waiting == NULL)
        return false;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].iov_len > 0)
            memcpy(waiting->octets + waiting->length, parts[i].iov_base, parts[i].iov_len);
        waiting->length += parts[i].iov_len;
    }
    for (size_t i = 0; i < fd_count; i++) {
        waiting->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        waiting->fd_count++;
        if (waiting->fds[i] < 0) {
            waiting_free(waiting);
            return false;
        }
    }
    STAILQ_INSERT_TAIL(&channel->queue, waiting, link);
    channel->queued += length;
    return true;
}

bool channel_send(struct channel *channel, uint32_t type, const void *body, size_t length, const void *more,
                  size_t more_length, const int *fds, size_t fd_count)
{
    if (channel->fd < 0 || channel->failed || length > CHANNEL_BODY_MAX ||
        more_length > CHANNEL_BODY_MAX - length || fd_count > CHANNEL_FDS_MAX)
        return false;
    struct channel_header header = {.type = type, .length = (uint32_t)(length + more_length)};
    struct iovec parts[] = {{&header, sizeof(header)}, {(void *)body, length}, {(void *)more, more_length}};
    const size_t part_count = sizeof(parts) / sizeof(parts[0]);
    if (!channel_flush(channel))
        return false;
    if (channel_is_waiting(channel))
        return message_queue(channel, parts, part_count, fds, fd_count);
    switch (message_send(channel->fd, parts, part_count, fds, fd_count)) {
    case SENT:
        return true;
    case SENT_LATER:
        return message_queue(channel, parts, part_count, fds, fd_count);
    case SENT_NEVER:
        break;
    }
    channel->failed = true;
    return false;
}

bool channel_offer(struct channel *channel, uint32_t type, const void *body, size_t length, const void *more,
                   size_t more_length)
{
    bool sent = channel->queued <= CHANNEL_SPARE_MAX &&
                channel_send(channel, type, body, length, more, more_length, NULL, 0);
    channel->lost += !sent;
    return sent;
}

bool channel_flush(struct channel *channel)
{
    if (channel->fd < 0 || channel->failed)
        return false;
    struct channel_waiting *waiting;
    while ((waiting = STAILQ_FIRST(&channel->queue)) != NULL) {
        struct iovec part = {waiting->octets, waiting->length};
        enum sent sent = message_send(channel->fd, &part, 1, waiting->fds, waiting->fd_count);
        if (sent == SENT_LATER)
            return true;
        channel->failed = sent == SENT_NEVER;
        if (channel->failed)
            return false;
        STAILQ_REMOVE_HEAD(&channel->queue, link);
        channel->queued -= waiting->length;
        waiting_free(waiting);
    }
    return true;
}

bool channel_is_waiting(const struct channel *channel)
{
    return channel->fd >= 0 && !channel->failed && !STAILQ_EMPTY(&channel->queue);
}

/* ---- Receiving ------------------------------------------------------------------------------------- */

/* Takes the descriptors out of the control data. */
static void control_take(struct msghdr *message, struct channel_message *out)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
            if (out->fd_count < CHANNEL_FDS_MAX)
                out->fds[out->fd_count++] = fd;
            else
                close(fd);
        }
    }
}

bool channel_has_message(const struct channel *channel)
{
    struct pollfd readable = {.fd = channel->fd, .events = POLLIN};
    return channel->fd >= 0 && poll(&readable, 1, 0) == 1;
}

enum channel_result channel_receive(struct channel *channel)
{
    if (channel->fd < 0)
        return CHANNEL_CLOSED;
    message_drop(channel);
    union fd_control control;
    struct iovec part = {channel->buffer, sizeof(channel->buffer)};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.octets,
        .msg_controllen = sizeof(control.octets),
    };
    ssize_t length;
    do {
        length = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (length < 0 && errno == EINTR);
    if (length < 0)
        return errno == EAGAIN ? CHANNEL_EMPTY : CHANNEL_CLOSED;
    channel->received = (size_t)length;
    control_take(&message, &channel->message);
    const struct channel_header *header = (const struct channel_header *)(const void *)channel->buffer;
    if (channel->received < sizeof(*header) || header->length != channel->received - sizeof(*header) ||
        (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        message_drop(channel);
        return CHANNEL_CLOSED;
    }
    channel->message.type = header->type;
    channel->message.body = channel->buffer + sizeof(*header);
    channel->message.length = header->length;
    return CHANNEL_MESSAGE;
}

int channel_take_fd(struct channel *channel, size_t index)
{
    if (index >= channel->message.fd_count)
        return -1;
    int fd = channel->message.fds[index];
    channel->message.fds[index] = -1;
    return fd;
}
