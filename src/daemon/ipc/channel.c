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
    secret_wipe(channel->buffer + channel->begin, channel->end - channel->begin);
    channel->begin = channel->end;
}

/* Forgets the last packet, and the messages of it that were not taken. */
static void packet_drop(struct channel *channel)
{
    channel->end = channel->received;
    message_drop(channel);
    channel->begin = channel->end = channel->received = 0;
}

void channel_gather(struct channel *channel)
{
    channel->gathers = true;
}

void channel_close(struct channel *channel)
{
    if (channel->fd < 0)
        return;
    (void)channel_flush(channel);
    secret_wipe(channel->packet, channel->gathered);
    channel->gathered = 0;
    packet_drop(channel);
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

static enum sent packet_send(int fd, struct iovec *parts, size_t part_count, const int *fds, size_t fd_count)
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

/* Copies a packet to the end of the queue. */
static bool packet_queue(struct channel *channel, const struct iovec *parts, size_t part_count,
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

/* Sends a packet, or puts it behind those that wait. */
static bool packet_pass(struct channel *channel, struct iovec *parts, size_t part_count, const int *fds,
                        size_t fd_count)
{
    enum sent sent = !STAILQ_EMPTY(&channel->queue)
                         ? SENT_LATER
                         : packet_send(channel->fd, parts, part_count, fds, fd_count);
    if (sent == SENT_LATER)
        return packet_queue(channel, parts, part_count, fds, fd_count);
    channel->failed = sent == SENT_NEVER;
    return !channel->failed;
}

/* Sends what was gathered. False if the channel has failed, or memory ran out: then it stays gathered. */
static bool gathered_pass(struct channel *channel)
{
    struct iovec part = {channel->packet, channel->gathered};
    if (channel->gathered == 0)
        return true;
    if (!packet_pass(channel, &part, 1, NULL, 0))
        return false;
    secret_wipe(channel->packet, channel->gathered);
    channel->gathered = 0;
    return true;
}

/* Octets of a message in a packet with several. */
static size_t size_in_packet(size_t body_length)
{
    size_t size = sizeof(struct channel_header) + body_length;
    return (size + CHANNEL_ALIGNMENT - 1) / CHANNEL_ALIGNMENT * CHANNEL_ALIGNMENT;
}

/* Puts a message of that size behind those gathered; false as gathered_pass. */
static bool message_gather(struct channel *channel, const struct iovec *parts, size_t part_count, size_t size)
{
    if (size > CHANNEL_GATHERED_MAX - channel->gathered && !gathered_pass(channel))
        return false;
    uint8_t *at = channel->packet + channel->gathered;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].iov_len > 0)
            memcpy(at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    channel->gathered += size;
    memset(at, 0, (size_t)(channel->packet + channel->gathered - at));
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
    size_t size = size_in_packet(length + more_length);
    if (channel->gathers && fd_count == 0 && size <= CHANNEL_GATHERED_MAX)
        return message_gather(channel, parts, part_count, size);
    return channel_flush(channel) && channel->gathered == 0 &&
           packet_pass(channel, parts, part_count, fds, fd_count);
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
        enum sent sent = packet_send(channel->fd, &part, 1, waiting->fds, waiting->fd_count);
        if (sent == SENT_LATER)
            break;
        channel->failed = sent == SENT_NEVER;
        if (channel->failed)
            return false;
        STAILQ_REMOVE_HEAD(&channel->queue, link);
        channel->queued -= waiting->length;
        waiting_free(waiting);
    }
    channel->keeps = !gathered_pass(channel);
    return !channel->failed;
}

bool channel_is_waiting(const struct channel *channel)
{
    return channel->fd >= 0 && !channel->failed && (channel->keeps || !STAILQ_EMPTY(&channel->queue));
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

bool channel_holds_message(const struct channel *channel)
{
    return channel->end < channel->received;
}

bool channel_has_message(const struct channel *channel)
{
    struct pollfd readable = {.fd = channel->fd, .events = POLLIN};
    return channel->fd >= 0 && (channel_holds_message(channel) || poll(&readable, 1, 0) == 1);
}

/* Reads a packet into the buffer; CHANNEL_MESSAGE if there is one. */
static enum channel_result packet_receive(struct channel *channel)
{
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
    channel->begin = channel->end = 0;
    channel->received = (size_t)length;
    control_take(&message, &channel->message);
    return length == 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? CHANNEL_CLOSED
                                                                              : CHANNEL_MESSAGE;
}

/* Finds the next message of the packet; false if what is there is none. */
static bool message_find(struct channel *channel)
{
    const uint8_t *at = channel->buffer + channel->begin;
    const struct channel_header *header = (const struct channel_header *)(const void *)at;
    size_t left = channel->received - channel->begin;
    if (left < sizeof(*header) || header->length > left - sizeof(*header))
        return false;
    size_t size = size_in_packet(header->length); /* the last one has no padding if it is alone */
    channel->end += size < left ? size : left;
    channel->message.type = header->type;
    channel->message.body = at + sizeof(*header);
    channel->message.length = header->length;
    return true;
}

enum channel_result channel_receive(struct channel *channel)
{
    if (channel->fd < 0)
        return CHANNEL_CLOSED;
    message_drop(channel);
    enum channel_result result = channel_holds_message(channel) ? CHANNEL_MESSAGE : packet_receive(channel);
    if (result == CHANNEL_MESSAGE && message_find(channel))
        return CHANNEL_MESSAGE;
    if (result != CHANNEL_EMPTY) {
        packet_drop(channel);
        return CHANNEL_CLOSED;
    }
    return CHANNEL_EMPTY;
}

int channel_take_fd(struct channel *channel, size_t index)
{
    if (index >= channel->message.fd_count)
        return -1;
    int fd = channel->message.fds[index];
    channel->message.fds[index] = -1;
    return fd;
}
