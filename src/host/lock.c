#include "host/lock.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Names of the abstract kind belong to a network namespace and go with the last descriptor. */
static socklen_t lock_address(struct sockaddr_un *out)
{
    static const char name[] = "\0musubi/host";
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, name, sizeof name - 1);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof name - 1);
}

/* The process that holds the name; pid 0 if it cannot be found out. */
static struct ucred holder(const struct sockaddr_un *address, socklen_t length)
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return peer;
    if (connect(fd, (const struct sockaddr *)address, length) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        peer = (struct ucred){0};
    (void)close(fd);
    return peer;
}

int host_lock(struct host_error *err)
{
    struct sockaddr_un address;
    socklen_t length = lock_address(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        host_fail(err, errno, "cannot open a socket");
        return -1;
    }
    if (bind(fd, (const struct sockaddr *)&address, length) == 0 && listen(fd, 1) == 0)
        return fd;

    int failure = errno;
    (void)close(fd);
    struct ucred other = holder(&address, length);
    if (failure != EADDRINUSE)
        host_fail(err, failure, "cannot take this network namespace");
    else if (other.pid == 0)
        host_fail(err, 0, "another musubid runs in this network namespace");
    else
        host_fail(err, 0, "another musubid (process %d) runs in this network namespace", (int)other.pid);
    if (err != NULL)
        err->number = failure;
    return -1;
}
