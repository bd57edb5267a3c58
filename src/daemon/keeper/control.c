#include "daemon/keeper/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "daemon/ipc/control_protocol.h"

enum {
    INPUT_SIZE = CONTROL_HEADER_SIZE + CONTROL_CHUNK_MAX,
    ACCEPT_PAUSE = 500, /* milliseconds */
};

struct session {
    LIST_ENTRY(session) link;
    struct control *control;
    void *state; /* the handler's */
    int fd;
    uv_poll_t poll;
    uv_timer_t patience;
    unsigned open_handles; /* of libuv; the memory goes with the last one */
    bool closing;
    bool ending; /* to be closed when all output is sent */
    struct text output;
    size_t sent;
    int hand_over; /* goes with the first octet of the output; -1: none */
    uint8_t *file; /* that came for the next command; from malloc, NULL: none */
    size_t file_length;
    size_t received;
    uint8_t input[INPUT_SIZE];
};

struct control {
    uv_loop_t *loop;
    struct control_handler handler;
    int directory;
    int fd;
    uv_poll_t poll;
    uv_timer_t pause;      /* runs while no client can be taken in */
    unsigned open_handles; /* of libuv; the memory goes with the last one */
    bool closing;
    size_t session_count;
    size_t pending; /* octets of output of all sessions */
    LIST_HEAD(, session) sessions;
};

/* Wipes and forgets the file that came for the next command. */
static void session_forget_file(struct session *session)
{
    secret_free(session->file, session->file_length);
    session->file = NULL;
    session->file_length = 0;
}

/* ---- The life of a session ------------------------------------------------------------------------- */

static void session_handle_closed(uv_handle_t *handle)
{
    struct session *session = handle->data;
    if (--session->open_handles > 0)
        return;
    text_free(&session->output);
    session_forget_file(session);
    if (session->hand_over >= 0)
        close(session->hand_over);
    secret_free(session, sizeof(*session));
}

static void session_close(struct session *session)
{
    struct control *control = session->control;
    if (session->closing)
        return;
    session->closing = true;
    LIST_REMOVE(session, link);
    control->session_count--;
    control->pending -= session->output.length;
    control->handler.close(control->handler.context, session->state);
    uv_close((uv_handle_t *)&session->poll, session_handle_closed);
    uv_close((uv_handle_t *)&session->patience, session_handle_closed);
    close(session->fd);
}

static void session_out_of_patience(uv_timer_t *timer)
{
    session_close(timer->data);
}

static void session_event(uv_poll_t *poll, int status, int events);

/* True if a whole command waits in the input. */
static bool session_has_command(const struct session *session)
{
    struct control_frame frame;
    struct octets received = {session->input, session->received};
    return control_frame_parse(received, &frame) != CONTROL_INCOMPLETE;
}

/* Waits for what the session needs next: that it can be answered, or else a command. */
static void session_wait(struct session *session)
{
    bool sending = session->sent < session->output.length;
    int events = sending || session_has_command(session) ? UV_WRITABLE : UV_READABLE;
    if (sending)
        (void)uv_timer_start(&session->patience, session_out_of_patience, CONTROL_PATIENCE, 0);
    else
        (void)uv_timer_stop(&session->patience);
    if (uv_poll_start(&session->poll, events, session_event) != 0)
        session_close(session);
}

/* ---- Output ---------------------------------------------------------------------------------------- */

static void frame_append(struct text *out, enum control_kind kind, const char *payload, size_t length)
{
    uint8_t header[CONTROL_HEADER_SIZE];
    control_header_write(header, kind, length);
    text_append(out, (const char *)header, sizeof(header));
    text_append(out, payload, length);
}

static void output_append(struct text *out, enum control_kind kind, const struct text *printed)
{
    for (size_t done = 0; done < printed->length;) {
        size_t part = printed->length - done;
        if (part > CONTROL_CHUNK_MAX)
            part = CONTROL_CHUNK_MAX;
        frame_append(out, kind, printed->at + done, part);
        done += part;
    }
}

/* A frame that ends with the prompt. */
static void prompt_append(struct session *session, enum control_kind kind, const uint8_t *start,
                          size_t length)
{
    const struct control_handler *handler = &session->control->handler;
    char payload[8 + CONTROL_PROMPT_SIZE];
    memcpy(payload, start, length);
    payload[length] = '\0';
    handler->prompt(handler->context, session->state, payload + length);
    frame_append(&session->output, kind, payload, length + strlen(payload + length));
}

