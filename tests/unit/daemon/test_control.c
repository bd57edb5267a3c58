/* daemon/keeper/control.h: a server in the loop of the test, clients that behave and others. */
#include "daemon/keeper/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/ipc/control_protocol.h"

enum { LARGE = 8 << 20, ANSWER_SIZE = 2 * LARGE };

struct fixture {
    uv_loop_t loop;
    char directory[64];
    int directory_fd;
    struct control *control;
    int open_sessions;
};

static void *session_open(void *context, const struct control_peer *peer)
{
    (void)peer;
    struct fixture *f = context;
    f->open_sessions++;
    return f;
}

static void session_close(void *context, void *session)
{
    struct fixture *f = context;
    assert_ptr_equal(session, f);
    f->open_sessions--;
}

/* `large` prints LARGE octets, `fail` fails, `exit` leaves, `file` prints the length of the file that came
 * with it and its last octet; anything else is echoed. */
static enum control_status session_run(void *context, void *session, const char *line,
                                       const struct octets *file, int *hand_over, struct text *out)
{
    const struct fixture *f = context;
    (void)session;
    if (strcmp(line, "hand over") == 0)
        *hand_over = f->directory_fd;
    if (strcmp(line, "exit") == 0)
        return CONTROL_LEFT;
    if (strcmp(line, "fail") == 0) {
        text_print(out, "%% no\n");
        return CONTROL_FAILED;
    }
    if (strcmp(line, "large") == 0) {
        for (int i = 0; i < LARGE / 16; i++)
            text_append(out, "0123456789abcde\n", 16);
        return CONTROL_OK;
    }
    if (strcmp(line, "file") == 0) {
        text_print(out, "%zu %c\n", file->length, file->length > 0 ? file->at[file->length - 1] : '-');
        return CONTROL_OK;
    }
    assert_null(file);
    text_print(out, "%s\n", line);
    return CONTROL_OK;
}

static void session_prompt(void *context, void *session, char out[CONTROL_PROMPT_SIZE])
{
    (void)context;
    (void)session;
    (void)snprintf(out, CONTROL_PROMPT_SIZE, "Router# ");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct control_handler handler = {session_open, session_close, session_run, session_prompt, f};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/musubi-control-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->directory_fd = open(f->directory, O_RDONLY | O_DIRECTORY);
    f->control = control_open(&f->loop, f->directory_fd, &handler);
    assert_non_null(f->control);
    *state = f;
    return 0;
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 50; i++)
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    control_close(f->control);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(f->open_sessions, 0);
    assert_int_equal(faccessat(f->directory_fd, CONTROL_SOCKET_NAME, F_OK, 0), -1);
    close(f->directory_fd);
    assert_int_equal(rmdir(f->directory), 0);
    free(f);
    return 0;
}

