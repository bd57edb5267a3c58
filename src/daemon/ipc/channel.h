/*
 * A channel between two of our processes: messages of a type, some octets and some descriptors, over a
 * SOCK_SEQPACKET socket. A packet of the socket has one message, or several without descriptors: each begins
 * at a multiple of CHANNEL_ALIGNMENT. Nobody waits for a slow reader: what does not fit into the socket waits
 * in a queue. Both sides check what they get by daemon/ipc/messages.h; the channel itself knows no types.
 */
#ifndef MUSUBI_DAEMON_IPC_CHANNEL_H
#define MUSUBI_DAEMON_IPC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
    CHANNEL_BODY_MAX = 72 << 10, /* octets of a message's body */
    CHANNEL_FDS_MAX = 16,        /* descriptors that come with a message */
    CHANNEL_QUEUE_MAX =
        256 << 20,               /* octets that wait to be sent: beyond it the other side is taken for dead */
    CHANNEL_SPARE_MAX = 1 << 20, /* beyond it what may be lost is not sent */
    CHANNEL_GATHERED_MAX = 16 << 10, /* octets of a packet with several messages */
    CHANNEL_ALIGNMENT = 16,
};

/* What goes over the wire before the body. */
struct channel_header {
    uint32_t type;
    uint32_t length; /* of the body */
    uint64_t reserved;
};

/* A message as it came. The body is aligned for any type and lasts until the next channel_receive. */
struct channel_message {
    uint32_t type;
    const void *body;
    size_t length;
    int fds[CHANNEL_FDS_MAX]; /* the receiver takes (channel_take_fd) or channel_receive closes them */
    size_t fd_count;
};

struct channel_waiting;

struct channel {
    int fd; /* -1: closed */
    bool failed;
    STAILQ_HEAD(channel_queue, channel_waiting) queue;
    size_t queued; /* octets */
    size_t lost;   /* messages that channel_offer did not send */
    bool gathers;
    bool keeps;      /* the last channel_flush found no memory to queue what was gathered */
    size_t gathered; /* octets of `packet` */
    struct channel_message message;
    size_t begin, end;                                 /* of the last message in `buffer` */
    size_t received;                                   /* octets of `buffer` that the last packet filled */
    _Alignas(16) uint8_t packet[CHANNEL_GATHERED_MAX]; /* messages that the next channel_flush sends */
    _Alignas(16) uint8_t buffer[sizeof(struct channel_header) + CHANNEL_BODY_MAX];
};

enum channel_result {
    CHANNEL_MESSAGE,
    CHANNEL_EMPTY,  /* nothing there now */
    CHANNEL_CLOSED, /* the other side is gone, or what came is no message */
};

/* Two connected sockets, close-on-exec. False with errno set. */
bool channel_pair(int fds[2]);

/* Starts with one of them, which belongs to the channel from here on and becomes non-blocking. */
void channel_open(struct channel *channel, int fd);

/*
 * From here on messages wait for the next channel_flush, which sends them in one packet: each packet may wake
 * the reader. The caller flushes before it waits for anything.
 */
void channel_gather(struct channel *channel);

/* Sends what was gathered, wipes, frees and closes all; what waits is lost. Does nothing if it is closed. */
void channel_close(struct channel *channel);

/*
 * Sends a message: a body and `more` behind it (`more_length` may be 0), with duplicates of the descriptors.
 * Returns false if the channel has failed or memory ran out.
 */
bool channel_send(struct channel *channel, uint32_t type, const void *body, size_t length, const void *more,
                  size_t more_length, const int *fds, size_t fd_count);

/*
 * Sends a message that may be lost, such as a line of the log: not if more than CHANNEL_SPARE_MAX octets wait
 * already. Then, or if it can't be sent, it is counted in `lost`. Returns false if it was not sent.
 */
bool channel_offer(struct channel *channel, uint32_t type, const void *body, size_t length, const void *more,
                   size_t more_length);

/* Sends what waits and what was gathered, as far as the socket takes it. False if the channel has failed. */
bool channel_flush(struct channel *channel);

/* True if something waits that the socket did not take, queued or gathered: poll for writing, then flush. */
bool channel_is_waiting(const struct channel *channel);

/* True if a message is there, or the other side is gone. */
bool channel_has_message(const struct channel *channel);

/* True if the next message needs no reading: it came with the last one. */
bool channel_holds_message(const struct channel *channel);

/* The next message, in channel->message. What the message before it left is closed and wiped. */
enum channel_result channel_receive(struct channel *channel);

/* Takes over the descriptor at `index` of the message; -1 if there is none. */
int channel_take_fd(struct channel *channel, size_t index);

#endif
