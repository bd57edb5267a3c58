#include "host/watch.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ROOM = 32768,                     /* octets for the messages of one read */
    SOCKET_BUFFER = 16 * 1024 * 1024, /* some thousand messages: each takes several KB of kernel memory */
};

struct watch {
    int poll; /* becomes readable with either socket */
    struct mnl_socket *socket;
    struct mnl_socket *tables; /* NULL: nobody asked for changes of nftables */
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

static struct mnl_socket *open_socket(int bus)
{
    struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket == NULL || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0)
        return socket;
    int failure = errno;
    (void)mnl_socket_close(socket);
    errno = failure;
    return NULL;
}

static bool poll_socket(struct watch *watch, struct mnl_socket *socket)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(watch->poll, EPOLL_CTL_ADD, mnl_socket_get_fd(socket), &event) == 0;
}

struct watch *watch_open(struct host_error *err)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        host_fail(err, ENOMEM, "cannot watch the network's changes");
        return NULL;
    }
    watch->poll = epoll_create1(EPOLL_CLOEXEC);
    watch->socket = open_socket(NETLINK_ROUTE);
    if (watch->poll < 0 || watch->socket == NULL || !join_groups(watch) ||
        !poll_socket(watch, watch->socket)) {
        host_fail(err, errno, "cannot watch the network's changes");
        watch_close(watch);
        return NULL;
    }
    int size = SOCKET_BUFFER; /* without the right to it there will be more to read anew, that is all */
    (void)setsockopt(mnl_socket_get_fd(watch->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return watch;
}

bool watch_tables(struct watch *watch, struct host_error *err)
{
    int group = NFNLGRP_NFTABLES;
    if (watch->tables != NULL)
        return true;
    struct mnl_socket *tables = open_socket(NETLINK_NETFILTER);
    if (tables != NULL && mnl_socket_setsockopt(tables, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0 &&
        poll_socket(watch, tables)) {
        watch->tables = tables;
        return true;
    }
    if (errno == EPROTONOSUPPORT)
        (void)host_fail(err, 0, "this Linux kernel has no nf_tables");
    else
        (void)host_fail(err, errno, "cannot watch the changes of nftables");
    if (tables != NULL)
        (void)mnl_socket_close(tables);
    return false;
}

bool watch_neighbours(struct watch *watch, struct host_error *err)
{
    int group = RTNLGRP_NEIGH;
    return mnl_socket_setsockopt(watch->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0 ||
           host_fail(err, errno, "cannot watch the changes of neighbours");
}

void watch_close(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->tables != NULL)
        (void)mnl_socket_close(watch->tables);
    if (watch->socket != NULL)
        (void)mnl_socket_close(watch->socket);
    if (watch->poll >= 0)
        (void)close(watch->poll);
    free(watch);
}

int watch_fd(const struct watch *watch)
{
    return watch->poll;
}

static bool read_socket(struct watch *watch, struct mnl_socket *socket, netlink_reply *seen, void *context,
                        bool *lost, struct host_error *err)
{
    for (;;) {
        ssize_t received = mnl_socket_recvfrom(socket, watch->room, sizeof watch->room);
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

bool watch_read(struct watch *watch, netlink_reply *seen, void *context, bool *lost, struct host_error *err)
{
    return read_socket(watch, watch->socket, seen, context, lost, err) &&
           (watch->tables == NULL || read_socket(watch, watch->tables, seen, context, lost, err));
}
