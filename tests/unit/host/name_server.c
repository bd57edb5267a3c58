#include "name_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"

enum { PORT = 53, HEADER_SIZE = 12, MESSAGE_MAX = 4096, CNAME = 5, INTERNET = 1 };

/* Reads the name of a question, and its type. Returns the length of header and question. */
static size_t read_question(struct name_server *server, const uint8_t *message, size_t length)
{
    struct reader r = reader_of(message, length);
    (void)reader_octets(&r, HEADER_SIZE);
    server->name[0] = '\0';
    for (uint8_t label = reader_u8(&r); label > 0; label = reader_u8(&r)) {
        const char *at = (const char *)reader_octets(&r, label);
        assert_non_null(at);
        if (server->name[0] != '\0')
            (void)strcat(server->name, ".");
        (void)strncat(server->name, at, label);
    }
    server->type = reader_u16be(&r);
    (void)reader_u16be(&r);
    assert_false(r.failed);
    return length - reader_left(&r);
}

static void put_record(struct writer *w, struct octets owner, unsigned type, uint32_t ttl,
                       struct octets content)
{
    writer_put(w, owner.at, owner.length);
    writer_put_u16be(w, (uint16_t)type);
    writer_put_u16be(w, INTERNET);
    writer_put_u32be(w, ttl);
    writer_put_u16be(w, (uint16_t)content.length);
    writer_put(w, content.at, content.length);
}

static void put_records(const struct name_server *server, struct writer *w)
{
    static const uint8_t asked_name[] = {0xc0, HEADER_SIZE}; /* RFC 1035 4.1.4 */
    static const uint8_t alias_name[] = "\5alias\7example";
    const struct octets asked = {asked_name, sizeof asked_name};
    const struct octets alias = {alias_name, sizeof alias_name};
    if (server->alias_ttl != 0)
        put_record(w, asked, CNAME, server->alias_ttl, alias);
    for (size_t i = 0; server->addresses[i] != NULL; i++) {
        struct ip_address address;
        assert_true(ip_address_parse(server->addresses[i], &address));
        put_record(w, server->alias_ttl != 0 ? alias : asked, server->type, server->ttls[i],
                   (struct octets){address.octets, ip_address_size(address.family)});
    }
}

static size_t record_count(const struct name_server *server)
{
    size_t count = server->alias_ttl != 0;
    for (size_t i = 0; server->addresses[i] != NULL; i++)
        count++;
    return count;
}

/* Writes the answer to a question; nothing if it is to be ignored. */
static struct octets answer(struct name_server *server, const uint8_t *question, size_t length, bool by_tcp,
                            uint8_t out[MESSAGE_MAX])
{
    enum { RESPONSE_RD_RA = 0x8180, TRUNCATED = 0x0200 };
    server->questions++;
    size_t head = read_question(server, question, length);
    if (server->ignored > 0) {
        server->ignored--;
        return (struct octets){0};
    }
    bool cut = server->by_tcp_alone && !by_tcp;
    struct writer w = writer_to(out, MESSAGE_MAX);
    writer_put(&w, question, 2);
    writer_put_u16be(&w, (uint16_t)(RESPONSE_RD_RA | server->rcode | (cut ? TRUNCATED : 0)));
    writer_put_u16be(&w, 1);
    writer_put_u16be(&w, cut ? 0 : (uint16_t)record_count(server));
    writer_put_u32be(&w, 0);
    writer_put(&w, question + HEADER_SIZE, head - HEADER_SIZE);
    if (!cut)
        put_records(server, &w);
    assert_false(w.failed);
    return writer_octets(&w);
}

static void udp_readable(uv_poll_t *poll, int status, int events)
{
    struct name_server *server = poll->data;
    uint8_t question[MESSAGE_MAX];
    uint8_t out[MESSAGE_MAX];
    struct sockaddr_storage from;
    socklen_t from_length = sizeof from;
    (void)status, (void)events;
    ssize_t length = recvfrom(server->udp_fd, question, sizeof question, MSG_DONTWAIT,
                              (struct sockaddr *)&from, &from_length);
    if (length < HEADER_SIZE)
        return;
    struct octets reply = answer(server, question, (size_t)length, false, out);
    if (reply.length > 0)
        assert_int_equal(
            sendto(server->udp_fd, reply.at, reply.length, 0, (struct sockaddr *)&from, from_length),
            reply.length);
}

/* One question by one connection, which is all that there is; it comes in one piece. */
static void connection_readable(uv_poll_t *poll, int status, int events)
{
    struct name_server *server = poll->data;
    uint8_t question[MESSAGE_MAX];
    uint8_t out[MESSAGE_MAX];
    uint8_t size[2];
    (void)status, (void)events;
    ssize_t length = recv(server->connection_fd, question, sizeof question, 0);
    assert_true(length > HEADER_SIZE);
    assert_int_equal(load_u16be(question), length - 2);
    struct octets reply = answer(server, question + 2, (size_t)length - 2, true, out);
    store_u16be(size, (uint16_t)reply.length);
    assert_int_equal(send(server->connection_fd, size, sizeof size, MSG_MORE), sizeof size);
    assert_int_equal(send(server->connection_fd, reply.at, reply.length, 0), reply.length);
    uv_close((uv_handle_t *)&server->connection, NULL);
    (void)close(server->connection_fd);
}

static void tcp_readable(uv_poll_t *poll, int status, int events)
{
    struct name_server *server = poll->data;
    (void)status, (void)events;
    server->connection_fd = accept4(server->tcp_fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server->connection_fd >= 0);
    assert_int_equal(uv_poll_init(poll->loop, &server->connection, server->connection_fd), 0);
    server->connection.data = server;
    assert_int_equal(uv_poll_start(&server->connection, UV_READABLE, connection_readable), 0);
}

static int bound_socket(const char *address, int type)
{
    struct ip_endpoint at = {.port = PORT};
    struct sockaddr_storage to;
    int on = 1;
    assert_true(ip_address_parse(address, &at.address));
    socklen_t length = ip_endpoint_to_sockaddr(&at, &to);
    int fd = socket(ip_address_af(at.address.family), type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, length), 0);
    return fd;
}

void name_server_start(struct name_server *server, uv_loop_t *loop, const char *address)
{
    *server = (struct name_server){.udp_fd = bound_socket(address, SOCK_DGRAM),
                                   .tcp_fd = bound_socket(address, SOCK_STREAM)};
    assert_int_equal(listen(server->tcp_fd, 8), 0);
    assert_int_equal(uv_poll_init(loop, &server->udp, server->udp_fd), 0);
    assert_int_equal(uv_poll_init(loop, &server->tcp, server->tcp_fd), 0);
    server->udp.data = server->tcp.data = server;
    assert_int_equal(uv_poll_start(&server->udp, UV_READABLE, udp_readable), 0);
    assert_int_equal(uv_poll_start(&server->tcp, UV_READABLE, tcp_readable), 0);
}

void name_server_stop(struct name_server *server)
{
    uv_close((uv_handle_t *)&server->udp, NULL);
    uv_close((uv_handle_t *)&server->tcp, NULL);
    (void)close(server->udp_fd);
    (void)close(server->tcp_fd);
}
