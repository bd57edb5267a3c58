/*
 * A name server for tests. It listens on port 53 of one address, by UDP and TCP, and gives every question the
 * answer that the test has set.
 */
#ifndef MUSUBI_TESTS_NAME_SERVER_H
#define MUSUBI_TESTS_NAME_SERVER_H

#include <uv.h>

#include "base/address.h"

enum { NO_ERROR = 0, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 }; /* RFC 1035 4.1.1 */

struct name_server {
    uv_poll_t udp, tcp, connection;
    int udp_fd, tcp_fd, connection_fd;

    /* The answer. */
    unsigned rcode;
    const char *addresses[32]; /* as text; NULL ends the list */
    uint32_t ttls[32];
    uint32_t alias_ttl; /* not 0: the name is an alias (CNAME) of another that has the addresses */
    unsigned ignored;   /* how many more questions get no answer */
    bool by_tcp_alone;  /* an answer by UDP says only that it is truncated */

    /* The questions. */
    size_t questions;
    char name[256]; /* of the last question, without a final dot */
    unsigned type;
};

/* Starts a server with an empty answer. */
void name_server_start(struct name_server *server, uv_loop_t *loop, const char *address);

/* Stops the server; it has ended when the loop has run. */
void name_server_stop(struct name_server *server);

#endif