static int client_connect(struct fixture *f)
{
    struct sockaddr_un address = control_address(f->directory_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    turn(f);
    return fd;
}

static void client_send(int fd, uint8_t kind, const char *payload, size_t length)
{
    uint8_t header[CONTROL_HEADER_SIZE];
    control_header_write(header, (enum control_kind)kind, length);
    assert_int_equal(send(fd, header, sizeof(header), MSG_NOSIGNAL), sizeof(header));
    assert_int_equal(send(fd, payload, length, MSG_NOSIGNAL), length);
}

static void client_command(int fd, const char *line)
{
    client_send(fd, CONTROL_COMMAND, line, strlen(line));
}

/* Reads what has come, turning the loop in between; returns its length. */
static size_t client_read(struct fixture *f, int fd, uint8_t *to, size_t size)
{
    size_t length = 0;
    for (int idle = 0; idle < 20 && length < size;) {
        turn(f);
        ssize_t got = recv(fd, to + length, size - length, MSG_DONTWAIT);
        if (got == 0)
            break;
        idle = got < 0 ? idle + 1 : 0;
        length += got > 0 ? (size_t)got : 0;
    }
    return length;
}

/* True if the server has hung up. */
static bool client_is_left(struct fixture *f, int fd)
{
    static uint8_t sink[65536];
    turn(f);
    for (;;) {
        ssize_t got = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
        if (got == 0)
            return true;
        if (got < 0)
            return errno == ECONNRESET;
    }
}

#define HELLO "\x00\x00\x00\x0aH\x00\x04Router# "

static void socket_is_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct stat status;

    assert_int_equal(fstatat(f->directory_fd, CONTROL_SOCKET_NAME, &status, 0), 0);

    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void S35_a_file_comes_in_pieces_with_its_command(void **state)
{
    struct fixture *f = *state;
    static const char expected[] = HELLO "\x00\x00\x00\x08"
                                         "O40000 b\n"
                                         "\x00\x00\x00\x09"
                                         "D\x00Router# "
                                         "\x00\x00\x00\x04"
                                         "O0 -\n"
                                         "\x00\x00\x00\x09"
                                         "D\x00Router# "
                                         "\x00\x00\x00\x04Oone\n"
                                         "\x00\x00\x00\x09"
                                         "D\x00Router# ";
    static char piece[20000];
    uint8_t answer[512];
    int fd = client_connect(f);

    memset(piece, 'a', sizeof(piece));
    client_send(fd, CONTROL_FILE, piece, sizeof(piece));
    turn(f);
    memset(piece, 'b', sizeof(piece));
    client_send(fd, CONTROL_FILE, piece, sizeof(piece));
    turn(f);
    client_command(fd, "file");
    client_send(fd, CONTROL_FILE, "", 0);
    client_command(fd, "file");
    client_command(fd, "one"); /* the file was that of the command before */

    size_t length = client_read(f, fd, answer, sizeof(answer));
    assert_int_equal(length, sizeof(expected) - 1);
    assert_memory_equal(answer, expected, length);
    close(fd);
    turn(f);
}

static void S35_a_file_that_is_too_large_ends_the_session(void **state)
{
    struct fixture *f = *state;
    static char piece[CONTROL_CHUNK_MAX];
    int fd = client_connect(f);

    for (size_t sent = 0; sent < CONTROL_FILE_MAX; sent += sizeof(piece)) {
        client_send(fd, CONTROL_FILE, piece, sizeof(piece));
        turn(f);
    }
    assert_int_equal(f->open_sessions, 1);
    client_send(fd, CONTROL_FILE, piece, 1);

    assert_true(client_is_left(f, fd));
    assert_int_equal(f->open_sessions, 0);
    close(fd);
}

static void commands_are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    static const char expected[] = HELLO "\x00\x00\x00\x04Oone\n"
                                         "\x00\x00\x00\x09"
                                         "D\x00Router# "
                                         "\x00\x00\x00\x05"
                                         "E% no\n"
                                         "\x00\x00\x00\x09"
                                         "D\x01Router# "
                                         "\x00\x00\x00\x01O\n"
                                         "\x00\x00\x00\x09"
                                         "D\x00Router# "
                                         "\x00\x00\x00\x09"
                                         "D\x02Router# ";
    uint8_t answer[512];
    int fd = client_connect(f);

    client_command(fd, "one");
    client_command(fd, "fail");
    client_command(fd, "");
    client_command(fd, "exit");

    size_t length = client_read(f, fd, answer, sizeof(answer));
    assert_int_equal(length, sizeof(expected) - 1);
    assert_memory_equal(answer, expected, length);
    assert_int_equal(f->open_sessions, 0);
    close(fd);
}

static void a_command_of_two_lines_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char expected[] = HELLO "\x00\x00\x00\x18"
                                         "E% A command is one line\n"
                                         "\x00\x00\x00\x09"
                                         "D\x01Router# ";
    uint8_t answer[512];
    int fd = client_connect(f);

    client_command(fd, "one\ntwo");

    size_t length = client_read(f, fd, answer, sizeof(answer));
    assert_int_equal(length, sizeof(expected) - 1);
    assert_memory_equal(answer, expected, length);
    close(fd);
}

static void client_that_does_not_read_delays_nobody(void **state)
{
    struct fixture *f = *state;
    uint8_t answer[256];
    int slow = client_connect(f);
    for (int i = 0; i < 20; i++)
        client_command(slow, "large");
    turn(f);

    int other = client_connect(f);
    client_command(other, "two");
    size_t length = client_read(f, other, answer, sizeof(answer));

    assert_int_equal(length, sizeof(HELLO "\x00\x00\x00\x04Otwo\n\x00\x00\x00\x09"
                                          "D\x00Router# ") -
                                 1);
    close(other);
    close(slow);
    turn(f);
    assert_int_equal(f->open_sessions, 0);
}

