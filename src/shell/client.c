#include "shell/client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ipc/control_protocol.h"

/* ---- Connecting ------------------------------------------------------------------------------------ */

/* Prints why there is no connection; `why` is an errno. */
static void complain(FILE *errors, const char *run_directory, int why)
{
    switch (why) {
    case ENOENT:
    case ECONNREFUSED:
        (void)fprintf(errors, "%% No musubid is running in %s\n", run_directory);
        break;
    case EAGAIN:
        (void)fprintf(errors, "%% The musubid in %s does not answer\n", run_directory);
        break;
    case EACCES:
    case EPERM:
        (void)fprintf(errors, "%% You may not talk to the musubid in %s; try as root\n", run_directory);
        break;
    default:
        (void)fprintf(errors, "%% Can't reach the musubid in %s: %s\n", run_directory, strerror(why));
    }
}

/* A connected socket, or -1 with errno set. */
static int socket_connect(const char *run_directory)
{
    int directory = open(run_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    struct sockaddr_un address = control_address(directory);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A connect, send or recv that takes longer ends with EAGAIN. */
    static const struct timeval patience = {.tv_sec = CLIENT_PATIENCE};
    bool ready = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
                 setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0;
    int connected = ready ? connect(fd, (const struct sockaddr *)&address, sizeof(address)) : -1;
    int why = errno;
    close(directory);
    if (connected == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

/* ---- Frames ---------------------------------------------------------------------------------------- */

static bool send_all(int fd, const void *from, size_t length)
{
    const uint8_t *at = from;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Reads what has come behind what is in the buffer, and a descriptor that comes with it. As recv. */
static ssize_t receive(struct client *client)
{
    union {
        char octets[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {client->buffer + client->received, sizeof(client->buffer) - client->received};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(client->fd, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return got;
    int descriptor = client_take_descriptor(client);
    if (descriptor >= 0)
        close(descriptor);
    memcpy(&client->descriptor, CMSG_DATA(header), sizeof(int));
    return got;
}

/* The next frame, valid until frame_done. False with errno set: EAGAIN if the daemon does not answer, else it
 * has gone or does not speak this protocol. */
static bool frame_receive(struct client *client, struct control_frame *frame)
{
    for (;;) {
        switch (control_frame_parse((struct octets){client->buffer, client->received}, frame)) {
        case CONTROL_FRAME:
            return true;
        case CONTROL_BROKEN:
            errno = EPROTO;
            return false;
        case CONTROL_INCOMPLETE:
            break;
        }
        ssize_t got = receive(client);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EPIPE;
        if (got <= 0)
            return false;
        client->received += (size_t)got;
    }
}

/* Removes the frame from the buffer. */
static void frame_done(struct client *client, const struct control_frame *frame)
{
    size_t used = CONTROL_HEADER_SIZE + frame->payload.length;
    client->received -= used;
    memmove(client->buffer, client->buffer + used, client->received);
}

/* Copies the prompt, which follows `skip` octets of a payload. */
static void prompt_take(struct client *client, struct octets payload, size_t skip)
{
    size_t length = payload.length - skip;
    if (length >= sizeof(client->prompt))
        length = sizeof(client->prompt) - 1;
    memcpy(client->prompt, payload.at + skip, length);
    client->prompt[length] = '\0';
}

bool client_open(struct client *client, const char *run_directory, FILE *errors)
{
    *client = (struct client){.fd = socket_connect(run_directory), .descriptor = -1};
    if (client->fd < 0) {
        complain(errors, run_directory, errno);
        return false;
    }
    struct control_frame hello;
    bool answered = frame_receive(client, &hello);
    if (!answered && errno == EAGAIN) {
        complain(errors, run_directory, EAGAIN);
        client_close(client);
        return false;
    }
    if (!answered || hello.kind != CONTROL_HELLO || hello.payload.length < 2) {
        (void)fprintf(errors, "%% The musubid in %s is too busy to answer\n", run_directory);
        client_close(client);
        return false;
    }
    if (load_u16be(hello.payload.at) != CONTROL_VERSION) {
        (void)fprintf(errors, "%% The musubid in %s has another version than this program\n", run_directory);
        client_close(client);
        return false;
    }
    prompt_take(client, hello.payload, 2);
    frame_done(client, &hello);
    return true;
}

int client_take_descriptor(struct client *client)
{
    int descriptor = client->descriptor;
    client->descriptor = -1;
    return descriptor;
}

void client_close(struct client *client)
{
    int descriptor = client_take_descriptor(client);
    if (descriptor >= 0)
        close(descriptor);
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

/* Prints frames until the command is done. False with errno set if there is no whole answer. */
static bool answer_print(struct client *client, FILE *out, FILE *errors, enum control_status *status)
{
    struct control_frame frame;
    while (frame_receive(client, &frame)) {
        if (frame.kind == CONTROL_DONE && frame.payload.length >= 1) {
            *status = (enum control_status)frame.payload.at[0];
            prompt_take(client, frame.payload, 1);
            frame_done(client, &frame);
            return true;
        }
        if (frame.kind != CONTROL_OUTPUT && frame.kind != CONTROL_ERROR) {
            errno = EPROTO;
            return false;
        }
        (void)fwrite(frame.payload.at, 1, frame.payload.length, frame.kind == CONTROL_ERROR ? errors : out);
        frame_done(client, &frame);
    }
    return false;
}

static bool frame_send(const struct client *client, enum control_kind kind, const void *payload,
                       size_t length)
{
    uint8_t header[CONTROL_HEADER_SIZE];
    control_header_write(header, kind, length);
    return send_all(client->fd, header, sizeof(header)) && send_all(client->fd, payload, length);
}

/* Sends a file in pieces; an empty one in one piece. */
static bool file_send(const struct client *client, struct octets file)
{
    size_t sent = 0;
    do {
        size_t piece = file.length - sent < CONTROL_CHUNK_MAX ? file.length - sent : CONTROL_CHUNK_MAX;
        if (!frame_send(client, CONTROL_FILE, file.at + sent, piece))
            return false;
        sent += piece;
    } while (sent < file.length);
    return true;
}

enum control_status client_run(struct client *client, const char *line, size_t length,
                               const struct octets *file, FILE *out, FILE *errors, bool *lost)
{
    *lost = false;
    if (length > CONTROL_LINE_MAX || memchr(line, '\0', length) != NULL) {
        (void)fprintf(errors, "%% The line is too long, or has a NUL in it\n");
        return CONTROL_FAILED;
    }
    enum control_status status = CONTROL_FAILED;
    if ((file == NULL || file_send(client, *file)) && frame_send(client, CONTROL_COMMAND, line, length) &&
        answer_print(client, out, errors, &status))
        return status;
    *lost = true;
    (void)fprintf(errors, "%% The daemon %s\n", errno == EAGAIN ? "does not answer" : "is gone");
    return CONTROL_FAILED;
}
