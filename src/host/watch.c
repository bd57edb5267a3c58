#include "host/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    ROOM = 32768,                     /* octets for the messages of one read */
    SOCKET_BUFFER = 16 * 1024 * 1024, /* some thousand messages: each takes several KB of kernel memory */
};

struct watch {
    struct mnl_socket *socket;
    _Alignas(8) char room[ROOM];
};

static const int groups[] = {
    RTNLGRP_LINK,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,  RTNLGRP_IPV4_ROUTE,   RTNLGRP_IPV6_ROUTE,
    RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,   RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
};

static bool join_groups(struct watch *watch)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        int group = groups[i];
        if (mnl_socket_setsockopt(watch->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
            return false;
    }
    return true;
}

struct watch *watch_open(struct host_error *err)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        host_fail(err, ENOMEM, "cannot watch the network's changes");
        return NULL;
    }
    watch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (watch->socket == NULL || mnl_socket_bind(watch->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        !join_groups(watch)) {
        host_fail(err, errno, "cannot watch the network's changes");
        watch_close(watch);
        return NULL;
    }
    int size = SOCKET_BUFFER; /* without the right to it there will be more to read anew, that is all */
    (void)setsockopt(watch_fd(watch), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return watch;
}

void watch_close(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->socket != NULL)
        (void)mnl_socket_close(watch->socket);
    free(watch);
}

int watch_fd(const struct watch *watch)
{
    return mnl_socket_get_fd(watch->socket);
}

bool watch_read(struct watch *watch, netlink_reply *seen, void *context, bool *lost, struct host_error *err)
{
    for (;;) {
        ssize_t received = mnl_socket_recvfrom(watch->socket, watch->room, sizeof watch->room);
        if (received < 0 && errno == EAGAIN)
            return true;
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0 && (errno == ENOBUFS || errno == ENOSPC)) { /* ENOSPC: libmnl's word for cut off */
            *lost = true;
            continue;
        }
        if (received < 0)
            return host_fail(err, errno, "cannot read the network's changes");
        int left = (int)received;
        for (const struct nlmsghdr *at = (const struct nlmsghdr *)watch->room; mnl_nlmsg_ok(at, left);
             at = mnl_nlmsg_next(at, &left)) {
            if (at->nlmsg_type >= NLMSG_MIN_TYPE && !seen(context, at))
                *lost = true;
        }
    }
}