static void large_output_arrives_whole(void **state)
{
    struct fixture *f = *state;
    uint8_t *answer = malloc(ANSWER_SIZE);
    size_t printed = 0;
    int fd = client_connect(f);
    client_command(fd, "large");

    size_t length = client_read(f, fd, answer, ANSWER_SIZE);

    struct control_frame frame = {0};
    size_t at = sizeof(HELLO) - 1;
    while (control_frame_parse((struct octets){answer + at, length - at}, &frame) == CONTROL_FRAME) {
        at += CONTROL_HEADER_SIZE + frame.payload.length;
        if (frame.kind == CONTROL_OUTPUT)
            printed += frame.payload.length;
    }
    assert_int_equal(frame.kind, CONTROL_DONE);
    assert_int_equal(at, length);
    assert_int_equal(printed, LARGE);
    free(answer);
    close(fd);
}

static void rude_clients_are_disconnected(void **state)
{
    struct fixture *f = *state;
    static char large[CONTROL_LINE_MAX + 1];
    memset(large, 'x', sizeof(large));

    int fd = client_connect(f);
    assert_int_equal(send(fd, "\xff\xff\xff\xff", 4, 0), 4);
    assert_int_equal(send(fd, "C", 1, 0), 1);
    assert_true(client_is_left(f, fd));
    close(fd);

    fd = client_connect(f);
    client_send(fd, CONTROL_COMMAND, large, sizeof(large));
    assert_true(client_is_left(f, fd));
    close(fd);

    fd = client_connect(f);
    client_send(fd, 'Z', "x", 1);
    assert_true(client_is_left(f, fd));
    close(fd);

    fd = client_connect(f);
    client_send(fd, CONTROL_COMMAND, "a\0b", 3);
    assert_true(client_is_left(f, fd));
    close(fd);
    assert_int_equal(f->open_sessions, 0);
}

static void sessions_are_bounded(void **state)
{
    struct fixture *f = *state;
    int fds[CONTROL_SESSIONS_MAX + 1];

    for (size_t i = 0; i < CONTROL_SESSIONS_MAX + 1; i++)
        fds[i] = client_connect(f);

    assert_int_equal(f->open_sessions, CONTROL_SESSIONS_MAX);
    assert_true(client_is_left(f, fds[CONTROL_SESSIONS_MAX]));
    for (size_t i = 0; i < CONTROL_SESSIONS_MAX + 1; i++)
        close(fds[i]);
    turn(f);
    assert_int_equal(f->open_sessions, 0);
}

/* Lets nobody open one more descriptor, or as many as before. */
static void limit_descriptors(struct rlimit *old, bool limited)
{
    struct rlimit limit = *old;
    int next = dup(0);
    close(next);
    if (limited)
        limit.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void a_client_that_can_not_be_taken_in_waits_and_the_loop_rests(void **state)
{
    struct fixture *f = *state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct sockaddr_un address = control_address(f->directory_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    limit_descriptors(&old, true);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    turn(f);

    struct pollfd loop = {.fd = uv_backend_fd(&f->loop), .events = POLLIN};
    assert_int_equal(poll(&loop, 1, 0), 0); /* nothing for the loop to do at once */
    limit_descriptors(&old, false);
    while (f->open_sessions == 0)
        (void)uv_run(&f->loop, UV_RUN_ONCE);

    close(fd);
    turn(f);
}

static void a_descriptor_comes_with_its_answer_alone(void **state)
{
    struct fixture *f = *state;
    union {
        char octets[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    uint8_t answer[512];
    struct stat wanted;
    struct stat handed;
    int descriptor;
    int fd = client_connect(f);
    (void)client_read(f, fd, answer, sizeof(HELLO) - 1);
    client_command(fd, "hand over");
    client_command(fd, "other");
    turn(f);

    struct iovec part = {answer, sizeof(answer)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = sizeof(control);
    assert_true(recvmsg(fd, &message, MSG_DONTWAIT) > 0);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    assert_non_null(header);
    assert_int_equal(header->cmsg_type, SCM_RIGHTS);
    memcpy(&descriptor, CMSG_DATA(header), sizeof(descriptor));
    assert_int_equal(fstat(descriptor, &handed), 0);
    assert_int_equal(fstat(f->directory_fd, &wanted), 0);
    assert_int_equal(handed.st_ino, wanted.st_ino);
    close(descriptor);
    close(fd);
    turn(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(socket_is_for_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_descriptor_comes_with_its_answer_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S35_a_file_comes_in_pieces_with_its_command, set_up, tear_down),
        cmocka_unit_test_setup_teardown(S35_a_file_that_is_too_large_ends_the_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commands_are_answered_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_command_of_two_lines_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_that_does_not_read_delays_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_output_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rude_clients_are_disconnected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_can_not_be_taken_in_waits_and_the_loop_rests, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
