#include "host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_SIZE = 128, NUMBER_SIZE = 16 };

bool host_sysctl_read(const char *path, int *value, struct host_error *err)
{
    char whole[PATH_SIZE], text[NUMBER_SIZE];
    (void)snprintf(whole, sizeof whole, "/proc/sys/net/%s", path);
    int fd = open(whole, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return host_fail(err, errno, "cannot read %s", whole);
    ssize_t length = read(fd, text, sizeof text - 1);
    int failure = errno;
    (void)close(fd);
    if (length <= 0)
        return host_fail(err, failure, "cannot read %s", whole);
    text[length] = '\0';
    *value = (int)strtol(text, NULL, 10);
    return true;
}

bool host_sysctl_put(const char *path, int value, struct host_error *err)
{
    char whole[PATH_SIZE], text[NUMBER_SIZE];
    (void)snprintf(whole, sizeof whole, "/proc/sys/net/%s", path);
    int length = snprintf(text, sizeof text, "%d\n", value);
    int fd = open(whole, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return host_fail(err, errno, "cannot set %s to %d", whole, value);
    ssize_t written = write(fd, text, (size_t)length);
    int failure = errno;
    (void)close(fd);
    /* Some settings of IPv6 answer 1 for success, which then looks like a short write (Linux 6.1). */
    return written > 0 || host_fail(err, failure, "cannot set %s to %d", whole, value);
}

bool host_sysctl_write(const char *path, int value, struct host_error *err)
{
    int old = 0;
    if (!host_sysctl_read(path, &old, err))
        return false;
    return old == value || host_sysctl_put(path, value, err);
}

static void path_of_link(char path[PATH_SIZE], enum ip_family family, const char *link, const char *name)
{
    (void)snprintf(path, PATH_SIZE, "ipv%d/conf/%s/%s", family, link, name);
}

bool host_sysctl_read_link(enum ip_family family, const char *link, const char *name, int *value,
                           struct host_error *err)
{
    char path[PATH_SIZE];
    path_of_link(path, family, link, name);
    return host_sysctl_read(path, value, err);
}

bool host_sysctl_write_link(enum ip_family family, const char *link, const char *name, int value,
                            struct host_error *err)
{
    char path[PATH_SIZE];
    path_of_link(path, family, link, name);
    return host_sysctl_write(path, value, err);
}

static const char *forwarding_path(enum ip_family family)
{
    return family == IP_V4 ? "ipv4/ip_forward" : "ipv6/conf/all/forwarding";
}

bool host_sysctl_read_forwarding(enum ip_family family, bool *on, struct host_error *err)
{
    int value = 0;
    if (!host_sysctl_read(forwarding_path(family), &value, err))
        return false;
    *on = value != 0;
    return true;
}

bool host_sysctl_set_forwarding(enum ip_family family, bool on, struct host_error *err)
{
    return host_sysctl_write(forwarding_path(family), on, err);
}

bool host_sysctl_has_strict_rp_filter(const char *link)
{
    int all = 0, own = 0;
    (void)host_sysctl_read_link(IP_V4, "all", "rp_filter", &all, NULL);
    (void)host_sysctl_read_link(IP_V4, link, "rp_filter", &own, NULL);
    return (all > own ? all : own) == 1; /* Linux takes the larger; 2 is loose */
}

bool host_sysctl_set_ipv6(const char *link, bool on, struct host_error *err)
{
    struct host_error reason;
    if (host_sysctl_write_link(IP_V6, link, "disable_ipv6", !on, &reason))
        return true;
    if (reason.number == ENOENT && !on) /* it is off anyway */
        return true;
    if (reason.number == ENOENT)
        return host_fail(err, 0, "IPv6 cannot be used on %s: its MTU is below 1280 or Linux has no IPv6",
                         link);
    return host_fail_because(err, &reason, "IPv6 on %s", link);
}

static const char ignore_linkdown[] = "ignore_routes_with_linkdown";

bool host_sysctl_ignore_linkdown(enum ip_family family, const char *link, bool ignore, bool known,
                                 struct host_error *err)
{
    char path[PATH_SIZE];
    path_of_link(path, family, link, ignore_linkdown);
    return known ? host_sysctl_put(path, ignore, err) : host_sysctl_write(path, ignore, err);
}

bool host_sysctl_ignores_linkdown(enum ip_family family, const char *link)
{
    int value = 0;
    return host_sysctl_read_link(family, link, ignore_linkdown, &value, NULL) && value != 0;
}
