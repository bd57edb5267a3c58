#include "daemon/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    FACILITY_DAEMON = 3 << 3,
    SYSLOG_LINE_SIZE = 2400,
};

/* Severities of RFC 5424 6.2.1. */
static const int severities[] = {
    [LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARN] = 4,  [LOG_LEVEL_NOTICE] = 5,
    [LOG_LEVEL_INFO] = 6,  [LOG_LEVEL_DEBUG] = 7,
};

void syslog_init(struct syslog *log, const char *program)
{
    *log = (struct syslog){.program = program, .fd = -1};
}

void syslog_close(struct syslog *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

static bool syslog_connect(struct syslog *log)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    if (log->fd >= 0)
        return true;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return false;
    }
    log->fd = fd;
    return true;
}

void syslog_send(struct syslog *log, enum log_level level, const char *line)
{
    char text[SYSLOG_LINE_SIZE];
    char at[32];
    time_t now = time(NULL);
    struct tm broken;
    if (localtime_r(&now, &broken) == NULL || strftime(at, sizeof(at), "%b %e %H:%M:%S", &broken) == 0)
        return;
    (void)snprintf(text, sizeof(text), "<%d>%s %s[%d]: %s", FACILITY_DAEMON | severities[level], at,
                   log->program, (int)getpid(), line);
    /* The logger may have been restarted since the last line: then a second try connects anew. */
    for (int try = 0; try < 2; try++) {
        if (!syslog_connect(log))
            break;
        if (send(log->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return;
        if (errno == EAGAIN || errno == ENOBUFS)
            break;
        syslog_close(log);
    }
    log->dropped++;
}