/* Sends octets, and with them the descriptor that is to be handed over. As send. */
static ssize_t send_with(const struct session *session, const char *from, size_t length)
{
    union {
        char octets[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {.octets = {0}};
    struct iovec part = {(void *)(uintptr_t)from, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (session->hand_over >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &session->hand_over, sizeof(int));
    }
    return sendmsg(session->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends what the socket takes. False if the session is over. */
static bool session_send(struct session *session)
{
    struct text *output = &session->output;
    while (session->sent < output->length) {
        ssize_t sent = send_with(session, output->at + session->sent, output->length - session->sent);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return true;
        if (sent <= 0)
            return false;
        session->sent += (size_t)sent;
        if (session->hand_over >= 0)
            close(session->hand_over);
        session->hand_over = -1;
    }
    session->control->pending -= output->length;
    text_free(output);
    session->sent = 0;
    return !session->ending;
}

/* ---- Input ----------------------------------------------------------------------------------------- */

static void session_run(struct session *session, struct octets payload)
{
    struct control *control = session->control;
    struct text printed = {0};
    char line[CONTROL_LINE_MAX + 1];
    memcpy(line, payload.at, payload.length);
    line[payload.length] = '\0';
    enum control_status status;
    if (control->pending > CONTROL_PENDING_MAX) {
        text_print(&printed, "%% Too much output is waiting to be read by others\n");
        status = CONTROL_FAILED;
    } else if (strchr(line, '\n') != NULL) { /* what is behind it would be lost without a word */
        text_print(&printed, "%% A command is one line\n");
        status = CONTROL_FAILED;
    } else {
        const struct octets file = {session->file, session->file_length};
        int hand_over = -1;
        status = control->handler.run(control->handler.context, session->state, line,
                                      session->file != NULL ? &file : NULL, &hand_over, &printed);
        if (hand_over >= 0)
            session->hand_over = fcntl(hand_over, F_DUPFD_CLOEXEC, 3);
    }
    session_forget_file(session);
    output_append(&session->output, status == CONTROL_FAILED ? CONTROL_ERROR : CONTROL_OUTPUT, &printed);
    if (printed.failed || session->output.failed) {
        text_free(&session->output);
        static const char too_much[] = "% There is too much to print\n";
        frame_append(&session->output, CONTROL_ERROR, too_much, sizeof(too_much) - 1);
        status = CONTROL_FAILED;
    }
    text_free(&printed);
    secret_wipe(line, sizeof(line));
    const uint8_t start[] = {(uint8_t)status};
    prompt_append(session, CONTROL_DONE, start, sizeof(start));
    session->ending = status == CONTROL_LEFT;
    control->pending += session->output.length;
}

/* Appends a piece of the file that belongs to the next command. False if it becomes too large. */
static bool session_take_file(struct session *session, struct octets piece)
{
    if (piece.length > CONTROL_FILE_MAX - session->file_length)
        return false;
    uint8_t *longer = malloc(session->file_length + piece.length + 1);
    if (longer == NULL)
        return false;
    if (session->file_length > 0)
        memcpy(longer, session->file, session->file_length);
    if (piece.length > 0)
        memcpy(longer + session->file_length, piece.at, piece.length);
    secret_free(session->file, session->file_length);
    session->file = longer;
    session->file_length += piece.length;
    return true;
}

/* Removes a frame from the input, and wipes what stood there. */
static void session_skip_frame(struct session *session, const struct control_frame *frame)
{
    size_t used = CONTROL_HEADER_SIZE + frame->payload.length;
    session->received -= used;
    memmove(session->input, session->input + used, session->received);
    secret_wipe(session->input + session->received, used);
}

/* Takes one frame out of the input and answers it. False if the session is over, or its client broke the
 * rules. */
static bool session_frame(struct session *session)
{
    struct control_frame frame;
    switch (control_frame_parse((struct octets){session->input, session->received}, &frame)) {
    case CONTROL_INCOMPLETE:
        return true;
    case CONTROL_BROKEN:
        return false;
    case CONTROL_FRAME:
        break;
    }
    if (frame.kind == CONTROL_FILE) {
        bool taken = session_take_file(session, frame.payload);
        session_skip_frame(session, &frame);
        return taken;
    }
    if (frame.kind != CONTROL_COMMAND || frame.payload.length > CONTROL_LINE_MAX ||
        (frame.payload.length > 0 && memchr(frame.payload.at, '\0', frame.payload.length) != NULL))
        return false;
    session_run(session, frame.payload);
    session_skip_frame(session, &frame);
    secret_wipe_stack(SECRET_STACK_SIZE);
    return session_send(session);
}

/* Reads once and runs what is complete. False if the session is over. */
static bool session_receive(struct session *session)
{
    ssize_t got = recv(session->fd, session->input + session->received,
                       sizeof(session->input) - session->received, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    session->received += (size_t)got;
    return true;
}

static void session_event(uv_poll_t *poll, int status, int events)
{
    struct session *session = poll->data;
    bool alive = status == 0;
    if (alive && (events & UV_WRITABLE) != 0)
        alive = session_send(session);
    if (alive && (events & UV_READABLE) != 0)
        alive = session_receive(session);
    /* One command at a time: others, and the network, have their turn in between. */
    if (alive && session->output.length == 0)
        alive = session_frame(session);
    if (alive)
        session_wait(session);
    else
        session_close(session);
}

/* ---- Listening ------------------------------------------------------------------------------------- */

static void session_open(struct control *control, int fd)
{
    struct session *session = calloc(1, sizeof(*session));
    struct ucred credentials = {.uid = (uid_t)-1};
    socklen_t size = sizeof(credentials);
    (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    const struct control_peer peer = {credentials.uid, credentials.pid};
    void *state = session != NULL ? control->handler.open(control->handler.context, &peer) : NULL;
    if (state == NULL || uv_poll_init(control->loop, &session->poll, fd) != 0) {
        if (state != NULL)
            control->handler.close(control->handler.context, state);
        free(session);
        close(fd);
        return;
    }
    (void)uv_timer_init(control->loop, &session->patience);
    session->control = control;
    session->state = state;
    session->fd = fd;
    session->hand_over = -1;
    session->open_handles = 2;
    session->poll.data = session;
    session->patience.data = session;
    LIST_INSERT_HEAD(&control->sessions, session, link);
    control->session_count++;
    const uint8_t version[] = {0, CONTROL_VERSION};
    prompt_append(session, CONTROL_HELLO, version, sizeof(version));
    control->pending += session->output.length;
    session_wait(session);
}

static void control_event(uv_poll_t *poll, int status, int events);

static void control_resume(uv_timer_t *timer)
{
    struct control *control = timer->data;
    (void)uv_poll_start(&control->poll, UV_READABLE, control_event);
}

static void control_event(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct control *control = poll->data;
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        /* The client stays in the queue, and the socket readable: without a pause the loop would spin. */
        (void)uv_poll_stop(&control->poll);
        (void)uv_timer_start(&control->pause, control_resume, ACCEPT_PAUSE, 0);
    }
    if (fd < 0)
        return;
    if (control->session_count >= CONTROL_SESSIONS_MAX)
        close(fd);
    else
        session_open(control, fd);
}

/* Binds and listens. Nobody but the owner may connect, from the first moment on. */
static bool control_listen(struct control *control)
{
    struct sockaddr_un address = control_address(control->directory);
    if (unlinkat(control->directory, CONTROL_SOCKET_NAME, 0) != 0 && errno != ENOENT)
        return false;
    mode_t mask = umask(0177);
    int bound = bind(control->fd, (const struct sockaddr *)&address, sizeof(address));
    (void)umask(mask);
    return bound == 0 && listen(control->fd, CONTROL_SESSIONS_MAX) == 0;
}

struct control *control_open(uv_loop_t *loop, int directory, const struct control_handler *handler)
{
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL)
        return NULL;
    control->loop = loop;
    control->handler = *handler;
    LIST_INIT(&control->sessions);
    control->directory = fcntl(directory, F_DUPFD_CLOEXEC, 3);
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->directory < 0 || control->fd < 0 || !control_listen(control) ||
        uv_poll_init(loop, &control->poll, control->fd) != 0) {
        int why = errno;
        if (control->directory >= 0)
            close(control->directory);
        if (control->fd >= 0)
            close(control->fd);
        free(control);
        errno = why;
        return NULL;
    }
    (void)uv_timer_init(loop, &control->pause);
    control->poll.data = control;
    control->pause.data = control;
    control->open_handles = 2;
    (void)uv_poll_start(&control->poll, UV_READABLE, control_event);
    return control;
}

static void control_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;
    if (--control->open_handles == 0)
        free(control);
}

void control_close(struct control *control)
{
    if (control == NULL || control->closing)
        return;
    control->closing = true;
    struct session *session;
    while ((session = LIST_FIRST(&control->sessions)) != NULL)
        session_close(session);
    (void)unlinkat(control->directory, CONTROL_SOCKET_NAME, 0);
    close(control->directory);
    uv_close((uv_handle_t *)&control->poll, control_closed);
    uv_close((uv_handle_t *)&control->pause, control_closed);
    close(control->fd);
}
